//! Transfers as their chain told them, to be held against what the chain says now. Nothing here decides whose they are.

use payin_core::Units;
use payin_core::transfer::Transfer;
use payin_types::{Timestamp, TransferId};

use crate::store::db::Row;
use crate::store::{Conn, Fault, Tx, sql};

/// Transfers that wait for a second node's word, looked at in one step.
const UNAGREED_MAX: i64 = 100;

fn told(row: &Row) -> Result<(TransferId, Transfer), Fault> {
    Ok((row.text("id")?.into(), super::as_told(row)?))
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Transfers of this much and more, in blocks up to a height, that a second node has not been heard on. The largest first: thousands of
/// grains that somebody adds to a large order hold up themselves alone.
///
/// # Errors
/// What the database says.
pub async fn unagreed(conn: &mut Conn, chain: &str, height: u64, least: Units) -> Result<Vec<(TransferId, Transfer)>, Fault> {
    let query = sql(
        "SELECT id, chain_id, tx_hash, ordinal, block_number, block_hash, block_time, currency, contract, from_address, to_address, \
                     amount_whole, amount_nano, amount_atto FROM transfers WHERE chain_id = $1 AND block_number <= $2 AND confirmed_at IS NULL \
                     AND orphaned_at IS NULL AND agreed_at IS NULL AND ((amount_whole, amount_nano, amount_atto) >= ($3, $4, $5) \
                     OR EXISTS (SELECT 1 FROM orders o WHERE o.id = transfers.order_id \
                     AND (o.amount_whole, o.amount_nano, o.amount_atto) >= ($3, $4, $5))) \
                     ORDER BY amount_whole DESC, amount_nano DESC, amount_atto DESC, block_number, id LIMIT 0 + $6",
    );
    conn.all(query.text(chain).int(number(height)).money(least).int(UNAGREED_MAX)).await?.iter().map(told).collect()
}

/// A second node says the same of a transfer, in this block.
///
/// # Errors
/// [`Fault::Guard`] if it is in another block by now, or what the database says.
pub async fn agree(tx: &mut Tx<'_>, id: &TransferId, block_hash: &str, now: Timestamp) -> Result<(), Fault> {
    let update = sql("UPDATE transfers SET agreed_at = $3 WHERE id = $1 AND block_hash = $2 AND orphaned_at IS NULL AND agreed_at IS NULL");
    tx.change_one(update.text(id.as_str()).text(block_hash).int(now.millis())).await
}

/// The transfers that stand in blocks of a chain, in its order.
///
/// # Errors
/// What the database says.
pub async fn in_blocks(conn: &mut Conn, chain: &str, from: u64, to: u64) -> Result<Vec<(TransferId, Transfer)>, Fault> {
    let query = sql(
        "SELECT id, chain_id, tx_hash, ordinal, block_number, block_hash, block_time, currency, contract, from_address, to_address, \
                     amount_whole, amount_nano, amount_atto FROM transfers WHERE chain_id = $1 AND block_number >= $2 AND block_number <= $3 \
                     AND orphaned_at IS NULL ORDER BY block_number, tx_hash, ordinal",
    );
    conn.all(query.text(chain).int(number(from)).int(number(to))).await?.iter().map(told).collect()
}

/// The newest block of this height or below that a transfer stands in: its height and hash.
///
/// # Errors
/// What the database says.
pub async fn newest_at_or_below(conn: &mut Conn, chain: &str, height: u64) -> Result<Option<(u64, String)>, Fault> {
    let query = sql("SELECT block_number, block_hash FROM transfers WHERE chain_id = $1 AND block_number <= $2 AND orphaned_at IS NULL \
                     ORDER BY block_number DESC LIMIT 1");
    let row = conn.one(query.text(chain).int(number(height))).await?;
    row.map(|row| Ok((row.count("block_number")?, row.text("block_hash")?))).transpose()
}

/// Whether a transfer that counted stands in a block above a height.
///
/// # Errors
/// What the database says.
pub async fn counted_above(conn: &mut Conn, chain: &str, height: u64) -> Result<bool, Fault> {
    let query = sql("SELECT 1 AS one FROM transfers WHERE chain_id = $1 AND block_number > $2 AND confirmed_at IS NOT NULL \
                     AND orphaned_at IS NULL LIMIT 1");
    Ok(conn.one(query.text(chain).int(number(height))).await?.is_some())
}
