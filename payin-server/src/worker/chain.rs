//! One chain's work under one lease: follow, settle, expire, release. Each step does one of them; network first, then one transaction.

mod fill;
mod resume;
mod take_back;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::finality::Rest;
use payin_core::transfer::Transfer;
use payin_core::{Block, Chain};
use payin_types::Timestamp;
use payin_types::followed::ChainNode;
use tokio::sync::Notify;

use super::tenure::Tenure;
use super::{Did, StepFault, Worker};
use crate::app::progress::{self, Cursor, Due, Lease};
use crate::app::{App, ledger};
use crate::chain::nodes::{Chosen, Standing};
use crate::chain::{Next, Nodes, SourceFault, Watch, follow};
use fill::Filling;

/// How long a server that has gone silent keeps a chain from the others.
const LEASE_TERM: Duration = Duration::from_secs(30);
/// How often a server that waits for a chain asks for it.
const LEASE_RETRY: Duration = Duration::from_secs(3);
/// How often to ask a node at least and at most.
const POLL: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(4));

/// A large transfer that waits for a second node's word is asked about this often.
const AGREE_EVERY: Duration = Duration::from_secs(5);
/// So many of them in one step: each asks every node.
const AGREE_MAX: usize = 3;
/// A chain whose `finalized` tag has not moved for this long, while its head has, is shown to stall. Ethereum's takes 13 to 19 minutes, a
/// rollup's up to 30.
const STALL: Duration = Duration::from_secs(45 * 60);

/// The worker of one chain.
pub struct ChainWorker {
    app: App,
    chain: Chain,
    nodes: Arc<Nodes>,
    watch: Arc<dyn Watch>,
    tenure: Arc<Tenure>,
    /// Rung when there may be events to deliver.
    events: Arc<Notify>,
    /// When blocks last came.
    moved_at: Option<Timestamp>,
    /// How far the chain has come to rest, and since when it has been there.
    rested: (u64, Timestamp),
    /// When a second node's word was last asked for, and where among those that wait for it to go on.
    asked_at: Option<Timestamp>,
    agree_turn: usize,
    filling: Filling,
}

impl ChainWorker {
    /// The worker of a chain with its nodes.
    #[must_use]
    pub fn new(app: App, chain: Chain, nodes: Arc<Nodes>, watch: Arc<dyn Watch>, holder: String, events: Arc<Notify>) -> Self {
        app.health.chain(&chain.id, Err("not looked at yet".to_owned()));
        let rested = (0, app.clock.now());
        let tenure = Arc::new(Tenure::new(app.clone(), format!("chain {}", chain.id), holder, LEASE_TERM));
        Self {
            app,
            chain,
            nodes,
            watch,
            tenure,
            events,
            moved_at: None,
            rested,
            asked_at: None,
            agree_turn: 0,
            filling: Filling::default(),
        }
    }

    fn poll_every(&self) -> Duration {
        Duration::from_millis(self.chain.block_ms / 2).clamp(POLL.0, POLL.1)
    }

    async fn one(&mut self) -> Result<Did, StepFault> {
        let now = self.app.clock.now();
        let Some(lease) = self.tenure.take().await? else { return Ok(Did::Idle { until: now.plus(LEASE_RETRY) }) };
        let cursor = progress::cursor(&self.app, &self.chain).await?;
        if let Some(reason) = cursor.as_ref().and_then(|cursor| cursor.halted.clone()) {
            return Err(StepFault::Refused(format!("not followed any more: {reason}")));
        }
        if let Some((from, lowest)) = cursor.clone().and_then(|cursor| cursor.take_back_from.map(|lowest| (cursor, lowest))) {
            let nodes = Arc::clone(&self.nodes);
            let node = nodes.choose(now).await?;
            self.resume(&nodes, &node, &lease, (from, lowest), now).await?;
            return Ok(Did::Work);
        }
        // Settling needs no node: money that is in the database is not kept waiting by one that does not answer.
        if let Some(cursor) = &cursor
            && self.settle(&lease, cursor, now).await?
        {
            self.events.notify_one();
            return Ok(Did::Work);
        }
        if let Some(cursor) = cursor.as_ref().filter(|cursor| cursor.finalized_number != self.rested.0) {
            self.rested = (cursor.finalized_number, now);
        }
        let nodes = Arc::clone(&self.nodes);
        let node = nodes.choose(now).await?;
        let head = cursor.as_ref().map(|cursor| cursor.head_number);
        // Who is asked cannot break us (`chain/guarded.rs`), but what is made of it here may: then that node rests, longer each time, and
        // another may have what we can read. Where none has, the chain stands before that block, and says so.
        let followed = AssertUnwindSafe(self.follow(&nodes, &node, &lease, cursor, now)).catch_unwind().await;
        let followed = followed.unwrap_or_else(|_| Err(broken_behind(head).into()));
        self.report(&node, now, followed.as_ref().map(|(_, height)| *height));
        let mut more = followed?.0;
        // The chain's end comes first, whatever becomes of the rest.
        more |= self.agree(&nodes, now).await?;
        more |= self.fill_beside(&nodes, &node, now).await?;
        Ok(if more { Did::Work } else { Did::Idle { until: now.plus(self.poll_every()) } })
    }

