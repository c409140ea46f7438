//! An order and a deposit on Solana: `payin-server serve` with a real Solana node, paid by the libraries of Solana's wallets, in the mint of
//! devnet's own USDC. What looks like a payment and is none stands in the blocks before each.

use payin_tests::merchant::{Engine, Merchant};
use payin_tests::nodes::solana::linked::Linked;
use payin_tests::nodes::solana::{Mint, Payment, Solnet};
use serde_json::{Value, json};

use super::world::{USDT as ONE, address, id, part};

/// Of devnet.
const USDC: &str = "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU";

pub async fn solana_payments_complete_when_finalized(engine: Engine) {
    let node = Solnet::start().await;
    node.mint(&Mint { address: Some(USDC.to_owned()), ..Mint::default() }).await;
    let linked = Linked::start(node.url()).await;
    let genesis = node.rpc("getGenesisHash", json!([])).await;
    let genesis = genesis.as_str().expect("a hash");
    let tokens = format!("[chains.solana-devnet.tokens]\nUSDC = {{ contract = \"{USDC}\", decimals = 6 }}\n");
    let settings = format!("[chains.solana-devnet]\nrpc = \"{}\"\nblock_ms = 200\ngenesis = \"{genesis}\"\n{tokens}", linked.url());
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

/// Payments that must not count: one that fails as a whole, and a token account that is given away with what is on it.
async fn evil(node: &Solnet, wallet: &str, base_units: u64) {
    let failed = node.pay_with(wallet, USDC, &Payment { fail: true, ..Payment::of(base_units) }).await;
    assert!(failed.err.is_some());
    node.give(wallet, USDC, base_units).await;
}

async fn an_order(merchant: &Merchant, node: &Solnet) {
    part("an order is seen, and completed when its block is final; a payment that fails and money given away count for nothing");
    let order = order(merchant, "SOLANA-1").await;
    let base_units = u64::try_from(100 * ONE).expect("an amount");
    evil(node, address(&order), base_units).await;
    let paid = node.pay(address(&order), USDC, base_units).await;
    let seen = merchant.order_when(id(&order), "seen on its chain", |order| order["detectedAt"].is_string()).await;
    assert_eq!(seen["txHash"], paid.signature.as_str(), "{seen:#}");
    let completed = merchant.order_when(id(&order), "completed", |order| order["status"] == "completed").await;
    assert!(node.slot("finalized").await >= paid.slot, "not before");
    let facts = ["receivedAmount", "txHash", "blockNumber"].map(|field| &completed[field]);
    assert_eq!(facts, [&json!("100.00"), &json!(paid.signature), &json!(paid.slot)], "{completed:#}");
    merchant.webhook(&completed, "order.completed").await;
}

async fn a_deposit(merchant: &Merchant, node: &Solnet) {
    part("a deposit of two transfers in one transaction, its accounts from a lookup table");
    let bind = ["deposits", "bind", "--deposit-reference", "PAYER-7", "--currency", "USDC", "--chain", "solana-devnet"];
    let bound = merchant.answer(&bind).await;
    evil(node, address(&bound), 9_000_000).await;
    let amounts = vec!["1000000".to_owned(), "2500000".to_owned()];
    let paid = node.pay_with(address(&bound), USDC, &Payment { amounts, lookup: true, ..Payment::of(0) }).await;
    assert_eq!(paid.err, None);
    let done = |deposits: &[Value]| deposits.len() >= 2 && deposits.iter().all(|deposit| deposit["status"] == "completed");
    let deposits = merchant.deposits_when("both completed", done).await;
    assert!(node.slot("finalized").await >= paid.slot, "not before");
    let mut facts: Vec<_> = deposits.iter().map(|deposit| [&deposit["amount"], &deposit["txHash"], &deposit["blockNumber"]]).collect();
    facts.sort_by_key(|[amount, ..]| amount.as_str());
    let expected = ["1.00", "2.50"].map(|amount| [json!(amount), json!(paid.signature), json!(paid.slot)]);
    assert_eq!(facts, expected.each_ref().map(<[Value; 3]>::each_ref), "{deposits:#?}");
}
