//! What other APIs name things by: orders by number, wallets by what was added, webhook endpoints beside the native ones.

use futures_util::future::join_all;
use payin_core::address::Address;
use payin_core::cryptopay::{CryptoPay, NAME};
use payin_core::event::Who;
use payin_server::app::dialect::endpoints::{Change, Create, New, Update};
use payin_server::app::dialect::{self, Open, Wish, endpoints};
use payin_server::app::pool::wallets::{self, Add, New as NewWallet};
use payin_tests::gateway::{Gateway, Kind, refusal, request};
use payin_types::{ErrorCode, EventType, OrganizationId, Protocol};

use super::World;
use super::line::{Line, Sent, at};

const CHAIN: &str = "ethereum-sepolia";
const XPUB: &str = "xpub6DCoCpSuQZB2jawqnGMEPS63ePKWkwWPH4TU45Q7LPXWuNd8TMtVxRrgjtEshuqpK3mdhaWHPFsBngh5GFZaM6si3yZdUsT8ddYM3PwnATt";

async fn open(gateway: &Gateway, organization: &OrganizationId, reference: &str) -> dialect::Opened {
    let wish = Wish { order: request(reference), fingerprint: String::new(), webhook: None, ends_at: None, is_numbered: true };
    gateway.write(Open::new(&gateway.app, &CryptoPay, organization.clone(), Ok(wish))).await.expect("an order")
}

pub async fn orders_are_numbered_without_gaps(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    let (organization, other) = (world.gateway.merchant(40).await, world.gateway.merchant(2).await);
    let references: Vec<String> = (0..24).map(|n| (n / 2).to_string()).collect();
    let all = references.iter().enumerate().map(|(n, reference)| open(&servers[n % servers.len()], &organization, reference));
    let mut numbers: Vec<u64> = join_all(all).await.into_iter().map(|opened| opened.order.number.expect("a number")).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
    // Another organization counts for itself, and finds nothing of this one's.
    assert_eq!(open(&world.gateway, &other, "R").await.order.number, Some(1));
    let app = &world.gateway.app;
    let found = dialect::get_by_number(app, NAME, &organization, 7).await.expect("found");
    assert_eq!(found.number, Some(7));
    for (api, organization, number) in
        [(NAME, &other, 7), ("other", &organization, 7), (NAME, &organization, 13), (NAME, &organization, u64::MAX)]
    {
        assert_eq!(refusal(dialect::get_by_number(app, api, organization, number).await).code, ErrorCode::ResourceNotFound);
    }
}

pub async fn a_wallet_is_what_was_added_by_itself(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (organization, other) = (gateway.merchant(1).await, gateway.merchant(0).await);
    let add = async |organization: &OrganizationId, new: NewWallet| {
        let unit = Add::new(&gateway.app, organization.clone(), Who::Operator, Protocol::Evm, Ok((CHAIN.into(), new)));
        gateway.write(unit).await
    };
    let address = Address::from_evm_bytes(&[9; 20]).as_str().to_owned();
    // However many ask at once, it is added once.
    let all = join_all((0..4).map(|_| add(&organization, NewWallet::Address(address.to_lowercase())))).await;
    assert_eq!(all.iter().filter(|added| added.is_ok()).count(), 1);
    let account = add(&organization, NewWallet::Xpub(XPUB.to_owned())).await.expect("an account");
    assert_eq!((account.xpub.is_some(), account.chain_id), (true, Some(CHAIN.into())));
    for (organization, new) in [
        (&organization, NewWallet::Xpub(XPUB.to_owned())),
        (&other, NewWallet::Xpub(XPUB.to_owned())),
        (&other, NewWallet::Address(address.clone())),
    ] {
        assert_eq!(refusal(add(organization, new).await).code, ErrorCode::ValidationError, "it is somebody's");
    }
    let list =
        async |organization: &OrganizationId| wallets::list(&gateway.app, organization, &Protocol::Evm, (1, 50)).await.expect("a list");
    let (listed, total) = list(&organization).await;
    // The one that was imported counts, too; what was derived does not.
    assert_eq!((listed.len(), total), (3, 3));
    assert!(listed.iter().all(|wallet| wallet.is_active));
    assert_eq!(list(&other).await.1, 0);
    // One that was altered is shown to nobody.
    world.place.execute(&format!("UPDATE pool_addresses SET mac = 'x' WHERE address = '{address}'")).await;
    assert!(wallets::list(&gateway.app, &organization, &Protocol::Evm, (1, 50)).await.is_err());
}

pub async fn endpoints_of_another_api_hear_of_it_alone(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(5).await;
    let create = async |events: &[&str], api: &'static str| {
        let events = events.iter().map(|event| EventType::from(*event)).collect();
        let new = New { url: "https://a.example/hook".to_owned(), events, secret: None };
        gateway.write(Create::new(&gateway.app, api, organization.clone(), Ok(new))).await.expect("an endpoint")
    };
    let (paid, all, elsewhere) = (
        create(&["payment.confirmed"], NAME).await,
        create(&["payment.pending", "payment.confirmed"], NAME).await,
        create(&["payment.confirmed"], "other").await,
    );
    assert_eq!((paid.secret.as_ref(), all.secret.as_ref()), (all.secret.as_ref(), elsewhere.secret.as_ref()), "the organization's");
    let (listed, total) = endpoints::list(&gateway.app, NAME, &organization, (1, 50)).await.expect("a list");
    assert_eq!((listed.len(), total), (2, 2));
    let update = async |api: &'static str, id: &str, is_active: bool| {
        let change = Change { url: None, events: None, is_active: Some(is_active) };
        gateway.write(Update::new(&gateway.app, api, organization.clone(), id.to_owned(), Ok(change))).await
    };
    assert_eq!(refusal(update(NAME, elsewhere.id.as_str(), false).await).code, ErrorCode::ResourceNotFound);

    let mut line = Line::new(gateway, CHAIN).await;
    let pays = async |reference: &str| {
        let address = open(gateway, &organization, reference).await.order.shown.facts.address.as_str().to_owned();
        Sent::to(&address, "100.00", &format!("0x{reference}"))
    };
    let (first, second) = (pays("1").await, pays("2").await);
    line.block(at(10), &[first]).await;
    line.blocks(4, at(20)).await;
    line.settle().await;
    let told = async |id: &str| {
        let query = format!(
            "SELECT COUNT(*) FROM deliveries d JOIN events e ON e.id = d.event_id WHERE d.endpoint_id = '{id}' AND e.api = '{NAME}'"
        );
        world.place.value(&query).await
    };
    let counts = async || [told(paid.id.as_str()).await, told(all.id.as_str()).await, told(elsewhere.id.as_str()).await];
    assert_eq!(counts().await, ["1", "2", "0"]);
    update(NAME, all.id.as_str(), false).await.expect("switched off");
    line.block(at(30), &[second]).await;
    line.blocks(4, at(40)).await;
    line.settle().await;
    assert_eq!(counts().await, ["2", "2", "0"]);
}
