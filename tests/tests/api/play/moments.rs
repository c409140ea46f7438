//! Snapshots: the sandbox returns to a moment, with everything that was so then, and goes on from there as it did before.

use payin_tests::nodes::receiver::Receiver;
use payin_tests::sandbox::{CHAIN, Sandbox, new_order, text};
use serde_json::{Value, json};

async fn turn(sandbox: &Sandbox, path: &str, body: Value) -> Value {
    let ask = sandbox.ask("POST", &format!("/api/v1/sandbox/{path}"));
    let ask = if body.is_null() { ask } else { ask.json(&body) };
    ask.send().await.ok(200)
}

/// What there is, and what comes next: ids, addresses and transactions as the seed has them.
async fn goes_on(sandbox: &Sandbox) -> Value {
    let order = sandbox.order("NEXT", "2").await;
    let paid = sandbox.pay(&order["orderId"], json!({})).await;
    sandbox.mine(2).await;
    sandbox.advance(60).await;
    json!({
        "order": sandbox.order_now(&order["orderId"]).await,
        "paid": paid,
        "counts": sandbox.counts().await,
        "transfers": sandbox.read("/api/v1/transfers").await,
        "chains": sandbox.read("/api/v1/sandbox/chains").await,
        "clock": sandbox.read("/api/v1/sandbox/clock").await,
        "journal": sandbox.read("/api/v1/sandbox/journal").await,
    })
}

#[tokio::test]
async fn what_comes_after_a_snapshot_comes_again_after_returning_to_it() {
    let sandbox = Sandbox::with(|options| (options.frozen, options.seed) = (true, Some(3))).await;
    let half = sandbox.order("HALF", "10").await;
    sandbox.pay(&half["orderId"], json!({ "kind": "under" })).await;
    let before = (sandbox.order_now(&half["orderId"]).await, sandbox.read("/api/v1/sandbox/clock").await);
    let kept = turn(&sandbox, "snapshot", Value::Null).await;
    let first = goes_on(&sandbox).await;
    // Far away from there, with rules that would be in the way.
    sandbox.post("/api/v1/sandbox/faults", &json!({ "at": "api", "kind": "drop" })).await.ok(200);
    turn(&sandbox, "chain", json!({ "chainId": CHAIN, "stopped": true })).await;
    sandbox.advance(24 * 60 * 60).await;
    for _ in 0..2 {
        assert_eq!(turn(&sandbox, "restore", json!({ "snapshotId": kept["snapshotId"] })).await, kept);
        assert_eq!((sandbox.order_now(&half["orderId"]).await, sandbox.read("/api/v1/sandbox/clock").await), before);
        assert_eq!(sandbox.read("/api/v1/sandbox/faults").await, json!({ "faults": [] }));
        // Our looking has been journalled, and drew requests' ids: begin again without it.
        turn(&sandbox, "restore", json!({ "snapshotId": kept["snapshotId"] })).await;
        assert_eq!(goes_on(&sandbox).await, first);
    }
    // What was kept later is there later, and the other way round.
    let later = turn(&sandbox, "snapshot", Value::Null).await;
    assert_ne!(later, kept);
    turn(&sandbox, "restore", json!({ "snapshotId": kept["snapshotId"] })).await;
    turn(&sandbox, "restore", json!({ "snapshotId": later["snapshotId"] })).await;
    assert_eq!(sandbox.read("/api/v1/orders").await["pagination"]["total"], 2);
    let unknown = sandbox.post("/api/v1/sandbox/restore", &json!({ "snapshotId": "snap_9" })).await;
    unknown.refused(404, "RESOURCE_NOT_FOUND", "snap_9");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_reset_is_a_new_beginning_with_the_same_keys() {
    for seed in [Some(4), None] {
        let sandbox = Sandbox::with(|options| options.seed = seed).await;
        let shop = Receiver::start().await;
        sandbox.post("/api/v1/webhooks/endpoints", &json!({ "url": shop.url(), "events": ["*"] })).await.ok(201);
        let order = sandbox.order("GONE", "1").await;
        sandbox.pay(&order["orderId"], json!({})).await;
        sandbox.advance(60 * 60).await;
        assert_eq!(turn(&sandbox, "reset", Value::Null).await["snapshotId"], "start");
        assert_eq!(sandbox.counts().await["orders"], 0);
        assert_eq!(sandbox.read("/api/v1/address-pool/status").await["evm"]["available"], 256);
        assert_eq!(sandbox.read("/api/v1/sandbox/clock").await["frozen"], false);
        sandbox.get(&format!("/api/v1/orders/{}", text(&order["orderId"]))).await.refused(404, "RESOURCE_NOT_FOUND", "");
        let (quiet, again) = (shop.received().len(), sandbox.order("GONE", "1").await);
        sandbox.pay(&again["orderId"], json!({})).await;
        sandbox.order_with_status(&again["orderId"], "completed").await;
        assert_eq!(shop.received().len(), quiet, "nobody is told any more");
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn what_is_under_way_is_answered_before_and_who_reads_along_is_let_go() {
    let sandbox = Sandbox::frozen().await;
    let creating = (0..20).map(|number| {
        let sandbox = &sandbox;
        async move { sandbox.post("/api/v1/orders", &new_order(&format!("BUSY-{number}"), "1")).await.status }
    });
    let all = futures_util::future::join_all(creating);
    let (statuses, reset) = tokio::join!(all, sandbox.ask("POST", "/api/v1/sandbox/reset").send());
    assert_eq!((statuses, reset.status), (vec![201; 20], 200), "no request is lost between two lives");
    let left = sandbox.counts().await["orders"].as_u64().expect("a number");
    assert!(left <= 20, "{left}");
    sandbox.stop().await;
}

#[tokio::test]
async fn on_postgresql_it_is_refused_with_a_reason() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    for path in ["snapshot", "reset"] {
        sandbox.ask("POST", &format!("/api/v1/sandbox/{path}")).send().await.refused(409, "INVALID_STATE", "PostgreSQL");
    }
    let restore = sandbox.post("/api/v1/sandbox/restore", &json!({ "snapshotId": "start" })).await;
    restore.refused(409, "INVALID_STATE", "PostgreSQL");
    sandbox.stop().await;
}
