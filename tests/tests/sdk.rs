//! The SDK over real HTTP: against the sandbox, and against the documents' own examples. What is done in a sandbox is done twice on the same
//! seed, and leaves the same journal.

mod cryptopay;
mod paywarden;
pub mod proxy;
mod testing;
mod twice;

use std::time::Duration;

use futures_util::TryStreamExt;
use payin_sdk::types::deposit::{BindDeposit, ListDepositReferences, ListDeposits};
use payin_sdk::types::endpoint::ListEndpoints;
use payin_sdk::types::pool::ListAddresses;
use payin_sdk::types::sandbox::{Advance, Mine, Pay, PaymentKind};
use payin_sdk::webhook::{self, Scheme, Verifier, VerifyError};
use payin_sdk::{
    Client, CreateEndpoint, CreateOrder, Error, ErrorCode, EventType, ImportAddresses, ListOrders, Order, OrderStatus, Protocol, Waited,
};
use payin_tests::nodes::receiver::{Answer, Receiver};
use payin_tests::sandbox::{CHAIN, Sandbox, contract};
use payin_tests::seeds::{self, Kind};
use payin_types::order::OrderSort;
use payin_types::{Role, SortOrder};
use proxy::Proxy;
use serde_json::Value;
use twice::{twice, twice_but_for_how_often};

fn client_at(url: &str, key: &str) -> Client {
    Client::builder().api_key(key).base_url(url).build().expect("a client")
}

fn client(sandbox: &Sandbox) -> Client {
    client_at(sandbox.url(), sandbox.key())
}

fn new_order(reference: &str, amount: &str) -> CreateOrder {
    CreateOrder::new(reference, amount.parse().expect("an amount"), "USDT", CHAIN)
}

fn pay(order: &Order) -> Pay {
    Pay { order_id: order.order_id.clone(), amount: None, kind: None, mine: None }
}

async fn mine(client: &Client, blocks: u32) {
    client.sandbox().mine(&Mine { chain_id: Some(CHAIN.into()), blocks: Some(blocks) }).await.expect("blocks");
}

async fn completed(client: &Client, order: &Order) -> Order {
    let wait = client.orders().wait(&order.order_id).poll_every(Duration::from_millis(10)).timeout(Duration::from_secs(20));
    match wait.await.expect("an end") {
        Waited::Completed(order) => order,
        other => panic!("not completed: {other:?}"),
    }
}

