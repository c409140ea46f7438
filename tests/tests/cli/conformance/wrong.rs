//! Servers that are each wrong in one way, and which check has to notice.

use serde_json::{Value, json};

use super::spoilt::Spoil::{self, Answer, Request, Webhook};
use super::spoilt::{Answered, Asked};

/// A server that is wrong.
pub struct Wrong {
    pub name: &'static str,
    pub spoil: Spoil,
    /// The checks that fail, and no other.
    pub fails: &'static [&'static str],
    /// What the first of them says.
    pub says: &'static str,
}

const fn wrong(name: &'static str, spoil: Spoil, fails: &'static [&'static str], says: &'static str) -> Wrong {
    Wrong { name, spoil, fails, says }
}

const ORDER: &str = "/api/v1/orders/ord_";
const LINKS: &str = "/api/v1/payment-links";

fn set(value: &mut Value, pointer: &str, to: Value) {
    if let Some(place) = value.pointer_mut(pointer) {
        *place = to;
    }
}

/// Whether an answer is of one order by its id.
fn is_order(asked: &Asked, answered: &Answered) -> bool {
    asked.is("GET", ORDER) && !asked.path.ends_with("/explain") && answered.status == 200
}

fn is_replay(answered: &Answered) -> bool {
    answered.headers.contains_key("idempotent-replayed")
}

/// What is wrong with the form of answers.
pub const FORM: &[Wrong] = &[
    wrong(
        "a wrong envelope",
        Answer(|asked, answered| {
            if is_order(asked, answered) {
                answered.change(|body| *body = json!({ "success": true, "data": body.take() }));
            }
        }),
        &["envelope.bare"],
        "an envelope with success and data around it",
    ),
    wrong(
        "no JSON",
        Answer(|asked, answered| {
            if asked.is("GET", "/api/v1/orders/stats") {
                answered.body = "{\"totalOrders\":".into();
            }
        }),
        &["envelope.json"],
        "EOF while parsing",
    ),
    wrong(
        "amounts as floats",
        Answer(|asked, answered| {
            if asked.is("GET", "/api/v1/orders?") && answered.status == 200 {
                answered.change(|body| set(body, "/data/0/amount", json!(10.5)));
            }
        }),
        &["envelope.numbers"],
        "10.5",
    ),
    wrong(
        "whole numbers as floats",
        Answer(|asked, answered| {
            if is_order(asked, answered) {
                answered.change(|body| set(body, "/requiredConfirmations", json!(3.0)));
            }
        }),
        &["envelope.numbers"],
        "3.0",
    ),
    wrong(
        "times without a zone",
        Answer(|asked, answered| {
            if asked.is("GET", LINKS) && answered.status == 200 {
                answered.replace("Z\",\"updatedAt", "\",\"updatedAt");
            }
        }),
        &["envelope.times"],
        "T",
    ),
    wrong(
        "another content type",
        Answer(|asked, answered| {
            if asked.is("GET", "/api/v1/me") {
                answered.set("content-type", "text/html");
            }
        }),
        &["headers.content-type"],
        "Content-Type: \"text/html\"",
    ),
    wrong(
        "no request id",
        Answer(|asked, answered| {
            if asked.is("GET", "/api/v1/chains") {
                answered.headers.remove("x-request-id");
            }
        }),
        &["headers.request-id"],
        "without it",
    ),
    wrong(
        "a request id for all",
        Answer(|asked, answered| {
            if asked.is("GET", "/api/v1/transfers") && answered.status == 200 {
                answered.set("x-request-id", "req_1");
            }
        }),
        &["headers.request-id"],
        "the id req_1 of another answer",
    ),
    wrong(
        "a field is missing",
        Answer(|asked, answered| {
            if asked.is("GET", "/api/v1/orders/stats") {
                answered.without("conversionRate");
            }
        }),
        &["operations.getOrderStats"],
        "conversionRate",
    ),
    wrong(
        "no rate limit headers on some answers",
        Answer(|asked, answered| {
            if asked.is("GET", "/api/v1/deposits") {
                answered.headers.remove("x-ratelimit-reset");
            }
        }),
        &["limits.headers"],
        "without X-RateLimit-Reset",
    ),
    wrong(
        "more remains than there is",
        Answer(|asked, answered| {
            if asked.is("GET", "/api/v1/deposits") && answered.headers.contains_key("x-ratelimit-remaining") {
                answered.set("x-ratelimit-remaining", "99999999");
            }
        }),
        &["limits.values"],
        "99999999",
    ),
];

/// What is wrong with refusals.
pub const REFUSALS: &[Wrong] = &[
    wrong(
        "an error without a code",
        Answer(|_, answered| {
            if answered.status == 404 {
                answered.without("code");
            }
        }),
        &["errors.body"],
        "\"code\" is a required property",
    ),
    wrong(
        "a status that is not in the body",
        Answer(|_, answered| {
            if answered.status == 405 {
                answered.status = 404;
            }
        }),
        &["errors.status"],
        "statusCode 405",
    ),
    wrong(
        "another request id in the body",
        Answer(|_, answered| {
            if answered.status == 405 {
                answered.change(|body| set(body, "/requestId", json!("req_other")));
            }
        }),
        &["errors.request-id"],
        "req_other",
    ),
    wrong(
        "the wrong status for a taken reference",
        Answer(|asked, answered| {
            if asked.is("POST", "/api/v1/orders") && answered.status == 409 {
                answered.status = 400;
                answered.change(|body| set(body, "/statusCode", json!(400)));
            }
        }),
        &["orders.duplicate"],
        "400",
    ),
    wrong("no Allow", Answer(|_, answered| drop(answered.headers.remove("allow"))), &["errors.unknown-method"], "405"),
    wrong(
        "an unknown key is taken",
        Request(|asked| {
            let is_unknown = |key: &http::HeaderValue| key.as_bytes().windows(11).any(|part| part == b"conformance");
            if asked.headers.get("x-api-key").is_some_and(is_unknown) {
                asked.key(&asked.own_key.clone());
            }
        }),
        &["auth.unknown-key"],
        "200",
    ),
    wrong(
        "no key is as good as any",
        Request(|asked| {
            if asked.is("GET", "/api/v1/orders?") || asked.path == "/api/v1/orders" {
                let has_none = !asked.headers.contains_key("x-api-key") && !asked.headers.contains_key("authorization");
                if has_none {
                    asked.key(&asked.own_key.clone());
                }
            }
        }),
        &["auth.no-key"],
        "200",
    ),
    wrong(
        "a viewer sees the pool",
        Request(|asked| {
            if asked.is("GET", "/api/v1/address-pool/status") {
                asked.key(&asked.own_key.clone());
            }
        }),
        &["auth.roles"],
        "200",
    ),
    wrong(
        "unknown fields are skipped",
        Request(|asked| {
            if asked.is("POST", LINKS) && asked.body.windows(13).any(|part| part == b"\"conformance\"") {
                asked.change(|body| drop(body.as_object_mut().and_then(|fields| fields.remove("conformance"))));
            }
        }),
        &["errors.unknown-field"],
        "201",
    ),
];

/// What is wrong with orders, lists and repetitions.
pub const ANSWERS: &[Wrong] = &[
    wrong(
        "amounts are rounded",
        Answer(|asked, answered| {
            if asked.path.contains("/orders") {
                answered.replace("\"amount\":\"10.50\"", "\"amount\":\"10.5\"");
            }
        }),
        &["orders.amount-exact", "webhooks.order-completed"],
        "\"10.5\"",
    ),
    wrong(
        "too precise amounts are rounded",
        Request(|asked| {
            if asked.is("POST", "/api/v1/orders") {
                asked.body = String::from_utf8_lossy(&asked.body).replace("1.0000001", "1.000000").into();
            }
        }),
        &["orders.too-precise"],
        "201",
    ),
    wrong(
        "numbers are taken for amounts",
        Request(|asked| {
            if asked.is("POST", "/api/v1/orders") {
                asked.change(|body| {
                    let number = body["amount"].as_i64();
                    number.into_iter().for_each(|number| body["amount"] = json!(number.to_string()));
                });
            }
        }),
        &["orders.bad-amounts"],
        "201",
    ),
    wrong(
        "a list is not sorted as asked",
        Request(|asked| asked.path = asked.path.replace("&sortOrder=asc", "")),
        &["orders.sorted"],
        "in this order",
    ),
    wrong(
        "amounts are sorted as texts",
        Request(|asked| asked.path = asked.path.replace("sortBy=amount", "sortBy=createdAt")),
        &["orders.sorted"],
        "in this order",
    ),
    wrong(
        "a payer sees the merchant's reference",
        Answer(|asked, answered| {
            if asked.is("GET", "/api/v1/checkout/orders/ord_") {
                answered.change(|body| body["orderReference"] = json!("SECRET"));
            }
        }),
        &["orders.public"],
        "no orderReference",
    ),
    wrong("limits are clamped", Request(|asked| asked.path = asked.path.replace("limit=101", "limit=100")), &["paging.bounds"], "200"),
    wrong(
        "there is always more",
        Answer(|asked, answered| {
            if asked.is("GET", "/api/v1/transfers") {
                answered.replace("\"hasMore\":false", "\"hasMore\":true");
            }
        }),
        &["paging.totals"],
        "hasMore true",
    ),
    wrong(
        "a page is another one's",
        Request(|asked| asked.path = asked.path.replace("limit=2&page=2", "limit=2&page=1")),
        &["paging.complete"],
        "each of 5 links once",
    ),
    wrong(
        "a cursor skips",
        Answer(|asked, answered| {
            if asked.is("GET", "/api/v1/webhooks/events?after=") && asked.path.contains("limit=2") && !asked.path.contains("beginning") {
                answered.change(|body| drop(body["data"].as_array_mut().and_then(|rows| (!rows.is_empty()).then(|| rows.remove(0)))));
            }
        }),
        &["events.cursor"],
        "page by page",
    ),
    wrong(
        "a cursor repeats",
        Answer(|asked, answered| {
            if asked.is("GET", "/api/v1/webhooks/events?after=") && asked.path.contains("limit=2") && !asked.path.contains("beginning") {
                answered.change(|body| {
                    let first = body["data"][0].clone();
                    body["data"].as_array_mut().into_iter().for_each(|rows| rows.insert(0, first.clone()));
                });
            }
        }),
        &["events.cursor"],
        "page by page",
    ),
    wrong(
        "a replay that differs",
        Answer(|_, answered| {
            if is_replay(answered) && answered.status == 201 {
                answered.body = format!("{} ", String::from_utf8_lossy(&answered.body)).into();
            }
        }),
        &["idempotency.replay", "idempotency.concurrent"],
        "byte for byte",
    ),
    wrong(
        "a replay that does not say so",
        Answer(|_, answered| {
            if answered.status == 201 {
                answered.headers.remove("idempotent-replayed");
            }
        }),
        &["idempotency.header"],
        "Idempotent-Replayed: true",
    ),
    wrong(
        "idempotency keys are not read",
        Request(|asked| drop(asked.headers.remove("idempotency-key"))),
        &["idempotency.replay", "idempotency.refusals", "idempotency.form", "idempotency.concurrent"],
        "byte for byte",
    ),
    wrong(
        "a secret is shown again",
        Answer(|asked, answered| {
            if asked.is("GET", "/api/v1/webhooks/endpoints/we_") && answered.status == 200 {
                answered.change(|body| body["secret"] = json!("whsec_of_an_endpoint"));
            }
        }),
        &["endpoints.get"],
        "whsec_of_an_endpoint",
    ),
];

/// What is wrong with webhooks.
pub const WEBHOOKS: &[Wrong] = &[
    wrong(
        "webhooks are not signed",
        Webhook(|sent| drop(sent.headers.remove("x-payin-signature"))),
        &["signatures.payin"],
        "an unsigned webhook",
    ),
    wrong(
        "webhooks are signed with another secret",
        Webhook(|sent| {
            let forged = format!("t=1738067696,v1={}", "ab".repeat(32));
            sent.headers.insert("x-payin-signature", forged.parse().expect("a header"));
        }),
        &["signatures.payin"],
        "t=1738067696",
    ),
    wrong(
        "webhooks are written anew after they are signed",
        Webhook(|sent| {
            let event: Value = serde_json::from_slice(&sent.body).expect("an event");
            sent.body = serde_json::to_string_pretty(&event).expect("JSON").into();
        }),
        &["signatures.payin", "signatures.standard"],
        "body",
    ),
    wrong(
        "webhooks are not for verifiers of Standard Webhooks",
        Webhook(|sent| drop(sent.headers.remove("webhook-signature"))),
        &["signatures.standard"],
        "an unsigned webhook",
    ),
    wrong(
        "webhooks do not name their event",
        Webhook(|sent| drop(sent.headers.remove("x-payin-event-type"))),
        &["webhooks.headers"],
        "X-PayIn-Event-Type",
    ),
    wrong(
        "what comes again is not the same",
        Webhook(|sent| {
            if sent.again {
                sent.body = format!("{} ", String::from_utf8_lossy(&sent.body)).into();
            }
        }),
        &["webhooks.again"],
        "the second time",
    ),
    wrong(
        "the new secret signs nothing",
        Answer(|asked, answered| {
            if asked.is("POST", "/api/v1/webhooks/endpoints/we_") && asked.path.ends_with("/rotate-secret") {
                answered.change(|body| set(body, "/secret", json!("whsec_that_signs_nothing")));
            }
        }),
        &["signatures.rotation"],
        "genuine",
    ),
];
