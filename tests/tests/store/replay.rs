//! Idempotency keys: one effect and one answer for whoever asks with the same key, byte for byte.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use payin_core::Error;
use payin_server::app::replay::{Answer, Once, fingerprint};
use payin_server::app::{endpoints, orders};
use payin_server::http::answer::AsJson;
use payin_server::store::idempotency::Scope;
use payin_server::store::{Failure, Unit};
use payin_server::worker::maintain::Maintain;
use payin_server::worker::{Did, Worker as _};
use payin_tests::gateway::{Gateway, Kind, refusal, request};
use payin_types::{CreateEndpoint, CreateOrder, Endpoint, ErrorCode, EventType, Order, OrganizationId};
use serde_json::Value;

use super::World;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn once<U: Unit>(gateway: &Gateway, organization: &OrganizationId, key: &str, body: &str, unit: U) -> Once<U, AsJson> {
    Once {
        unit,
        render: AsJson { status: 201, request_id: format!("req_{:032x}", gateway.app.random_id()) },
        scope: Scope {
            organization_id: organization.clone(),
            api_key_id: String::new(),
            method: "POST".to_owned(),
            path: "/api/v1/orders".to_owned(),
            key: key.to_owned(),
        },
        fingerprint: fingerprint(body.as_bytes()),
        sealed: None,
        now: gateway.now(),
    }
}

/// Opens an order under a key, the way the API does.
async fn create(
    gateway: &Gateway,
    organization: &OrganizationId,
    key: &str,
    request: Result<CreateOrder, Error>,
) -> Result<Answer, Failure> {
    let body = format!("{request:?}");
    let unit = orders::Create::new(&gateway.app, organization.clone(), request);
    run(gateway, once(gateway, organization, key, &body, unit)).await
}

async fn run(gateway: &Gateway, unit: Once<orders::Create, AsJson>) -> Result<Answer, Failure> {
    gateway.app.store.write_together(unit).await
}

fn order(answer: &Answer) -> Order {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

async fn count(world: &World, table: &str) -> String {
    world.place.value(&format!("SELECT COUNT(*) FROM {table}")).await
}

pub async fn one_key_makes_one_order(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    let organization = world.gateway.merchant(64).await;
    let ask = |number: usize| create(&servers[number % servers.len()], &organization, "key", Ok(request("order")));
    let answers: Vec<Answer> = join_all((0..64).map(ask)).await.into_iter().map(|answer| answer.expect("an answer")).collect();
    assert_eq!(answers.iter().filter(|answer| answer.replayed).count(), 63);
    let distinct: BTreeSet<(u16, &str)> = answers.iter().map(|answer| (answer.status, answer.body.as_str())).collect();
    assert_eq!(distinct.len(), 1, "{distinct:?}");
    assert_eq!(answers[0].status, 201);
    assert_eq!((count(&world, "orders").await, count(&world, "idempotency_records").await), ("1".to_owned(), "1".to_owned()));
    assert_eq!(world.place.value("SELECT COUNT(*) FROM pool_addresses WHERE held = 1").await, "1");
    assert_eq!(world.place.value("SELECT id FROM orders").await, order(&answers[0]).order_id.as_str());
    // Many keys at once, each twice: as many orders as keys.
    let ask = |number: usize| {
        let name = format!("order {}", number / 2);
        let server = servers[number % servers.len()].clone();
        let organization = organization.clone();
        async move { create(&server, &organization, &name, Ok(request(&name))).await.expect("an answer") }
    };
    let answers = join_all((0..40).map(ask)).await;
    assert_eq!(answers.iter().filter(|answer| answer.replayed).count(), 20);
    assert_eq!(answers.iter().map(|answer| &answer.body).collect::<BTreeSet<_>>().len(), 20);
    assert_eq!(count(&world, "orders").await, "21");
}

pub async fn another_body_under_a_key_is_refused(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    let organization = world.gateway.merchant(70).await;
    // Two bodies fight for one key: one of them wins, and nothing remains of the other.
    let ask = |number: usize| create(&servers[number % servers.len()], &organization, "key", Ok(request(["a", "b"][number / 2 % 2])));
    let (won, lost): (Vec<_>, Vec<_>) = join_all((0..64).map(ask)).await.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (32, 32));
    let won: Vec<Answer> = won.into_iter().flatten().collect();
    assert_eq!(won.iter().map(|answer| &answer.body).collect::<BTreeSet<_>>().len(), 1);
    assert!(lost.into_iter().all(|result| refusal(result).code == ErrorCode::IdempotencyKeyConflict));
    assert_eq!((count(&world, "orders").await, count(&world, "assignments").await), ("1".to_owned(), "1".to_owned()));
    assert_eq!(world.place.value("SELECT COUNT(*) FROM pool_addresses WHERE held = 1").await, "1");
    // The key is the organization's, the method's and the path's.
    let other = world.gateway.merchant(1).await;
    assert!(!create(&world.gateway, &other, "key", Ok(request("a"))).await.unwrap().replayed);
    let unit = orders::Create::new(&world.gateway.app, organization.clone(), Ok(request("c")));
    let mut elsewhere = once(&world.gateway, &organization, "key", "c", unit);
    elsewhere.scope.path = "/api/v2/orders".to_owned();
    assert!(!run(&world.gateway, elsewhere).await.unwrap().replayed);
}

