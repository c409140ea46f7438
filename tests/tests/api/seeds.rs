//! Every example of the documents that is a request is accepted as it stands. Document 003 is asked in `cryptopay.rs`.

use payin_tests::sandbox::{CHAIN, Sandbox};
use payin_tests::seeds::{self, Kind};
use serde_json::{Value, json};

async fn examples_are_taken(sandbox: &Sandbox) {
    let requests: Vec<_> = seeds::all().into_iter().filter(|fixture| fixture.kind == Kind::Request && fixture.seed != "003").collect();
    assert!(requests.len() >= 35, "only {} examples", requests.len());
    let (mut made, mut payment) = (Value::Null, Value::Null);
    for (number, fixture) in requests.iter().enumerate() {
        let mut body = fixture.body.clone();
        // The documents use the same reference again and again.
        for field in ["orderReference", "depositReference", "external_id"] {
            if let Some(reference) = body[field].as_str().map(|reference| format!("{reference}-{number}")) {
                body[field] = json!(reference);
            }
        }
        // What is asked for by id is asked for by an id that exists.
        let order_id = made["orderId"].as_str().unwrap_or("ord_none");
        let payment_id = payment["id"].as_str().unwrap_or("ord_none");
        let reference = made["orderReference"].as_str().unwrap_or("none");
        let payer = format!("user_alice_123-{number}");
        if fixture.path.starts_with("/api/v1/deposits/references/") {
            let binding = json!({ "depositReference": payer, "currency": "USDT", "chainId": CHAIN });
            sandbox.post("/api/v1/deposits/references", &binding).await.ok(201);
        }
        let path = fixture
            .path
            .replace("references/user_alice_123", &format!("references/{payer}"))
            .replace("payments/ord_abc123", &format!("payments/{payment_id}"))
            .replace("ord_abc123def456", order_id)
            .replace("ord_xxx", order_id)
            .replace("by-reference/ORDER-2025-001", &format!("by-reference/{reference}"));
        let mut ask = sandbox.ask(&fixture.method, &path);
        for (name, value) in &fixture.headers {
            ask = ask.header(name, value);
        }
        let reply = if body.is_null() { ask.send().await } else { ask.json(&body).send().await };
        let expected = if fixture.method == "POST" { 201 } else { 200 };
        assert_eq!(reply.status, expected, "{} ({} {path}): {}", fixture.name(), fixture.method, reply.text);
        // What a payment's answer leaves out, its document leaves out.
        let is_said = |field: &String| !fixture.path.starts_with("/api/v1/payments") || reply.json.get(field).is_some();
        for (field, sent) in body.as_object().into_iter().flatten().filter(|(field, _)| is_said(field)) {
            assert_eq!(&reply.json[field], sent, "{}: {field}", fixture.name());
        }
        if reply.json.get("orderId").is_some() {
            made = reply.json;
        } else if reply.json.get("external_id").is_some() {
            payment = reply.json;
        }
    }
}

#[tokio::test]
async fn every_example_request_is_accepted_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    examples_are_taken(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn every_example_request_is_accepted_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    examples_are_taken(&sandbox).await;
    sandbox.stop().await;
}
