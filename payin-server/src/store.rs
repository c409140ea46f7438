//! Everything that is remembered: one SQL text for SQLite and PostgreSQL. Reading takes a [`Conn`], changing takes a [`Tx`], which
//! exists only inside a [`Unit`]. No rule lives here (they are in `payin-core`), no network I/O happens inside a unit.
//!
//! Three habits, always: rows are claimed with `claim!`/`locked!`; every transition is a guarded UPDATE whose row count is checked;
//! every exclusivity is a unique index as well.

pub mod access;
pub mod accounts;
pub mod browsers;
pub mod chains;
pub mod db;
pub mod deliveries;
pub mod deposits;
pub mod endpoints;
pub mod event_log;
pub mod event_positions;
pub mod events;
pub mod idempotency;
pub mod invitations;
pub mod leases;
pub mod links;
pub mod members;
pub mod merchants;
pub mod moments;
pub mod open;
pub mod orders;
pub mod pool;
pub mod quotas;
mod readers;
pub mod reconciliations;
pub mod resending;
pub mod scans;
pub mod second_factors;
pub mod settings;
pub mod statement;
pub mod stopped;
pub mod text;
pub mod totals;
pub mod transfers;
pub mod writable;
pub mod writer;

use std::sync::{Arc, Mutex, PoisonError};

use payin_core::Error;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

pub use db::{Conn, Engine, Locked, Tx};
pub use open::{Location, claim_sole, migrate, open};
pub use statement::{sql, sql_from, sql_of, sql_rows};
pub use writer::{Together, Unit};

/// What we or the world did wrong. Logged where it is handled; callers see a 500 or 503 and the request id.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The database's word.
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
    /// A migration failed.
    #[error("migration: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The database holds what it must not, or is not what it should be.
    #[error("{0}")]
    Corrupt(String),
    /// A guarded change found the row otherwise than it was read.
    #[error("a guarded change hit {rows} rows: {statement}")]
    Guard {
        /// How many rows changed.
        rows: u64,
        /// The statement's beginning.
        statement: String,
    },
    /// Another server does this work now.
    #[error("the lease {0} is held by another server")]
    Fenced(String),
    /// Nothing of the group was committed, for this reason.
    #[error("not committed: {0}")]
    NotCommitted(String),
    /// The connection was lost while a group was being committed: it is committed, or not.
    #[error("committed or not: {0}")]
    CommitUnknown(String),
    /// The store is closed.
    #[error("the store is closed")]
    Stopped,
}

impl Fault {
    /// Whether the database asks to run the whole transaction again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Sql(sqlx::Error::Database(error)) => {
                // Serialization failure, deadlock; SQLite: busy, and busy because its snapshot is old.
                matches!(error.code().as_deref(), Some("40001" | "40P01" | "5" | "261" | "517"))
            }
            _ => false,
        }
    }

    /// Whether the fault lies in one unit, and the others of its transaction may go on behind its savepoint.
    #[must_use]
    pub fn is_of_one_unit(&self) -> bool {
        match self {
            Self::Corrupt(_) | Self::Guard { .. } | Self::Fenced(_) => true,
            Self::Sql(sqlx::Error::Database(error)) => match error.code().as_deref() {
                // PostgreSQL: all but what tells of the connection, the machine or the transaction as a whole.
                Some(code) if code.len() == 5 => !["08", "25", "40", "53", "57", "58", "XX"].iter().any(|class| code.starts_with(class)),
                // SQLite, its primary code in the low byte: too big, constraint, mismatch.
                Some(code) => matches!(code.parse::<u32>().map(|code| code & 0xff), Ok(18..=20)),
                None => false,
            },
            _ => false,
        }
    }

    /// Whether the database lets nobody write at the moment: a PostgreSQL that stands by for another, or was told so.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        matches!(self, Self::Sql(sqlx::Error::Database(error)) if error.code().as_deref() == Some("25006"))
    }

    /// Whether a unique index refused the row.
    #[must_use]
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Sql(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}

/// Why a unit did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The caller's doing.
    #[error("{}", .0.message)]
    Refused(Error),
    /// Ours or the world's.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// The database. One value for the whole server.
#[derive(Debug)]
pub struct Store {
    queue: Mutex<Option<mpsc::Sender<Box<dyn writer::Job>>>>,
    readers: open::Readers,
    connector: open::Connector,
    writers: Mutex<Vec<JoinHandle<()>>>,
    bells: writer::Bells,
}

impl Store {
    fn new(
        queue: mpsc::Sender<Box<dyn writer::Job>>,
        readers: open::Readers,
        connector: open::Connector,
        writers: Vec<JoinHandle<()>>,
        bells: writer::Bells,
    ) -> Self {
        Self { queue: Mutex::new(Some(queue)), readers, connector, writers: Mutex::new(writers), bells }
    }

    /// Runs a unit and commits it. The answer comes after the commit; a caller that stops waiting does not stop the unit.
    ///
    /// # Errors
    /// The unit's refusal, or a fault; after either nothing of the unit remains.
    pub async fn write<U: Unit>(&self, unit: U) -> Result<U::Output, Failure> {
        let (reply, answer) = oneshot::channel();
        self.queue(Box::new(writer::Queued::alone(unit, reply)), answer).await
    }

    /// As [`Store::write`], for a unit that may be done together with others of its kind.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_together<U: Together>(&self, unit: U) -> Result<U::Output, Failure> {
        let (reply, answer) = oneshot::channel();
        self.queue(Box::new(writer::Queued::together(unit, reply)), answer).await
    }

    async fn queue<T>(&self, job: Box<dyn writer::Job>, answer: oneshot::Receiver<Result<T, Failure>>) -> Result<T, Failure> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Fault::Stopped)?;
        queue.send(job).await.map_err(|_| Fault::Stopped)?;
        drop(queue);
        answer.await.unwrap_or_else(|_| Err(Fault::Stopped.into()))
    }

    /// Wakes one of those who wait for it after each commit that left something to be sent.
    #[must_use]
    pub fn outbox(&self) -> &Arc<Notify> {
        &self.bells.outbox
    }

    /// Wakes one of those who wait for it after each commit of new events.
    #[must_use]
    pub fn events(&self) -> &Arc<Notify> {
        &self.bells.events
    }

    /// A connection to read with.
    ///
    /// # Errors
    /// If none is to be had.
    pub async fn read(&self) -> Result<Conn, Fault> {
        self.readers.acquire().await
    }

    /// Whether the database answers, on a connection of its own.
    ///
    /// # Errors
    /// What is wrong.
    pub async fn check(&self) -> Result<(), Fault> {
        self.connector.connect().await?.one(sql("SELECT 1 AS one")).await.map(drop)
    }

    /// Finishes what is queued and closes every connection.
    pub async fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let writers = std::mem::take(&mut *self.writers.lock().unwrap_or_else(PoisonError::into_inner));
        for writer in writers {
            if let Err(error) = writer.await {
                tracing::error!(%error, "a writer did not end well");
            }
        }
        match &self.readers {
            open::Readers::Sqlite(readers, _) => readers.close().await,
            open::Readers::Postgres(pool, _) => pool.close().await,
        }
    }
}
