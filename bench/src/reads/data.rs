//! A table full of orders, written past the server: on its own addresses, as if each had been paid or had expired long ago.

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

/// Rows in a transaction: a server is running on the same file, and wants to write now and then.
const BATCH: u32 = 50_000;

const ORDERS: &str = "INSERT INTO orders (id, organization_id, reference, reference_folded, amount, amount_whole, amount_nano, amount_atto, \
    currency, chain_id, protocol, address_id, address, metadata, window_ms, grace_ms, required_confirmations, created_at, updated_at, \
    closes_at, completed_at, expired_at, released_at, received_whole, received_nano, received_atto, event_sequence) \
    SELECT 'ord_' || CAST(1000000000 + id AS TEXT) || '000000000000', organization_id, 'order-' || id, 'order-' || id, \
    CAST(id * 7919 % 100000 + 1 AS TEXT), id * 7919 % 100000 + 1, 0, 0, CASE id % 3 WHEN 0 THEN 'USDC' ELSE 'USDT' END, \
    CASE id % 4 WHEN 0 THEN 'base-sepolia' WHEN 1 THEN 'bsc-testnet' ELSE 'ethereum-sepolia' END, protocol, id, address, '{}', 600000, \
    300000, 3, 1767225600000 + id * 100, 1767225600000 + id * 100 + id * 31 % 1000 * 1000, 1767225600000 + id * 100 + 900000, \
    CASE WHEN id % 10 < 7 THEN 1767225700000 + id * 100 END, CASE WHEN id % 10 >= 7 THEN 1767225700000 + id * 100 END, \
    1767225700000 + id * 100, CASE WHEN id % 10 < 7 THEN id * 7919 % 100000 + 1 ELSE 0 END, 0, 0, 2 \
    FROM pool_addresses WHERE id > $1 AND id <= $2";
const TOTALS: &str = "INSERT INTO order_totals (organization_id, chain_id, currency, status, writer, orders, paid_late, received_whole, \
    received_nano, received_atto) SELECT organization_id, chain_id, currency, CASE WHEN completed_at IS NOT NULL THEN 'completed' \
    ELSE 'expired' END AS status, 0, COUNT(*), 0, SUM(received_whole), 0, 0 FROM orders GROUP BY 1, 2, 3, 4";

/// As many orders as the pool has addresses.
pub async fn fill(database: &str, orders: u32) -> anyhow::Result<()> {
    let mut batches = (0..orders).step_by(BATCH as usize).map(|from| (i64::from(from), i64::from(from + BATCH)));
    if database.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(database).await?;
        for (from, to) in batches.by_ref() {
            sqlx::query(AssertSqlSafe(ORDERS)).bind(from).bind(to).execute(&mut connection).await?;
        }
        sqlx::query(TOTALS).execute(&mut connection).await?;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await?;
    } else {
        let mut connection = PgConnection::connect(database).await?;
        for (from, to) in batches {
            sqlx::query(AssertSqlSafe(ORDERS)).bind(from).bind(to).execute(&mut connection).await?;
        }
        sqlx::query(TOTALS).execute(&mut connection).await?;
    }
    Ok(())
}

/// The path of one of so many orders, spread over all of them.
pub fn path(orders: u64, name: &str, number: u64) -> String {
    let seed =
        name.bytes().fold(number.wrapping_mul(0x9e37_79b9_7f4a_7c15), |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let id = 1_000_000_001 + (seed ^ (seed >> 29)) % orders;
    format!("/api/v1/orders/ord_{id}000000000000")
}
