//! One chain's work under one lease: follow, settle, expire, release. Each step does one of them; network first, then one transaction.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::finality::Rest;
use payin_core::{Block, Chain};
use payin_types::{Timestamp, TransferId};
use tokio::sync::Notify;

use super::{Did, StepFault, Worker};
use crate::app::progress::{self, Cursor, Due, GiveBackLease, Lease, TakeLease};
use crate::app::{App, Fault, ledger};
use crate::chain::{Next, Parting, Source, SourceFault, Watch, Watched, follow};

/// How long a server that has gone silent keeps a chain from the others.
const LEASE_TERM: Duration = Duration::from_secs(30);
/// How often a server that waits for a chain asks for it.
const LEASE_RETRY: Duration = Duration::from_secs(3);
/// How often to ask a node at least and at most.
const POLL: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(4));

/// The worker of one chain.
pub struct ChainWorker {
    app: App,
    chain: Chain,
    source: Arc<dyn Source>,
    watch: Arc<dyn Watch>,
    /// This server's name among those that share the database.
    holder: String,
    /// Rung when there may be events to deliver.
    events: Arc<Notify>,
    checked: bool,
    /// The lease, and when it was taken or renewed.
    lease: Option<(Lease, Timestamp)>,
}

/// The addresses of a family, learned from the pool as it grows.
pub struct PoolWatch {
    app: App,
    protocol: payin_types::Protocol,
    watched: Arc<Watched>,
    /// The number of the last row learned.
    last: tokio::sync::Mutex<i64>,
}

impl PoolWatch {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(app: App, protocol: payin_types::Protocol) -> Self {
        Self { app, protocol, watched: Arc::default(), last: tokio::sync::Mutex::default() }
    }

    async fn learn(&self) -> Result<Arc<Watched>, Fault> {
        let mut last = self.last.lock().await;
        loop {
            let more = progress::addresses_after(&self.app, &self.protocol, *last).await?;
            let Some((number, _)) = more.last() else { return Ok(Arc::clone(&self.watched)) };
            more.iter().for_each(|(_, address)| self.watched.insert(&self.protocol, address));
            *last = *number;
        }
    }
}

impl Watch for PoolWatch {
    fn now(&self) -> BoxFuture<'_, Result<Arc<Watched>, SourceFault>> {
        async move { self.learn().await.map_err(|fault| SourceFault::Watch(fault.to_string())) }.boxed()
    }
}

impl ChainWorker {
    /// The worker of a chain with a source.
    #[must_use]
    pub fn new(app: App, chain: Chain, source: Arc<dyn Source>, watch: Arc<dyn Watch>, holder: String, events: Arc<Notify>) -> Self {
        app.health.chain(&chain.id, Err("not looked at yet".to_owned()));
        Self { app, chain, source, watch, holder, events, checked: false, lease: None }
    }

    fn poll_every(&self) -> Duration {
        Duration::from_millis(self.chain.block_ms / 2).clamp(POLL.0, POLL.1)
    }

    /// The lease, renewed in good time. Whether it still holds is checked again in the transaction of every effect.
    async fn lease(&mut self, now: Timestamp) -> Result<Option<Lease>, StepFault> {
        if let Some((lease, at)) = &self.lease
            && *at <= now
            && now.since(*at) < LEASE_TERM / 3
        {
            return Ok(Some(lease.clone()));
        }
        let name = format!("chain {}", self.chain.id);
        let lease = self.app.store.write(TakeLease { name, holder: self.holder.clone(), now, term: LEASE_TERM }).await?;
        self.lease = lease.clone().map(|lease| (lease, now));
        Ok(lease)
    }

    async fn one(&mut self) -> Result<Did, StepFault> {
        let now = self.app.clock.now();
        let Some(lease) = self.lease(now).await? else { return Ok(Did::Idle { until: now.plus(LEASE_RETRY) }) };
        if !self.checked {
            self.source.check().await?;
            self.checked = true;
        }
        let cursor = progress::cursor(&self.app, &self.chain).await?;
        if let Some(reason) = cursor.as_ref().and_then(|cursor| cursor.halted.clone()) {
            return Err(StepFault::Refused(format!("not followed any more: {reason}")));
        }
        // Settling needs no node: money that is in the database is not kept waiting by one that does not answer.
        if let Some(cursor) = &cursor
            && self.settle(&lease, cursor, now).await?
        {
            self.events.notify_waiters();
            return Ok(Did::Work);
        }
        if self.follow(&lease, cursor, now).await? {
            return Ok(Did::Work);
        }
        Ok(Did::Idle { until: now.plus(self.poll_every()) })
    }

