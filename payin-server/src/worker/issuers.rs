//! Asks the tokens of one chain, now and then, what their issuers did: stopped a token, froze an address of ours. It tells whoever runs the
//! server, and writes down what no order may need from then on. It must not touch money that has come.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::Chain;
use payin_core::address::Address;
use payin_types::Timestamp;

use super::tenure::Tenure;
use super::{Did, StepFault, Worker};
use crate::app::App;
use crate::app::issuers::{Heard, News};
use crate::app::progress::{self, Lease};
use crate::chain::{Frozen, Issued, Nodes, SourceFault, Stopped};

/// How often: what is paused is taken in for so long at most. An issuer's freezing is days after the theft that it answers.
const EVERY: Duration = Duration::from_secs(300);
/// Addresses asked about each time, so that a pool of 28,000 is gone through in a day, and two tokens cost 200 calls.
const ADDRESSES: i64 = 100;
/// How long a server that has gone silent keeps the work from others: longer than it is idle, so that one of several does it.
const LEASE_TERM: Duration = Duration::from_secs(700);

/// The worker that asks one chain's tokens.
pub struct Issuers {
    app: App,
    chain: Chain,
    nodes: Arc<Nodes>,
    tenure: Arc<Tenure>,
    /// The number of the last address asked about.
    last: i64,
    /// What the only node said the last time.
    said: Issued,
}

impl Issuers {
    /// For one chain, by the nodes it is followed by.
    #[must_use]
    pub fn new(app: App, chain: Chain, nodes: Arc<Nodes>, holder: String) -> Self {
        let tenure = Arc::new(Tenure::new(app.clone(), format!("issuers {}", chain.id), holder, LEASE_TERM));
        Self { app, chain, nodes, tenure, last: 0, said: Issued::default() }
    }

    async fn one(&mut self) -> Result<Did, StepFault> {
        let now = self.app.clock.now();
        let idle = Did::Idle { until: now.plus(EVERY) };
        let Some(lease) = self.tenure.take().await? else { return Ok(idle) };
        let addresses = progress::addresses_after(&self.app, &self.chain.protocol, self.last, ADDRESSES).await?;
        // From the beginning again after the end.
        let is_full = i64::try_from(addresses.len()) == Ok(ADDRESSES);
        let last = addresses.last().filter(|_| is_full).map_or(0, |(number, _)| *number);
        let addresses: Vec<_> = addresses.into_iter().map(|(_, address)| address).collect();
        match self.ask(&addresses, now).await {
            Ok((issued, unsure)) => {
                self.hear(lease, issued, &unsure, now).await?;
                // What the only node says of an address is asked again the next time.
                if self.said.frozen.is_empty() || unsure.frozen.is_empty() {
                    self.last = last;
                }
            }
            // Nothing waits for this: who follows the chain has its own word with the node.
            Err(fault) => {
                tracing::warn!(chain.id = %self.chain.id, %fault, "what issuers did cannot be asked at present");
            }
        }
        Ok(idle)
    }

    /// What issuers did, as far as it is believed, and what else was said. A node's word alone would stop a token and use up the pool: another
    /// one must say the same, or, where there is no other, the same one twice.
    async fn ask(&mut self, addresses: &[Address], now: Timestamp) -> Result<(Issued, Issued), SourceFault> {
        let nodes = Arc::clone(&self.nodes);
        let node = nodes.choose(now).await?;
        let said = node.source().issued(addresses).await?;
        let Some(others) = nodes.others(&node, now) else {
            let before = std::mem::replace(&mut self.said, said.clone());
            return Ok(borne_out(said, &before));
        };
        if said == Issued::default() {
            return Ok((said, Issued::default()));
        }
        for other in others {
            match other.issued(addresses).await {
                Ok(theirs) => return Ok(borne_out(said, &theirs)),
                Err(fault) => tracing::debug!(chain.id = %self.chain.id, %fault, "another node does not say what issuers did"),
            }
        }
        Err(SourceFault::Unavailable("no other node says whether issuers did what one of them says".to_owned()))
    }

    async fn hear(&self, lease: Lease, issued: Issued, unsure: &Issued, now: Timestamp) -> Result<(), StepFault> {
        let chain = &self.chain.id;
        if *unsure != Issued::default() {
            tracing::warn!(chain.id = %chain, ?unsure, "what one node says of issuers is not believed yet");
        }
        let doubted = unsure.stopped.iter().map(|stopped| stopped.currency.clone()).collect();
        let stopped = issued.stopped.iter().map(|stopped| (stopped.currency.clone(), stopped.reason.clone())).collect();
        let frozen = issued.frozen.iter().map(|frozen| frozen.address.clone()).collect();
        let unit = Heard { lease, chain: self.chain.clone(), stopped, unsure: doubted, frozen, now };
        let News { stopped, going_on, frozen } = self.app.store.write(unit).await?;
        for stopped in stopped {
            let (currency, reason) = (&stopped.currency, &stopped.reason);
            tracing::error!(chain.id = %chain, %currency, reason, "a token was stopped by its issuer: no order is taken in it");
        }
        for currency in going_on {
            tracing::warn!(chain.id = %chain, %currency, "a token that its issuer had stopped goes on: orders are taken in it");
        }
        for frozen in issued.frozen.iter().filter(|found| frozen.contains(&found.address)) {
            let (address, currency, reason) = (&frozen.address, &frozen.currency, &frozen.reason);
            tracing::error!(chain.id = %chain, %address, %currency, reason,
                "an address of the pool cannot dispose of a token: it is not handed out again; whoever holds it should be given another");
        }
        Ok(())
    }
}

/// What another word bears out, and the rest.
fn borne_out(said: Issued, other: &Issued) -> (Issued, Issued) {
    let stops = |found: &Stopped| other.stopped.iter().any(|stopped| stopped.currency == found.currency);
    let freezes =
        |found: &Frozen| other.frozen.iter().any(|frozen| (&frozen.address, &frozen.currency) == (&found.address, &found.currency));
    let (stopped, unsure_stopped) = said.stopped.into_iter().partition(stops);
    let (frozen, unsure_frozen) = said.frozen.into_iter().partition(freezes);
    (Issued { stopped, frozen }, Issued { stopped: unsure_stopped, frozen: unsure_frozen })
}

impl Worker for Issuers {
    fn name(&self) -> String {
        format!("issuers {}", self.chain.id)
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
