//! Units of work and the group commit: many units in one transaction, each behind a savepoint, answered only after the commit.
//! A writer commits at once while nobody else waits; there is no batching timer. It must not know what a unit does.

use std::any::Any;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};

use super::db::{Conn, Engine, Tx};
use super::open::Connector;
use super::{Failure, Fault, totals};

/// The most units in one transaction: beyond this a commit gains little, and a retry repeats much.
const GROUP_MAX: usize = 128;
/// How often a group is tried again when the database asks for it.
const TRIES_MAX: u32 = 12;

/// A use case as a value. It may be run again from the start, so it changes nothing but the database, and what is random or taken from
/// the clock is part of the value.
pub trait Unit: Send + Sync + 'static {
    /// What it answers.
    type Output: Send + 'static;

    /// Does the work within a transaction. A refusal undoes everything the unit did.
    fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> impl Future<Output = Result<Self::Output, Failure>> + Send + 'a;
}

/// A unit that can be done together with others of its kind in a few statements, which is most of what a group commit gains.
pub trait Together: Unit {
    /// Does all of the units' work, or says that they must be run one by one: then, and after a fault, nothing of it remains.
    fn run_together<'a>(
        units: &'a [&'a Self],
        tx: &'a mut Tx<'_>,
    ) -> impl Future<Output = Result<Option<Vec<Self::Output>>, Fault>> + Send + 'a
    where
        Self: Sized;
}

type RunTogether = for<'a, 'c> fn(&'a mut [&'a mut dyn Job], &'a mut Tx<'c>) -> BoxFuture<'a, Result<bool, Fault>>;

/// A unit in the queue, its type erased.
pub(super) trait Job: Send + Any {
    fn run<'a>(&'a mut self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<(), Failure>>;
    /// After the commit.
    fn answer(self: Box<Self>);
    /// When nothing was committed.
    fn fail(self: Box<Self>, fault: Fault);
    /// When this unit alone could not be done; the others go on.
    fn spoil(&mut self, fault: Fault);
    /// How it is done together with others, if it can be.
    fn together(&self) -> Option<RunTogether>;
}

pub(super) struct Queued<U: Unit> {
    pub(super) unit: U,
    pub(super) outcome: Option<Result<U::Output, Failure>>,
    pub(super) reply: oneshot::Sender<Result<U::Output, Failure>>,
    together: Option<RunTogether>,
}

impl<U: Unit> Queued<U> {
    pub(super) fn alone(unit: U, reply: oneshot::Sender<Result<U::Output, Failure>>) -> Self {
        Self { unit, outcome: None, reply, together: None }
    }
}

impl<U: Together> Queued<U> {
    pub(super) fn together(unit: U, reply: oneshot::Sender<Result<U::Output, Failure>>) -> Self {
        Self { unit, outcome: None, reply, together: Some(run_together::<U>) }
    }
}

fn run_together<'a, U: Together>(jobs: &'a mut [&'a mut dyn Job], tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<bool, Fault>> {
    async move {
        let (all, mut queued) = (jobs.len(), Vec::with_capacity(jobs.len()));
        for job in jobs.iter_mut() {
            let any: &mut dyn Any = &mut **job;
            queued.extend(any.downcast_mut::<Queued<U>>());
        }
        if queued.len() != all {
            return Ok(false);
        }
        let units: Vec<&U> = queued.iter().map(|job| &job.unit).collect();
        let Some(outputs) = U::run_together(&units, tx).await? else { return Ok(false) };
        if outputs.len() != queued.len() {
            return Ok(false);
        }
        for (job, output) in queued.iter_mut().zip(outputs) {
            job.outcome = Some(Ok(output));
        }
        Ok(true)
    }
    .boxed()
}

