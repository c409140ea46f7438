//! What comparing each chain with the database last found.

use payin_types::Timestamp;

use super::{Conn, Fault, Tx, sql};

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    /// The lowest block compared.
    pub from_number: u64,
    /// The highest.
    pub to_number: u64,
    /// How many transfers the chain has in them to addresses that were watched.
    pub transfers: u64,
    /// The first differences, as JSON.
    pub differences: String,
    /// How many there are.
    pub difference_count: u64,
    /// When, by our clock.
    pub reconciled_at: Timestamp,
}

/// What a chain's last comparison found.
///
/// # Errors
/// What the database says.
pub async fn get(conn: &mut Conn, chain: &str) -> Result<Option<Reconciliation>, Fault> {
    let query = sql("SELECT from_number, to_number, transfers, differences, difference_count, reconciled_at FROM chain_reconciliations \
                     WHERE chain_id = $1");
    let Some(row) = conn.one(query.text(chain)).await? else { return Ok(None) };
    Ok(Some(Reconciliation {
        from_number: row.count("from_number")?,
        to_number: row.count("to_number")?,
        transfers: row.count("transfers")?,
        differences: row.text("differences")?,
        difference_count: row.count("difference_count")?,
        reconciled_at: row.time("reconciled_at")?,
    }))
}

/// Keeps what a comparison found, in place of the one before.
///
/// # Errors
/// What the database says.
pub async fn put(tx: &mut Tx<'_>, chain: &str, found: &Reconciliation) -> Result<(), Fault> {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    tx.change_one(
        sql(
            "INSERT INTO chain_reconciliations (chain_id, from_number, to_number, transfers, differences, difference_count, reconciled_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (chain_id) DO UPDATE SET from_number = excluded.from_number, \
             to_number = excluded.to_number, transfers = excluded.transfers, differences = excluded.differences, \
             difference_count = excluded.difference_count, reconciled_at = excluded.reconciled_at",
        )
        .text(chain)
        .int(number(found.from_number))
        .int(number(found.to_number))
        .int(number(found.transfers))
        .text(found.differences.as_str())
        .int(number(found.difference_count))
        .int(found.reconciled_at.millis()),
    )
    .await
}
