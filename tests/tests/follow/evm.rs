//! The sandbox's chain behind the EVM client, with something between that lags, hides, or answers something else.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use payin_core::address::Address;
use payin_core::{Block, Units};
use payin_server::chain::evm::EvmSource;
use payin_server::chain::follow::{fill, parting};
use payin_server::chain::{Issued, Next, Parting, Source as _, SourceFault, next};
use payin_server::env::{Rpc, RpcFault};
use payin_server::sandbox::evm::{self, EvmChain, EvmConfig, Lies, Transaction};
use serde_json::{Value, json};

use super::{CONTRACT, FINAL_BELOW, OURS, One, THEIRS, chain, found, inconsistent};

type Tamper = dyn Fn(&Value, Value) -> Result<Value, RpcFault> + Send + Sync;

/// The sandbox's node, with something between it and us that may change what it says.
struct Node {
    chain: Mutex<EvmChain>,
    between: Mutex<Arc<Tamper>>,
    /// The methods called.
    asked: Mutex<Vec<String>>,
    /// How many calls a batch may have.
    batch_max: Mutex<usize>,
}

impl Node {
    /// So many blocks.
    fn of(blocks: u64) -> Arc<Self> {
        let mut chain = EvmChain::new(11_155_111, 7, 1_767_225_600);
        chain.config = EvmConfig { finality_depth: FINAL_BELOW, safe_depth: 4, ..EvmConfig::default() };
        let node = Self {
            chain: Mutex::new(chain),
            between: Mutex::new(Arc::new(|_, answer| Ok(answer))),
            asked: Mutex::default(),
            batch_max: Mutex::new(usize::MAX),
        };
        (0..blocks).for_each(|_| node.mine());
        Arc::new(node)
    }

    fn mine(&self) {
        self.chain.lock().unwrap().mine(0);
    }

    /// A block with a payment to an address.
    fn pay(&self, to: &str, value: u64) {
        let (contract, from, to) = (CONTRACT.parse().unwrap(), THEIRS.parse().unwrap(), to.parse().unwrap());
        let transfer = evm::Transfer { contract, from, to, value: value.to_string().parse().unwrap() };
        self.chain.lock().unwrap().submit(Transaction::transfers([transfer]));
        self.mine();
    }

    fn lie(&self, lies: Lies) {
        self.chain.lock().unwrap().lies = lies;
    }

    /// From now on the answers to a method, changed.
    fn tamper(&self, method: &'static str, change: impl Fn(&Value, Value) -> Result<Value, RpcFault> + Send + Sync + 'static) {
        let between = move |call: &Value, answer: Value| if call["method"] == method { change(call, answer) } else { Ok(answer) };
        *self.between.lock().unwrap() = Arc::new(between);
    }

    fn honest(&self) {
        self.lie(Lies::default());
        *self.between.lock().unwrap() = Arc::new(|_, answer| Ok(answer));
    }

    fn was_asked(&self, method: &str) -> bool {
        std::mem::take(&mut *self.asked.lock().unwrap()).iter().any(|asked| asked == method)
    }

    fn say(&self, call: &Value, answer: Value) -> Result<Value, RpcFault> {
        self.asked.lock().unwrap().push(call["method"].as_str().unwrap().to_owned());
        let between = Arc::clone(&self.between.lock().unwrap());
        between(call, answer)
    }
}

impl Rpc for Node {
    fn call<'a>(&'a self, _: &'a str, body: Bytes) -> BoxFuture<'a, Result<Bytes, RpcFault>> {
        let request: Value = serde_json::from_slice(&body).unwrap();
        let answer = self.chain.lock().unwrap().handle(&request);
        let said = match (request, answer) {
            (Value::Array(calls), _) if calls.len() > *self.batch_max.lock().unwrap() => {
                Ok(json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32005, "message": "batch too large"}}))
            }
            (Value::Array(calls), Value::Array(answers)) => {
                calls.iter().zip(answers).map(|(call, answer)| self.say(call, answer)).collect::<Result<Vec<_>, _>>().map(Value::Array)
            }
            (call, answer) => self.say(&call, answer),
        };
        ready(said.map(|said| serde_json::to_vec(&said).unwrap().into())).boxed()
    }
}

fn quantity(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().and_then(|text| text.strip_prefix("0x")).expect("a quantity"), 16).expect("a quantity")
}

