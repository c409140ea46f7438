//! The ways to pay, on each family of chains, and what orders and references make of them.

use payin_tests::sandbox::{CHAIN, Sandbox, text};
use serde_json::{Value, json};

async fn order_on(sandbox: &Sandbox, chain: &str, reference: &str) -> Value {
    let currency = if chain.starts_with("solana") { "USDC" } else { "USDT" };
    let body = json!({ "orderReference": reference, "amount": "10.00", "currency": currency, "chainId": chain });
    sandbox.post("/api/v1/orders", &body).await.ok(201)
}

/// Blocks on every chain: on one alone they would leave the others behind.
async fn confirm(sandbox: &Sandbox) {
    sandbox.post("/api/v1/sandbox/mine", &json!({ "blocks": 40 })).await.ok(200);
}

fn hashes(paid: &Value) -> Vec<String> {
    paid["txHashes"].as_array().map(|all| all.iter().map(|hash| text(hash).to_owned()).collect()).unwrap_or_default()
}

/// What came to an order: how often, and what counts of it.
async fn transfers(sandbox: &Sandbox, order: &Value) -> Vec<Value> {
    let page = sandbox.read(&format!("/api/v1/transfers?orderId={}", text(&order["orderId"]))).await;
    page["data"].as_array().expect("a page").clone()
}

#[tokio::test]
async fn several_transfers_are_one_payment_on_every_family() {
    let sandbox = Sandbox::frozen().await;
    for chain in [CHAIN, "tron-nile", "solana-devnet"] {
        for (kind, transactions, received) in [("in_parts", 2, "10.00"), ("two_in_one", 1, "10.00"), ("twice", 2, "20.00")] {
            let order = order_on(&sandbox, chain, &format!("{kind} on {chain}")).await;
            let paid = sandbox.pay(&order["orderId"], json!({ "kind": kind })).await;
            assert_eq!((hashes(&paid).len().max(1), &paid["chainId"]), (transactions, &json!(chain)), "{kind}: {paid}");
            if transactions > 1 {
                assert_eq!(paid["txHashes"][0], paid["txHash"]);
            }
            confirm(&sandbox).await;
            let now = sandbox.order_now(&order["orderId"]).await;
            assert_eq!((&now["status"], &now["receivedAmount"]), (&json!("completed"), &json!(received)), "{kind} on {chain}: {now}");
            sandbox.post("/api/v1/sandbox/pay", &json!({ "orderId": order["orderId"], "kind": kind })).await.refused(
                400,
                "ORDER_ALREADY_PAID",
                text(&order["orderId"]),
            );
        }
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_token_that_keeps_something_pays_too_little() {
    let sandbox = Sandbox::frozen().await;
    for chain in [CHAIN, "tron-nile"] {
        let order = order_on(&sandbox, chain, &format!("fee on {chain}")).await;
        sandbox.pay(&order["orderId"], json!({ "kind": "fee_on_transfer" })).await;
        confirm(&sandbox).await;
        let now = sandbox.order_now(&order["orderId"]).await;
        assert_eq!((&now["status"], &now["receivedAmount"]), (&json!("pending"), &json!("9.90")), "{now}");
        assert_eq!(transfers(&sandbox, &order).await.len(), 1, "what the token keeps is nobody's payment");
    }
    let order = order_on(&sandbox, "solana-devnet", "no fee").await;
    let pay = json!({ "orderId": order["orderId"], "kind": "fee_on_transfer" });
    sandbox.post("/api/v1/sandbox/pay", &pay).await.refused(400, "VALIDATION_ERROR", "no token of that chain takes a fee");
    sandbox.stop().await;
}

#[tokio::test]
async fn money_on_another_chain_is_not_the_orders() {
    let sandbox = Sandbox::frozen().await;
    let order = order_on(&sandbox, CHAIN, "ELSEWHERE").await;
    let paid = sandbox.pay(&order["orderId"], json!({ "kind": "wrong_chain" })).await;
    assert_ne!(paid["chainId"], CHAIN);
    confirm(&sandbox).await;
    let now = sandbox.order_now(&order["orderId"]).await;
    assert_eq!((&now["status"], &now["receivedAmount"]), (&json!("pending"), &json!("0.00")));
    let found = sandbox.read("/api/v1/transfers?unmatched=true").await;
    assert_eq!((&found["data"][0]["txHash"], &found["data"][0]["chainId"]), (&paid["txHash"], &paid["chainId"]), "{found}");
    for chain in ["tron-nile", "solana-devnet"] {
        let alone = order_on(&sandbox, chain, &format!("alone on {chain}")).await;
        let pay = json!({ "orderId": alone["orderId"], "kind": "wrong_chain" });
        sandbox.post("/api/v1/sandbox/pay", &pay).await.refused(400, "VALIDATION_ERROR", &format!("{chain} is alone"));
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_reference_is_paid_in_every_way_that_it_can_be() {
    let sandbox = Sandbox::frozen().await;
    let bind = json!({ "depositReference": "C-7", "currency": "USDT", "chainId": CHAIN });
    sandbox.post("/api/v1/deposits/references", &bind).await.ok(201);
    let pay = async |kind: &str, amount: &str| {
        let body = json!({ "depositReference": "C-7", "amount": amount, "kind": kind });
        sandbox.post("/api/v1/sandbox/pay-deposit", &body).await
    };
    let mut count = 0;
    for (kind, deposits) in [("exact", 1), ("in_parts", 2), ("twice", 2), ("two_in_one", 2), ("fee_on_transfer", 1), ("fake_token", 0)] {
        pay(kind, "3").await.ok(200);
        count += deposits;
        let page = sandbox.read("/api/v1/deposits?depositReference=C-7").await;
        assert_eq!(page["pagination"]["total"], count, "{kind}: {page}");
    }
    for (kind, unlike) in [("under", "asks for no amount"), ("over", "asks for no amount"), ("late", "has no end"), ("x", "'x'")] {
        pay(kind, "3").await.refused(400, "VALIDATION_ERROR", unlike);
    }
    pay("in_parts", "0.000001").await.refused(400, "INVALID_AMOUNT", "two transfers");
    pay("fee_on_transfer", "0.000001").await.refused(400, "INVALID_AMOUNT", "arrive");
    sandbox.stop().await;
}
