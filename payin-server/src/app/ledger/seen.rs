//! What was found in blocks: each transfer recorded once, counted for its order or kept with the reason why not. Which blocks were read is
//! not its business, and nothing is completed here.

use std::collections::BTreeMap;

use payin_core::transfer::{Transfer, Unmatched, attribute, is_dust, size};
use payin_core::{Chain, event, order as rules};
use payin_types::{EventType, OrderId, Timestamp, TransferId};

use super::put;
use super::told::Told;
use crate::app::events::{Happened, record};
use crate::store::transfers::strays::{self, Hour};
use crate::store::transfers::{self, Payee};
use crate::store::{Fault, Tx, events, orders, pool};

/// How many transfers of one size that count for nobody are recorded of an address, a chain and an hour: more than people send by mistake, and
/// few enough that nobody fills the database by adding somebody else's busy address to a pool.
const STRAYS_MAX: i64 = 300;

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
    let amount = transfer.amount;
    if seen.is_none() && verdict.is_err() {
        let hour = Hour { chain, at: transfer.block_time, size: size(amount) };
        if !strays::count(tx, payee.address_id, hour, STRAYS_MAX).await? {
            tracing::debug!(chain = %chain.id, address = %transfer.to, tx_hash = transfer.tx_hash, "one of too many that count for nobody is passed over");
            return Ok(None);
        }
    }
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
    let told = Told { organization_id: &payee.organization_id, transfer: id, amount, chain, head, now };
    told.transfer(tx, EventType::TransferDetected).await?;
    match (verdict, payee.order_id(), payee.binding_id()) {
        (Ok(()), Some(order), _) => Ok(Some(order.clone())),
        (Ok(()), None, Some(_)) => told.deposit(tx, EventType::DepositPending).await.map(|()| None),
        (Ok(()), None, None) => Err(Fault::Corrupt(format!("transfer {id} counts for nobody"))),
        (Err(reason), ..) if !is_dust(amount) => stray(tx, id, transfer, &payee, reason, now).await.map(|()| None),
        (Err(_), ..) => Ok(None),
    }
}

/// An order has a payment that waits for confirmations.
async fn count(tx: &mut Tx<'_>, order: &OrderId, head: u64, now: Timestamp) -> Result<(), Fault> {
    let stored = orders::lock(tx, order.as_str()).await?;
    let mut facts = stored.facts.clone();
    let received = transfers::received(tx, &facts).await?;
    let what = rules::see(&mut facts, &received, now);
    put(tx, &stored, &facts, &what, head, now).await
}

/// A transfer that counts for nobody: recorded with its reason, told to whoever asks, its address kept out of use. Not for dust, which
/// would empty a pool for nothing. That an order was paid late is said when the payment is confirmed.
async fn stray(
    tx: &mut Tx<'_>,
    id: &TransferId,
    transfer: &Transfer,
    payee: &Payee,
    reason: Unmatched,
    now: Timestamp,
) -> Result<(), Fault> {
    pool::quarantine(tx, payee.address_id, now).await?;
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
