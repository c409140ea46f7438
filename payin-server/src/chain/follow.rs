//! One step of following a chain: from the newest block taken in to what comes next. Pure decisions over a source; the caller commits
//! the step together with its effects, or takes it again.

use std::time::Duration;

use payin_core::finality::{self, Rest};
use payin_core::transfer::Transfer;
use payin_core::{Block, Chain};
use payin_types::known_bad::{Mistake, makes};

use super::source::{Heads, Read, Source, SourceFault};
use super::watch::Watch;

/// So far behind finality that ranges are asked for instead of single blocks.
const FAR_BEHIND: u64 = 16;
/// So far behind, by the chain's clock, that the newest blocks come first and the rest is filled in beside them: whoever pays now must not
/// wait for yesterday. The vendor's payment window.
const LEAP_AFTER: Duration = Duration::from_secs(600);
/// Single blocks taken at a time, at least and at most: what the chain makes in [`BLOCKS_OF`], so that one which is fast gets ahead of its
/// tip also where a hole is filled in the same step. Each may be a call or two, and the chain's other work must have its turn.
const BLOCKS: (usize, usize) = (8, 32);
const BLOCKS_OF: Duration = Duration::from_secs(8);
/// Heights without a block that are passed over on the way down to one. On Solana, the only chain that has such, a final block lies about so
/// far below the newest; and a step must end well within its lease, at a few calls for each.
const SKIPPED_MAX: u64 = 32;

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing new; finality may have moved.
    Idle {
        /// Up to where the chain has come to rest, if that is known.
        finalized: Option<Rest>,
    },
    /// Blocks above the newest one, with their transfers. Children of one another, unless they are final.
    Blocks {
        /// Everything from this height up to the last of the blocks has been looked at. Above the newest block's next one, what lies
        /// between is left for later.
        low: u64,
        /// The blocks, oldest first.
        blocks: Vec<Block>,
        /// Their transfers, in the order of the chain.
        transfers: Vec<Transfer>,
        /// Up to where the chain has come to rest, if that is known.
        finalized: Option<Rest>,
    },
    /// The newest block taken in is not part of the chain any more.
    Fork,
}

/// Finds what comes after `tip`; `None`: the chain was never followed, and is from here on.
///
/// # Errors
/// When the source does not answer, or contradicts itself. Nothing is lost then: the same step is taken again.
pub async fn next(chain: &Chain, source: &dyn Source, tip: Option<&Block>, watch: &dyn Watch) -> Result<Next, SourceFault> {
    let heads = source.heads().await?;
    let finalized = finality::rest(chain.finality, heads.latest.number, heads.finalized.clone());
    let Some(tip) = tip else { return begin(chain, source, &heads, finalized, watch).await };
    if heads.latest.number <= tip.number {
        return at_or_below(source, &heads, tip, finalized).await;
    }
    let at_rest = finalized.as_ref().map_or(0, |rest| rest.number.min(heads.latest.number));
    if at_rest > tip.number.saturating_add(FAR_BEHIND) {
        if !on_chain(source, tip.number, &tip.hash, at_rest).await? {
            return Ok(Next::Fork);
        }
        if heads.latest.time.since(tip.time) > LEAP_AFTER {
            return from_here(source, at_rest, finalized, watch).await;
        }
        let read = source.range(tip.number.saturating_add(1), at_rest, watch).await?;
        if read.below != tip.hash {
            return Err(not_upon(tip.number));
        }
        return Ok(Next::Blocks { low: tip.number.saturating_add(1), blocks: vec![read.last], transfers: read.transfers, finalized });
    }
    one_by_one(chain, source, &heads, tip, finalized, watch).await
}

/// The first block of all: a little below the newest one, so that a small reorganisation right after the start is an ordinary one.
async fn begin(chain: &Chain, source: &dyn Source, heads: &Heads, finalized: Option<Rest>, watch: &dyn Watch) -> Result<Next, SourceFault> {
    let latest = heads.latest.number;
    let number = latest.saturating_sub(chain.confirmations).max(finalized.as_ref().map_or(0, |rest| rest.number.min(latest)));
    from_here(source, number, finalized, watch).await
}

/// The block of this height alone, whatever lies below.
async fn from_here(source: &dyn Source, number: u64, finalized: Option<Rest>, watch: &dyn Watch) -> Result<Next, SourceFault> {
    let block = source.block(number).await?.ok_or_else(|| SourceFault::Inconsistent(format!("it has no block {number}")))?;
    let blocks = vec![block];
    let transfers = source.transfers(&blocks, watch).await?;
    Ok(Next::Blocks { low: number, blocks, transfers, finalized })
}

/// The node has nothing above our newest block: it is the same one, or another of its height, or the node lags.
async fn at_or_below(source: &dyn Source, heads: &Heads, tip: &Block, finalized: Option<Rest>) -> Result<Next, SourceFault> {
    if heads.latest.number == tip.number {
        return Ok(if heads.latest.hash == tip.hash { Next::Idle { finalized } } else { Next::Fork });
    }
    // A lower head alone proves nothing: a node behind a load balancer may lag. What it says of our own block does.
    match keeps(source, tip.number, &tip.hash).await? {
        Some(false) => Ok(Next::Fork),
        _ => Err(SourceFault::Inconsistent(format!("its newest block is {}, we have seen {}: it lags", heads.latest.number, tip.number))),
    }
}

