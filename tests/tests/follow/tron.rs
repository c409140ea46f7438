//! The sandbox's chain behind java-tron's manners and the Tron client: failed transactions with events, closed interfaces, limits, forks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use payin_core::address::{Address, tron_bytes};
use payin_core::{Block, Chain, Units, chains};
use payin_server::chain::follow::parting;
use payin_server::chain::tron::TronSource;
use payin_server::chain::{Next, Parting, Source as _, SourceFault, Watch, Watched, next};
use payin_server::env::{Rpc, RpcFault};
use payin_server::sandbox::evm::{self, EvmChain, EvmConfig, Transaction};
use payin_server::sandbox::tron::{Lies, TronNode, Verdict};
use payin_types::Protocol;
use serde_json::{Value, json};

use super::{found, inconsistent};

const NILE: u64 = 3_448_148_188;
const OURS: [u8; 20] = [0x11; 20];
const THEIRS: [u8; 20] = [0x22; 20];
const FINAL_BELOW: u64 = 8;

fn chain() -> Chain {
    chains::known().into_iter().find(|chain| chain.id.as_str() == "tron-nile").expect("a known chain")
}

struct One;

impl Watch for One {
    fn now(&self) -> BoxFuture<'_, Result<Arc<Watched>, SourceFault>> {
        let watched = Watched::default();
        watched.insert(&Protocol::Tron, &Address::from_tron_bytes(&OURS));
        ready(Ok(Arc::new(watched))).boxed()
    }
}

/// A node with both interfaces.
struct Node {
    chain: Mutex<EvmChain>,
    tron: Mutex<TronNode>,
    /// The paths and methods called.
    asked: Mutex<String>,
}

impl Rpc for Node {
    fn call<'a>(&'a self, path: &'a str, body: Bytes) -> BoxFuture<'a, Result<Bytes, RpcFault>> {
        *self.asked.lock().unwrap() += &format!("{path} {}\n", String::from_utf8_lossy(&body));
        let mut chain = self.chain.lock().unwrap();
        let answer = self.tron.lock().unwrap().handle(path, &body, &mut |call| chain.handle(call));
        ready(answer.map(Bytes::from)).boxed()
    }
}

impl Node {
    fn of(blocks: u64) -> Arc<Self> {
        let mut chain = EvmChain::new(NILE, 7, 1_767_225_600);
        chain.config = EvmConfig { finality_depth: FINAL_BELOW, safe_depth: 4, ..EvmConfig::default() };
        chain.register_token(contract().into(), "USDT", 6);
        let node = Self { chain: Mutex::new(chain), tron: Mutex::new(TronNode::new(NILE)), asked: Mutex::default() };
        (0..blocks).for_each(|_| node.mine());
        Arc::new(node)
    }

    fn mine(&self) {
        self.chain.lock().unwrap().mine(0);
    }

    /// A block with one transaction of these events, which became that.
    fn mine_with(&self, transaction: Transaction, verdict: Option<Verdict>) {
        let hash = self.chain.lock().unwrap().submit(transaction);
        self.tron.lock().unwrap().verdicts.extend(verdict.map(|verdict| (hash, verdict)));
        self.mine();
    }

    fn pay(&self, to: [u8; 20], value: u64) {
        self.mine_with(Transaction::transfers([transfer(to, value)]), None);
    }

    fn lie(&self, lies: Lies) {
        self.tron.lock().unwrap().lies = lies;
    }

    /// The index of logs is empty, as where JSON-RPC was switched on later.
    fn without_index(&self, without: bool) {
        self.chain.lock().unwrap().lies.drop_logs = without;
    }

    fn was_asked(&self, what: &str) -> bool {
        std::mem::take(&mut *self.asked.lock().unwrap()).contains(what)
    }
}

fn contract() -> [u8; 20] {
    tron_bytes(chain().tokens[0].contract.as_str()).expect("an address")
}

fn transfer(to: [u8; 20], value: u64) -> evm::Transfer {
    evm::Transfer { contract: contract().into(), from: THEIRS.into(), to: to.into(), value: value.to_string().parse().unwrap() }
}

fn source(node: &Arc<Node>) -> TronSource {
    TronSource::new(chain(), Arc::clone(node) as Arc<dyn Rpc>, Arc::clone(node) as Arc<dyn Rpc>)
}

