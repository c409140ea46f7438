//! Compares each chain with the database once a day, asking the node that is asked least. It must not repair anything.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::Chain;
use payin_core::reconcile::Difference;
use payin_types::Timestamp;

use super::tenure::Tenure;
use super::{Did, StepFault, Worker};
use crate::app::progress::{self, Lease};
use crate::app::reconcile::{self, KEPT, Keep, Reconciliation};
use crate::app::{App, Fault};
use crate::chain::{Nodes, Source, Watch};

/// How often a chain is compared, and how often to look whether it is time.
const EVERY: Duration = Duration::from_secs(24 * 3600);
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Between two pieces.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a server that has gone silent keeps the work from others.
const LEASE_TERM: Duration = Duration::from_secs(120);

/// The worker that compares one chain.
pub struct Reconcile {
    app: App,
    chain: Chain,
    nodes: Arc<Nodes>,
    watch: Arc<dyn Watch>,
    tenure: Arc<Tenure>,
    /// The comparison under way.
    run: Option<Run>,
}

struct Run {
    from: u64,
    next: u64,
    to: u64,
    transfers: u64,
    found: Vec<Difference>,
}

impl Reconcile {
    /// For one chain, by the nodes it is followed by.
    #[must_use]
    pub fn new(app: App, chain: Chain, nodes: Arc<Nodes>, watch: Arc<dyn Watch>, holder: String) -> Self {
        let tenure = Arc::new(Tenure::new(app.clone(), format!("reconcile {}", chain.id), holder, LEASE_TERM));
        Self { app, chain, nodes, watch, tenure, run: None }
    }

    async fn one(&mut self) -> Result<Did, StepFault> {
        let now = self.app.clock.now();
        let idle = Did::Idle { until: now.plus(LOOK_EVERY) };
        let Some(lease) = self.tenure.take().await? else {
            self.run = None;
            return Ok(idle);
        };
        let Some(node) = self.nodes.second() else { return Ok(idle) };
        let Some(mut run) = self.run.take() else {
            self.run = self.due(now).await?;
            if self.run.is_some() {
                node.check().await?;
            }
            return Ok(if self.run.is_some() { Did::Work } else { idle });
        };
        let is_read = run.next > run.to;
        let did = if is_read { self.keep(&run, lease, now).await.map(|()| idle) } else { self.piece(node, &mut run).await };
        // Where this fails, at the node or the database, the same is done again, and nothing that was found is lost.
        if !is_read || did.is_err() {
            self.run = Some(run);
        }
        did
    }

    async fn piece(&self, node: &dyn Source, run: &mut Run) -> Result<Did, StepFault> {
        let losses = progress::losses(&self.app, &self.chain).await?;
        // What was declared lost no node gives; a person compares it when one does.
        if let Some(lost) = losses.iter().find(|lost| (lost.from_number..=lost.to_number).contains(&run.next)) {
            run.next = lost.to_number.saturating_add(1);
            return Ok(Did::Work);
        }
        let next_lost = losses.iter().map(|lost| lost.from_number).filter(|from| *from > run.next).min();
        let to = next_lost.map_or(run.to, |lost| run.to.min(lost.saturating_sub(1)));
        let read = node.range(run.next, to, self.watch.as_ref()).await?;
        let upto = read.last.number;
        run.found.extend(reconcile::compare(&self.app, &self.chain, (run.next, upto), &read.transfers).await?);
        run.transfers = run.transfers.saturating_add(u64::try_from(read.transfers.len()).unwrap_or(u64::MAX));
        run.next = upto.saturating_add(1);
        // Who follows the chain may be asking the same node.
        Ok(Did::Idle { until: self.app.clock.now().plus(PAUSE) })
    }

    async fn keep(&self, run: &Run, lease: Lease, now: Timestamp) -> Result<(), StepFault> {
        let shown: Vec<_> = run.found.iter().take(KEPT).collect();
        let found = Reconciliation {
            from_number: run.from,
            to_number: run.to,
            transfers: run.transfers,
            differences: serde_json::to_string(&shown).map_err(|error| Fault::Corrupt(error.to_string()))?,
            difference_count: u64::try_from(run.found.len()).unwrap_or(u64::MAX),
            reconciled_at: now,
        };
        self.app.store.write(Keep { lease, chain: self.chain.clone(), found }).await?;
        self.tell(run);
        Ok(())
    }

    /// What there is to compare: what has come to rest since the last time. Nothing while there is a hole, which is a difference by itself.
    async fn due(&self, now: Timestamp) -> Result<Option<Run>, Fault> {
        let last = reconcile::last(&self.app, &self.chain).await?;
        if last.as_ref().is_some_and(|last| now.since(last.reconciled_at) < EVERY) {
            return Ok(None);
        }
        let Some(cursor) = progress::cursor(&self.app, &self.chain).await? else { return Ok(None) };
        let Some(scan) = progress::scans(&self.app, &self.chain).await?.pop() else { return Ok(None) };
        let from = last.map_or(scan.from_number, |last| last.to_number.saturating_add(1).max(scan.from_number));
        let to = cursor.finalized_number.min(scan.to_number);
        let due = cursor.halted.is_none() && cursor.hole_since.is_none() && from <= to;
        Ok(due.then_some(Run { from, next: from, to, transfers: 0, found: Vec::new() }))
    }

    fn tell(&self, run: &Run) {
        if run.found.is_empty() {
            tracing::info!(chain.id = %self.chain.id, from = run.from, to = run.to, transfers = run.transfers, "chain and database agree");
        }
        for difference in &run.found {
            let (what, detail) = (difference.what, difference.detail.as_str());
            tracing::error!(chain.id = %self.chain.id, transfer.tx = difference.tx_hash, difference.ordinal, ?what, detail, "chain and database differ");
        }
    }
}

impl Worker for Reconcile {
    fn name(&self) -> String {
        format!("reconcile {}", self.chain.id)
    }

    fn step(&mut self) -> BoxFuture<'_, Result<Did, StepFault>> {
        async move {
            let did = self.one().await;
            self.tenure.after(did)
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
