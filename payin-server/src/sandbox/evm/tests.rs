//! The chain's own behaviour. What the node answers is tested in the submodule `node`.

mod node;

use alloy::primitives::{Address, B256, U256, address, keccak256};
use serde_json::{Value, json};

use super::{Block, EvmChain, Reorg, ReorgError, Rest, TRANSFER_TOPIC, Transaction, Transfer};

const USDC: Address = address!("a0b86991c6218b36c1d19d4a2e9eb0ce3606eb48");
const FAKE: Address = address!("00000000000000000000000000000000000fa4e0");
const GENESIS_TIME_S: u64 = 1_700_000_000;

fn chain() -> EvmChain {
    let mut chain = EvmChain::new(31337, 7, GENESIS_TIME_S);
    chain.register_token(USDC, "USDC", 6);
    chain
}

fn account(n: u8) -> Address {
    Address::with_last_byte(n)
}

fn payment(contract: Address, to: Address, value: u64) -> Transaction {
    Transaction::transfers([Transfer { contract, from: account(200), to, value: U256::from(value) }])
}

fn mine_at(chain: &mut EvmChain, number: u64) -> Block {
    chain.mine(GENESIS_TIME_S + 12 * number)
}

fn ask(chain: &mut EvmChain, method: &str, params: Value) -> Value {
    let answer = chain.handle(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }));
    assert!(answer.get("error").is_none(), "{method}: {answer}");
    answer["result"].clone()
}

fn refusal(chain: &mut EvmChain, method: &str, params: Value) -> (i64, String) {
    let answer = chain.handle(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }));
    let error = &answer["error"];
    (error["code"].as_i64().expect("an error"), error["message"].as_str().expect("a message").to_owned())
}

fn drop_last(depth: u64) -> Reorg {
    Reorg { depth, blocks: depth, keep: Vec::new(), rest: Rest::Dropped }
}

#[test]
fn transfer_topic_is_the_hash_of_the_signature() {
    assert_eq!(TRANSFER_TOPIC, keccak256("Transfer(address,address,uint256)"));
}

