//! Orders through another API: opened once however often they are asked for, found by their API and organization alone, listed by where
//! they stand, told in that API's words.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use payin_core::dialect::Stage;
use payin_core::paywarden::{NAME, PayWarden};
use payin_sdk::webhook::{self, Scheme, Verifier};
use payin_server::app::dialect::{self, Open, Opened, Replace, Secret, Told, Wish};
use payin_server::env::{Answer, Http, Outgoing, SendFault};
use payin_server::store::Failure;
use payin_server::worker::deliver::Deliver;
use payin_server::worker::{Did, Worker as _};
use payin_tests::gateway::{Gateway, Kind, refusal, request};
use payin_types::{ErrorCode, ExposeSecret as _, OrganizationId};

use super::World;
use super::line::{Line, Sent, at};

fn wish(reference: &str, fingerprint: &str, webhook: Option<&str>) -> Wish {
    let webhook = webhook.map(|url| ("webhook_url", url.to_owned()));
    Wish { order: request(reference), fingerprint: fingerprint.to_owned(), webhook, ends_at: None, is_numbered: false }
}

async fn open(gateway: &Gateway, organization: &OrganizationId, wish: Wish) -> Result<Opened, Failure> {
    gateway.write(Open::new(&gateway.app, &PayWarden, organization.clone(), Ok(wish))).await
}

pub async fn the_same_wish_is_the_same_order(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(40).await;
    let all = (0..16).map(|n: usize| open(&servers[n % servers.len()], &organization, wish("R", "1", Some("https://a.example/hook"))));
    let opened: Vec<Opened> = join_all(all).await.into_iter().map(|opened| opened.expect("an order")).collect();
    assert_eq!(opened.iter().filter(|opened| opened.is_new).count(), 1);
    assert!(opened.iter().all(|other| other.order.shown.facts.id == opened[0].order.shown.facts.id));
    for (table, rows) in [("orders", "1"), ("webhook_endpoints", "1"), ("assignments", "1")] {
        assert_eq!(world.place.value(&format!("SELECT COUNT(*) FROM {table}")).await, rows, "{table}");
    }
    let other = refusal(open(gateway, &organization, wish("R", "2", None)).await);
    assert_eq!((other.code, other.existing_order_id), (ErrorCode::DuplicateOrderReference, Some(opened[0].order.shown.facts.id.clone())));
    // Through which API it came is part of it, both ways.
    gateway.create(&organization, request("N")).await.expect("a native order");
    assert_eq!(refusal(open(gateway, &organization, wish("N", "1", None)).await).code, ErrorCode::DuplicateOrderReference);
    assert_eq!(refusal(gateway.create(&organization, request("R")).await).code, ErrorCode::DuplicateOrderReference);
    // One secret for an organization, whoever asks first.
    let secrets = join_all(servers.iter().map(|server| server.write(Secret::new(&server.app, organization.clone())))).await;
    let secrets: Vec<String> = secrets.into_iter().map(|secret| secret.expect("a secret").secret.expose_secret().to_owned()).collect();
    assert!(secrets.iter().all(|secret| *secret == secrets[0]) && secrets[0].starts_with("whsec_"));
    let stranger = gateway.merchant(1).await;
    assert_ne!(gateway.write(Secret::new(&gateway.app, stranger)).await.expect("a secret").secret.expose_secret(), secrets[0]);
}

pub async fn orders_are_found_through_their_own_api(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (organization, stranger) = (gateway.merchant(5).await, gateway.merchant(1).await);
    let order = open(gateway, &organization, wish("R", "1", None)).await.expect("an order").order.shown.facts;
    let native = gateway.create(&organization, request("N")).await.expect("a native order");
    let app = &gateway.app;
    assert_eq!(dialect::get(app, NAME, &organization, order.id.as_str()).await.expect("found").shown.facts, order);
    assert_eq!(dialect::find(app, NAME, order.id.as_str()).await.expect("found").shown.facts, order);
    for (api, organization, id) in [
        (NAME, &stranger, order.id.as_str()),
        ("other", &organization, order.id.as_str()),
        (NAME, &organization, native.order_id.as_str()),
        (NAME, &organization, "a\0b"),
    ] {
        assert_eq!(refusal(dialect::get(app, api, organization, id).await).code, ErrorCode::ResourceNotFound, "{api} {id}");
    }
    assert_eq!(refusal(dialect::find(app, "other", order.id.as_str()).await).code, ErrorCode::ResourceNotFound);
    assert_eq!(gateway.order(&organization, order.id.as_str()).await.order_reference, "R");
}

/// Answers by the path that is posted to.
struct Shop;

impl Http for Shop {
    fn post(&self, request: Outgoing) -> BoxFuture<'_, Result<Answer, SendFault>> {
        let signed = request.headers.iter().any(|(name, value)| name == "X-PayWarden-Signature" && value.starts_with("sha256="));
        assert!(signed, "{:?}", request.headers);
        let status = if request.url.path() == "/good" { 200 } else { 500 };
        futures_util::future::ready(Ok(Answer { status, body: Vec::new(), retry_after: None })).boxed()
    }
}

