//! Chains that stop, stall, and change their minds about chosen transactions.

use payin_tests::sandbox::{CHAIN, Sandbox, text};
use serde_json::{Value, json};

async fn control(sandbox: &Sandbox, change: Value) -> Value {
    let mut body = json!({ "chainId": CHAIN });
    body.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
    sandbox.post("/api/v1/sandbox/chain", &body).await.ok(200)
}

#[tokio::test]
async fn a_chain_that_stops_is_seen_to_and_caught_up_with() {
    let sandbox = Sandbox::frozen().await;
    let (order, late) = (sandbox.order("STOP", "1").await, sandbox.order("LATE", "1").await);
    assert_eq!(control(&sandbox, json!({ "stopped": true })).await["stopped"], true);
    sandbox.pay(&order["orderId"], json!({})).await;
    sandbox.mine(5).await;
    let now = sandbox.order_now(&order["orderId"]).await;
    assert_eq!((&now["status"], now.get("txHash")), (&json!("pending"), None), "nobody can have seen it");
    // Nothing expires where nothing is seen, and no order is taken.
    assert_eq!(sandbox.advance(3_600).await["pending"], json!([]));
    assert_eq!(sandbox.order_now(&late["orderId"]).await["status"], "pending");
    let refused = sandbox.post("/api/v1/orders", &payin_tests::sandbox::new_order("NEW", "1")).await;
    refused.refused(503, "CHAIN_UNAVAILABLE", CHAIN);
    let chains = sandbox.read("/api/v1/sandbox/chains").await;
    let stopped: Vec<&Value> = chains["chains"].as_array().expect("a list").iter().filter(|chain| chain["stopped"] == true).collect();
    assert!(stopped.len() == 1 && stopped[0]["chainId"] == CHAIN, "{chains}");
    // What happened meanwhile is found, in its time.
    control(&sandbox, json!({ "stopped": false })).await;
    assert_eq!(sandbox.order_now(&order["orderId"]).await["status"], "completed");
    assert_eq!(sandbox.order_now(&late["orderId"]).await["status"], "expired");
    sandbox.order("NEW", "1").await;
    sandbox.stop().await;
}

#[tokio::test]
async fn a_chain_whose_finality_stalls_confirms_and_makes_nothing_final() {
    let sandbox = Sandbox::frozen().await;
    let order = sandbox.order("STALL", "1").await;
    assert_eq!(control(&sandbox, json!({ "finalityStalled": true })).await["finalityStalled"], true);
    sandbox.pay(&order["orderId"], json!({})).await;
    sandbox.mine(50).await;
    let is_final = async || sandbox.read("/api/v1/transfers").await["data"][0]["completedAt"].is_string();
    assert_eq!(sandbox.order_now(&order["orderId"]).await["status"], "completed");
    assert!(!is_final().await);
    // Ethereum's takes a quarter of an hour anyway: after three of them it is said.
    let standing = async || {
        let chains = sandbox.read("/api/v1/chains").await;
        let all = chains["data"].as_array().expect("a list");
        all.iter().find(|chain| chain["chainId"] == CHAIN).expect("the chain").clone()
    };
    assert_eq!(standing().await["status"], "following");
    sandbox.advance(46 * 60).await;
    sandbox.mine(1).await;
    let now = standing().await;
    assert!(now["status"] == "degraded" && text(&now["message"]).contains("its finality stalls"), "{now}");
    control(&sandbox, json!({ "finalityStalled": false })).await;
    assert!(is_final().await);
    assert_eq!(standing().await["status"], "following");
    sandbox.stop().await;
}

#[tokio::test]
async fn chosen_transactions_are_lost_and_come_back() {
    let sandbox = Sandbox::frozen().await;
    for chain in [CHAIN, "tron-nile", "solana-devnet"] {
        let currency = if chain == "solana-devnet" { "USDC" } else { "USDT" };
        let order = async |reference: &str| {
            let body = json!({ "orderReference": format!("{reference} {chain}"), "amount": "1", "currency": currency, "chainId": chain });
            sandbox.post("/api/v1/orders", &body).await.ok(201)["orderId"].clone()
        };
        let reorg = async |change: Value| {
            let mut body = json!({ "chainId": chain, "depth": 1 });
            body.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
            sandbox.post("/api/v1/sandbox/reorg", &body).await
        };
        let (kept, lost) = (order("KEPT").await, order("LOST").await);
        sandbox.pay(&kept, json!({ "mine": false })).await;
        let hash = sandbox.pay(&lost, json!({})).await["txHash"].clone();
        let is_seen = async |id: &Value| sandbox.order_now(id).await.get("txHash").is_some();
        assert_eq!((is_seen(&kept).await, is_seen(&lost).await), (true, true), "{chain}");
        reorg(json!({ "lose": [hash] })).await.ok(200);
        assert_eq!((is_seen(&kept).await, is_seen(&lost).await), (true, false), "{chain}");
        reorg(json!({ "lose": [hash] })).await.refused(400, "VALIDATION_ERROR", text(&hash));
        reorg(json!({ "bringBack": [hash] })).await.ok(200);
        assert_eq!(sandbox.order_now(&lost).await["txHash"], hash, "{chain}");
        reorg(json!({ "bringBack": [hash] })).await.refused(400, "VALIDATION_ERROR", "bringBack");
        reorg(json!({ "drop": true, "lose": [hash] })).await.refused(400, "VALIDATION_ERROR", "lose");
        reorg(json!({ "bringBack": ["x"] })).await.refused(400, "VALIDATION_ERROR", "x was not lost");
    }
    sandbox.stop().await;
}