    /// Asks the node for what comes next and commits it. Answers whether there may be more at once.
    async fn follow(&mut self, lease: &Lease, cursor: Option<Cursor>, now: Timestamp) -> Result<bool, StepFault> {
        let tip = cursor.as_ref().map(|cursor| Block {
            number: cursor.head_number,
            hash: cursor.head_hash.clone(),
            parent_hash: String::new(),
            time: cursor.head_time,
        });
        match follow::next(&self.chain, self.source.as_ref(), tip.as_ref(), self.watch.as_ref()).await? {
            Next::Idle { finalized } => {
                let known = cursor.as_ref().map_or(0, |cursor| cursor.finalized_number);
                let head = cursor.as_ref().map_or(0, |cursor| cursor.head_number);
                let moved = finalized.as_ref().is_some_and(|rest| rest.number.min(head) > known);
                if moved {
                    self.take(lease, cursor, Vec::new(), Vec::new(), finalized, now).await?;
                }
                Ok(moved)
            }
            Next::Blocks { blocks, transfers, finalized } => {
                self.take(lease, cursor, blocks, transfers, finalized, now).await?;
                self.events.notify_waiters();
                // They may have confirmed something: settle before the next poll.
                Ok(true)
            }
            Next::Fork => {
                let Some(cursor) = cursor else { return Ok(false) };
                self.take_back(lease, cursor, now).await
            }
        }
    }

    async fn take(
        &self,
        lease: &Lease,
        from: Option<Cursor>,
        blocks: Vec<Block>,
        transfers: Vec<payin_core::transfer::Transfer>,
        finalized: Option<Rest>,
        now: Timestamp,
    ) -> Result<(), StepFault> {
        let transfers =
            transfers.into_iter().map(|transfer| (TransferId::from_time(now.millis(), self.app.random_id()), transfer)).collect();
        let unit = ledger::TakeBlocks { lease: lease.clone(), chain: self.chain.clone(), from, blocks, transfers, finalized, now };
        Ok(self.app.store.write(unit).await?)
    }

    /// Takes back what is not part of the chain any more. Answers whether there may be more at once.
    async fn take_back(&self, lease: &Lease, from: Cursor, now: Timestamp) -> Result<bool, StepFault> {
        let ours = progress::kept_blocks(&self.app, &self.chain).await?;
        let fork = match follow::parting(self.source.as_ref(), &ours).await? {
            // The node has changed its mind back meanwhile.
            None => return Ok(false),
            Some(Parting::At(fork)) if fork.number >= from.head_number => return Ok(false),
            Some(Parting::At(fork)) if fork.number >= from.finalized_number => fork,
            // Followed since a moment ago, and reorganised below where that began: nothing of it was final.
            Some(Parting::Below(lowest)) if lowest.number > from.finalized_number && lowest.number > 0 => {
                let below = lowest.number.saturating_sub(1);
                self.source.block(below).await?.ok_or_else(|| SourceFault::Inconsistent(format!("it lacks block {below}")))?
            }
            Some(Parting::At(Block { number, .. }) | Parting::Below(Block { number, .. })) => {
                let reason = format!("the node has another block {number} than we, where all up to {} was final", from.finalized_number);
                tracing::error!(chain.id = %self.chain.id, reason, "the chain is not followed any more until a person has looked");
                let unit = ledger::Halt { lease: lease.clone(), chain: self.chain.clone(), from, reason };
                self.app.store.write(unit).await?;
                return Ok(false);
            }
        };
        tracing::info!(chain.id = %self.chain.id, head = from.head_number, fork = fork.number, "the chain was reorganised");
        let tolerance = self.app.orders.tolerance;
        self.app.store.write(ledger::TakeBack { lease: lease.clone(), chain: self.chain.clone(), tolerance, from, fork, now }).await?;
        Ok(true)
    }

    /// Confirms, completes, expires and releases what the cursor allows. Answers whether anything was.
    async fn settle(&self, lease: &Lease, cursor: &Cursor, now: Timestamp) -> Result<bool, StepFault> {
        let Due { settle, expire, release } = progress::due(&self.app, &self.chain, cursor).await?;
        if settle {
            let unit = ledger::Settle { lease: lease.clone(), chain: self.chain.clone(), tolerance: self.app.orders.tolerance, now };
            return Ok(self.app.store.write(unit).await?);
        }
        let any = !expire.is_empty() || !release.is_empty();
        for order in expire {
            self.app.store.write(ledger::Expire { lease: lease.clone(), chain: self.chain.clone(), order, now }).await?;
        }
        for (order, address_id) in release {
            let (lease, released_at, deployment) = (lease.clone(), cursor.head_time, self.app.deployment());
            self.app.store.write(ledger::Release { lease, order, address_id, released_at, deployment }).await?;
        }
        Ok(any)
    }
}

impl Worker for ChainWorker {
    fn name(&self) -> String {
        format!("chain {}", self.chain.id)
    }

    fn step(&mut self) -> BoxFuture<'_, Result<Did, StepFault>> {
        async move {
            let result = self.one().await;
            self.app.health.chain(&self.chain.id, result.as_ref().map(|_| ()).map_err(ToString::to_string));
            if result.is_err() {
                // Whatever went wrong may be that another server has the lease: ask again.
                self.lease = None;
            }
            result
        }
        .boxed()
    }

    fn stop(&mut self) -> BoxFuture<'_, Result<(), StepFault>> {
        async move {
            match self.lease.take() {
                Some((lease, _)) => Ok(self.app.store.write(GiveBackLease { lease }).await?),
                None => Ok(()),
            }
        }
        .boxed()
    }
}