#[tokio::test]
async fn an_order_from_its_creation_to_its_webhook() {
    twice(async |sandbox: &Sandbox| {
        let client = client(sandbox);
        let shop = Receiver::start().await;
        let url = format!("{}/webhooks/payin", shop.url());
        let events = vec![EventType::OrderCompleted, EventType::OrderExpired];
        let endpoint = CreateEndpoint { url, events, secret: None, description: Some("the shop".to_owned()) };
        let endpoint = client.webhook_endpoints().create(&endpoint).await.expect("an endpoint");
        let secret = endpoint.secret.clone().expect("a new endpoint shows its secret");
        assert!(!format!("{endpoint:?}").contains(&secret));

        let order = new_order("SHOP/1 é", "12.50").metadata("cart", 17).success_url("https://shop.example/paid?o={{orderId}}");
        let order = client.orders().create(&order).await.expect("an order");
        assert_eq!(
            (&order.status, order.metadata["cart"].as_u64(), order.amount.to_string().as_str()),
            (&OrderStatus::Pending, Some(17), "12.50")
        );
        assert_eq!(client.orders().get(&order.order_id).await.expect("the order"), order);
        assert_eq!(client.orders().get_by_reference("SHOP/1 é").await.expect("the order"), order);
        assert!(order.extra.is_empty(), "the SDK does not know {:?}", order.extra);

        let paid = client.sandbox().pay(&pay(&order)).await.expect("a payment");
        mine(&client, 3).await;
        let done = completed(&client, &order).await;
        assert_eq!(
            (done.tx_hash.as_ref(), done.received_amount.map(|sum| sum.to_string())),
            (Some(&paid.tx_hash), Some("12.50".to_owned()))
        );
        assert!(done.extra.is_empty(), "the SDK does not know {:?}", done.extra);

        let received = shop.next().await;
        let now = client.sandbox().clock().await.expect("the clock").now;
        let headers = || received.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let verifier = Verifier::new(secret.clone().into());
        let event = webhook::construct_event(headers(), &received.body, &verifier, now).expect("a genuine webhook");
        assert_eq!((&event.event_type, event.sequence), (&EventType::OrderCompleted, Some(1)));
        let told = event.order().expect("an order's data").expect("an order's event");
        assert_eq!((&told.order_id, &told.status, told.amount), (&order.order_id, &OrderStatus::Completed, order.amount));
        contract().check_event("order.completed", &received.json()).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(received.header("x-payin-event-type"), "order.completed");
        assert_eq!((received.header("x-payin-event-id"), received.header("webhook-id")), (event.id.as_str(), event.id.as_str()));
        assert_eq!((received.method.as_str(), received.uri.path()), ("POST", "/webhooks/payin"));
        webhook::verify_as(Scheme::Standard, headers(), &received.body, &verifier, now).expect("genuine by Standard Webhooks too");

        // What is not genuine is told apart.
        let refused = |secret: &str, body: &[u8], later: i64| {
            let now = payin_sdk::Timestamp::from_secs(now.secs() + later);
            webhook::verify(headers(), body, &Verifier::new(secret.to_owned().into()), now).expect_err("not genuine")
        };
        let mut forged = received.body.to_vec();
        forged[10] ^= 1;
        assert!(matches!(refused(&secret, &forged, 0), VerifyError::Mismatch { .. }));
        assert!(matches!(refused("another secret entirely", &received.body, 0), VerifyError::Mismatch { .. }));
        assert!(matches!(refused(&secret, &received.body, 301), VerifyError::Stale { .. }));
        assert!(matches!(refused(&secret, &received.body, -301), VerifyError::Stale { .. }));
        // Nothing comes twice.
        assert_eq!(shop.received().len(), 1);

        let listed = client.webhook_endpoints().list(&ListEndpoints::default()).await.expect("a page");
        assert_eq!((listed.data[0].id.clone(), listed.data[0].secret.clone()), (endpoint.id.clone(), None));
        assert!(client.webhook_endpoints().delete(&endpoint.id).await.expect("deleted").success);
    })
    .await;
}

#[tokio::test]
async fn waiting_ends_as_the_order_does() {
    twice_but_for_how_often(async |sandbox: &Sandbox| {
        let client = client(sandbox);
        let order = client.orders().create(&new_order("WAIT", "1")).await.expect("an order");
        let wait = || client.orders().wait(&order.order_id).poll_every(Duration::from_millis(10));
        assert!(matches!(wait().timeout(Duration::from_millis(50)).await, Ok(Waited::TimedOut(_))));
        // Each change is shown once, in order.
        let follow =
            async { wait().changes().map_ok(|order| (order.status, order.confirmations)).try_collect::<Vec<_>>().await.expect("changes") };
        let play = async {
            let client = &client;
            client.sandbox().pay(&Pay { kind: Some(PaymentKind::Under), ..pay(&order) }).await.expect("a payment");
            sandbox.order_seen(&order.order_id.as_str().into()).await;
            client.sandbox().advance(&Advance { seconds: 16 * 60 }).await.expect("time");
        };
        let (changes, ()) = tokio::join!(follow, play);
        assert_eq!(changes.first(), Some(&(OrderStatus::Pending, None)));
        assert_eq!(changes.last().map(|(status, _)| status), Some(&OrderStatus::Expired));
        assert!(matches!(wait().await, Ok(Waited::Expired(_))));
    })
    .await;
}

