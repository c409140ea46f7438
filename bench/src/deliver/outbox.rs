//! A full outbox, by SQL: events of 1 KiB, one delivery each, that are due in an hour until all of them are released at once.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

/// Rows of one statement.
const ROWS: usize = 500;
const LATER_MS: u128 = 3_600_000;

/// The body of an event, as long as an order's.
pub fn body(id: &str) -> String {
    let rest = "x".repeat(1024_usize.saturating_sub(id.len() + 90));
    format!(
        "{{\"id\":\"{id}\",\"type\":\"order.completed\",\"created_at\":\"2026-01-01T00:00:00.000Z\",\"data\":{{\"orderId\":\"{rest}\"}}}}"
    )
}

async fn execute(database: &str, statements: &[String]) -> anyhow::Result<u64> {
    let mut changed = 0;
    if database.starts_with("postgres") {
        let mut connection = PgConnection::connect(database).await?;
        for statement in statements {
            changed = sqlx::raw_sql(AssertSqlSafe(statement.as_str())).execute(&mut connection).await?.rows_affected();
        }
    } else {
        let mut connection = SqliteConnection::connect(database).await?;
        for statement in statements {
            changed = sqlx::raw_sql(AssertSqlSafe(statement.as_str())).execute(&mut connection).await?.rows_affected();
        }
    }
    Ok(changed)
}

async fn count(database: &str, query: &'static str) -> anyhow::Result<i64> {
    Ok(if database.starts_with("postgres") {
        sqlx::query_scalar(query).fetch_one(&mut PgConnection::connect(database).await?).await?
    } else {
        sqlx::query_scalar(query).fetch_one(&mut SqliteConnection::connect(database).await?).await?
    })
}

fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}

pub async fn fill(database: &str, endpoints: &[String], deliveries: usize, round: usize) -> anyhow::Result<()> {
    let (now, numbers) = (now_ms(), (0..deliveries).collect::<Vec<_>>());
    let mut statements = Vec::new();
    for some in numbers.chunks(ROWS) {
        let event = |number: &usize| {
            let id = format!("evt_{round}_{number:08}");
            format!(
                "('{id}', (SELECT organization_id FROM webhook_endpoints LIMIT 1), 'order.completed', 'o_{round}_{number}', 1, '{}', {now})",
                body(&id)
            )
        };
        let delivery = |number: &usize| {
            let endpoint = endpoints.get(number % endpoints.len()).map(String::as_str).unwrap_or_default();
            let organization = format!("(SELECT organization_id FROM webhook_endpoints WHERE id = '{endpoint}')");
            format!("('evt_{round}_{number:08}', '{endpoint}', {organization}, '{endpoint}', {now}, 0, {}, 0)", now + LATER_MS)
        };
        let rows = |row: &dyn Fn(&usize) -> String| some.iter().map(row).collect::<Vec<_>>().join(", ");
        statements
            .push(format!("INSERT INTO events (id, organization_id, type, object_id, sequence, body, created_at) VALUES {}", rows(&event)));
        statements.push(format!(
            "INSERT INTO deliveries (event_id, endpoint_id, organization_id, receiver, created_at, attempts, next_attempt_at, claim) VALUES {}",
            rows(&delivery)
        ));
    }
    execute(database, &statements).await.map(drop)
}

/// Until the events that were put there have their places in the log of events, which are no matter of their deliveries.
pub async fn all_placed(database: &str) -> anyhow::Result<()> {
    until_none(database, "SELECT COUNT(*) FROM events WHERE position IS NULL").await.context("not all events were given their places")
}

async fn until_none(database: &str, query: &'static str) -> anyhow::Result<()> {
    for _ in 0..600 {
        if count(database, query).await? == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("some are left after a minute")
}

/// All is due now.
pub async fn release(database: &str) -> anyhow::Result<()> {
    let now = now_ms();
    let released = execute(database, &[format!("UPDATE deliveries SET next_attempt_at = {now} WHERE next_attempt_at > {now}")]).await?;
    if released == 0 {
        bail!("nothing was released");
    }
    Ok(())
}

/// Until what was sent is recorded, the log with it.
pub async fn all_recorded(database: &str) -> anyhow::Result<()> {
    until_none(database, "SELECT COUNT(*) FROM deliveries WHERE next_attempt_at IS NOT NULL").await.context("not all was recorded")?;
    let without = "SELECT COUNT(*) FROM deliveries d WHERE NOT EXISTS (SELECT 1 FROM delivery_attempts a WHERE a.event_id = d.event_id)";
    let unlogged = count(database, without).await?;
    if unlogged > 0 {
        bail!("{unlogged} deliveries are not in the log");
    }
    Ok(())
}
