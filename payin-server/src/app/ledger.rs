//! What a chain says becomes what an order has received: blocks taken in, taken back, confirmed; orders completed, expired, released.
//! Each is one transaction with the move of the chain's cursor and the events it causes, under the chain's lease.

use std::collections::BTreeSet;
use std::time::Duration;

use payin_core::order::{Facts, is_paid, may_expire};
use payin_core::transfer::{Transfer, Unmatched, attribute};
use payin_core::{Block, Chain, Units, event, finality};
use payin_types::{EventType, OrderId, Timestamp, TransferId};

use super::Outcome;
use super::events::{Happened, record};
use crate::store::chains::{self, Cursor};
use crate::store::db::Locked;
use crate::store::leases::{self, Lease};
use crate::store::orders::{self, Stored};
use crate::store::transfers::{self, Payee, Received};
use crate::store::{Fault, Tx, Unit, pool};

/// A stray transfer smaller than this does not take its address out of use: dust would otherwise empty a pool for nothing.
/// The vendor's smallest payment is 0.01 (source: supported-tokens guide).
const STRAY_MIN: (u128, u32) = (1, 2);

/// Blocks of a chain, above its cursor, with the transfers in them to addresses of the pool.
#[derive(Debug)]
pub struct TakeBlocks {
    /// The right to do this.
    pub lease: Lease,
    /// The chain.
    pub chain: Chain,
    /// Where its cursor stands. `None`: it was never followed.
    pub from: Option<Cursor>,
    /// The blocks, oldest first; each but the first is the child of the one before, unless all are final.
    pub blocks: Vec<Block>,
    /// The transfers, in the order of the chain, each with an id in case it is new.
    pub transfers: Vec<(TransferId, Transfer)>,
    /// The height up to which the chain has come to rest, where that is known.
    pub finalized: Option<u64>,
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
        for (id, transfer) in &self.transfers {
            see(tx, &self.chain, id, transfer, self.now).await?;
        }
        let before = self.from.as_ref();
        let Some(head) = self
            .blocks
            .last()
            .map(|block| (block.number, block.hash.clone(), block.time))
            .or_else(|| before.map(|cursor| (cursor.head_number, cursor.head_hash.clone(), cursor.head_time)))
        else {
            return Ok(());
        };
        let finalized = self.finalized.unwrap_or(0).min(head.0).max(before.map_or(0, |cursor| cursor.finalized_number));
        let confirmed = confirmed_block(tx, &self.chain, head.0).await?;
        forget_old_blocks(tx, chain, finalized.min(confirmed.as_ref().map_or(0, |block| block.number))).await?;
        let cursor = Cursor {
            head_number: head.0,
            head_hash: head.1,
            head_time: head.2,
            finalized_number: finalized,
            confirmed_time: confirmed.map(|block| block.time),
            updated_at: self.now,
            halted: None,
        };
        Ok(chains::put(tx, chain, &cursor).await?)
    }
}

async fn confirmed_block(tx: &mut Tx<'_>, chain: &Chain, head: u64) -> Result<Option<Block>, Fault> {
    match finality::confirmed_height(head, chain.confirmations) {
        Some(height) => chains::newest_at_or_below(tx, chain.id.as_str(), height).await,
        None => Ok(None),
    }
}

/// Keeps the newest block at rest and confirmed, and all above it.
async fn forget_old_blocks(tx: &mut Tx<'_>, chain: &str, at_rest: u64) -> Result<(), Fault> {
    match chains::newest_at_or_below(tx, chain, at_rest).await? {
        Some(block) => chains::delete_blocks(tx, chain, u64::MAX, block.number).await,
        None => Ok(()),
    }
}

/// Records a transfer to an address of the pool, and lets the order it counts for know.
async fn see(tx: &mut Tx<'_>, chain: &Chain, id: &TransferId, transfer: &Transfer, now: Timestamp) -> Result<(), Fault> {
    let seen = transfers::lock_seen(tx, transfer).await?;
    if seen.as_ref().is_some_and(|seen| seen.orphaned_at.is_none()) {
        return Ok(());
    }
    let Some(payee) = transfers::payee(tx, chain.protocol.as_str(), &transfer.to, transfer.block_time).await? else { return Ok(()) };
    let verdict = attribute(transfer, payee.holder.as_ref());
    let id = match &seen {
        Some(seen) => {
            transfers::include_again(tx, seen, transfer, &payee, verdict).await?;
            &seen.id
        }
        None => {
            transfers::insert(tx, id, transfer, &payee, verdict, now).await?;
            id
        }
    };
    match (verdict, &payee.order_id) {
        (Ok(()), Some(order)) => count(tx, order, transfer.block_number, now).await,
        (Ok(()), None) => Err(Fault::Corrupt(format!("transfer {id} counts for nobody"))),
        (Err(reason), _) => stray(tx, id, transfer, &payee, reason, now).await,
    }
}

