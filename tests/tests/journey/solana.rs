//! An order and a deposit on Solana: `payin-server serve` with a real Solana node, paid by the libraries of Solana's wallets, in the mint of
//! devnet's own USDC.

use payin_tests::merchant::{Engine, Merchant};
use payin_tests::nodes::solana::{Mint, Payment, Solnet};
use serde_json::{Value, json};

use super::world::{USDT as ONE, address, id, part};

/// Of devnet.
const USDC: &str = "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU";

pub async fn solana_payments_complete_when_finalized(engine: Engine) {
    let node = Solnet::start().await;
    node.mint(&Mint { address: Some(USDC.to_owned()), ..Mint::default() }).await;
    let genesis = node.rpc("getGenesisHash", json!([])).await;
    let genesis = genesis.as_str().expect("a hash");
    let tokens = format!("[chains.solana-devnet.tokens]\nUSDC = {{ contract = \"{USDC}\", decimals = 6 }}\n");
    let settings = format!("[chains.solana-devnet]\nrpc = \"{}\"\nblock_ms = 200\ngenesis = \"{genesis}\"\n{tokens}", node.url());
    let merchant = Merchant::start(engine, &settings).await;
    let mut wallets = Vec::new();
    for _ in 0..4 {
        wallets.push(node.wallet().await);
    }
    let mut import = merchant.payin();
    import.args(["addresses", "import", "-", "--protocol", "solana"]).stdin(wallets.join("\n"));
    let exit = import.run().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    an_order(&merchant, &node).await;
    a_deposit(&merchant, &node).await;
}

async fn order(merchant: &Merchant, reference: &str) -> Value {
    merchant
        .answer(&["orders", "create", "--reference", reference, "--amount", "100.00", "--currency", "USDC", "--chain", "solana-devnet"])
        .await
}

async fn an_order(merchant: &Merchant, node: &Solnet) {
    part("an order is seen, and completed when its block is final; a payment that fails and money given away count for nothing");
    let order = order(merchant, "SOLANA-1").await;
    let base_units = u64::try_from(100 * ONE).expect("an amount");
    let failed = node.pay_with(address(&order), USDC, &Payment { fail: true, ..Payment::of(base_units) }).await;
    assert!(failed.err.is_some());
    node.give(address(&order), USDC, base_units).await;
    let paid = node.pay(address(&order), USDC, base_units).await;
    let seen = merchant.order_when(id(&order), "seen on its chain", |order| order["detectedAt"].is_string()).await;
    assert_eq!(seen["txHash"], paid.signature.as_str(), "{seen:#}");
    let completed = merchant.order_when(id(&order), "completed", |order| order["status"] == "completed").await;
    assert!(node.slot("finalized").await >= paid.slot, "not before");
    assert_eq!((&completed["receivedAmount"], &completed["txHash"]), (&"100.00".into(), &paid.signature.as_str().into()), "{completed:#}");
    merchant.webhook(&completed, "order.completed").await;
}

async fn a_deposit(merchant: &Merchant, node: &Solnet) {
    part("a deposit of two transfers in one transaction");
    let bind = ["deposits", "bind", "--deposit-reference", "PAYER-7", "--currency", "USDC", "--chain", "solana-devnet"];
    let bound = merchant.answer(&bind).await;
    let amounts = vec!["1000000".to_owned(), "2500000".to_owned()];
    let paid = node.pay_with(address(&bound), USDC, &Payment { amounts, lookup: true, ..Payment::of(0) }).await;
    assert_eq!(paid.err, None);
    let begun = std::time::Instant::now();
    loop {
        let deposits = merchant.answer(&["deposits", "list"]).await;
        let text = deposits.to_string();
        let settled = text.contains("\"confirmed\"") || text.contains("\"completed\"");
        if settled && text.contains(&paid.signature) && text.contains("\"1.00\"") && text.contains("\"2.50\"") {
            return;
        }
        assert!(begun.elapsed() < payin_tests::nodes::DEADLINE, "{deposits:#}");
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
}
