//! What each call sends.

use serde_json::{Value, json};

use super::script::{KEY, Scene, answer, order};
use crate::types::order::OrderSort;
use crate::types::sandbox::{Advance, JournalKind, PayDeposit, ReadJournal};
use crate::{Client, CreateOrder, Environment, Error, ListOrders, OrderStatus};

#[tokio::test]
async fn an_order_is_created() {
    let scene = Scene::new([answer(201, &order("pending")).header("x-request-id", "req_1").header("idempotent-replayed", "true")]);
    let new = CreateOrder::new("R-1", "100.00".parse().unwrap(), "USDT", "ethereum-sepolia").metadata("k", "v").payment_window_minutes(15);
    let answer = scene.client().orders().create(&new).answer().await.unwrap();
    assert_eq!((answer.request_id.as_deref(), answer.replayed), (Some("req_1"), true));
    assert_eq!(answer.body.amount.to_string(), "100.00");

    let request = &scene.requests()[0];
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://api.test/api/v1/orders"));
    let sent: Value = serde_json::from_slice(&request.body).unwrap();
    let expected = json!({
        "orderReference": "R-1", "amount": "100.00", "currency": "USDT", "chainId": "ethereum-sepolia",
        "metadata": {"k": "v"}, "paymentWindowMinutes": 15
    });
    assert_eq!(sent, expected);
    assert_eq!(scene.headers("x-api-key"), [KEY]);
    assert_eq!(scene.headers("content-type"), ["application/json"]);
    assert!(scene.headers("user-agent")[0].starts_with("payin-sdk/"));
}

#[tokio::test]
async fn filters_are_written_as_the_documents_say() {
    let page = json!({"data": [], "pagination": {"page": 1, "limit": 20, "total": 0, "totalPages": 0, "hasMore": false}});
    let scene = Scene::new([answer(200, &page)]);
    let query = ListOrders {
        status: Some(OrderStatus::Pending),
        created_after: Some("2025-01-20T10:30:00Z".parse().unwrap()),
        sort_by: Some(OrderSort::Amount),
        ..ListOrders::default()
    };
    scene.client().orders().list(&query).await.unwrap();
    let expected = "https://api.test/api/v1/orders?createdAfter=2025-01-20T10%3A30%3A00.000Z&sortBy=amount&status=pending";
    assert_eq!(scene.urls(), [expected]);
}

#[tokio::test]
async fn health_needs_no_key_and_may_be_bad() {
    let body =
        json!({"status": "unhealthy", "timestamp": "2025-01-20T10:30:00Z", "version": "1", "checks": {"database": {"status": "failing"}}});
    let scene = Scene::new([answer(503, &body)]);
    assert_eq!(scene.client().ready().await.unwrap().checks["database"].status, "failing");
    assert_eq!((scene.urls(), scene.headers("x-api-key")), (vec!["https://api.test/health/ready".to_owned()], vec![String::new()]));
}

#[tokio::test]
async fn the_sandbox_is_under_the_api() {
    let scene = Scene::new([answer(200, &json!({"now": "2025-01-20T10:30:00Z", "frozen": true}))]);
    scene.client().sandbox().advance(&Advance { seconds: 60 }).await.unwrap();
    assert_eq!(scene.urls(), ["https://api.test/api/v1/sandbox/clock/advance"]);
    let scene = Scene::new([answer(200, &json!({"now": "2025-01-20T10:30:00Z", "frozen": true})), answer(200, &json!({"cleared": 2}))]);
    assert!(scene.client().sandbox().freeze().await.unwrap().frozen);
    assert_eq!(scene.client().sandbox().clear_faults().await.unwrap().cleared, 2);
    assert_eq!(scene.urls(), ["https://api.test/api/v1/sandbox/clock/freeze", "https://api.test/api/v1/sandbox/faults"]);
    let scene = Scene::new([answer(200, &json!({"entries": [], "forgotten": 0}))]);
    let query = ReadJournal { kind: Some(JournalKind::Delivery), pattern: Some("order.*".to_owned()), ..ReadJournal::default() };
    scene.client().sandbox().journal(&query).await.unwrap();
    assert_eq!(scene.urls(), ["https://api.test/api/v1/sandbox/journal?kind=delivery&match=order.%2A"]);
    let scene = Scene::new([answer(200, &json!({"chainId": "ethereum-sepolia", "txHash": "0xbeef"}))]);
    scene.client().sandbox().pay_deposit(&PayDeposit::new("C-1", "1".parse().unwrap())).await.unwrap();
    assert_eq!(scene.urls(), ["https://api.test/api/v1/sandbox/pay-deposit"]);
}

#[test]
fn the_key_tells_the_environment() {
    let url = |key: &str| Client::builder().api_key(key).transport(Scene::default()).build().map(|client| client.base_url());
    assert_eq!(url("pk_live_x").unwrap(), Environment::Production.base_url());
    assert_eq!(url("pk_test_x").unwrap(), Environment::Testnet.base_url());
    for key in ["sk_x", "", "pk_test_x\n", "pk_test_é"] {
        assert!(matches!(url(key), Err(Error::Config(_))), "{key:?}");
    }
    assert!(matches!(Client::builder().build(), Err(Error::Config(_))));
}

#[test]
fn idempotency_keys_are_version_4_uuids() {
    let key = Scene::default().client().new_idempotency_key().unwrap();
    let parts: Vec<_> = key.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12]);
    assert!(key.as_bytes()[14] == b'4' && b"89ab".contains(&key.as_bytes()[19]), "{key}");
}

#[test]
fn calls_can_be_sent_between_threads() {
    fn send<T: Send>(_: T) {}
    let client = Scene::default().client();
    send(client.orders().get(&"ord_1".into()).into_future());
    send(client.orders().wait(&"ord_1".into()).into_future());
    send(client.orders().stream(ListOrders::default()));
}
