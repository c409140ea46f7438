//! The PayWarden API with the same client: its documents' examples, its errors, its pages, its webhooks.

use futures_util::TryStreamExt;
use payin_types::signature::sign_paywarden;
use payin_types::{SecretString, Timestamp};
use serde_json::{Value, json};

use super::script::{Scene, answer, broken};
use crate::Waited;
use crate::paywarden::{CreatePayment, ListPayments, Payment, PaymentStatus, construct_event};
use crate::transport::TransportErrorKind;
use crate::webhook::Verifier;

fn seed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn wish() -> CreatePayment {
    CreatePayment::new("order_123", "99.00".parse().unwrap())
}

#[tokio::test]
async fn the_documents_examples_are_written_and_read() {
    let asked = seed(include_str!("../../../tests/fixtures/seeds/004-create-request.json"));
    let request: CreatePayment = serde_json::from_value(asked.clone()).unwrap();
    assert_eq!(serde_json::to_value(&request).unwrap(), asked);
    let created = seed(include_str!("../../../tests/fixtures/seeds/004-create-response.json"));
    let shown = seed(include_str!("../../../tests/fixtures/seeds/004-get-response.json"));
    let listed = seed(include_str!("../../../tests/fixtures/seeds/004-list-response.json"));
    let scene = Scene::new([answer(201, &created), answer(200, &shown), answer(200, &listed)]);
    let client = scene.client();
    let payments = client.paywarden().payments();
    let made = payments.create(&request).await.unwrap();
    assert_eq!((made.status, made.external_id.as_str(), made.events), (PaymentStatus::Pending, "order_123", None));
    let payment = payments.get(&"ord_abc123".into()).await.unwrap();
    assert_eq!((payment.confirmations, payment.events.map(|events| events.len())), (Some(19), Some(3)));
    let page = payments.list(&ListPayments { status: Some(PaymentStatus::Confirmed), ..Default::default() }).await.unwrap();
    assert_eq!((page.total, page.data.len()), (142, 1));
    let urls: Vec<String> = scene.requests().iter().map(|request| request.url.clone()).collect();
    assert!(urls[0].ends_with("/api/v1/payments") && urls[1].ends_with("/api/v1/payments/ord_abc123"), "{urls:?}");
    assert!(urls[2].ends_with("/api/v1/payments?status=confirmed"), "{urls:?}");
}

#[tokio::test]
async fn creating_is_tried_again_because_its_external_id_makes_it_safe() {
    let created = seed(include_str!("../../../tests/fixtures/seeds/004-create-response.json"));
    let scene = Scene::new([broken(TransportErrorKind::Timeout), answer(200, &created)]);
    assert_eq!(scene.client().paywarden().payments().create(&wish()).await.unwrap().id.as_str(), "ord_abc123");
    assert_eq!(scene.requests().len(), 2);
}

#[tokio::test]
async fn errors_are_read_in_its_form() {
    for (status, code, is) in [
        (404, "NOT_FOUND", "not found"),
        (409, "EXTERNAL_ID_CONFLICT", "duplicate"),
        (401, "UNAUTHORIZED", "refused"),
        (403, "FORBIDDEN", "refused"),
        (503, "NO_ADDRESS_AVAILABLE", "empty"),
    ] {
        let scene = Scene::new([answer(status, &json!({ "error": "Because", "code": code }))]);
        let error = scene.client().paywarden().payments().create(&wish()).await.unwrap_err();
        assert_eq!(
            (error.code().map(|code| code.as_str().to_owned()).as_deref(), error.api().unwrap().message.as_str()),
            (Some(code), "Because")
        );
        let all = [
            ("not found", error.is_not_found()),
            ("duplicate", error.is_duplicate_reference()),
            ("refused", error.is_refused()),
            ("empty", error.is_pool_empty()),
        ];
        assert!(all.iter().all(|(what, holds)| *holds == (*what == is)), "{code}: {all:?}");
        assert_eq!(scene.requests().len(), 1, "{code} is not tried again");
    }
}

#[tokio::test]
async fn lists_are_streamed_and_payments_waited_for() {
    let payment = |id: &str, status: &str| {
        json!({
            "id": id, "status": status, "amount": "1", "currency": "USDT", "address": "T", "external_id": id,
            "expires_at": "2025-01-01T01:00:00.000Z", "created_at": "2025-01-01T00:00:00.000Z"
        })
    };
    let page = |number: u64, ids: &[&str]| {
        let data: Vec<Value> = ids.iter().map(|id| payment(id, "pending")).collect();
        answer(200, &json!({ "data": data, "total": 3, "page": number, "limit": 2 }))
    };
    let scene = Scene::new([page(1, &["a", "b"]), page(2, &["c"])]);
    let query = ListPayments { limit: Some(2), ..Default::default() };
    let all: Vec<Payment> = scene.client().paywarden().payments().stream(query).try_collect().await.unwrap();
    assert_eq!(all.iter().map(|payment| payment.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    for (last, paid) in [("confirmed", true), ("completed", true), ("failed", true), ("expired", false)] {
        let scene = Scene::new(["pending", "detected", last].map(|status| answer(200, &payment("a", status))));
        let waited = scene.client().paywarden().payments().wait(&"a".into()).await.unwrap();
        assert_eq!(matches!(waited, Waited::Completed(_)), paid, "{last}");
        assert_eq!(waited.order().status.as_str(), last);
    }
}

#[test]
fn events_are_verified_and_read() {
    let body = br#"{"event":"payment.confirmed","order_id":"ord_abc123","external_id":"order_123","amount":"99.00","amount_received":"99.00","currency":"USDT","address":"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t","tx_hash":"def456","confirmations":19,"created_at":"2025-01-01T00:00:00Z","confirmed_at":"2025-01-01T00:05:00Z"}"#;
    let secret = SecretString::from("whsec_test_secret_0123456789");
    // The vector of the reference.
    let signature = "sha256=fbe9c56ec7ed647b21954520fd5b53ac09705505bbee0a4d9cf32ad28021da2e";
    assert_eq!(sign_paywarden(&secret, body), signature);
    let verifier = Verifier::new(secret);
    let event = construct_event([("X-PayWarden-Signature", signature)], body, &verifier, Timestamp::from_secs(0)).unwrap();
    assert_eq!((event.event.as_str(), event.external_id.as_str(), event.metadata.len()), ("payment.confirmed", "order_123", 0));
    assert!(construct_event([("X-PayWarden-Signature", signature)], &body[1..], &verifier, Timestamp::from_secs(0)).is_err());
}