fn source(node: &Arc<Node>) -> EvmSource {
    EvmSource::new(chain(), Arc::clone(node) as Arc<dyn Rpc>)
}

#[tokio::test]
async fn logs_kept_back_are_found_in_the_receipts() {
    let (chain, node) = (chain(), Node::of(100));
    let source = source(&node);
    let tip = source.block(100).await.unwrap().unwrap();
    node.pay(OURS, 1_500_000);
    node.mine();
    node.pay(THEIRS, 1_000_000);
    node.pay(OURS, 2_000_000);
    let honest = next(&chain, &source, Some(&tip), &One).await.unwrap();
    let (last, transfers) = found(honest.clone());
    let units = |base| Units::from_base_units(base, 6).unwrap();
    assert_eq!((last.number, transfers), (104, vec![(101, units(1_500_000)), (104, units(2_000_000))]));
    assert!(!node.was_asked("eth_getBlockReceipts"));
    node.lie(Lies { drop_logs: true, ..Lies::default() });
    assert_eq!(next(&chain, &source, Some(&tip), &One).await.unwrap(), honest);
    assert!(node.was_asked("eth_getBlockReceipts"));
    // The first step of all looks as closely.
    let begun = next(&chain, &source, None, &One).await.unwrap();
    assert_eq!(found(begun).1.len(), 1);
    // Receipts kept back as well, of another block, or refused: no block without its transfers.
    let other = json!("0x00000000000000000000000000000000000000000000000000000000000000aa");
    for change in ["null", "others", "error"] {
        let other = other.clone();
        node.tamper("eth_getBlockReceipts", move |_, mut answer| {
            match change {
                "null" => answer["result"] = Value::Null,
                "others" => answer["result"].as_array_mut().unwrap().iter_mut().for_each(|receipt| receipt["blockHash"] = other.clone()),
                _ => answer = json!({"jsonrpc": "2.0", "id": answer["id"], "error": {"code": -32601, "message": "no such method"}}),
            }
            Ok(answer)
        });
        let result = next(&chain, &source, Some(&tip), &One).await;
        if change == "error" { assert!(matches!(result, Err(SourceFault::Unavailable(_))), "{result:?}") } else { inconsistent(result) }
    }
    // Where the bloom rules a transfer out, nothing is asked for.
    node.honest();
    node.was_asked("");
    node.mine();
    assert_eq!(found(next(&chain, &source, Some(&last), &One).await.unwrap()).1, []);
    let asked = node.asked.lock().unwrap().clone();
    assert!(!asked.iter().any(|method| ["eth_getLogs", "eth_getBlockReceipts"].contains(&method.as_str())), "{asked:?}");
}

/// Far behind, too: whatever a node says of many blocks in one breath is checked block by block.
#[tokio::test]
async fn a_range_without_logs_is_not_believed() {
    let node = Node::of(20);
    for number in 21..=120 {
        if [40, 41, 77].contains(&number) { node.pay(OURS, 1_000_000) } else { node.mine() }
    }
    let paid = vec![40, 41, 77];
    assert_eq!(catch_up(&node, 112).await, (paid.clone(), 0));
    // Of the last block that was told of: nothing above it could have borne it out.
    let asked = std::mem::take(&mut *node.asked.lock().unwrap());
    assert_eq!(asked.iter().filter(|method| *method == "eth_getBlockReceipts").count(), 1);
    node.lie(Lies { drop_logs: true, ..Lies::default() });
    assert_eq!(catch_up(&node, 112).await, (paid.clone(), 0));
    assert!(node.was_asked("eth_getBlockReceipts"));
    // A part of them, likewise.
    node.honest();
    node.tamper("eth_getLogs", |_, mut answer| {
        answer["result"].as_array_mut().unwrap().truncate(1);
        Ok(answer)
    });
    assert_eq!(catch_up(&node, 112).await, (paid, 0));
}

