//! The group-commit floor: a writer takes every request that waits, places them in one transaction, and only then
//! answers. It never waits for more to arrive, so a lone request is committed at once.
//!
//! A group is first tried whole, in four statements; when any order of it fails, once more with a savepoint each. The
//! savepoint path alone (`--savepoints`) is what a server pays whose units stay separate statements.

use std::sync::Arc;

use sqlx::{Connection, PgPool, SqlitePool};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::place::{all_postgres, all_sqlite, one_postgres, one_sqlite};
use super::{NewOrder, Pool, Refusal, naive};

/// More connections than this are never opened by the bench, so a group is "all that wait".
const GROUP_MAX: usize = 1024;
/// As measured in `performance.md`: one writer works while the other waits for its commit.
const POSTGRES_WRITERS: usize = 2;

type Placed = Result<String, Refusal>;

struct Waiting {
    order: NewOrder,
    answer: oneshot::Sender<Placed>,
}

struct Writer {
    pool: Pool,
    queue: Arc<Mutex<mpsc::Receiver<Waiting>>>,
    savepoints: bool,
}

pub struct Group {
    queue: mpsc::Sender<Waiting>,
}

impl Group {
    pub fn start(pool: Pool, savepoints: bool) -> Self {
        let (sender, receiver) = mpsc::channel(GROUP_MAX);
        let queue = Arc::new(Mutex::new(receiver));
        let writers = if matches!(pool, Pool::Sqlite(_)) { 1 } else { POSTGRES_WRITERS };
        for _ in 0..writers {
            let writer = Writer { pool: pool.clone(), queue: Arc::clone(&queue), savepoints };
            tokio::spawn(writer.run());
        }
        Self { queue: sender }
    }

    pub async fn place(&self, order: NewOrder) -> Placed {
        let gone = || Refusal::Failed("the writer is gone".to_owned());
        let (answer, placed) = oneshot::channel();
        self.queue.send(Waiting { order, answer }).await.map_err(|_| gone())?;
        placed.await.map_err(|_| gone())?
    }
}

impl Writer {
    async fn run(self) {
        while let Some(group) = self.next_group().await {
            let orders: Vec<&NewOrder> = group.iter().map(|waiting| &waiting.order).collect();
            let placed = self.write(&orders).await;
            for (waiting, placed) in group.into_iter().zip(placed) {
                // The asker may have hung up; its order stands, as in any server.
                let _ = waiting.answer.send(placed);
            }
        }
    }

    async fn next_group(&self) -> Option<Vec<Waiting>> {
        let mut group = Vec::new();
        let taken = self.queue.lock().await.recv_many(&mut group, GROUP_MAX).await;
        (taken > 0).then_some(group)
    }

    async fn write(&self, orders: &[&NewOrder]) -> Vec<Placed> {
        if let [order] = orders {
            return vec![naive::place(&self.pool, order).await];
        }
        if !self.savepoints
            && let Ok(bodies) = self.whole(orders).await
        {
            return bodies.into_iter().map(Ok).collect();
        }
        let each = match &self.pool {
            Pool::Sqlite(pool) => each_sqlite(pool, orders).await,
            Pool::Postgres(pool) => each_postgres(pool, orders).await,
        };
        each.unwrap_or_else(|error| orders.iter().map(|_| Err(Refusal::Failed(error.to_string()))).collect())
    }

    async fn whole(&self, orders: &[&NewOrder]) -> Result<Vec<String>, Refusal> {
        match &self.pool {
            Pool::Sqlite(pool) => {
                let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
                let bodies = all_sqlite(&mut transaction, orders).await?;
                transaction.commit().await?;
                Ok(bodies)
            }
            Pool::Postgres(pool) => {
                let mut transaction = pool.begin().await?;
                let bodies = all_postgres(&mut transaction, orders).await?;
                transaction.commit().await?;
                Ok(bodies)
            }
        }
    }
}

/// One transaction, a savepoint each: one order's failure is its own.
macro_rules! each {
    ($begin:expr, $one:ident, $orders:expr) => {{
        let mut transaction = $begin.await?;
        let mut all = Vec::with_capacity($orders.len());
        for order in $orders {
            let mut savepoint = transaction.begin().await?;
            let placed = $one(&mut savepoint, order).await;
            match placed {
                Ok(_) => savepoint.commit().await?,
                Err(_) => savepoint.rollback().await?,
            }
            all.push(placed);
        }
        transaction.commit().await?;
        Ok(all)
    }};
}

async fn each_sqlite(pool: &SqlitePool, orders: &[&NewOrder]) -> sqlx::Result<Vec<Placed>> {
    each!(pool.begin_with("BEGIN IMMEDIATE"), one_sqlite, orders)
}

async fn each_postgres(pool: &PgPool, orders: &[&NewOrder]) -> sqlx::Result<Vec<Placed>> {
    each!(pool.begin(), one_postgres, orders)
}
