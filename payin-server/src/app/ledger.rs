//! What a chain says becomes what an order has received: blocks taken in, taken back, confirmed; orders completed, expired, released.
//! Each is one transaction with the move of the chain's cursor and the events it causes, under the chain's lease.

mod blocks;
mod dialect;
mod link;
mod loss;
mod reorganisation;
mod seen;
mod settlement;
mod told;

use payin_core::calendar::Day;
use payin_core::order::Facts;
use payin_core::transfer::Transfer;
use payin_core::{Block, Chain, event};
use payin_types::{EventType, Timestamp, TransferId};

use super::App;
use super::events::{Happened, record};
use crate::store::db::Locked;
use crate::store::orders::{self, Stored};
use crate::store::{Fault, Tx, chains};
#[cfg(feature = "known-bad")]
pub use blocks::CreditLate;
pub use blocks::{FillHole, TakeBlocks};
pub use loss::DeclareLost;
pub use reorganisation::{Halt, Resume, TakeBack};
pub use settlement::{Agree, Expire, Release, Settle};

/// Transfers, each with its id, which is made of what it is: when a restored backup reads it again, it is told of under the id by which it was
/// known before, whichever block it stands in now. The day comes first, which keeps a database's newest rows together.
#[must_use]
pub fn named(app: &App, transfers: Vec<Transfer>) -> Vec<(TransferId, Transfer)> {
    let id = |transfer: &Transfer| {
        let number = app.seal.transfer_number(transfer.chain_id.as_str(), &transfer.tx_hash, transfer.ordinal);
        TransferId::from_time(Day::of(transfer.block_time).begins().millis(), number)
    };
    transfers.into_iter().map(|transfer| (id(&transfer), transfer)).collect()
}

/// The newest block with enough confirmations.
async fn confirmed_block(tx: &mut Tx<'_>, chain: &Chain, head: u64, at_rest: u64) -> Result<Option<Block>, Fault> {
    match chain.confirmed_height(head, at_rest) {
        Some(height) => chains::newest_at_or_below(tx, chain.id.as_str(), height).await,
        None => Ok(None),
    }
}

/// Writes an order with the events that tell of the change.
async fn put(tx: &mut Tx<'_>, before: &Locked<Stored>, after: &Facts, what: &[EventType], head: u64, now: Timestamp) -> Result<(), Fault> {
    let order = after.to_wire(Some(head));
    let told = what.iter().map(|event_type| (event_type.clone(), event::order_data(&order)));
    let told = told.chain(link::end(tx, before, after, &order, now).await?);
    let mut sequence = before.event_sequence;
    for (event_type, data) in told {
        let next = sequence.saturating_add(1);
        let happened =
            Happened { organization_id: &after.organization_id, event_type, object_id: after.id.as_str(), sequence: next, data, now };
        if record(tx, happened).await? {
            sequence = next;
        }
    }
    dialect::tell(tx, before, after, head, now).await?;
    orders::update(tx, before, after, sequence, now).await
}
