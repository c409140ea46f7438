//! Who may ask: the key's headers, and what each role may do.

use payin_tests::sandbox::{Sandbox, contract, new_order};
use payin_types::Role;
use serde_json::{Value, json};

const ME: &str = "/api/v1/me";

#[tokio::test]
async fn a_key_is_taken_from_either_header() {
    let sandbox = Sandbox::frozen().await;
    let key = sandbox.key().to_owned();
    let with =
        |headers: &[(&str, String)]| headers.iter().fold(sandbox.ask("GET", ME).no_key(), |ask, (name, value)| ask.header(name, value));
    for good in [
        vec![("X-API-Key", key.clone())],
        vec![("x-api-key", format!(" {key} "))],
        vec![("Authorization", format!("Bearer {key}"))],
        vec![("authorization", format!("bearer {key}"))],
        vec![("Authorization", format!("BEARER   {key}"))],
        vec![("X-API-Key", key.clone()), ("Authorization", format!("Bearer {key}"))],
        vec![("X-API-Key", key.clone()), ("X-API-Key", key.clone())],
    ] {
        let me = with(&good).send().await.ok(200);
        assert_eq!((&me["role"], &me["environment"]), (&json!("owner"), &json!("testnet")), "{good:?}");
        assert!(key.starts_with(me["key"]["prefix"].as_str().expect("a prefix")) && !me.to_string().contains(&key));
    }
    let other = sandbox.key_with_role(Role::Viewer).await;
    let mistyped = format!("{}{}", &key[..key.len() - 1], if key.ends_with('0') { '1' } else { '0' });
    for (bad, says) in [
        (vec![], "no API key"),
        (vec![("X-API-Key", String::new())], "API key"),
        (vec![("X-API-Key", "pk_test_".to_owned())], "copied whole"),
        (vec![("X-API-Key", mistyped)], "copied whole"),
        (vec![("X-API-Key", format!("{key}x"))], "copied whole"),
        (vec![("X-API-Key", key.to_lowercase())], "copied whole"),
        (vec![("X-API-Key", "' OR '1'='1".to_owned())], "copied whole"),
        (vec![("X-API-Key", "ключ".to_owned())], "characters"),
        (vec![("Authorization", key.clone())], "Bearer"),
        (vec![("Authorization", "Bearer".to_owned())], "Bearer"),
        (vec![("Authorization", format!("Basic {key}"))], "Bearer"),
        (vec![("X-API-Key", key.clone()), ("Authorization", format!("Bearer {other}"))], "two different"),
        (vec![("X-API-Key", key.clone()), ("X-API-Key", other.clone())], "two different"),
        (vec![("X-API-Key", key.clone()), ("Authorization", "Basic x".to_owned())], "Bearer"),
    ] {
        let reply = with(&bad).send().await;
        reply.refused(401, "INVALID_API_KEY", says);
        assert!(!reply.text.contains(&key), "an answer repeats a key: {}", reply.text);
    }
    // A key of this form that nobody has; and one that has ended.
    let stranger = Sandbox::frozen().await;
    sandbox.ask("GET", ME).key(stranger.key()).send().await.refused(401, "INVALID_API_KEY", "unknown here");
    for (column, says) in [("revoked_at", "revoked"), ("expires_at", "expired")] {
        let ended = sandbox.key_with_role(Role::Owner).await;
        sandbox.end_key(&ended, column).await;
        sandbox.ask("GET", ME).key(&ended).send().await.refused(401, "INVALID_API_KEY", says);
    }
    // Not in the query, where logs and histories would keep it.
    sandbox.ask("GET", &format!("{ME}?api_key={key}")).no_key().send().await.refused(401, "INVALID_API_KEY", "no API key");
    stranger.stop().await;
    sandbox.stop().await;
}

#[tokio::test]
async fn a_revoked_key_ends_within_a_second() {
    let sandbox = Sandbox::frozen().await;
    let key = sandbox.key_with_role(Role::Owner).await;
    assert_eq!(sandbox.ask("GET", ME).key(&key).send().await.status, 200);
    sandbox.end_key(&key, "revoked_at").await;
    sandbox.advance(1).await;
    sandbox.ask("GET", ME).key(&key).send().await.refused(401, "INVALID_API_KEY", "revoked");
    sandbox.stop().await;
}