async fn deliver(gateway: &Gateway) {
    let mut worker = Deliver::new(gateway.app.clone(), Arc::new(Shop) as Arc<dyn Http>, Arc::default(), Arc::default());
    while worker.step().await.expect("a step") == Did::Work {}
}

pub async fn what_a_list_says_is_what_the_rule_says(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(10).await;
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    let mut addresses = BTreeMap::new();
    let all =
        [("over", None), ("open", None), ("seen", None), ("gone", None), ("paid", None), ("good", Some("good")), ("bad", Some("bad"))];
    for (name, hook) in all {
        let url = hook.map(|path| format!("https://a.example/{path}"));
        let opened = open(gateway, &organization, wish(name, "1", url.as_deref())).await.expect("an order");
        addresses.insert(name, opened.order.shown.facts.address.as_str().to_owned());
        gateway.clock.advance(Duration::from_secs(if name == "over" { 2000 } else { 1 }));
    }
    let pays = |name: &str| Sent::to(&addresses[name], "100.00", &format!("0x{name}"));
    line.block(at(2020), &[pays("paid"), pays("good"), pays("bad")]).await;
    // Past the hour and the grace of the first, and not of the others.
    line.blocks(4, at(3901)).await;
    line.settle().await;
    line.expire().await;
    // Paid, and then its chain has it no more.
    line.block(at(3910), &[pays("gone")]).await;
    line.blocks(4, at(3911)).await;
    line.settle().await;
    line.reorganise(5).await;
    line.block(at(3920), &[pays("seen")]).await;
    // Ten attempts, and no more.
    for _ in 0..12 {
        deliver(gateway).await;
        gateway.clock.advance(Duration::from_secs(600));
    }
    let list = async |stage: Option<Stage>| {
        let listed = dialect::list(&gateway.app, NAME, &organization, stage, (None, None)).await.expect("a list");
        assert_eq!(listed.total, listed.orders.len() as u64);
        listed.orders
    };
    let all = list(None).await;
    let references: Vec<&str> = all.iter().map(|order| order.shown.facts.terms.reference.as_str()).collect();
    assert_eq!(references, ["bad", "good", "paid", "gone", "seen", "open", "over"]);
    let mut found = 0;
    for (stage, _) in Stage::ALL {
        for order in list(Some(stage)).await {
            assert_eq!(Stage::of(&order.shown.facts, order.heard), stage);
            found += 1;
        }
    }
    assert_eq!(found, all.len(), "each stands in one place");
    let stands = |name: &str| {
        all.iter().find(|order| order.shown.facts.terms.reference == name).map(|order| Stage::of(&order.shown.facts, order.heard))
    };
    let expected = [Stage::Open, Stage::Seen, Stage::Seen, Stage::Paid, Stage::Acknowledged, Stage::GivenUp, Stage::Expired];
    assert_eq!(["open", "seen", "gone", "paid", "good", "bad", "over"].map(stands), expected.map(Some));
    let attempts = "SELECT d.attempts FROM deliveries d JOIN events e ON e.id = d.event_id \
                    JOIN webhook_endpoints w ON w.id = d.endpoint_id WHERE e.type = 'payment.confirmed' AND w.url LIKE '%bad'";
    assert_eq!(world.place.value(attempts).await, "10");
    let page = dialect::list(&gateway.app, NAME, &organization, None, (Some(2), Some(4))).await.expect("a page");
    assert_eq!((page.total, page.orders.len()), (7, 3));
    assert_eq!(refusal(dialect::list(&gateway.app, NAME, &organization, None, (Some(0), None)).await).code, ErrorCode::ValidationError);
}

/// Keeps what it is sent.
#[derive(Default)]
struct Kept(Mutex<Vec<Outgoing>>);

impl Http for Kept {
    fn post(&self, request: Outgoing) -> BoxFuture<'_, Result<Answer, SendFault>> {
        self.0.lock().unwrap().push(request);
        futures_util::future::ready(Ok(Answer { status: 200, body: Vec::new(), retry_after: None })).boxed()
    }
}

