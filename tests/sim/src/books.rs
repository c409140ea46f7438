//! What is in the database, read past the store: a mirror of the tables that money depends on, brought up to date row by row after every
//! step. It judges nothing.

use std::collections::BTreeMap;
use std::path::Path;

use payin_core::Units;
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

/// A table, the columns that name its rows, and those that are looked at, named for whoever reads the mirror.
const TABLES: &[(&str, &str, &str)] = &[
    (
        "orders",
        "id",
        "organization_id, reference, amount, chain_id, currency, address_id, address, created_at, closes_at, seen_at, completed_at, \
         expired_at, paid_late_at, reverted_at, released_at, received_whole, received_nano, received_atto, amount_whole, amount_nano, \
         amount_atto, event_sequence, api, payment_link_id",
    ),
    (
        "transfers",
        "id",
        "chain_id, tx_hash, ordinal, organization_id, address_id, order_id, deposit_id, binding_id, unmatched, block_number, block_time, \
         currency, contract, to_address, amount_whole, amount_nano, amount_atto, confirmed_at, final_at, orphaned_at",
    ),
    ("events", "id", "organization_id, type, object_id, sequence, body, api"),
    ("assignments", "address_id || ' ' || begins_at", "address_id, begins_at, holder_kind, holder_id, released_at"),
    ("pool_addresses", "id", "organization_id, protocol, address, held, quarantined_at, archived_at"),
    ("chain_cursors", "chain_id", "head_number, head_hash, head_time, finalized_number, confirmed_time, halted"),
    ("deliveries", "event_id || ' ' || endpoint_id", "event_id, endpoint_id, attempts, next_attempt_at, claim, delivered_at, given_up_at"),
    ("deposit_bindings", "id", "organization_id, reference, chain_id, protocol, address_id, created_at, unbound_at"),
    ("webhook_endpoints", "id", "organization_id, url, enabled, deleted_at, disabled_reason, api, order_id"),
    ("payment_links", "id", "inventory_total, inventory_reserved, inventory_sold"),
];

/// One row: its columns by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Line(pub BTreeMap<&'static str, Value>);

impl Line {
    #[must_use]
    pub fn text(&self, column: &str) -> &str {
        self.0.get(column).and_then(Value::as_str).unwrap_or_default()
    }

    #[must_use]
    pub fn int(&self, column: &str) -> i64 {
        self.opt(column).unwrap_or_default()
    }

    #[must_use]
    pub fn opt(&self, column: &str) -> Option<i64> {
        self.0.get(column).and_then(Value::as_i64)
    }

    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.0.get(column).is_some_and(|value| !value.is_null())
    }

    /// An amount in three columns.
    #[must_use]
    pub fn units(&self, name: &str) -> Units {
        let limb = |part: &str| self.int(&format!("{name}_{part}"));
        Units::from_limbs([limb("whole"), limb("nano"), limb("atto")]).expect("an amount")
    }
}

/// A row that is new, or has changed.
#[derive(Debug, Clone)]
pub struct Change {
    pub table: &'static str,
    pub id: String,
    pub before: Option<Line>,
    pub after: Line,
}

/// The mirror.
pub struct Books {
    conn: SqliteConnection,
    version: i64,
    statement: String,
    pub rows: BTreeMap<&'static str, BTreeMap<String, Line>>,
}

fn columns(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split(',').map(str::trim)
}

/// One statement that finds what has changed and remembers it.
fn statement() -> String {
    let one = |(table, id, list): &(&str, &str, &str)| {
        // Events are many and never change: the old ones are looked at now and then.
        let new = if *table == "events" { " WHERE rowid > ?1" } else { "" };
        format!("SELECT '{table}' AS tab, CAST({id} AS TEXT) AS id, json_array({list}) AS v FROM main.{table}{new}")
    };
    let all: Vec<String> = TABLES.iter().map(one).collect();
    format!(
        "INSERT INTO seen.rows (tab, id, v) SELECT a.tab, a.id, a.v FROM ({}) AS a \
         WHERE NOT EXISTS (SELECT 1 FROM seen.rows s WHERE s.tab = a.tab AND s.id = a.id AND s.v = a.v) \
         ON CONFLICT (tab, id) DO UPDATE SET v = excluded.v RETURNING tab, id, v",
        all.join(" UNION ALL ")
    )
}

async fn connect(path: &Path) -> SqliteConnection {
    let mut conn = SqliteConnectOptions::new().filename(path).connect().await.expect("the database's file");
    for text in ["ATTACH ':memory:' AS seen", "CREATE TABLE seen.rows (tab TEXT, id TEXT, v TEXT, PRIMARY KEY (tab, id)) WITHOUT ROWID"] {
        sqlx::raw_sql(text).execute(&mut conn).await.expect("a place to remember");
    }
    conn
}

impl Books {
    /// Opens them.
    pub async fn open(path: &Path) -> Self {
        Self { conn: connect(path).await, version: -1, statement: statement(), rows: BTreeMap::new() }
    }

    /// Opens what a crash has left. What was seen before is still known.
    pub async fn reopen(&mut self, path: &Path) {
        let old = std::mem::replace(&mut self.conn, connect(path).await);
        self.version = -1;
        let _ = old.close().await;
    }

    /// Whether anybody has committed anything since it was last asked.
    pub async fn has_changed(&mut self) -> bool {
        let version: i64 = sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut self.conn).await.expect("a version");
        std::mem::replace(&mut self.version, version) != version
    }

    /// What has changed in the tables that are looked at; `whole`: old events, too.
    pub async fn changes(&mut self, whole: bool) -> Vec<Change> {
        // None is ever deleted, so that their numbers have no gaps.
        let known = if whole { 0 } else { self.rows.get("events").map_or(0, BTreeMap::len) };
        let query = sqlx::query(sqlx::AssertSqlSafe(self.statement.as_str())).bind(i64::try_from(known).expect("few"));
        let rows = query.fetch_all(&mut self.conn).await.expect("the tables");
        let mut changes = Vec::new();
        for row in rows {
            let (table, id, text): (String, String, String) = (row.get(0), row.get(1), row.get(2));
            let (table, _, list) = TABLES.iter().find(|(name, ..)| *name == table).expect("a table");
            let values: Vec<Value> = serde_json::from_str(&text).expect("a row");
            let after = Line(columns(list).zip(values).collect());
            let before = self.rows.entry(table).or_default().insert(id.clone(), after.clone());
            if before.as_ref() != Some(&after) {
                changes.push(Change { table, id, before, after });
            }
        }
        // In an order of their own, whatever the database's.
        changes.sort_by(|a, b| (a.table, &a.id).cmp(&(b.table, &b.id)));
        changes
    }

    /// The rows of a table.
    pub fn table(&self, table: &str) -> impl Iterator<Item = (&String, &Line)> {
        self.rows.get(table).into_iter().flatten()
    }

    #[must_use]
    pub fn row(&self, table: &str, id: &str) -> Option<&Line> {
        self.rows.get(table)?.get(id)
    }

    /// How many rows a table has by the database itself: none may go.
    pub async fn count(&mut self, table: &str) -> i64 {
        let text = format!("SELECT COUNT(*) FROM {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(text)).fetch_one(&mut self.conn).await.expect("a count")
    }

    /// The one column of the first row of a query, as a number.
    pub async fn number(&mut self, query: &'static str) -> Option<i64> {
        sqlx::query_scalar::<_, Option<i64>>(query).fetch_one(&mut self.conn).await.expect("a number")
    }
}
