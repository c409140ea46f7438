//! The address pool: imports whole or not at all, an address in one pool only, and watchers that learn of every address.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use payin_core::address::evm_bytes;
use payin_core::event::Who;
use payin_server::app::pool;
use payin_server::chain::Watch as _;
use payin_server::store::pool::{Filter, FreeBy};
use payin_server::worker::watch::PoolWatch;
use payin_tests::gateway::{Gateway, Kind, refusal, request};
use payin_types::pool::ListAddresses;
use payin_types::{AddressState, ErrorCode, ImportAddresses, OrganizationId, PoolAddress, Protocol};

use super::World;

async fn list(gateway: &Gateway, organization: &OrganizationId, query: ListAddresses) -> (Vec<PoolAddress>, u64) {
    let page = pool::list(&gateway.app, organization, ListAddresses { limit: Some(100), ..query }).await.expect("a page");
    (page.data, page.pagination.total)
}

pub async fn imports_are_all_or_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let count = || world.place.value("SELECT COUNT(*) FROM pool_addresses");
    let good = gateway.addresses(1200);
    let mut bad = good.clone();
    bad[1150] = "0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb0".to_owned();
    bad[1160] = gateway.chain("base-sepolia").tokens[0].contract.as_str().to_owned();
    let error = refusal(gateway.import(&organization, &bad).await);
    assert_eq!(error.code, ErrorCode::ValidationError);
    let lines: Vec<u64> = error.details.unwrap().as_array().unwrap().iter().map(|line| line["line"].as_u64().unwrap()).collect();
    assert_eq!((lines, count().await), (vec![1151, 1161], "0".to_owned()));
    // More than fit in one statement, some twice in the text, some there before.
    let first = gateway.import(&organization, &good[..700]).await.unwrap();
    assert_eq!((first.imported, first.skipped), (700, 0));
    let mut doubled = good.clone();
    doubled.extend(good[1190..].iter().map(|address| address.to_lowercase()));
    let second = gateway.import(&organization, &doubled).await.unwrap();
    assert_eq!((second.imported, second.skipped, second.errors.len()), (500, 710, 0));
    assert_eq!(count().await, "1200");
    assert_eq!(gateway.import(&organization, &good).await.unwrap().imported, 0);
    let in_order = world.place.rows("SELECT address FROM pool_addresses ORDER BY id").await;
    assert_eq!(in_order.into_iter().flatten().collect::<Vec<_>>(), good);
    // What is no import at all.
    let wrong = |protocol: &str, mode: Option<&str>| ImportAddresses {
        mode: mode.map(Into::into),
        ..ImportAddresses::new(protocol, good[0].clone())
    };
    for request in [wrong("btc", None), wrong("tron", None), wrong("evm", Some("stolen"))] {
        let result = gateway.write(pool::Import::new(&gateway.app, organization.clone(), Who::Operator, Ok(request))).await;
        assert_eq!(refusal(result).code, ErrorCode::ValidationError);
    }
}

pub async fn an_address_belongs_to_one(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    let gateway = &world.gateway;
    let (mine, theirs) = (gateway.merchant(0).await, gateway.merchant(0).await);
    let addresses = gateway.addresses(20);
    gateway.import(&mine, &addresses[..10]).await.unwrap();
    let error = refusal(gateway.import(&theirs, &addresses[8..]).await);
    assert_eq!(error.code, ErrorCode::ValidationError);
    let details = error.details.unwrap();
    let named: Vec<&str> = details.as_array().unwrap().iter().map(|line| line["address"].as_str().unwrap()).collect();
    assert_eq!(named, [&addresses[8], &addresses[9]]);
    assert!(!error.message.contains(mine.as_str()) && !details.to_string().contains(mine.as_str()));
    assert_eq!(list(gateway, &theirs, ListAddresses::default()).await.1, 0, "all or nothing");
    // Both want the same new ones at the same time.
    let import = |number: usize| {
        let organization = if number % 4 < 2 { &mine } else { &theirs };
        servers[number % servers.len()].import(organization, &addresses[10..])
    };
    let results = join_all((0..8).map(import)).await;
    let imported: u64 = results.iter().flatten().map(|done| done.imported).sum();
    assert_eq!(imported, 10);
    let owners = "SELECT COUNT(DISTINCT organization_id) FROM pool_addresses WHERE id > 10";
    assert_eq!(world.place.value(owners).await, "1");
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 4, "the other organization's are refused");
}

