//! How far each chain has been followed, and the blocks that may still be taken back.

use payin_core::Block;
use payin_types::Timestamp;

use super::db::Row;
use super::statement::locked;
use super::{Conn, Fault, Tx, sql};

/// How far a chain has been followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The newest block taken in: its height.
    pub head_number: u64,
    /// Its hash.
    pub head_hash: String,
    /// Its time.
    pub head_time: Timestamp,
    /// The newest block that will not be taken back.
    pub finalized_number: u64,
    /// Chain time of the newest block with enough confirmations.
    pub confirmed_time: Option<Timestamp>,
    /// When the cursor last moved, by our clock.
    pub updated_at: Timestamp,
    /// Why the chain is not followed any more.
    pub halted: Option<String>,
    /// A person allows once to take back the blocks of this height and above, final or not.
    pub take_back_from: Option<u64>,
    /// Where the first hole in what has been looked at begins, by the chain's time. Read with the cursor, kept in `chain_scans`.
    pub hole_since: Option<Timestamp>,
}

impl Cursor {
    /// Up to which time of the chain everything has been looked at.
    #[must_use]
    pub fn looked_at_until(&self) -> Timestamp {
        self.hole_since.map_or(self.head_time, |hole| hole.min(self.head_time))
    }
}

fn cursor(row: &Row) -> Result<Cursor, Fault> {
    Ok(Cursor {
        head_number: row.count("head_number")?,
        head_hash: row.text("head_hash")?,
        head_time: row.time("head_time")?,
        finalized_number: row.count("finalized_number")?,
        confirmed_time: row.opt_time("confirmed_time")?,
        updated_at: row.time("updated_at")?,
        halted: row.opt_text("halted")?,
        take_back_from: row.opt_count("take_back_from")?,
        hole_since: row.opt_time("hole_since")?,
    })
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A chain's cursor, if it was ever followed.
///
/// # Errors
/// What the database says.
pub async fn get(conn: &mut Conn, chain: &str) -> Result<Option<Cursor>, Fault> {
    let query = sql("SELECT head_number, head_hash, head_time, finalized_number, confirmed_time, updated_at, halted, take_back_from, \
                     (SELECT CASE WHEN COUNT(*) > 1 THEN MIN(to_time) END FROM chain_scans WHERE chain_scans.chain_id = $1) AS hole_since \
                     FROM chain_cursors WHERE chain_id = $1");
    conn.one(query.text(chain)).await?.as_ref().map(cursor).transpose()
}

/// Every chain's cursor.
///
/// # Errors
/// What the database says.
pub async fn all(conn: &mut Conn) -> Result<Vec<(String, Cursor)>, Fault> {
    let query =
        sql("SELECT chain_id, head_number, head_hash, head_time, finalized_number, confirmed_time, updated_at, halted, take_back_from, \
                     (SELECT CASE WHEN COUNT(*) > 1 THEN MIN(to_time) END FROM chain_scans \
                     WHERE chain_scans.chain_id = chain_cursors.chain_id) AS hole_since FROM chain_cursors ORDER BY chain_id");
    conn.all(query).await?.iter().map(|row| Ok((row.text("chain_id")?, cursor(row)?))).collect()
}

/// Loads the cursor to change what depends on it, wherever it stands.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx<'_>, chain: &str) -> Result<Option<Cursor>, Fault> {
    let row = tx
        .lock(
            locked!(
                "SELECT head_number, head_hash, head_time, finalized_number, confirmed_time, updated_at, halted, take_back_from, \
                 CAST(NULL AS BIGINT) AS hole_since FROM chain_cursors WHERE chain_id = $1"
            )
            .text(chain),
        )
        .await?;
    row.map(|row| cursor(&row)).transpose()
}

/// Loads the cursor to move it; it must stand where the caller believes. `None`: it must not exist yet.
///
/// # Errors
/// [`Fault::Guard`] if it stands elsewhere, or what the database says.
pub async fn lock_at(tx: &mut Tx<'_>, chain: &str, expected: Option<&Cursor>) -> Result<(), Fault> {
    let found = lock(tx, chain).await?;
    let place = |cursor: &Cursor| (cursor.head_number, cursor.head_hash.clone(), cursor.halted.clone(), cursor.take_back_from);
    if found.as_ref().map(place) == expected.map(place) {
        return Ok(());
    }
    Err(Fault::Guard { rows: 0, statement: format!("the cursor of {chain} has moved") })
}

