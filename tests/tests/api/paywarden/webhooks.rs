//! What a payment's merchant is told, and what becomes of the payment by the answer: on the simulated Tron chain, under a clock that stands
//! still but where the test moves it. Every event is verified by the SDK, and by `openssl`.

use std::time::Instant;

use payin_sdk::paywarden::{PaymentEvent, construct_event};
use payin_sdk::webhook::Verifier;
use payin_tests::nodes::DEADLINE;
use payin_tests::nodes::receiver::{Answer, Received, Receiver};
use payin_tests::sandbox::{Sandbox, contract, text};
use payin_types::{SecretString, Timestamp};
use serde_json::{Value, json};

use super::PAYMENTS;

const TRON: &str = "tron-nile";

async fn mine(sandbox: &Sandbox, blocks: u64) {
    sandbox.post("/api/v1/sandbox/mine", &json!({ "chainId": TRON, "blocks": blocks })).await.ok(200);
}

async fn with_status(sandbox: &Sandbox, id: &Value, status: &str) -> Value {
    sandbox.read_when(&format!("{PAYMENTS}/{}", text(id)), status, |payment| payment["status"] == status).await
}

fn timeline(payment: &Value) -> Vec<&str> {
    payment["events"].as_array().expect("a timeline").iter().map(|event| text(&event["type"])).collect()
}

/// The event, if it is genuine; by whatever the sandbox's secret is.
fn verified(sandbox: &Sandbox, received: &Received) -> PaymentEvent {
    let secret = sandbox.webhook_secret();
    let headers = received.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let now = Timestamp::from_secs(0);
    let event = construct_event(headers, &received.body, &Verifier::new(SecretString::from(secret)), now).expect("a genuine event");
    let body = received.json();
    contract().check_event(event.event.as_str(), &body).unwrap_or_else(|why| panic!("{why}: {body}"));
    assert_eq!(received.header("X-PayWarden-Signature"), format!("sha256={}", by_openssl(secret, &received.body)));
    assert_eq!(received.header("content-type"), "application/json");
    for native in ["x-payin-signature", "webhook-signature", "webhook-id"] {
        assert_eq!(received.header(native), "", "{native} is another API's");
    }
    event
}

fn by_openssl(secret: &str, body: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), body).expect("written");
    let openssl = std::process::Command::new("openssl").args(["dgst", "-sha256", "-hmac", secret, "-r"]).arg(file.path()).output();
    let text = String::from_utf8(openssl.expect("openssl").stdout).expect("text");
    text.split_whitespace().next().expect("a digest").to_owned()
}

async fn acknowledged(sandbox: &Sandbox) {
    let shop = Receiver::start().await;
    let native = Receiver::start().await;
    let endpoint = json!({ "url": native.url(), "events": ["order.completed"] });
    sandbox.post("/api/v1/webhooks/endpoints", &endpoint).await.ok(201);
    let body =
        json!({ "amount": "12.50", "currency": "USDT", "external_id": "order_1", "webhook_url": shop.url(), "metadata": { "k": "v" } });
    let made = sandbox.post(PAYMENTS, &body).await.ok(201);
    let id = &made["id"];
    let paid = sandbox.pay(id, json!({})).await;
    let seen = with_status(sandbox, id, "detected").await;
    assert_eq!(
        (&seen["amount_received"], &seen["tx_hash"], timeline(&seen)),
        (&json!("0.00"), &paid["txHash"], vec!["created", "detected"])
    );
    let told = shop.next().await;
    let event = verified(sandbox, &told);
    assert_eq!((event.event.as_str(), event.order_id.as_str(), event.confirmed_at), ("payment.detected", text(id), None));

    // The first answer to what completes it is no answer: it is confirmed meanwhile.
    shop.script([Answer::status(410)]);
    mine(sandbox, 8).await;
    let refused = shop.next().await;
    let event = verified(sandbox, &refused);
    assert_eq!(
        (event.event.as_str(), event.external_id.as_str(), event.metadata["k"].as_str()),
        ("payment.confirmed", "order_1", Some("v"))
    );
    assert_eq!((event.amount_received.to_string(), event.tx_hash.as_deref()), ("12.50".to_owned(), paid["txHash"].as_str()));
    let confirmed = with_status(sandbox, id, "confirmed").await;
    assert_eq!((&confirmed["amount_received"], timeline(&confirmed)), (&json!("12.50"), vec!["created", "detected", "confirmed"]));
    assert_eq!(sandbox.read(&format!("{PAYMENTS}?status=confirmed")).await["total"], 1);
    attempts(sandbox, 1).await;
    sandbox.advance(3).await;
    let again = shop.next().await;
    assert_eq!((&again.body, again.header("x-idempotency-key")), (&refused.body, refused.header("x-idempotency-key")));
    assert_ne!(again.header("x-idempotency-key"), told.header("x-idempotency-key"));
    let completed = with_status(sandbox, id, "completed").await;
    assert_eq!(timeline(&completed), ["created", "detected", "confirmed", "completed"]);
    assert_eq!(sandbox.read(&format!("{PAYMENTS}?status=completed")).await["data"][0]["id"], *id);

    // The organization's native endpoint was told, too, in its own words; and of this one's words its log has nothing.
    assert_eq!(native.next().await.json()["type"], "order.completed");
    let log = sandbox.read("/api/v1/webhooks/events").await;
    assert!(log["data"].as_array().expect("events").iter().all(|event| text(&event["type"]).starts_with("order.")), "{log}");
    let transfers = sandbox.read(&format!("/api/v1/transfers?orderId={}", text(id))).await;
    assert_eq!((&transfers["data"][0]["amount"], &transfers["data"][0]["txHash"]), (&json!("12.50"), &paid["txHash"]));
}

