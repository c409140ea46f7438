//! Blocks taken in, at the chain's end or in a hole that a downtime left: what was found in them is recorded in the transaction that says
//! they have been looked at. What a transfer means is not decided here.

use payin_core::finality::Rest;
use payin_core::transfer::Transfer;
use payin_core::{Block, Chain};
use payin_types::{Timestamp, TransferId};

use super::confirmed_block;
use super::seen::see_all;
use crate::app::Outcome;
use crate::store::chains::{self, Cursor};
use crate::store::leases::{self, Lease};
use crate::store::scans::{self, Scan};
use crate::store::{Fault, Tx, Unit};

/// Blocks of a chain, above its cursor, with the transfers in them to addresses of the pool.
#[derive(Debug)]
pub struct TakeBlocks {
    /// The right to do this.
    pub lease: Lease,
    /// The chain.
    pub chain: Chain,
    /// Where its cursor stands. `None`: it was never followed.
    pub from: Option<Cursor>,
    /// From this height up to the newest of the blocks everything has been looked at.
    pub low: u64,
    /// The blocks, oldest first; each but the first is the child of the one before, unless all are final.
    pub blocks: Vec<Block>,
    /// The transfers, in the order of the chain, each with an id in case it is new.
    pub transfers: Vec<(TransferId, Transfer)>,
    /// Up to where the chain has come to rest, where that is known.
    pub finalized: Option<Rest>,
    /// The time.
    pub now: Timestamp,
}

impl Unit for TakeBlocks {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        leases::check(tx, &self.lease).await?;
        let chain = self.chain.id.as_str();
        chains::lock_at(tx, chain, self.from.as_ref()).await?;
        for block in &self.blocks {
            chains::insert_block(tx, chain, block).await?;
        }
        let before = self.from.as_ref();
        self.check_places()?;
        see_all(tx, &self.chain, &self.transfers, None, self.now).await?;
        if let Some(last) = self.blocks.last() {
            self.keep_scan(tx, last).await?;
        }
        let Some(head) = self
            .blocks
            .last()
            .map(|block| (block.number, block.hash.clone(), block.time))
            .or_else(|| before.map(|cursor| (cursor.head_number, cursor.head_hash.clone(), cursor.head_time)))
        else {
            return Ok(());
        };
        let finalized = self.rested(tx, head.0).await?;
        let confirmed = confirmed_block(tx, &self.chain, head.0, finalized).await?;
        let hole = scans::hole_since(tx, chain).await?;
        forget_old_blocks(tx, chain, finalized.min(confirmed.as_ref().map_or(0, |block| block.number))).await?;
        let cursor = Cursor {
            head_number: head.0,
            head_hash: head.1,
            head_time: head.2,
            finalized_number: finalized,
            confirmed_time: below_hole(confirmed.map(|block| block.time), hole),
            updated_at: self.now,
            halted: None,
            take_back_from: None,
            hole_since: hole,
        };
        Ok(chains::put(tx, chain, &cursor).await?)
    }
}

/// Nothing expires for want of a payment that may lie in a hole.
pub(super) fn below_hole(time: Option<Timestamp>, hole: Option<Timestamp>) -> Option<Timestamp> {
    time.map(|time| hole.map_or(time, |hole| hole.min(time)))
}

impl TakeBlocks {
    /// What has been looked at grows, or begins anew above a hole.
    async fn keep_scan(&self, tx: &mut Tx<'_>, last: &Block) -> Result<(), Fault> {
        let chain = self.chain.id.as_str();
        let head = self.from.as_ref().map(|cursor| cursor.head_number);
        match scans::all(tx, chain).await?.last() {
            Some(top) if Some(top.to_number) == head && self.low <= top.to_number.saturating_add(1) => {
                scans::end_at(tx, chain, top, last, self.now).await
            }
            _ => {
                let lowest = self.blocks.first().filter(|lowest| lowest.number == self.low).map(|lowest| lowest.hash.as_str());
                scans::begin(tx, chain, (self.low, lowest), last, self.now).await
            }
        }
    }

