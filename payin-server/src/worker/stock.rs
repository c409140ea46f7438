//! Keeps every pool in stock: derives addresses where there is a key, tells the owner where few are left. It must not hand any out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::pool as rules;
use payin_types::{OrganizationId, Protocol};
use tokio::sync::Notify;

use super::{Did, StepFault, Worker};
use crate::app::pool::stock::{self, Pool, Standing, Tell, TopUp};
use crate::app::{App, Failure, Fault};

/// How often to look. The reserve must last so long.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The worker that keeps pools in stock.
pub struct Stock {
    app: App,
    /// Rung when there may be events to deliver.
    events: Arc<Notify>,
    /// Pools that cannot be filled, so that it is logged once and not with every look.
    spoiled: BTreeSet<(OrganizationId, Protocol)>,
}

impl Stock {
    /// For one gateway.
    #[must_use]
    pub fn new(app: App, events: Arc<Notify>) -> Self {
        Self { app, events, spoiled: BTreeSet::new() }
    }

    async fn one(&mut self) -> Result<Did, StepFault> {
        let now = self.app.clock.now();
        let mut told = false;
        for standing in stock::standings(&self.app).await? {
            let pool = || Pool::new(&self.app, &standing);
            let Standing { level, threshold } = &standing;
            if level.derives && rules::refill(level.available, *threshold) > 0 {
                let place = (level.organization_id.clone(), level.protocol.clone());
                match self.app.store.write(TopUp(pool())).await {
                    Ok(derived) => {
                        self.spoiled.remove(&place);
                        tracing::debug!(organization.id = %level.organization_id, protocol = %level.protocol, derived, "addresses were derived");
                        continue;
                    }
                    // One key that was altered must not keep the pools of others empty.
                    Err(Failure::Fault(fault @ Fault::Corrupt(_))) => {
                        if self.spoiled.insert(place) {
                            tracing::error!(organization.id = %level.organization_id, protocol = %level.protocol, %fault, "a pool cannot be filled");
                        }
                    }
                    Err(failure) => return Err(failure.into()),
                }
            }
            if rules::is_low(level.available, *threshold) != level.told && self.app.store.write(Tell(pool())).await? {
                told = true;
                self.events.notify_one();
            }
        }
        Ok(if told { Did::Work } else { Did::Idle { until: now.plus(LOOK_EVERY) } })
    }
}

impl Worker for Stock {
    fn name(&self) -> String {
        "stock".to_owned()
    }

    fn step(&mut self) -> BoxFuture<'_, Result<Did, StepFault>> {
        self.one().boxed()
    }
}
