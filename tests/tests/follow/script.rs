//! Following a chain that is made up by hand: what a node's answers may be that no node should give.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use payin_core::Block;
use payin_core::address::Address;
use payin_core::finality::{Finality, Rest};
use payin_core::transfer::Transfer;
use payin_server::app::ledger::Resume;
use payin_server::chain::follow::parting;
use payin_server::chain::{Heads, Issued, Next, Nodes, Parting, Read, Source, SourceFault, Watch, next};
use payin_server::worker::Worker as _;
use payin_server::worker::chain::ChainWorker;
use payin_tests::gateway::{Gateway, Kind, Place, START};

use super::{CONFIRMATIONS, One, chain, inconsistent};

/// A node whose chain has these blocks, by the fork each is of, and no transfers but those that were put there.
#[derive(Default)]
pub(super) struct Script {
    /// Nothing where a height is without a block.
    forks: Mutex<Vec<Option<u64>>>,
    finalized: AtomicU64,
    /// How far what is asked by number is behind what `heads` says: another node answers it.
    lag: AtomicU64,
    /// So many blocks of a range are given at a time; 0: all.
    piece: AtomicU64,
    /// To ask for the transfers of this block panics; 0: of none.
    pub(super) poison: AtomicU64,
    pub(super) paid: Mutex<Vec<Transfer>>,
    /// What issuers did, and how many addresses were asked about each time.
    pub(super) issued: Mutex<Issued>,
    pub(super) asked: Mutex<Vec<usize>>,
}

impl Script {
    pub(super) fn of(height: u64, finalized: u64) -> Arc<Self> {
        let forks = (0..=height).map(|_| Some(0)).collect();
        Arc::new(Self { forks: Mutex::new(forks), finalized: AtomicU64::new(finalized), ..Self::default() })
    }

    /// The newest blocks are replaced by so many.
    fn reorganise(&self, depth: usize, by: usize) {
        let mut forks = self.forks.lock().unwrap();
        let (fork, kept) = (forks.last().unwrap().unwrap() + 1, forks.len() - depth);
        forks.truncate(kept);
        forks.extend(std::iter::repeat_n(Some(fork), by));
    }

    /// These heights have other blocks than those above and below make one think.
    fn replace(&self, heights: RangeInclusive<usize>) {
        self.forks.lock().unwrap()[heights].fill(Some(7));
    }

    /// These heights are without a block.
    fn skip(&self, heights: RangeInclusive<usize>) {
        self.forks.lock().unwrap()[heights].fill(None);
    }

    fn head(&self) -> u64 {
        self.forks.lock().unwrap().len() as u64 - 1
    }