pub async fn a_new_secret_takes_over_when_it_was_said_to(kind: Kind) {
    const HOUR: Duration = Duration::from_secs(3600);
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (organization, stranger) = (gateway.merchant(20).await, gateway.merchant(1).await);
    let shop = Arc::new(Kept::default());
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    let mut worker = Deliver::new(gateway.app.clone(), Arc::clone(&shop) as Arc<dyn Http>, Arc::default(), Arc::default());
    // An order that is paid brings a delivery, signed by whichever secret of these it is.
    let mut signed_by = async |name: &str, secrets: &[&Told]| {
        let opened = open(gateway, &organization, wish(name, "1", Some("https://a.example/hook"))).await.expect("an order");
        let address = opened.order.shown.facts.address.as_str().to_owned();
        line.block(gateway.now(), &[Sent::to(&address, "100.00", &format!("0x{name}"))]).await;
        while worker.step().await.expect("a step") == (Did::Work {}) {}
        let sent = std::mem::take(&mut *shop.0.lock().unwrap());
        let sent = sent.first().expect("a delivery");
        let headers = || sent.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let verifies = |told: &&Told| {
            webhook::verify_as(Scheme::PayWarden, headers(), &sent.body, &Verifier::new(told.secret.clone()), gateway.now()).is_ok()
        };
        secrets.iter().map(verifies).collect::<Vec<bool>>()
    };
    let replace = async |hours: u32| gateway.write(Replace::new(&gateway.app, organization.clone(), hours * HOUR)).await;
    let told = async || gateway.write(Secret::new(&gateway.app, organization.clone())).await.expect("a secret");

    // Where there is none, the new one is the first.
    let first = replace(24).await.expect("a secret");
    assert_eq!((first.signs_from, told().await.signs_from), (None, None));
    assert_eq!(signed_by("a", &[&first]).await, [true]);

    // For a day the old one signs, so that receivers can be given the new one, then that; whenever the order was made.
    let second = replace(24).await.expect("a secret");
    let from = gateway.now().plus(24 * HOUR);
    assert_eq!((second.signs_from, told().await.signs_from), (Some(from), Some(from)));
    assert_eq!(told().await.secret.expose_secret(), second.secret.expose_secret());
    assert_eq!(signed_by("b", &[&first, &second]).await, [true, false]);
    let hasty = refusal(replace(24).await);
    assert!(hasty.code == ErrorCode::InvalidState && hasty.message.contains(&from.to_string()), "{hasty:?}");
    gateway.clock.advance(24 * HOUR - Duration::from_millis(1));
    assert_eq!(signed_by("c", &[&first, &second]).await, [true, false]);
    gateway.clock.advance(Duration::from_millis(1));
    assert_eq!(told().await.signs_from, None);
    assert_eq!(signed_by("d", &[&first, &second]).await, [false, true]);

    // What has leaked is replaced at once, also while another replacement is under way.
    let third = replace(168).await.expect("a secret");
    assert_eq!(signed_by("e", &[&second, &third]).await, [true, false]);
    let fourth = replace(0).await.expect("a secret");
    assert_eq!(fourth.signs_from, None);
    assert_eq!(signed_by("f", &[&second, &third, &fourth]).await, [false, false, true]);
    assert_ne!(
        gateway.write(Secret::new(&gateway.app, stranger)).await.expect("a secret").secret.expose_secret(),
        fourth.secret.expose_secret()
    );
    for text in world.place.rows("SELECT * FROM organizations").await.iter().flatten() {
        assert!([&first, &second, &third, &fourth].iter().all(|told| !text.contains(told.secret.expose_secret())), "{text}");
    }
}

pub async fn what_a_chain_takes_back_is_told_whatever_was_answered(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(2).await;
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    let opened = open(gateway, &organization, wish("R", "1", Some("https://a.example/good"))).await.expect("an order");
    let order = opened.order.shown.facts;
    let stands = async || {
        let found = dialect::get(&gateway.app, NAME, &organization, order.id.as_str()).await.expect("found");
        (Stage::of(&found.shown.facts, found.heard), found.shown.facts.received.to_amount().to_string())
    };
    let told = async || {
        let rows = world.place.rows("SELECT type FROM events WHERE api = 'paywarden' ORDER BY sequence").await;
        rows.into_iter().map(|row| row[0].clone()).collect::<Vec<_>>()
    };
    line.blocks(2, at(0)).await;
    // A grain of dust uses up nothing: of the half that follows is told.
    line.block(at(9), &[Sent::to(order.address.as_str(), "0.000001", "0xdust")]).await;
    line.blocks(4, at(10)).await;
    line.settle().await;
    assert_eq!(told().await, [""; 0]);
    line.block(at(14), &[Sent::to(order.address.as_str(), "50.00", "0xhalf")]).await;
    line.blocks(4, at(15)).await;
    line.settle().await;
    assert_eq!(told().await, ["payment.detected", "payment.underpaid"]);
    line.block(at(20), &[Sent::to(order.address.as_str(), "50.00", "0xrest")]).await;
    line.blocks(4, at(21)).await;
    line.settle().await;
    deliver(gateway).await;
    assert_eq!(stands().await, (Stage::Acknowledged, "100.000001".to_owned()));
    line.reorganise(5).await;
    assert_eq!(stands().await, (Stage::Seen, "50.000001".to_owned()));
    line.block(at(30), &[Sent::to(order.address.as_str(), "50.00", "0xrest")]).await;
    line.blocks(4, at(31)).await;
    line.settle().await;
    // It is told again, and what is said to that counts.
    assert_eq!(stands().await, (Stage::Paid, "100.000001".to_owned()));
    deliver(gateway).await;
    assert_eq!(stands().await, (Stage::Acknowledged, "100.000001".to_owned()));
    assert_eq!(told().await[2..], ["payment.confirmed", "payment.reverted", "payment.confirmed"]);
    let ids = world.place.rows("SELECT DISTINCT id FROM events WHERE api = 'paywarden'").await;
    assert_eq!(ids.len(), 5);
}
