//! Rate limits as a client meets them: headers on every answer, and one number in all places where it is told to wait.

use payin_core::quota::Limits;
use payin_tests::sandbox::{Reply, Sandbox, contract, new_order, text};
use payin_types::Role;

const ME: &str = "/api/v1/me";

async fn limited(per_minute: u64) -> Sandbox {
    let limits = Limits { per_minute, ..Limits::default() };
    Sandbox::with(|options| (options.frozen, options.rate_limits) = (true, Some(limits))).await
}

/// Limit, remaining, reset.
fn standing(reply: &Reply) -> [i64; 3] {
    ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"].map(|name| reply.header(name).parse().expect(name))
}

fn assert_silent(reply: &Reply) {
    assert!(
        ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"].iter().all(|name| reply.header(name).is_empty())
    );
}

#[tokio::test]
async fn every_answer_says_where_the_key_stands() {
    let sandbox = limited(100).await;
    let first = sandbox.get(ME).await;
    let [limit, remaining, reset] = standing(&first);
    assert_eq!((limit, remaining), (100, 99));
    // Also where nothing was done: unreadable, not there, refused twice; each counts but what the role forbids.
    let viewer = sandbox.key_with_role(Role::Viewer).await;
    let bad = sandbox.ask("POST", "/api/v1/orders").raw_json("{").send().await;
    assert_eq!((bad.status, standing(&bad)), (400, [100, 98, reset]));
    let none = sandbox.get("/api/v1/orders/ord_none").await;
    assert_eq!((none.status, standing(&none)), (404, [100, 97, reset]));
    for _ in 0..3 {
        let forbidden = sandbox.ask("POST", "/api/v1/orders").key(&viewer).json(&new_order("x", "1")).send().await;
        forbidden.refused(403, "INSUFFICIENT_PERMISSIONS", "viewer");
        assert_eq!(standing(&forbidden)[..2], [100, 100]);
    }
    // A replay is a request too.
    for (replayed, remaining) in [("", 96), ("true", 95)] {
        let order = sandbox.ask("POST", "/api/v1/orders").header("Idempotency-Key", "k").json(&new_order("x", "1")).send().await;
        assert_eq!((order.status, order.header("idempotent-replayed"), standing(&order)[1]), (201, replayed, remaining));
    }
    // Nothing is said of nobody, nor by the sandbox's own API, which must be able to go on.
    for reply in [
        sandbox.ask("GET", ME).no_key().send().await,
        sandbox.get("/api/v1/sandbox/clock").await,
        sandbox.ask("GET", "/health").no_key().send().await,
    ] {
        assert_silent(&reply);
    }
    sandbox.stop().await;
    let unlimited = Sandbox::frozen().await;
    assert_silent(&unlimited.get(ME).await);
    unlimited.stop().await;
}

#[tokio::test]
async fn too_much_is_refused_and_says_when_it_is_not() {
    let sandbox = limited(5).await;
    let now = text(&sandbox.read("/api/v1/sandbox/clock").await["now"]).parse::<payin_types::Timestamp>().expect("a time");
    for left in (0..5).rev() {
        assert_eq!(standing(&sandbox.get(ME).await)[..2], [5, left]);
    }
    let refused = sandbox.post("/api/v1/orders", &new_order("x", "1")).await;
    refused.refused(429, "RATE_LIMIT_EXCEEDED", "5 requests a minute");
    let wait = refused.json["retryAfter"].as_i64().expect("when to try again");
    assert_eq!((refused.header("retry-after"), wait), (wait.to_string().as_str(), 61));
    assert_eq!(standing(&refused), [5, 0, now.secs() + wait]);
    // Nothing is kept of it, and another key of the organization has limits of its own.
    let under_key = async |key: &str| {
        let ask = sandbox.ask("POST", "/api/v1/orders").key(key).header("Idempotency-Key", "k");
        ask.json(&new_order("y", "1")).send().await
    };
    under_key(sandbox.key()).await.refused(429, "RATE_LIMIT_EXCEEDED", "");
    let other = sandbox.key_with_role(Role::Member).await;
    assert_eq!(standing(&sandbox.ask("GET", ME).key(&other).send().await)[..2], [5, 4]);
    sandbox.advance(60).await;
    under_key(sandbox.key()).await.refused(429, "RATE_LIMIT_EXCEEDED", "");
    sandbox.advance(1).await;
    assert_eq!(under_key(sandbox.key()).await.status, 201);
    sandbox.stop().await;
}

/// A handler that forgot to ask whether its caller may would answer something else.
#[tokio::test]
async fn no_operation_is_without_a_limit() {
    let sandbox = limited(1).await;
    let admin = sandbox.admin(sandbox.key(), Role::Owner).await;
    sandbox.get(ME).await;
    sandbox.ask("GET", "/api/v1/admin/stats").key(&admin).send().await.ok(200);
    let mut asked = 0;
    for (method, path) in contract().operations() {
        // CryptoPay's are limited by plan: see `cryptopay/errors.rs`.
        let is_other = contract().operation(&method, &path)["tags"] == serde_json::json!(["CryptoPay"]);
        if is_other || contract().is_public(&method, &path) || path.starts_with("/api/v1/sandbox") {
            continue;
        }
        let key = if path.starts_with("/api/v1/admin/") { &admin } else { sandbox.key() };
        let ask = sandbox.ask(&method, &path.replace(['{', '}'], "")).key(key);
        let reply = if method == "GET" || method == "DELETE" { ask.send().await } else { ask.raw_json("{}").send().await };
        reply.refused(429, contract().code_of(&method, &path, "RATE_LIMIT_EXCEEDED"), "1 requests a minute");
        asked += 1;
    }
    assert!(asked > 9);
    sandbox.stop().await;
}
