//! What the CryptoPay API refuses: in its own form on all of its paths, by field, changing nothing; and how often may be asked.

use payin_core::quota::Limits;
use payin_tests::sandbox::{Sandbox, contract};
use payin_types::Role;
use serde_json::{Value, json};

use super::{CHAIN, ORDERS, WALLETS, create, refused, wish};

#[tokio::test]
async fn what_is_wrong_is_said_by_field() {
    let sandbox = Sandbox::frozen().await;
    let before = sandbox.counts().await;
    let with = |field: &str, value: Value| {
        let mut body = wish(1, "1");
        body[field] = value;
        body.to_string()
    };
    for (body, field) in [
        ("{".to_owned(), "body"),
        ("[]".to_owned(), "body"),
        (r#"{"nonce":1,"nonce":2}"#.to_owned(), "body"),
        (with("amount", json!(1)), "amount"),
        (with("amount", json!("0")), "amount"),
        (with("amount", json!("-1")), "amount"),
        (with("amount", json!("1.0000001")), "amount"),
        (with("currency", json!("EUR")), "currency"),
        (with("currency", Value::Null), "currency"),
        (with("currency", json!("cbBTC")), "currency"),
        (with("blockchain", json!("solana")), "blockchain"),
        (with("blockchain", json!(CHAIN)), "blockchain"),
        (with("order_info", json!({ "product": "Premium Plan" })), "order_info"),
        (with("order_info", json!("Premium Plan")), "order_info"),
        (with("order_info", json!(format!("\"{}\"", "x".repeat(9000)))), "order_info"),
        (with("nonce", json!("1")), "nonce"),
        (with("nonce", json!(-1)), "nonce"),
        (with("nonce", json!(1.5)), "nonce"),
        (with("nonce", json!(1_u64 << 53)), "nonce"),
        (with("webhook_url", json!("ftp://a.example")), "webhook_url"),
        (with("webhook_url", json!("https://u:p@a.example")), "webhook_url"),
        (with("redirect_url", json!("javascript:alert(1)")), "redirect_url"),
        (with("expires_at", json!("tomorrow")), "expires_at"),
        (with("expires_at", json!("2001-01-01T00:00:00Z")), "expires_at"),
        (with("expires_at", json!("2999-01-01T00:00:00Z")), "expires_at"),
        (with("window", json!(60)), "window"),
    ] {
        let reply = sandbox.ask("POST", ORDERS).raw_json(body.clone()).send().await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text);
        refused(&reply, 400, "VALIDATION_ERROR", field);
    }
    // A chain's own coin is refused as such.
    let mut native = wish(1, "1");
    native["currency"] = json!("ETH");
    sandbox.post(ORDERS, &native).await.refused(400, "VALIDATION_ERROR", "native coin");
    // All at once.
    let reply = sandbox.post(ORDERS, &json!({ "amount": 1, "extra": 2 })).await;
    for field in ["amount", "currency", "blockchain", "order_info", "nonce", "extra"] {
        refused(&reply, 400, "VALIDATION_ERROR", field);
    }
    assert_eq!(reply.json["error"]["details"]["nonce"], json!(["This field is required"]), "as in the document");
    for (query, field) in [
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("page=0", "page"),
        ("page=x", "query"),
        ("limit=1", "query"),
        ("page=%ff", "query"),
    ] {
        refused(&sandbox.get(&format!("{ORDERS}?{query}")).await, 400, "VALIDATION_ERROR", field);
    }
    refused(&sandbox.get(&format!("{ORDERS}?page=2")).await, 404, "NOT_FOUND", "");
    assert_eq!(sandbox.counts().await, before);
    sandbox.stop().await;
}

