//! Pools that are filled from a key, that run low, whose addresses are put away and taken back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use payin_core::address::evm_bytes;
use payin_core::event::Who;
use payin_server::app::pool::wallets::{Change, Update};
use payin_server::app::pool::{self, Archive, Named, Restore};
use payin_server::chain::Watch as _;
use payin_server::store::{Failure, Fault};
use payin_server::worker::Worker as _;
use payin_server::worker::stock::Stock;
use payin_server::worker::watch::PoolWatch;
use payin_tests::gateway::{Gateway, Kind, fault, refusal, request};
use payin_tests::openapi::Contract;
use payin_types::pool::{DerivationRange, ImportMode, ListAddresses, PoolCounts};
use payin_types::{AddressState, ErrorCode, ImportAddresses, ImportedAddresses, OrganizationId, PoolAddress, Protocol};
use serde_json::{Value, json};

use super::World;
use super::line::{Line, Sent, at};
use super::outbox::endpoint;
use super::settings::put;

/// m/44'/60'/0' and m/44'/195'/0' of the mnemonic "abandon … about", whose keys everybody has.
const EVM: &str = "xpub6DCoCpSuQZB2jawqnGMEPS63ePKWkwWPH4TU45Q7LPXWuNd8TMtVxRrgjtEshuqpK3mdhaWHPFsBngh5GFZaM6si3yZdUsT8ddYM3PwnATt";
const EVM_TPUB: &str = "tpubDDaRj4Gb7q8V1P8hETLKbMRQyWRAkL1Sph3mQdTFgJHQefHqXajb6sXWyvKfEQo46xJYKA29vMhEUsBgf7QpEYL17aJwAQ7NDb8koR13eMV";
const EVM_XPRV: &str = "xprv9zDSoJv1aBcjX6sNgEpE2J9K6MV2MUnXuqXsFgzVn3zY2aHyupaFQdYCtdCbNMkvcTdx9FeN49sgXw6mjrhrFLRSzJVnRYPfSCCgjeg4GxY";
const TRON: &str = "xpub6D1AabNHCupeiLM65ZR9UStMhJ1vCpyV4XbZdyhMZBiJXALQtmn9p42VTQckoHVn8WNqS7dqnJokZHAHcHGoaQgmv8D45oNUKx6DZMNZBCd";

async fn derive(gateway: &Gateway, organization: &OrganizationId, request: ImportAddresses) -> Result<ImportedAddresses, Failure> {
    gateway.write(pool::Import::new(&gateway.app, organization.clone(), Who::Operator, Ok(request))).await
}

fn key(protocol: Protocol, xpub: &str, count: u32) -> ImportAddresses {
    ImportAddresses::from_xpub(protocol, xpub, count)
}

async fn list(gateway: &Gateway, organization: &OrganizationId, protocol: Protocol) -> Vec<PoolAddress> {
    let query = ListAddresses { limit: Some(100), protocol: Some(protocol), ..Default::default() };
    pool::list(&gateway.app, organization, query).await.expect("a page").data
}

async fn counts(gateway: &Gateway, organization: &OrganizationId) -> PoolCounts {
    pool::status(&gateway.app, organization).await.expect("counts")[&Protocol::Evm]
}

