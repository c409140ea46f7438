//! Webhook endpoints and the event log over HTTP: how they are asked for, and that what is sent by hand arrives.

use payin_sdk::webhook::{self, Verifier};
use payin_tests::nodes::receiver::{Answer, Received, Receiver};
use payin_tests::sandbox::{Sandbox, text};
use payin_types::Role;
use serde_json::{Value, json};

const ENDPOINTS: &str = "/api/v1/webhooks/endpoints";
const EVENTS: &str = "/api/v1/webhooks/events";

/// Whether a delivery is genuine by this secret, at the sandbox's time.
async fn is_good(sandbox: &Sandbox, received: &Received, secret: &Value) -> bool {
    let now = text(&sandbox.read("/api/v1/sandbox/clock").await["now"]).parse().expect("a time");
    let headers = received.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    webhook::verify(headers, &received.body, &Verifier::new(text(secret).to_owned().into()), now).is_ok()
}

/// All of a time, and what of it was given up: of the one event that this endpoint has had of its type.
async fn a_time_is_sent_again(sandbox: &Sandbox, shop: &Receiver, id: &str, had: &Received) {
    let one = format!("{EVENTS}/{}", had.header("webhook-id"));
    let range = |more: Value| {
        let mut body = json!({ "createdAfter": "2020-01-01T00:00:00.000Z", "endpointId": id, "type": "order.completed" });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body
    };
    let all = format!("{EVENTS}/resend");
    let keyed = || sandbox.ask("POST", &all).header("Idempotency-Key", "again").json(&range(json!({}))).send();
    assert_eq!(keyed().await.ok(202), json!({ "events": 1, "deliveries": 1 }));
    assert_eq!(shop.next().await.body, had.body);
    sandbox.read_when(&one, "delivered", |event| event["deliveries"]["delivered"] == 1).await;
    assert_eq!(keyed().await.ok(202), json!({ "events": 1, "deliveries": 1 }));
    let failed = sandbox.post(&all, &range(json!({ "status": "failed" }))).await;
    assert_eq!(failed.ok(202), json!({ "events": 0, "deliveries": 0 }));
    sandbox.post(&all, &json!({})).await.refused(400, "VALIDATION_ERROR", "createdAfter");
    sandbox.post(&all, &range(json!({ "cursor": "x" }))).await.refused(400, "VALIDATION_ERROR", "cursor");
    sandbox.post(&all, &range(json!({ "endpointId": "we_none" }))).await.refused(404, "RESOURCE_NOT_FOUND", "we_none");
}

