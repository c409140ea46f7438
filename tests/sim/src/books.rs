//! What is in the database, read past the store: a mirror of the tables that money depends on, brought up to date row by row after every
//! step. It judges nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

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
        "chain_id, tx_hash, ordinal, organization_id, address_id, order_id, deposit_id, binding_id, deposit_reference, unmatched, block_number, block_time, \
         currency, contract, to_address, amount_whole, amount_nano, amount_atto, seen_at, confirmed_at, final_at, orphaned_at",
    ),
    ("events", "id", "organization_id, type, object_id, sequence, body, api"),
    ("assignments", "address_id || ' ' || begins_at", "address_id, begins_at, holder_kind, holder_id, released_at"),
    ("pool_addresses", "id", "organization_id, protocol, address, held, quarantined_at, archived_at"),
    (
        "chain_cursors",
        "chain_id",
        "head_number, head_hash, head_time, finalized_number, confirmed_time, halted, \
         (SELECT from_number FROM chain_scans s WHERE s.chain_id = chain_cursors.chain_id AND s.to_number = head_number)",
    ),
    ("deliveries", "event_id || ' ' || endpoint_id", "event_id, endpoint_id, attempts, next_attempt_at, claim, delivered_at, given_up_at"),
    ("deposit_bindings", "id", "organization_id, reference, chain_id, protocol, address_id, created_at, unbound_at"),
    ("webhook_endpoints", "id", "organization_id, url, enabled, deleted_at, disabled_reason, api, order_id"),
    ("payment_links", "id", "inventory_total, inventory_reserved, inventory_sold"),
];

/// The last of a cursor's columns: from where on all blocks up to its own have been looked at. After a downtime the newest come first, and a hole is left below them.
pub const LOOKED_FROM: &str =
    "(SELECT from_number FROM chain_scans s WHERE s.chain_id = chain_cursors.chain_id AND s.to_number = head_number)";

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
    /// How much of the list of changes is known.
    known: i64,
    pub rows: BTreeMap<&'static str, BTreeMap<String, Line>>,
}

fn columns(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split(',').map(str::trim)
}

/// What a database is given before a world begins: a list of the rows that change, which is written in the very transactions that change them.
/// So a crash takes it back with them.
#[must_use]
pub fn list_of_changes() -> String {
    let one = |(table, ..): &(&str, &str, &str)| {
        let on = |deed: &str| {
            format!(
                "CREATE TRIGGER sim_{table}_{deed} AFTER {deed} ON {table} BEGIN INSERT INTO sim_changes (tab, row) VALUES ('{table}', new.rowid); END;"
            )
        };
        on("insert") + &on("update")
    };
    "CREATE TABLE sim_changes (n INTEGER PRIMARY KEY, tab TEXT NOT NULL, row INTEGER NOT NULL);".to_owned()
        + &TABLES.iter().map(one).collect::<String>()
}

/// A statement that reads rows of all tables: those that have changed since a place in the list, or all.
fn statement(whole: bool) -> String {
    let one = |(table, id, list): &(&str, &str, &str)| {
        let since = format!(" WHERE rowid IN (SELECT row FROM sim_changes WHERE n > ?1 AND tab = '{table}')");
        let some = if whole { "" } else { since.as_str() };
        format!("SELECT '{table}' AS tab, CAST({id} AS TEXT) AS id, json_array({list}) AS v FROM {table}{some}")
    };
    TABLES.iter().map(one).collect::<Vec<_>>().join(" UNION ALL ")
}

async fn connect(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.expect("the database's file")
}

impl Books {
    /// Opens them.
    pub async fn open(path: &Path) -> Self {
        Self { conn: connect(path).await, version: -1, known: -1, rows: BTreeMap::new() }
    }

    /// Opens what a crash has left. What was seen before is still known.
    pub async fn reopen(&mut self, path: &Path) {
        let old = std::mem::replace(&mut self.conn, connect(path).await);
        (self.version, self.known) = (-1, -1);
        let _ = old.close().await;
    }

    /// Forgets what it has seen, and looks at all that is there: an older database than the one before.
    pub async fn begin_anew(&mut self, path: &Path) {
        self.reopen(path).await;
        self.rows.clear();
        let _ = self.changes(true).await;
    }

    /// Whether anybody has committed anything since it was last asked.
    pub async fn has_changed(&mut self) -> bool {
        let version: i64 = sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut self.conn).await.expect("a version");
        std::mem::replace(&mut self.version, version) != version
    }

    /// What has changed in the tables that are looked at. `whole`: whatever the list of changes says.
    pub async fn changes(&mut self, whole: bool) -> Vec<Change> {
        static SOME: LazyLock<String> = LazyLock::new(|| statement(false));
        static ALL: LazyLock<String> = LazyLock::new(|| statement(true));
        // Everybody's steps are over: nothing is written between these two.
        let known = self.number("SELECT MAX(n) FROM sim_changes").await.unwrap_or_default();
        let whole = whole || self.known < 0;
        let query = sqlx::query(sqlx::AssertSqlSafe(if whole { ALL.as_str() } else { SOME.as_str() }));
        let query = if whole { query } else { query.bind(self.known) };
        self.known = known;
        let rows = query.fetch_all(&mut self.conn).await.expect("the tables");
        let mut changes = Vec::new();
        for row in rows {
            let (table, id, text): (&str, String, &str) = (row.get(0), row.get(1), row.get(2));
            let (table, _, list) = TABLES.iter().find(|(name, ..)| *name == table).expect("a table");
            let values: Vec<Value> = serde_json::from_str(text).expect("a row");
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
