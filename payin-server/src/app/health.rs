//! How things are: the database, and each chain's source as its worker last found it. Looking is done by others.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use payin_types::ChainId;
use payin_types::health::Check;

use super::App;

/// What the workers last found, by chain.
#[derive(Debug, Default)]
pub struct Health {
    chains: Mutex<BTreeMap<String, Result<(), String>>>,
    /// What is wrong with each node of a chain that has several.
    nodes: Mutex<BTreeMap<String, Vec<Option<String>>>>,
}

impl Health {
    /// A chain's source answered, or did not.
    pub fn chain(&self, chain: &ChainId, found: Result<(), String>) {
        self.chains.lock().unwrap_or_else(PoisonError::into_inner).insert(chain.as_str().to_owned(), found);
    }

    /// What was last wrong with each of a chain's nodes, in the configured order; `None`: it answers.
    pub fn nodes(&self, chain: &ChainId, faults: Vec<Option<String>>) {
        if faults.len() > 1 {
            self.nodes.lock().unwrap_or_else(PoisonError::into_inner).insert(chain.as_str().to_owned(), faults);
        }
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
    for (chain, faults) in nodes {
        let named = |(index, fault): (usize, Option<String>)| {
            (format!("chain {chain}, node {}", index.saturating_add(1)), check(fault.map_or(Ok(()), Err)))
        };
        checks.extend(faults.into_iter().enumerate().map(named));
    }
    (ready, checks)
}
