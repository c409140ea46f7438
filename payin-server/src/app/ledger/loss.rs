//! Blocks that no node can give any more: a person declares them lost, and nothing waits for them from then on. What was paid in them is
//! not found by this; the declaration is kept, and what it lets happen is told before it is made.

use payin_core::{Block, Chain};
use payin_types::Timestamp;

use super::blocks::below_hole;
use super::confirmed_block;
use crate::app::Outcome;
use crate::store::chains::{self, Cursor};
use crate::store::scans::{self, Loss, Scan};
use crate::store::{Fault, Tx, Unit};

/// The lower part of a hole, or all of it, is not waited for any more.
#[derive(Debug)]
pub struct DeclareLost {
    /// The chain.
    pub chain: Chain,
    /// What lies below the hole, as the person saw it.
    pub below: Scan,
    /// What lies above it.
    pub above: Scan,
    /// What is lost: from right above `below` up to right below `above`, or less.
    pub loss: Loss,
    /// The time.
    pub now: Timestamp,
}

impl Unit for DeclareLost {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        let chain = self.chain.id.as_str();
        let cursor = chains::lock(tx, chain).await?.ok_or_else(|| Fault::Corrupt(format!("{chain} was never followed")))?;
        let Loss { from_number, to_number, .. } = self.loss;
        if from_number != self.below.to_number.saturating_add(1) || !(from_number..self.above.from_number).contains(&to_number) {
            return Err(Fault::Corrupt(format!("blocks {from_number} to {to_number} of {chain} are not the lower part of a hole")).into());
        }
        // Rows that are not as the person saw them any more refuse this.
        if to_number.saturating_add(1) == self.above.from_number {
            // What lies above may have grown meanwhile: it is the chain's end.
            let above = scans::all(tx, chain).await?.into_iter().find(|scan| scan.from_number == self.above.from_number);
            let above = above.ok_or_else(|| Fault::Guard { rows: 0, statement: format!("the hole of {chain} has changed") })?;
            scans::join(tx, chain, &self.below, &above, self.now).await?;
        } else {
            // Nobody has seen the last one that is lost. Its time is not known; that of the newest block below is safe.
            let last = Block { number: to_number, hash: String::new(), parent_hash: String::new(), time: self.below.to_time };
            scans::end_at(tx, chain, &self.below, &last, self.now).await?;
        }
        scans::lose(tx, chain, &self.loss).await?;
        let confirmed = confirmed_block(tx, &self.chain, cursor.head_number, cursor.finalized_number).await?;
        let hole = scans::hole_since(tx, chain).await?;
        let confirmed_time = below_hole(confirmed.map(|block| block.time), hole);
        Ok(chains::put(tx, chain, &Cursor { confirmed_time, ..cursor }).await?)
    }
}
