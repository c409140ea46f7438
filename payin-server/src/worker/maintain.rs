//! Housekeeping: forgets what is past its time. It must not touch money.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::replay;

use super::{Did, StepFault, Worker};
use crate::app::App;
use crate::app::maintenance::Forget;

/// How often to look: idempotency records live a day, a little more does no harm.
const LOOK_EVERY: Duration = Duration::from_secs(300);

/// The worker that forgets.
pub struct Maintain {
    app: App,
}

impl Maintain {
    /// For one gateway.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self { app }
    }
}

impl Worker for Maintain {
    fn name(&self) -> String {
        "maintain".to_owned()
    }

    fn step(&mut self) -> BoxFuture<'_, Result<Did, StepFault>> {
        async move {
            let now = self.app.clock.now();
            let forgotten = self.app.store.write(Forget { cutoff: now.minus(replay::LIFETIME) }).await?;
            Ok(if forgotten > 0 { Did::Work } else { Did::Idle { until: now.plus(LOOK_EVERY) } })
        }
        .boxed()
    }
}
