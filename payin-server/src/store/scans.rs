//! Which blocks of each chain have been looked at: rows without gaps, and the holes between them. Evidence and work list in one. Changed
//! only under the lock of the chain's cursor.

use payin_core::Block;
use payin_types::Timestamp;

use super::db::Row;
use super::{Conn, Fault, Tx, sql};

/// Blocks that have been looked at, without a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The lowest.
    pub from_number: u64,
    /// Its hash, where that is known.
    pub from_hash: Option<String>,
    /// The highest.
    pub to_number: u64,
    /// Its hash; empty where nobody has seen it, because blocks up to it were declared lost.
    pub to_hash: String,
    /// Its time.
    pub to_time: Timestamp,
    /// When this began, by our clock.
    pub begun_at: Timestamp,
    /// When it last grew, by our clock.
    pub scanned_at: Timestamp,
}

fn scan(row: &Row) -> Result<Scan, Fault> {
    Ok(Scan {
        from_number: row.count("from_number")?,
        from_hash: row.opt_text("from_hash")?,
        to_number: row.count("to_number")?,
        to_hash: row.text("to_hash")?,
        to_time: row.time("to_time")?,
        begun_at: row.time("begun_at")?,
        scanned_at: row.time("scanned_at")?,
    })
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// What has been looked at, lowest first. More than one row: there are holes between them.
///
/// # Errors
/// What the database says.
pub async fn all(conn: &mut Conn, chain: &str) -> Result<Vec<Scan>, Fault> {
    let query =
        sql("SELECT from_number, from_hash, to_number, to_hash, to_time, begun_at, scanned_at FROM chain_scans WHERE chain_id = $1 \
                     ORDER BY from_number");
    conn.all(query.text(chain)).await?.iter().map(scan).collect()
}

/// Begins a row at blocks with none below them. `from_hash`: that of the block of the lowest height, if there is one.
///
/// # Errors
/// What the database says; a unique violation if there is one already.
pub async fn begin(tx: &mut Tx<'_>, chain: &str, (low, from_hash): (u64, Option<&str>), last: &Block, now: Timestamp) -> Result<(), Fault> {
    tx.change_one(
        sql("INSERT INTO chain_scans (chain_id, from_number, to_number, to_hash, to_time, begun_at, scanned_at, from_hash) \
             VALUES ($1, $2, $3, $4, $5, $6, $6, $7)")
        .text(chain)
        .int(number(low))
        .int(number(last.number))
        .text(last.hash.as_str())
        .int(last.time.millis())
        .int(now.millis())
        .opt_text(from_hash),
    )
    .await
}

/// A row now ends at another block: higher, or after a reorganisation lower, in which case it may begin lower too, at that block.
///
/// # Errors
/// [`Fault::Guard`] if the row is not as the caller believes, or what the database says.
pub async fn end_at(tx: &mut Tx<'_>, chain: &str, before: &Scan, last: &Block, now: Timestamp) -> Result<(), Fault> {
    let from_hash = if last.number < before.from_number { Some(last.hash.as_str()) } else { before.from_hash.as_deref() };
    tx.change_one(
        sql("UPDATE chain_scans SET from_number = $4, to_number = $5, to_hash = $6, to_time = $7, scanned_at = $8, from_hash = $9 \
             WHERE chain_id = $1 AND from_number = $2 AND to_number = $3")
        .text(chain)
        .int(number(before.from_number))
        .int(number(before.to_number))
        .int(number(before.from_number.min(last.number)))
        .int(number(last.number))
        .text(last.hash.as_str())
        .int(last.time.millis())
        .int(now.millis())
        .opt_text(from_hash),
    )
    .await
}

/// What lies above a block has not been looked at any more: after a reorganisation. The lowest row stays, if need be moved down.
///
/// # Errors
/// What the database says.
pub async fn cut(tx: &mut Tx<'_>, chain: &str, last: &Block, now: Timestamp) -> Result<(), Fault> {
    let mut scans = all(tx, chain).await?;
    while scans.len() > 1
        && let Some(above) = scans.pop_if(|scan| scan.from_number > last.number)
    {
        remove(tx, chain, &above).await?;
    }
    match scans.last().filter(|scan| scan.to_number > last.number) {
        Some(top) => end_at(tx, chain, top, last, now).await,
        None => Ok(()),
    }
}

async fn remove(tx: &mut Tx<'_>, chain: &str, scan: &Scan) -> Result<(), Fault> {
    let delete = sql("DELETE FROM chain_scans WHERE chain_id = $1 AND from_number = $2 AND to_number = $3");
    tx.change_one(delete.text(chain).int(number(scan.from_number)).int(number(scan.to_number))).await
}

/// The hole between two rows is filled: they are one.
///
/// # Errors
/// [`Fault::Guard`] if a row is not as the caller believes, or what the database says.
pub async fn join(tx: &mut Tx<'_>, chain: &str, lower: &Scan, upper: &Scan, now: Timestamp) -> Result<(), Fault> {
    remove(tx, chain, upper).await?;
    let end = Block { number: upper.to_number, hash: upper.to_hash.clone(), parent_hash: String::new(), time: upper.to_time };
    end_at(tx, chain, lower, &end, now).await
}

/// Up to which time of the chain everything has been looked at; `None` where there is no hole, and so up to the cursor.
///
/// # Errors
/// What the database says.
pub async fn hole_since(conn: &mut Conn, chain: &str) -> Result<Option<Timestamp>, Fault> {
    let scans = all(conn, chain).await?;
    Ok(scans.first().filter(|_| scans.len() > 1).map(|lowest| lowest.to_time))
}

/// Blocks that a person declared lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The lowest.
    pub from_number: u64,
    /// The highest.
    pub to_number: u64,
    /// Of which time of the chain they are at least: that of the newest block below.
    pub since: Timestamp,
    /// And at most.
    pub until: Timestamp,
    /// The person's words.
    pub reason: String,
    /// When.
    pub declared_at: Timestamp,
}

