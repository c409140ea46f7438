//! One step of following a chain: from the newest block taken in to what comes next. Pure decisions over a source; the caller commits
//! the step together with its effects, or takes it again.

use payin_core::transfer::Transfer;
use payin_core::{Block, Chain, finality};

use super::source::{Heads, Source, SourceFault};
use super::watch::Watch;

/// So far behind finality that ranges are asked for instead of single blocks.
const FAR_BEHIND: u64 = 16;
/// Single blocks taken at a time: a step stays short, so that the chain's other work gets its turn.
const BLOCKS_MAX: usize = 32;

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing new; finality may have moved.
    Idle {
        /// The height up to which the chain has come to rest, if that is known.
        finalized: Option<u64>,
        /// The newest block the node has, which may be older than ours.
        latest: u64,
    },
    /// Blocks above the newest one, with their transfers. Children of one another, unless they are final.
    Blocks {
        /// The blocks, oldest first.
        blocks: Vec<Block>,
        /// Their transfers, in the order of the chain.
        transfers: Vec<Transfer>,
        /// The height up to which the chain has come to rest, if that is known.
        finalized: Option<u64>,
        /// Whether more is to be had at once.
        more: bool,
    },
    /// The newest block taken in is not part of the chain any more.
    Fork,
}

/// Finds what comes after `tip`; `None`: the chain was never followed, and is from its newest block on.
///
/// # Errors
/// When the source does not answer, or contradicts itself. Nothing is lost then: the same step is taken again.
pub async fn next(chain: &Chain, source: &dyn Source, tip: Option<&Block>, watch: &dyn Watch) -> Result<Next, SourceFault> {
    let heads = source.heads().await?;
    let finalized = finality::finalized_height(chain.finality, heads.latest.number, heads.finalized);
    let Some(tip) = tip else {
        let transfers = source.transfers(&heads.latest, watch).await?;
        return Ok(Next::Blocks { blocks: vec![heads.latest], transfers, finalized, more: false });
    };
    if heads.latest.number <= tip.number {
        return at_or_below(source, &heads, tip, finalized).await;
    }
    let at_rest = finalized.unwrap_or(0);
    if at_rest > tip.number.saturating_add(FAR_BEHIND) {
        return catch_up(source, tip, at_rest, finalized, watch).await;
    }
    one_by_one(source, &heads, tip, finalized, watch).await
}

/// The node has nothing above our newest block: it is the same one, or another of its height, or the node lags.
async fn at_or_below(source: &dyn Source, heads: &Heads, tip: &Block, finalized: Option<u64>) -> Result<Next, SourceFault> {
    let latest = heads.latest.number;
    if latest == tip.number {
        return Ok(if heads.latest.hash == tip.hash { Next::Idle { finalized, latest } } else { Next::Fork });
    }
    // A lower head alone proves nothing: a node behind a load balancer may lag. What it says of our own block does.
    match source.block(tip.number).await? {
        Some(block) if block.hash != tip.hash => Ok(Next::Fork),
        _ => Ok(Next::Idle { finalized: None, latest }),
    }
}

async fn one_by_one(
    source: &dyn Source,
    heads: &Heads,
    tip: &Block,
    finalized: Option<u64>,
    watch: &dyn Watch,
) -> Result<Next, SourceFault> {
    let (mut blocks, mut transfers) = (Vec::<Block>::new(), Vec::new());
    for number in tip.number.saturating_add(1)..=heads.latest.number {
        if blocks.len() == BLOCKS_MAX {
            break;
        }
        let Some(block) = source.block(number).await? else { break };
        if block.number != number {
            return Err(SourceFault::Inconsistent(format!("asked for block {number} it gave {}", block.number)));
        }
        let parent = blocks.last().unwrap_or(tip);
        if block.parent_hash != parent.hash {
            // The chain changed under our hands: take what hangs together, and look again.
            return Ok(if blocks.is_empty() { Next::Fork } else { Next::Blocks { blocks, transfers, finalized, more: true } });
        }
        transfers.extend(source.transfers(&block, watch).await?);
        blocks.push(block);
    }
    let Some(last) = blocks.last() else { return Ok(Next::Idle { finalized, latest: heads.latest.number }) };
    let more = last.number < heads.latest.number;
    Ok(Next::Blocks { blocks, transfers, finalized, more })
}

/// Far behind: ranges of blocks that are final, after making sure that our newest block is on the chain they belong to.
async fn catch_up(source: &dyn Source, tip: &Block, to: u64, finalized: Option<u64>, watch: &dyn Watch) -> Result<Next, SourceFault> {
    match source.block(tip.number).await? {
        Some(block) if block.hash == tip.hash => {}
        Some(_) => return Ok(Next::Fork),
        None => return Err(SourceFault::Inconsistent(format!("it has final blocks up to {to} and lacks block {}", tip.number))),
    }
    let read = source.range(tip.number.saturating_add(1), to, watch).await?;
    Ok(Next::Blocks { blocks: vec![read.last], transfers: read.transfers, finalized, more: true })
}

/// The newest of our blocks, newest first, that is still part of the chain; `None` if none of them is.
///
/// # Errors
/// When the source does not answer.
pub async fn fork_point(source: &dyn Source, ours: &[Block]) -> Result<Option<Block>, SourceFault> {
    for block in ours {
        if source.block(block.number).await?.is_some_and(|theirs| theirs.hash == block.hash) {
            return Ok(Some(block.clone()));
        }
    }
    Ok(None)
}