pub async fn keys_fill_a_pool(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let imported = derive(gateway, &organization, key(Protocol::Evm, EVM, 3)).await.unwrap();
    assert_eq!((imported.imported, imported.skipped, &imported.summary.mode), (3, 0, &ImportMode::HdWallet));
    assert_eq!(imported.summary.derivation_range, Some(DerivationRange { start: 0, end: 2 }));
    assert_eq!(imported.summary.master_public_key.as_deref(), Some(EVM));
    // The same key, however it is written, goes on where it ended; a start is taken at its word.
    let more = derive(gateway, &organization, key(Protocol::Evm, EVM_TPUB, 2)).await.unwrap();
    assert_eq!((more.imported, more.summary.derivation_range), (2, Some(DerivationRange { start: 3, end: 4 })));
    let again = derive(gateway, &organization, ImportAddresses { start_index: Some(1), ..key(Protocol::Evm, EVM, 5) }).await.unwrap();
    assert_eq!((again.imported, again.skipped), (1, 4));
    assert_eq!(world.place.rows("SELECT protocol, next_index FROM pool_xpubs").await, [["evm", "6"]]);
    derive(gateway, &organization, key(Protocol::Tron, TRON, 2)).await.unwrap();
    let found = list(gateway, &organization, Protocol::Evm).await;
    assert_eq!(found.iter().map(|one| one.derivation_index).collect::<Vec<_>>(), (0..6).map(Some).collect::<Vec<_>>());
    assert_eq!(found[0].address, "0x9858EfFD232B4033E47d90003D41EC34EcaEda94");
    assert_eq!(list(gateway, &organization, Protocol::Tron).await[0].address, "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH");
    let order = gateway.create(&organization, request("order")).await.unwrap();
    assert_eq!(order.address, found[0].address);
    // Another organization has neither the key nor one of its addresses.
    let other = gateway.merchant(0).await;
    for start in [None, Some(1_000_000)] {
        let error = refusal(derive(gateway, &other, ImportAddresses { start_index: start, ..key(Protocol::Evm, EVM, 1) }).await);
        assert!(error.message.contains("use one of your own") && !error.message.contains(organization.as_str()), "{}", error.message);
    }
    let tron = world.place.value("SELECT address FROM pool_addresses WHERE protocol = 'tron' ORDER BY id LIMIT 1").await;
    world.place.execute("DELETE FROM pool_xpubs WHERE protocol = 'tron'").await;
    let error = refusal(derive(gateway, &other, key(Protocol::Tron, TRON, 1)).await);
    assert!(error.message.contains("some of its addresses") && !error.message.contains(&tron), "{}", error.message);
    assert_eq!(world.place.value("SELECT COUNT(*) FROM pool_xpubs").await, "1", "nothing of a refused import stays");
    what_is_no_key(&world, &organization).await;
    // A key that was put there by somebody else gives nobody's addresses.
    world.place.execute("UPDATE pool_xpubs SET mac = '00'").await;
    let altered = fault(derive(gateway, &organization, key(Protocol::Evm, EVM, 1)).await);
    assert!(matches!(&altered, Fault::Corrupt(text) if text.contains("altered")), "{altered:?}");
}

async fn what_is_no_key(world: &World, organization: &OrganizationId) {
    let before = world.place.value("SELECT COUNT(*) FROM pool_addresses").await;
    let good = || key(Protocol::Evm, EVM, 1);
    for (request, says) in [
        (key(Protocol::Evm, EVM_XPRV, 1), "leaked"),
        (key(Protocol::Solana, EVM_XPRV, 1), "leaked"),
        (key(Protocol::Solana, EVM, 1), "ed25519"),
        (key(Protocol::Evm, &EVM[..100], 1), "mistyped"),
        (key(Protocol::Evm, EVM, 0), "count: must be 1 to 10000"),
        (key(Protocol::Evm, EVM, 10_001), "count: must be 1 to 10000"),
        (ImportAddresses { mode: Some(ImportMode::SelfManaged), ..good() }, "mode: must be hd_wallet"),
        (ImportAddresses { start_index: Some(0x8000_0000), ..good() }, "startIndex: there are no addresses there"),
        (ImportAddresses { start_index: Some(u32::MAX), ..good() }, "startIndex: there are no addresses there"),
        (ImportAddresses { addresses: Some("0x".to_owned()), ..good() }, "either addresses or xpub"),
        (ImportAddresses { xpub: None, ..good() }, "either addresses or xpub"),
        (ImportAddresses { count: Some(1), ..ImportAddresses::new("evm", "0x") }, "count and startIndex"),
        (ImportAddresses { start_index: Some(1), ..ImportAddresses::new("evm", "0x") }, "count and startIndex"),
    ] {
        let error = refusal(derive(&world.gateway, organization, request).await);
        assert_eq!(error.code, ErrorCode::ValidationError);
        assert!(error.message.contains(says), "{}", error.message);
        assert!(!format!("{error:?}").contains(&EVM_XPRV[..12]));
    }
    assert_eq!(world.place.value("SELECT COUNT(*) FROM pool_addresses").await, before);
}

fn worker(gateway: &Gateway) -> Stock {
    Stock::new(gateway.app.clone(), Arc::default())
}

