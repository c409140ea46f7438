//! `/deposits` and `/transfers` as a merchant's program sees them, each answer judged by the contract.

use payin_tests::sandbox::{Sandbox, text};
use serde_json::{Value, json};

fn binding(reference: &str, chain: &str) -> Value {
    json!({ "depositReference": reference, "currency": "USDT", "chainId": chain })
}

/// Until the deposit has come so far.
async fn deposit_with_status(sandbox: &Sandbox, reference: &str, status: &str) -> Value {
    let path = format!("/api/v1/deposits?depositReference={reference}&status={status}");
    sandbox.read_when(&path, status, |page| page["pagination"]["total"] == 1).await["data"][0].clone()
}

async fn a_payer_is_credited(sandbox: &Sandbox) {
    let mut first = binding("user_alice_123", "ethereum-sepolia");
    first["metadata"] = json!({ "userId": "alice_123" });
    let bound = sandbox.post("/api/v1/deposits/references", &first).await.ok(201);
    assert_eq!((&bound["protocol"], &bound["metadata"]), (&json!("evm"), &first["metadata"]));
    let again = sandbox.post("/api/v1/deposits/references", &first).await;
    again.refused(409, "DUPLICATE_DEPOSIT_REFERENCE", "Deposit reference 'user_alice_123' already exists for chain 'ethereum-sepolia'");
    sandbox.advance(1).await;
    sandbox.post("/api/v1/deposits/references", &binding("user_alice_123", "polygon-amoy")).await.ok(201);
    // On a chain of the family that it was not bound on, in another currency than it was bound for.
    let pay = json!({ "depositReference": "user_alice_123", "amount": "100.50", "chainId": "base-sepolia", "currency": "USDC" });
    let paid = sandbox.post("/api/v1/sandbox/pay-deposit", &pay).await.ok(200);
    let seen = deposit_with_status(sandbox, "user_alice_123", "pending").await;
    assert_eq!((&seen["txHash"], &seen["amount"], &seen["address"]), (&paid["txHash"], &json!("100.50"), &bound["address"]));
    let mine = json!({ "chainId": "base-sepolia", "blocks": 3 });
    sandbox.post("/api/v1/sandbox/mine", &mine).await.ok(200);
    deposit_with_status(sandbox, "user_alice_123", "confirmed").await;
    sandbox.post("/api/v1/sandbox/mine", &json!({ "chainId": "base-sepolia", "blocks": 8 })).await.ok(200);
    let done = deposit_with_status(sandbox, "user_alice_123", "completed").await;
    let one = sandbox.read(&format!("/api/v1/deposits/{}", text(&done["depositId"]))).await;
    assert_eq!((&one["depositId"], &one["status"]), (&done["depositId"], &json!("completed")));
    let known = sandbox.read("/api/v1/deposits/references/user_alice_123").await;
    assert_eq!((&known["totalDeposits"], &known["totalAmount"]), (&json!(1), &json!({ "USDC": "100.50" })));
    assert_eq!(known["addresses"].as_array().map(Vec::len), Some(2));
    let listed = sandbox.read("/api/v1/deposits/references?search=ALICE").await;
    assert_eq!((&listed["data"][0]["addressCount"], &listed["data"][0]["protocols"]), (&json!(2), &json!(["evm"])));
    let transfers = sandbox.read(&format!("/api/v1/transfers?txHash={}", text(&paid["txHash"]))).await;
    let transfer = &transfers["data"][0];
    assert_eq!(
        (&transfer["depositId"], &transfer["businessType"], &transfer["status"]),
        (&done["depositId"], &json!("deposit"), &json!("confirmed"))
    );
    sandbox.read(&format!("/api/v1/transfers/{}", text(&transfer["transferId"]))).await;
    let unbound = sandbox.ask("DELETE", "/api/v1/deposits/references/user_alice_123?chainId=polygon-amoy").send().await.ok(200);
    let documented =
        json!({ "success": true, "message": "Deposit reference unbound", "depositReference": "user_alice_123", "unboundAddresses": 1 });
    assert_eq!(unbound, documented);
    assert_eq!(sandbox.ask("DELETE", "/api/v1/deposits/references/user_alice_123").send().await.ok(200)["unboundAddresses"], 1);
    for method in ["GET", "DELETE"] {
        let gone = sandbox.ask(method, "/api/v1/deposits/references/user_alice_123").send().await;
        gone.refused(404, "DEPOSIT_REFERENCE_NOT_FOUND", "No deposit reference found for 'user_alice_123'");
    }
    assert_eq!(sandbox.read("/api/v1/deposits?depositReference=user_alice_123").await["pagination"]["total"], 1, "what came stays");
}

