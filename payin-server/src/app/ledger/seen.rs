//! What was found in blocks: each transfer recorded once, counted for its order or kept with the reason why not. Which blocks were read is
//! not its business, and nothing is completed here.

use std::collections::BTreeMap;

use payin_core::order::Facts;
use payin_core::transfer::{Transfer, Unmatched, attribute};
use payin_core::{Chain, Units, event};
use payin_types::{EventType, OrderId, Timestamp, TransferId};

use super::told::Told;
use super::{put, refresh};
use crate::app::events::{Happened, record};
use crate::store::transfers::{self, Payee};
use crate::store::{Fault, Tx, events, orders, pool};

/// A stray transfer smaller than this does not take its address out of use: dust would otherwise empty a pool for nothing.
/// The vendor's smallest payment is 0.01 (source: supported-tokens guide).
const STRAY_MIN: (u128, u32) = (1, 2);

/// Records what was found in blocks. `head`: how high the chain is, where the blocks are not its newest.
pub(super) async fn see_all(
    tx: &mut Tx<'_>,
    chain: &Chain,
    transfers: &[(TransferId, Transfer)],
    head: Option<u64>,
    now: Timestamp,
) -> Result<(), Fault> {
    let mut paid = BTreeMap::new();
    for (id, transfer) in transfers {
        let head = head.unwrap_or(transfer.block_number);
        if let Some(order) = see(tx, chain, id, transfer, head, now).await? {
            paid.insert(order, head);
        }
    }
    // Once for each order, however many transfers somebody crams into a block.
    for (order, head) in paid {
        count(tx, &order, head, now).await?;
    }
    Ok(())
}

/// Records a transfer to an address of the pool. Answers the order it counts for.
async fn see(
    tx: &mut Tx<'_>,
    chain: &Chain,
    id: &TransferId,
    transfer: &Transfer,
    head: u64,
    now: Timestamp,
) -> Result<Option<OrderId>, Fault> {
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
    let told = Told { organization_id: &payee.organization_id, transfer: id, chain, head, now };
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