pub async fn a_pool_with_a_key_does_not_run_dry(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    let gateway = &world.gateway;
    let (organization, without) = (gateway.merchant(0).await, gateway.merchant(3).await);
    derive(gateway, &organization, key(Protocol::Evm, EVM, 1)).await.unwrap();
    let watch = PoolWatch::new(gateway.app.clone(), Protocol::Evm);
    assert_eq!(watch.now().await.unwrap().len(), 4);
    // Several servers see at once that few are left; one of them derives.
    let mut workers: Vec<Stock> = (0..4).map(|number| worker(&servers[number % servers.len()])).collect();
    for stepped in join_all(workers.iter_mut().map(|worker| worker.step())).await {
        stepped.unwrap();
    }
    assert_eq!(counts(gateway, &organization).await.available, 200);
    assert_eq!(world.place.value("SELECT next_index FROM pool_xpubs").await, "200");
    assert_eq!(counts(gateway, &without).await.total, 3);
    // What is derived is watched before any block is read after it.
    let known = watch.now().await.unwrap();
    let addresses = world.place.rows("SELECT address FROM pool_addresses WHERE xpub_id IS NOT NULL").await;
    assert!(addresses.iter().all(|row| known.has(&evm_bytes(&row[0]).unwrap())) && addresses.len() == 200);
    // More orders than there were addresses at first, and never two on one.
    let mut given = BTreeSet::new();
    for (round, worker) in workers.iter_mut().take(3).enumerate() {
        let orders = join_all((0..101).map(|number| gateway.create(&organization, request(&format!("order {round} {number}"))))).await;
        given.extend(orders.into_iter().map(|order| order.unwrap().address));
        worker.step().await.unwrap();
    }
    assert_eq!(given.len(), 303);
    assert_eq!(world.place.value("SELECT next_index FROM pool_xpubs").await, "503");
    // Addresses that are there already are passed over.
    world.place.execute("UPDATE pool_addresses SET archived_at = 1 WHERE held = 0").await;
    world.place.execute("UPDATE pool_xpubs SET next_index = 0").await;
    for _ in 0..4 {
        workers[0].step().await.unwrap();
    }
    assert_eq!(counts(gateway, &organization).await.available, 200);
    assert_eq!(world.place.value("SELECT next_index FROM pool_xpubs").await, "703");
    // A newer key is used instead of the older.
    gateway.clock.advance(Duration::from_secs(1));
    derive(gateway, &organization, key(Protocol::Evm, TRON, 1)).await.unwrap();
    world.place.execute("UPDATE pool_addresses SET archived_at = 1 WHERE held = 0").await;
    workers[0].step().await.unwrap();
    assert_eq!(world.place.rows("SELECT next_index FROM pool_xpubs ORDER BY created_at").await, [["703"], ["201"]]);
    // An altered key gives nothing, and keeps nobody else from theirs.
    let other = gateway.merchant(0).await;
    derive(gateway, &other, key(Protocol::Tron, TRON, 1)).await.unwrap();
    world.place.execute("UPDATE pool_addresses SET archived_at = 1 WHERE held = 0 AND protocol = 'evm'").await;
    world.place.execute("UPDATE pool_xpubs SET mac = '00' WHERE protocol = 'evm'").await;
    for _ in 0..2 {
        workers[0].step().await.unwrap();
    }
    assert_eq!(counts(gateway, &organization).await.available, 0);
    assert_eq!(pool::status(&gateway.app, &other).await.unwrap()[&Protocol::Tron].available, 200);
}

