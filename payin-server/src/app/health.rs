//! How things are: the database, and each chain's source as its worker last found it. Looking is done by others.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use payin_types::ChainId;
use payin_types::followed::ChainNode;
use payin_types::health::Check;

use super::App;

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

/// Whether this server can do its work: its database answers. Chains that fail are shown, but orders on others go on.
pub async fn ready(app: &App) -> (bool, BTreeMap<String, Check>) {
    let database = app.store.check().await.map_err(|fault| {
        tracing::error!(%fault, "the database does not answer");
        "the database does not answer".to_owned()
    });
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
