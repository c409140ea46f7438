//! Nodes that fail, limit, lag, lie or are on another fork: which one is asked, and what is believed.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use payin_core::address::Address;

use super::*;
use crate::chain::source::{Heads, Issued, Read};
use crate::chain::watch::Watched;

/// A node that answers from a chain of one block a second, on a fork from some height on.
#[derive(Default)]
struct Made {
    height: AtomicU64,
    /// From this height on its blocks are others.
    forks_at: AtomicU64,
    /// Counts down: so many calls of `heads` and `check` are not answered.
    silent: AtomicU64,
    mismatch: bool,
    /// What it answers of itself and of blocks makes whoever asks panic.
    breaks: bool,
    transfers: Vec<Transfer>,
    /// How often it was asked for a block, and how often that is not answered.
    asked: AtomicU64,
    dead: AtomicU64,
}

impl Made {
    fn at(height: u64) -> Self {
        Self { height: height.into(), forks_at: u64::MAX.into(), ..Self::default() }
    }

    fn forked(height: u64, from: u64) -> Self {
        Self { forks_at: from.into(), ..Self::at(height) }
    }

    fn block(&self, number: u64) -> Option<Block> {
        let side = if number >= self.forks_at.load(Ordering::Relaxed) { "other" } else { "same" };
        let time = Timestamp::from_secs(i64::try_from(number).unwrap());
        let block = Block { number, hash: format!("{side} {number}"), parent_hash: String::new(), time };
        (number <= self.height.load(Ordering::Relaxed)).then_some(block)
    }

    fn answers(&self) -> Result<(), SourceFault> {
        let silent = self.silent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        silent.map_or(Ok(()), |_| Err(SourceFault::Unavailable("silence".to_owned())))
    }
}

impl Source for Made {
    fn check(&self) -> BoxFuture<'_, Result<(), SourceFault>> {
        assert!(!self.breaks, "on purpose");
        let mismatch = if self.mismatch { Err(SourceFault::Mismatch("another chain".to_owned())) } else { Ok(()) };
        ready(self.answers().and(mismatch)).boxed()
    }

    fn heads(&self) -> BoxFuture<'_, Result<Heads, SourceFault>> {
        let latest = self.block(self.height.load(Ordering::Relaxed)).unwrap();
        ready(self.answers().map(|()| Heads { latest, finalized: None })).boxed()
    }

    fn block(&self, number: u64) -> BoxFuture<'_, Result<Option<Block>, SourceFault>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        assert!(!self.breaks, "on purpose");
        let dead = self.dead.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        ready(if dead { Err(silence()) } else { Ok(self.block(number)) }).boxed()
    }

    fn above<'a>(&'a self, _: &'a Block, _: &'a Block, _: usize) -> BoxFuture<'a, Result<Vec<Block>, SourceFault>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn transfers<'a>(&'a self, _: &'a [Block], _: &'a dyn Watch) -> BoxFuture<'a, Result<Vec<Transfer>, SourceFault>> {
        ready(Ok(self.transfers.clone())).boxed()
    }

    fn range<'a>(&'a self, from: u64, to: u64, _: &'a dyn Watch) -> BoxFuture<'a, Result<Read, SourceFault>> {
        let below = self.block(from).unwrap().parent_hash;
        ready(Ok(Read { below, last: self.block(to).unwrap(), transfers: Vec::new() })).boxed()
    }

    fn issued<'a>(&'a self, _: &'a [Address]) -> BoxFuture<'a, Result<Issued, SourceFault>> {
        ready(Ok(Issued::default())).boxed()
    }
}

struct Nothing;

impl Watch for Nothing {
    fn now(&self) -> BoxFuture<'_, Result<Arc<Watched>, SourceFault>> {
        ready(Ok(Arc::default())).boxed()
    }
}

fn nodes(made: Vec<Made>) -> (Nodes, Vec<Arc<Made>>) {
    let made: Vec<Arc<Made>> = made.into_iter().map(Arc::new).collect();
    (Nodes::new(made.iter().map(|node| Arc::clone(node) as Arc<dyn Source>).collect()), made)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_000 + seconds)
}

async fn chosen(nodes: &Nodes, now: Timestamp) -> Option<usize> {
    nodes.choose(now).await.ok().map(|chosen| chosen.index)
}

const SPENT: Duration = Duration::from_millis(20);

fn silence() -> SourceFault {
    SourceFault::Unavailable("silence".to_owned())
}