/// Until so many attempts to tell of the confirmation are recorded: time must not move before.
async fn attempts(sandbox: &Sandbox, wanted: u32) {
    let query =
        "SELECT COALESCE(MAX(d.attempts), 0) FROM deliveries d JOIN events e ON e.id = d.event_id WHERE e.type = 'payment.confirmed'";
    reads(sandbox, query, &wanted.to_string()).await;
}

async fn reads(sandbox: &Sandbox, query: &str, wanted: &str) {
    let begun = Instant::now();
    while sandbox.database().value(query).await != wanted {
        assert!(begun.elapsed() < DEADLINE, "{query} is not {wanted} within {DEADLINE:?}");
        tokio::task::yield_now().await;
    }
}

async fn dead(sandbox: &Sandbox) {
    let shop = Receiver::start().await;
    let body = json!({ "amount": "1", "currency": "USDT", "external_id": "order_1", "webhook_url": shop.url() });
    let made = sandbox.post(PAYMENTS, &body).await.ok(201);
    let id = &made["id"];
    sandbox.pay(id, json!({})).await;
    with_status(sandbox, id, "detected").await;
    // A second event would be tried beside the one that is counted, and an endpoint that fails twice in a row rests: for ever, where the
    // clock stands.
    reads(sandbox, "SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NOT NULL", "1").await;
    shop.answer(Answer::status(500));
    mine(sandbox, 8).await;
    for attempt in 1..=10 {
        attempts(sandbox, attempt).await;
        if attempt < 10 {
            assert_eq!(with_status(sandbox, id, "confirmed").await["amount_received"], "1.00");
            sandbox.advance(2_u64.pow(attempt)).await;
        }
    }
    let failed = with_status(sandbox, id, "failed").await;
    assert_eq!((&failed["amount_received"], timeline(&failed)), (&json!("1.00"), vec!["created", "detected", "confirmed", "failed"]));
    // Money is untouched: to the native API it is paid.
    assert_eq!(sandbox.order_now(id).await["status"], "completed");
    sandbox.advance(100_000).await;
    let confirmations: Vec<Received> = shop.received().into_iter().filter(|one| one.json()["event"] == "payment.confirmed").collect();
    let keys: std::collections::BTreeSet<&str> = confirmations.iter().map(|one| one.header("x-idempotency-key")).collect();
    assert_eq!((confirmations.len(), keys.len()), (10, 1));
    confirmations.iter().for_each(|one| drop(verified(sandbox, one)));
}

#[tokio::test]
async fn an_acknowledged_payment_is_completed_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    acknowledged(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn an_acknowledged_payment_is_completed_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    acknowledged(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn a_dead_receiver_fails_the_payment_and_not_the_money() {
    let sandbox = Sandbox::frozen().await;
    dead(&sandbox).await;
    sandbox.stop().await;
}

/// Without a webhook it stays confirmed; too little is told once, which dust does not use up; what is not paid within the hour expires; and what
/// comes after that is shown.
#[tokio::test]
async fn payments_without_an_answer_to_wait_for_and_without_enough_money() {
    let sandbox = Sandbox::frozen().await;
    let shop = Receiver::start().await;
    let wish = |external_id: &str| json!({ "amount": "10", "currency": "USDT", "external_id": external_id });
    let quiet = sandbox.post(PAYMENTS, &wish("quiet")).await.ok(201);
    let mut with_hook = wish("short");
    with_hook["webhook_url"] = json!(shop.url());
    let short = sandbox.post(PAYMENTS, &with_hook).await.ok(201);
    sandbox.pay(&quiet["id"], json!({})).await;
    sandbox.pay(&short["id"], json!({ "amount": "0.000001" })).await;
    mine(&sandbox, 9).await;
    sandbox.pay(&short["id"], json!({ "amount": "5.000000" })).await;
    mine(&sandbox, 9).await;
    with_status(&sandbox, &quiet["id"], "confirmed").await;
    let told = [shop.next().await, shop.next().await].map(|one| verified(&sandbox, &one).event.as_str().to_owned());
    assert_eq!(told, ["payment.detected", "payment.underpaid"]);
    let half = with_status(&sandbox, &short["id"], "detected").await;
    assert_eq!(half["amount_received"], "5.000001");
    sandbox.advance(65 * 60).await;
    let expired = with_status(&sandbox, &short["id"], "expired").await;
    assert_eq!((&expired["amount_received"], timeline(&expired)), (&json!("5.000001"), vec!["created", "detected", "expired"]));
    assert_eq!((&expired["paid_late_at"], verified(&sandbox, &shop.next().await).event.as_str()), (&Value::Null, "payment.expired"));
    sandbox.pay(&short["id"], json!({ "kind": "late" })).await;
    mine(&sandbox, 9).await;
    let late = sandbox.read_when(&format!("{PAYMENTS}/{}", text(&short["id"])), "late", |payment| !payment["paid_late_at"].is_null()).await;
    assert_eq!((&late["status"], timeline(&late)), (&json!("expired"), vec!["created", "detected", "expired", "paid_late"]));
    sandbox.stop().await;
}