/// The blocks of a chain that were declared lost, lowest first.
///
/// # Errors
/// What the database says.
pub async fn losses(conn: &mut Conn, chain: &str) -> Result<Vec<Loss>, Fault> {
    let query = sql("SELECT from_number, to_number, since_time, until_time, reason, declared_at FROM chain_losses WHERE chain_id = $1 \
                     ORDER BY from_number");
    let loss = |row: &Row| {
        let (from_number, to_number) = (row.count("from_number")?, row.count("to_number")?);
        let (since, until) = (row.time("since_time")?, row.time("until_time")?);
        Ok(Loss { from_number, to_number, since, until, reason: row.text("reason")?, declared_at: row.time("declared_at")? })
    };
    conn.all(query.text(chain)).await?.iter().map(loss).collect()
}

/// Writes down that blocks were declared lost.
///
/// # Errors
/// What the database says; a unique violation if they were already.
pub async fn lose(tx: &mut Tx<'_>, chain: &str, loss: &Loss) -> Result<(), Fault> {
    let insert = sql("INSERT INTO chain_losses (chain_id, from_number, to_number, since_time, until_time, reason, declared_at) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7)");
    let insert = insert.text(chain).int(number(loss.from_number)).int(number(loss.to_number));
    let insert = insert.int(loss.since.millis()).int(loss.until.millis());
    tx.change_one(insert.text(loss.reason.as_str()).int(loss.declared_at.millis())).await
}

/// What lies above a block is read again: none of it is lost.
///
/// # Errors
/// What the database says.
pub async fn find(tx: &mut Tx<'_>, chain: &str, last: u64) -> Result<(), Fault> {
    let delete = sql("DELETE FROM chain_losses WHERE chain_id = $1 AND from_number > $2");
    tx.execute(delete.text(chain).int(number(last))).await?;
    let shorten = sql("UPDATE chain_losses SET to_number = $2 WHERE chain_id = $1 AND to_number > $2");
    tx.execute(shorten.text(chain).int(number(last))).await.map(drop)
}
