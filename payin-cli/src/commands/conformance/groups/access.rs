//! Whether the server is well, and who may ask it.

use payin_sdk::SecretString;
use serde_json::json;

use super::super::check::checks;
use super::super::suite::Suite;
use super::super::wire::{Ask, Key};

checks! {
    HEALTH: "health.alive" [] "GET /health answers without a key that the server is healthy", "API Reference: health";
    READY: "health.ready" [] "GET /health/ready says of each part how it stands", "openapi.yaml: getReadiness";
    ME: "auth.me" [] "GET /me says whose key this is, and shows no more than its beginning", "openapi.yaml: whoAmI";
    BEARER: "auth.bearer" [] "The key is also taken as a bearer token", "openapi.yaml: securitySchemes/Bearer";
    NO_KEY: "auth.no-key" [] "Without a key the answer is 401 INVALID_API_KEY", "API Reference: authentication";
    UNKNOWN_KEY: "auth.unknown-key" [] "With a key that nobody has made it is the same", "API Reference: authentication";
    TWO_KEYS: "auth.two-keys" [] "Two different keys in one request are refused", "openapi.yaml: securitySchemes/Bearer";
}

/// A key in the form of a real one.
fn unknown(suite: &Suite<'_>) -> SecretString {
    let kind = if suite.standing.environment == "mainnet" { "live" } else { "test" };
    SecretString::from(format!("pk_{kind}_{}", suite.name.replace('-', "0")))
}

pub async fn run(suite: &mut Suite<'_>) {
    suite
        .check(HEALTH, async |suite: &mut Suite| {
            let answer = suite.ask(Ask::of("getHealth").key(Key::None)).await?.ok(200)?;
            answer.has("/status", &json!("healthy"))
        })
        .await;
    suite
        .check(READY, async |suite: &mut Suite| {
            let answer = suite.ask(Ask::of("getReadiness").key(Key::None)).await?;
            if answer.status == 503 { Ok(()) } else { answer.ok(200).map(drop) }
        })
        .await;
    suite.check(ME, async |suite: &mut Suite| suite.ask(Ask::of("whoAmI")).await?.ok(200).map(drop)).await;
    suite
        .check(BEARER, async |suite: &mut Suite| {
            let own = suite.ask(Ask::of("listOrders").query("limit", 1)).await?.ok(200)?;
            let bearer = suite.ask(Ask::of("listOrders").query("limit", 1).key(Key::Bearer)).await?.ok(200)?;
            bearer.has("/pagination/limit", own.body.pointer("/pagination/limit").unwrap_or(&json!(null)))
        })
        .await;
    suite
        .check(NO_KEY, async |suite: &mut Suite| suite.ask(Ask::of("listOrders").key(Key::None)).await?.refused(401, "INVALID_API_KEY"))
        .await;
    suite
        .check(UNKNOWN_KEY, async |suite: &mut Suite| {
            let key = Key::Of(unknown(suite));
            suite.ask(Ask::of("listOrders").key(key)).await?.refused(401, "INVALID_API_KEY")
        })
        .await;
    suite
        .check(TWO_KEYS, async |suite: &mut Suite| {
            let key = Key::Both(unknown(suite));
            suite.ask(Ask::of("listOrders").key(key)).await?.refused(401, "INVALID_API_KEY")
        })
        .await;
}
