//! Transfers to addresses of the pool. Each is one row for ever, whatever its chain does: (chain, transaction, ordinal in its receipt).

use payin_core::Units;
use payin_core::address::Address;
use payin_core::order::Payment;
use payin_core::transfer::{Holder, Transfer, Unmatched};
use payin_types::{OrderId, OrganizationId, Timestamp, TransferId};

use super::db::{Locked, Row};
use super::statement::locked;
use super::{Conn, Fault, Tx, sql};

/// An address of the pool that was paid, and who holds or last held it.
#[derive(Debug, Clone)]
pub struct Payee {
    /// Its row.
    pub address_id: i64,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The order that holds or last held it.
    pub order_id: Option<OrderId>,
    /// What that order asks for.
    pub holder: Option<Holder>,
}

/// Who an address belongs to, with the order whose assignment covers a block's time, else the latest one before it.
///
/// # Errors
/// What the database says.
pub async fn payee(tx: &mut Tx<'_>, protocol: &str, address: &Address, block_time: Timestamp) -> Result<Option<Payee>, Fault> {
    let row = tx
        .one(
            sql("SELECT p.id AS address_id, p.organization_id, o.id AS order_id, o.chain_id, o.currency, o.closes_at, o.expired_at, \
                 a.released_at FROM pool_addresses p \
                 LEFT JOIN assignments a ON a.address_id = p.id AND a.begins_at <= $3 AND a.holder_kind = 'order' \
                 LEFT JOIN orders o ON o.id = a.holder_id \
                 WHERE p.protocol = $1 AND p.address = $2 \
                 ORDER BY a.begins_at DESC NULLS LAST, a.released_at DESC NULLS FIRST LIMIT 1")
            .text(protocol)
            .text(address.as_str())
            .int(block_time.millis()),
        )
        .await?;
    row.as_ref().map(read_payee).transpose()
}

fn read_payee(row: &Row) -> Result<Payee, Fault> {
    let order_id = row.opt_text("order_id")?.map(OrderId::from);
    let holder = match &order_id {
        None => None,
        Some(_) => Some(Holder {
            chain_id: row.text("chain_id")?.into(),
            currency: row.text("currency")?.into(),
            closes_at: row.time("closes_at")?,
            expired: row.opt_int("expired_at")?.is_some(),
            released_at: row.opt_time("released_at")?,
        }),
    };
    Ok(Payee { address_id: row.int("address_id")?, organization_id: row.text("organization_id")?.into(), order_id, holder })
}

/// What is known of a transfer besides what its chain says.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its id.
    pub id: TransferId,
    /// The order it counts for, or was probably meant for.
    pub order_id: Option<OrderId>,
    /// Whether it counts for that order.
    pub counts: bool,
    /// When it was confirmed.
    pub confirmed_at: Option<Timestamp>,
    /// When its block was taken back.
    pub orphaned_at: Option<Timestamp>,
}

fn recorded(row: Row) -> Result<Recorded, Fault> {
    Ok(Recorded {
        id: row.text("id")?.into(),
        order_id: row.opt_text("order_id")?.map(OrderId::from),
        counts: row.opt_text("unmatched")?.is_none(),
        confirmed_at: row.opt_time("confirmed_at")?,
        orphaned_at: row.opt_time("orphaned_at")?,
    })
}

