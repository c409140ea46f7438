//! The bare floor: what axum, sqlx and the database cost when an order is nothing but a claimed address, an order row
//! and an idempotency row. No authentication, no limits, no validation: never let a feature in here.

mod group;
mod naive;
mod place;
pub mod reads;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};

#[derive(clap::Args)]
pub struct Options {
    /// Where to listen; port 0 picks one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
    /// sqlite://FILE (made if missing) or postgres://…, an empty database
    #[arg(long)]
    database: String,
    /// How many free addresses to begin with
    #[arg(long, default_value_t = 1_000_000)]
    addresses: u32,
    /// Group only: order by order under savepoints even when every order of the group would succeed
    #[arg(long)]
    savepoints: bool,
}

#[derive(Clone, Copy)]
pub enum Kind {
    Naive,
    Group,
}

/// One text for both engines, as in the product.
const SCHEMA: [&str; 4] = [
    "CREATE TABLE addresses (id INTEGER PRIMARY KEY, address TEXT NOT NULL, order_id TEXT)",
    "CREATE TABLE orders (id TEXT PRIMARY KEY, reference TEXT NOT NULL UNIQUE, amount TEXT NOT NULL, \
     currency TEXT NOT NULL, chain TEXT NOT NULL, address TEXT NOT NULL, created_at_ms BIGINT NOT NULL)",
    "CREATE TABLE idempotency (key TEXT PRIMARY KEY, body TEXT NOT NULL, created_at_ms BIGINT NOT NULL)",
    "CREATE INDEX addresses_free ON addresses (id) WHERE order_id IS NULL",
];
const SEED_SQLITE: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
     INSERT INTO addresses (id, address) SELECT i, printf('0x%040x', i) FROM n";
const SEED_POSTGRES: &str = "INSERT INTO addresses (id, address) \
     SELECT i, '0x' || lpad(to_hex(i), 40, '0') FROM generate_series(1, $1) AS n(i)";

#[derive(Clone)]
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    order_reference: String,
    amount: String,
    currency: String,
    chain_id: String,
}

struct NewOrder {
    id: String,
    idempotency_key: String,
    asked: Asked,
    now_ms: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    order_id: &'a str,
    order_reference: &'a str,
    status: &'a str,
    amount: &'a str,
    received_amount: &'a str,
    currency: &'a str,
    chain_id: &'a str,
    address: &'a str,
    created_at_ms: i64,
    expires_at_ms: i64,
}

enum Refusal {
    NoAddress,
    Failed(String),
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

fn render(order: &NewOrder, address: &str) -> Result<String, Refusal> {
    let answer = Answer {
        order_id: &order.id,
        order_reference: &order.asked.order_reference,
        status: "pending",
        amount: &order.asked.amount,
        received_amount: "0.00",
        currency: &order.asked.currency,
        chain_id: &order.asked.chain_id,
        address,
        created_at_ms: order.now_ms,
        expires_at_ms: order.now_ms + 600_000,
    };
    serde_json::to_string(&answer).map_err(|error| Refusal::Failed(error.to_string()))
}

enum Writer {
    Naive(Pool),
    Group(group::Group),
}

struct Floor {
    writer: Writer,
    orders: AtomicU64,
}

/// Makes the tables, fills the pool of addresses, prints the same ready line as payin-server, and answers until killed.
pub async fn serve(kind: Kind, options: Options) -> anyhow::Result<()> {
    // PostgreSQL: 8 connections for single transactions, 2 writers for groups: the best of each in `performance.md`.
    let connections = if matches!(kind, Kind::Naive) { 8 } else { 2 };
    let pool = open(&options.database, connections).await?;
    seed(&pool, options.addresses).await.context("filling the pool of addresses")?;
    let writer = match kind {
        Kind::Naive => Writer::Naive(pool),
        Kind::Group => Writer::Group(group::Group::start(pool, options.savepoints)),
    };
    let floor = Arc::new(Floor { writer, orders: AtomicU64::new(0) });
    let router = Router::new().route("/api/v1/orders", routing::post(create_order)).with_state(floor);
    let listener = tokio::net::TcpListener::bind(&options.listen).await?;
    println!("{}", serde_json::json!({ "url": format!("http://{}", listener.local_addr()?) }));
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        // Without it Nagle's algorithm would be measured, not the floor.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}

async fn open(database: &str, connections: u32) -> anyhow::Result<Pool> {
    if database.starts_with("sqlite:") {
        let options = database
            .parse::<SqliteConnectOptions>()?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        return Ok(Pool::Sqlite(pool));
    }
    let pool = sqlx::postgres::PgPoolOptions::new().max_connections(connections).connect(database).await?;
    Ok(Pool::Postgres(pool))
}

async fn seed(pool: &Pool, addresses: u32) -> sqlx::Result<()> {
    match pool {
        Pool::Sqlite(pool) => {
            let mut transaction = pool.begin().await?;
            for statement in SCHEMA {
                sqlx::query(statement).execute(&mut *transaction).await?;
            }
            sqlx::query(SEED_SQLITE).bind(i64::from(addresses)).execute(&mut *transaction).await?;
            transaction.commit().await?;
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(pool).await?;
        }
        Pool::Postgres(pool) => {
            for statement in SCHEMA {
                sqlx::query(statement).execute(pool).await?;
            }
            sqlx::query(SEED_POSTGRES).bind(addresses.cast_signed()).execute(pool).await?;
        }
    }
    Ok(())
}

async fn create_order(State(floor): State<Arc<Floor>>, headers: HeaderMap, Json(asked): Json<Asked>) -> Response {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64);
    let number = floor.orders.fetch_add(1, Ordering::Relaxed);
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let order = NewOrder { id: format!("ord_{number:016x}"), idempotency_key: key.to_owned(), asked, now_ms };
    let placed = match &floor.writer {
        Writer::Naive(pool) => naive::place(pool, &order).await,
        Writer::Group(group) => group.place(order).await,
    };
    match placed {
        Ok(body) => (StatusCode::CREATED, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(Refusal::NoAddress) => (StatusCode::CONFLICT, "NO_AVAILABLE_ADDRESSES").into_response(),
        Err(Refusal::Failed(reason)) => (StatusCode::INTERNAL_SERVER_ERROR, reason).into_response(),
    }
}
