//! Opening a database: connections, migrations, and the checks without which a database is not trusted. It must not know any table.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, PgPool};
use tokio::sync::{Mutex, mpsc};

use super::db::{Conn, Raw, Recorder};
use super::{Fault, Store, readers, writer};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// SQLite up to 3.51.2 can lose committed writes in WAL mode (the "WAL-reset" race, disclosed 2026-03-03).
const SQLITE_OLDEST: (u32, u32, u32) = (3, 51, 3);
/// Readers on SQLite: as many as cores on a small machine, with one to spare.
const SQLITE_READERS: u32 = 4;
const POSTGRES_READERS: u32 = 16;
/// How long a reader of PostgreSQL lies unused before it is asked whether it is still there: each time would be one more way to the database
/// and back for each request.
const TESTED_AFTER: Duration = Duration::from_secs(1);
/// Two writers keep a PostgreSQL busy: one commits while the other runs its group.
const POSTGRES_WRITERS: usize = 2;
/// A server that stands still in the middle of a transaction, as one whose machine is paused, holds its locks no longer than this: less than
/// a lease lasts, so that whoever takes over its work finds nothing in the way.
const IDLE_IN_TRANSACTION: &str = "SET idle_in_transaction_session_timeout = '10s'";
/// In how many rows the writers of all servers add up one sum: so many can commit at once without waiting for each other.
const POSTGRES_SUMS: i64 = 8;
/// Units that may wait; beyond it callers wait to queue, which is the server's back-pressure.
const QUEUE: usize = 4096;
/// Prepared statements kept by a connection: those over several rows have one text for each number of rows.
const STATEMENTS: usize = 1024;
/// SQLite's page cache of a connection: minus means KiB. Its default of 2 MiB does not hold the indexes of a busy pool.
const CACHE_KIB: &str = "-16384";
/// Pages in the write-ahead log before they are copied into the database. Its default of 1,000 copies hot pages again and again.
const CHECKPOINT_PAGES: &str = "8000";
/// How long a writer waits for SQLite's lock, which only a backup or a migration of ours may hold.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// `sqlite://FILE`
    Sqlite(PathBuf),
    /// `postgres://…`; the text bears a password.
    Postgres(secrecy_text::Hidden),
}

/// A text that no `Debug` shows.
pub mod secrecy_text {
    /// See the module.
    #[derive(Clone, PartialEq, Eq)]
    pub struct Hidden(pub String);
    impl std::fmt::Debug for Hidden {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("[redacted]")
        }
    }
}

impl FromStr for Location {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            return if path.is_empty() || path == ":memory:" {
                Err("a SQLite database must be a file: sqlite:///path/to/payin.db".to_owned())
            } else {
                Ok(Self::Sqlite(PathBuf::from(path)))
            };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(secrecy_text::Hidden(text.to_owned())));
        }
        Err("a database is sqlite://FILE or postgres://USER:PASSWORD@HOST/NAME".to_owned())
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(_) => f.write_str("postgres://[address not shown]"),
        }
    }
}

/// Makes writers' connections.
#[derive(Debug, Clone)]
pub(super) enum Connector {
    Sqlite(SqliteConnectOptions, Option<Recorder>),
    Postgres(PgConnectOptions, Option<Recorder>),
}

impl Connector {
    pub(super) async fn connect(&self) -> Result<Conn, Fault> {
        Ok(match self {
            Self::Sqlite(options, recorder) => Conn { raw: Raw::Sqlite(options.connect().await?), recorder: recorder.clone(), writer: 0 },
            Self::Postgres(options, recorder) => {
                let mut conn = options.connect().await?;
                sqlx::query(IDLE_IN_TRANSACTION).execute(&mut conn).await?;
                // Connections made one after the other have different numbers, those of other servers too.
                let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut conn).await?;
                Conn { raw: Raw::Postgres(conn), recorder: recorder.clone(), writer: i64::from(pid) % POSTGRES_SUMS }
            }
        })
    }
}

#[derive(Debug, Clone)]
pub(super) enum Readers {
    Sqlite(Arc<readers::Readers>, Option<Recorder>),
    Postgres(PgPool, Option<Recorder>),
}

impl Readers {
    pub(super) async fn acquire(&self) -> Result<Conn, Fault> {
        Ok(match self {
            Self::Sqlite(readers, recorder) => Conn { raw: Raw::SqliteLent(readers.lend().await?), recorder: recorder.clone(), writer: 0 },
            Self::Postgres(pool, recorder) => {
                Conn { raw: Raw::PostgresPooled(pool.acquire().await?), recorder: recorder.clone(), writer: 0 }
            }
        })
    }
}