#[tokio::test]
async fn lists_are_pages_or_streams() {
    twice(async |sandbox: &Sandbox| {
        let client = client(sandbox);
        for number in 0..25 {
            client.orders().create(&new_order(&format!("LIST-{number:02}"), &format!("{number}.5"))).await.expect("an order");
        }
        let query = |limit, sort_by: Option<OrderSort>, sort_order: Option<SortOrder>| ListOrders {
            limit: Some(limit),
            sort_by,
            sort_order,
            ..ListOrders::default()
        };
        let page = client.orders().list(&query(10, None, None)).await.expect("a page");
        assert_eq!((page.data.len(), page.pagination.total, page.pagination.has_more), (10, 25, true));
        assert!(page.data.iter().all(|order| order.extra.is_empty()));
        // Time stands still, so that all are of one millisecond: the worst case for a walk by time.
        for (limit, sort_by, sort_order) in [
            (7, None, None),
            (1, None, Some(SortOrder::Asc)),
            (25, None, None),
            (100, Some(OrderSort::CreatedAt), Some(SortOrder::Asc)),
            (7, Some(OrderSort::Amount), Some(SortOrder::Asc)),
        ] {
            let is_by_amount = sort_by == Some(OrderSort::Amount);
            let all: Vec<_> = client.orders().stream(query(limit, sort_by, sort_order)).try_collect().await.expect("all orders");
            let mut references: Vec<_> = all.iter().map(|order| order.order_reference.clone()).collect();
            if !is_by_amount {
                references.sort();
            }
            assert_eq!(references, (0..25).map(|number| format!("LIST-{number:02}")).collect::<Vec<_>>(), "limit {limit}");
        }
        // What is added while somebody reads is not read twice, and hides nothing.
        let mut orders = std::pin::pin!(client.orders().stream(query(5, None, None)));
        let mut seen = Vec::new();
        while let Some(order) = orders.try_next().await.expect("an order") {
            if seen.len() < 10 {
                client.orders().create(&new_order(&format!("LATE-{}", seen.len()), "1")).await.expect("an order");
            }
            seen.push(order.order_reference);
        }
        let old = seen.iter().filter(|reference| reference.starts_with("LIST-")).count();
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((old, seen.len()), (25, count));

        let held = ListAddresses { state: Some("allocated".into()), limit: Some(10), ..ListAddresses::default() };
        let addresses: Vec<_> = client.addresses().stream(held).try_collect().await.expect("all addresses");
        assert_eq!(addresses.len(), 35);
        let status = client.addresses().status().await.expect("counts");
        assert_eq!((status[&Protocol::Evm].allocated, status[&Protocol::Evm].total), (35, 256));
    })
    .await;
}

