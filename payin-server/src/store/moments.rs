//! When something falls due by itself: what whoever moves a virtual clock must not jump over. It changes nothing.

use payin_types::Timestamp;

use super::{Conn, Fault, sql};

/// When the first order that still holds its address closes after a time.
///
/// # Errors
/// What the database says.
pub async fn next_closing(conn: &mut Conn, after: Timestamp) -> Result<Option<Timestamp>, Fault> {
    let query = sql("SELECT MIN(closes_at) AS at FROM orders WHERE released_at IS NULL AND closes_at > $1");
    conn.one(query.int(after.millis())).await?.map_or(Ok(None), |row| row.opt_time("at"))
}

/// The chains with something that is not over yet, and when the last of it happened: an order has closed and still holds its address, a
/// payment is not final.
///
/// # Errors
/// What the database says.
pub async fn unsettled(conn: &mut Conn, now: Timestamp) -> Result<Vec<(String, Timestamp)>, Fault> {
    let query = sql("SELECT chain_id, MAX(at) AS at FROM ( \
         SELECT chain_id, closes_at AS at FROM orders WHERE released_at IS NULL AND closes_at <= $1 UNION ALL \
         SELECT chain_id, block_time AS at FROM transfers WHERE final_at IS NULL AND orphaned_at IS NULL) AS open GROUP BY chain_id \
         ORDER BY chain_id");
    let rows = conn.all(query.int(now.millis())).await?;
    rows.iter().map(|row| Ok((row.text("chain_id")?, row.time("at")?))).collect()
}

/// How many deliveries are due, and claimed by nobody.
///
/// # Errors
/// What the database says.
pub async fn overdue(conn: &mut Conn, now: Timestamp) -> Result<u64, Fault> {
    let query = sql("SELECT COUNT(*) AS n FROM deliveries WHERE next_attempt_at IS NOT NULL AND next_attempt_at <= $1 \
                     AND (claimed_until IS NULL OR claimed_until <= $1)");
    conn.one(query.int(now.millis())).await?.map_or(Ok(0), |row| row.count("n"))
}

/// The URLs to which deliveries are due and not made, an attempt being under way or not, and how many to each.
///
/// # Errors
/// What the database says.
pub async fn not_made(conn: &mut Conn, now: Timestamp) -> Result<Vec<(String, u64)>, Fault> {
    let query = sql("SELECT p.url, COUNT(*) AS n FROM deliveries d JOIN webhook_endpoints p ON p.id = d.endpoint_id \
         WHERE d.next_attempt_at IS NOT NULL AND d.next_attempt_at <= $1 GROUP BY p.url ORDER BY p.url");
    let rows = conn.all(query.int(now.millis())).await?;
    rows.iter().map(|row| Ok((row.text("url")?, row.count("n")?))).collect()
}

/// How many deliveries are claimed, and nothing was heard of an attempt.
///
/// # Errors
/// What the database says.
pub async fn claimed(conn: &mut Conn, now: Timestamp) -> Result<u64, Fault> {
    let query = sql("SELECT COUNT(*) AS n FROM deliveries WHERE next_attempt_at IS NOT NULL AND claimed_until > $1");
    conn.one(query.int(now.millis())).await?.map_or(Ok(0), |row| row.count("n"))
}
