//! What a CryptoPay merchant is told, by endpoint and by order, under a clock that stands still but where the test moves it. Every event is
//! verified by the SDK.

use payin_sdk::cryptopay::{WebhookEvent, construct_event};
use payin_sdk::webhook::Verifier;
use payin_tests::nodes::receiver::{Received, Receiver};
use payin_tests::sandbox::{Sandbox, contract, text};
use payin_types::{SecretString, Timestamp};
use serde_json::{Value, json};

use super::{CHAIN, ORDERS, pay, refused, wish};

const ENDPOINTS: &str = "/api/webhook-endpoints/";

/// The event, if it is genuine.
fn verified(secret: &Value, received: &Received) -> WebhookEvent {
    let headers = received.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let verifier = Verifier::new(SecretString::from(text(secret)));
    let event = construct_event(headers, &received.body, &verifier, Timestamp::from_secs(0)).expect("a genuine event");
    let body = received.json();
    contract().check_event(&format!("cryptopay.{}", event.event), &body).unwrap_or_else(|why| panic!("{why}: {body}"));
    for native in ["x-payin-signature", "webhook-signature", "x-paywarden-signature"] {
        assert_eq!(received.header(native), "", "{native} is another API's");
    }
    event
}

async fn told(sandbox: &Sandbox) {
    let (shop, own, native) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    let endpoint = sandbox.post(ENDPOINTS, &json!({ "url": shop.url() })).await.ok(201)["data"].clone();
    let secret = &endpoint["secret"];
    assert_eq!(endpoint["events"], json!(["payment.pending", "payment.confirmed", "payment.failed", "order.expired"]));
    sandbox.post("/api/v1/webhooks/endpoints", &json!({ "url": native.url(), "events": ["order.completed"] })).await.ok(201);
    let mut body = wish(1, "100.00");
    body["webhook_url"] = json!(own.url());
    let order = sandbox.post(ORDERS, &body).await.ok(201)["data"].clone();

    pay(sandbox, &order["order_id"]).await;
    for receiver in [&shop, &own] {
        let seen = verified(secret, &receiver.next().await);
        assert_eq!(
            (seen.event.as_str(), seen.data.status.as_str(), &json!(seen.data.order_id)),
            ("payment.pending", "pending", &order["order_id"])
        );
        let paid = verified(secret, &receiver.next().await);
        assert_eq!((paid.event.as_str(), paid.data.status.as_str()), ("payment.confirmed", "confirmed"));
        assert_eq!((paid.data.amount.to_string(), json!(paid.data.order_info)), ("100.00".to_owned(), order["order_info"].clone()));
        assert_ne!(seen.webhook_id, paid.webhook_id);
    }
    assert_eq!(native.next().await.json()["type"], "order.completed");

    // What its chain takes back has failed; included again it is confirmed again.
    sandbox.post("/api/v1/sandbox/reorg", &json!({ "chainId": CHAIN, "depth": 4, "drop": true })).await.ok(200);
    sandbox.post("/api/v1/sandbox/mine", &json!({ "chainId": CHAIN, "blocks": 1 })).await.ok(200);
    let failed = verified(secret, &shop.next().await);
    assert_eq!((failed.event.as_str(), failed.data.status.as_str(), failed.data.confirmations), ("payment.failed", "failed", 0));
    assert_eq!(sandbox.read(&format!("{ORDERS}1/")).await["data"]["status"], "failed");
    assert_eq!(verified(secret, &own.next().await).webhook_id, failed.webhook_id);
    let other = sandbox.post(ORDERS, &wish(3, "1")).await.ok(201)["data"].clone();
    pay(sandbox, &other["order_id"]).await;
    let words = ["payment.pending", "payment.confirmed"];
    let first = [verified(secret, &shop.next().await), verified(secret, &shop.next().await)];
    assert_eq!(first.each_ref().map(|event| event.event.as_str()), words);
    // Another second, so that times tell which came first; it may bring a block.
    sandbox.advance(1).await;
    sandbox.post("/api/v1/sandbox/reorg", &json!({ "chainId": CHAIN, "depth": 5 })).await.ok(200);
    sandbox.post("/api/v1/sandbox/mine", &json!({ "chainId": CHAIN, "blocks": 4 })).await.ok(200);
    let failed_again = verified(secret, &shop.next().await);
    let again = verified(secret, &shop.next().await);
    assert_eq!([failed_again.event.as_str(), again.event.as_str()], ["payment.failed", "payment.confirmed"]);
    assert_ne!(again.webhook_id, first[1].webhook_id);
    assert!([&first[1], &failed_again, &again].is_sorted_by_key(|event| event.timestamp), "{first:?} {failed_again:?} {again:?}");
    assert_eq!(failed_again.data.transaction_hash, first[1].data.transaction_hash);

    // An endpoint is told what it subscribes to, while it is active. It is in this API's list alone, and its secret is shown once.
    let listed = sandbox.read(ENDPOINTS).await;
    assert_eq!((&listed["count"], listed["results"][0].get("secret")), (&json!(1), None));
    assert_eq!(sandbox.read("/api/v1/webhooks/endpoints").await["pagination"]["total"], 1);
    let path = format!("{ENDPOINTS}{}/", text(&endpoint["id"]));
    let update = async |body: Value| sandbox.ask("PUT", &path).json(&body).send().await;
    let changed = update(json!({ "events": ["order.expired"], "url": format!("{}/hook", shop.url()) })).await.ok(200)["data"].clone();
    assert_eq!((&changed["events"], &changed["is_active"], changed.get("secret")), (&json!(["order.expired"]), &json!(true), None));
    let second = sandbox.post(ORDERS, &wish(2, "1")).await.ok(201)["data"].clone();
    sandbox.advance(16 * 60).await;
    sandbox.post("/api/v1/sandbox/mine", &json!({ "chainId": CHAIN, "blocks": 4 })).await.ok(200);
    let expired = verified(secret, &shop.next().await);
    assert_eq!((expired.event.as_str(), &json!(expired.data.order_id)), ("order.expired", &second["order_id"]));
    assert_eq!(expired.data.transaction_hash, None);
    assert_eq!(update(json!({ "is_active": false })).await.ok(200)["data"]["is_active"], json!(false));

    for (body, field) in [
        (json!({ "url": "ftp://a.example" }), "url"),
        (json!({}), "url"),
        (json!({ "url": "https://a.example", "events": [] }), "events"),
        (json!({ "url": "https://a.example", "events": ["order.completed"] }), "events"),
        (json!({ "url": "https://a.example", "secret": "short" }), "secret"),
    ] {
        refused(&sandbox.post(ENDPOINTS, &body).await, 400, "VALIDATION_ERROR", field);
    }
    let chosen = sandbox.post(ENDPOINTS, &json!({ "url": "https://a.example", "secret": "a secret of my own" })).await.ok(201);
    assert_eq!(chosen["data"]["secret"], json!("a secret of my own"));
    let stranger = sandbox.stranger().await;
    refused(&sandbox.ask("PUT", &path).key(&stranger).json(&json!({ "is_active": true })).send().await, 404, "NOT_FOUND", "");
}

#[tokio::test]
async fn a_merchant_is_told_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    told(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn a_merchant_is_told_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    told(&sandbox).await;
    sandbox.stop().await;
}
