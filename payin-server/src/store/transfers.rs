//! Transfers to addresses of the pool. Each is one row for ever, whatever its chain does: (chain, transaction, ordinal in its receipt).

pub mod evidence;
pub mod payee;
pub mod records;
pub mod strays;

use payin_core::address::Address;
use payin_core::order::{Counted, Facts, Payment, Received};
use payin_core::transfer::{Transfer, Unmatched};
use payin_core::{Chain, Units, deposit};
use payin_types::{BindingId, DepositId, OrderId, OrganizationId, Timestamp, TransferId};

use super::db::{Locked, Row};
use super::statement::locked;
use super::{Conn, Fault, Tx, sql};
pub use payee::Payee;

/// What is known of a transfer besides what its chain says.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its id.
    pub id: TransferId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The order it counts for, or was probably meant for.
    pub order_id: Option<OrderId>,
    /// The deposit it is.
    pub deposit_id: Option<DepositId>,
    /// The binding it was credited to, or was probably meant for, and that binding's reference.
    pub binding: Option<(BindingId, String)>,
    /// The row of the address it went to.
    pub address_id: i64,
    /// Why it counts neither for that order nor as a deposit.
    pub unmatched: Option<Unmatched>,
    /// How much.
    pub amount: Units,
    /// When it was confirmed.
    pub confirmed_at: Option<Timestamp>,
    /// When its block was taken back.
    pub orphaned_at: Option<Timestamp>,
}

impl Recorded {
    /// The order whose facts this transfer may change: by its sum, or by having come too late for it.
    #[must_use]
    pub fn for_order(&self) -> Option<OrderId> {
        self.order_id.clone().filter(|_| matches!(self.unmatched, None | Some(Unmatched::Late)))
    }
}

fn recorded(row: Row) -> Result<Recorded, Fault> {
    Ok(Recorded {
        id: row.text("id")?.into(),
        organization_id: row.text("organization_id")?.into(),
        order_id: row.opt_text("order_id")?.map(OrderId::from),
        deposit_id: row.opt_text("deposit_id")?.map(DepositId::from),
        binding: row.opt_text("binding_id")?.map(BindingId::from).zip(row.opt_text("deposit_reference")?),
        address_id: row.int("address_id")?,
        unmatched: unmatched(&row)?,
        amount: row.money(["amount_whole", "amount_nano", "amount_atto"])?,
        confirmed_at: row.opt_time("confirmed_at")?,
        orphaned_at: row.opt_time("orphaned_at")?,
    })
}

/// Why a transfer counts for nothing; `None`: it counts.
pub(super) fn unmatched(row: &Row) -> Result<Option<Unmatched>, Fault> {
    let word = row.opt_text("unmatched")?;
    word.map(|word| Unmatched::known(&word).ok_or_else(|| Fault::Corrupt(format!("'{word}' is no reason")))).transpose()
}

/// A transfer's own columns: what its chain told of it.
fn as_told(row: &Row) -> Result<Transfer, Fault> {
    Ok(Transfer {
        chain_id: row.text("chain_id")?.into(),
        tx_hash: row.text("tx_hash")?,
        ordinal: row.count("ordinal")?,
        block_number: row.count("block_number")?,
        block_hash: row.text("block_hash")?,
        block_time: row.time("block_time")?,
        currency: row.text("currency")?.into(),
        contract: Address::from_canonical(row.text("contract")?),
        from: Address::from_canonical(row.text("from_address")?),
        to: Address::from_canonical(row.text("to_address")?),
        amount: row.money(["amount_whole", "amount_nano", "amount_atto"])?,
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
                "SELECT id, organization_id, address_id, order_id, deposit_id, binding_id, \
                 deposit_reference, unmatched, amount_whole, amount_nano, amount_atto, confirmed_at, orphaned_at FROM transfers \
                 WHERE chain_id = $1 AND tx_hash = $2 AND ordinal = $3"
            )
            .text(transfer.chain_id.as_str())
            .text(transfer.tx_hash.as_str())
            .int(i64::try_from(transfer.ordinal).unwrap_or(i64::MAX)),
        )
        .await?;
    row.map(|row| row.read(recorded)).transpose()
}