pub async fn watchers_miss_no_import(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    let organization = world.gateway.merchant(0).await;
    let watch = PoolWatch::new(world.gateway.app.clone(), Protocol::Evm);
    let import = |number: usize| {
        let server = &servers[number % servers.len()];
        let (organization, watch) = (&organization, &watch);
        async move {
            // Some of the same, so that numbers are left out, and of very different lengths, so that they overtake each other.
            let addresses = server.addresses(1 + number * 37 % 90);
            server.import(organization, &addresses).await.expect("an import");
            // Whoever asks after the commit is told of every address, whatever is being imported beside it.
            let known = watch.now().await.expect("what is watched");
            let missed = addresses.iter().filter(|address| !known.has(&evm_bytes(address).unwrap())).count();
            assert_eq!(missed, 0, "import {number}");
            addresses
        }
    };
    let all: Vec<String> = join_all((0..40).map(import)).await.into_iter().flatten().collect();
    assert_eq!(watch.now().await.unwrap().len(), all.len());
    let ids = world.place.rows("SELECT id FROM pool_addresses ORDER BY id").await;
    assert_eq!(ids.iter().flatten().collect::<BTreeSet<_>>().len(), all.len());
    assert_eq!(world.place.value("SELECT value FROM counters WHERE name = 'pool_addresses'").await, ids.last().unwrap()[0]);
}

pub async fn addresses_are_listed_by_state(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(7).await;
    let now = gateway.now().millis();
    let order = gateway.create(&organization, request("order")).await.unwrap();
    for (id, change) in [
        (2, format!("quarantined_at = {now}")),
        (3, format!("claimable_from = {}, reuse_class = 1", now + 1)),
        (4, format!("claimable_from = {now}, reuse_class = 1")),
        (5, "held = 1, derivation_index = 77".to_owned()),
        // Put away counts more than kept back.
        (7, format!("archived_at = {now}, quarantined_at = {now}")),
    ] {
        assert_eq!(world.place.execute(&format!("UPDATE pool_addresses SET {change} WHERE id = {id}")).await, 1);
    }
    let bound = "INSERT INTO assignments (holder_id, holder_kind, address_id, begins_at) VALUES ('dep_1', 'deposit', 5, 0)";
    world.place.execute(bound).await;
    let binding = "INSERT INTO deposit_bindings (id, organization_id, reference, currency, chain_id, protocol, address_id, address, created_at) \
                   VALUES ('dep_1', 'org', 'user 7', 'USDT', 'ethereum-sepolia', 'evm', 5, '0x', 0)";
    world.place.execute(binding).await;
    let ids = world.place.rows("SELECT address FROM pool_addresses ORDER BY id").await;
    let expected = [
        (AddressState::Allocated, vec![1]),
        (AddressState::Quarantined, vec![2]),
        (AddressState::Cooldown, vec![3]),
        (AddressState::Available, vec![4, 6]),
        (AddressState::Bound, vec![5]),
        (AddressState::Archived, vec![7]),
    ];
    for (state, rows) in expected {
        for protocol in [None, Some(Protocol::Evm)] {
            let (found, total) =
                list(gateway, &organization, ListAddresses { state: Some(state.clone()), protocol, ..Default::default() }).await;
            let addresses: Vec<&str> = found.iter().map(|found| found.address.as_str()).collect();
            assert_eq!(addresses, rows.iter().map(|row: &usize| ids[row - 1][0].as_str()).collect::<Vec<_>>(), "{state}");
            assert_eq!(total, u64::try_from(rows.len()).unwrap());
            assert!(found.iter().all(|found| found.state == state));
            let holder = (state == AddressState::Allocated).then(|| order.order_id.clone());
            assert!(found.iter().all(|found| found.order_id == holder));
            let bound = state == AddressState::Bound;
            assert!(found.iter().all(|found| found.deposit_reference.as_deref() == bound.then_some("user 7")));
            assert!(found.iter().all(|found| found.derivation_index == bound.then_some(77)));
        }
    }
    let tron = ListAddresses { protocol: Some(Protocol::Tron), ..Default::default() };
    assert_eq!(list(gateway, &organization, tron).await.1, 0);
    let unknown = ListAddresses { state: Some(AddressState::from("lost")), ..Default::default() };
    assert_eq!(refusal(pool::list(&gateway.app, &organization, unknown).await).code, ErrorCode::ValidationError);
    let lost = Some(AddressState::from("lost"));
    let nowhere = Filter { organization_id: organization.clone(), protocol: None, state: lost, free_by: FreeBy::default() };
    let mut conn = gateway.app.store.read().await.unwrap();
    assert_eq!(payin_server::store::pool::list(&mut conn, &nowhere, 10, 0).await.unwrap().1, 0);
    drop(conn);
    let (all, total) = list(gateway, &organization, ListAddresses::default()).await;
    assert_eq!((all.len(), total), (7, 7));
    let counts = pool::status(&gateway.app, &organization).await.unwrap()[&Protocol::Evm];
    let counted = [counts.total, counts.available, counts.allocated, counts.bound, counts.cooling_down, counts.quarantined];
    assert_eq!((counted, counts.archived), ([7, 2, 1, 1, 1, 1], 1));
}
