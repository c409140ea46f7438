//! The connections that read a SQLite file, lent one at a time. sqlx's own pool starts a task and asks the connection whether it is there each
//! time one is given back, which on a file costs as much as a short query. It must not know any statement.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Fault;

/// How long a request waits for a reader before it fails.
const WAITS: Duration = Duration::from_secs(30);

/// All readers of one file, opened when they are first needed.
#[derive(Debug)]
pub(super) struct Readers {
    options: SqliteConnectOptions,
    most: u32,
    free: Arc<Semaphore>,
    idle: Mutex<VecDeque<Idle>>,
}

#[derive(Debug)]
struct Idle {
    conn: SqliteConnection,
    /// Whether its last question was heard to its end.
    is_at_rest: bool,
}

/// A connection of [`Readers`], until it is dropped.
#[derive(Debug)]
pub(super) struct Lent {
    conn: Option<SqliteConnection>,
    is_at_rest: bool,
    home: Arc<Readers>,
    /// Given back behind the connection.
    _permit: OwnedSemaphorePermit,
}

impl Readers {
    pub(super) fn new(options: SqliteConnectOptions, most: u32) -> Arc<Self> {
        Arc::new(Self { options, most, free: Arc::new(Semaphore::new(most as usize)), idle: Mutex::default() })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, VecDeque<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn lend(self: &Arc<Self>) -> Result<Lent, Fault> {
        let permit = tokio::time::timeout(WAITS, Arc::clone(&self.free).acquire_owned()).await;
        let permit = permit.map_err(|_| Fault::Sql(sqlx::Error::PoolTimedOut))?.map_err(|_| Fault::Stopped)?;
        let (conn, is_at_rest) = self.idle().pop_back().map_or((None, false), |idle| (Some(idle.conn), idle.is_at_rest));
        let mut lent = Lent { conn, is_at_rest, home: Arc::clone(self), _permit: permit };
        // One that somebody stopped listening to may still be at work, or have lost its thread.
        if let Some(conn) = lent.conn.as_mut().filter(|_| !is_at_rest)
            && conn.ping().await.is_err()
        {
            lent.conn = None;
        }
        if lent.conn.is_none() {
            lent.conn = Some(self.options.connect().await?);
        }
        lent.is_at_rest = true;
        Ok(lent)
    }

    /// Waits for every reader and closes it. Whoever asks for one afterwards is told that the store is closed.
    pub(super) async fn close(&self) {
        let all = self.free.acquire_many(self.most).await;
        self.free.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle());
        for idle in idle {
            if let Err(error) = idle.conn.close().await {
                tracing::warn!(%error, "a reader did not close well");
            }
        }
    }
}

impl Lent {
    /// The connection, to ask it something: until [`Lent::heard`] it may be at work.
    pub(super) fn ask(&mut self) -> Result<&mut SqliteConnection, Fault> {
        self.is_at_rest = false;
        self.conn.as_mut().ok_or(Fault::Stopped)
    }

    /// It has answered to the end.
    pub(super) fn heard(&mut self) {
        self.is_at_rest = true;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(conn) = self.conn.take() else { return };
        let (mut idle, is_at_rest) = (self.home.idle(), self.is_at_rest);
        // The one used last is lent next, since what it has read is near; one that may still be at work is lent last.
        if is_at_rest {
            idle.push_back(Idle { conn, is_at_rest });
        } else {
            idle.push_front(Idle { conn, is_at_rest });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn readers(most: u32) -> Arc<Readers> {
        Readers::new(SqliteConnectOptions::new().in_memory(true), most)
    }

    async fn ask(lent: &mut Lent, question: &'static str) -> i64 {
        let answer = sqlx::query_scalar(question).fetch_one(lent.ask().unwrap()).await.unwrap();
        lent.heard();
        answer
    }

    #[tokio::test]
    async fn there_are_only_so_many_and_the_one_used_last_comes_next() {
        let readers = readers(2);
        let (mut one, mut two) = (readers.lend().await.unwrap(), readers.lend().await.unwrap());
        assert_eq!((ask(&mut one, "PRAGMA user_version = 1; SELECT 1").await, ask(&mut two, "SELECT 2").await), (1, 2));
        let mut third = Box::pin(readers.lend());
        let mut context = Context::from_waker(Waker::noop());
        assert!(third.as_mut().poll(&mut context).is_pending());
        drop(two);
        let Poll::Ready(Ok(third)) = third.as_mut().poll(&mut context) else { panic!("one was given back") };
        drop((third, one));
        assert_eq!(ask(&mut readers.lend().await.unwrap(), "SELECT user_version FROM pragma_user_version").await, 1);
    }

    #[tokio::test]
    async fn one_that_nobody_listens_to_any_more_is_lent_last_and_still_right() {
        const LONG: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT COUNT(*) FROM n";
        let readers = readers(2);
        let (mut busy, mut idle) = (readers.lend().await.unwrap(), readers.lend().await.unwrap());
        assert_eq!((ask(&mut busy, "PRAGMA user_version = 7; SELECT 1").await, ask(&mut idle, "SELECT 1").await), (1, 1));
        drop(idle);
        {
            let mut question = Box::pin(ask(&mut busy, LONG));
            assert!(question.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        drop(busy);
        let version = "SELECT user_version FROM pragma_user_version";
        let mut first = readers.lend().await.unwrap();
        let mut second = readers.lend().await.unwrap();
        assert_eq!((ask(&mut first, version).await, ask(&mut second, version).await), (0, 7));
    }

    #[tokio::test]
    async fn closing_waits_for_what_is_lent_and_then_there_is_none() {
        let readers = readers(2);
        let lent = readers.lend().await.unwrap();
        let mut closing = Box::pin(readers.close());
        assert!(closing.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(lent);
        closing.await;
        assert!(matches!(readers.lend().await, Err(Fault::Stopped)));
        assert!(readers.idle().is_empty());
    }
}
