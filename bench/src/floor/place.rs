//! The SQL of an order: one at a time, and a whole group in four statements. Same text on both engines but for the claim.

use sqlx::{PgConnection, Postgres, QueryBuilder, Sqlite, SqliteConnection};

use super::{NewOrder, Refusal, render};

const CLAIM_SQLITE: &str = "UPDATE addresses SET order_id = $1 WHERE id = \
     (SELECT id FROM addresses WHERE order_id IS NULL ORDER BY id LIMIT 1) RETURNING address";
const CLAIM_POSTGRES: &str = "UPDATE addresses SET order_id = $1 WHERE id = \
     (SELECT id FROM addresses WHERE order_id IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING address";
const FREE_SQLITE: &str = "SELECT id, address FROM addresses WHERE order_id IS NULL ORDER BY id LIMIT $1";
const FREE_POSTGRES: &str = "SELECT id, address FROM addresses WHERE order_id IS NULL ORDER BY id LIMIT $1 \
     FOR UPDATE SKIP LOCKED";
const INSERT_ORDER: &str = "INSERT INTO orders (id, reference, amount, currency, chain, address, created_at_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";
const INSERT_KEY: &str = "INSERT INTO idempotency (key, body, created_at_ms) VALUES ($1, $2, $3)";

macro_rules! one {
    ($connection:expr, $claim:expr, $order:expr) => {{
        let (connection, order) = ($connection, $order);
        let address: Option<String> = sqlx::query_scalar($claim).bind(&order.id).fetch_optional(&mut *connection).await?;
        let address = address.ok_or(Refusal::NoAddress)?;
        sqlx::query(INSERT_ORDER)
            .bind(&order.id)
            .bind(&order.asked.order_reference)
            .bind(&order.asked.amount)
            .bind(&order.asked.currency)
            .bind(&order.asked.chain_id)
            .bind(&address)
            .bind(order.now_ms)
            .execute(&mut *connection)
            .await?;
        let body = render(order, &address)?;
        sqlx::query(INSERT_KEY).bind(&order.idempotency_key).bind(&body).bind(order.now_ms).execute(&mut *connection).await?;
        Ok(body)
    }};
}

pub async fn one_sqlite(connection: &mut SqliteConnection, order: &NewOrder) -> Result<String, Refusal> {
    one!(connection, CLAIM_SQLITE, order)
}

pub async fn one_postgres(connection: &mut PgConnection, order: &NewOrder) -> Result<String, Refusal> {
    one!(connection, CLAIM_POSTGRES, order)
}

/// All or nothing: the caller runs the orders one by one when this fails.
macro_rules! all {
    ($connection:expr, $engine:ty, $free:expr, $orders:expr) => {{
        let (connection, orders) = ($connection, $orders);
        let free: Vec<(i32, String)> = sqlx::query_as($free).bind(orders.len() as i64).fetch_all(&mut *connection).await?;
        if free.len() < orders.len() {
            return Err(Refusal::NoAddress);
        }
        // Both engines name the columns of VALUES column1, column2, …
        let mut claim = QueryBuilder::<$engine>::new("UPDATE addresses SET order_id = v.column2 FROM (");
        claim.push_values(free.iter().zip(orders), |mut row, ((id, _), order)| {
            row.push_bind(*id).push_bind(&order.id);
        });
        claim.push(") AS v WHERE addresses.id = v.column1");
        claim.build().execute(&mut *connection).await?;

        let mut insert =
            QueryBuilder::<$engine>::new("INSERT INTO orders (id, reference, amount, currency, chain, address, created_at_ms) ");
        insert.push_values(free.iter().zip(orders), |mut row, ((_, address), order)| {
            row.push_bind(&order.id).push_bind(&order.asked.order_reference).push_bind(&order.asked.amount);
            row.push_bind(&order.asked.currency).push_bind(&order.asked.chain_id).push_bind(address);
            row.push_bind(order.now_ms);
        });
        insert.build().execute(&mut *connection).await?;

        let bodies: Vec<String> = free.iter().zip(orders).map(|((_, address), order)| render(order, address)).collect::<Result<_, _>>()?;
        let mut insert = QueryBuilder::<$engine>::new("INSERT INTO idempotency (key, body, created_at_ms) ");
        insert.push_values(bodies.iter().zip(orders), |mut row, (body, order)| {
            row.push_bind(&order.idempotency_key).push_bind(body).push_bind(order.now_ms);
        });
        insert.build().execute(&mut *connection).await?;
        Ok(bodies)
    }};
}

pub async fn all_sqlite(connection: &mut SqliteConnection, orders: &[&NewOrder]) -> Result<Vec<String>, Refusal> {
    all!(connection, Sqlite, FREE_SQLITE, orders)
}

pub async fn all_postgres(connection: &mut PgConnection, orders: &[&NewOrder]) -> Result<Vec<String>, Refusal> {
    all!(connection, Postgres, FREE_POSTGRES, orders)
}