pub async fn a_key_lives_a_day(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(10).await;
    let first = create(gateway, &organization, "key", Ok(request("first"))).await.unwrap();
    gateway.clock.advance(DAY - Duration::from_millis(1));
    let again = create(gateway, &organization, "key", Ok(request("first"))).await.unwrap();
    assert_eq!(again, Answer { replayed: true, ..first.clone() });
    assert_eq!(refusal(create(gateway, &organization, "key", Ok(request("second"))).await).code, ErrorCode::IdempotencyKeyConflict);
    gateway.clock.advance(Duration::from_millis(1));
    // A day old: the key means nothing any more, whoever asks first makes it new.
    let answers = join_all((0..8).map(|_| create(gateway, &organization, "key", Ok(request("second"))))).await;
    let answers: Vec<Answer> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    assert_ne!(answers[0].body, first.body);
    assert_eq!((count(&world, "orders").await, count(&world, "idempotency_records").await), ("2".to_owned(), "1".to_owned()));
    // Housekeeping forgets what is past its time, and nothing else.
    gateway.clock.advance(DAY - Duration::from_secs(1));
    create(gateway, &organization, "young", Ok(request("third"))).await.unwrap();
    gateway.clock.advance(Duration::from_secs(1));
    let mut maintain = Maintain::new(gateway.app.clone());
    assert_eq!(maintain.step().await.unwrap(), Did::Work);
    assert!(matches!(maintain.step().await.unwrap(), Did::Idle { .. }));
    assert_eq!(world.place.rows("SELECT key FROM idempotency_records").await, [["young"]]);
}

pub async fn what_may_pass_is_not_kept(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    for _ in 0..2 {
        let error = refusal(create(gateway, &organization, "key", Ok(request("order"))).await);
        assert_eq!(error.code, ErrorCode::NoAvailableAddresses);
        assert!(error.retry_after_s.is_some());
    }
    assert_eq!(count(&world, "idempotency_records").await, "0");
    gateway.import(&organization, &gateway.addresses(1)).await.unwrap();
    let first = create(gateway, &organization, "key", Ok(request("order"))).await.unwrap();
    assert_eq!((first.status, first.replayed), (201, false));
    // The pool is empty again, and the answer is still the first one.
    let again = join_all((0..8).map(|_| create(gateway, &organization, "key", Ok(request("order"))))).await;
    for answer in again {
        assert_eq!(answer.unwrap(), Answer { replayed: true, ..first.clone() });
    }
    assert_eq!(refusal(create(gateway, &organization, "other key", Ok(request("new"))).await).code, ErrorCode::NoAvailableAddresses);
}

