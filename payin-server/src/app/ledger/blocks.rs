//! Blocks taken in: each transfer in them recorded once, counted for its order or kept with the reason why not. Nothing is completed here.

use std::collections::BTreeMap;

use payin_core::finality::Rest;
use payin_core::order::Facts;
use payin_core::transfer::{Transfer, Unmatched, attribute};
use payin_core::{Block, Chain, Units, event};
use payin_types::{EventType, OrderId, Timestamp, TransferId};

use super::told::Told;
use super::{confirmed_block, put, refresh};
use crate::app::Outcome;
use crate::app::events::{Happened, record};
use crate::store::chains::{self, Cursor};
use crate::store::leases::{self, Lease};
use crate::store::transfers::{self, Payee};
use crate::store::{Fault, Tx, Unit, events, orders, pool};

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
        let mut paid = BTreeMap::new();
        for (id, transfer) in &self.transfers {
            if let Some(order) = see(tx, &self.chain, id, transfer, self.now).await? {
                paid.insert(order, transfer.block_number);
            }
        }
        // Once for each order, however many transfers somebody crams into a block.
        for (order, block) in paid {
            count(tx, &order, block, self.now).await?;
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

impl TakeBlocks {
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
        if last.number >= head {
            return Ok(head.max(before));
        }
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

/// Records a transfer to an address of the pool. Answers the order it counts for.
async fn see(tx: &mut Tx<'_>, chain: &Chain, id: &TransferId, transfer: &Transfer, now: Timestamp) -> Result<Option<OrderId>, Fault> {
    let seen = transfers::lock_seen(tx, transfer).await?;
    if seen.as_ref().is_some_and(|seen| seen.orphaned_at.is_none()) {
        return Ok(None);
    }
    let Some(payee) = transfers::payee::find(tx, chain.protocol.as_str(), &transfer.to, transfer.block_time).await? else {
        return Ok(None);
    };
    let (payee, verdict) = match &seen {
        Some(seen) if payee.succeeds(seen) => {
            let had_holder = seen.order_id.is_some() || seen.binding.is_some();
            (payee.formerly(seen), Err(if had_holder { Unmatched::Late } else { Unmatched::NoHolder }))
        }
        _ => {
            let verdict = attribute(transfer, payee.holder().as_ref());
            (payee, verdict)
        }
    };
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
    let told = Told { organization_id: &payee.organization_id, transfer: id, chain, head: transfer.block_number, now };
    told.transfer(tx, EventType::TransferDetected).await?;
    match (verdict, payee.order_id(), payee.binding_id()) {
        (Ok(()), Some(order), _) => Ok(Some(order.clone())),
        (Ok(()), None, Some(_)) => told.deposit(tx, EventType::DepositPending).await.map(|()| None),
        (Ok(()), None, None) => Err(Fault::Corrupt(format!("transfer {id} counts for nobody"))),
        (Err(reason), ..) => stray(tx, id, transfer, &payee, reason, now).await.map(|()| None),
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
    if let (Unmatched::Late, Some(order)) = (reason, payee.order_id()) {
        let stored = orders::lock(tx, order.as_str()).await?;
        if stored.facts.completed_at.is_none() && stored.facts.paid_late_at.is_none() {
            let facts = Facts { paid_late_at: Some(now), ..stored.facts.clone() };
            // Told when the order has expired: a payment in time may still be on its way to being confirmed.
            let what: &[EventType] = if facts.expired_at.is_some() { &[EventType::OrderPaidLate] } else { &[] };
            put(tx, &stored, &facts, what, transfer.block_number, now).await?;
        }
    }
    let happened = Happened {
        organization_id: &payee.organization_id,
        event_type: EventType::TransferUnmatched,
        object_id: id.as_str(),
        sequence: events::count(tx, id.as_str()).await?.saturating_add(1),
        data: event::unmatched_data(id.as_str(), transfer, reason),
        now,
    };
    record(tx, happened).await.map(drop)
}