#[test]
fn same_seed_and_calls_make_the_same_chain() {
    let run = |seed| {
        let mut chain = EvmChain::new(1, seed, GENESIS_TIME_S);
        let kept = chain.submit(payment(USDC, account(1), 5));
        mine_at(&mut chain, 1);
        mine_at(&mut chain, 2);
        chain.reorg(&Reorg { keep: vec![(kept, 1)], ..drop_last(2) }).unwrap();
        let blocks = ask(&mut chain, "eth_getBlockByNumber", json!(["latest", true]));
        (blocks, ask(&mut chain, "eth_getLogs", json!([{ "fromBlock": "earliest" }])))
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn equal_payments_have_different_hashes() {
    let mut chain = chain();
    let first = chain.submit(payment(USDC, account(1), 5));
    let second = chain.submit(payment(USDC, account(1), 5));
    assert_ne!(first, second);
    assert_eq!(chain.mempool(), [first, second]);
    assert_eq!(mine_at(&mut chain, 1).transactions, [first, second]);
    assert!(chain.mempool().is_empty());
}

#[test]
fn block_time_strictly_increases() {
    let mut chain = chain();
    assert_eq!(chain.mine(0).time_s, GENESIS_TIME_S + 1);
    assert_eq!(chain.mine(GENESIS_TIME_S + 1).time_s, GENESIS_TIME_S + 2);
    assert_eq!(chain.mine(GENESIS_TIME_S + 50).time_s, GENESIS_TIME_S + 50);
    assert_eq!(chain.block(3), Some(chain.head()));
    assert_eq!(chain.block(4), None);
}

#[test]
fn reorg_keeps_transaction_hashes_and_times_and_changes_the_rest() {
    let mut chain = chain();
    let ours = chain.submit(payment(USDC, account(1), 5));
    let old = mine_at(&mut chain, 1);
    let other = chain.submit(payment(USDC, account(2), 6));
    mine_at(&mut chain, 2);
    let before = ask(&mut chain, "eth_getTransactionReceipt", json!([ours]));
    assert_eq!((&before["logs"][0]["logIndex"], &before["transactionIndex"]), (&json!("0x0"), &json!("0x0")));

    let new = chain.reorg(&Reorg { keep: vec![(other, 0), (ours, 0)], ..drop_last(2) }).unwrap();

    let after = ask(&mut chain, "eth_getTransactionReceipt", json!([ours]));
    assert_eq!(after["transactionHash"], before["transactionHash"]);
    assert_ne!(after["blockHash"], before["blockHash"]);
    assert_eq!((&after["logs"][0]["logIndex"], &after["transactionIndex"]), (&json!("0x1"), &json!("0x1")));
    assert_eq!(after["logs"][0]["blockHash"], json!(new[0].hash));
    assert_eq!(new[0].time_s, old.time_s);
    assert_eq!(new[0].parent_hash, old.parent_hash);
    assert_eq!(new[1].parent_hash, new[0].hash);
    assert_eq!(chain.head(), &new[1]);

    let logs = ask(&mut chain, "eth_getLogs", json!([{ "fromBlock": "0x1", "toBlock": "0x2" }]));
    assert_eq!(logs.as_array().unwrap().len(), 2);
    assert!(logs.as_array().unwrap().iter().all(|log| log["blockHash"] == json!(new[0].hash)));
}

#[test]
fn dropped_transactions_vanish_or_wait_again() {
    let mut chain = chain();
    let lost = chain.submit(payment(USDC, account(1), 5));
    mine_at(&mut chain, 1);
    chain.reorg(&drop_last(1)).unwrap();
    assert_eq!(ask(&mut chain, "eth_getTransactionReceipt", json!([lost])), Value::Null);
    assert_eq!(chain.mined_at(lost), None);
    assert!(chain.mempool().is_empty());

    assert!(chain.resubmit(lost));
    assert!(!chain.resubmit(lost), "it waits already");
    assert!(!chain.resubmit(B256::ZERO), "it is unknown");
    mine_at(&mut chain, 2);
    assert_eq!(chain.mined_at(lost), Some(2));
    assert!(!chain.resubmit(lost), "it is mined");

    let later = chain.submit(payment(USDC, account(1), 6));
    chain.reorg(&Reorg { rest: Rest::ToMempool, ..drop_last(1) }).unwrap();
    assert_eq!(chain.mempool(), [lost, later]);
}

#[test]
fn replacement_from_the_mempool_takes_the_place_of_the_original() {
    let mut chain = chain();
    let original = chain.submit(payment(USDC, account(1), 5));
    mine_at(&mut chain, 1);
    let replacement = chain.submit(payment(USDC, account(9), 5));
    chain.reorg(&Reorg { keep: vec![(replacement, 0)], ..drop_last(1) }).unwrap();
    assert_eq!((chain.mined_at(original), chain.mined_at(replacement)), (None, Some(1)));
    assert!(chain.mempool().is_empty());
}

#[test]
fn a_reorg_may_lengthen_the_chain() {
    let mut chain = chain();
    let ours = chain.submit(payment(USDC, account(1), 5));
    let old = mine_at(&mut chain, 1);
    let new = chain.reorg(&Reorg { blocks: 3, keep: vec![(ours, 2)], ..drop_last(1) }).unwrap();
    let times: Vec<u64> = new.iter().map(|block| block.time_s).collect();
    assert_eq!(times, [old.time_s, old.time_s + 1, old.time_s + 2]);
    assert_eq!(chain.mined_at(ours), Some(3));
}

#[test]
fn an_impossible_reorg_changes_nothing() {
    let mut chain = chain();
    let deep = chain.submit(payment(USDC, account(1), 5));
    mine_at(&mut chain, 1);
    let top = chain.submit(payment(USDC, account(1), 5));
    mine_at(&mut chain, 2);
    let head = chain.head().clone();
    let cases = [
        (drop_last(3), ReorgError::TooDeep { depth: 3, head: 2 }),
        (Reorg { keep: vec![(top, 1)], ..drop_last(1) }, ReorgError::NoSuchBlock(1)),
        (Reorg { keep: vec![(deep, 0)], ..drop_last(1) }, ReorgError::MinedTwice(deep)),
        (Reorg { keep: vec![(top, 0), (top, 0)], ..drop_last(1) }, ReorgError::MinedTwice(top)),
        (Reorg { keep: vec![(B256::ZERO, 0)], ..drop_last(1) }, ReorgError::UnknownTransaction(B256::ZERO)),
    ];
    for (reorg, error) in cases {
        assert_eq!(chain.reorg(&reorg), Err(error));
    }
    assert_eq!(chain.head(), &head);
    assert_eq!(chain.mined_at(top), Some(2));
}

#[test]
fn the_same_reorg_twice_never_repeats_a_hash() {
    let mut chain = chain();
    let first = mine_at(&mut chain, 1);
    let second = chain.reorg(&drop_last(1)).unwrap();
    let third = chain.reorg(&drop_last(1)).unwrap();
    assert_ne!(first.hash, second[0].hash);
    assert_ne!(second[0].hash, third[0].hash);
}

#[test]
fn finality_follows_the_head_unless_stalled() {
    let mut chain = chain();
    chain.config.finality_depth = 4;
    chain.config.safe_depth = 2;
    assert_eq!((chain.finalized_number(), chain.safe_number()), (0, 0));
    for number in 1..=10 {
        mine_at(&mut chain, number);
    }
    let tag = |chain: &mut EvmChain, tag: &str| ask(chain, "eth_getBlockByNumber", json!([tag, false]))["number"].clone();
    assert_eq!((tag(&mut chain, "finalized"), tag(&mut chain, "safe")), (json!("0x6"), json!("0x8")));
    chain.stall_finality(true);
    mine_at(&mut chain, 11);
    assert_eq!((tag(&mut chain, "finalized"), tag(&mut chain, "safe")), (json!("0x6"), json!("0x8")));
    chain.stall_finality(true);
    assert_eq!(chain.finalized_number(), 6, "stalling twice is stalling once");
    chain.stall_finality(false);
    assert_eq!((tag(&mut chain, "finalized"), tag(&mut chain, "safe")), (json!("0x7"), json!("0x9")));
    assert_eq!((tag(&mut chain, "latest"), tag(&mut chain, "pending")), (json!("0xb"), json!("0xb")));
    assert_eq!(tag(&mut chain, "earliest"), json!("0x0"));
}