#[tokio::test]
async fn errors_have_types() {
    twice(async |sandbox: &Sandbox| {
        let client = client(sandbox);
        let order = client.orders().create(&new_order("ERR", "1")).await.expect("an order");
        let api = |error: Error| match error {
            Error::Api(error) => *error,
            other => panic!("not the API's word: {other:?}"),
        };
        let duplicate = api(client.orders().create(&new_order("ERR", "2")).await.expect_err("taken"));
        assert_eq!((duplicate.status, &duplicate.code), (409, &ErrorCode::DuplicateOrderReference));
        assert_eq!(duplicate.existing_order_id, Some(order.order_id.clone()));
        assert!(duplicate.request_id.as_deref().is_some_and(|id| id.starts_with("req_")));
        let unknown = api(client.orders().get(&"ord_none".into()).await.expect_err("nothing"));
        assert_eq!((unknown.status, &unknown.code), (404, &ErrorCode::ResourceNotFound));
        let fine = api(client.orders().create(&new_order("FINE", "0.0000001")).await.expect_err("too fine"));
        assert_eq!((fine.status, &fine.code), (400, &ErrorCode::InvalidAmount));
        let chain = CreateOrder::new("CHAIN", "1".parse().expect("an amount"), "USDT", "nowhere");
        assert_eq!(api(client.orders().create(&chain).await.expect_err("nowhere")).code, ErrorCode::InvalidChain);
        let bad_lines = ImportAddresses::new(Protocol::Evm, "address\nnonsense");
        let bad = api(client.addresses().import(&bad_lines).await.expect_err("nonsense"));
        let lines: Vec<payin_types::pool::ImportError> = serde_json::from_value(bad.details.expect("lines")).expect("the lines");
        assert_eq!((lines.len(), lines[0].line, lines[0].address.as_str()), (1, 2, "nonsense"));
        let viewer = client_at(sandbox.url(), &sandbox.key_with_role(Role::Viewer).await);
        let forbidden = api(viewer.orders().create(&new_order("NO", "1")).await.expect_err("a viewer"));
        assert_eq!((forbidden.status, &forbidden.code), (403, &ErrorCode::InsufficientPermissions));
        let stranger = client_at(sandbox.url(), &sandbox.stranger().await);
        let begun = std::time::Instant::now();
        let empty = api(stranger.orders().create(&new_order("EMPTY", "1")).await.expect_err("an empty pool"));
        assert_eq!((empty.status, &empty.code, empty.retry_after), (503, &ErrorCode::NoAvailableAddresses, Some(Duration::from_secs(60))));
        assert!(begun.elapsed() < Duration::from_secs(10), "an empty pool is not tried again");
        let nobody = client_at(sandbox.url(), "pk_test_nobody");
        let refused = api(nobody.me().await.expect_err("no key of this server"));
        assert_eq!((refused.status, &refused.code), (401, &ErrorCode::InvalidApiKey));
        assert!(!format!("{refused:?} {refused} {nobody:?}").contains("pk_test_nobody"));
        let me = client.me().await.expect("the key's owner");
        assert_eq!((&me.role, me.environment.as_str(), me.organization.name.as_str()), (&Role::Owner, "testnet", "Sandbox"));
        assert_eq!(client.health().await.expect("health").status, "healthy");
        assert!(client.ready().await.expect("health").checks.contains_key("database"));
        // Nothing was created on the way.
        assert_eq!(client.orders().list(&ListOrders::default()).await.expect("a page").pagination.total, 1);
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_creates_nothing_twice() {
    twice(async |sandbox: &Sandbox| {
        let proxy = Proxy::losing(1, sandbox.url()).await;
        let client = client_at(proxy.url(), sandbox.key());
        let answer = client.orders().create(&new_order("LOST-1", "1")).answer().await.expect("an order");
        assert_eq!((answer.attempts, answer.replayed, proxy.lost()), (2, true, 1));
        let page = client.orders().list(&ListOrders::default()).await.expect("a page");
        assert_eq!((page.pagination.total, &page.data[0].order_id), (1, &answer.body.order_id));
    })
    .await;
}

#[tokio::test]
async fn when_every_answer_is_lost_the_outcome_is_unknown_until_it_is_asked_for() {
    twice(async |sandbox: &Sandbox| {
        let proxy = Proxy::losing(usize::MAX, sandbox.url()).await;
        let builder = Client::builder().api_key(sandbox.key()).base_url(proxy.url());
        let lossy = builder.retries_max(1).build().expect("a client");
        let order = new_order("LOST-2", "1");
        let error = lossy.orders().create(&order).await.expect_err("no answer");
        let Error::OutcomeUnknown { idempotency_key, source, .. } = &error else { panic!("{error:?}") };
        assert!(matches!(**source, Error::Transport { attempts: 2, .. }), "{source:?}");
        assert!(error.is_transient() && error.to_string().contains(idempotency_key.as_str()) && !error.to_string().contains(sandbox.key()));
        assert_eq!(proxy.lost(), 2);
        // Reading creates nothing: there the network has failed, and that is all.
        assert!(matches!(lossy.me().await.expect_err("no answer"), Error::Transport { .. }));
        // The same call with the key tells what became of it.
        let direct = client(sandbox);
        let answer = direct.orders().create(&order).idempotency_key(idempotency_key.as_str()).answer().await.expect("the order");
        assert!(answer.replayed);
        assert_eq!(direct.orders().list(&ListOrders::default()).await.expect("a page").pagination.total, 1);
        // A deletion whose answer is lost has deleted.
        let endpoint =
            CreateEndpoint { url: "https://a.example/".to_owned(), events: vec![EventType::All], secret: None, description: None };
        let endpoint = direct.webhook_endpoints().create(&endpoint).await.expect("an endpoint");
        let once = Proxy::losing(1, sandbox.url()).await;
        let deleted = client_at(once.url(), sandbox.key()).webhook_endpoints().delete(&endpoint.id).await.expect("deleted");
        assert!(deleted.success && once.lost() == 1);
    })
    .await;
}

/// Whatever stands in an example stands in what the SDK makes of it; times may be written otherwise.
fn assert_kept(example: &Value, read: &Value, name: &str) {
    match example {
        Value::Object(fields) => fields.iter().for_each(|(field, value)| assert_kept(value, &read[field], &format!("{name}: {field}"))),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, item)| assert_kept(item, &read[at], &format!("{name}[{at}]"))),
        Value::String(text) if name.ends_with("At") => {
            let time = |text: &str| text.parse::<payin_sdk::Timestamp>().expect("a time");
            assert_eq!(time(text), time(read.as_str().expect("a time")), "{name}");
        }
        other => assert_eq!(other, read, "{name}"),
    }
}

async fn read_of_deposits(client: &Client, method: &str, path: &str) -> Result<Result<Value, serde_json::Error>, Error> {
    let (deposits, reference) = (client.deposits(), path.strip_prefix("/api/v1/deposits/references/"));
    match (method, path, reference) {
        ("POST", ..) => deposits.bind(&BindDeposit::new("R", "USDT", CHAIN)).await.map(serde_json::to_value),
        ("GET", "/api/v1/deposits", _) => deposits.list(&ListDeposits::default()).await.map(serde_json::to_value),
        ("GET", _, Some(reference)) => deposits.reference(reference).await.map(serde_json::to_value),
        ("GET", ..) => deposits.references(&ListDepositReferences::default()).await.map(serde_json::to_value),
        ("DELETE", _, Some(reference)) => deposits.unbind(reference).await.map(serde_json::to_value),
        other => panic!("{other:?} is not known here"),
    }
}

#[tokio::test]
async fn every_example_response_of_the_documents_is_read() {
    let server = Receiver::start().await;
    let builder = Client::builder().api_key("pk_test_x").base_url(server.url());
    let client = builder.retries_max(0).build().expect("a client");
    let responses: Vec<_> =
        seeds::all().into_iter().filter(|fixture| fixture.kind == Kind::Response && fixture.seed.as_str() < "003").collect();
    assert!(responses.len() >= 20, "only {} examples", responses.len());
    let mut kinds = std::collections::BTreeSet::new();
    for fixture in responses {
        let (name, status) = (fixture.name(), fixture.status.expect("a response has a status"));
        server.script([Answer::status(status).header("content-type", "application/json").body(fixture.text.clone())]);
        let path = fixture.path.split('?').next().unwrap_or_default();
        let read = match (fixture.method.as_str(), path) {
            ("POST", "/api/v1/orders") => client.orders().create(&new_order("R", "1")).await.map(serde_json::to_value),
            ("GET", "/api/v1/orders") => client.orders().list(&ListOrders::default()).await.map(serde_json::to_value),
            ("GET", path) if path.starts_with("/api/v1/orders/by-reference/") => {
                client.orders().get_by_reference("R").await.map(serde_json::to_value)
            }
            ("GET", path) if path.starts_with("/api/v1/orders/") => client.orders().get(&"ord_1".into()).await.map(serde_json::to_value),
            (method, path) if path.starts_with("/api/v1/deposits") => read_of_deposits(&client, method, path).await,
            other => panic!("{name}: {other:?} is not known here"),
        };
        match read {
            Ok(read) => assert_kept(&fixture.body, &read.expect("JSON"), &name),
            Err(Error::Api(error)) => {
                assert_eq!((error.status, error.code.as_str()), (status, fixture.body["code"].as_str().expect("a code")), "{name}");
                assert!(ErrorCode::known(error.code.as_str()).is_some(), "{name}: {} is not known", error.code);
                assert_eq!(error.message, fixture.body["message"].as_str().expect("a message"), "{name}");
                let existing = fixture.body["existingOrderId"].as_str().map(Into::into);
                assert_eq!(
                    (error.existing_order_id, error.retry_after.map(|span| span.as_secs())),
                    (existing, fixture.body["retryAfter"].as_u64()),
                    "{name}"
                );
            }
            Err(other) => panic!("{name}: {other:?}"),
        }
        kinds.insert(status);
    }
    assert!(kinds.len() >= 5, "{kinds:?}");
}
