//! The bare floor of reading: axum, sqlx and the very queries that our server needs, on our server's own database, answered as JSON. No
//! authentication, no limits, no checks: never let a feature in here.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Json, Router, routing};
use serde::Serialize;
use sqlx::{AssertSqlSafe, ColumnIndex, Decode, PgPool, Row, SqlitePool, Type};

#[derive(clap::Args)]
pub struct Options {
    /// Where to listen; port 0 picks one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
    /// Our server's database, filled
    #[arg(long)]
    database: String,
}

const GET: &str = "SELECT id, reference, amount, currency, chain_id, protocol, address, metadata, created_at, closes_at, completed_at, \
    expired_at, received_whole, payment_tx, required_confirmations, (SELECT head_number FROM chain_cursors c WHERE c.chain_id = o.chain_id) \
    FROM orders o WHERE organization_id = $1 AND id = $2";
const STATUS: &str = "CASE WHEN completed_at IS NOT NULL THEN 'completed' WHEN expired_at IS NOT NULL THEN 'expired' ELSE 'pending' END";
const TOTAL: &str = "SELECT CAST(SUM(orders) AS BIGINT) FROM order_totals WHERE organization_id = $1 AND status = $2";
const SORT: &str = "ORDER BY amount_whole DESC, amount_nano DESC, amount_atto DESC, id DESC";

enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

struct Floor {
    pool: Pool,
    organization: String,
    page: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    order_id: String,
    order_reference: String,
    amount: String,
    currency: String,
    chain_id: String,
    protocol: String,
    address: String,
    metadata: String,
    created_at: i64,
    grace_period_ends_at: i64,
    completed_at: Option<i64>,
    expired_at: Option<i64>,
    received_amount: i64,
    tx_hash: Option<String>,
    required_confirmations: i64,
    confirmations: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    order_id: String,
    order_reference: String,
    amount: String,
    currency: String,
    chain_id: String,
    address: String,
    created_at: i64,
    completed_at: Option<i64>,
}

#[derive(Serialize)]
struct Page {
    data: Vec<Summary>,
    total: i64,
}

/// One range of the index for each chain and currency there is, merged; then the rows of the page.
fn page(pairs: &[(String, String)]) -> String {
    let range = |(chain, currency): &(String, String)| {
        format!(
            "SELECT * FROM (SELECT id, amount_whole, amount_nano, amount_atto FROM orders WHERE organization_id = $1 AND chain_id = '{chain}' \
             AND currency = '{currency}' AND {STATUS} = $2 {SORT} LIMIT 20) AS range"
        )
    };
    let ranges: Vec<String> = pairs.iter().map(range).collect();
    let sort = SORT.replace("amount_", "page.amount_").replace("id DESC", "page.id DESC");
    format!(
        "SELECT o.id, reference, amount, currency, chain_id, address, created_at, completed_at FROM (SELECT * FROM ({}) AS fit {SORT} LIMIT 20) \
         AS page JOIN orders o ON o.id = page.id {sort}",
        ranges.join(" UNION ALL ")
    )
}

macro_rules! on {
    ($floor:expr, $pool:ident => $run:expr) => {
        match &$floor.pool {
            Pool::Sqlite($pool) => $run,
            Pool::Postgres($pool) => $run,
        }
    };
}

/// Prints the same ready line as payin-server, and answers until killed.
pub async fn serve(options: Options) -> anyhow::Result<()> {
    // As many readers as our server has.
    let pool = if options.database.starts_with("sqlite:") {
        Pool::Sqlite(sqlx::sqlite::SqlitePoolOptions::new().max_connections(4).connect(&options.database).await?)
    } else {
        Pool::Postgres(sqlx::postgres::PgPoolOptions::new().max_connections(16).connect(&options.database).await?)
    };
    let mut floor = Floor { pool, organization: String::new(), page: "" };
    floor.organization = on!(floor, pool => sqlx::query_scalar("SELECT id FROM organizations").fetch_one(pool).await?);
    let pairs = "SELECT DISTINCT chain_id, currency FROM order_totals";
    let pairs: Vec<(String, String)> = on!(floor, pool => sqlx::query_as(pairs).fetch_all(pool).await?);
    floor.page = page(&pairs).leak();
    let router = Router::new()
        .route("/api/v1/orders", routing::get(list))
        .route("/api/v1/orders/{id}", routing::get(get))
        .with_state(Arc::new(floor));
    let listener = tokio::net::TcpListener::bind(&options.listen).await?;
    println!("{}", serde_json::json!({ "url": format!("http://{}", listener.local_addr()?) }));
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        // Without it Nagle's algorithm would be measured, not the floor.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}

type Failed = (StatusCode, String);

fn failed(error: sqlx::Error) -> Failed {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

async fn get(State(floor): State<Arc<Floor>>, Path(id): Path<String>) -> Result<Json<Order>, Failed> {
    let order = on!(floor, pool => {
        let row = sqlx::query(GET).bind(&floor.organization).bind(id).fetch_one(pool).await.map_err(failed)?;
        order(&row).map_err(failed)?
    });
    Ok(Json(order))
}

async fn list(State(floor): State<Arc<Floor>>) -> Result<Json<Page>, Failed> {
    let page = on!(floor, pool => {
        let total = sqlx::query_scalar(TOTAL).bind(&floor.organization).bind("completed").fetch_one(pool).await.map_err(failed)?;
        let page = sqlx::query(AssertSqlSafe(floor.page)).bind(&floor.organization).bind("completed");
        let rows = page.fetch_all(pool).await.map_err(failed)?;
        Page { data: rows.iter().map(summary).collect::<Result<_, _>>().map_err(failed)?, total }
    });
    Ok(Json(page))
}

fn order<'r, R: Row>(row: &'r R) -> sqlx::Result<Order>
where
    usize: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    Ok(Order {
        order_id: row.try_get(0)?,
        order_reference: row.try_get(1)?,
        amount: row.try_get(2)?,
        currency: row.try_get(3)?,
        chain_id: row.try_get(4)?,
        protocol: row.try_get(5)?,
        address: row.try_get(6)?,
        metadata: row.try_get(7)?,
        created_at: row.try_get(8)?,
        grace_period_ends_at: row.try_get(9)?,
        completed_at: row.try_get(10)?,
        expired_at: row.try_get(11)?,
        received_amount: row.try_get(12)?,
        tx_hash: row.try_get(13)?,
        required_confirmations: row.try_get(14)?,
        confirmations: row.try_get(15)?,
    })
}

fn summary<'r, R: Row>(row: &'r R) -> sqlx::Result<Summary>
where
    usize: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    Ok(Summary {
        order_id: row.try_get(0)?,
        order_reference: row.try_get(1)?,
        amount: row.try_get(2)?,
        currency: row.try_get(3)?,
        chain_id: row.try_get(4)?,
        address: row.try_get(5)?,
        created_at: row.try_get(6)?,
        completed_at: row.try_get(7)?,
    })
}
