//! Filling in what a downtime left, beside what goes on: a piece at a time, by one node, between blocks that we know. Where the chain lies
//! elsewhere than what was filled in before, a halt; it must not take anything back.

use std::time::Duration;

use payin_core::Block;
use payin_types::Timestamp;

use super::ChainWorker;
use crate::app::ledger;
use crate::app::progress::{self, Lease, Scan};
use crate::chain::nodes::Chosen;
use crate::chain::{Nodes, SourceFault, follow};
use crate::worker::StepFault;

/// How long a hole is left alone after a node could not fill it, at least and at most.
const FILL_REST: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(300));

/// How filling a hole goes.
#[derive(Debug, Default)]
pub(super) struct Filling {
    /// Which node is asked: so many after the one that is followed.
    turn: usize,
    not_before: Option<Timestamp>,
    pub(super) fault: Option<String>,
}

impl ChainWorker {
    /// Fills in what a downtime left. A node that cannot (it may have forgotten so old blocks) does not keep anybody from following: another
    /// one is asked next, after a while.
    pub(super) async fn fill_beside(&mut self, nodes: &Nodes, node: &Chosen<'_>, now: Timestamp) -> Result<bool, StepFault> {
        if self.filling.not_before.is_some_and(|at| now < at) {
            return Ok(false);
        }
        let Some(lease) = self.tenure.take().await? else { return Ok(false) };
        match self.fill(nodes, &nodes.in_turn(node, self.filling.turn, now), &lease, now).await {
            Ok(any) => {
                self.filling.fault = None;
                Ok(any)
            }
            Err(StepFault::Source(fault)) => {
                tracing::warn!(chain.id = %self.chain.id, %fault, "a hole in what has been looked at cannot be filled at present");
                let rest = match &fault {
                    SourceFault::Limited { retry_after } => retry_after.unwrap_or(FILL_REST.0).clamp(FILL_REST.0, FILL_REST.1),
                    _ => FILL_REST.0,
                };
                let turn = self.filling.turn.wrapping_add(1);
                let fault = Some(format!("blocks that were missed cannot be read: {fault}"));
                self.filling = Filling { turn, not_before: Some(self.app.clock.now().plus(rest)), fault };
                Ok(false)
            }
            Err(other) => Err(other),
        }
    }

    /// Reads a piece of the lowest hole in what has been looked at. Answers whether there was one.
    async fn fill(&self, nodes: &Nodes, node: &Chosen<'_>, lease: &Lease, now: Timestamp) -> Result<bool, StepFault> {
        let Some(from) = progress::cursor(&self.app, &self.chain).await?.filter(|cursor| cursor.hole_since.is_some()) else {
            return Ok(false);
        };
        let Some((below, above)) = progress::hole(&self.app, &self.chain).await? else { return Ok(false) };
        // Nobody has seen the last block of those that were declared lost.
        let lower = (below.to_number, Some(below.to_hash.as_str()).filter(|hash| !hash.is_empty()));
        let upper = (above.from_number, above.from_hash.as_deref());
        let (lease, chain) = (lease.clone(), self.chain.clone());
        let read = match follow::fill(node.source(), lower, upper, self.watch.as_ref()).await {
            Err(SourceFault::Inconsistent(why)) => {
                let Some(end) = parted(node, &below, &above).await? else { return Err(SourceFault::Inconsistent(why).into()) };
                nodes.believe_fork(node, &end, true, now).await?;
                let reason = format!("the node has another block {} than the one looked at, at the end of a hole", end.number);
                tracing::error!(chain.id = %self.chain.id, reason, "the chain is not followed any more until a person has looked");
                self.app.store.write(ledger::Halt { lease, chain, from, reason }).await?;
                return Ok(true);
            }
            read => read?,
        };
        if lower.1.is_none() {
            let known = upper.1.map_or((above.to_number, above.to_hash.as_str()), |hash| (above.from_number, hash));
            nodes.vouch(node, &read.last, known, now).await?;
        }
        let (transfers, last) = (ledger::named(&self.app, read.transfers), read.last);
        self.app.store.write(ledger::FillHole { lease, chain, from, below, above, last, transfers, now }).await?;
        self.events.notify_one();
        Ok(true)
    }

    /// The end of a hole that is not on the node's chain, if there is one: what was filled in below it, or all above, is of another chain.
    pub(super) async fn parted_at_a_hole(&self, node: &Chosen<'_>) -> Result<Option<Block>, StepFault> {
        match progress::hole(&self.app, &self.chain).await? {
            Some((below, above)) => Ok(parted(node, &below, &above).await?),
            None => Ok(None),
        }
    }
}

/// The end of a hole that is not on the node's chain. Both are final: a node that has other blocks there has another chain.
async fn parted(node: &Chosen<'_>, below: &Scan, above: &Scan) -> Result<Option<Block>, SourceFault> {
    let ends = [(below.to_number, Some(&below.to_hash)), (above.from_number, above.from_hash.as_ref())];
    for (number, hash) in ends.into_iter().filter_map(|(number, hash)| Some((number, hash.filter(|hash| !hash.is_empty())?))) {
        if !follow::has(node.source(), number, hash).await? {
            return Ok(Some(Block { number, hash: hash.clone(), parent_hash: String::new(), time: below.to_time }));
        }
    }
    Ok(None)
}
