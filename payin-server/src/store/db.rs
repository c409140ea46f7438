//! The seam to the two databases: connections, rows and transactions over sqlx's native drivers. It must not know any table.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Postgres, Row as _, SqliteConnection};

use super::Fault;
use super::readers::Lent;
use super::statement::{Arg, LockingSql, Sql};
use super::totals::Changes;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Embedded, one server.
    Sqlite,
    /// Several servers may share it.
    Postgres,
}

/// The statements that were executed, by text: the store's tests fail if one was never run on an engine.
pub type Recorder = Arc<Mutex<BTreeSet<String>>>;

/// A row that is locked until the transaction ends. Functions that change a row take nothing else.
#[derive(Debug)]
pub struct Locked<T>(T);

impl<T> Locked<T> {
    /// Reads the row as something more useful; it stays locked.
    ///
    /// # Errors
    /// What the reading gives.
    pub fn read<U>(self, read: impl FnOnce(T) -> Result<U, Fault>) -> Result<Locked<U>, Fault> {
        read(self.0).map(Locked)
    }
}

impl<T> std::ops::Deref for Locked<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// A row of an answer.
#[derive(Debug)]
pub enum Row {
    #[doc(hidden)]
    Sqlite(SqliteRow),
    #[doc(hidden)]
    Postgres(PgRow),
}

impl Row {
    /// An integer column.
    ///
    /// # Errors
    /// If it is NULL, or there is no such column.
    pub fn int(&self, column: &str) -> Result<i64, Fault> {
        self.opt_int(column)?.ok_or_else(|| Fault::Corrupt(format!("{column} is NULL")))
    }

    /// An integer column that may be NULL.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn opt_int(&self, column: &str) -> Result<Option<i64>, Fault> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// A text column.
    ///
    /// # Errors
    /// If it is NULL, or there is no such column.
    pub fn text(&self, column: &str) -> Result<String, Fault> {
        self.opt_text(column)?.ok_or_else(|| Fault::Corrupt(format!("{column} is NULL")))
    }

    /// A text column that may be NULL.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn opt_text(&self, column: &str) -> Result<Option<String>, Fault> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// An integer column that is never negative.
    ///
    /// # Errors
    /// If it is NULL or negative, or there is no such column.
    pub fn count(&self, column: &str) -> Result<u64, Fault> {
        u64::try_from(self.int(column)?).map_err(|_| Fault::Corrupt(format!("{column} is negative")))
    }

    /// A number that counts something, or NULL.
    pub fn opt_count(&self, column: &str) -> Result<Option<u64>, Fault> {
        let count = |number| u64::try_from(number).map_err(|_| Fault::Corrupt(format!("{column} is negative")));
        self.opt_int(column)?.map(count).transpose()
    }

    /// A time column.
    ///
    /// # Errors
    /// If it is NULL, or there is no such column.
    pub fn time(&self, column: &str) -> Result<payin_types::Timestamp, Fault> {
        self.int(column).map(payin_types::Timestamp::from_millis)
    }

    /// A time column that may be NULL.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn opt_time(&self, column: &str) -> Result<Option<payin_types::Timestamp>, Fault> {
        Ok(self.opt_int(column)?.map(payin_types::Timestamp::from_millis))
    }

    /// A sum of money in three columns.
    ///
    /// # Errors
    /// If a column is missing or negative, or the sum is too large.
    pub fn money(&self, columns: [&str; 3]) -> Result<payin_core::Units, Fault> {
        let [whole, nano, atto] = columns;
        let limbs = [self.int(whole)?, self.int(nano)?, self.int(atto)?];
        payin_core::Units::from_limbs(limbs).ok_or_else(|| Fault::Corrupt(format!("{whole} holds no sum of money: {limbs:?}")))
    }
}

/// A connection to either database.
#[derive(Debug)]
pub struct Conn {
    pub(super) raw: Raw,
    pub(super) recorder: Option<Recorder>,
    /// Which of the rows that several writers add up in is this connection's.
    pub(super) writer: i64,
}