#[tokio::test]
async fn the_most_trusted_is_asked_until_it_fails_and_again_when_it_has_rested() {
    let (nodes, _) = nodes(vec![Made::at(100), Made::at(100)]);
    assert_eq!(chosen(&nodes, at(0)).await, Some(0));
    nodes.choose(at(0)).await.unwrap().report(at(0), SPENT, Err(&silence()));
    assert_eq!(chosen(&nodes, at(0)).await, Some(1));
    assert_eq!(chosen(&nodes, at(1)).await, Some(0));
    nodes.choose(at(1)).await.unwrap().report(at(1), SPENT, Ok(100));
    assert_eq!(nodes.standings()[0].fault, None);
    // One that fails often comes after one that does not, even where it has rested.
    for second in (10..100).step_by(20) {
        let node = nodes.choose(at(second)).await.unwrap();
        if node.index == 0 {
            node.report(at(second), SPENT, Err(&silence()));
        }
    }
    assert_eq!(chosen(&nodes, at(110)).await, Some(1));
    // Not for ever: it may have been mended.
    assert_eq!(chosen(&nodes, at(1_000)).await, Some(0));
}

#[tokio::test]
async fn a_limit_is_kept_to_and_bounded() {
    let (nodes, _) = nodes(vec![Made::at(100)]);
    let limited = |seconds: u64| SourceFault::Limited { retry_after: Some(Duration::from_secs(seconds)) };
    nodes.choose(at(0)).await.unwrap().report(at(0), SPENT, Err(&limited(30)));
    assert_eq!((chosen(&nodes, at(29)).await, chosen(&nodes, at(30)).await), (None, Some(0)));
    nodes.choose(at(30)).await.unwrap().report(at(30), SPENT, Err(&limited(1_000_000_000)));
    assert_eq!((chosen(&nodes, at(329)).await, chosen(&nodes, at(330)).await), (None, Some(0)));
    assert!(nodes.choose(at(31)).await.err().unwrap().to_string().contains("limits how often it is asked"));
}

#[tokio::test]
async fn a_node_of_another_chain_is_never_asked_and_every_node_is_asked_again_which_it_is_of() {
    let (mixed, made) = nodes(vec![Made { mismatch: true, ..Made::at(100) }, Made::at(100)]);
    for second in [0, 61, 5_000] {
        assert_eq!(chosen(&mixed, at(second)).await, Some(1));
    }
    // An hour after its check a node that cannot say which chain it is of is not asked.
    made[1].silent.store(1, Ordering::Relaxed);
    assert_eq!(chosen(&mixed, at(5_000 + 3_601)).await, None);
    let (alone, _) = nodes(vec![Made { mismatch: true, ..Made::at(100) }]);
    assert!(matches!(alone.choose(at(0)).await, Err(SourceFault::Mismatch(_))));
}

#[tokio::test]
async fn a_fork_is_believed_only_from_who_can_be_believed() {
    let tip = Made::at(100).block(100).unwrap();
    // (node 1, node 2, asked, takes back what counted) → believed
    let same = || Made::at(101);
    let other = || Made::forked(101, 99);
    let left_behind = || Made::at(100 - 3);
    for (what, first, second, asked, deep, believed) in [
        ("the trusted node against one as far", other(), same(), 0, false, true),
        ("another node against the trusted one", same(), other(), 1, false, false),
        ("another node where the trusted one lacks the block", left_behind(), other(), 1, false, true),
        ("another node where the trusted one stands still", Made::at(100), Made::forked(105, 99), 1, false, true),
        ("both say so, deep", other(), other(), 0, true, true),
        ("deep, against one as far", other(), same(), 0, true, false),
        ("deep, and nobody else knows", other(), left_behind(), 0, true, false),
    ] {
        let (nodes, _) = nodes(vec![first, second]);
        let from = Chosen { index: asked, node: &nodes.nodes[asked] };
        let outcome = nodes.believe_fork(&from, &tip, deep, at(0)).await;
        assert_eq!(outcome.is_ok(), believed, "{what}");
        let rests = nodes.standings()[asked].rests_until == Some(at(60));
        assert_eq!(rests, !believed, "{what}: who is not believed is set aside");
    }
    // A block ago all differ, as they do in any small reorganisation; what decides is the lowest of our blocks that would go.
    let (nodes_of_two, _) = nodes(vec![Made::forked(101, 80), Made::forked(101, 100)]);
    let from = Chosen { index: 0, node: &nodes_of_two.nodes[0] };
    let lowest = Made::at(100).block(80).unwrap();
    assert!(nodes_of_two.believe_fork(&from, &lowest, true, at(0)).await.is_err());
    let (alone, _) = nodes(vec![other()]);
    let from = alone.choose(at(0)).await.unwrap();
    assert!(alone.believe_fork(&from, &tip, true, at(0)).await.is_ok());
}