/// An order has a payment that waits for confirmations.
async fn count(tx: &mut Tx<'_>, order: &OrderId, head: u64, now: Timestamp) -> Result<(), Fault> {
    let stored = orders::lock(tx, order.as_str()).await?;
    let mut facts = stored.facts.clone();
    let first = facts.seen_at.is_none();
    facts.seen_at.get_or_insert(now);
    refresh(&mut facts, &transfers::received(tx, order).await?);
    let what = if first { vec![EventType::OrderPaymentDetected] } else { Vec::new() };
    put(tx, &stored, &facts, &what, head, now).await
}

/// A transfer that counts for nobody: recorded with its reason, told to whoever asks, its address kept out of use.
async fn stray(
    tx: &mut Tx<'_>,
    id: &TransferId,
    transfer: &Transfer,
    payee: &Payee,
    reason: Unmatched,
    now: Timestamp,
) -> Result<(), Fault> {
    if Units::from_base_units(STRAY_MIN.0, STRAY_MIN.1).is_some_and(|least| transfer.amount >= least) {
        pool::quarantine(tx, payee.address_id, now).await?;
    }
    if let (Unmatched::Late, Some(order)) = (reason, &payee.order_id) {
        let stored = orders::lock(tx, order.as_str()).await?;
        if stored.facts.completed_at.is_none() && stored.facts.paid_late_at.is_none() {
            let facts = Facts { paid_late_at: Some(now), ..stored.facts.clone() };
            put(tx, &stored, &facts, &[EventType::OrderPaidLate], transfer.block_number, now).await?;
        }
    }
    let happened = Happened {
        organization_id: &payee.organization_id,
        event_type: EventType::TransferUnmatched,
        object_id: id.as_str(),
        // A transfer that a reorganisation brings back is told once: its id is the object, and it has this event only.
        sequence: 1,
        data: event::unmatched_data(id.as_str(), transfer, reason),
        now,
    };
    if crate::store::events::has_type(tx, id.as_str(), &EventType::TransferUnmatched).await? {
        return Ok(());
    }
    record(tx, happened).await.map(drop)
}

/// Brings an order's sum and payment up to its transfers.
fn refresh(facts: &mut Facts, received: &Received) {
    facts.received = received.sum;
    let latest = |confirmed: bool| received.standing.iter().rev().find(|(_, is)| !confirmed || *is).map(|(payment, _)| payment.clone());
    let shown = facts.payment.as_ref().filter(|_| facts.completed_at.is_some());
    facts.payment = match shown {
        // A completed order keeps showing the payment that completed it while that stands, in whichever block; and when nothing stands
        // any more, as what was taken back.
        Some(shown) => {
            let again = received.standing.iter().find(|(payment, _)| payment.tx_hash == shown.tx_hash).map(|(payment, _)| payment.clone());
            again.or_else(|| latest(true)).or_else(|| latest(false)).or_else(|| Some(shown.clone()))
        }
        None => latest(true).or_else(|| latest(false)),
    };
}

/// Writes an order with the events that tell of the change.
async fn put(tx: &mut Tx<'_>, before: &Locked<Stored>, after: &Facts, what: &[EventType], head: u64, now: Timestamp) -> Result<(), Fault> {
    let mut sequence = before.event_sequence;
    for event_type in what {
        let next = sequence.saturating_add(1);
        let happened = Happened {
            organization_id: &after.organization_id,
            event_type: event_type.clone(),
            object_id: after.id.as_str(),
            sequence: next,
            data: event::order_data(&after.to_wire(Some(head))),
            now,
        };
        if record(tx, happened).await? {
            sequence = next;
        }
    }
    orders::update(tx, before, after, sequence, now).await
}

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
        if self.fork.number < self.from.finalized_number {
            let fault = format!("{chain} took back block {}, which was final: a person must look", self.from.finalized_number);
            return Err(Fault::Corrupt(fault).into());
        }
        let above = self.fork.number.saturating_add(1);
        let taken = transfers::orphan_from(tx, chain, above, self.now).await?;
        chains::delete_blocks(tx, chain, above, 0).await?;
        let orders: BTreeSet<_> =
            taken.iter().filter(|transfer| transfer.counts).filter_map(|transfer| transfer.order_id.clone()).collect();
        for order in orders {
            self.take_back(tx, &order).await?;
        }
        let confirmed = confirmed_block(tx, &self.chain, self.fork.number).await?;
        let cursor = Cursor {
            head_number: self.fork.number,
            head_hash: self.fork.hash.clone(),
            head_time: self.fork.time,
            confirmed_time: confirmed.map(|block| block.time),
            updated_at: self.now,
            ..self.from.clone()
        };
        Ok(chains::put(tx, chain, &cursor).await?)
    }
}