#[derive(Debug)]
pub(super) enum Raw {
    Sqlite(SqliteConnection),
    SqliteLent(Lent),
    Postgres(PgConnection),
    PostgresPooled(PoolConnection<Postgres>),
}

enum Borrowed<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

macro_rules! bound {
    ($text:expr, $args:expr) => {{
        let mut query = match $text {
            Cow::Borrowed(text) => sqlx::query(text),
            Cow::Owned(text) => sqlx::query(AssertSqlSafe(text)),
        };
        for arg in $args {
            query = match arg {
                Arg::Int(value) => query.bind(value),
                Arg::Text(value) => query.bind(value),
            };
        }
        query
    }};
}

impl Conn {
    /// Which database it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self.raw {
            Raw::Sqlite(_) | Raw::SqliteLent(_) => Engine::Sqlite,
            Raw::Postgres(_) | Raw::PostgresPooled(_) => Engine::Postgres,
        }
    }

    /// Closes it and waits until it is: one that is only dropped goes on for a while in a thread of its own, and the last one to a SQLite file
    /// writes into it when it ends. One that is lent goes back.
    pub(super) async fn close(self) -> Result<(), Fault> {
        match self.raw {
            Raw::Sqlite(conn) => Ok(conn.close().await?),
            Raw::Postgres(conn) => Ok(conn.close().await?),
            Raw::SqliteLent(_) | Raw::PostgresPooled(_) => Ok(()),
        }
    }

    fn ask(&mut self) -> Result<Borrowed<'_>, Fault> {
        Ok(match &mut self.raw {
            Raw::Sqlite(conn) => Borrowed::Sqlite(conn),
            Raw::SqliteLent(lent) => Borrowed::Sqlite(lent.ask()?),
            Raw::Postgres(conn) => Borrowed::Postgres(conn),
            Raw::PostgresPooled(conn) => Borrowed::Postgres(conn),
        })
    }

    fn heard<T>(&mut self, answer: T) -> T {
        if let Raw::SqliteLent(lent) = &mut self.raw {
            lent.heard();
        }
        answer
    }

    fn record(&self, sql: &Sql) {
        if let Some(recorder) = &self.recorder {
            recorder.lock().unwrap_or_else(PoisonError::into_inner).insert(sql.name().into_owned());
        }
    }

    /// Executes a statement; answers how many rows it changed.
    ///
    /// # Errors
    /// What the database says.
    pub(super) async fn execute(&mut self, sql: Sql) -> Result<u64, Fault> {
        self.record(&sql);
        let (text, args) = sql.text_for(self.engine());
        let answer = match self.ask()? {
            Borrowed::Sqlite(conn) => bound!(text, args).execute(conn).await?.rows_affected(),
            Borrowed::Postgres(conn) => bound!(text, args).execute(conn).await?.rows_affected(),
        };
        Ok(self.heard(answer))
    }

    /// The rows of a query.
    ///
    /// # Errors
    /// What the database says.
    pub(super) async fn all(&mut self, sql: Sql) -> Result<Vec<Row>, Fault> {
        self.record(&sql);
        let (text, args) = sql.text_for(self.engine());
        let answer = match self.ask()? {
            Borrowed::Sqlite(conn) => bound!(text, args).fetch_all(conn).await?.into_iter().map(Row::Sqlite).collect(),
            Borrowed::Postgres(conn) => bound!(text, args).fetch_all(conn).await?.into_iter().map(Row::Postgres).collect(),
        };
        Ok(self.heard(answer))
    }

    /// The first row of a query, if there is one.
    ///
    /// # Errors
    /// What the database says.
    pub(super) async fn one(&mut self, sql: Sql) -> Result<Option<Row>, Fault> {
        self.record(&sql);
        let (text, args) = sql.text_for(self.engine());
        let answer = match self.ask()? {
            Borrowed::Sqlite(conn) => bound!(text, args).fetch_optional(conn).await?.map(Row::Sqlite),
            Borrowed::Postgres(conn) => bound!(text, args).fetch_optional(conn).await?.map(Row::Postgres),
        };
        Ok(self.heard(answer))
    }

    /// Statements without arguments or answer that travel together, such as the words around a transaction.
    pub(super) async fn words(&mut self, text: &'static str) -> Result<(), Fault> {
        let answer = match self.ask()? {
            // Kept prepared: to parse them costs SQLite more than to do them. PostgreSQL prepares no two at once.
            Borrowed::Sqlite(conn) => sqlx::query(text).execute(conn).await?.rows_affected(),
            Borrowed::Postgres(conn) => sqlx::raw_sql(text).execute(conn).await?.rows_affected(),
        };
        self.heard(answer);
        Ok(())
    }
}