fn usdt(base: u128) -> Units {
    Units::from_base_units(base, 6).unwrap()
}

async fn step(source: &TronSource, tip: &Block) -> Result<Next, SourceFault> {
    next(&chain(), source, Some(tip), &One).await
}

#[tokio::test]
async fn only_what_succeeded_pays() {
    let node = Node::of(100);
    let source = source(&node);
    let tip = source.block(100).await.unwrap().unwrap();
    let pays = || Transaction::transfers([transfer(OURS, 1_500_000)]);
    node.mine_with(pays(), None);
    node.mine_with(pays(), Some(Verdict::Reverted));
    node.mine_with(pays(), Some(Verdict::OutOfEnergy));
    node.mine_with(pays().failed(), None);
    node.mine_with(Transaction::transfers([evm::Transfer { contract: [0xfa; 20].into(), ..transfer(OURS, 9) }]), None);
    let several = [transfer(THEIRS, 5), transfer(OURS, 2_000_000), transfer(OURS, 0), transfer(OURS, 3_000_000)];
    node.mine_with(Transaction::transfers(several), None);
    let Next::Blocks { transfers, finalized, .. } = step(&source, &tip).await.unwrap() else { panic!("no blocks") };
    let seen: Vec<_> = transfers.iter().map(|transfer| (transfer.block_number, transfer.ordinal, transfer.amount)).collect();
    assert_eq!(seen, [(101, 0, usdt(1_500_000)), (106, 1, usdt(2_000_000)), (106, 3, usdt(3_000_000))]);
    assert_eq!(finalized.map(|rest| rest.number), Some(106 - FINAL_BELOW));
    // As Tron writes them: no 0x before a transaction's id, T before addresses.
    assert!(
        transfers.iter().all(|transfer| transfer.tx_hash.len() == 64 && transfer.to == Address::from_tron_bytes(&OURS)),
        "{transfers:?}"
    );
    assert!(transfers.iter().all(|transfer| transfer.contract.as_str() == "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf"));
}

#[tokio::test]
async fn what_became_of_a_transaction_is_known_or_the_step_is_taken_again() {
    for verdict in [Verdict::Unsaid, Verdict::Untold] {
        for without_index in [false, true] {
            let node = Node::of(100);
            let source = source(&node);
            let tip = source.block(100).await.unwrap().unwrap();
            node.without_index(without_index);
            node.mine_with(Transaction::transfers([transfer(OURS, 1_000_000)]), Some(verdict));
            inconsistent(step(&source, &tip).await);
            node.tron.lock().unwrap().verdicts.clear();
            assert_eq!(found(step(&source, &tip).await.unwrap()).1, [(101, usdt(1_000_000))]);
        }
    }
}

#[tokio::test]
async fn no_answer_is_no_empty_block() {
    let node = Node::of(100);
    let source = source(&node);
    let tip = source.block(100).await.unwrap().unwrap();
    node.pay(OURS, 1_000_000);
    node.pay(THEIRS, 1_000_000);
    node.mine();
    let paid = vec![(101, usdt(1_000_000))];
    node.was_asked("");
    assert_eq!(found(step(&source, &tip).await.unwrap()).1, paid);
    // A block that pays nobody of ours, and one without transactions, need no second look.
    assert_eq!(node.asked.lock().unwrap().matches("gettransactioninfobyblocknum").count(), 1);
    // Without its index, and without JSON-RPC: the transactions themselves tell.
    node.without_index(true);
    assert_eq!(found(step(&source, &tip).await.unwrap()).1, paid);
    node.without_index(false);
    node.lie(Lies { no_json_rpc: true, ..Lies::default() });
    let Next::Blocks { blocks, transfers, finalized, .. } = step(&source, &tip).await.unwrap() else { panic!("no blocks") };
    assert_eq!((blocks.len(), transfers.len(), finalized.map(|rest| rest.number)), (3, 1, Some(103 - FINAL_BELOW)));
    // Asked too often.
    node.lie(Lies { suspended: true, ..Lies::default() });
    let suspended = step(&source, &tip).await;
    let half_a_minute = Some(Duration::from_secs(30));
    assert!(matches!(&suspended, Err(SourceFault::Limited { retry_after }) if *retry_after == half_a_minute), "{suspended:?}");
    for call in 1..=4 {
        node.lie(Lies { busy: u32::MAX, ..Lies::default() });
        let busy = step(&source, &tip).await;
        assert!(matches!(&busy, Err(SourceFault::Limited { .. })), "call {call}: {busy:?}");
    }
    // A node that threw its history away: what needs none of it works, the rest does not, and is not empty.
    node.lie(Lies { lite: true, ..Lies::default() });
    let closed = step(&source, &tip).await;
    assert!(matches!(&closed, Err(SourceFault::Unavailable(_))), "{closed:?}");
    node.lie(Lies::default());
    assert_eq!(found(step(&source, &tip).await.unwrap()).1, paid);
}