/// Writes the cursor. Only after [`lock_at`] in the same transaction.
///
/// # Errors
/// What the database says.
pub async fn put(tx: &mut Tx<'_>, chain: &str, cursor: &Cursor) -> Result<(), Fault> {
    tx.change_one(
        sql(
            "INSERT INTO chain_cursors (chain_id, head_number, head_hash, head_time, finalized_number, confirmed_time, updated_at, halted, \
             take_back_from) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (chain_id) DO UPDATE SET \
             head_number = excluded.head_number, head_hash = excluded.head_hash, head_time = excluded.head_time, \
             finalized_number = excluded.finalized_number, confirmed_time = excluded.confirmed_time, updated_at = excluded.updated_at, \
             halted = excluded.halted, take_back_from = excluded.take_back_from",
        )
        .text(chain)
        .int(number(cursor.head_number))
        .text(cursor.head_hash.as_str())
        .int(cursor.head_time.millis())
        .int(number(cursor.finalized_number))
        .int(cursor.confirmed_time.map(Timestamp::millis))
        .int(cursor.updated_at.millis())
        .opt_text(cursor.halted.as_deref())
        .int(cursor.take_back_from.map(number)),
    )
    .await
}

/// A chain that was halted for this reason goes on, perhaps with the permission to take back blocks of a height and above.
///
/// # Errors
/// [`Fault::Guard`] if it is not halted for this reason, or what the database says.
pub async fn resume(tx: &mut Tx<'_>, chain: &str, reason: &str, take_back_from: Option<u64>) -> Result<(), Fault> {
    let update = sql("UPDATE chain_cursors SET halted = NULL, take_back_from = $3 WHERE chain_id = $1 AND halted = $2");
    tx.change_one(update.text(chain).text(reason).int(take_back_from.map(number))).await
}

/// Adds a block above the head.
///
/// # Errors
/// What the database says; a unique violation if there is one of that height.
pub async fn insert_block(tx: &mut Tx<'_>, chain: &str, block: &Block) -> Result<(), Fault> {
    tx.change_one(
        sql("INSERT INTO chain_blocks (chain_id, number, hash, parent_hash, time) VALUES ($1, $2, $3, $4, $5)")
            .text(chain)
            .int(number(block.number))
            .text(block.hash.as_str())
            .text(block.parent_hash.as_str())
            .int(block.time.millis()),
    )
    .await
}

/// Forgets the blocks of this height and above, and those below a floor that nobody will ask for again.
///
/// # Errors
/// What the database says.
pub async fn delete_blocks(tx: &mut Tx<'_>, chain: &str, from: u64, below: u64) -> Result<(), Fault> {
    let delete = sql("DELETE FROM chain_blocks WHERE chain_id = $1 AND (number >= $2 OR number < $3)");
    tx.execute(delete.text(chain).int(number(from)).int(number(below))).await.map(drop)
}

/// The newest kept block of this height or below.
///
/// # Errors
/// What the database says.
pub async fn newest_at_or_below(conn: &mut Conn, chain: &str, height: u64) -> Result<Option<Block>, Fault> {
    let query =
        sql("SELECT number, hash, parent_hash, time FROM chain_blocks WHERE chain_id = $1 AND number <= $2 ORDER BY number DESC LIMIT 1");
    conn.one(query.text(chain).int(number(height))).await?.as_ref().map(block).transpose()
}

/// The kept blocks from a height on, newest first.
///
/// # Errors
/// What the database says.
pub async fn blocks_from(conn: &mut Conn, chain: &str, height: u64) -> Result<Vec<Block>, Fault> {
    let query = sql("SELECT number, hash, parent_hash, time FROM chain_blocks WHERE chain_id = $1 AND number >= $2 ORDER BY number DESC");
    conn.all(query.text(chain).int(number(height))).await?.iter().map(block).collect()
}

fn block(row: &Row) -> Result<Block, Fault> {
    Ok(Block { number: row.count("number")?, hash: row.text("hash")?, parent_hash: row.text("parent_hash")?, time: row.time("time")? })
}

/// Forgets what was looked at, not how far.
///
/// # Errors
/// What the database says.
pub async fn forget_scans(tx: &mut Tx<'_>) -> Result<(), Fault> {
    tx.execute(sql("DELETE FROM chain_scans")).await.map(drop)
}

/// Forgets how far every chain was followed: for a sandbox, whose chains begin anew.
///
/// # Errors
/// What the database says.
pub async fn forget_all(tx: &mut Tx<'_>) -> Result<(), Fault> {
    tx.execute(sql("DELETE FROM chain_blocks")).await?;
    forget_scans(tx).await?;
    tx.execute(sql("DELETE FROM chain_cursors")).await.map(drop)
}