    pub(super) fn at(&self, number: u64) -> Option<Block> {
        let forks = self.forks.lock().unwrap();
        let hash = |number: u64| forks.get(usize::try_from(number).unwrap()).copied().flatten().map(|fork| format!("0x{fork}-{number}"));
        let parent_hash = (0..number).rev().find_map(hash).unwrap_or_default();
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

    fn skips(&self) -> bool {
        self.forks.lock().unwrap().contains(&None)
    }

    fn above<'a>(&'a self, tip: &'a Block, latest: &'a Block, max: usize) -> BoxFuture<'a, Result<Vec<Block>, SourceFault>> {
        let known = |number: &u64| number + self.lag.load(Ordering::Relaxed) <= self.head();
        ready(Ok((tip.number + 1..=latest.number).take_while(known).filter_map(|number| self.at(number)).take(max).collect())).boxed()
    }

    fn transfers<'a>(&'a self, blocks: &'a [Block], _: &'a dyn Watch) -> BoxFuture<'a, Result<Vec<Transfer>, SourceFault>> {
        async {
            let poison = self.poison.load(Ordering::Relaxed);
            assert!(poison == 0 || blocks.iter().all(|block| block.number != poison), "on purpose");
            let asked = |transfer: &&Transfer| blocks.iter().any(|block| block.hash == transfer.block_hash);
            Ok(self.paid.lock().unwrap().iter().filter(asked).cloned().collect())
        }
        .boxed()
    }

    fn range<'a>(&'a self, from: u64, to: u64, _: &'a dyn Watch) -> BoxFuture<'a, Result<Read, SourceFault>> {
        let below = (0..from).rev().find_map(|number| self.at(number)).map_or_else(String::new, |block| block.hash);
        let piece = self.piece.load(Ordering::Relaxed);
        let to = if piece == 0 { to } else { to.min(from + piece - 1) };
        ready(Ok(Read { below, last: self.at(to).unwrap(), transfers: Vec::new() })).boxed()
    }

    fn issued<'a>(&'a self, addresses: &'a [Address]) -> BoxFuture<'a, Result<Issued, SourceFault>> {
        self.asked.lock().unwrap().push(addresses.len());
        ready(Ok(self.issued.lock().unwrap().clone())).boxed()
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

/// A fast chain is caught up with in longer runs, so that filling a hole beside it does not leave its tip behind.
#[tokio::test]
async fn a_fast_chain_is_read_in_longer_runs() {
    for (block_ms, most) in [(12_000, 8), (2_000, 8), (1_000, 8), (400, 20), (250, 32), (10, 32), (0, 8)] {
        let chain = payin_core::Chain { block_ms, ..chain() };
        let node = Script::of(100, 10);
        let tip = node.at(40).unwrap();
        let read = numbers(next(&chain, node.as_ref(), Some(&tip), &One).await.unwrap());
        assert_eq!((read.len(), read[0]), (most, 41), "{block_ms} ms");
    }
}

/// A worker over a node of a hundred blocks.
async fn following(finalized: u64) -> (Place, Gateway, Arc<Script>, ChainWorker) {
    let place = Place::new(Kind::Sqlite).await;
    let gateway = Gateway::open(&place.location, 1, None).await;
    let mut chain = gateway.chain("ethereum-sepolia");
    (chain.confirmations, chain.finality) = (CONFIRMATIONS, Finality::Tag);
    let node = Script::of(100, finalized);
    let source = Arc::clone(&node) as Arc<dyn Source>;
    let nodes = Arc::new(Nodes::new(vec![source]));
    let worker = ChainWorker::new(gateway.app.clone(), chain, nodes, Arc::new(One), "one".to_owned(), Arc::default());
    (place, gateway, node, worker)
}

/// The worker takes back what was reorganised right after the first start, however little it keeps, unless that was final.
#[tokio::test]
async fn a_reorganisation_after_the_first_start_halts_nothing() {
    // How many steps are taken before, how many blocks are replaced, and up to where is final.
    for (steps, depth, finalized, halts) in
        [(1, 1, 90, false), (1, 4, 90, false), (1, 5, 90, false), (9, 1, 90, false), (9, 4, 90, false), (9, 7, 90, false), (9, 4, 98, true)]
    {
        let (place, _, node, mut worker) = following(finalized).await;
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

/// Where the node's chain has no block right below all that we keep, the one below that is where it parted from ours.
#[tokio::test]
async fn a_reorganisation_down_to_skipped_heights_is_taken_back() {
    // Which heights the node's new chain skips, and up to where the node calls its own final; the first block we keep is 97.
    for (skipped, finalized) in [(96..=96, 90), (91..=96, 90), (65..=96, 60), (96..=96, 96)] {
        let case = format!("without {skipped:?}, {finalized} final");
        let (place, _, node, mut worker) = following(finalized).await;
        worker.step().await.unwrap();
        assert_eq!(place.rows("SELECT head_number FROM chain_cursors").await, [["97"]], "{case}");
        node.reorganise(4, 5);
        node.skip(skipped);
        for _ in 0..9 {
            worker.step().await.unwrap_or_else(|fault| panic!("{case}: {fault}"));
        }
        let cursor = &place.rows("SELECT head_number, head_hash, halted IS NULL FROM chain_cursors").await[0];
        assert_eq!(*cursor, ["101".to_owned(), node.at(101).unwrap().hash, "1".to_owned()], "{case}");
    }
    // Not without end: a node that lacks so many blocks is asked again later, and nothing moves.
    let (place, _, node, mut worker) = following(60).await;
    worker.step().await.unwrap();
    node.reorganise(4, 5);
    node.skip(64..=96);
    assert!(worker.step().await.unwrap_err().to_string().contains("lacks all blocks from 64 to 96"));
    assert_eq!(place.rows("SELECT head_number, halted IS NULL FROM chain_cursors").await, [["97", "1"]]);
}

/// After a person's word the chain is taken back below all that is kept, also where the slot below was skipped.
#[tokio::test]
async fn a_halted_chain_goes_on_at_a_skipped_height() {
    for skipped in [None, Some(96..=96), Some(91..=96)] {
        let case = format!("without {skipped:?}");
        let (place, gateway, node, mut worker) = following(98).await;
        for _ in 0..9 {
            worker.step().await.unwrap();
        }
        node.reorganise(4, 5);
        if let Some(skipped) = skipped {
            node.skip(skipped);
        }
        // Halted, and refusing until a person has looked.
        let halted = async || place.value("SELECT halted FROM chain_cursors").await;
        for _ in 0..3 {
            let _ = worker.step().await;
        }
        let reason = halted().await;
        assert!(reason.contains("was final"), "{case}: {reason}");
        let resume = Resume { chain: gateway.chain("ethereum-sepolia"), reason, take_back_from: Some(97) };
        gateway.write(resume).await.unwrap();
        for _ in 0..9 {
            worker.step().await.unwrap_or_else(|fault| panic!("{case}: {fault}"));
        }
        let cursor = &place.rows("SELECT head_number, head_hash, halted IS NULL FROM chain_cursors").await[0];
        assert_eq!(*cursor, ["101".to_owned(), node.at(101).unwrap().hash, "1".to_owned()], "{case}");
    }
}

/// A worker before a hole between block 40, or what was filled in up to another one, and block 97; the nodes give twenty blocks at a time.
async fn before_a_hole(nodes: &[&Arc<Script>], below: (u64, &str)) -> (Place, Gateway, ChainWorker) {
    let place = Place::new(Kind::Sqlite).await;
    let gateway = Gateway::open(&place.location, 1, None).await;
    let (start, head) = (START.millis(), START.plus(Duration::from_secs(100)).millis());
    let (to, hash) = below;
    place
        .execute(&format!(
            "INSERT INTO chain_cursors (chain_id, head_number, head_hash, head_time, finalized_number, updated_at)
             VALUES ('ethereum-sepolia', 100, '0x0-100', {head}, 90, {start});
             INSERT INTO chain_scans (chain_id, from_number, from_hash, to_number, to_hash, to_time, begun_at, scanned_at)
             VALUES ('ethereum-sepolia', 10, '0x0-10', {to}, '{hash}', {start}, {start}, {start}),
                    ('ethereum-sepolia', 97, '0x0-97', 100, '0x0-100', {head}, {start}, {start})"
        ))
        .await;
    let mut chain = gateway.chain("ethereum-sepolia");
    (chain.confirmations, chain.finality) = (CONFIRMATIONS, Finality::Tag);
    nodes.iter().for_each(|node| node.piece.store(20, Ordering::Relaxed));
    let nodes = Arc::new(Nodes::new(nodes.iter().map(|node| Arc::clone(node) as Arc<dyn Source>).collect()));
    let worker = ChainWorker::new(gateway.app.clone(), chain, nodes, Arc::new(One), "one".to_owned(), Arc::default());
    (place, gateway, worker)
}

/// What lies above blocks that were declared lost hangs on nothing that we know: a node whose chain, or whose word, is another one there
/// fills nothing in.
#[tokio::test]
async fn above_lost_blocks_a_node_is_not_believed_alone() {
    let node = |replaced: Option<RangeInclusive<usize>>| {
        let node = Script::of(100, 90);
        replaced.into_iter().for_each(|heights| node.replace(heights));
        node
    };
    let (honest, twin, liar, forked) = (node(None), node(None), node(Some(41..=96)), node(Some(41..=99)));
    for (nodes, is_filled) in [
        (vec![&liar, &honest], false),
        (vec![&forked], false),
        (vec![&honest, &liar], false),
        (vec![&honest, &twin], true),
        (vec![&honest], true),
    ] {
        let (place, gateway, mut worker) = before_a_hole(&nodes, (40, "")).await;
        for _ in 0..9 {
            worker.step().await.unwrap();
            gateway.clock.advance(Duration::from_secs(10));
        }
        let scans = place.rows("SELECT from_number, to_number FROM chain_scans ORDER BY 1").await;
        let expected = if is_filled { vec![["10", "100"]] } else { vec![["10", "40"], ["97", "100"]] };
        assert_eq!(scans, expected);
        assert_eq!(place.value("SELECT COUNT(*) FROM chain_cursors WHERE halted IS NOT NULL").await, "0");
    }
}

/// What was filled in is not of the chain: that is said aloud, and a person's word has it read again.
#[tokio::test]
async fn a_hole_that_was_filled_from_another_chain_halts() {
    let node = Script::of(100, 90);
    let (place, gateway, mut worker) = before_a_hole(&[&node], (60, "0x7-60")).await;
    worker.step().await.unwrap();
    let reason = place.value("SELECT halted FROM chain_cursors").await;
    assert!(reason.contains("another block 60"), "{reason}");
    gateway.write(Resume { chain: gateway.chain("ethereum-sepolia"), reason, take_back_from: Some(41) }).await.unwrap();
    for _ in 0..9 {
        worker.step().await.unwrap();
    }
    let cursor = place.rows("SELECT head_number, head_hash, halted IS NULL FROM chain_cursors").await;
    assert_eq!(cursor, [["100", "0x0-100", "1"]]);
    assert_eq!(place.rows("SELECT from_number, to_number FROM chain_scans").await, [["10", "100"]]);
}
