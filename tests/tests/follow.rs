//! Following a chain behind nodes that lag, hide, change their minds or answer something else: a step finds every transfer, tells of a
//! fork, or fails and is taken again. One chain is made up by hand, the other is the sandbox's behind the real EVM client.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use payin_core::address::{Address, evm_bytes};
use payin_core::finality::{Finality, Rest};
use payin_core::transfer::Transfer;
use payin_core::{Block, Chain, Token, Units, chains};
use payin_server::chain::evm::EvmSource;
use payin_server::chain::follow::parting;
use payin_server::chain::{Heads, Next, Nodes, Parting, Read, Source, SourceFault, Watch, Watched, next};
use payin_server::env::{Rpc, RpcFault};
use payin_server::sandbox::evm::{self, EvmChain, EvmConfig, Lies, Transaction};
use payin_server::worker::Worker as _;
use payin_server::worker::chain::ChainWorker;
use payin_tests::gateway::{Gateway, Kind, Place, START};
use payin_types::Protocol;
use serde_json::{Value, json};

const CONFIRMATIONS: u64 = 3;
/// How far below the head a made-up chain is final.
const FINAL_BELOW: u64 = 8;
const CONTRACT: &str = "0x0707070707070707070707070707070707070707";
const OURS: &str = "0x1111111111111111111111111111111111111111";
const THEIRS: &str = "0x2222222222222222222222222222222222222222";

fn chain() -> Chain {
    let mut chain = chains::known().iter().find(|chain| chain.id.as_str() == "ethereum-sepolia").expect("a known chain").clone();
    let contract = Address::from_evm_bytes(&evm_bytes(CONTRACT).expect("an address"));
    chain.tokens = vec![Token { currency: "USDT".into(), contract, decimals: 6 }];
    (chain.confirmations, chain.finality) = (CONFIRMATIONS, Finality::Tag);
    chain
}

/// One address of ours.
struct One;

impl Watch for One {
    fn now(&self) -> BoxFuture<'_, Result<Arc<Watched>, SourceFault>> {
        let watched = Watched::default();
        watched.insert(&Protocol::Evm, &Address::from_canonical(OURS.to_owned()));
        ready(Ok(Arc::new(watched))).boxed()
    }
}

#[track_caller]
fn inconsistent<T: std::fmt::Debug>(result: Result<T, SourceFault>) {
    assert!(matches!(result, Err(SourceFault::Inconsistent(_))), "{result:?}");
}

// ---- A chain made up by hand --------------------------------------------------------------------------------------

/// A node whose chain has these blocks, by the fork each is of, and no transfers.
#[derive(Default)]
struct Script {
    forks: Mutex<Vec<u64>>,
    finalized: AtomicU64,
    /// How far what is asked by number is behind what `heads` says: another node answers it.
    lag: AtomicU64,
}

impl Script {
    fn of(height: u64, finalized: u64) -> Arc<Self> {
        let forks = (0..=height).map(|_| 0).collect();
        Arc::new(Self { forks: Mutex::new(forks), finalized: AtomicU64::new(finalized), lag: AtomicU64::new(0) })
    }

    /// The newest blocks are replaced by so many.
    fn reorganise(&self, depth: usize, by: usize) {
        let mut forks = self.forks.lock().unwrap();
        let (fork, kept) = (forks.last().unwrap() + 1, forks.len() - depth);
        forks.truncate(kept);
        forks.extend(std::iter::repeat_n(fork, by));
    }

    fn head(&self) -> u64 {
        self.forks.lock().unwrap().len() as u64 - 1
    }

    fn at(&self, number: u64) -> Option<Block> {
        let forks = self.forks.lock().unwrap();
        let hash = |number: u64| forks.get(usize::try_from(number).unwrap()).map(|fork| format!("0x{fork}-{number}"));
        let parent_hash = number.checked_sub(1).and_then(hash).unwrap_or_default();
        Some(Block { number, hash: hash(number)?, parent_hash, time: START.plus(Duration::from_secs(number)) })
    }

    /// The blocks we would keep, newest first.
    fn kept(&self, from: u64, to: u64) -> Vec<Block> {
        (from..=to).rev().map(|number| self.at(number).unwrap()).collect()
    }
}