#[tokio::test]
async fn an_evm_node_that_lags_or_forks() {
    let (chain, node) = (chain(), Node::of(100));
    let source = source(&node);
    let mut kept = Vec::new();
    for number in (92..=100).rev() {
        kept.push(source.block(number).await.unwrap().unwrap());
    }
    for lag in [1, 4, 40] {
        node.lie(Lies { lag, ..Lies::default() });
        inconsistent(next(&chain, &source, kept.first(), &One).await);
        inconsistent(parting(&source, &kept).await);
    }
    node.lie(Lies { fail_next: 1, ..Lies::default() });
    assert!(matches!(next(&chain, &source, kept.first(), &One).await, Err(SourceFault::Unavailable(_))));
    node.honest();
    assert!(matches!(next(&chain, &source, kept.first(), &One).await.unwrap(), Next::Idle { finalized: Some(rest) } if rest.number == 92));
    let reorg = evm::Reorg { depth: 2, blocks: 3, keep: Vec::new(), rest: evm::Rest::ToMempool };
    node.chain.lock().unwrap().reorg(&reorg).unwrap();
    // A node that lags as far as it was replaced has other blocks where it has any.
    node.lie(Lies { lag: 2, ..Lies::default() });
    inconsistent(next(&chain, &source, kept.first(), &One).await);
    node.honest();
    assert_eq!(next(&chain, &source, kept.first(), &One).await.unwrap(), Next::Fork);
    assert_eq!(parting(&source, &kept).await.unwrap(), Some(Parting::At(kept[2].clone())));
}

/// Steps until what is final has been read, each taken again while it fails; answers every transfer found, and how many steps failed.
async fn catch_up(node: &Arc<Node>, until: u64) -> (Vec<u64>, usize) {
    let first = source(node).block(1).await.unwrap().unwrap();
    catch_up_from(node, &first, until).await
}

async fn catch_up_from(node: &Arc<Node>, tip: &Block, until: u64) -> (Vec<u64>, usize) {
    let (chain, source) = (chain(), source(node));
    let (mut tip, mut transfers, mut failed) = (tip.clone(), Vec::new(), 0);
    while tip.number < until {
        match next(&chain, &source, Some(&tip), &One).await {
            Ok(more) => {
                let (last, more) = found(more);
                transfers.extend(more.into_iter().map(|(block, _)| block));
                tip = last;
            }
            Err(_) if failed < 100 => failed += 1,
            Err(fault) => panic!("stuck at block {}: {fault}", tip.number),
        }
    }
    (transfers, failed)
}

#[tokio::test]
async fn ranges_shrink_until_they_pass() {
    let node = Node::of(10);
    let mut paid = Vec::new();
    for number in 11..=600 {
        if number % 37 == 0 || number > 550 && number < 560 {
            node.pay(OURS, 1_000_000);
            paid.push(number);
        } else {
            node.mine();
        }
    }
    assert_eq!(catch_up(&node, 600).await, (paid.clone(), 0));
    // The transport gives up above so many blocks: less is asked for at once.
    for max in [100, 7, 1] {
        node.tamper("eth_getLogs", move |call, answer| {
            let filter = &call["params"][0];
            let blocks =
                if filter["blockHash"].is_string() { 1 } else { quantity(&filter["toBlock"]) - quantity(&filter["fromBlock"]) + 1 };
            if blocks > max { Err(RpcFault::TooLarge) } else { Ok(answer) }
        });
        let source = source(&node);
        let (chain, tip) = (chain(), source.block(1).await.unwrap().unwrap());
        let first = found(next(&chain, &source, Some(&tip), &One).await.unwrap()).0;
        assert!((2..=1 + max).contains(&first.number), "{max}: {}", first.number);
        if max == 100 {
            assert_eq!(catch_up(&node, 600).await, (paid.clone(), 0));
        }
    }
    // One that takes its time is asked for less, but not within the same step.
    node.tamper("eth_getLogs", |call, answer| {
        let slow = quantity(&call["params"][0]["toBlock"]) - quantity(&call["params"][0]["fromBlock"]) >= 30;
        if slow { Err(RpcFault::Timeout) } else { Ok(answer) }
    });
    let (transfers, failed) = catch_up(&node, 600).await;
    assert!(transfers == paid && (1..9).contains(&failed), "{failed}");
    // Headers that are too many for one batch are asked for in smaller ones.
    *node.batch_max.lock().unwrap() = 7;
    node.honest();
    assert_eq!(catch_up(&node, 600).await, (paid.clone(), 0));
    *node.batch_max.lock().unwrap() = usize::MAX;
    // What the node refuses in words is asked for again at once.
    node.honest();
    node.chain.lock().unwrap().config.logs_range_max = 9;
    assert_eq!(catch_up(&node, 600).await, (paid.clone(), 0));
    node.chain.lock().unwrap().config = EvmConfig { finality_depth: FINAL_BELOW, logs_results_max: 2, ..EvmConfig::default() };
    assert_eq!(catch_up(&node, 600).await, (paid, 0));
}