    /// A chain that goes on and does not come to rest: nothing on it becomes final, or counts where rest decides.
    fn stalled(&self) -> Result<(), String> {
        if let Some(fault) = &self.filling.fault {
            return Err(fault.clone());
        }
        let (number, since) = &self.rested;
        if self.app.clock.now().since(*since) < STALL || self.moved_at.is_none_or(|moved| moved <= *since) {
            return Ok(());
        }
        Err(format!("its finality stalls: nothing above block {number} has become final since {since}"))
    }

    /// How a node did. What the database or a refusal stopped is not its doing.
    fn report(&self, node: &Chosen<'_>, began: Timestamp, outcome: Result<u64, &StepFault>) {
        let now = self.app.clock.now();
        match outcome {
            Ok(height) => node.report(now, now.since(began), Ok(height)),
            Err(StepFault::Source(fault)) => node.report(now, now.since(began), Err(fault)),
            Err(_) => {}
        }
    }

    /// Asks the node for what comes next and commits it. Answers whether there may be more at once, and the highest block seen.
    async fn follow(
        &mut self,
        nodes: &Nodes,
        node: &Chosen<'_>,
        lease: &Lease,
        cursor: Option<Cursor>,
        now: Timestamp,
    ) -> Result<(bool, u64), StepFault> {
        let tip = cursor.as_ref().map(|cursor| Block {
            number: cursor.head_number,
            hash: cursor.head_hash.clone(),
            parent_hash: String::new(),
            time: cursor.head_time,
        });
        let head = tip.as_ref().map_or(0, |tip| tip.number);
        match follow::next(&self.chain, node.source(), tip.as_ref(), self.watch.as_ref()).await? {
            Next::Idle { finalized } => {
                if let Some(tip) = &tip {
                    nodes.doubt(node, &self.chain, tip, *self.moved_at.get_or_insert(now), now).await?;
                }
                let known = cursor.as_ref().map_or(0, |cursor| cursor.finalized_number);
                let moved = finalized.as_ref().is_some_and(|rest| rest.number.min(head) > known);
                if moved {
                    self.take(lease, cursor, head, (Vec::new(), Vec::new()), finalized, now).await?;
                }
                Ok((moved, head))
            }
            Next::Blocks { low, blocks, transfers, finalized } => {
                self.moved_at = Some(now);
                let height = blocks.last().map_or(head, |last| last.number);
                self.take(lease, cursor, low, (blocks, transfers), finalized, now).await?;
                self.events.notify_one();
                // They may have confirmed something: settle before the next poll.
                Ok((true, height))
            }
            Next::Fork => {
                let (Some(cursor), Some(tip)) = (cursor, tip) else { return Ok((false, head)) };
                Ok((self.take_back(nodes, node, lease, (cursor, tip), now).await?, head))
            }
        }
    }