impl Source for Script {
    fn check(&self) -> BoxFuture<'_, Result<(), SourceFault>> {
        ready(Ok(())).boxed()
    }

    fn heads(&self) -> BoxFuture<'_, Result<Heads, SourceFault>> {
        let finalized = self.at(self.finalized.load(Ordering::Relaxed)).map(|block| Rest { number: block.number, hash: block.hash });
        ready(Ok(Heads { latest: self.at(self.head()).unwrap(), finalized })).boxed()
    }

    fn block(&self, number: u64) -> BoxFuture<'_, Result<Option<Block>, SourceFault>> {
        let known = number + self.lag.load(Ordering::Relaxed) <= self.head();
        ready(Ok(self.at(number).filter(|_| known))).boxed()
    }

    fn above<'a>(&'a self, tip: &'a Block, latest: &'a Block, max: usize) -> BoxFuture<'a, Result<Vec<Block>, SourceFault>> {
        let known = |number: &u64| number + self.lag.load(Ordering::Relaxed) <= self.head();
        ready(Ok((tip.number + 1..=latest.number).take(max).take_while(known).filter_map(|number| self.at(number)).collect())).boxed()
    }

    fn transfers<'a>(&'a self, _: &'a [Block], _: &'a dyn Watch) -> BoxFuture<'a, Result<Vec<Transfer>, SourceFault>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn range<'a>(&'a self, _: u64, to: u64, _: &'a dyn Watch) -> BoxFuture<'a, Result<Read, SourceFault>> {
        ready(Ok(Read { last: self.at(to).unwrap(), transfers: Vec::new() })).boxed()
    }
}

fn numbers(next: Next) -> Vec<u64> {
    match next {
        Next::Blocks { blocks, .. } => blocks.iter().map(|block| block.number).collect(),
        other => panic!("not blocks: {other:?}"),
    }
}

#[tokio::test]
async fn a_node_that_lags_is_not_a_fork() {
    let (chain, node) = (chain(), Script::of(100, 90));
    let tip = node.at(100).unwrap();
    // One node: its head is lower than ours.
    let behind = Script::of(98, 90);
    inconsistent(next(&chain, behind.as_ref(), Some(&tip), &One).await);
    inconsistent(parting(behind.as_ref(), &node.kept(90, 100)).await);
    // Two nodes behind a load balancer: the head is told by one, the blocks by another that lags little, or much; near and far behind.
    node.reorganise(0, 3);
    for (lag, tip) in [(3, 100), (4, 100), (50, 100), (44, 60), (90, 60)] {
        node.lag.store(lag, Ordering::Relaxed);
        inconsistent(next(&chain, node.as_ref(), node.at(tip).as_ref(), &One).await);
    }
    // What hangs together is taken as far as the node knows it, without what another node said of finality.
    node.lag.store(1, Ordering::Relaxed);
    let some = next(&chain, node.as_ref(), Some(&tip), &One).await.unwrap();
    assert!(matches!(&some, Next::Blocks { finalized: None, .. }), "{some:?}");
    assert_eq!(numbers(some), [101, 102]);
    node.lag.store(43, Ordering::Relaxed);
    assert_eq!(numbers(next(&chain, node.as_ref(), node.at(60).as_ref(), &One).await.unwrap()), [90]);
    // A true fork, but the node that is asked lacks the newest of our blocks: nothing is concluded from that.
    let ours = node.kept(90, 103);
    node.reorganise(1, 2);
    node.lag.store(2, Ordering::Relaxed);
    inconsistent(parting(node.as_ref(), &ours).await);
    node.lag.store(0, Ordering::Relaxed);
    assert_eq!(next(&chain, node.as_ref(), ours.first(), &One).await.unwrap(), Next::Fork);
    assert_eq!(parting(node.as_ref(), &ours).await.unwrap(), Some(Parting::At(ours[1].clone())));
}

#[tokio::test]
async fn the_first_block_lies_below_the_head() {
    let chain = chain();
    for (head, finalized, first) in [(100, 90, 97), (100, 97, 97), (100, 99, 99), (100, 100, 100), (2, 0, 0), (0, 0, 0)] {
        let node = Script::of(head, finalized);
        let begun = next(&chain, node.as_ref(), None, &One).await.unwrap();
        assert_eq!(numbers(begun), [first], "head {head}, finalized {finalized}");
    }
    // Up to the head, one by one; one block is replaced at once.
    let node = Script::of(100, 90);
    let first = node.at(97).unwrap();
    assert_eq!(numbers(next(&chain, node.as_ref(), Some(&first), &One).await.unwrap()), [98, 99, 100]);
    let ours = node.kept(97, 100);
    for (depth, by, expected) in [
        (1, 2, Parting::At(ours[1].clone())),
        (1, 1, Parting::At(ours[1].clone())),
        (3, 3, Parting::At(ours[3].clone())),
        (4, 5, Parting::Below(ours[3].clone())),
    ] {
        let node = Script::of(100, 90);
        node.reorganise(depth, by);
        assert_eq!(next(&chain, node.as_ref(), Some(&ours[0]), &One).await.unwrap(), Next::Fork);
        assert_eq!(parting(node.as_ref(), &ours).await.unwrap(), Some(expected));
    }
}