pub async fn a_low_pool_is_told_once(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    let gateway = &world.gateway;
    let (organization, deaf) = (gateway.merchant(101).await, gateway.merchant(1).await);
    endpoint(gateway, &organization, r#"["address_pool.low"]"#).await;
    let mut workers: Vec<Stock> = (0..4).map(|number| worker(&servers[number % servers.len()])).collect();
    let told = || async {
        let bodies = world.place.rows("SELECT body FROM events ORDER BY sequence").await;
        bodies.iter().map(|row| serde_json::from_str(&row[0]).unwrap()).collect::<Vec<Value>>()
    };
    gateway.create(&organization, request("order 1")).await.unwrap();
    workers[0].step().await.unwrap();
    assert_eq!(told().await, Vec::<Value>::new(), "a hundred are left");
    gateway.create(&organization, request("order 2")).await.unwrap();
    for stepped in join_all(workers.iter_mut().map(|worker| worker.step())).await {
        stepped.unwrap();
    }
    let first = told().await;
    let [event] = first.as_slice() else { panic!("{first:?}") };
    assert_eq!((&event["type"], &event["sequence"]), (&json!("address_pool.low"), &json!(1)));
    assert_eq!(event["data"], json!({ "protocol": "evm", "available": 99, "total": 101, "threshold": 100 }));
    // Nothing more until it has been above again.
    gateway.create(&organization, request("order 3")).await.unwrap();
    workers[0].step().await.unwrap();
    assert_eq!(told().await.len(), 1);
    gateway.import(&organization, &gateway.addresses(2)).await.unwrap();
    workers[0].step().await.unwrap();
    assert_eq!(world.place.rows("SELECT organization_id FROM pool_alerts").await, [[deaf.as_str().to_owned()]]);
    gateway.create(&organization, request("order 4")).await.unwrap();
    workers[0].step().await.unwrap();
    let both = told().await;
    assert_eq!(both.iter().map(|event| &event["sequence"]).collect::<Vec<_>>(), [1, 2]);
    assert_ne!(both[0]["id"], both[1]["id"]);
    assert_eq!(world.place.value("SELECT COUNT(*) FROM deliveries").await, "2");
}

pub async fn an_import_is_told_with_who_did_it(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (organization, other) = (gateway.merchant(0).await, gateway.merchant(0).await);
    // Who does not ask for it by name is not told: what was there before it is, are told as before.
    endpoint(gateway, &other, r#"["*"]"#).await;
    endpoint(gateway, &organization, r#"["address_pool.imported"]"#).await;
    let addresses = gateway.addresses(3);
    let by_key = Who::Key { id: "key_1".into(), prefix: "pk_test_4Hq1".to_owned() };
    let import = async |organization: &OrganizationId, who: &Who, request: ImportAddresses| {
        gateway.write(pool::Import::new(&gateway.app, organization.clone(), who.clone(), Ok(request))).await
    };
    let listed = |addresses: &[String]| ImportAddresses::new(Protocol::Evm, addresses.join("\n"));
    import(&organization, &by_key, listed(&addresses[..2])).await.unwrap();
    // What brings nothing is nothing to tell, and what is refused leaves no trace.
    import(&organization, &by_key, listed(&addresses[..2])).await.unwrap();
    refusal(import(&other, &by_key, listed(&addresses)).await);
    import(&organization, &by_key, listed(&addresses)).await.unwrap();
    import(&organization, &Who::Person("usr_1".into()), key(Protocol::Tron, TRON, 5)).await.unwrap();
    import(&other, &by_key, listed(&gateway.addresses(1))).await.unwrap();
    // A key whose only address is there already brings none, and the pool is filled from it all the same.
    let robbed = gateway.merchant(0).await;
    endpoint(gateway, &robbed, r#"["address_pool.imported"]"#).await;
    import(&robbed, &by_key, listed(&["0x9858EfFD232B4033E47d90003D41EC34EcaEda94".to_owned()])).await.unwrap();
    for _ in 0..2 {
        let again = ImportAddresses { start_index: Some(0), ..key(Protocol::Evm, EVM, 1) };
        assert_eq!(import(&robbed, &by_key, again).await.unwrap().imported, 0);
    }
    let bodies = world.place.rows("SELECT body FROM events ORDER BY created_at, id").await;
    let told: Vec<Value> = bodies.iter().map(|row| serde_json::from_str(&row[0]).unwrap()).collect();
    let key_did = json!({ "type": "api_key", "id": "key_1", "prefix": "pk_test_4Hq1" });
    let said = |protocol: &str, mode: &str, counts: (u64, u64), by: &Value| json!([protocol, mode, counts.0, counts.1, by]);
    let mut data: Vec<Value> = told
        .iter()
        .map(|event| {
            assert_eq!((&event["type"], &event["sequence"]), (&json!("address_pool.imported"), &json!(1)));
            Contract::load().check_event("address_pool.imported", event).unwrap();
            let data = &event["data"];
            assert_eq!(event["id"], format!("evt_address_pool_imported_{}", data["importId"].as_str().unwrap()));
            json!([data["protocol"], data["mode"], data["imported"], data["skipped"], data["importedBy"]])
        })
        .collect();
    data.sort_by_key(ToString::to_string);
    let user_did = json!({ "type": "user", "id": "usr_1" });
    let expected = [
        said("evm", "hd_wallet", (0, 1), &key_did),
        said("evm", "self_managed", (1, 0), &key_did),
        said("evm", "self_managed", (1, 2), &key_did),
        said("evm", "self_managed", (2, 0), &key_did),
        said("tron", "hd_wallet", (5, 0), &user_did),
    ];
    assert_eq!(data, expected);
    assert_eq!(world.place.value("SELECT COUNT(*) FROM deliveries").await, "5");
}

pub async fn an_owner_says_when_a_pool_is_low(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (own, usual) = (gateway.merchant(7).await, gateway.merchant(101).await);
    endpoint(gateway, &own, r#"["address_pool.low"]"#).await;
    put(gateway, &own, "address_pool.low_threshold", json!(5)).await;
    let mut worker = worker(gateway);
    let mut told = Vec::new();
    for left in [6, 5, 4, 3] {
        gateway.create(&own, request(&format!("{left} left"))).await.unwrap();
        worker.step().await.unwrap();
        assert_eq!(counts(gateway, &own).await.available, left);
        told.push(world.place.value(&format!("SELECT COUNT(*) FROM events WHERE organization_id = '{own}'")).await);
    }
    assert_eq!(told, ["0", "0", "1", "1"]);
    let body: Value = serde_json::from_str(&world.place.value("SELECT body FROM events").await).unwrap();
    assert_eq!(body["data"], json!({ "protocol": "evm", "available": 4, "total": 7, "threshold": 5 }));
    // The other's is the deployment's, whatever its neighbour chose; the one who chose may choose again.
    put(gateway, &own, "low_threshold", json!(3)).await;
    for reference in ["one", "two"] {
        gateway.create(&usual, request(reference)).await.unwrap();
    }
    worker.step().await.unwrap();
    assert_eq!(world.place.rows("SELECT organization_id FROM pool_alerts").await, [[usual.as_str().to_owned()]]);
}

pub async fn addresses_are_put_away_and_taken_back(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (organization, other) = (gateway.merchant(2).await, gateway.merchant(0).await);
    let named = |organization: &OrganizationId, address: &str| Named::new(&gateway.app, organization.clone(), address.to_owned());
    let archive = |address: &str| gateway.write(Archive(named(&organization, address)));
    let restore = |address: &str| gateway.write(Restore(named(&organization, address)));
    let order = gateway.create(&organization, request("first")).await.unwrap();
    let held = refusal(archive(&order.address).await);
    assert_eq!(held.code, ErrorCode::InvalidState);
    assert!(held.message.contains(order.order_id.as_str()), "{}", held.message);
    let free = list(gateway, &organization, Protocol::Evm).await[1].address.clone();
    for form in [free.to_lowercase(), free.clone()] {
        let away = archive(&form).await.unwrap();
        assert_eq!((away.address, away.state), (free.clone(), AddressState::Archived));
    }
    let counted = counts(gateway, &organization).await;
    assert_eq!((counted.total, counted.available, counted.archived), (2, 0, 1));
    assert_eq!(refusal(gateway.create(&organization, request("second")).await).code, ErrorCode::NoAvailableAddresses);
    // It is still watched: money that comes is seen.
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.block(at(1), &[Sent::to(&free, "5", "0x1")]).await;
    assert_eq!(world.place.value("SELECT COUNT(*) FROM transfers WHERE unmatched IS NOT NULL").await, "1");
    // Taken back it rests, because of that money.
    let back = restore(&free).await.unwrap();
    let rested = gateway.now().plus(Duration::from_secs(30 * 60));
    assert_eq!((back.state, back.cooldown_until), (AddressState::Cooldown, Some(rested)));
    assert_eq!(restore(&free).await.unwrap().cooldown_until, Some(rested), "once is enough");
    gateway.clock.advance(Duration::from_secs(30 * 60));
    // Somebody knows it: it is handed out when every chain of the family has been read so far, and not by our clock alone.
    assert_eq!(restore(&free).await.unwrap().state, AddressState::Cooldown);
    line.block(gateway.now(), &[]).await;
    for chain in ["base-sepolia", "bsc-testnet"] {
        Line::new(gateway, chain).await.block(gateway.now(), &[]).await;
    }
    assert_eq!(restore(&free).await.unwrap().state, AddressState::Available);
    // Put away with nothing against it, it is free at once.
    archive(&free).await.unwrap();
    assert_eq!(restore(&free).await.unwrap().state, AddressState::Available);
    assert_eq!(restore(&order.address).await.unwrap().order_id, Some(order.order_id.clone()));
    // What is not there, not ours, or no address at all: the same words.
    for (whose, address) in [(&other, free.as_str()), (&other, "0x9858EfFD232B4033E47d90003D41EC34EcaEda94"), (&organization, "nonsense")] {
        let away = refusal(gateway.write(Archive(named(whose, address))).await);
        assert_eq!(
            (away.code.clone(), away.message.as_str()),
            (ErrorCode::ResourceNotFound, &*format!("Address '{address}' does not exist"))
        );
        assert_eq!(refusal(gateway.write(Restore(named(whose, address))).await), away);
    }
    // Two who want opposite things: one of them is told so.
    let (away, taken) = futures_util::join!(archive(&free), gateway.create(&organization, request("third")));
    let open = world.place.value("SELECT COUNT(*) FROM pool_addresses WHERE held = 1 AND archived_at IS NOT NULL").await;
    assert_eq!(open, "0", "{away:?} {taken:?}");
    // An altered one is not shown as ours.
    world.place.execute(&format!("UPDATE pool_addresses SET mac = '00' WHERE address = '{free}'")).await;
    assert!(matches!(fault(restore(&free).await), Fault::Corrupt(_)));
}

pub async fn a_key_is_put_away_with_its_addresses(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    derive(gateway, &organization, key(Protocol::Evm, EVM, 3)).await.unwrap();
    let id = world.place.value("SELECT id FROM pool_xpubs").await;
    let set = async |is_active: bool| {
        let change = Change { is_active: Some(is_active), ..Change::default() };
        let update = || Update::new(&gateway.app, organization.clone(), Protocol::Evm, id.clone(), Ok(change.clone()));
        // Two at once want the same.
        let both = futures_util::join!(gateway.write(update()), gateway.write(update()));
        assert_eq!((both.0.unwrap().is_active, both.1.unwrap().is_active), (is_active, is_active));
    };
    let states = async || list(gateway, &organization, Protocol::Evm).await.into_iter().map(|one| one.state).collect::<Vec<_>>();
    let order = gateway.create(&organization, request("first")).await.unwrap();
    // The last was put away by itself before.
    let last = list(gateway, &organization, Protocol::Evm).await[2].address.clone();
    gateway.write(Archive(Named::new(&gateway.app, organization.clone(), last))).await.unwrap();
    gateway.clock.advance(Duration::from_secs(1));
    set(false).await;
    assert_eq!(states().await, [AddressState::Allocated, AddressState::Archived, AddressState::Archived]);
    assert_eq!(refusal(gateway.create(&organization, request("second")).await).code, ErrorCode::NoAvailableAddresses);
    worker(gateway).step().await.unwrap();
    assert!(refusal(derive(gateway, &organization, key(Protocol::Evm, EVM, 1)).await).message.contains("was put away"));
    assert_eq!(counts(gateway, &organization).await.total, 3, "nothing more is derived");
    // The one that was held goes the same way when its order is over; it is still watched until then, and after.
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.blocks(4, at(15 * 60 + 1)).await;
    assert_eq!(line.expire().await, std::slice::from_ref(&order.order_id));
    line.finalize(at(15 * 60 + 6)).await;
    assert_eq!(line.release().await, [order.order_id]);
    assert_eq!(states().await, [const { AddressState::Archived }; 3]);
    set(true).await;
    assert_eq!(states().await, [AddressState::Cooldown, AddressState::Available, AddressState::Archived]);
    worker(gateway).step().await.unwrap();
    assert!(counts(gateway, &organization).await.total > 3);
}

pub async fn an_altered_address_stops_nobody_else(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(12).await;
    world.place.execute("UPDATE pool_addresses SET mac = '00' WHERE id IN (1, 2, 5)").await;
    let orders = join_all((0..9).map(|number| gateway.create(&organization, request(&format!("order {number}"))))).await;
    let given: BTreeSet<String> = orders.into_iter().map(|order| order.unwrap().address).collect();
    assert_eq!(given.len(), 9);
    let kept = world.place.rows("SELECT id FROM pool_addresses WHERE quarantined_at IS NOT NULL AND held = 0 ORDER BY id").await;
    assert_eq!(kept, [["1"], ["2"], ["5"]]);
    assert_eq!(refusal(gateway.create(&organization, request("one more")).await).code, ErrorCode::NoAvailableAddresses);
    // One altered again and again: nothing is given out, and nothing hangs.
    let victim = gateway.merchant(40).await;
    world.place.execute(&format!("UPDATE pool_addresses SET mac = '00' WHERE organization_id = '{victim}'")).await;
    let refused = fault(gateway.create(&victim, request("order")).await);
    assert!(matches!(&refused, Fault::Corrupt(text) if text.contains("altered")), "{refused:?}");
}