/// A connection within a transaction of a writer: what can change data.
#[derive(Debug)]
pub struct Tx<'c> {
    conn: &'c mut Conn,
    /// Whether what was done since the savepoint is there to stay, so that the next unit needs one of its own.
    kept: bool,
    /// What the units change about the sums over all orders; written before the commit.
    pub(super) totals: Changes,
    /// Whether there is something new in the outbox: whoever sends is woken after the commit.
    pub(super) queued: bool,
    /// Whether there are new events: whoever gives them their places is woken after the commit.
    pub(super) happened: bool,
}

impl<'c> Tx<'c> {
    /// Over a transaction that has just begun, with its savepoint.
    pub(super) fn begun(conn: &'c mut Conn) -> Self {
        Self { conn, kept: false, totals: Changes::default(), queued: false, happened: false }
    }

    /// What was done so far stays, whatever the next unit does.
    pub(super) fn keep(&mut self) {
        self.kept = true;
        self.totals.keep();
    }

    /// Makes sure that the next unit can be undone by itself. The last of a transaction needs no savepoint behind it.
    pub(super) async fn next_unit(&mut self) -> Result<(), Fault> {
        if std::mem::take(&mut self.kept) { self.conn.words("RELEASE SAVEPOINT unit; SAVEPOINT unit").await } else { Ok(()) }
    }

    /// Loads a row and locks it.
    ///
    /// # Errors
    /// What the database says.
    pub(super) async fn lock(&mut self, sql: LockingSql) -> Result<Option<Locked<Row>>, Fault> {
        Ok(self.conn.one(sql.0).await?.map(Locked))
    }

    /// Locks every row of a query.
    ///
    /// # Errors
    /// What the database says.
    pub(super) async fn lock_all(&mut self, sql: LockingSql) -> Result<Vec<Locked<Row>>, Fault> {
        Ok(self.conn.all(sql.0).await?.into_iter().map(Locked).collect())
    }

    /// Undoes everything the unit has done so far; it may go on with something else.
    ///
    /// # Errors
    /// What the database says.
    pub async fn undo(&mut self) -> Result<(), Fault> {
        self.conn.words("ROLLBACK TO SAVEPOINT unit").await?;
        self.totals.undo();
        Ok(())
    }

    /// Executes a guarded change that must hit exactly one row: anything else means that somebody else was there first.
    ///
    /// # Errors
    /// What the database says; [`Fault::Guard`] if another number of rows changed.
    pub(super) async fn change_one(&mut self, sql: Sql) -> Result<(), Fault> {
        self.change(sql, 1).await
    }

    /// Executes a guarded change that must hit exactly so many rows.
    ///
    /// # Errors
    /// What the database says; [`Fault::Guard`] if another number of rows changed.
    pub(super) async fn change(&mut self, sql: Sql, expected: usize) -> Result<(), Fault> {
        let text: String = sql.name().chars().take(60).collect();
        match self.conn.execute(sql).await? {
            rows if usize::try_from(rows) == Ok(expected) => Ok(()),
            rows => Err(Fault::Guard { rows, statement: text }),
        }
    }
}

impl std::ops::Deref for Tx<'_> {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        self.conn
    }
}

impl std::ops::DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Conn {
        self.conn
    }
}