/// The worker takes back what was reorganised right after the first start, however little it keeps, unless that was final.
#[tokio::test]
async fn a_reorganisation_after_the_first_start_halts_nothing() {
    // How many steps are taken before, how many blocks are replaced, and up to where is final.
    for (steps, depth, finalized, halts) in
        [(1, 1, 90, false), (1, 4, 90, false), (1, 5, 90, false), (9, 1, 90, false), (9, 4, 90, false), (9, 7, 90, false), (9, 4, 98, true)]
    {
        let place = Place::new(Kind::Sqlite).await;
        let gateway = Gateway::open(&place.location, 1, None).await;
        let mut chain = gateway.chain("ethereum-sepolia");
        (chain.confirmations, chain.finality) = (CONFIRMATIONS, Finality::Tag);
        let node = Script::of(100, finalized);
        let source = Arc::clone(&node) as Arc<dyn Source>;
        let nodes = Arc::new(Nodes::new(vec![source]));
        let mut worker = ChainWorker::new(gateway.app.clone(), chain, nodes, Arc::new(One), "one".to_owned(), Arc::default());
        for _ in 0..steps {
            worker.step().await.unwrap();
        }
        node.reorganise(depth, depth + 1);
        for _ in 0..9 {
            worker.step().await.map_or_else(|fault| assert!(halts, "{depth} of {steps} steps: {fault}"), drop);
        }
        let cursor = place.rows("SELECT head_number, head_hash, halted IS NOT NULL FROM chain_cursors").await;
        let case = format!("{steps} steps, {depth} blocks replaced, {finalized} final: {cursor:?}");
        assert_eq!(cursor[0][2], i32::from(halts).to_string(), "{case}");
        if !halts {
            assert_eq!(cursor[0][..2], ["101".to_owned(), node.at(101).unwrap().hash], "{case}");
        }
    }
}

// ---- The sandbox's chain behind the EVM client ----------------------------------------------------------------------

type Tamper = dyn Fn(&Value, Value) -> Result<Value, RpcFault> + Send + Sync;

/// The sandbox's node, with something between it and us that may change what it says.
struct Node {
    chain: Mutex<EvmChain>,
    between: Mutex<Arc<Tamper>>,
    /// The methods called.
    asked: Mutex<Vec<String>>,
}

impl Node {
    /// So many blocks.
    fn of(blocks: u64) -> Arc<Self> {
        let mut chain = EvmChain::new(11_155_111, 7, 1_767_225_600);
        chain.config = EvmConfig { finality_depth: FINAL_BELOW, safe_depth: 4, ..EvmConfig::default() };
        let node = Self { chain: Mutex::new(chain), between: Mutex::new(Arc::new(|_, answer| Ok(answer))), asked: Mutex::default() };
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

/// What a step found: its newest block, and each transfer's block and amount.
fn found(next: Next) -> (Block, Vec<(u64, Units)>) {
    match next {
        Next::Blocks { blocks, transfers, .. } => {
            let transfers = transfers.iter().map(|transfer| (transfer.block_number, transfer.amount)).collect();
            (blocks.last().expect("a block").clone(), transfers)
        }
        other => panic!("not blocks: {other:?}"),
    }
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
    let (chain, source) = (chain(), source(node));
    let (mut tip, mut transfers, mut failed) = (source.block(1).await.unwrap().unwrap(), Vec::new(), 0);
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
    // The transport gives up above so many blocks: each failure halves what is asked for next, and what then passes grows again.
    for max in [100, 7, 1] {
        node.tamper("eth_getLogs", move |call, answer| {
            let filter = &call["params"][0];
            let blocks =
                if filter["blockHash"].is_string() { 1 } else { quantity(&filter["toBlock"]) - quantity(&filter["fromBlock"]) + 1 };
            if blocks > max { Err(RpcFault::TooLarge) } else { Ok(answer) }
        });
        let source = source(&node);
        let (chain, tip) = (chain(), source.block(1).await.unwrap().unwrap());
        let mut failed = 0;
        let first = loop {
            match next(&chain, &source, Some(&tip), &One).await {
                Ok(first) => break found(first).0,
                Err(fault) => assert!(matches!(fault, SourceFault::Unavailable(_)), "{fault}"),
            }
            failed += 1;
            assert!(failed < 10, "{max}");
        };
        assert!((2..=1 + max).contains(&first.number), "{max}: {}", first.number);
        if max == 100 {
            assert_eq!(catch_up(&node, 600).await.0, paid);
        }
    }
    // What the node refuses in words is asked for again at once.
    node.honest();
    node.chain.lock().unwrap().config.logs_range_max = 9;
    assert_eq!(catch_up(&node, 600).await, (paid.clone(), 0));
    node.chain.lock().unwrap().config = EvmConfig { finality_depth: FINAL_BELOW, logs_results_max: 2, ..EvmConfig::default() };
    assert_eq!(catch_up(&node, 600).await, (paid, 0));
}

#[tokio::test]
async fn what_was_not_asked_for_is_not_believed() {
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
