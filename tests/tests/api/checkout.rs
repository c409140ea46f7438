//! Payment links over HTTP, from the owner's draft to the payer's redirect.

use http::Method;
use payin_tests::sandbox::{Ask, CHAIN, Sandbox, text};
use serde_json::{Value, json};

/// Asks without a key, as a payer's browser does.
async fn public(sandbox: &Sandbox, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    asked(sandbox, method, path, body, None).await
}

async fn owner(sandbox: &Sandbox, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    asked(sandbox, method, path, body, Some(sandbox.key())).await
}

async fn asked(sandbox: &Sandbox, method: Method, path: &str, body: Option<Value>, key: Option<&str>) -> (u16, Value) {
    let ask = sandbox.ask(method.as_str(), &format!("/api/v1{path}")).no_key();
    let ask = key.into_iter().fold(ask, Ask::key);
    let reply = body.iter().fold(ask, Ask::json).send().await;
    (reply.status, reply.json)
}

async fn link(sandbox: &Sandbox, change: Value) -> Value {
    let mut body = json!({"title": "Coffee", "amount": "5", "currencies": [{"currency": "USDT", "chain_options": [CHAIN]}]});
    body.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
    let (status, link) = owner(sandbox, Method::POST, "/payment-links", Some(body)).await;
    assert_eq!((status, &link["status"]), (201, &json!("draft")), "{link}");
    link
}

#[tokio::test]
async fn a_link_is_drafted_published_paid_and_left() {
    let sandbox = Sandbox::frozen().await;
    let draft = link(&sandbox, json!({"inventoryTotal": 2, "successUrl": "https://shop.example/{{orderId}}?status=x#top"})).await;
    let at = format!("/payment-links/{}", text(&draft["id"]));
    let (status, open) = owner(&sandbox, Method::POST, &format!("{at}/publish"), None).await;
    let slug = text(&open["slug"]).to_owned();
    assert_eq!((status, open["checkoutUrl"].as_str()), (200, Some(format!("{}/checkout/{slug}", sandbox.url()).as_str())));
    let (status, shown) = public(&sandbox, Method::GET, &format!("/checkout/{slug}"), None).await;
    assert_eq!((status, &shown["availableInventory"], shown.get("metadata")), (200, &json!(2), None));
    let order = json!({"currency": "USDT", "chainId": CHAIN, "email": "ada@example.org"});
    let (status, opened) = public(&sandbox, Method::POST, &format!("/checkout/{slug}/orders"), Some(order.clone())).await;
    assert_eq!((status, &opened["paymentLink"]["availableInventory"]), (201, &json!(1)), "{opened}");
    let id = &opened["order"]["orderId"];
    let followed = format!("/checkout/orders/{}", text(id));
    assert_eq!(public(&sandbox, Method::GET, &followed, None).await, (200, opened["order"].clone()));
    sandbox.pay(id, json!({})).await;
    sandbox.mine(5).await;
    let paid = loop {
        let (_, order) = public(&sandbox, Method::GET, &followed, None).await;
        if order["status"] == "completed" {
            break order;
        }
        tokio::task::yield_now().await;
    };
    let hash = text(&paid["txHash"]);
    let expected = format!(
        "https://shop.example/{id}?orderReference={id}&status=completed&amount=5&currency=USDT&chainId={CHAIN}&txHash={hash}#top",
        id = text(id)
    );
    assert_eq!(paid["redirectUrl"], expected);
    let (_, orders) = owner(&sandbox, Method::GET, &format!("{at}/orders?status=completed"), None).await;
    assert_eq!((&orders["data"][0]["orderId"], &orders["data"][0]["buyerEmail"]), (id, &json!("ada@example.org")));
    let (_, stats) = owner(&sandbox, Method::GET, "/payment-links/stats", None).await;
    assert_eq!((&stats["revenue"], &stats["conversionRate"]), (&json!({"USDT": "5.00"}), &json!("100.00")));
    // The one that is left, and then there is none.
    let path = format!("/checkout/{slug}/orders");
    assert_eq!(public(&sandbox, Method::POST, &path, Some(order.clone())).await.0, 201);
    let (status, refused) = public(&sandbox, Method::POST, &path, Some(order.clone())).await;
    assert_eq!((status, &refused["code"]), (409, &json!("SOLD_OUT")));
    let (status, _) = owner(&sandbox, Method::POST, &format!("{at}/unpublish"), None).await;
    assert_eq!(status, 200);
    let (status, refused) = public(&sandbox, Method::POST, &path, Some(order)).await;
    assert_eq!((status, &refused["code"]), (410, &json!("PAYMENT_LINK_UNAVAILABLE")));
    assert_eq!(owner(&sandbox, Method::DELETE, &at, None).await, (200, json!({"success": true})));
    assert_eq!(owner(&sandbox, Method::GET, &at, None).await.0, 404);
    assert_eq!(public(&sandbox, Method::GET, &format!("/checkout/{slug}"), None).await.0, 404);
    sandbox.stop().await;
}

