//! The database's file, and what a crash leaves of it: a copy whose write-ahead log ends where the crash was. So a commit that nobody has
//! answered yet happened or did not, or was half written, as with a real one. It knows nothing of what is in the database.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use payin_server::store::{self, Location};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;

use crate::books::list_of_changes;
use crate::dice::Dice;

/// Where files live in memory, where there is such a place.
const MEMORY: &str = "/dev/shm";
/// Of SQLite's file format: the log's header, and what stands before each page in it.
const WAL_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Where a crash comes, among the commits of what was under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Before its first commit.
    Before,
    /// In the midst of writing its first commit.
    Torn,
    /// After one of its commits, and before the next.
    Between,
    /// After its last commit, and before anybody was told.
    After,
}

/// Where the log stood.
#[derive(Debug, Clone, Default)]
pub struct Mark {
    salts: Vec<u8>,
    end: usize,
}

/// A database's files.
pub struct Disk {
    folder: TempDir,
    generation: u32,
}

/// A copy of a database, as somebody keeps it.
pub struct Backup {
    file: Vec<u8>,
    log: Vec<u8>,
}

impl Disk {
    /// A fresh one with this version's schema.
    pub async fn new() -> Self {
        static TEMPLATE: OnceLock<Vec<u8>> = OnceLock::new();
        let folder = Path::new(MEMORY).is_dir().then(|| tempfile::tempdir_in(MEMORY).ok()).flatten();
        let folder = folder.unwrap_or_else(|| tempfile::tempdir().expect("a temporary folder"));
        let disk = Self { folder, generation: 0 };
        if TEMPLATE.get().is_none() {
            let _ = TEMPLATE.set(template(&disk.folder.path().join("template.db")).await);
        }
        fs::write(disk.path(), TEMPLATE.get().expect("just made")).expect("the database's file");
        disk
    }

    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(format!("{}.db", self.generation))
    }

    #[must_use]
    pub fn location(&self) -> Location {
        Location::Sqlite(self.path())
    }

    fn log(&self) -> Vec<u8> {
        fs::read(log_of(&self.path())).unwrap_or_default()
    }

    /// Where the log stands now.
    #[must_use]
    pub fn mark(&self) -> Mark {
        let log = self.log();
        Mark { salts: salts(&log).to_vec(), end: commits(&log).last().copied().unwrap_or(WAL_HEADER) }
    }

    /// Keeps what is there now.
    #[must_use]
    pub fn backup(&self) -> Backup {
        Backup { file: fs::read(self.path()).expect("the database's file"), log: self.log() }
    }

    /// There is only what was kept.
    pub fn restore(&mut self, backup: &Backup) {
        let old = self.path();
        self.generation += 1;
        fs::write(self.path(), &backup.file).expect("the database's file");
        if !backup.log.is_empty() {
            fs::write(log_of(&self.path()), &backup.log).expect("the log");
        }
        remove(&old);
    }

    /// The machine stops. From here on there is only what was in the files, cut off at a place between the mark and now. Answers where.
    pub fn crash(&mut self, since: &Mark, cut: Cut, dice: &mut Dice) -> Cut {
        let log = self.log();
        let same = salts(&log) == since.salts.as_slice() || since.salts.is_empty();
        let made: Vec<usize> = commits(&log).into_iter().filter(|end| *end > since.end).collect();
        let (place, keep) = match (cut, made.as_slice()) {
            (_, []) => (Cut::After, log.len()),
            _ if !same => (Cut::After, log.len()),
            // Where there are several commits, what lies between them is told most about.
            (Cut::Before | Cut::Between, [_, _, ..]) if dice.permille(700) => (Cut::Between, made[dice.index(made.len() - 1)]),
            (Cut::Before, _) => (Cut::Before, since.end),
            (Cut::Torn, [first, ..]) => (Cut::Torn, first - 1 - dice.index(first - since.end - 1)),
            (Cut::Between, [_, _, ..]) => (Cut::Between, made[dice.index(made.len() - 1)]),
            _ => (Cut::After, log.len()),
        };
        let old = self.path();
        self.generation += 1;
        fs::copy(&old, self.path()).expect("the database's file");
        if !log.is_empty() {
            fs::write(log_of(&self.path()), &log[..keep.min(log.len())]).expect("the log");
        }
        remove(&old);
        place
    }
}

fn remove(path: &Path) {
    for gone in [path.to_owned(), log_of(path), with(path, "-shm")] {
        let _ = fs::remove_file(gone);
    }
}

/// A file with this version's schema, whole in itself.
async fn template(path: &Path) -> Vec<u8> {
    store::migrate(&Location::Sqlite(path.to_owned())).await.expect("the schema");
    let mut conn = SqliteConnectOptions::new().filename(path).connect().await.expect("the database's file");
    sqlx::raw_sql(sqlx::AssertSqlSafe(list_of_changes())).execute(&mut conn).await.expect("a list of changes");
    sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut conn).await.expect("a checkpoint");
    conn.close().await.expect("the database's file");
    fs::read(path).expect("the database's file")
}

fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn log_of(path: &Path) -> PathBuf {
    with(path, "-wal")
}

/// What tells this round of the log from the ones before.
fn salts(log: &[u8]) -> &[u8] {
    log.get(16..24).unwrap_or_default()
}

/// Where commits of this round end.
fn commits(log: &[u8]) -> Vec<usize> {
    let number = |at: usize| log.get(at..at + 4).map_or(0, |bytes| u32::from_be_bytes(bytes.try_into().expect("four bytes")) as usize);
    let frame = FRAME_HEADER + number(8);
    let mut ends = Vec::new();
    let mut at = WAL_HEADER;
    while log.len() >= at + frame && log.get(at + 8..at + 16) == Some(salts(log)) {
        if number(at + 4) > 0 {
            ends.push(at + frame);
        }
        at += frame;
    }
    ends
}