/// The id of the deposit that a transfer is, if it is one.
fn deposit_id(id: &TransferId, payee: &Payee, verdict: Result<(), Unmatched>) -> Option<String> {
    (verdict.is_ok() && payee.binding_id().is_some()).then(|| deposit::id_of(id).as_str().to_owned())
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
        sql("INSERT INTO transfers (id, chain_id, tx_hash, ordinal, organization_id, address_id, order_id, deposit_id, binding_id, \
             deposit_reference, unmatched, block_number, block_hash, block_time, currency, contract, from_address, to_address, \
             amount_whole, amount_nano, amount_atto, seen_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)")
        .text(id.as_str())
        .text(transfer.chain_id.as_str())
        .text(transfer.tx_hash.as_str())
        .int(number(transfer.ordinal))
        .text(payee.organization_id.as_str())
        .int(payee.address_id)
        .opt_text(payee.order_id().map(OrderId::as_str))
        .opt_text(deposit_id(id, payee, verdict))
        .opt_text(payee.binding_id())
        .opt_text(payee.deposit_reference())
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
             order_id = $4, deposit_id = $5, binding_id = $6, deposit_reference = $7, unmatched = $8, block_number = $9, \
             block_hash = $10, block_time = $11, currency = $12, contract = $13, from_address = $14, to_address = $15, \
             amount_whole = $16, amount_nano = $17, amount_atto = $18 \
             WHERE id = $1 AND orphaned_at IS NOT NULL")
        .text(seen.id.as_str())
        .text(payee.organization_id.as_str())
        .int(payee.address_id)
        .opt_text(payee.order_id().map(OrderId::as_str))
        .opt_text(deposit_id(&seen.id, payee, verdict))
        .opt_text(payee.binding_id())
        .opt_text(payee.deposit_reference())
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
                "SELECT id, organization_id, address_id, order_id, deposit_id, binding_id, \
                 deposit_reference, unmatched, amount_whole, amount_nano, amount_atto, confirmed_at, orphaned_at FROM transfers \
                 WHERE chain_id = $1 AND block_number >= $2 AND orphaned_at IS NULL ORDER BY id"
            )
            .text(chain)
            .int(number(from)),
        )
        .await?;
    let taken = rows.into_iter().map(|row| row.read(recorded)).collect::<Result<Vec<_>, _>>()?;
    for transfer in &taken {
        let update = sql(
            "UPDATE transfers SET orphaned_at = $2, confirmed_at = NULL, final_at = NULL, agreed_at = NULL WHERE id = $1 AND orphaned_at IS NULL",
        );
        tx.change_one(update.text(transfer.id.as_str()).int(now.millis())).await?;
    }
    Ok(taken)
}

/// Confirms transfers of a chain in blocks up to a height, a bounded number at a time. Answers those it confirmed.
///
/// # Errors
/// What the database says.
pub async fn confirm_up_to(tx: &mut Tx<'_>, chain: &Chain, at: Heights, now: Timestamp) -> Result<Vec<Locked<Recorded>>, Fault> {
    let rows = tx
        .lock_all(
            locked!(
                "SELECT id, organization_id, address_id, order_id, deposit_id, binding_id, \
                 deposit_reference, unmatched, amount_whole, amount_nano, amount_atto, confirmed_at, orphaned_at FROM transfers \
                 WHERE chain_id = $1 AND block_number <= $2 AND confirmed_at IS NULL AND orphaned_at IS NULL \
                 AND (block_number <= $3 OR ((amount_whole, amount_nano, amount_atto) < ($4, $5, $6) \
                 AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.id = transfers.order_id AND (o.amount_whole, o.amount_nano, o.amount_atto) >= ($4, $5, $6)))) \
                 AND (agreed_at IS NOT NULL OR ((amount_whole, amount_nano, amount_atto) < ($7, $8, $9) \
                 AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.id = transfers.order_id AND (o.amount_whole, o.amount_nano, o.amount_atto) >= ($7, $8, $9)))) \
                 ORDER BY block_number, id LIMIT 100"
            )
            .text(chain.id.as_str())
            .int(number(at.confirmed))
            .int(number(at.finalized))
            .money(tier(chain.final_above))
            .money(tier(chain.agreed_above)),
        )
        .await?;
    let confirmed = rows.into_iter().map(|row| row.read(recorded)).collect::<Result<Vec<_>, _>>()?;
    for transfer in &confirmed {
        let update = sql("UPDATE transfers SET confirmed_at = $2 WHERE id = $1 AND confirmed_at IS NULL AND orphaned_at IS NULL");
        tx.change_one(update.text(transfer.id.as_str()).int(now.millis())).await?;
    }
    Ok(confirmed)
}

