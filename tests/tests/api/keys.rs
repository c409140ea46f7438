//! Who may ask: the key's headers, and what each role may do.

use payin_tests::sandbox::Sandbox;
use payin_types::Role;
use serde_json::json;

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
        (vec![("Authorization", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2ln".to_owned())], "a session's token, not an API key"),
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

/// Who may ask what is in `matrix.rs`; here, that the right to ask comes before what is asked, and is no answer to keep.
#[tokio::test]
async fn what_a_role_forbids_is_said_before_anything_else() {
    let sandbox = Sandbox::frozen().await;
    let key = sandbox.key_with_role(Role::Viewer).await;
    for _ in 0..2 {
        let reply = sandbox.ask("POST", "/api/v1/orders").key(&key).header("Idempotency-Key", "k").raw_json("{broken").send().await;
        reply.refused(403, "INSUFFICIENT_PERMISSIONS", "this key's role is viewer");
        assert_eq!(reply.header("idempotent-replayed"), "");
    }
    sandbox.stop().await;
}
