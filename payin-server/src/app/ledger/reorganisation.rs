//! Blocks taken back, and the end of following where a chain takes back what was final. Money that was counted is never silently gone:
//! an order that had it says so, and an event tells.

use std::collections::BTreeSet;

use payin_core::{Block, Chain, Units, order as rules};
use payin_types::known_bad::{Mistake, makes};
use payin_types::{EventType, OrderId, Timestamp};

use super::blocks::below_hole;
use super::told::Told;
use super::{confirmed_block, put};
use crate::app::Outcome;
use crate::store::chains::{self, Cursor};
use crate::store::leases::{self, Lease};
use crate::store::{Fault, Tx, Unit, orders, scans, transfers};

/// Blocks above a height are no longer part of the chain.
#[derive(Debug)]
pub struct TakeBack {
    /// The right to do this.
    pub lease: Lease,
    /// The chain.
    pub chain: Chain,
    /// How much less than the amount still completes an order.
    pub tolerance: Units,
    /// Where its cursor stands.
    pub from: Cursor,
    /// The newest block that is still part of the chain.
    pub fork: Block,
    /// The time.
    pub now: Timestamp,
}

impl Unit for TakeBack {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        leases::check(tx, &self.lease).await?;
        let chain = self.chain.id.as_str();
        chains::lock_at(tx, chain, Some(&self.from)).await?;
        let allowed = self.from.take_back_from.is_some_and(|lowest| self.fork.number < lowest);
        if self.fork.number < self.from.finalized_number && !allowed {
            let fault = format!("{chain} took back block {}, which was final: a person must look", self.from.finalized_number);
            return Err(Fault::Corrupt(fault).into());
        }
        let above = self.fork.number.saturating_add(1);
        let stays = makes(Mistake::NothingTakenBack);
        let taken = if stays { Vec::new() } else { transfers::orphan_from(tx, chain, above, self.now).await? };
        chains::delete_blocks(tx, chain, above, 0).await?;
        let orders: BTreeSet<_> = taken.iter().filter_map(|transfer| transfer.for_order()).collect();
        for order in orders {
            self.take_back(tx, &order).await?;
        }
        // What was not confirmed was never promised.
        for deposit in taken.iter().filter(|transfer| transfer.deposit_id.is_some() && transfer.confirmed_at.is_some()) {
            let (organization_id, transfer, amount) = (&deposit.organization_id, &deposit.id, deposit.amount);
            let told = Told { organization_id, transfer, amount, chain: &self.chain, head: self.fork.number, now: self.now };
            told.deposit(tx, EventType::DepositReverted).await?;
        }
        // Below the blocks that are kept: from here on this one is.
        if chains::newest_at_or_below(tx, chain, self.fork.number).await?.is_none_or(|kept| kept.number < self.fork.number) {
            chains::insert_block(tx, chain, &self.fork).await?;
        }
        scans::cut(tx, chain, &self.fork, self.now).await?;
        scans::find(tx, chain, self.fork.number).await?;
        let hole = scans::hole_since(tx, chain).await?;
        let finalized_number = self.from.finalized_number.min(self.fork.number);
        let confirmed = confirmed_block(tx, &self.chain, self.fork.number, finalized_number).await?;
        let cursor = Cursor {
            head_number: self.fork.number,
            head_hash: self.fork.hash.clone(),
            head_time: self.fork.time,
            finalized_number,
            take_back_from: None,
            confirmed_time: below_hole(confirmed.map(|block| block.time), hole),
            updated_at: self.now,
            ..self.from.clone()
        };
        Ok(chains::put(tx, chain, &cursor).await?)
    }
}

impl TakeBack {
    async fn take_back(&self, tx: &mut Tx<'_>, order: &OrderId) -> Result<(), Fault> {
        let stored = orders::lock(tx, order.as_str()).await?;
        let mut facts = stored.facts.clone();
        let received = transfers::received(tx, &facts).await?;
        let what = rules::take_back(&mut facts, &received, self.tolerance, self.now);
        put(tx, &stored, &facts, &what, self.fork.number, self.now).await
    }
}

/// A chain contradicts what was final: it is not followed any more until a person has looked. Nothing on it completes or expires.
#[derive(Debug)]
pub struct Halt {
    /// The right to do this.
    pub lease: Lease,
    /// The chain.
    pub chain: Chain,
    /// Where its cursor stands.
    pub from: Cursor,
    /// What was seen.
    pub reason: String,
}

impl Unit for Halt {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        leases::check(tx, &self.lease).await?;
        chains::lock_at(tx, self.chain.id.as_str(), Some(&self.from)).await?;
        let cursor = Cursor { halted: Some(self.reason.clone()), take_back_from: None, ..self.from.clone() };
        Ok(chains::put(tx, self.chain.id.as_str(), &cursor).await?)
    }
}

/// A halted chain goes on: a person has looked. Its worker does the rest, under its lease.
#[derive(Debug)]
pub struct Resume {
    /// The chain.
    pub chain: Chain,
    /// Why it was halted, as the person was told.
    pub reason: String,
    /// From which height on its blocks may be taken back, final or not; `None`: what was final stays so.
    pub take_back_from: Option<u64>,
}

impl Unit for Resume {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        Ok(chains::resume(tx, self.chain.id.as_str(), &self.reason, self.take_back_from).await?)
    }
}
