//! Does the Solana node do what its module says, and its payer what a test asks of him?

use payin_tests::nodes::solana::{Mint, Paid, Payment, Solnet, TokenProgram, USDC};
use serde_json::{Value, json};

/// What the node says of a transaction, as it is at `confirmed`.
async fn told(node: &Solnet, paid: &Paid) -> Value {
    // `confirmed` is one slot behind.
    node.finalized(&paid.signature).await;
    let config = json!({"encoding": "json", "commitment": "confirmed", "maxSupportedTransactionVersion": 0});
    node.rpc("getTransaction", json!([paid.signature, config])).await
}

/// A transaction's balances of one token account, before and after it; nothing where it does not exist.
fn balances(transaction: &Value, account: &str) -> [Option<u64>; 2] {
    let keys = |list: &Value| list.as_array().cloned().unwrap_or_default();
    let loaded = &transaction["meta"]["loadedAddresses"];
    let static_keys = keys(&transaction["transaction"]["message"]["accountKeys"]);
    let all: Vec<Value> = [static_keys, keys(&loaded["writable"]), keys(&loaded["readonly"])].concat();
    let index = all.iter().position(|key| key == account).unwrap_or_else(|| panic!("{account} is not in {transaction}"));
    ["preTokenBalances", "postTokenBalances"].map(|list| {
        let list = keys(&transaction["meta"][list]);
        let balance = list.iter().find(|balance| balance["accountIndex"] == index)?;
        balance["uiTokenAmount"]["amount"].as_str()?.parse().ok()
    })
}

#[tokio::test]
async fn a_payment_on_solana_is_listed_and_becomes_final() {
    let node = Solnet::start().await;
    let mint = node.mint(&Mint { address: Some(USDC.to_owned()), ..Mint::default() }).await;
    assert_eq!(mint, USDC);
    let wallet = node.wallet().await;
    let account = node.account(&wallet, &mint).await;

    let first = node.pay(&wallet, &mint, 5).await;
    assert_eq!(first.account, account);
    let failed = node.pay_with(&wallet, &mint, &Payment { fail: true, ..Payment::of(9) }).await;
    assert!(failed.err.is_some() && failed.slot >= first.slot);
    let twice =
        Payment { amounts: vec!["1".to_owned(), "2".to_owned()], checked: false, memo: Some("order 7".to_owned()), ..Payment::of(0) };
    let twice = node.pay_with(&wallet, &mint, &twice).await;
    assert_eq!((twice.err.as_ref(), node.balance(&account).await), (None, 8));

    assert!(node.slot("finalized").await < twice.slot);
    node.finalized(&twice.signature).await;
    assert!(node.slot("processed").await >= twice.slot + 31);
    let listed = node.rpc("getSignaturesForAddress", json!([account, {"commitment": "finalized"}])).await;
    let listed = listed.as_array().expect("a list");
    let signatures: Vec<&Value> = listed.iter().map(|entry| &entry["signature"]).collect();
    assert_eq!(signatures, [&twice.signature, &failed.signature, &first.signature]);
    assert_eq!(listed[0]["memo"], "[7] order 7");
    assert_eq!(listed[1]["err"], failed.err.expect("it failed"));
    // The transaction that made the account names its owner. Those after it do not.
    let of_wallet = node.rpc("getSignaturesForAddress", json!([wallet, {"commitment": "finalized"}])).await;
    assert_eq!(of_wallet.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn the_odd_ways_to_pay_on_solana_are_what_they_say() {
    let node = Solnet::start().await;
    let mint = node.mint(&Mint::default()).await;
    let fee = node.mint(&Mint { program: TokenProgram::Token2022, fee_basis_points: 100, ..Mint::default() }).await;
    let wallet = node.wallet().await;

    // One percent stays withheld in the account, outside its balance.
    let paid = node.pay(&wallet, &fee, 1000).await;
    assert_eq!(node.balance(&paid.account).await, 990);
    let checked = balances(&told(&node, &paid).await, &paid.account);
    assert_eq!(checked, [None, Some(990)]);

    let looked_up = node.pay_with(&wallet, &mint, &Payment { lookup: true, ..Payment::of(9) }).await;
    let transaction = told(&node, &looked_up).await;
    assert_eq!(transaction["version"], 0);
    assert!(transaction["meta"]["loadedAddresses"]["writable"].as_array().is_some_and(|loaded| loaded.contains(&json!(looked_up.account))));
    assert_eq!(balances(&transaction, &looked_up.account), [None, Some(9)]);

    // The wallet now owns an account with money, which nobody paid to its own.
    let given = node.give(&wallet, &mint, 11).await;
    assert_ne!(given.account, looked_up.account);
    let transaction = told(&node, &given).await;
    let owners = transaction["meta"]["postTokenBalances"].as_array().expect("balances").iter().map(|balance| &balance["owner"]);
    assert!(owners.into_iter().any(|owner| owner == &wallet));

    let again = node.close_and_pay(&wallet, &mint, 13).await;
    assert_eq!(again.account, looked_up.account);
    assert_eq!(balances(&told(&node, &again).await, &again.account), [Some(9), Some(13)]);
    let closed = node.close(&wallet, &mint).await;
    assert_eq!(balances(&told(&node, &closed).await, &closed.account), [Some(13), None]);
}

#[tokio::test]
async fn a_killed_solana_node_is_gone() {
    let mut node = Solnet::start().await;
    let url = node.url().to_owned();
    node.kill().await;
    assert!(payin_tests::nodes::http_client().post(&url).body("{}").send().await.is_err());
}
