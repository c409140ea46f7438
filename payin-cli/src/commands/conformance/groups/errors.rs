//! Requests that are wrong in one way each. None of them can create anything on a server that is right.

use serde_json::json;

use super::super::check::checks;
use super::super::suite::Suite;
use super::super::wire::{Answer, Ask};

checks! {
    UNKNOWN_PATH: "errors.unknown-path" [] "An unknown path is 404 RESOURCE_NOT_FOUND", "openapi.yaml: x-unmatched-requests";
    UNKNOWN_METHOD: "errors.unknown-method" [Write] "A method that a path has not is 405 METHOD_NOT_ALLOWED, and Allow says which it has", "openapi.yaml: x-unmatched-requests";
    UNKNOWN_PARAMETER: "errors.unknown-parameter" [] "A query parameter that does not exist is refused, not skipped", "openapi.yaml: listOrders";
    REPEATED_PARAMETER: "errors.repeated-parameter" [] "A query parameter that comes twice is refused", "openapi.yaml: listOrders";
    NOT_FOUND: "errors.not-found" [] "What does not exist is 404, by the code of its kind", "API Reference: error codes";
    BROKEN_JSON: "errors.broken-json" [Write] "A body that is no JSON is 400 VALIDATION_ERROR", "openapi.yaml: responses/BadRequest";
    UNKNOWN_FIELD: "errors.unknown-field" [Write] "A field that does not exist is refused, not skipped", "openapi.yaml: schemas/CreatePaymentLink";
    DOUBLE_FIELD: "errors.double-field" [Write] "A field that comes twice in one object is refused", "openapi.yaml: bodies";
    MEDIA_TYPE: "errors.media-type" [Write] "A body that does not say application/json is 415 UNSUPPORTED_MEDIA_TYPE", "openapi.yaml: responses/UnsupportedMediaType";
    TOO_LARGE: "errors.too-large" [Write] "A body over 64 KiB is 413 PAYLOAD_TOO_LARGE", "openapi.yaml: responses/PayloadTooLarge";
}

/// What nobody has: by operation, what it is called, and the code of its kind.
const NOBODY: &str = "conformance-nobody";
const NOTHING: &[(&str, &str)] = &[
    ("getOrder", "RESOURCE_NOT_FOUND"),
    ("getOrderByReference", "RESOURCE_NOT_FOUND"),
    ("explainOrder", "RESOURCE_NOT_FOUND"),
    ("getDepositReference", "DEPOSIT_REFERENCE_NOT_FOUND"),
    ("getDeposit", "RESOURCE_NOT_FOUND"),
    ("getTransfer", "RESOURCE_NOT_FOUND"),
    ("getPaymentLink", "RESOURCE_NOT_FOUND"),
    ("getCheckout", "RESOURCE_NOT_FOUND"),
    ("getCheckoutOrder", "RESOURCE_NOT_FOUND"),
];

pub async fn run(suite: &mut Suite<'_>) {
    suite
        .check(UNKNOWN_PATH, async |suite: &mut Suite| {
            suite.ask(Ask::nothing("GET", "/api/v1/conformance")).await?.refused(404, "RESOURCE_NOT_FOUND")
        })
        .await;
    suite
        .check(UNKNOWN_METHOD, async |suite: &mut Suite| {
            let answer = suite.ask(Ask::nothing("DELETE", "/api/v1/orders")).await?;
            answer.refused(405, "METHOD_NOT_ALLOWED")?;
            let allowed: Vec<_> = answer.header("Allow").unwrap_or_default().split(',').map(str::trim).collect();
            if allowed.contains(&"GET") && allowed.contains(&"POST") { Ok(()) } else { Err(answer.wrong("Allow: GET, POST")) }
        })
        .await;
    suite
        .check(UNKNOWN_PARAMETER, async |suite: &mut Suite| {
            suite.ask(Ask::of("listOrders").query("conformance", 1)).await?.refused(400, "VALIDATION_ERROR")
        })
        .await;
    suite
        .check(REPEATED_PARAMETER, async |suite: &mut Suite| {
            suite.ask(Ask::of("listOrders").query("limit", 1).query("limit", 2)).await?.refused(400, "VALIDATION_ERROR")
        })
        .await;
    suite
        .check(NOT_FOUND, async |suite: &mut Suite| {
            for (operation, code) in NOTHING {
                suite.ask(Ask::of(*operation).at(NOBODY)).await?.refused(404, code)?;
            }
            Ok(())
        })
        .await;
    bodies(suite).await;
}

/// Bodies that are wrong. They are sent to what creates links, because a link takes no address.
async fn bodies(suite: &mut Suite<'_>) {
    let invalid = |answer: Answer| answer.refused(400, "VALIDATION_ERROR");
    let link = || Ask::of("createPaymentLink");
    suite.check(BROKEN_JSON, async |suite: &mut Suite| invalid(suite.ask(link().text("{\"title\":")).await?)).await;
    suite
        .check(UNKNOWN_FIELD, async |suite: &mut Suite| {
            let mut body = super::links::new(suite, "USDT", "ethereum-sepolia");
            if let Some(fields) = body.as_object_mut() {
                fields.insert("conformance".to_owned(), json!(true));
            }
            invalid(suite.ask(link().json(&body)).await?)
        })
        .await;
    suite
        .check(DOUBLE_FIELD, async |suite: &mut Suite| {
            let body = super::links::new(suite, "USDT", "ethereum-sepolia").to_string();
            invalid(suite.ask(link().text(body.replacen('{', "{\"theme\":\"dark\",\"theme\":\"light\",", 1))).await?)
        })
        .await;
    suite
        .check(MEDIA_TYPE, async |suite: &mut Suite| {
            let body = super::links::new(suite, "USDT", "ethereum-sepolia").to_string();
            suite.ask(link().header("Content-Type", "text/plain").bytes(body)).await?.refused(415, "UNSUPPORTED_MEDIA_TYPE")
        })
        .await;
    suite
        .check(TOO_LARGE, async |suite: &mut Suite| {
            let body = json!({ "title": "x".repeat(65 * 1024) }).to_string();
            suite.ask(link().text(body)).await?.refused(413, "PAYLOAD_TOO_LARGE")
        })
        .await;
}