/// Makes confirmed transfers of a chain in blocks up to a height final. Answers which.
///
/// # Errors
/// What the database says.
pub async fn finalize_up_to(tx: &mut Tx<'_>, chain: &str, height: u64, now: Timestamp) -> Result<Vec<Recorded>, Fault> {
    let update = sql("UPDATE transfers SET final_at = $3 WHERE chain_id = $1 AND block_number <= $2 AND final_at IS NULL \
                      AND orphaned_at IS NULL AND confirmed_at IS NOT NULL \
                      RETURNING id, organization_id, address_id, order_id, deposit_id, binding_id, \
                 deposit_reference, unmatched, amount_whole, amount_nano, amount_atto, confirmed_at, orphaned_at");
    let rows = tx.all(update.text(chain).int(number(height)).int(now.millis())).await?;
    rows.into_iter().map(recorded).collect()
}

/// Up to where blocks count, and up to where nothing is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heights {
    /// The highest block with enough confirmations.
    pub confirmed: u64,
    /// The highest block at rest.
    pub finalized: u64,
}

/// A tier's least amount, by the transfer's own amount or that of the order it pays, which may come in many small parts; where there is no tier, more than anything.
fn tier(least: Option<Units>) -> Units {
    least.unwrap_or(Units::MAX)
}

/// Whether any transfer of a chain can be confirmed or made final at these heights: whether settling has work to do.
///
/// # Errors
/// What the database says.
pub async fn waiting(conn: &mut Conn, chain: &Chain, at: Heights) -> Result<bool, Fault> {
    let row = conn
        .one(
            sql("SELECT 1 AS one FROM transfers WHERE chain_id = $1 AND orphaned_at IS NULL \
                 AND ((confirmed_at IS NULL AND block_number <= $2 \
                 AND (block_number <= $3 OR ((amount_whole, amount_nano, amount_atto) < ($4, $5, $6) \
                 AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.id = transfers.order_id AND (o.amount_whole, o.amount_nano, o.amount_atto) >= ($4, $5, $6)))) \
                 AND (agreed_at IS NOT NULL OR ((amount_whole, amount_nano, amount_atto) < ($7, $8, $9) \
                 AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.id = transfers.order_id AND (o.amount_whole, o.amount_nano, o.amount_atto) >= ($7, $8, $9))))) \
                 OR (confirmed_at IS NOT NULL AND final_at IS NULL AND block_number <= $3)) LIMIT 1")
            .text(chain.id.as_str())
            .int(number(at.confirmed))
            .int(number(at.finalized))
            .money(tier(chain.final_above))
            .money(tier(chain.agreed_above)),
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

/// What has come for an order, computed from its transfers.
///
/// # Errors
/// What the database says.
pub async fn received(tx: &mut Tx<'_>, order: &Facts) -> Result<Received, Fault> {
    let query = sql("SELECT tx_hash, block_number, unmatched, confirmed_at, amount_whole, amount_nano, amount_atto FROM transfers \
                     WHERE order_id = $1 AND orphaned_at IS NULL \
                     AND (unmatched IS NULL OR (unmatched = 'late' AND chain_id = $2 AND currency = $3)) ORDER BY block_number, ordinal, id");
    let query = query.text(order.id.as_str()).text(order.terms.chain_id.as_str()).text(order.terms.currency.as_str());
    let mut received = Received::default();
    for row in tx.all(query).await? {
        let amount = row.money(["amount_whole", "amount_nano", "amount_atto"])?;
        let payment = Payment { tx_hash: row.text("tx_hash")?, block_number: row.count("block_number")? };
        let counted = Counted { payment, amount, is_confirmed: row.opt_int("confirmed_at")?.is_some() };
        let is_late = unmatched(&row)?.is_some();
        received.add(counted, is_late).ok_or_else(|| Fault::Corrupt(format!("what {} received overflows", order.id)))?;
    }
    Ok(received)
}
