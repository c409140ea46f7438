//! What goes on by itself: following chains, settling, delivering. A worker is a step function; only the driver waits or starts tasks,
//! so that a simulator can call the same steps in whatever order its seed chooses.

pub mod chain;
pub mod deliver;
pub mod driver;
pub mod issuers;
pub mod maintain;
pub mod order_events;
pub mod reconcile;
pub mod rest;
pub mod stock;
pub mod tenure;
pub mod watch;

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_types::Timestamp;

use crate::app::{Failure, Fault};
use crate::chain::SourceFault;
use tenure::Tenure;

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    /// Something; there may be more at once.
    Work,
    /// Nothing, until this time or until woken.
    Idle {
        /// When to look again.
        until: Timestamp,
    },
}

/// Why a step failed. It is tried again; nothing it began remains.
#[derive(Debug, thiserror::Error)]
pub enum StepFault {
    /// The database's doing.
    #[error(transparent)]
    Store(#[from] Fault),
    /// The node's doing.
    #[error(transparent)]
    Source(#[from] SourceFault),
    /// A bug of ours: the step panicked.
    #[error("the step panicked")]
    Panicked,
    /// Something that must not be refused was.
    #[error("refused: {0}")]
    Refused(String),
}

impl From<Failure> for StepFault {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Fault(fault) => Self::Store(fault),
            Failure::Refused(error) => Self::Refused(error.message),
        }
    }
}

/// Work done step by step.
pub trait Worker: Send {
    /// Its name in logs.
    fn name(&self) -> String;

    /// Does one bounded piece of work.
    fn step(&mut self) -> BoxFuture<'_, Result<Did, StepFault>>;

    /// The lease its steps need, where they need one: it is kept while a step takes longer than the lease's term.
    fn tenure(&self) -> Option<Arc<Tenure>> {
        None
    }

    /// Lets go of what it holds, so that another server need not wait for it. Called once, after the last step.
    fn stop(&mut self) -> BoxFuture<'_, Result<(), StepFault>> {
        futures_util::future::ready(Ok(())).boxed()
    }
}
