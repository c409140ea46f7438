//! The PayWarden API over HTTP: orders, what is refused in its own words, and what of it the native API shows.

mod admin;
mod webhooks;

use payin_tests::sandbox::{Reply, Sandbox, new_order, text};
use payin_types::Role;
use serde_json::{Value, json};

const PAYMENTS: &str = "/api/v1/payments";

fn wish(external_id: &str, amount: &str) -> Value {
    json!({ "amount": amount, "currency": "USDT", "external_id": external_id })
}

async fn create(sandbox: &Sandbox, external_id: &str, amount: &str) -> Value {
    sandbox.post(PAYMENTS, &wish(external_id, amount)).await.ok(201)
}

/// Nothing of the native API's form is in it.
fn refused(reply: &Reply, status: u16, code: &str, says: &str) {
    reply.refused(status, code, says);
    let fields: Vec<&String> = reply.json.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["code", "error"], "{}", reply.text);
    assert!(!reply.header("x-request-id").is_empty());
}

async fn orders(sandbox: &Sandbox) {
    let full = json!({
        "amount": "99.00", "currency": "USDT", "external_id": "order_123", "webhook_url": "http://127.0.0.1:9/hook",
        "metadata": (0..20).map(|n| (n.to_string(), json!(n))).collect::<serde_json::Map<_, _>>()
    });
    let reply = sandbox.post(PAYMENTS, &full).await;
    let made = reply.clone().ok(201);
    let id = text(&made["id"]);
    assert!(id.starts_with("ord_") && text(&made["address"]).starts_with('T'), "{made}");
    assert_eq!((&made["status"], &made["amount"], &made["external_id"]), (&json!("pending"), &json!("99.00"), &json!("order_123")));
    assert_eq!(text(&made["checkout_url"]), format!("{}/checkout/{id}", sandbox.url()));
    let time = |field: &str| text(&made[field]).parse::<payin_types::Timestamp>().expect("a time");
    assert_eq!(time("expires_at").since(time("created_at")).as_secs(), 3600);

    // The same again is the same order; written otherwise it is still the same.
    let again = sandbox.post(PAYMENTS, &full).await.ok(200);
    assert_eq!((&again["id"], &again["address"]), (&made["id"], &made["address"]));
    let mut alias = full.clone();
    let fields = alias.as_object_mut().expect("an object");
    let url = fields.remove("webhook_url").expect("a URL");
    fields.insert("callback_url".to_owned(), url);
    fields.insert("amount".to_owned(), json!("99"));
    assert_eq!(sandbox.post(PAYMENTS, &alias).await.ok(200)["id"], made["id"]);
    for (field, value) in [("amount", json!("99.01")), ("metadata", json!({})), ("webhook_url", Value::Null)] {
        let mut other = full.clone();
        other[field] = value;
        refused(&sandbox.post(PAYMENTS, &other).await, 409, "EXTERNAL_ID_CONFLICT", "external_id");
    }

    let shown = sandbox.read(&format!("{PAYMENTS}/{id}")).await;
    assert_eq!((&shown["status"], &shown["amount_received"], &shown["metadata"]), (&json!("pending"), &json!("0.00"), &full["metadata"]));
    assert_eq!(shown["events"], json!([{ "type": "created", "at": made["created_at"] }]));
    for path in [format!("/api/v1/checkout/{id}/status"), format!("/checkout/{id}/status")] {
        let public = sandbox.ask("GET", &path).no_key().send().await.ok(200);
        assert_eq!(
            (&public["id"], &public["status"], public.get("metadata"), public.get("external_id")),
            (&made["id"], &json!("pending"), None, None)
        );
    }

    // Lists: its own orders alone, newest first.
    sandbox.advance(1).await;
    let second = create(sandbox, "order_124", "1.000001").await;
    sandbox.order("NATIVE", "5").await;
    let page = sandbox.read(&format!("{PAYMENTS}?page=1&limit=1&status=pending")).await;
    assert_eq!((&page["total"], &page["page"], &page["limit"], &page["data"][0]["id"]), (&json!(2), &json!(1), &json!(1), &second["id"]));
    assert_eq!(page["data"][0].get("events"), None);
    assert_eq!(sandbox.read(&format!("{PAYMENTS}?page=2&limit=1")).await["data"][0]["id"], made["id"]);
    assert_eq!(sandbox.read(&format!("{PAYMENTS}?status=confirmed")).await["total"], 0);

    // To the native API it is an order as any other; what came through that is none of this one's.
    let native = sandbox.read(&format!("/api/v1/orders/{id}")).await;
    assert_eq!(
        (&native["orderReference"], &native["chainId"], &native["status"]),
        (&json!("order_123"), &json!("tron-nile"), &json!("pending"))
    );
    let native = sandbox.order("MINE", "5").await;
    refused(&sandbox.get(&format!("{PAYMENTS}/{}", text(&native["orderId"]))).await, 404, "NOT_FOUND", "does not exist");
    refused(&sandbox.post(PAYMENTS, &wish("MINE", "5")).await, 409, "EXTERNAL_ID_CONFLICT", "external_id");
    sandbox.post("/api/v1/orders", &new_order("order_124", "5")).await.refused(409, "DUPLICATE_ORDER_REFERENCE", "order_124");
    assert_eq!(sandbox.read("/api/v1/webhooks/endpoints").await["pagination"]["total"], 0, "an order's own endpoint is not among them");
}

