//! People of the CryptoPay API: they register, sign in, act with a token as with a key of their role, and prolong their sessions once per
//! token.

use payin_tests::sandbox::{Reply, Sandbox, text};
use serde_json::{Value, json};

use super::{ORDERS, WALLETS, refused, wish};

const PASSWORD: &str = "correct horse battery";

async fn post(sandbox: &Sandbox, path: &str, body: Value) -> Reply {
    sandbox.ask("POST", path).no_key().json(&body).send().await
}

async fn register(sandbox: &Sandbox, name: &str) -> Reply {
    let body = json!({ "username": name, "email": format!("{name}@shop.example"), "password": PASSWORD, "shop_name": "A shop" });
    post(sandbox, "/api/auth/register", body).await
}

async fn log_in(sandbox: &Sandbox, name: &str, password: &str) -> Reply {
    post(sandbox, "/api/auth/login", json!({ "username": name, "password": password })).await
}

async fn sessions(sandbox: &Sandbox) {
    let user = register(sandbox, "alice").await.ok(201)["data"].clone();
    assert_eq!((&user["username"], &user["email"]), (&json!("alice"), &json!("alice@shop.example")));
    // One account for a name, however it is written; and what is wrong is said by field, never the password.
    refused(&register(sandbox, "ALICE").await, 400, "VALIDATION_ERROR", "email");
    let bad =
        post(sandbox, "/api/auth/register/", json!({ "username": " bob", "email": "bob", "password": "short-1", "shop_name": "" })).await;
    for field in ["username", "email", "password", "shop_name"] {
        refused(&bad, 400, "VALIDATION_ERROR", field);
    }
    assert!(!bad.text.contains("short-1"));
    let number = json!({ "username": "bob", "email": "b@shop.example", "password": 12_345_678, "shop_name": "B" });
    let told = post(sandbox, "/api/auth/register", number).await;
    refused(&told, 400, "VALIDATION_ERROR", "password");
    assert!(!told.text.contains("12345678"), "{}", told.text);
    let missing = post(sandbox, "/api/auth/register", json!({ "password": PASSWORD })).await;
    for field in ["username", "email", "shop_name"] {
        refused(&missing, 400, "VALIDATION_ERROR", field);
    }
    assert!(!missing.text.contains(PASSWORD));

    // By name or by address, with and without the slash; in no envelope.
    let session = log_in(sandbox, "alice", PASSWORD).await.ok(200);
    assert_eq!(session["user"], user);
    post(sandbox, "/api/auth/login/", json!({ "username": "Alice@Shop.example", "password": PASSWORD })).await.ok(200);
    for (name, password) in [("alice", "wrong horse battery"), ("nobody", PASSWORD)] {
        let reply = log_in(sandbox, name, password).await;
        refused(&reply, 401, "UNAUTHORIZED", "");
        reply.refused(401, "UNAUTHORIZED", "The name or the password is wrong");
    }

    // The token acts for a merchant of her own, as its owner.
    let with = |token: &Value| text(token).to_owned();
    let access = with(&session["access"]);
    let asked = |method: &str, path: &str, token: &str| sandbox.ask(method, path).key(token);
    assert_eq!(asked("GET", ORDERS, &access).send().await.ok(200)["count"], json!(0));
    let wallet = json!({ "blockchain": "base", "address": "0x52908400098527886E0F7030069857D2E4169EE7" });
    asked("POST", WALLETS, &access).json(&wallet).send().await.ok(201);
    asked("POST", ORDERS, &access).json(&wish(1, "1")).send().await.ok(201);
    assert_eq!(sandbox.read(ORDERS).await["count"], json!(0), "another merchant's");

    // A refresh token is good once; its second use ends the session.
    let refresh = async |token: &Value| post(sandbox, "/api/auth/token/refresh/", json!({ "refresh": token })).await;
    sandbox.advance(3_600).await;
    let next = refresh(&session["refresh"]).await.ok(200);
    assert!(next["refresh"] != session["refresh"] && next["access"] != session["access"]);
    asked("GET", ORDERS, text(&next["access"])).send().await.ok(200);
    let after = refresh(&next["refresh"]).await.ok(200);
    refused(&refresh(&session["refresh"]).await, 401, "UNAUTHORIZED", "");
    refused(&refresh(&after["refresh"]).await, 401, "UNAUTHORIZED", "");
    refused(&refresh(&json!("nothing")).await, 401, "UNAUTHORIZED", "");

    // After a day an access token is over; what was altered never was one.
    let altered = format!("{}x", access);
    refused(&asked("GET", ORDERS, &altered).send().await, 401, "UNAUTHORIZED", "");
    sandbox.advance(86_400).await;
    refused(&asked("GET", ORDERS, &access).send().await, 401, "UNAUTHORIZED", "");
    // Nothing of this is the native API's: a token is no key there.
    let native =
        sandbox.ask("GET", "/api/v1/me").no_key().header("Authorization", format!("Bearer {}", text(&after["access"]))).send().await;
    native.refused(401, "INVALID_API_KEY", "");
}

#[tokio::test]
async fn people_sign_in_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    sessions(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn people_sign_in_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    sessions(&sandbox).await;
    sandbox.stop().await;
}