#[tokio::test]
async fn it_says_no_in_its_own_form_on_all_of_its_paths() {
    let sandbox = Sandbox::frozen().await;
    for path in [
        "/api",
        "/api/",
        "/api/nothing",
        "/api/payment-orders/a/b/c",
        "/api/payment-orders/0/",
        "/api/payment-orders/ORD-none",
        "/qr",
        "/order/",
    ] {
        refused(&sandbox.get(path).await, 404, "NOT_FOUND", "");
    }
    for path in [ORDERS, "/api/payment-orders"] {
        let wrong = sandbox.ask("DELETE", path).send().await;
        refused(&wrong, 405, "METHOD_NOT_ALLOWED", "");
        assert_eq!(wrong.header("allow"), "POST,GET,HEAD");
    }
    let plain = sandbox.ask("POST", ORDERS).header("Content-Type", "text/plain").body("{}").send().await;
    refused(&plain, 415, "UNSUPPORTED_MEDIA_TYPE", "");
    refused(&sandbox.ask("POST", ORDERS).raw_json("x".repeat(70_000)).send().await, 413, "PAYLOAD_TOO_LARGE", "");
    // And on nobody else's.
    sandbox.get("/api/v1/nothing").await.refused(404, "RESOURCE_NOT_FOUND", "/api/v1/nothing");
    sandbox.get("/apis").await.refused(404, "RESOURCE_NOT_FOUND", "/apis");

    // One header bears the token.
    let list = || sandbox.ask("GET", ORDERS).no_key();
    for reply in [
        list().send().await,
        list().header("X-API-Key", sandbox.key()).send().await,
        list().header("Authorization", sandbox.key()).send().await,
        list().header("Authorization", format!("Basic {}", sandbox.key())).send().await,
        list().header("Authorization", "Bearer pk_test_x").send().await,
        list().header("Authorization", format!("Bearer {}", sandbox.key())).header("Authorization", "Bearer pk_test_x").send().await,
    ] {
        refused(&reply, 401, "UNAUTHORIZED", "");
        assert_eq!(reply.header("www-authenticate"), "Bearer");
    }
    assert_eq!(list().header("Authorization", format!("bearer  {} ", sandbox.key())).send().await.status, 200);
    let viewer = sandbox.key_with_role(Role::Viewer).await;
    refused(&sandbox.ask("POST", ORDERS).key(&viewer).json(&wish(1, "1")).send().await, 403, "FORBIDDEN", "");
    refused(&sandbox.ask("GET", WALLETS).key(&viewer).send().await, 403, "FORBIDDEN", "");
    assert_eq!(sandbox.ask("GET", ORDERS).key(&viewer).send().await.status, 200);
    // Another organization's order is as one that is not there.
    let order = create(&sandbox, 1, "1").await;
    let stranger = sandbox.stranger().await;
    for id in [order["order_id"].clone(), json!("1")] {
        let path = format!("{ORDERS}{}/", payin_tests::sandbox::text(&id));
        refused(&sandbox.ask("GET", &path).key(&stranger).send().await, 404, "NOT_FOUND", "");
    }
    sandbox.stop().await;
}

/// Requests are counted by merchant, whichever key asks, an hour long; the native API counts for itself.
#[tokio::test]
async fn a_merchants_plan_is_so_many_requests_an_hour() {
    let limits = Limits { per_minute: 5, ..Limits::default() };
    let sandbox = Sandbox::with(|options| (options.frozen, options.rate_limits) = (true, Some(limits))).await;
    let viewer = sandbox.key_with_role(Role::Viewer).await;
    let standing = |reply: &payin_tests::sandbox::Reply| {
        [reply.header("x-ratelimit-limit").to_owned(), reply.header("x-ratelimit-remaining").to_owned()]
    };
    let first = sandbox.get(ORDERS).await;
    assert_eq!(standing(&first), ["1000", "999"]);
    let second = sandbox.ask("GET", ORDERS).key(&viewer).send().await;
    assert_eq!(standing(&second), ["1000", "998"]);
    assert_eq!(standing(&sandbox.get("/api/v1/me").await), ["5", "4"], "the native API counts by key");
    // Without the judge, who takes longer than the server.
    let client = payin_tests::nodes::http_client();
    for _ in 0..998 {
        let reply = client.get(format!("{}{ORDERS}", sandbox.url())).bearer_auth(sandbox.key()).send().await.expect("an answer");
        assert_eq!(reply.status().as_u16(), 200);
    }
    let mut asked = 0;
    for (method, path) in contract().operations() {
        if contract().is_public(&method, &path) || contract().operation(&method, &path)["tags"] != json!(["CryptoPay"]) {
            continue;
        }
        let ask = sandbox.ask(&method, &path.replace(['{', '}'], ""));
        let reply = if method == "GET" { ask.send().await } else { ask.raw_json("{}").send().await };
        refused(&reply, 429, "RATE_LIMITED", "");
        // The hour of the first request, to the end of the minute that it fell into.
        let wait: u64 = reply.header("retry-after").parse().expect("seconds");
        assert!((3_600..=3_660).contains(&wait), "{method} {path}: {wait}");
        assert_eq!(standing(&reply), ["1000", "0"], "{method} {path}");
        asked += 1;
    }
    assert!(asked >= 7);
    // What the role forbids is said first; another merchant is not concerned.
    refused(&sandbox.ask("POST", ORDERS).key(&viewer).json(&wish(1, "1")).send().await, 403, "FORBIDDEN", "");
    let stranger = sandbox.stranger().await;
    assert_eq!(sandbox.ask("GET", ORDERS).key(&stranger).send().await.status, 200);
    sandbox.advance(3_660).await;
    assert_eq!(sandbox.get(ORDERS).await.status, 200);
    sandbox.stop().await;
}