/// Whoever hangs up stops nothing that was begun: it is done whole, and the answer is there for when they come again, also after a restart.
pub async fn a_caller_that_left_finds_its_answer(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(20).await;
    let names: Vec<String> = (0..20).map(|number| format!("order {number}")).collect();
    for name in &names {
        // Looked at once, by which it is queued, and dropped: as a handler is whose client has gone.
        let _ = create(gateway, &organization, name, Ok(request(name))).now_or_never();
    }
    gateway.app.store.close().await;
    assert_eq!((count(&world, "orders").await, count(&world, "assignments").await), ("20".to_owned(), "20".to_owned()));
    let restarted = Gateway::open(&world.place.location, 2, None).await;
    for name in &names {
        let answer = create(&restarted, &organization, name, Ok(request(name))).await.expect("an answer");
        assert_eq!((answer.status, answer.replayed, order(&answer).order_reference), (201, true, name.clone()));
    }
    assert_eq!(count(&world, "orders").await, "20");
}

pub async fn a_refusal_is_kept(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(1).await;
    let bad = || Err(Error::field("amount", "is no amount"));
    let first = create(gateway, &organization, "bad", bad()).await.unwrap();
    assert_eq!((first.status, first.replayed), (400, false));
    let again = create(gateway, &organization, "bad", bad()).await.unwrap();
    // The request that met the refusal first is named in it, so that the two are found together.
    assert_eq!(again, Answer { replayed: true, ..first });
    assert_eq!(refusal(create(gateway, &organization, "bad", Ok(request("order"))).await).code, ErrorCode::IdempotencyKeyConflict);
    // So is a conflict: it stays one although the reference is no longer looked up.
    create(gateway, &organization, "first", Ok(request("order"))).await.unwrap();
    let duplicate = create(gateway, &organization, "second", Ok(request("order"))).await.unwrap();
    assert_eq!((duplicate.status, duplicate.replayed), (409, false));
    let body: Value = serde_json::from_str(&duplicate.body).unwrap();
    assert_eq!((&body["code"], body["existingOrderId"].is_string()), (&Value::from("DUPLICATE_ORDER_REFERENCE"), true));
    assert_eq!(create(gateway, &organization, "second", Ok(request("order"))).await.unwrap(), Answer { replayed: true, ..duplicate });
    assert_eq!(count(&world, "orders").await, "1");
}

pub async fn secrets_are_kept_sealed(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let make = |api_key: &str, secret: Option<&str>| {
        let asked = CreateEndpoint {
            url: "https://example.com/hook".to_owned(),
            events: vec![EventType::All],
            secret: secret.map(str::to_owned),
            description: None,
        };
        let unit = endpoints::Create::new(&gateway.app, organization.clone(), Ok(asked));
        let mut once = once(gateway, &organization, "key", "the body", unit);
        once.scope.api_key_id = api_key.to_owned();
        once.sealed = Some((gateway.app.seal.clone(), gateway.app.entropy.array()));
        gateway.write(once)
    };
    let first = make("key_1", Some("a secret that is long enough")).await.unwrap();
    let again = make("key_1", Some("a secret that is long enough")).await.unwrap();
    assert_eq!(again, Answer { replayed: true, ..first.clone() });
    let made: Endpoint = serde_json::from_str(&first.body).unwrap();
    assert_eq!(made.secret.as_deref(), Some("a secret that is long enough"));
    // Another API key of the same organization is shown no secret that was not made for it.
    let other = make("key_2", None).await.unwrap();
    assert!(!other.replayed);
    let generated: Endpoint = serde_json::from_str(&other.body).unwrap();
    let generated = generated.secret.unwrap();
    assert!(generated.starts_with("whsec_"));
    for table in ["idempotency_records", "webhook_endpoints"] {
        let rows = world.place.rows(&format!("SELECT * FROM {table}")).await;
        assert_eq!(rows.len(), 2);
        for text in rows.iter().flatten() {
            assert!(!text.contains("long enough") && !text.contains(&generated) && !text.contains("whsec_"), "{table} shows {text}");
        }
    }
    // A record that was moved to another key does not open there.
    world.place.execute("UPDATE idempotency_records SET key = 'moved' WHERE api_key_id = 'key_1'").await;
    let unit = endpoints::Create::new(&gateway.app, organization.clone(), Err(Error::field("url", "is not read")));
    let mut moved = once(gateway, &organization, "moved", "the body", unit);
    moved.scope.api_key_id = "key_1".to_owned();
    moved.sealed = Some((gateway.app.seal.clone(), gateway.app.entropy.array()));
    assert!(matches!(gateway.write(moved).await, Err(Failure::Fault(_))));
}