fn sqlite_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("cache_size", CACHE_KIB)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        // What it needs to undo a statement or a unit would go to a file of its own, beyond some pages.
        .pragma("temp_store", "MEMORY")
        .statement_cache_capacity(STATEMENTS)
}

/// Opens the database at a location, without changing its schema.
///
/// # Errors
/// If it cannot be reached, its SQLite is too old, or durability is not what we asked for.
pub async fn open(location: &Location, recorder: Option<Recorder>) -> Result<Store, Fault> {
    let (connector, readers, writers) = match location {
        Location::Sqlite(path) => {
            let options = sqlite_options(path);
            let mut conn = Connector::Sqlite(options.clone(), None).connect().await?;
            check_sqlite(&mut conn).await?;
            let readers = readers::Readers::new(options.clone(), SQLITE_READERS);
            (Connector::Sqlite(options, recorder.clone()), Readers::Sqlite(readers, recorder), 1)
        }
        Location::Postgres(url) => {
            let options = PgConnectOptions::from_str(&url.0)?.application_name("payin-server").statement_cache_capacity(STATEMENTS);
            let readers = PgPoolOptions::new().max_connections(POSTGRES_READERS).test_before_acquire(false);
            let readers = readers.before_acquire(|conn, told| {
                Box::pin(async move {
                    if told.idle_for >= TESTED_AFTER {
                        conn.ping().await?;
                    }
                    Ok(true)
                })
            });
            let readers = readers.connect_lazy_with(options.clone());
            (Connector::Postgres(options, recorder.clone()), Readers::Postgres(readers, recorder), POSTGRES_WRITERS)
        }
    };
    let (queue, receiver) = mpsc::channel(QUEUE);
    let receiver = Arc::new(Mutex::new(receiver));
    let bells = writer::Bells::default();
    let write = |_| spawn(writer::write(Arc::clone(&receiver), connector.clone(), bells.clone()));
    let writers = (0..writers).map(write).collect();
    Ok(Store::new(queue, readers, connector, writers, bells))
}

#[expect(clippy::disallowed_methods, reason = "the store's writers live as long as the store, which waits for them when it is closed")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
    tokio::spawn(task)
}

async fn check_sqlite(conn: &mut Conn) -> Result<(), Fault> {
    let pragma = |name: &str, row: Option<super::db::Row>| row.ok_or_else(|| Fault::Corrupt(format!("no answer to {name}")));
    let version = pragma("sqlite_version", conn.one(super::sql("SELECT sqlite_version() AS version")).await?)?.text("version")?;
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if found < SQLITE_OLDEST {
        return Err(Fault::Corrupt(format!("SQLite {version} can lose committed writes; 3.51.3 or newer is needed")));
    }
    let journal = pragma("journal_mode", conn.one(super::sql("PRAGMA journal_mode")).await?)?.text("journal_mode")?;
    let synchronous = pragma("synchronous", conn.one(super::sql("PRAGMA synchronous")).await?)?.int("synchronous")?;
    if journal != "wal" || synchronous != 2 {
        return Err(Fault::Corrupt(format!(
            "SQLite answers journal_mode={journal}, synchronous={synchronous}; wal and 2 (FULL) are needed"
        )));
    }
    Ok(())
}

/// Brings the schema up to this version. Safe to run beside another server that does the same.
///
/// # Errors
/// If a migration fails (nothing of it stays), or the database is of a newer version than this program.
pub async fn migrate(location: &Location) -> Result<(), Fault> {
    match location {
        Location::Sqlite(path) => MIGRATIONS.run_direct(None, &mut sqlite_options(path).connect().await?, false).await?,
        Location::Postgres(url) => MIGRATIONS.run_direct(None, &mut PgConnectOptions::from_str(&url.0)?.connect().await?, false).await?,
    }
    Ok(())
}

/// Held by the one server that may use a SQLite file. The operating system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct SoleServer(#[expect(dead_code, reason = "held, not read")] Option<File>);

/// Makes sure that no second server uses the same SQLite file: its cursors and caches would disagree. PostgreSQL may be shared.
///
/// # Errors
/// If another server has the file.
pub fn claim_sole(location: &Location) -> Result<SoleServer, Fault> {
    let Location::Sqlite(path) = location else { return Ok(SoleServer(None)) };
    let mut name = path.clone().into_os_string();
    name.push(".lock");
    let io = |error: std::io::Error| Fault::Corrupt(format!("the lock file beside the database {}: {error}", path.display()));
    let file = File::options().create(true).truncate(false).write(true).open(&name).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(SoleServer(Some(file))),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(Fault::Corrupt(format!("another payin-server uses {}; SQLite serves one, PostgreSQL several", path.display())))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(io(error)),
    }
}