async fn journey(sandbox: &Sandbox) {
    let shop = Receiver::start().await;
    let made = sandbox.post(ENDPOINTS, &json!({ "url": shop.url(), "events": ["order.completed"] })).await.ok(201);
    let (id, old) = (text(&made["id"]), &made["secret"]);
    let at = |rest: &str| format!("{ENDPOINTS}/{id}{rest}");
    let shown = sandbox.read(&at("")).await;
    assert_eq!((&shown["id"], &shown["enabled"], shown.get("secret")), (&made["id"], &json!(true), None));

    // A new secret, asked for without a body; under a key the answer with the secret is given again, to the same API key alone.
    let rotate = || sandbox.ask("POST", &at("/rotate-secret")).header("Idempotency-Key", "rotate");
    let rotated = rotate().send().await;
    let again = rotate().send().await;
    assert_eq!((again.text.as_str(), again.header("idempotent-replayed")), (rotated.text.as_str(), "true"));
    let rotated = rotated.ok(200);
    let new = &rotated["secret"];
    assert!(new != old && rotated["previousSecretExpiresAt"].is_string(), "{rotated}");
    let admin = sandbox.key_with_role(Role::Admin).await;
    rotate().key(&admin).header("Content-Type", "application/json").body("{broken").send().await.refused(400, "VALIDATION_ERROR", "JSON");
    rotate().header("Content-Type", "text/plain").body("secret").send().await.refused(415, "UNSUPPORTED_MEDIA_TYPE", "application/json");
    sandbox.ask("POST", &at("/rotate-secret")).body("{}").send().await.refused(415, "UNSUPPORTED_MEDIA_TYPE", "application/json");

    let test = async || {
        let queued = sandbox.ask("POST", &at("/test")).send().await.ok(202);
        assert_eq!(queued["deliveries"], 1);
        sandbox.advance(1).await;
        let received = shop.next().await;
        assert_eq!(received.header("webhook-id"), text(&queued["eventId"]));
        received
    };
    let received = test().await;
    assert!(is_good(sandbox, &received, old).await && is_good(sandbox, &received, new).await);
    sandbox.advance(24 * 60 * 60).await;
    let received = test().await;
    assert!(!is_good(sandbox, &received, old).await && is_good(sandbox, &received, new).await);

    // An event that was refused, looked at and sent again, byte for byte.
    shop.script([Answer::status(500).body("no luck")]);
    let order = sandbox.order("HOOKS-1", "1").await;
    sandbox.pay(&order["orderId"], json!({})).await;
    sandbox.mine(3).await;
    let refused = shop.next().await;
    let event = refused.header("webhook-id").to_owned();
    let of_order = format!("{EVENTS}?type=order.completed&objectId={}&endpointId={id}", text(&order["orderId"]));
    let listed = sandbox.read_when(&of_order, "one", |page| page["pagination"]["total"] == 1).await;
    assert_eq!((&listed["data"][0]["id"], &listed["data"][0]["payload"]), (&json!(event), &refused.json()));
    let one = format!("{EVENTS}/{event}");
    let log = |deliveries: &Value| deliveries["data"][0]["log"].as_array().map_or(0, Vec::len);
    let deliveries = sandbox.read_when(&format!("{one}/deliveries"), "recorded", |deliveries| log(deliveries) == 1).await;
    assert_eq!((&deliveries["data"][0]["status"], &deliveries["data"][0]["log"][0]["statusCode"]), (&json!("pending"), &json!(500)));
    assert_eq!(deliveries["data"][0]["log"][0]["response"], "no luck");
    assert_eq!(sandbox.ask("POST", &format!("{one}/resend")).send().await.ok(202), json!({ "eventId": event, "deliveries": 1 }));
    sandbox.advance(1).await;
    assert_eq!(shop.next().await.body, refused.body);
    let done = sandbox.read_when(&one, "delivered", |event| event["deliveries"]["delivered"] == 1).await;
    assert_eq!(done["deliveries"], json!({ "pending": 0, "delivered": 1, "failed": 0 }));
    sandbox.post(&format!("{one}/resend"), &json!({ "endpointId": "we_none" })).await.refused(404, "RESOURCE_NOT_FOUND", "we_none");
    sandbox.post(&format!("{one}/resend"), &json!({ "endpoint": id })).await.refused(400, "VALIDATION_ERROR", "endpoint");

    a_time_is_sent_again(sandbox, &shop, id, &refused).await;

    let put = |body: Value| sandbox.ask("PUT", &at("")).json(&body).send();
    let changed = put(json!({ "enabled": false, "description": "closed" })).await.ok(200);
    assert_eq!((&changed["enabled"], &changed["description"], &changed["url"]), (&json!(false), &json!("closed"), &made["url"]));
    assert_eq!((&changed["disabledReason"], &changed["disabledAt"]), (&json!("requested"), &changed["updatedAt"]));
    put(json!({ "secret": "a secret of 16 and more" })).await.refused(400, "VALIDATION_ERROR", "secret");
    for path in [at("/test"), format!("{one}/resend")] {
        sandbox.ask("POST", &path).send().await.refused(409, "INVALID_STATE", "");
    }
    sandbox.post(&at("/test"), &json!({ "event": "order.completed" })).await.refused(400, "VALIDATION_ERROR", "event");

    sandbox.ask("DELETE", &at("")).send().await.ok(200);
    for (method, path) in [("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/rotate-secret"), ("POST", "/test")] {
        let ask = sandbox.ask(method, &at(path));
        let ask = if method == "PUT" { ask.json(&json!({})) } else { ask };
        ask.send().await.refused(404, "RESOURCE_NOT_FOUND", "does not exist");
    }
}

#[tokio::test]
async fn what_is_sent_by_hand_arrives_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    journey(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn what_is_sent_by_hand_arrives_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    journey(&sandbox).await;
    sandbox.stop().await;
}