/// Whether a block of ours is on the node's chain; `None` if the node does not have what would tell.
async fn keeps(source: &dyn Source, number: u64, hash: &str) -> Result<Option<bool>, SourceFault> {
    Ok(match source.block(number).await? {
        Some(block) => Some(block.hash == hash),
        None => source.skips().then_some(false),
    })
}

/// How many single blocks are taken at a time.
fn blocks_max(chain: &Chain) -> usize {
    let made = BLOCKS_OF.as_millis().checked_div(u128::from(chain.block_ms)).unwrap_or(0);
    usize::try_from(made).unwrap_or(usize::MAX).clamp(BLOCKS.0, BLOCKS.1)
}

async fn one_by_one(
    chain: &Chain,
    source: &dyn Source,
    heads: &Heads,
    tip: &Block,
    finalized: Option<Rest>,
    watch: &dyn Watch,
) -> Result<Next, SourceFault> {
    let most = blocks_max(chain);
    let mut blocks = source.above(tip, &heads.latest, most).await?;
    let above = blocks.len();
    let mut parent = tip.hash.clone();
    let follows = |block: &&Block| std::mem::replace(&mut parent, block.hash.clone()) == block.parent_hash || makes(Mistake::NoParentCheck);
    let linked = blocks.iter().take_while(follows).count();
    blocks.truncate(linked);
    if blocks.is_empty() {
        return match keeps(source, tip.number, &tip.hash).await? {
            Some(false) => Ok(Next::Fork),
            _ => Err(SourceFault::Inconsistent(format!("what it has above block {} does not follow on it", tip.number))),
        };
    }
    let transfers = source.transfers(&blocks, watch).await?;
    // Where the chain, or the node, changed under our hands what hangs together is taken; what was said of finality may be another
    // chain's and is not.
    let whole = linked == above && (above == most || blocks.last().is_some_and(|last| last.number >= heads.latest.number));
    Ok(Next::Blocks { low: tip.number.saturating_add(1), blocks, transfers, finalized: finalized.filter(|_| whole) })
}

/// Makes sure that a block of ours, below what is final, is on the chain of the node.
async fn on_chain(source: &dyn Source, number: u64, hash: &str, to: u64) -> Result<bool, SourceFault> {
    let kept = keeps(source, number, hash).await?;
    kept.ok_or_else(|| SourceFault::Inconsistent(format!("it has final blocks up to {to} and lacks block {number}")))
}

/// Another node behind the same address answered, or the node's chain is another one: what it gave does not stand on our block.
fn not_upon(number: u64) -> SourceFault {
    SourceFault::Inconsistent(format!("what it has above block {number} does not follow on the one we looked at"))
}

/// The next piece of a hole, from above a block of ours up to a final block that is ours too. `None` for a hash that nobody knows.
///
/// # Errors
/// When the source does not answer, contradicts itself, or is of another chain than the blocks at the hole's ends.
pub async fn fill(
    source: &dyn Source,
    (below, hash): (u64, Option<&str>),
    (to, end): (u64, Option<&str>),
    watch: &dyn Watch,
) -> Result<Read, SourceFault> {
    let read = source.range(below.saturating_add(1), to, watch).await?;
    if hash.is_some_and(|hash| hash != read.below) {
        return Err(not_upon(below));
    }
    if read.last.number >= to && end.is_some_and(|end| end != read.last.hash) {
        return Err(SourceFault::Inconsistent(format!("it has another block {to} than the one we looked at")));
    }
    Ok(read)
}

/// Where our chain and the node's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parting {
    /// This is the newest of our blocks that the node's chain has too.
    At(Block),
    /// None of the blocks we keep is on the node's chain, down to this one.
    Below(Block),
}

/// Compares our kept blocks, newest first, with the node's. Only a block of another hash counts as another chain: one that the node does
/// not have proves nothing.
///
/// # Errors
/// When the source does not answer, or lacks a block of a height it should have.
pub async fn parting(source: &dyn Source, ours: &[Block]) -> Result<Option<Parting>, SourceFault> {
    for block in ours {
        if has(source, block.number, &block.hash).await? {
            return Ok(Some(Parting::At(block.clone())));
        }
    }
    Ok(ours.last().cloned().map(Parting::Below))
}

/// Whether a block of ours, of a height that the node should have reached, is on its chain.
///
/// # Errors
/// When the source does not answer, or lacks what would tell.
pub async fn has(source: &dyn Source, number: u64, hash: &str) -> Result<bool, SourceFault> {
    keeps(source, number, hash).await?.ok_or_else(|| SourceFault::Inconsistent(format!("it lacks block {number}: it lags")))
}

/// The newest block of the node's chain at this height or, where heights may be without one, below.
///
/// # Errors
/// When the source does not answer, or has no block where it should have one.
pub async fn newest_at_or_below(source: &dyn Source, number: u64) -> Result<Block, SourceFault> {
    let lowest = if source.skips() { number.saturating_sub(SKIPPED_MAX) } else { number };
    for height in (lowest..=number).rev() {
        if let Some(block) = source.block(height).await? {
            return Ok(block);
        }
    }
    Err(SourceFault::Inconsistent(format!("it lacks all blocks from {lowest} to {number}")))
}