#[tokio::test]
async fn blocks_that_were_not_asked_for_are_not_believed() {
    let (chain, node) = (chain(), Node::of(60));
    node.pay(OURS, 1_000_000);
    (0..40).for_each(|_| node.mine());
    node.pay(OURS, 2_000_000);
    let source = source(&node);
    let (far, near) = (source.block(10).await.unwrap().unwrap(), source.block(100).await.unwrap().unwrap());
    let both = || async { (next(&chain, &source, Some(&far), &One).await, next(&chain, &source, Some(&near), &One).await) };
    let (from_far, from_near) = both().await;
    assert_eq!((found(from_far.unwrap()).1.len(), found(from_near.unwrap()).1.len()), (1, 1));
    // Another block than the one asked for; also where only a range's last block is another.
    for only in [None, Some(94)] {
        node.tamper("eth_getBlockByNumber", move |call, mut answer| {
            let asked = call["params"][0].as_str().filter(|place| place.starts_with("0x")).map(|_| quantity(&call["params"][0]));
            if let Some(asked) = asked.filter(|asked| only.is_none_or(|only| only == *asked)) {
                answer["result"]["number"] = json!(format!("{:#x}", asked - 1));
            }
            Ok(answer)
        });
        inconsistent(next(&chain, &source, Some(&far), &One).await);
        if only.is_none() {
            inconsistent(source.block(50).await);
            inconsistent(next(&chain, &source, Some(&near), &One).await);
            inconsistent(next(&chain, &source, None, &One).await);
            inconsistent(parting(&source, std::slice::from_ref(&near)).await);
        }
    }
}

#[tokio::test]
async fn blocks_that_contradict_their_logs_or_each_other_are_not_believed() {
    let (chain, node) = (chain(), Node::of(60));
    node.pay(OURS, 1_000_000);
    (0..41).for_each(|_| node.mine());
    let source = source(&node);
    let far = source.block(10).await.unwrap().unwrap();
    // A log of a block whose bloom rules it out; and blocks of a range that are not each other's children.
    node.tamper("eth_getBlockByNumber", |call, mut answer| {
        if call["params"][0] == "0x3d" {
            answer["result"]["logsBloom"] = json!(format!("0x{}01", "00".repeat(255)));
        }
        Ok(answer)
    });
    inconsistent(next(&chain, &source, Some(&far), &One).await);
    for field in ["hash", "parentHash"] {
        node.tamper("eth_getBlockByNumber", move |call, mut answer| {
            if call["params"][0] == "0x32" {
                answer["result"][field] = json!("0x00000000000000000000000000000000000000000000000000000000000000aa");
            }
            Ok(answer)
        });
        inconsistent(next(&chain, &source, Some(&far), &One).await);
    }
}

#[tokio::test]
async fn receipts_that_are_not_all_there_prove_nothing() {
    let (chain, node) = (chain(), Node::of(60));
    node.pay(OURS, 1_000_000);
    (0..40).for_each(|_| node.mine());
    let source = source(&node);
    let (far, near) = (source.block(10).await.unwrap().unwrap(), source.block(60).await.unwrap().unwrap());
    let without_logs = |receipts: Option<Value>| {
        *node.between.lock().unwrap() = Arc::new(move |call: &Value, mut answer: Value| {
            match call["method"].as_str() {
                Some("eth_getLogs") => answer["result"] = json!([]),
                Some("eth_getBlockReceipts") => answer["result"] = receipts.clone().unwrap_or_else(|| answer["result"].clone()),
                _ => {}
            }
            Ok(answer)
        });
    };
    without_logs(None);
    assert_eq!(found(next(&chain, &source, Some(&far), &One).await.unwrap()).1.len(), 1);
    assert_eq!(found(next(&chain, &source, Some(&near), &One).await.unwrap()).1.len(), 1);
    without_logs(Some(json!([])));
    inconsistent(next(&chain, &source, Some(&far), &One).await);
    inconsistent(next(&chain, &source, Some(&near), &One).await);
}

