//! What an organization may say of itself over HTTP: its settings, its keys, its statistics. Every answer is judged by the contract.

use payin_tests::sandbox::{Reply, Sandbox, new_order, text};
use payin_types::Role;
use serde_json::{Value, json};

const WINDOW: &str = "/api/v1/config/payment_window_minutes";

async fn put(sandbox: &Sandbox, path: &str, value: Value) -> Reply {
    sandbox.ask("PUT", path).json(&json!({ "value": value })).send().await
}

fn minutes_of(order: &Value) -> i64 {
    let time = |field: &str| text(&order[field]).parse::<payin_types::Timestamp>().expect("a time");
    i64::try_from(time("expiresAt").since(time("createdAt")).as_secs() / 60).expect("few")
}

#[tokio::test]
async fn settings_are_read_set_and_let_go() {
    let sandbox = Sandbox::frozen().await;
    let all = sandbox.read("/api/v1/config").await;
    let names: Vec<&str> = all["data"].as_array().expect("a list").iter().map(|setting| text(&setting["key"])).collect();
    assert_eq!(names.len(), 14, "{names:?}");
    for setting in all["data"].as_array().expect("a list") {
        for name in [&setting["key"], &setting["alias"]] {
            assert_eq!(&sandbox.read(&format!("/api/v1/config/{}", text(name))).await, setting);
        }
    }
    let first = sandbox.order("FIRST", "1").await;
    sandbox.advance(5).await;
    let now = sandbox.read("/api/v1/sandbox/clock").await["now"].clone();
    let set = put(&sandbox, WINDOW, json!(20)).await.ok(200);
    assert_eq!((&set["value"], &set["source"], &set["default"], &set["updatedAt"]), (&json!(20), &json!("organization"), &json!(10), &now));
    let second = sandbox.order("SECOND", "1").await;
    assert_eq!((minutes_of(&first), minutes_of(&second)), (10, 20));
    assert_eq!(minutes_of(&sandbox.order_now(&first["orderId"]).await), 10, "what exists stays as it is");
    for (path, value, says) in [
        (WINDOW, json!(0), "1 to 60"),
        (WINDOW, json!(61), "1 to 60"),
        (WINDOW, json!("20"), "whole number"),
        (WINDOW, json!(20.5), "value"),
        (WINDOW, json!(true), "whole number"),
        (WINDOW, json!([20]), "whole number"),
        ("/api/v1/config/orders_enabled", json!(1), "true or false"),
        ("/api/v1/config/default_order_success_url", json!("javascript:alert(1)"), "value"),
        ("/api/v1/config/delayed_confirmation.check_interval", json!(31), "operator"),
        ("/api/v1/config/max_total_timeout_minutes", json!(24), "max_total_timeout_minutes"),
    ] {
        put(&sandbox, path, value).await.refused(400, "VALIDATION_ERROR", says);
    }
    for body in [json!({}), json!({ "value": 1, "colour": "red" }), json!(20)] {
        sandbox.ask("PUT", WINDOW).json(&body).send().await.refused(400, "VALIDATION_ERROR", "");
    }
    put(&sandbox, "/api/v1/config/colour", json!(1)).await.refused(404, "RESOURCE_NOT_FOUND", "'colour'");
    sandbox.get("/api/v1/config/colour").await.refused(404, "RESOURCE_NOT_FOUND", "'colour'");
    assert_eq!(sandbox.read(WINDOW).await, set, "what is refused changes nothing");
    // Another organization's are its own, and a member has no say.
    let stranger = sandbox.stranger().await;
    let theirs = sandbox.ask("GET", WINDOW).key(&stranger).send().await.ok(200);
    assert_eq!((&theirs["value"], &theirs["source"]), (&json!(10), &json!("default")));
    let member = sandbox.key_with_role(Role::Member).await;
    sandbox.ask("PUT", WINDOW).key(&member).json(&json!({ "value": 1 })).send().await.refused(403, "INSUFFICIENT_PERMISSIONS", "member");
    put(&sandbox, "/api/v1/config/orders_enabled", json!(false)).await.ok(200);
    let off = sandbox.post("/api/v1/orders", &new_order("OFF", "1")).await;
    off.refused(503, "SERVICE_UNAVAILABLE", "services.orders_enabled");
    put(&sandbox, "/api/v1/config/orders_enabled", Value::Null).await.ok(200);
    let back = put(&sandbox, WINDOW, Value::Null).await.ok(200);
    assert_eq!((&back["value"], &back["source"], back.get("updatedAt")), (&json!(10), &json!("default"), None));
    assert_eq!(minutes_of(&sandbox.order("THIRD", "1").await), 10);
    sandbox.stop().await;
}