#[tokio::test]
async fn bad_asking_at_a_checkout_is_refused() {
    let sandbox = Sandbox::frozen().await;
    let draft = link(&sandbox, json!({})).await;
    let at = format!("/payment-links/{}", text(&draft["id"]));
    let (status, open) = owner(&sandbox, Method::POST, &format!("{at}/publish"), Some(json!({"slug": "Coffee-1"}))).await;
    assert_eq!((status, &open["slug"]), (200, &json!("Coffee-1")));
    let good = json!({"currency": "USDT", "chainId": CHAIN});
    let with = |change: Value| {
        let mut body = good.clone();
        body.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        Some(body)
    };
    for (body, status, code) in [
        (with(json!({"currency": "USDC"})), 400, "INVALID_CURRENCY"),
        (with(json!({"chainId": "nowhere"})), 400, "INVALID_CHAIN"),
        (with(json!({"amount": "5"})), 400, "INVALID_AMOUNT"),
        (with(json!({"email": "a@b@c"})), 400, "VALIDATION_ERROR"),
        (with(json!({"quantity": 2})), 400, "VALIDATION_ERROR"),
        (None, 415, "UNSUPPORTED_MEDIA_TYPE"),
    ] {
        let (found, refused) = public(&sandbox, Method::POST, "/checkout/Coffee-1/orders", body.clone()).await;
        assert_eq!((found, &refused["code"]), (status, &json!(code)), "{body:?}: {refused}");
    }
    for _ in 0..3 {
        assert_eq!(public(&sandbox, Method::POST, "/checkout/Coffee-1/orders", Some(good.clone())).await.0, 201);
    }
    // A header that says otherwise is not believed where no proxy is trusted.
    let forwarded = sandbox.ask("POST", "/api/v1/checkout/Coffee-1/orders").no_key().header("X-Forwarded-For", "203.0.113.9");
    let refused = forwarded.json(&good).send().await;
    refused.refused(429, "RATE_LIMIT_EXCEEDED", "");
    assert_eq!(refused.header("retry-after"), "60");
    for path in ["/checkout/nowhere", "/checkout/orders", "/checkout/orders/ord_unknown", "/checkout/a%20b"] {
        assert_eq!(public(&sandbox, Method::GET, path, None).await.0, 404, "{path}");
    }
    for (path, body, code) in [
        ("/payment-links", json!({"title": "x"}), "VALIDATION_ERROR"),
        ("/payment-links", json!({"title": "x", "amount": "1", "currencies": [], "colour": "red"}), "VALIDATION_ERROR"),
        ("/payment-links", json!({"title": "x", "amount": 1, "currencies": []}), "INVALID_AMOUNT"),
    ] {
        let (status, refused) = owner(&sandbox, Method::POST, path, Some(body.clone())).await;
        assert_eq!((status, &refused["code"]), (400, &json!(code)), "{body}: {refused}");
    }
    assert_eq!(owner(&sandbox, Method::PUT, &at, Some(json!({"amount": "6"}))).await.1["code"], "INVALID_STATE");
    assert_eq!(owner(&sandbox, Method::GET, "/payment-links?archived=maybe", None).await.0, 400);
    assert_eq!(public(&sandbox, Method::GET, "/payment-links", None).await.0, 401);
    let viewer = sandbox.key_with_role(payin_types::Role::Viewer).await;
    assert_eq!(asked(&sandbox, Method::GET, &at, None, Some(&viewer)).await.0, 200);
    assert_eq!(asked(&sandbox, Method::POST, &format!("{at}/archive"), None, Some(&viewer)).await.0, 403);
    sandbox.stop().await;
}