/// Polygon has had blocks whose bloom was empty and whose receipts had logs.
#[tokio::test]
async fn an_empty_bloom_beside_transactions_rules_nothing_out() {
    let (chain, node) = (chain(), Node::of(60));
    node.pay(OURS, 1_000_000);
    (0..40).for_each(|_| node.mine());
    let source = source(&node);
    *node.between.lock().unwrap() = Arc::new(|_: &Value, mut answer: Value| {
        if let Some(bloom) = answer["result"].get_mut("logsBloom") {
            *bloom = json!(format!("0x{}", "00".repeat(256)));
        }
        Ok(answer)
    });
    for tip in [10, 60] {
        let tip = source.block(tip).await.unwrap().unwrap();
        assert_eq!(found(next(&chain, &source, Some(&tip), &One).await.unwrap()).1.len(), 1);
    }
}

#[tokio::test]
async fn logs_that_were_not_asked_for_are_not_believed() {
    let (chain, node) = (chain(), Node::of(60));
    node.pay(OURS, 1_000_000);
    (0..40).for_each(|_| node.mine());
    node.pay(OURS, 2_000_000);
    let source = source(&node);
    let (far, near) = (source.block(10).await.unwrap().unwrap(), source.block(100).await.unwrap().unwrap());
    let both = || async { (next(&chain, &source, Some(&far), &One).await, next(&chain, &source, Some(&near), &One).await) };
    // Logs of blocks below and above the range, of another block than the one asked for, or of none.
    for place in [json!("0x5"), json!("0x66"), json!("0x1000"), Value::Null] {
        let name = place.to_string();
        node.tamper("eth_getLogs", move |_, mut answer| {
            answer["result"].as_array_mut().unwrap().iter_mut().for_each(|log| log["blockNumber"] = place.clone());
            Ok(answer)
        });
        let (from_far, from_near) = both().await;
        assert!(matches!(from_far, Err(SourceFault::Inconsistent(_))), "{name}: {from_far:?}");
        assert!(matches!(from_near, Err(SourceFault::Inconsistent(_))) || name == "\"0x66\"", "{name}: {from_near:?}");
    }
    // True logs, of blocks that were not asked for: they would be counted where they do not belong, or twice.
    let later = source.block(70).await.unwrap().unwrap();
    for place in ["0x3d", "0x66"] {
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [{"fromBlock": place, "toBlock": place}]});
        let logs = node.chain.lock().unwrap().handle(&call)["result"].clone();
        assert_eq!(logs.as_array().map(Vec::len), Some(1));
        node.tamper("eth_getLogs", move |_, mut answer| {
            answer["result"] = logs.clone();
            Ok(answer)
        });
        inconsistent(next(&chain, &source, Some(&later), &One).await);
    }
    node.honest();
    assert_eq!(found(next(&chain, &source, Some(&later), &One).await.unwrap()).1, []);
    // A range whose last block the node lacks: its logs cannot have been complete.
    node.tamper("eth_getBlockByNumber", |call, mut answer| {
        if call["params"][0] == "0x5e" {
            answer["result"] = Value::Null;
        }
        Ok(answer)
    });
    inconsistent(next(&chain, &source, Some(&far), &One).await);
    node.honest();
    assert_eq!(found(next(&chain, &source, Some(&far), &One).await.unwrap()).1.len(), 1);
}