#[tokio::test]
async fn ranges_are_read_within_the_limits() {
    let node = Node::of(10);
    let mut paid = Vec::new();
    for number in 11..=500 {
        match number % 41 {
            0 => {
                node.pay(OURS, 1_000_000);
                paid.push(number);
            }
            1..9 => node.pay(THEIRS, 1_000_000),
            _ => node.mine(),
        }
    }
    let lies = [Lies::default(), Lies { no_json_rpc: true, ..Lies::default() }];
    for (lies, without_index) in [(&lies[0], false), (&lies[0], true), (&lies[1], false)] {
        node.lie(lies.clone());
        node.without_index(without_index);
        let source = source(&node);
        let (mut tip, mut seen, mut steps) = (source.block(1).await.unwrap().unwrap(), Vec::new(), 0);
        while tip.number < 492 {
            let (last, transfers) = found(step(&source, &tip).await.unwrap_or_else(|fault| panic!("at {}: {fault}", tip.number)));
            seen.extend(transfers.into_iter().map(|(number, _)| number));
            (tip, steps) = (last, steps + 1);
        }
        assert_eq!(seen, paid, "{lies:?}");
        assert!(steps < 30, "{steps} steps");
    }
}

/// A node that tells of one event less than there are, wherever it is asked about a range.
struct Cut(Arc<Node>);

impl Rpc for Cut {
    fn call<'a>(&'a self, path: &'a str, body: Bytes) -> BoxFuture<'a, Result<Bytes, RpcFault>> {
        async move {
            let mut answer: Value = serde_json::from_slice(&self.0.call(path, body).await?).expect("JSON");
            let said = answer.as_array_mut().into_iter().flatten().filter_map(|said| said.get_mut("result"));
            // In a batch only logs are a list.
            said.filter_map(Value::as_array_mut).for_each(|logs| drop(logs.pop()));
            Ok(answer.to_string().into())
        }
        .boxed()
    }
}

/// Nor do quiet blocks above the one in doubt bear it out, where each block with a transaction must be looked at.
#[tokio::test]
async fn a_range_that_was_cut_off_is_not_borne_out_by_quiet_blocks() {
    let node = Node::of(20);
    for _ in 0..2 {
        node.chain.lock().unwrap().submit(Transaction::transfers([transfer(OURS, 1_000_000)]));
    }
    node.mine();
    let other = evm::Transfer { contract: [0xfa; 20].into(), ..transfer(OURS, 9) };
    node.mine_with(Transaction::transfers([other]), None);
    (0..40).for_each(|_| node.mine());
    let cut = TronSource::new(chain(), Arc::new(Cut(Arc::clone(&node))), Arc::clone(&node) as Arc<dyn Rpc>);
    let tip = cut.block(1).await.unwrap().unwrap();
    for source in [source(&node), cut] {
        let (last, transfers) = found(step(&source, &tip).await.unwrap());
        assert_eq!((last.number, transfers), (54, vec![(21, usdt(1_000_000)); 2]));
    }
}

