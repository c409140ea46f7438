//! The databases under measurement: a fresh one for every server, gone afterwards.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use url::Url;

pub enum Engine {
    /// Files in this folder.
    Sqlite(PathBuf),
    /// Databases beside the one that the URL names.
    Postgres(Url),
}

pub struct Databases {
    engine: Engine,
    made: Vec<String>,
}

impl Databases {
    pub fn new(engine: Engine) -> Self {
        Self { engine, made: Vec::new() }
    }

    pub fn name(&self) -> &'static str {
        match self.engine {
            Engine::Sqlite(_) => "SQLite",
            Engine::Postgres(_) => "PostgreSQL",
        }
    }

    /// Makes an empty database and answers its URL.
    pub async fn make(&mut self, name: &str) -> anyhow::Result<String> {
        match &self.engine {
            Engine::Sqlite(folder) => Ok(format!("sqlite://{}", folder.join(format!("{name}.db")).display())),
            Engine::Postgres(url) => {
                let database = format!("payin_bench_{}_{name}", std::process::id());
                let mut admin = admin(url).await?;
                // Both parts of the name are ours: a number and a word.
                sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {database}"))).execute(&mut admin).await?;
                let mut made = url.clone();
                made.set_path(&database);
                self.made.push(database);
                Ok(made.into())
            }
        }
    }

    /// PostgreSQL after a bulk load has neither statistics nor hint bits, and autovacuum would come for them in the
    /// middle of somebody's round.
    pub async fn settle(&self, database: &str) -> anyhow::Result<()> {
        if matches!(self.engine, Engine::Postgres(_)) {
            let mut connection = PgConnection::connect(database).await?;
            sqlx::query("VACUUM ANALYZE").execute(&mut connection).await?;
        }
        Ok(())
    }

    /// What decides the absolutes: versions, durability, the disk.
    pub async fn describe(&self) -> anyhow::Result<String> {
        match &self.engine {
            Engine::Sqlite(folder) => {
                let mut memory = SqliteConnection::connect("sqlite::memory:").await?;
                let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut memory).await?;
                let sync = fdatasync_p50(folder).context("timing fdatasync")?;
                Ok(format!("SQLite {version}, WAL, synchronous=FULL, fdatasync p50 {} µs", sync.as_micros()))
            }
            Engine::Postgres(url) => {
                let mut admin = admin(url).await?;
                let mut text = "PostgreSQL".to_owned();
                for (label, show) in
                    [(" ", "SHOW server_version"), (", fsync=", "SHOW fsync"), (", synchronous_commit=", "SHOW synchronous_commit")]
                {
                    let value: String = sqlx::query_scalar(show).fetch_one(&mut admin).await?;
                    text.push_str(label);
                    text.push_str(&value);
                }
                Ok(text)
            }
        }
    }

    /// After the servers have ended, whatever became of the run.
    pub async fn drop_all(&mut self) -> anyhow::Result<()> {
        let Engine::Postgres(url) = &self.engine else { return Ok(()) };
        let mut admin = admin(url).await?;
        for database in self.made.drain(..) {
            let statement = format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)");
            sqlx::query(AssertSqlSafe(statement)).execute(&mut admin).await?;
        }
        Ok(())
    }
}

async fn admin(url: &Url) -> anyhow::Result<PgConnection> {
    PgConnection::connect(url.as_str()).await.context("connecting to --postgres")
}

fn fdatasync_p50(folder: &Path) -> std::io::Result<Duration> {
    let mut file = File::create(folder.join("fdatasync"))?;
    let mut taken = Vec::new();
    for _ in 0..101 {
        file.write_all(&[0; 4096])?;
        let begin = Instant::now();
        file.sync_data()?;
        taken.push(begin.elapsed());
    }
    taken.sort_unstable();
    Ok(taken.get(taken.len() / 2).copied().unwrap_or_default())
}