/// An answer that is cut off, as some providers cut them off in silence, ends in the middle of a block: of that block, too, not all was told.
#[tokio::test]
async fn a_range_that_was_cut_off_is_believed_of_no_block() {
    let node = Node::of(20);
    for number in 21..=120 {
        if [40, 60, 80].contains(&number) {
            for _ in 0..2 {
                let (contract, from, to) = (CONTRACT.parse().unwrap(), THEIRS.parse().unwrap(), OURS.parse().unwrap());
                let transfer = evm::Transfer { contract, from, to, value: "1000000".parse().unwrap() };
                node.chain.lock().unwrap().submit(Transaction::transfers([transfer]));
            }
        }
        node.mine();
    }
    let paid = vec![40, 40, 60, 60, 80, 80];
    assert_eq!(catch_up(&node, 112).await, (paid.clone(), 0));
    // In the middle of the first, of the second, of the last, and between them. Its honest twin is whole.
    for kept in [1, 2, 3, 4, 5, 6] {
        node.tamper("eth_getLogs", move |_, mut answer| {
            answer["result"].as_array_mut().unwrap().truncate(kept);
            Ok(answer)
        });
        assert_eq!(catch_up(&node, 112).await, (paid.clone(), 0), "{kept} of 6 logs");
    }
    // A node that has enough of us before what lies above the block in doubt could be looked at: that block is read again.
    let (chain, source) = (chain(), source(&node));
    let mut tip = source.block(1).await.unwrap().unwrap();
    *node.between.lock().unwrap() = Arc::new(|call: &Value, mut answer: Value| {
        match call["method"].as_str() {
            Some("eth_getLogs") => answer["result"].as_array_mut().unwrap().truncate(3),
            Some("eth_getBlockReceipts") => return Err(RpcFault::Status { status: 429, retry_after: None }),
            _ => {}
        }
        Ok(answer)
    });
    let (last, transfers) = found(next(&chain, &source, Some(&tip), &One).await.unwrap());
    assert_eq!((last.number, transfers.len()), (59, 2));
    // Up to the last block that was told of, of which nothing is known for sure.
    let (last, transfers) = found(next(&chain, &source, Some(&last), &One).await.unwrap());
    assert_eq!((last.number, transfers.len()), (79, 2));
    tip = last;
    assert!(matches!(next(&chain, &source, Some(&tip), &One).await, Err(SourceFault::Limited { .. })));
    node.honest();
    assert_eq!(catch_up_from(&node, &tip, 112).await, (paid[4..].to_vec(), 0));
}

/// Blocks above the one in doubt that had to be looked at, and in which none of our tokens moved, bear nothing out; and as many as that are
/// looked at in one step as without a doubt.
#[tokio::test]
async fn quiet_blocks_do_not_bear_out_the_one_below() {
    const APPROVAL: &str = "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925";
    let node = Node::of(20);
    let log = |contract: &str, to: &str| {
        let (contract, from, to) = (contract.parse().unwrap(), THEIRS.parse().unwrap(), to.parse().unwrap());
        evm::Transfer { contract, from, to, value: "1000000".parse().unwrap() }.log()
    };
    let submit = |logs| node.chain.lock().unwrap().submit(Transaction { logs, success: true });
    for _ in 0..2 {
        submit(vec![log(CONTRACT, OURS)]);
    }
    node.mine();
    for _ in 22..=120 {
        // Our token's contract and a transfer, so that the bloom does not rule out a transfer of our token.
        let mut approval = log(CONTRACT, OURS);
        approval.data.topics_mut()[0] = APPROVAL.parse().unwrap();
        submit(vec![approval, log(THEIRS, OURS)]);
        node.mine();
    }
    let (chain, source) = (chain(), source(&node));
    let tip = source.block(1).await.unwrap();
    for kept in [2, 1] {
        node.tamper("eth_getLogs", move |_, mut answer| {
            answer["result"].as_array_mut().unwrap().truncate(kept);
            Ok(answer)
        });
        let (last, transfers) = found(next(&chain, &source, tip.as_ref(), &One).await.unwrap());
        assert_eq!((last.number, transfers.len()), (52, 2), "{kept} of 2 logs");
    }
}

/// A node of another chain, or another one behind the same address, does not fill in what lies above our block.
#[tokio::test]
async fn a_range_that_does_not_stand_on_our_block_is_not_believed() {
    let (chain, node) = (chain(), Node::of(120));
    let source = source(&node);
    let tip = source.block(20).await.unwrap().unwrap();
    assert_eq!(found(next(&chain, &source, Some(&tip), &One).await.unwrap()).0.number, 112);
    let (below, end) = ((20, Some(tip.hash.as_str())), source.block(60).await.unwrap().unwrap());
    let filled = fill(&source, below, (60, Some(&end.hash)), &One).await.unwrap();
    assert_eq!((filled.last, filled.below), (end.clone(), tip.hash.clone()));
    inconsistent(fill(&source, (20, Some("0xanother")), (60, Some(&end.hash)), &One).await);
    inconsistent(fill(&source, below, (60, Some("0xanother")), &One).await);
    // What nobody knows cannot be compared.
    fill(&source, (20, None), (60, None), &One).await.unwrap();
    // The block is ours when it is asked for alone, and another one in the range.
    node.tamper("eth_getBlockByNumber", move |call, mut answer| {
        if call["params"][0] == "0x15" {
            answer["result"]["parentHash"] = json!("0x00000000000000000000000000000000000000000000000000000000000000aa");
        }
        if call["params"][0] == "0x14" {
            answer["result"]["hash"] = json!("0x00000000000000000000000000000000000000000000000000000000000000aa");
        }
        Ok(answer)
    });
    inconsistent(fill(&source, below, (60, Some(&end.hash)), &One).await);
}