#[tokio::test]
async fn a_payer_is_credited_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    a_payer_is_credited(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn a_payer_is_credited_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    a_payer_is_credited(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn what_is_no_binding_is_refused_and_changes_nothing() {
    let sandbox = Sandbox::frozen().await;
    let good = binding("alice", "ethereum-sepolia");
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    let pairs: serde_json::Map<String, Value> = (0..11).map(|n| (n.to_string(), json!(n))).collect();
    for (body, code, says) in [
        (with("depositReference", json!("")), "VALIDATION_ERROR", "depositReference"),
        (with("depositReference", json!("x".repeat(256))), "VALIDATION_ERROR", "255"),
        (with("depositReference", json!("a\nb")), "VALIDATION_ERROR", "control"),
        // No client can ask for such a path: it means the folder above.
        (with("depositReference", json!("..")), "VALIDATION_ERROR", "path"),
        (with("depositReference", json!(".")), "VALIDATION_ERROR", "path"),
        (with("chainId", json!("ethereum-mainnet")), "INVALID_CHAIN", "ethereum-mainnet"),
        (with("currency", json!("DOGE")), "INVALID_CURRENCY", "DOGE"),
        (with("metadata", json!(pairs)), "VALIDATION_ERROR", "metadata"),
        (with("protocol", json!("evm")), "VALIDATION_ERROR", "protocol"),
        (json!({ "depositReference": "alice" }), "VALIDATION_ERROR", "currency"),
    ] {
        sandbox.post("/api/v1/deposits/references", &body).await.refused(400, code, says);
    }
    for (path, says) in [
        ("/api/v1/deposits?status=done", "status"),
        ("/api/v1/deposits?limit=0", "limit"),
        ("/api/v1/deposits?page=0", "page"),
        ("/api/v1/deposits?sortBy=createdAt", "sortBy"),
        ("/api/v1/deposits?orderId=x", "orderId"),
        ("/api/v1/deposits?detectedAfter=yesterday", "detectedAfter"),
        ("/api/v1/deposits/references?limit=101", "limit"),
        ("/api/v1/deposits/references?status=x", "status"),
        ("/api/v1/transfers?unmatched=perhaps", "unmatched"),
        ("/api/v1/transfers?businessType=gift", "businessType"),
    ] {
        sandbox.ask("GET", path).send().await.refused(400, "VALIDATION_ERROR", says);
    }
    let unbind = sandbox.ask("DELETE", "/api/v1/deposits/references/alice?chain=x").send().await;
    unbind.refused(400, "VALIDATION_ERROR", "chain");
    assert_eq!(sandbox.read("/api/v1/deposits/references").await["pagination"]["total"], 0);
    assert_eq!(sandbox.read("/api/v1/address-pool/status").await["evm"]["bound"], 0);
    sandbox.stop().await;
}

/// References are the merchant's: whatever is in them, it is one part of a path.
#[tokio::test]
async fn odd_references_are_found_again() {
    let sandbox = Sandbox::frozen().await;
    for (reference, path) in [("a/b", "a%2Fb"), ("100% ü", "100%25%20%C3%BC"), ("?x=1#y", "%3Fx%3D1%23y"), ("references", "references")] {
        sandbox.post("/api/v1/deposits/references", &binding(reference, "ethereum-sepolia")).await.ok(201);
        let found = sandbox.read(&format!("/api/v1/deposits/references/{path}")).await;
        assert_eq!(found["depositReference"], reference);
        sandbox.ask("DELETE", &format!("/api/v1/deposits/references/{path}")).send().await.ok(200);
    }
    sandbox.stop().await;
}
