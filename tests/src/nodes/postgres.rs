//! A fresh, empty PostgreSQL database for one test, on the server that `scripts/test` started.

use super::canary::DATABASE_PASSWORD;
use super::from_scripts_test;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use url::Url;

/// A database; dropped with the value, whoever is still connected to it.
#[derive(Debug)]
pub struct Database {
    server: Url,
    url: Url,
    name: String,
}

impl Database {
    pub async fn create() -> Self {
        let server = from_scripts_test("PAYIN_TEST_POSTGRES");
        let server = Url::parse(&server).unwrap_or_else(|error| panic!("PAYIN_TEST_POSTGRES is no URL: {error}"));
        let name = unique_name();
        let mut url = server.clone();
        url.set_path(&name);
        // A server that trusts whoever comes takes any.
        if url.password().is_none() {
            url.set_password(Some(DATABASE_PASSWORD)).expect("a URL that may have one");
        }
        // From template0, because copying template1 fails while anybody is connected to that.
        execute(&server, format!("CREATE DATABASE {name} TEMPLATE template0")).await.unwrap_or_else(|error| {
            panic!("cannot create a database at PAYIN_TEST_POSTGRES={server} ({error}): run the tests with scripts/test")
        });
        Self { server, url, name }
    }

    /// `postgres://…/payin_test_…`
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, sql) = (self.server.clone(), format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        // On a thread and a runtime of its own: the test's may be ending. A failure leaves a database behind on a server
        // that is itself removed, so it only gets a line.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(execute(&server, sql))
        });
        match dropping.join() {
            Ok(Ok(())) => {}
            other => eprintln!("database {} was not dropped: {other:?}", self.name),
        }
    }
}

async fn execute(server: &Url, sql: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(server.as_str()).await?;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
    connection.close().await
}

/// Unlike any other of this run, and of any earlier one on the same server.
fn unique_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("payin_test_{}_{}_{count}", std::process::id(), since_1970.as_micros())
}
