//! Another organization's things look exactly as if they did not exist.

use payin_tests::sandbox::{Reply, Sandbox, new_order, text};
use serde_json::{Value, json};

/// An answer without what differs anyway: the id that was asked for, and the request's.
fn anonymous(reply: &Reply, id: &str) -> (u16, String, Vec<String>) {
    let mut body = reply.json.clone();
    body["requestId"] = Value::Null;
    let mut headers: Vec<String> = reply.headers.keys().map(ToString::to_string).collect();
    headers.sort();
    (reply.status, body.to_string().replace(id, "{id}"), headers)
}

async fn tenants(sandbox: &Sandbox) {
    let stranger = sandbox.stranger().await;
    let order = sandbox.order("TENANT-1", "1").await;
    let endpoint = sandbox.post("/api/v1/webhooks/endpoints", &json!({ "url": "https://a.example/", "events": ["*"] })).await.ok(201);
    let (order_id, endpoint_id) = (text(&order["orderId"]), text(&endpoint["id"]));
    let test = sandbox.ask("POST", &format!("/api/v1/webhooks/endpoints/{endpoint_id}/test")).send().await.ok(202);
    let event_id = text(&test["eventId"]).to_owned();
    // As long as a real one, so that not even the length tells.
    let unlike = |id: &str| format!("{}{}", &id[..id.len() - 4], "0000");
    let before = sandbox.counts().await;
    for (method, path, body, theirs, nobodys) in [
        ("GET", "/api/v1/orders/{id}", None, order_id, unlike(order_id)),
        ("GET", "/api/v1/orders/{id}/explain", None, order_id, unlike(order_id)),
        ("GET", "/api/v1/orders/by-reference/{id}", None, "TENANT-1", "TENANT-9".to_owned()),
        ("GET", "/api/v1/webhooks/endpoints/{id}", None, endpoint_id, unlike(endpoint_id)),
        ("PUT", "/api/v1/webhooks/endpoints/{id}", Some("{\"enabled\":false}"), endpoint_id, unlike(endpoint_id)),
        ("POST", "/api/v1/webhooks/endpoints/{id}/rotate-secret", None, endpoint_id, unlike(endpoint_id)),
        ("POST", "/api/v1/webhooks/endpoints/{id}/test", None, endpoint_id, unlike(endpoint_id)),
        ("DELETE", "/api/v1/webhooks/endpoints/{id}", None, endpoint_id, unlike(endpoint_id)),
        ("GET", "/api/v1/webhooks/events/{id}", None, &event_id, unlike(&event_id)),
        ("GET", "/api/v1/webhooks/events/{id}/deliveries", None, &event_id, unlike(&event_id)),
        ("POST", "/api/v1/webhooks/events/{id}/resend", None, &event_id, unlike(&event_id)),
        ("POST", "/api/v1/sandbox/pay", Some("{\"orderId\":\"{id}\"}"), order_id, unlike(order_id)),
    ] {
        let ask = async |id: &str| {
            let ask = sandbox.ask(method, &path.replace("{id}", id)).key(&stranger);
            let reply = match body {
                Some(body) => ask.raw_json(body.replace("{id}", id)).send().await,
                None => ask.send().await,
            };
            reply.refused(404, "RESOURCE_NOT_FOUND", id);
            anonymous(&reply, id)
        };
        assert_eq!(ask(theirs).await, ask(&nobodys).await, "{method} {path}");
    }
    assert_eq!(sandbox.counts().await, before);
    for list in ["/api/v1/orders", "/api/v1/webhooks/endpoints", "/api/v1/webhooks/events", "/api/v1/address-pool/addresses"] {
        let page = sandbox.ask("GET", list).key(&stranger).send().await.ok(200);
        assert_eq!((page["data"].as_array().map(Vec::len), &page["pagination"]["total"]), (Some(0), &json!(0)), "{list}");
    }
    // References and idempotency keys are each organization's own.
    let import = json!({ "protocol": "evm", "addresses": "0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE" });
    sandbox.ask("POST", "/api/v1/address-pool/import").key(&stranger).json(&import).send().await.ok(200);
    let create = |key: &str| sandbox.ask("POST", "/api/v1/orders").key(key).header("Idempotency-Key", "k");
    let ours = create(sandbox.key()).json(&new_order("TENANT-2", "1")).send().await.ok(201);
    let theirs = create(&stranger).json(&new_order("TENANT-2", "2")).send().await.ok(201);
    assert_eq!((&ours["amount"], &theirs["amount"]), (&json!("1"), &json!("2")));
    assert_ne!(ours["orderId"], theirs["orderId"]);
    // An address of one is refused to the other, without a word about whose it is.
    let taken = json!({ "protocol": "evm", "addresses": text(&order["address"]) });
    let reply = sandbox.ask("POST", "/api/v1/address-pool/import").key(&stranger).json(&taken).send().await;
    reply.refused(400, "VALIDATION_ERROR", "nothing was imported");
    assert_eq!(reply.json["details"][0]["line"], 1, "{}", reply.text);
    assert!(!reply.text.contains("organization"), "{}", reply.text);
}

#[tokio::test]
async fn others_things_do_not_exist_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    tenants(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn others_things_do_not_exist_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    tenants(&sandbox).await;
    sandbox.stop().await;
}