/// What contracts say that their issuers did. The twins: those that say no, those without such a function, those that answer nonsense.
#[tokio::test]
async fn what_issuers_did_is_asked_of_their_contracts() {
    const YES: &str = "0x0000000000000000000000000000000000000000000000000000000000000001";
    const NO: &str = "0x0000000000000000000000000000000000000000000000000000000000000000";
    const NONSENSE: &str = "0x0000000000000000000000000000000000000000000000000000000000000002";
    let node = Node::of(3);
    let source = source(&node);
    let addresses = [OURS, THEIRS].map(|address| Address::from_canonical(address.to_owned()));
    // By the contracts' published interfaces: paused(), deprecated(), isBlackListed(address), isBlacklisted(address), isBlocked(address).
    for (functions, stopped, frozen) in [
        (&[("0x5c975abb", "", YES)][..], Some("paused"), None),
        (&[("0x0e136b19", "", YES), ("0x5c975abb", "", NO)], Some("replaced"), None),
        (&[("0x5c975abb", "", NO), ("0x0e136b19", "", NO)], None, None),
        (&[("0x5c975abb", "", NONSENSE), ("0xe47d6060", OURS, NONSENSE)], None, None),
        (&[("0xe47d6060", OURS, YES), ("0xe47d6060", THEIRS, NO)], None, Some("isBlackListed(address)")),
        (&[("0xfe575a87", OURS, YES), ("0xfe575a87", THEIRS, NO)], None, Some("isBlacklisted(address)")),
        (&[("0xfbac3951", OURS, YES), ("0xfbac3951", THEIRS, NO)], None, Some("isBlocked(address)")),
        (&[("0xe47d6060", "", NO)], None, None),
        (&[], None, None),
    ] {
        node.tamper("eth_call", move |call, mut answer| {
            let data = call["params"][0]["data"].as_str().unwrap().to_owned();
            let found =
                functions.iter().find(|(function, of, _)| data.starts_with(function) && data.ends_with(of.trim_start_matches("0x")));
            match found {
                Some((.., word)) => answer["result"] = json!(word),
                None => answer = json!({"jsonrpc": "2.0", "id": answer["id"], "error": {"code": 3, "message": "execution reverted"}}),
            }
            Ok(answer)
        });
        let issued = source.issued(&addresses).await.unwrap();
        let told: Vec<_> =
            issued.stopped.iter().map(|told| (told.currency.as_str(), stopped.is_some_and(|part| told.reason.contains(part)))).collect();
        assert_eq!(told, stopped.map(|_| ("USDT", true)).into_iter().collect::<Vec<_>>(), "{functions:?}");
        let told: Vec<_> = issued.frozen.iter().map(|told| (told.address.as_str(), told.reason.clone())).collect();
        let expected = frozen.map(|function| (OURS, format!("its contract answers yes to {function}")));
        assert_eq!(told, expected.into_iter().collect::<Vec<_>>(), "{functions:?}");
    }
    // A node that has enough of us, or cannot answer, says nothing about the contract; nor does one that answers yes to everything.
    let fails = |code: i64, message: &'static str| {
        node.tamper("eth_call", move |_, answer| {
            Ok(json!({"jsonrpc": "2.0", "id": answer["id"], "error": {"code": code, "message": message}}))
        });
    };
    fails(429, "Too Many Requests");
    assert!(matches!(source.issued(&addresses).await, Err(SourceFault::Limited { .. })));
    fails(-32000, "header not found");
    assert!(matches!(source.issued(&addresses).await, Err(SourceFault::Unavailable(_))));
    fails(-32000, "REVERT opcode executed");
    assert_eq!(source.issued(&addresses).await.unwrap(), Issued::default());
    node.tamper("eth_call", |_, mut answer| {
        answer["result"] = json!(YES);
        Ok(answer)
    });
    inconsistent(source.issued(&addresses).await);
}