#[tokio::test]
async fn a_payment_is_created_once_shown_and_listed_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    orders(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn a_payment_is_created_once_shown_and_listed_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    orders(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn many_at_once_make_one_order() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    let all = futures_util::future::join_all((0..16).map(|_| async { sandbox.post(PAYMENTS, &wish("one", "2")).await })).await;
    let created = all.iter().filter(|reply| reply.status == 201).count();
    let ids: std::collections::BTreeSet<&str> = all.iter().map(|reply| text(&reply.json["id"])).collect();
    assert!(all.iter().all(|reply| [200, 201].contains(&reply.status)), "{all:?}");
    assert_eq!((created, ids.len()), (1, 1));
    sandbox.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_in_its_own_words() {
    let sandbox = Sandbox::frozen().await;
    let before = sandbox.counts().await;
    let with = |field: &str, value: Value| {
        let mut body = wish("bad", "1");
        body[field] = value;
        body.to_string()
    };
    for (body, code, says) in [
        ("{".to_owned(), "INVALID_BODY", "not JSON"),
        ("[]".to_owned(), "INVALID_BODY", "must be a JSON object"),
        ("{}".to_owned(), "INVALID_BODY", "amount"),
        (with("amount", json!(1)), "INVALID_AMOUNT", "decimal string"),
        (with("amount", json!("0")), "INVALID_AMOUNT", "positive"),
        (with("amount", json!("-1")), "INVALID_AMOUNT", ""),
        (with("amount", json!("1.0000001")), "INVALID_AMOUNT", "6"),
        (with("currency", json!("USDC")), "INVALID_BODY", "currency: must be USDT, is 'USDC'"),
        (with("external_id", json!("")), "INVALID_BODY", "external_id"),
        (with("external_id", json!("a\nb")), "INVALID_BODY", "external_id"),
        (with("external_id", Value::Null), "INVALID_BODY", "external_id"),
        (with("webhook_url", json!("ftp://a.example")), "INVALID_BODY", "webhook_url"),
        (with("webhook_url", json!("https://u:p@a.example")), "INVALID_BODY", "webhook_url"),
        (with("metadata", json!([1])), "INVALID_BODY", "metadata"),
        (with("metadata", json!({ "k": "x".repeat(9000) })), "INVALID_BODY", "metadata"),
        (with("ttl", json!(60)), "INVALID_BODY", "ttl"),
    ] {
        let reply = sandbox.ask("POST", PAYMENTS).raw_json(body.clone()).send().await;
        assert_eq!((reply.status, reply.json["code"].as_str()), (400, Some(code)), "{body}: {}", reply.text);
        refused(&reply, 400, code, says);
    }
    let plain = sandbox.ask("POST", PAYMENTS).header("Content-Type", "text/plain").body("{}").send().await;
    refused(&plain, 415, "UNSUPPORTED_MEDIA_TYPE", "application/json");
    refused(&sandbox.ask("POST", PAYMENTS).raw_json("x".repeat(70_000)).send().await, 413, "PAYLOAD_TOO_LARGE", "65536");
    for (query, says) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("page=0", "page"),
        ("status=paid", "'paid' is none"),
        ("x=1", "x"),
        ("page=%ff", "UTF-8"),
    ] {
        refused(&sandbox.get(&format!("{PAYMENTS}?{query}")).await, 400, "INVALID_QUERY", says);
    }
    assert_eq!(sandbox.counts().await, before);
    sandbox.stop().await;
}

#[tokio::test]
async fn paths_and_callers_are_refused_in_its_own_words() {
    let sandbox = Sandbox::frozen().await;
    let before = sandbox.counts().await;
    // On all of its paths, whether something is there or not.
    for path in [
        "/api/v1/payments/",
        "/api/v1/payments/ord_none",
        "/api/v1/payments/a/b",
        "/api/v1/wallet",
        "/api/v1/admin/nothing",
        "/api/v1/checkout/ord_none/status",
    ] {
        refused(&sandbox.get(path).await, 404, "NOT_FOUND", "");
    }
    let wrong = sandbox.ask("DELETE", PAYMENTS).send().await;
    refused(&wrong, 405, "METHOD_NOT_ALLOWED", "DELETE is not allowed");
    assert_eq!(wrong.header("allow"), "POST,GET,HEAD");
    // And nobody else's.
    sandbox.get("/api/v1/payment").await.refused(404, "RESOURCE_NOT_FOUND", "/api/v1/payment");
    sandbox.ask("GET", "/api/v1/checkout/none").no_key().send().await.refused(404, "RESOURCE_NOT_FOUND", "none");

    // One header bears the key.
    let list = || sandbox.ask("GET", PAYMENTS).no_key();
    refused(&list().send().await, 401, "UNAUTHORIZED", "X-API-Key");
    refused(&list().header("Authorization", format!("Bearer {}", sandbox.key())).send().await, 401, "UNAUTHORIZED", "X-API-Key");
    refused(&list().header("X-API-Key", sandbox.key()).header("X-API-Key", "pk_test_x").send().await, 401, "UNAUTHORIZED", "two different");
    let viewer = sandbox.key_with_role(Role::Viewer).await;
    refused(&sandbox.ask("POST", PAYMENTS).key(&viewer).json(&wish("v", "1")).send().await, 403, "FORBIDDEN", "viewer");
    assert_eq!(sandbox.ask("GET", PAYMENTS).key(&viewer).send().await.status, 200);
    // An organization without addresses, and whose payments are another's.
    let stranger = sandbox.stranger().await;
    let none = sandbox.ask("POST", PAYMENTS).key(&stranger).json(&wish("s", "1")).send().await;
    refused(&none, 503, "NO_ADDRESS_AVAILABLE", "tron");
    assert_eq!(none.header("retry-after"), "60");
    assert_eq!(sandbox.counts().await, before);
    let made = create(&sandbox, "tenant", "1").await;
    let theirs = sandbox.ask("GET", &format!("{PAYMENTS}/{}", text(&made["id"]))).key(&stranger).send().await;
    refused(&theirs, 404, "NOT_FOUND", text(&made["id"]));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_wallet_is_an_accounts_public_key() {
    const XPUB: &str = "xpub6D1AabNHCupeiLM65ZR9UStMhJ1vCpyV4XbZdyhMZBiJXALQtmn9p42VTQckoHVn8WNqS7dqnJokZHAHcHGoaQgmv8D45oNUKx6DZMNZBCd";
    let sandbox = Sandbox::frozen().await;
    let stranger = sandbox.stranger().await;
    let init = async |body: Option<Value>| {
        let ask = sandbox.ask("POST", "/api/v1/wallet/init").key(&stranger);
        if let Some(body) = body { ask.json(&body).send().await } else { ask.send().await }
    };
    for body in [None, Some(json!({})), Some(json!({ "mnemonic": "abandon abandon" })), Some(json!({ "words": 24 }))] {
        refused(&init(body).await, 400, "INVALID_BODY", "keeps no keys");
    }
    refused(&init(Some(json!({ "xpub": "xpub6nothing" }))).await, 400, "INVALID_BODY", "xpub");
    let made = init(Some(json!({ "xpub": XPUB }))).await.ok(201);
    let payment = sandbox.ask("POST", PAYMENTS).key(&stranger).json(&wish("first", "1")).send().await.ok(201);
    assert_eq!((&made["xpub"], &made["first_address"]), (&json!(XPUB), &payment["address"]));
    refused(&init(Some(json!({ "xpub": XPUB }))).await, 409, "CONFLICT", "initialized already");
    sandbox.stop().await;
}

/// With the API off, nothing of it is there: its paths are nobody's, in the native API's words. And the other way round.
#[tokio::test]
async fn an_api_that_is_not_spoken_is_not_there() {
    use payin_server::http::dialect::Apis;
    let native = Sandbox::with(|options| (options.frozen, options.apis) = (true, Apis::named(["payin"]).expect("an API"))).await;
    for (method, path) in [("POST", PAYMENTS), ("GET", "/api/v1/payments/x"), ("POST", "/api/v1/wallet/init"), ("GET", "/api/v1/health")] {
        let reply = native.without_judge(method, path).await;
        assert_eq!((reply.0, &reply.1["code"]), (404, &json!("RESOURCE_NOT_FOUND")), "{method} {path}");
    }
    // Below /checkout a page says so.
    let page = payin_tests::nodes::http_client().get(format!("{}/checkout/x/status", native.url())).send().await.expect("an answer");
    assert_eq!((page.status().as_u16(), &page.headers()["content-type"]), (404, &"text/html; charset=utf-8".parse().expect("a header")));
    assert_eq!(native.get("/api/v1/me").await.status, 200);
    native.stop().await;
    let other = Sandbox::with(|options| (options.frozen, options.apis) = (true, Apis::named(["paywarden"]).expect("an API"))).await;
    assert_eq!(other.without_judge("GET", "/api/v1/me").await.0, 404);
    assert_eq!(other.get(PAYMENTS).await.status, 200);
    assert_eq!(other.ask("GET", "/api/v1/health").no_key().send().await.ok(200), json!({ "status": "ok" }));
    other.stop().await;
}
