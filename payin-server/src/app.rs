//! The use cases of the gateway, each a value or a function over [`App`]. Nothing here knows HTTP, and no chain is asked anything.

pub mod access;
pub mod accounts;
pub mod chains;
pub mod checkout;
pub mod deliveries;
pub mod deployment;
pub mod deposits;
pub mod dialect;
pub mod endpoints;
pub mod event_log;
pub mod event_stream;
pub mod events;
pub mod health;
pub mod issuers;
pub mod keys;
pub mod ledger;
pub mod links;
pub mod maintenance;
pub mod moments;
pub mod orders;
pub mod pool;
pub mod progress;
pub mod query;
pub mod quota;
pub mod reconcile;
pub mod replay;
pub mod resend;
pub mod settings;
pub mod transfers;

use std::sync::Arc;
use std::time::Duration;

use payin_core::{Chains, Error, delivery, order};
use payin_types::Environment;

use crate::env::{Clock, Entropy, Targets};
use crate::seal::Seal;
pub use crate::store::{Failure, Fault, Store, Together, Unit};

/// One gateway: its database, its clock, its secrets and its rules. A value, so that a test or a simulator can have several.
#[derive(Clone)]
pub struct App {
    /// What is remembered.
    pub store: Arc<Store>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where random bits come from.
    pub entropy: Arc<dyn Entropy>,
    /// What the master key does.
    pub seal: Arc<Seal>,
    /// Whether real money moves here.
    pub environment: Environment,
    /// The chains offered, each with a source.
    pub chains: Arc<Chains>,
    /// What orders may be.
    pub orders: order::Settings,
    /// How long an address rests after its release (source: address-management guide, 30 minutes).
    pub cooldown: Duration,
    /// Where webhooks may go.
    pub targets: Targets,
    /// When deliveries are tried again, and when an endpoint is told no more.
    pub deliveries: Arc<delivery::Policy>,
    /// API keys seen a moment ago.
    pub keys: Arc<access::Cache>,
    /// How it meets people without a key.
    pub front: Arc<checkout::Front>,
    /// How many requests keys may make, and have made.
    pub quotas: Arc<quota::Meters>,
    /// Hashes people's passwords, a few at a time.
    pub passwords: Arc<accounts::Passwords>,
    /// How the chains' sources do.
    pub health: Arc<health::Health>,
    /// Who reads events as they happen.
    pub streams: Arc<event_stream::Streams>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("environment", &self.environment).finish_non_exhaustive()
    }
}

impl App {
    /// What the server's own configuration says of what organizations may set.
    #[must_use]
    pub fn deployment(&self) -> settings::Deployment {
        settings::Deployment { orders: self.orders, cooldown: self.cooldown }
    }

    /// 128 random bits, for an id.
    #[must_use]
    pub fn random_id(&self) -> u128 {
        u128::from_be_bytes(self.entropy.array())
    }
}

/// What a use case ends with when it does not do its work.
pub type Outcome<T> = Result<T, Failure>;

/// A sum type of refusal and fault is all that callers need to know.
#[must_use]
pub fn refused(error: Error) -> Failure {
    Failure::Refused(error)
}

impl From<crate::seal::Broken> for Fault {
    fn from(broken: crate::seal::Broken) -> Self {
        Self::Corrupt(broken.to_string())
    }
}