impl<U: Unit> Job for Queued<U> {
    fn run<'a>(&'a mut self, tx: &'a mut Tx<'_>) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let result = self.unit.run(tx).await;
            let verdict = match &result {
                Ok(_) => Ok(()),
                Err(Failure::Refused(error)) => Err(Failure::Refused(error.clone())),
                Err(Failure::Fault(_)) => return result.map(drop),
            };
            self.outcome = Some(result);
            verdict
        }
        .boxed()
    }

    fn answer(self: Box<Self>) {
        // A caller that has gone away needs no answer; its work is done all the same.
        let _ = self.reply.send(self.outcome.unwrap_or_else(|| Err(Fault::Stopped.into())));
    }

    fn fail(self: Box<Self>, fault: Fault) {
        let _ = self.reply.send(Err(fault.into()));
    }

    fn spoil(&mut self, fault: Fault) {
        self.outcome = Some(Err(fault.into()));
    }

    fn together(&self) -> Option<RunTogether> {
        self.together
    }
}

type Jobs = Vec<Box<dyn Job>>;

/// Rung after commits. Each wakes one of those who wait for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Bells {
    /// Something is to be sent.
    pub outbox: Arc<Notify>,
    /// There are new events.
    pub events: Arc<Notify>,
}

/// One writer: takes what waits, commits it, answers. Ends when the queue is closed and empty.
pub(super) async fn write(queue: Arc<Mutex<mpsc::Receiver<Box<dyn Job>>>>, connector: Connector, bells: Bells) {
    let mut conn = None;
    while let Some(mut group) = next_group(&queue).await {
        let result = commit(&mut group, &mut conn, &connector, &bells).await;
        match result {
            Ok(()) => group.into_iter().for_each(Job::answer),
            Err(fault) => {
                tracing::error!(units = group.len(), %fault, "a group of units was not committed");
                for job in group {
                    job.fail(match &fault {
                        Fault::CommitUnknown(text) => Fault::CommitUnknown(text.clone()),
                        other => Fault::NotCommitted(other.to_string()),
                    });
                }
            }
        }
    }
    if let Some(conn) = conn
        && let Err(fault) = conn.close().await
    {
        tracing::warn!(%fault, "a writer's connection did not close well");
    }
}

async fn next_group(queue: &Mutex<mpsc::Receiver<Box<dyn Job>>>) -> Option<Jobs> {
    let mut queue = queue.lock().await;
    let mut group = vec![queue.recv().await?];
    while group.len() < GROUP_MAX
        && let Ok(job) = queue.try_recv()
    {
        group.push(job);
    }
    Some(group)
}

/// Commits a group. One that the database wants to run again is taken apart: two groups that hold locks and wait for each other would
/// otherwise meet again and again, while a unit alone holds nothing that another waits for.
async fn commit(group: &mut Jobs, conn: &mut Option<Conn>, connector: &Connector, bells: &Bells) -> Result<(), Fault> {
    if group.len() == 1 {
        return commit_until_done(group, conn, connector, bells).await;
    }
    match try_commit(group, conn, connector, bells).await {
        Err(fault) if fault.is_transient() => {}
        other => return other,
    }
    for job in group.iter_mut() {
        let alone = std::slice::from_mut(job);
        if let Err(fault) = commit_until_done(alone, conn, connector, bells).await {
            job.spoil(match fault {
                Fault::CommitUnknown(text) => Fault::CommitUnknown(text),
                other => Fault::NotCommitted(other.to_string()),
            });
        }
    }
    Ok(())
}

async fn commit_until_done(group: &mut [Box<dyn Job>], conn: &mut Option<Conn>, connector: &Connector, bells: &Bells) -> Result<(), Fault> {
    let mut tries = 0;
    loop {
        tries += 1;
        let result = try_commit(group, conn, connector, bells).await;
        match result {
            Err(fault) if fault.is_transient() && tries < TRIES_MAX => {
                tracing::debug!(tries, %fault, "the database asks to try again");
            }
            other => return other,
        }
    }
}