    /// Asks for a second node's word on large transfers that wait for it. Answers whether one was heard.
    async fn agree(&mut self, nodes: &Nodes, now: Timestamp) -> Result<bool, StepFault> {
        if self.chain.agreed_above.is_none() || self.asked_at.is_some_and(|at| now.since(at) < AGREE_EVERY) {
            return Ok(false);
        }
        let Some(cursor) = progress::cursor(&self.app, &self.chain).await? else { return Ok(false) };
        let mut any = false;
        let waiting = progress::unagreed(&self.app, &self.chain, &cursor).await?;
        let turn = self.agree_turn.checked_rem(waiting.len()).unwrap_or(0);
        self.agree_turn = turn.wrapping_add(AGREE_MAX);
        for (id, transfer) in waiting.iter().cycle().skip(turn).take(AGREE_MAX.min(waiting.len())) {
            if nodes.agree_on(transfer, self.watch.as_ref(), now).await {
                let Some(lease) = self.tenure.take().await? else { return Ok(any) };
                let block_hash = transfer.block_hash.clone();
                self.app.store.write(ledger::Agree { lease, transfer: id.clone(), block_hash, now }).await?;
                any = true;
            } else {
                tracing::warn!(chain.id = %self.chain.id, transfer.id = %id, "a large transfer waits: no two nodes say the same of it");
            }
        }
        if any {
            // What was agreed on has left the list: the largest of the rest is next.
            self.agree_turn = 0;
        }
        self.asked_at = Some(self.app.clock.now());
        Ok(any)
    }

    async fn take(
        &self,
        lease: &Lease,
        from: Option<Cursor>,
        low: u64,
        (blocks, transfers): (Vec<Block>, Vec<Transfer>),
        finalized: Option<Rest>,
        now: Timestamp,
    ) -> Result<(), StepFault> {
        let (lease, chain, transfers) = (lease.clone(), self.chain.clone(), ledger::named(&self.app, transfers));
        #[cfg(feature = "known-bad")]
        if payin_types::known_bad::makes(payin_types::known_bad::Mistake::CursorBeforeCredits) {
            let late = ledger::CreditLate { chain: chain.clone(), transfers, now };
            self.app.store.write(ledger::TakeBlocks { lease, chain, from, low, blocks, transfers: Vec::new(), finalized, now }).await?;
            return Ok(self.app.store.write(late).await?);
        }
        Ok(self.app.store.write(ledger::TakeBlocks { lease, chain, from, low, blocks, transfers, finalized, now }).await?)
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

/// What is told where following panics.
fn broken_behind(head: Option<u64>) -> SourceFault {
    let place = head.map_or_else(|| "at its beginning".to_owned(), |head| format!("behind block {head}"));
    SourceFault::Breaks(format!("what the node answered {place} made this program panic, which is a bug of ours: the log says where"))
}

/// What is told of a node: everything but where it is.
fn shown((number, standing): (u64, Standing)) -> ChainNode {
    let answered = standing.answered_at.is_some();
    ChainNode {
        number,
        answers: standing.fault.is_none(),
        fault: standing.fault,
        rests_until: standing.rests_until,
        answered_at: standing.answered_at,
        took_ms: answered.then(|| u64::try_from(standing.took.as_millis()).unwrap_or(u64::MAX)),
        height: (standing.height > 0).then_some(standing.height),
    }
}

impl Worker for ChainWorker {
    fn name(&self) -> String {
        format!("chain {}", self.chain.id)
    }

    fn step(&mut self) -> BoxFuture<'_, Result<Did, StepFault>> {
        async move {
            // Caught here and not by the driver alone: whoever asks how the chain is must hear of it.
            let result = AssertUnwindSafe(self.one()).catch_unwind().await.unwrap_or(Err(StepFault::Panicked));
            self.app.health.chain(&self.chain.id, result.as_ref().map_err(ToString::to_string).and_then(|_| self.stalled()));
            let nodes = self.tenure.is_held().then(|| (1..).zip(self.nodes.standings()).map(shown).collect());
            self.app.health.nodes(&self.chain.id, nodes);
            self.tenure.after(result)
        }
        .boxed()
    }

    fn tenure(&self) -> Option<Arc<Tenure>> {
        Some(Arc::clone(&self.tenure))
    }

    fn stop(&mut self) -> BoxFuture<'_, Result<(), StepFault>> {
        self.tenure.give_back().boxed()
    }
}
