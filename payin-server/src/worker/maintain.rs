//! Housekeeping: forgets what is past its time, writes down what was noted. It must not touch money.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::replay;

use super::{Did, StepFault, Worker};
use crate::app::App;
use crate::app::maintenance::{Forget, ForgetAttempts, write_used};

/// How often to look: when a key was last used is told to the minute.
const LOOK_EVERY: Duration = Duration::from_secs(60);

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
            write_used(&self.app).await?;
            let forgotten = self.app.store.write(Forget { cutoff: now.minus(replay::LIFETIME) }).await?;
            let attempts = self.app.store.write(ForgetAttempts { cutoff: now.minus(self.app.deliveries.keep_log) }).await?;
            Ok(if forgotten.saturating_add(attempts) > 0 { Did::Work } else { Did::Idle { until: now.plus(LOOK_EVERY) } })
        }
        .boxed()
    }

    fn stop(&mut self) -> BoxFuture<'_, Result<(), StepFault>> {
        async move { Ok(write_used(&self.app).await?) }.boxed()
    }
}