/// Every operation that needs a key: a call of it, and what an owner, an admin, a member and a viewer are answered.
fn matrix() -> Vec<(&'static str, &'static str, Value, [u16; 4])> {
    let import = json!({ "protocol": "evm", "addresses": "0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE" });
    let endpoint = json!({ "url": "https://a.example/", "events": ["*"] });
    let none = Value::Null;
    vec![
        ("POST", "/api/v1/orders", new_order("{role}", "1"), [201, 201, 201, 403]),
        ("GET", "/api/v1/orders", none.clone(), [200; 4]),
        ("GET", "/api/v1/orders/{orderId}", none.clone(), [404; 4]),
        ("GET", "/api/v1/orders/by-reference/{orderReference}", none.clone(), [404; 4]),
        ("POST", "/api/v1/address-pool/import", import, [200, 200, 403, 403]),
        ("GET", "/api/v1/address-pool/status", none.clone(), [200, 200, 403, 403]),
        ("GET", "/api/v1/address-pool/addresses", none.clone(), [200, 200, 403, 403]),
        ("POST", "/api/v1/webhooks/endpoints", endpoint, [201, 201, 403, 403]),
        ("GET", "/api/v1/webhooks/endpoints", none.clone(), [200, 200, 403, 403]),
        ("GET", "/api/v1/webhooks/endpoints/{endpointId}", none.clone(), [404, 404, 403, 403]),
        ("PUT", "/api/v1/webhooks/endpoints/{endpointId}", json!({}), [404, 404, 403, 403]),
        ("DELETE", "/api/v1/webhooks/endpoints/{endpointId}", none.clone(), [404, 404, 403, 403]),
        ("POST", "/api/v1/webhooks/endpoints/{endpointId}/rotate-secret", none.clone(), [404, 404, 403, 403]),
        ("POST", "/api/v1/webhooks/endpoints/{endpointId}/test", none.clone(), [404, 404, 403, 403]),
        ("GET", "/api/v1/webhooks/events", none.clone(), [200, 200, 403, 403]),
        ("GET", "/api/v1/webhooks/events/{eventId}", none.clone(), [404, 404, 403, 403]),
        ("GET", "/api/v1/webhooks/events/{eventId}/deliveries", none.clone(), [404, 404, 403, 403]),
        ("POST", "/api/v1/webhooks/events/{eventId}/resend", none.clone(), [404, 404, 403, 403]),
        ("GET", "/api/v1/me", none.clone(), [200; 4]),
        ("POST", "/api/v1/sandbox/pay", json!({ "orderId": "ord_none" }), [404, 404, 404, 403]),
        ("POST", "/api/v1/sandbox/mine", json!({}), [200, 200, 200, 403]),
        ("POST", "/api/v1/sandbox/reorg", json!({ "chainId": "nowhere", "depth": 1 }), [400, 400, 400, 403]),
        ("GET", "/api/v1/sandbox/clock", none, [200, 200, 200, 403]),
        ("POST", "/api/v1/sandbox/clock/advance", json!({ "seconds": 1 }), [200, 200, 200, 403]),
    ]
}

#[tokio::test]
async fn each_role_may_do_what_the_documents_say() {
    let mut operations: Vec<(String, String)> = contract().operations();
    operations.retain(|(_, path)| !path.starts_with("/health"));
    let mut listed: Vec<(String, String)> = matrix().iter().map(|(method, path, ..)| ((*method).to_owned(), (*path).to_owned())).collect();
    operations.sort();
    listed.sort();
    assert_eq!(listed, operations, "the matrix and openapi.yaml differ");

    let sandbox = Sandbox::frozen().await;
    for (at, role) in [Role::Owner, Role::Admin, Role::Member, Role::Viewer].into_iter().enumerate() {
        let key = sandbox.key_with_role(role.clone()).await;
        assert_eq!(sandbox.ask("GET", ME).key(&key).send().await.ok(200)["role"], role.as_str());
        for (method, path, body, statuses) in matrix() {
            let path = path.replace(['{', '}'], "");
            let before = sandbox.counts().await;
            let ask = sandbox.ask(method, &path).key(&key);
            let body = body.to_string().replace("{role}", role.as_str());
            let reply = if body == "null" { ask.send().await } else { ask.raw_json(body).send().await };
            assert_eq!(reply.status, statuses[at], "{role}: {method} {path}: {}", reply.text);
            if reply.status == 403 {
                reply.refused(403, "INSUFFICIENT_PERMISSIONS", &format!("this key's role is {role}"));
                assert_eq!(sandbox.counts().await, before, "{role}: {method} {path}");
                // The right to ask comes before what is asked, and is no answer to keep.
                if method == "POST" {
                    for _ in 0..2 {
                        let again = sandbox.ask(method, &path).key(&key).header("Idempotency-Key", "k").raw_json("{broken").send().await;
                        again.refused(403, "INSUFFICIENT_PERMISSIONS", "");
                        assert_eq!(again.header("idempotent-replayed"), "");
                    }
                }
            }
        }
    }
    sandbox.stop().await;
}