/// The transfer with this identity, if it was seen before.
///
/// # Errors
/// What the database says.
pub async fn lock_seen(tx: &mut Tx<'_>, transfer: &Transfer) -> Result<Option<Locked<Recorded>>, Fault> {
    let row = tx
        .lock(
            locked!(
                "SELECT id, order_id, unmatched, confirmed_at, orphaned_at FROM transfers \
                 WHERE chain_id = $1 AND tx_hash = $2 AND ordinal = $3"
            )
            .text(transfer.chain_id.as_str())
            .text(transfer.tx_hash.as_str())
            .int(i64::try_from(transfer.ordinal).unwrap_or(i64::MAX)),
        )
        .await?;
    row.map(|row| row.read(recorded)).transpose()
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Records a transfer seen for the first time.
///
/// # Errors
/// What the database says; a unique violation if it was seen before.
pub async fn insert(
    tx: &mut Tx<'_>,
    id: &TransferId,
    transfer: &Transfer,
    payee: &Payee,
    verdict: Result<(), Unmatched>,
    now: Timestamp,
) -> Result<(), Fault> {
    tx.change_one(
        sql("INSERT INTO transfers (id, chain_id, tx_hash, ordinal, organization_id, address_id, order_id, unmatched, block_number, \
             block_hash, block_time, currency, contract, from_address, to_address, amount_whole, amount_nano, amount_atto, seen_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)")
        .text(id.as_str())
        .text(transfer.chain_id.as_str())
        .text(transfer.tx_hash.as_str())
        .int(number(transfer.ordinal))
        .text(payee.organization_id.as_str())
        .int(payee.address_id)
        .opt_text(payee.order_id.as_ref().map(OrderId::as_str))
        .opt_text(verdict.err().map(Unmatched::as_str))
        .int(number(transfer.block_number))
        .text(transfer.block_hash.as_str())
        .int(transfer.block_time.millis())
        .text(transfer.currency.as_str())
        .text(transfer.contract.as_str())
        .text(transfer.from.as_str())
        .text(transfer.to.as_str())
        .money(transfer.amount)
        .int(now.millis()),
    )
    .await
}

/// A transfer that a reorganisation had taken back stands in a block again. Its identity is the same; all else may differ, for a contract
/// can do another thing in another block: what the chain says now is written, and what it counts for is decided anew.
///
/// # Errors
/// What the database says.
pub async fn include_again(
    tx: &mut Tx<'_>,
    seen: &Locked<Recorded>,
    transfer: &Transfer,
    payee: &Payee,
    verdict: Result<(), Unmatched>,
) -> Result<(), Fault> {
    tx.change_one(
        sql("UPDATE transfers SET orphaned_at = NULL, confirmed_at = NULL, final_at = NULL, organization_id = $2, address_id = $3, \
             order_id = $4, unmatched = $5, block_number = $6, block_hash = $7, block_time = $8, currency = $9, contract = $10, \
             from_address = $11, to_address = $12, amount_whole = $13, amount_nano = $14, amount_atto = $15 \
             WHERE id = $1 AND orphaned_at IS NOT NULL")
        .text(seen.id.as_str())
        .text(payee.organization_id.as_str())
        .int(payee.address_id)
        .opt_text(payee.order_id.as_ref().map(OrderId::as_str))
        .opt_text(verdict.err().map(Unmatched::as_str))
        .int(number(transfer.block_number))
        .text(transfer.block_hash.as_str())
        .int(transfer.block_time.millis())
        .text(transfer.currency.as_str())
        .text(transfer.contract.as_str())
        .text(transfer.from.as_str())
        .text(transfer.to.as_str())
        .money(transfer.amount),
    )
    .await
}

/// Takes back every transfer of a chain in blocks of this height or above. Answers what it took back.
///
/// # Errors
/// What the database says.
pub async fn orphan_from(tx: &mut Tx<'_>, chain: &str, from: u64, now: Timestamp) -> Result<Vec<Locked<Recorded>>, Fault> {
    let rows = tx
        .lock_all(
            locked!(
                "SELECT id, order_id, unmatched, confirmed_at, orphaned_at FROM transfers \
                 WHERE chain_id = $1 AND block_number >= $2 AND orphaned_at IS NULL ORDER BY id"
            )
            .text(chain)
            .int(number(from)),
        )
        .await?;
    let taken = rows.into_iter().map(|row| row.read(recorded)).collect::<Result<Vec<_>, _>>()?;
    for transfer in &taken {
        let update =
            sql("UPDATE transfers SET orphaned_at = $2, confirmed_at = NULL, final_at = NULL WHERE id = $1 AND orphaned_at IS NULL");
        tx.change_one(update.text(transfer.id.as_str()).int(now.millis())).await?;
    }
    Ok(taken)
}

/// Confirms transfers of a chain in blocks up to a height, a bounded number at a time. Answers those it confirmed.
///
/// # Errors
/// What the database says.
pub async fn confirm_up_to(tx: &mut Tx<'_>, chain: &str, height: u64, now: Timestamp) -> Result<Vec<Locked<Recorded>>, Fault> {
    let rows = tx
        .lock_all(
            locked!(
                "SELECT id, order_id, unmatched, confirmed_at, orphaned_at FROM transfers \
                 WHERE chain_id = $1 AND block_number <= $2 AND confirmed_at IS NULL AND orphaned_at IS NULL \
                 ORDER BY block_number, id LIMIT 100"
            )
            .text(chain)
            .int(number(height)),
        )
        .await?;
    let confirmed = rows.into_iter().map(|row| row.read(recorded)).collect::<Result<Vec<_>, _>>()?;
    for transfer in &confirmed {
        let update = sql("UPDATE transfers SET confirmed_at = $2 WHERE id = $1 AND confirmed_at IS NULL AND orphaned_at IS NULL");
        tx.change_one(update.text(transfer.id.as_str()).int(now.millis())).await?;
    }
    Ok(confirmed)
}

/// Makes confirmed transfers of a chain in blocks up to a height final.
///
/// # Errors
/// What the database says.
pub async fn finalize_up_to(tx: &mut Tx<'_>, chain: &str, height: u64, now: Timestamp) -> Result<u64, Fault> {
    let update = sql("UPDATE transfers SET final_at = $3 WHERE chain_id = $1 AND block_number <= $2 AND final_at IS NULL \
                      AND orphaned_at IS NULL AND confirmed_at IS NOT NULL");
    tx.execute(update.text(chain).int(number(height)).int(now.millis())).await
}

/// Whether any transfer of a chain waits for confirmation or finality up to these heights: whether settling has work to do.
///
/// # Errors
/// What the database says.
pub async fn waiting(conn: &mut Conn, chain: &str, confirmed: u64, finalized: u64) -> Result<bool, Fault> {
    let row = conn
        .one(
            sql("SELECT 1 AS one FROM transfers WHERE chain_id = $1 AND orphaned_at IS NULL \
                 AND ((confirmed_at IS NULL AND block_number <= $2) OR (confirmed_at IS NOT NULL AND final_at IS NULL AND block_number <= $3)) \
                 LIMIT 1")
            .text(chain)
            .int(number(confirmed))
            .int(number(finalized)),
        )
        .await?;
    Ok(row.is_some())
}

/// Whether an order has a payment that waits for confirmations.
///
/// # Errors
/// What the database says.
pub async fn has_pending(tx: &mut Tx<'_>, order: &OrderId) -> Result<bool, Fault> {
    let query = sql("SELECT 1 AS one FROM transfers WHERE order_id = $1 AND unmatched IS NULL AND confirmed_at IS NULL \
                     AND orphaned_at IS NULL LIMIT 1");
    Ok(tx.one(query.text(order.as_str())).await?.is_some())
}

/// What an order has received: the transfers that count for it and stand on the chain.
#[derive(Debug, Clone, Default)]
pub struct Received {
    /// The sum of the confirmed ones.
    pub sum: Units,
    /// All of them, in the order of the chain, and whether each is confirmed.
    pub standing: Vec<(Payment, bool)>,
}

/// What an order has received, computed from its transfers.
///
/// # Errors
/// What the database says.
pub async fn received(tx: &mut Tx<'_>, order: &OrderId) -> Result<Received, Fault> {
    let query = sql("SELECT tx_hash, block_number, confirmed_at, amount_whole, amount_nano, amount_atto FROM transfers \
                     WHERE order_id = $1 AND unmatched IS NULL AND orphaned_at IS NULL ORDER BY block_number, ordinal, id");
    let mut received = Received::default();
    for row in tx.all(query.text(order.as_str())).await? {
        let payment = Payment { tx_hash: row.text("tx_hash")?, block_number: row.count("block_number")? };
        let confirmed = row.opt_int("confirmed_at")?.is_some();
        if confirmed {
            let amount = row.money(["amount_whole", "amount_nano", "amount_atto"])?;
            received.sum = received.sum.checked_add(amount).ok_or_else(|| Fault::Corrupt(format!("what {order} received overflows")))?;
        }
        received.standing.push((payment, confirmed));
    }
    Ok(received)
}
