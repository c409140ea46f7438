//! How things are: whether the database answers and can be written to, and each chain's source as its worker last found it. Looking at
//! chains is done by others.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use payin_types::ChainId;
use payin_types::followed::ChainNode;
use payin_types::health::Check;

use super::{App, Outcome};
use crate::store::{Fault, Together, Tx, Unit, writable};

/// How long a look at the database may take. Whoever asks waits no longer than some seconds, and would learn nothing.
const LOOK_MAX: Duration = Duration::from_secs(5);

/// What the workers last found, by chain.
#[derive(Debug, Default)]
pub struct Health {
    chains: Mutex<BTreeMap<String, Result<(), String>>>,
    /// What is known of each chain's nodes.
    nodes: Mutex<BTreeMap<String, Vec<ChainNode>>>,
}

impl Health {
    /// A chain's source answered, or did not.
    pub fn chain(&self, chain: &ChainId, found: Result<(), String>) {
        self.chains.lock().unwrap_or_else(PoisonError::into_inner).insert(chain.as_str().to_owned(), found);
    }

    /// What is known of a chain's nodes, in the configured order; `None`: another server process follows it, and knows.
    pub fn nodes(&self, chain: &ChainId, nodes: Option<Vec<ChainNode>>) {
        let mut known = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        match nodes {
            Some(nodes) => known.insert(chain.as_str().to_owned(), nodes),
            None => known.remove(chain.as_str()),
        };
    }

    /// The same, where this server process follows the chain.
    #[must_use]
    pub fn nodes_of(&self, chain: &ChainId) -> Option<Vec<ChainNode>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner).get(chain.as_str()).cloned()
    }

    /// What is wrong with following a chain, as this server last found it.
    #[must_use]
    pub fn trouble(&self, chain: &ChainId) -> Option<String> {
        self.chains.lock().unwrap_or_else(PoisonError::into_inner).get(chain.as_str()).and_then(|found| found.clone().err())
    }
}

fn check(result: Result<(), String>) -> Check {
    match result {
        Ok(()) => Check { status: "ok".to_owned(), message: None },
        Err(message) => Check { status: "failing".to_owned(), message: Some(message) },
    }
}

/// A write that leaves nothing behind. It goes the way of every other: a full queue and a full disk keep it as they keep those.
pub struct Writes {
    row: String,
}

impl Writes {
    /// By a row that nobody else writes: a server that stands still in the midst of its look would keep every other's writer waiting. Not drawn
    /// by chance, for a seeded server's chances are not to depend on who looks at it.
    #[must_use]
    pub fn new(app: &App) -> Self {
        static LOOKS: AtomicU64 = AtomicU64::new(0);
        let look = LOOKS.fetch_add(1, Ordering::Relaxed);
        Self { row: format!("written {} {} {look}", std::process::id(), app.clock.now().millis()) }
    }
}

impl Unit for Writes {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        Ok(writable::prove(tx, &self.row).await?)
    }
}

impl Together for Writes {
    /// One proves it for all who ask at once: anybody may.
    async fn run_together<'a>(units: &'a [&'a Self], tx: &'a mut Tx<'_>) -> Result<Option<Vec<()>>, Fault> {
        if let Some(one) = units.first() {
            writable::prove(tx, &one.row).await?;
        }
        Ok(Some(vec![(); units.len()]))
    }
}

async fn database(app: &App) -> Result<(), String> {
    let look = async {
        app.store.check().await.map_err(|fault| {
            tracing::error!(%fault, "the database does not answer");
            "the database does not answer".to_owned()
        })?;
        app.store.write_together(Writes::new(app)).await.map_err(|failure| {
            tracing::error!(%failure, "nothing can be written to the database");
            "nothing can be written to the database".to_owned()
        })
    };
    tokio::time::timeout(LOOK_MAX, look)
        .await
        .unwrap_or_else(|_| Err(format!("the database did not answer within {} s", LOOK_MAX.as_secs())))
}

/// Whether this server can do its work: its database answers and can be written to. Chains that fail are shown, but orders on others go on.
pub async fn ready(app: &App) -> (bool, BTreeMap<String, Check>) {
    let database = database(app).await;
    let ready = database.is_ok();
    let mut checks = BTreeMap::from([("database".to_owned(), check(database))]);
    let chains = app.health.chains.lock().unwrap_or_else(PoisonError::into_inner).clone();
    checks.extend(chains.into_iter().map(|(chain, found)| (format!("chain {chain}"), check(found))));
    let nodes = app.health.nodes.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // With one node, what is wrong with it is what is wrong with the chain.
    for (chain, nodes) in nodes.into_iter().filter(|(_, nodes)| nodes.len() > 1) {
        let named = |node: ChainNode| (format!("chain {chain}, node {}", node.number), check(node.fault.map_or(Ok(()), Err)));
        checks.extend(nodes.into_iter().map(named));
    }
    (ready, checks)
}