#[tokio::test]
async fn a_node_that_stands_still_is_left_for_one_that_goes_on() {
    let chain = payin_core::chains::known().into_iter().find(|chain| chain.id.as_str() == "base-sepolia").unwrap();
    let (nodes, made) = nodes(vec![Made::at(100), Made::at(100)]);
    let tip = made[0].block(100).unwrap();
    let idle = nodes.choose(at(0)).await.unwrap();
    assert!(nodes.doubt(&idle, &chain, &tip, at(0), at(60)).await.is_ok(), "the chain itself stands still");
    made[1].height.store(101, Ordering::Relaxed);
    assert!(nodes.doubt(&idle, &chain, &tip, at(0), at(9)).await.is_ok(), "too early");
    assert!(nodes.doubt(&idle, &chain, &tip, at(0), at(10)).await.is_err());
    assert_eq!(chosen(&nodes, at(11)).await, Some(1));
}

fn large() -> Transfer {
    let address = |byte| Address::from_evm_bytes(&[byte; 20]);
    Transfer {
        chain_id: "base-sepolia".into(),
        tx_hash: "0x1".to_owned(),
        ordinal: 0,
        block_number: 100,
        block_hash: "same 100".to_owned(),
        block_time: at(0),
        currency: "USDC".into(),
        contract: address(1),
        from: address(2),
        to: address(3),
        amount: payin_core::Units::from_base_units(5, 0).unwrap(),
    }
}

/// A node that does not answer holds up no amount for longer than it takes to notice: it rests, and is not asked for every one of them.
#[tokio::test]
async fn a_dead_node_is_not_asked_about_every_large_transfer() {
    let has = || Made { transfers: vec![large()], ..Made::at(100) };
    let (nodes, made) = nodes(vec![has(), Made { dead: u64::MAX.into(), ..has() }, has()]);
    for _ in 0..5 {
        assert!(nodes.agree_on(&large(), &Nothing, at(0)).await, "two others say so");
    }
    let asked = || made.iter().map(|node| node.asked.load(Ordering::Relaxed)).collect::<Vec<_>>();
    assert_eq!(asked(), [5, 1, 5]);
    assert!(nodes.standings()[1].rests_until > Some(at(0)));
    // When it has rested it is asked again; with two alone its word is waited for until it has one.
    nodes.agree_on(&large(), &Nothing, at(60)).await;
    assert_eq!(asked(), [6, 2, 6]);
    let (two, made) = self::nodes(vec![has(), Made { dead: 1.into(), ..has() }]);
    assert!(!two.agree_on(&large(), &Nothing, at(0)).await);
    assert!(!two.agree_on(&large(), &Nothing, at(0)).await, "it rests");
    assert!(two.agree_on(&large(), &Nothing, at(60)).await);
    assert_eq!(made[1].asked.load(Ordering::Relaxed), 2);
}

/// Whose answer makes us panic is not asked for a while, and nobody else suffers for it: another is chosen, and others agree.
#[tokio::test]
async fn a_node_that_breaks_us_rests_and_no_other() {
    let has = || Made { transfers: vec![large()], ..Made::at(100) };
    let (nodes, _) = nodes(vec![Made { breaks: true, ..has() }, has(), has()]);
    assert!(nodes.agree_on(&large(), &Nothing, at(0)).await, "two others say so");
    let rests = |nodes: &Nodes| nodes.standings().iter().map(|standing| standing.rests_until.is_some()).collect::<Vec<_>>();
    assert_eq!(rests(&nodes), [true, false, false]);
    let (nodes, _) = self::nodes(vec![Made { breaks: true, ..has() }, has()]);
    assert_eq!(chosen(&nodes, at(0)).await, Some(1));
    assert!(nodes.standings()[0].fault.as_ref().is_some_and(|fault| fault.contains("of itself made this program panic")));
}

#[tokio::test]
async fn two_must_say_the_same_of_a_large_transfer() {
    let transfer = large();
    let more = Transfer { amount: payin_core::Units::from_base_units(6, 0).unwrap(), ..transfer.clone() };
    let has = |transfer: &Transfer, made: Made| Made { transfers: vec![transfer.clone()], ..made };
    for (what, made, agreed) in [
        ("both", vec![has(&transfer, Made::at(100)), has(&transfer, Made::at(100))], true),
        ("two of three", vec![has(&transfer, Made::at(100)), Made::at(100), has(&transfer, Made::at(100))], true),
        ("one alone", vec![has(&transfer, Made::at(100))], false),
        ("one does not have it", vec![has(&transfer, Made::at(100)), Made::at(100)], false),
        ("one has another amount", vec![has(&transfer, Made::at(100)), has(&more, Made::at(100))], false),
        ("one is of another fork", vec![has(&transfer, Made::at(100)), has(&transfer, Made::forked(100, 90))], false),
        ("one lacks the block", vec![has(&transfer, Made::at(100)), has(&transfer, Made::at(99))], false),
    ] {
        assert_eq!(nodes(made).0.agree_on(&transfer, &Nothing, at(0)).await, agreed, "{what}");
    }
}
