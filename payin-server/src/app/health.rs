//! How things are: the database, and each chain's source as its worker last found it. Looking is done by others.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use payin_types::ChainId;
use payin_types::health::Check;

use super::App;

/// What the workers last found, by chain.
#[derive(Debug, Default)]
pub struct Health(Mutex<BTreeMap<String, Result<(), String>>>);

impl Health {
    /// A chain's source answered, or did not.
    pub fn chain(&self, chain: &ChainId, found: Result<(), String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(chain.as_str().to_owned(), found);
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
    let chains = app.health.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    checks.extend(chains.into_iter().map(|(chain, found)| (format!("chain {chain}"), check(found))));
    (ready, checks)
}