    /// A transfer outside of the blocks that are taken would never be taken back with them.
    fn check_places(&self) -> Result<(), Fault> {
        let above = self.from.as_ref().map_or(0, |cursor| cursor.head_number);
        let head = self.blocks.last().map_or(0, |block| block.number);
        let stray =
            self.transfers.iter().find(|(_, transfer)| transfer.block_number > head || (transfer.block_number <= above && above > 0));
        match stray {
            Some((_, transfer)) => Err(Fault::Corrupt(format!("transfer {} lies outside of the blocks read", transfer.tx_hash))),
            None => Ok(()),
        }
    }

    /// How high the chain has come to rest: as far as our own blocks are those that its nodes call final.
    async fn rested(&self, tx: &mut Tx<'_>, head: u64) -> Result<u64, Fault> {
        let before = self.from.as_ref().map_or(0, |cursor| cursor.finalized_number);
        let Some(last) = &self.finalized else { return Ok(before) };
        if last.number > head {
            return Ok(head.max(before));
        }
        // The newest block is kept by now, and so is the one of the head where there is none.
        let kept = chains::newest_at_or_below(tx, self.chain.id.as_str(), last.number).await?;
        let ours = kept.is_some_and(|kept| kept.number == last.number && (last.hash.is_empty() || kept.hash == last.hash));
        Ok(if ours { last.number.max(before) } else { before })
    }
}

/// Keeps the newest block at rest and confirmed, and all above it.
async fn forget_old_blocks(tx: &mut Tx<'_>, chain: &str, at_rest: u64) -> Result<(), Fault> {
    match chains::newest_at_or_below(tx, chain, at_rest).await? {
        Some(block) => chains::delete_blocks(tx, chain, u64::MAX, block.number).await,
        None => Ok(()),
    }
}

/// What was found in blocks that the cursor has passed already: a mistake on purpose.
#[cfg(feature = "known-bad")]
#[derive(Debug)]
pub struct CreditLate {
    /// The chain.
    pub chain: Chain,
    /// The transfers.
    pub transfers: Vec<(TransferId, Transfer)>,
    /// The time.
    pub now: Timestamp,
}

#[cfg(feature = "known-bad")]
impl Unit for CreditLate {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        Ok(see_all(tx, &self.chain, &self.transfers, None, self.now).await?)
    }
}

/// A piece of a hole between blocks that had been looked at, filled from below: what a downtime left while the newest blocks came first.
#[derive(Debug)]
pub struct FillHole {
    /// The right to do this.
    pub lease: Lease,
    /// The chain.
    pub chain: Chain,
    /// Where its cursor stands.
    pub from: Cursor,
    /// What lies below the hole.
    pub below: Scan,
    /// What lies above it.
    pub above: Scan,
    /// The last block that was read: at most the first one above the hole.
    pub last: Block,
    /// The transfers between.
    pub transfers: Vec<(TransferId, Transfer)>,
    /// The time.
    pub now: Timestamp,
}

impl Unit for FillHole {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        leases::check(tx, &self.lease).await?;
        let chain = self.chain.id.as_str();
        chains::lock_at(tx, chain, Some(&self.from)).await?;
        if let Some((_, stray)) = self.transfers.iter().find(|(_, transfer)| transfer.block_number > self.last.number) {
            return Err(Fault::Corrupt(format!("transfer {} lies outside of the blocks read", stray.tx_hash)).into());
        }
        let known = self.above.from_hash.as_ref().filter(|_| self.last.number >= self.above.from_number);
        if known.is_some_and(|known| *known != self.last.hash) {
            return Err(Fault::Corrupt(format!("what fills a hole of {chain} does not lead to the blocks above it")).into());
        }
        see_all(tx, &self.chain, &self.transfers, Some(self.from.head_number), self.now).await?;
        if self.last.number >= self.above.from_number {
            scans::join(tx, chain, &self.below, &self.above, self.now).await?;
        } else {
            scans::end_at(tx, chain, &self.below, &self.last, self.now).await?;
        }
        let confirmed = confirmed_block(tx, &self.chain, self.from.head_number, self.from.finalized_number).await?;
        let hole = scans::hole_since(tx, chain).await?;
        let confirmed_time = below_hole(confirmed.map(|block| block.time), hole);
        Ok(chains::put(tx, chain, &Cursor { confirmed_time, ..self.from.clone() }).await?)
    }
}
