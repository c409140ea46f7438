//! Exit codes and what is told.

use std::sync::Mutex;
use std::time::Duration;

use payin_sdk::transport::{Request, Response, Sending, Transport, TransportError, TransportErrorKind};
use payin_sdk::{Client, CreateOrder};
use serde_json::{Value, json};

use super::*;

/// Answers once.
struct Once(Mutex<Option<Result<Response, TransportError>>>);

impl Transport for Once {
    fn send(&self, _: Request) -> Sending<'_> {
        let answer = self.0.lock().unwrap().take().unwrap();
        Box::pin(std::future::ready(answer))
    }
}

fn failed(answer: Result<Response, TransportError>) -> Box<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let client = Client::builder().api_key("pk_test_x").transport(Once(Mutex::new(Some(answer)))).retries_max(0).build().unwrap();
    let order = CreateOrder::new("R", "1".parse().unwrap(), "USDT", "c");
    let call = client.orders().create(&order).idempotency_key("K").timeout(Duration::from_secs(1));
    let error = runtime.block_on(call.into_future()).unwrap_err();
    let Failure::Told(report) = Failure::from(error) else { panic!() };
    report
}

fn problem(status: u16, code: &str, more: &Value) -> Box<Report> {
    let mut body = json!({"error": "No", "message": "be\u{1b}[2Jcause", "code": code, "statusCode": status, "requestId": "req_7"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    failed(Ok(Response::new(status, Default::default(), body.to_string())))
}

#[test]
fn every_kind_of_error_has_its_exit_code() {
    for (status, code, exit) in [
        (404, "RESOURCE_NOT_FOUND", Exit::NotFound),
        (401, "INVALID_API_KEY", Exit::Auth),
        (403, "INSUFFICIENT_PERMISSIONS", Exit::Auth),
        (409, "DUPLICATE_ORDER_REFERENCE", Exit::Conflict),
        (409, "IDEMPOTENCY_KEY_CONFLICT", Exit::Conflict),
        (404, "DEPOSIT_REFERENCE_NOT_FOUND", Exit::NotFound),
        (409, "DUPLICATE_DEPOSIT_REFERENCE", Exit::Conflict),
        (409, "INVALID_STATE", Exit::Conflict),
        (409, "SOLD_OUT", Exit::Conflict),
        (410, "PAYMENT_LINK_UNAVAILABLE", Exit::Conflict),
        (400, "INVALID_AMOUNT", Exit::Validation),
        (400, "ORDER_EXPIRED", Exit::Validation),
        (413, "PAYLOAD_TOO_LARGE", Exit::Validation),
        (422, "NEW_WORD", Exit::Validation),
        (429, "RATE_LIMIT_EXCEEDED", Exit::RateLimited),
        (405, "METHOD_NOT_ALLOWED", Exit::Api),
        (500, "INTERNAL_ERROR", Exit::Api),
        (503, "NO_AVAILABLE_ADDRESSES", Exit::Api),
    ] {
        let report = problem(status, code, &json!({}));
        assert_eq!((report.exit, report.code.as_str(), report.exit_code), (exit, code, exit as u8));
    }
    let lost = |kind| failed(Err(TransportError::new(kind, "wire cut")));
    assert_eq!((lost(TransportErrorKind::Connect).exit, lost(TransportErrorKind::Broken).exit), (Exit::Network, Exit::Network));
    let numbers = [Exit::Ok, Exit::Usage, Exit::NotAsserted, Exit::Interrupted].map(|exit| exit as u8);
    assert_eq!(numbers, [0, 2, 9, 130]);
}

#[test]
fn people_are_told_what_to_do() {
    let details = json!([{"line": 3, "address": "0xab", "error": "bad checksum"}, {"field": "a", "message": "b"}, "c"]);
    let text = problem(400, "VALIDATION_ERROR", &json!({"details": details})).to_text();
    let expected =
        "error: be[2Jcause [VALIDATION_ERROR]\n  - line 3: 0xab: bad checksum\n  - field: a, message: b\n  - c\n  request id: req_7";
    assert_eq!(text, expected);
    assert!(problem(503, "NO_AVAILABLE_ADDRESSES", &json!({})).to_text().contains("hint: import more addresses"));

    let lost = failed(Err(TransportError::new(TransportErrorKind::Broken, "wire cut")));
    assert!(lost.message.contains("wire cut") && lost.to_text().contains("--idempotency-key K"), "{}", lost.to_text());
}

#[test]
fn programs_are_told_the_same() {
    let report = problem(409, "DUPLICATE_ORDER_REFERENCE", &json!({"existingOrderId": "ord_1", "retryAfter": 4}));
    let told = serde_json::to_value(&report).unwrap();
    assert_eq!(told["existingOrderId"], "ord_1");
    assert_eq!((&told["requestId"], &told["statusCode"], &told["exitCode"]), (&json!("req_7"), &json!(409), &json!(5)));
    assert_eq!(told["retryAfter"], 4);
    assert!(told.get("details").is_none() && told.get("exit").is_none());
}