impl TakeBack {
    /// An order that was completed stays so, says that its payment was taken back, and tells; one that was not waits again.
    async fn take_back(&self, tx: &mut Tx<'_>, order: &OrderId) -> Result<(), Fault> {
        let stored = orders::lock(tx, order.as_str()).await?;
        let mut facts = stored.facts.clone();
        let received = transfers::received(tx, order).await?;
        if facts.completed_at.is_none() && received.standing.is_empty() {
            facts.seen_at = None;
        }
        let unpaid = !is_paid(received.sum, facts.terms.units, self.tolerance);
        let mut what = Vec::new();
        if facts.completed_at.is_some() && facts.reverted_at.is_none() && unpaid {
            facts.reverted_at = Some(self.now);
            what.push(EventType::OrderReverted);
        }
        refresh(&mut facts, &received);
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
        let cursor = Cursor { halted: Some(self.reason.clone()), ..self.from.clone() };
        Ok(chains::put(tx, self.chain.id.as_str(), &cursor).await?)
    }
}

/// Transfers that have enough confirmations count; what they complete is completed; what has come to rest is final.
#[derive(Debug)]
pub struct Settle {
    /// The right to do this.
    pub lease: Lease,
    /// The chain.
    pub chain: Chain,
    /// How much less than the amount still completes an order.
    pub tolerance: Units,
    /// The time.
    pub now: Timestamp,
}

impl Unit for Settle {
    /// Whether anything was settled.
    type Output = bool;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<bool> {
        leases::check(tx, &self.lease).await?;
        let chain = self.chain.id.as_str();
        let Some(cursor) = chains::get(tx, chain).await? else { return Ok(false) };
        let Some(height) = finality::confirmed_height(cursor.head_number, self.chain.confirmations) else { return Ok(false) };
        let confirmed = transfers::confirm_up_to(tx, chain, height, self.now).await?;
        let orders: BTreeSet<_> =
            confirmed.iter().filter(|transfer| transfer.counts).filter_map(|transfer| transfer.order_id.clone()).collect();
        for order in orders {
            self.settle(tx, &order, cursor.head_number).await?;
        }
        let rested = transfers::finalize_up_to(tx, chain, cursor.finalized_number, self.now).await?;
        Ok(!confirmed.is_empty() || rested > 0)
    }
}

impl Settle {
    async fn settle(&self, tx: &mut Tx<'_>, order: &OrderId, head: u64) -> Result<(), Fault> {
        let stored = orders::lock(tx, order.as_str()).await?;
        let mut facts = stored.facts.clone();
        refresh(&mut facts, &transfers::received(tx, order).await?);
        let mut what = Vec::new();
        if is_paid(facts.received, facts.terms.units, self.tolerance) && facts.expired_at.is_none() {
            if facts.completed_at.is_none() || facts.reverted_at.is_some() {
                what.push(EventType::OrderCompleted);
            }
            facts.completed_at.get_or_insert(self.now);
            facts.reverted_at = None;
        }
        put(tx, &stored, &facts, &what, head, self.now).await
    }
}

/// An order whose time is over on its chain expires.
#[derive(Debug)]
pub struct Expire {
    /// The right to do this.
    pub lease: Lease,
    /// The chain.
    pub chain: Chain,
    /// The order.
    pub order: OrderId,
    /// The time.
    pub now: Timestamp,
}

impl Unit for Expire {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        leases::check(tx, &self.lease).await?;
        let Some(cursor) = chains::get(tx, self.chain.id.as_str()).await? else { return Ok(()) };
        let stored = orders::lock(tx, self.order.as_str()).await?;
        let open = stored.facts.completed_at.is_none() && stored.facts.expired_at.is_none();
        let pending = transfers::has_pending(tx, &self.order).await?;
        if !open || !may_expire(stored.facts.closes_at(), cursor.confirmed_time, pending) {
            return Ok(());
        }
        let facts = Facts { expired_at: Some(self.now), ..stored.facts.clone() };
        Ok(put(tx, &stored, &facts, &[EventType::OrderExpired], cursor.head_number, self.now).await?)
    }
}

/// An order to which nothing can happen any more lets go of its address.
#[derive(Debug)]
pub struct Release {
    /// The right to do this.
    pub lease: Lease,
    /// The order.
    pub order: OrderId,
    /// The row of its address.
    pub address_id: i64,
    /// The chain's time: what comes in a later block is no longer this order's.
    pub released_at: Timestamp,
    /// How long the address rests.
    pub cooldown: Duration,
}

impl Unit for Release {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        leases::check(tx, &self.lease).await?;
        let free_from = self.released_at.plus(self.cooldown);
        orders::released(tx, self.order.as_str(), self.released_at).await?;
        Ok(pool::release(tx, self.address_id, self.order.as_str(), self.released_at, free_from).await?)
    }
}