#[tokio::test]
async fn a_fork_is_told_from_a_node_that_lags() {
    let node = Node::of(100);
    let source = source(&node);
    node.pay(OURS, 1_000_000);
    let mut kept = Vec::new();
    for number in (92..=101).rev() {
        kept.push(source.block(number).await.unwrap().unwrap());
    }
    assert!(kept.iter().all(|block| block.hash.starts_with(&format!("0x{:016x}", block.number))), "{kept:?}");
    node.chain.lock().unwrap().lies.lag = 3;
    inconsistent(step(&source, &kept[0]).await);
    node.chain.lock().unwrap().lies.lag = 0;
    let reorg = evm::Reorg { depth: 2, blocks: 3, keep: Vec::new(), rest: evm::Rest::ToMempool };
    node.chain.lock().unwrap().reorg(&reorg).unwrap();
    assert_eq!(step(&source, &kept[0]).await.unwrap(), Next::Fork);
    assert_eq!(parting(&source, &kept).await.unwrap(), Some(Parting::At(kept[2].clone())));
    // What was asked of the block that is gone is not answered with the one in its place.
    inconsistent(source.transfers(&kept[..1], &One).await);
    // The payment comes again, and is the same one.
    node.mine();
    let Next::Blocks { transfers, .. } = step(&source, &kept[2]).await.unwrap() else { panic!("no blocks") };
    assert_eq!(transfers.iter().map(|transfer| (transfer.block_number, transfer.ordinal)).collect::<Vec<_>>(), [(103, 0)]);
    // Heights are part of hashes.
    let liar = Tampered(Arc::clone(&node), "\"hash\":\"0x0000000000000064", "\"hash\":\"0x0000000000000065");
    let source = TronSource::new(chain(), Arc::new(liar), Arc::clone(&node) as Arc<dyn Rpc>);
    inconsistent(source.block(100).await);
}

/// A node's answers with one text in place of another.
struct Tampered(Arc<Node>, &'static str, &'static str);

impl Rpc for Tampered {
    fn call<'a>(&'a self, path: &'a str, body: Bytes) -> BoxFuture<'a, Result<Bytes, RpcFault>> {
        async move {
            let answer = self.0.call(path, body).await?;
            Ok(String::from_utf8(answer.to_vec()).expect("text").replace(self.1, self.2).into())
        }
        .boxed()
    }
}

#[tokio::test]
async fn a_node_of_another_chain_is_refused() {
    let node = Node::of(20);
    source(&node).check().await.unwrap();
    let mismatch = |result: Result<(), SourceFault>, word: &str| {
        assert!(matches!(&result, Err(SourceFault::Mismatch(text)) if text.contains(word)), "{result:?}");
    };
    let other = Node::of(20);
    other.tron.lock().unwrap().chain_id = 728_126_428;
    mismatch(source(&other).check().await, "728126428");
    let two = TronSource::new(chain(), Arc::clone(&node) as Arc<dyn Rpc>, Arc::clone(&other) as Arc<dyn Rpc>);
    mismatch(two.check().await, "another chain");
    node.chain.lock().unwrap().register_token(contract().into(), "USDT", 18);
    mismatch(source(&node).check().await, "18 decimals");
    node.lie(Lies { lite: true, ..Lies::default() });
    assert!(matches!(source(&node).check().await, Err(SourceFault::Unavailable(_))));
}

/// The limits of java-tron's documents, which the client must keep within.
#[tokio::test]
async fn the_simulated_node_refuses_what_java_tron_refuses() {
    let node = Node::of(20);
    let ask = |body: Value| {
        let node = Arc::clone(&node);
        async move { String::from_utf8(node.call("", body.to_string().into()).await.unwrap().to_vec()).unwrap() }
    };
    let call = |method: &str, params: Value| json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let logs = json!([{"fromBlock": "0x1", "toBlock": "0x138a"}]);
    for (body, said) in [
        (call("eth_getBlockByNumber", json!(["safe", false])), "TAG safe not supported"),
        (call("eth_call", json!([{"to": "0x00"}, "finalized"])), "not supported"),
        (call("eth_getLogs", logs), "exceed max block range: 5000"),
        (call("eth_sendRawTransaction", json!(["0x"])), "-32601"),
        (json!(vec![call("eth_blockNumber", json!([])); 101]), "Batch size 101"),
        (call("eth_getLogs", json!([{"blockHash": format!("0x{}", "00".repeat(32))}])), "invalid blockHash"),
        (call("eth_getBlockByNumber", json!(["latest", false])), "\"stateRoot\":\"0x\""),
    ] {
        let answer = ask(body).await;
        assert!(answer.contains(said), "{said}: {answer}");
    }
}