async fn keys_come_and_go(sandbox: &Sandbox) {
    let own = sandbox.read("/api/v1/organizations").await;
    let [organization] = own["data"].as_array().expect("a list").as_slice() else { panic!("{own}") };
    assert_eq!((&organization["name"], &organization["role"]), (&json!("Sandbox"), &json!("owner")));
    let path = format!("/api/v1/organizations/{}/api-keys", text(&organization["id"]));
    let before = sandbox.read(&path).await["pagination"]["total"].as_u64().expect("a count");
    sandbox.advance(1).await;
    // Made once under an idempotency key, and the answer that bears the secret is given again, byte for byte.
    let body = json!({ "name": "Shop", "role": "admin" });
    let make = || sandbox.ask("POST", &path).header("Idempotency-Key", "new-key").json(&body).send();
    let (first, again) = (make().await, make().await);
    assert_eq!((first.status, again.status, &again.text), (201, 201, &first.text));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    let secret = text(&first.json["apiKey"]).to_owned();
    assert_eq!(sandbox.read(&path).await["pagination"]["total"], before + 1);
    let kept = sandbox.database().rows("SELECT * FROM idempotency_records").await.concat();
    assert!(!kept.is_empty() && kept.iter().all(|text| !text.contains(&secret)), "a secret is kept readable");
    let conflict = sandbox.ask("POST", &path).header("Idempotency-Key", "new-key").json(&json!({ "name": "Other" })).send().await;
    conflict.refused(409, "IDEMPOTENCY_KEY_CONFLICT", "");
    // It works, and is shown nowhere again.
    let me = sandbox.ask("GET", "/api/v1/me").key(&secret).send().await.ok(200);
    assert_eq!(me["role"], "admin");
    let listed = sandbox.get(&path).await;
    assert!(!listed.text.contains(&secret) && listed.json["data"][0]["id"] == first.json["id"], "{}", listed.text);
    // It makes none that can do more than itself.
    let by = |key: &str, body: Value| sandbox.ask("POST", &path).key(key).json(&body).send();
    by(&secret, json!({ "name": "x", "role": "owner" })).await.refused(403, "INSUFFICIENT_PERMISSIONS", "");
    for (body, says) in [
        (json!({}), "name"),
        (json!({ "name": "" }), "name"),
        (json!({ "name": "x", "role": "king" }), "role"),
        (json!({ "name": "x", "expiresAt": "2020-01-01T00:00:00Z" }), "expiresAt"),
        (json!({ "name": "x", "expiresAt": "soon" }), "expiresAt"),
        (json!({ "name": "x", "secret": "mine" }), "secret"),
    ] {
        by(sandbox.key(), body).await.refused(400, "VALIDATION_ERROR", says);
    }
    let stranger = sandbox.stranger().await;
    by(&stranger, json!({ "name": "x" })).await.refused(404, "RESOURCE_NOT_FOUND", "");
    // Revoked, it does nothing any more; that it is gone is said to everybody alike.
    let one = format!("/api/v1/api-keys/{}", text(&first.json["id"]));
    sandbox.ask("DELETE", &one).key(&stranger).send().await.refused(404, "RESOURCE_NOT_FOUND", "does not exist");
    assert_eq!(sandbox.ask("DELETE", &one).send().await.ok(200), json!({ "success": true }));
    sandbox.ask("DELETE", &one).send().await.refused(404, "RESOURCE_NOT_FOUND", "does not exist");
    by(&secret, json!({ "name": "after" })).await.refused(401, "INVALID_API_KEY", "revoked");
    assert_eq!(sandbox.read(&path).await["pagination"]["total"], before);
    sandbox.get("/api/v1/organizations?limit=0").await.refused(400, "VALIDATION_ERROR", "limit");
    sandbox.get(&format!("{path}?colour=red")).await.refused(400, "VALIDATION_ERROR", "colour");
}

#[tokio::test]
async fn keys_come_and_go_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    keys_come_and_go(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn keys_come_and_go_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    keys_come_and_go(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn orders_are_counted() {
    let sandbox = Sandbox::frozen().await;
    let stats = "/api/v1/orders/stats";
    let none = sandbox.read(stats).await;
    assert_eq!((&none["totalOrders"], &none["conversionRate"], &none["volume"]), (&json!(0), &json!("0.00"), &json!({})));
    let (paid, left) = (sandbox.order("PAID", "2.50").await, sandbox.order("LEFT", "1").await);
    sandbox.pay(&paid["orderId"], json!({})).await;
    sandbox.mine(3).await;
    sandbox.order_with_status(&paid["orderId"], "completed").await;
    sandbox.advance(2 * 60 * 60).await;
    sandbox.order_with_status(&left["orderId"], "expired").await;
    sandbox.order("OPEN", "3").await;
    let counted = json!({
        "totalOrders": 3, "pendingOrders": 1, "completedOrders": 1, "expiredOrders": 1, "paidLateOrders": 0,
        "volume": { "USDT": "2.50" }, "conversionRate": "50.00", "byChain": { "ethereum-sepolia": 3 }, "byCurrency": { "USDT": 3 },
    });
    assert_eq!(sandbox.read(stats).await, counted);
    assert_eq!(sandbox.read(&format!("{stats}?currency=USDT&chainId=ethereum-sepolia")).await, counted);
    for other in ["currency=USDC", "chainId=base-sepolia", "chainId=not-offered&currency=USDT"] {
        assert_eq!(sandbox.read(&format!("{stats}?{other}")).await, none, "{other}");
    }
    for bad in ["currency=", "chainId=%01"] {
        sandbox.get(&format!("{stats}?{bad}")).await.refused(400, "VALIDATION_ERROR", "must be 1 to");
    }
    sandbox.get(&format!("{stats}?colour=red")).await.refused(400, "VALIDATION_ERROR", "colour");
    let stranger = sandbox.stranger().await;
    assert_eq!(sandbox.ask("GET", stats).key(&stranger).send().await.ok(200), none);
    sandbox.stop().await;
}