async fn try_commit(group: &mut [Box<dyn Job>], slot: &mut Option<Conn>, connector: &Connector, bells: &Bells) -> Result<(), Fault> {
    let mut conn = match slot.take() {
        Some(conn) => conn,
        None => connector.connect().await?,
    };
    if let Err(fault) = begin(&mut conn).await {
        if fault.is_transient() {
            return Err(fault);
        }
        // The connection may have died while nobody used it: the database was restarted. Nothing has been done yet.
        conn = connector.connect().await?;
        begin(&mut conn).await?;
    }
    let result = std::panic::AssertUnwindSafe(run_group(group, &mut conn)).catch_unwind().await;
    let result = result.unwrap_or_else(|_| Err(Fault::Corrupt("a unit panicked".to_owned())));
    match &result {
        Ok((queued, happened)) => {
            *slot = Some(conn);
            if *queued {
                bells.outbox.notify_one();
            }
            if *happened {
                bells.events.notify_one();
            }
        }
        // The connection is good again once the transaction is gone; if even that fails it is dropped, and the transaction with it.
        // One to a database that only stands by is dropped, too: the next one may lead to the one that took over.
        Err(fault) => {
            if conn.words("ROLLBACK").await.is_ok() && !fault.is_read_only() {
                *slot = Some(conn);
            }
        }
    }
    result.map(drop)
}

async fn begin(conn: &mut Conn) -> Result<(), Fault> {
    conn.words(match conn.engine() {
        // Takes the write lock at once: a transaction that starts reading and then wants to write could fail half-way.
        Engine::Sqlite => "BEGIN IMMEDIATE; SAVEPOINT unit",
        Engine::Postgres => "BEGIN; SAVEPOINT unit",
    })
    .await
}

/// Runs and commits a group. Answers whether it left something to be sent, and whether there are new events.
async fn run_group(group: &mut [Box<dyn Job>], conn: &mut Conn) -> Result<(bool, bool), Fault> {
    let mut tx = Tx::begun(conn);
    let mut rest: Vec<&mut dyn Job> = Vec::with_capacity(group.len());
    let mut kinds: Vec<(RunTogether, Vec<&mut dyn Job>)> = Vec::new();
    for job in group.iter_mut().map(|job| &mut **job) {
        match job.together() {
            None => rest.push(job),
            Some(run) => match kinds.iter_mut().find(|(other, _)| std::ptr::fn_addr_eq(*other, run)) {
                Some((_, alike)) => alike.push(job),
                None => kinds.push((run, vec![job])),
            },
        }
    }
    for (run, mut alike) in kinds {
        if alike.len() > 1 && together(run, &mut alike, &mut tx).await? {
            continue;
        }
        rest.extend(alike);
    }
    for job in rest {
        one(job, &mut tx).await?;
    }
    totals::write(&mut tx).await?;
    tx.words("COMMIT").await.map_err(|fault| match fault {
        // A database that answers has not committed. One that does not may have.
        Fault::Sql(sqlx::Error::Database(_)) => fault,
        other => Fault::CommitUnknown(other.to_string()),
    })?;
    Ok((tx.queued, tx.happened))
}

/// Tries units of one kind together. Answers false, with nothing done, if they must be run one by one.
async fn together(run: RunTogether, alike: &mut [&mut dyn Job], tx: &mut Tx<'_>) -> Result<bool, Fault> {
    tx.next_unit().await?;
    let mut jobs: Vec<&mut dyn Job> = alike.iter_mut().map(|job| &mut **job).collect();
    let done = match run(&mut jobs, tx).await {
        Ok(done) => done,
        Err(fault) if fault.is_of_one_unit() => false,
        Err(fault) => return Err(fault),
    };
    if done {
        tx.keep();
    } else {
        tx.undo().await?;
    }
    Ok(done)
}

/// Runs one unit behind its savepoint.
async fn one(job: &mut dyn Job, tx: &mut Tx<'_>) -> Result<(), Fault> {
    tx.next_unit().await?;
    let undone = match job.run(tx).await {
        Ok(()) => false,
        Err(Failure::Refused(_)) => true,
        Err(Failure::Fault(fault)) if fault.is_of_one_unit() => {
            job.spoil(fault);
            true
        }
        Err(Failure::Fault(fault)) => return Err(fault),
    };
    if undone {
        tx.undo().await
    } else {
        tx.keep();
        Ok(())
    }
}
