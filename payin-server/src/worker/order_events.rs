//! Gives committed events their place in the order that streams and cursors read along, and tells this server's streams where it ends. It
//! must not send anything, and goes by real time: a stream is read by somebody whose clock runs.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::{Did, StepFault, Worker};
use crate::app::App;
use crate::app::event_stream::{Order, standing};
use crate::env::{Clock, Entropy};

/// How often to look for events that nobody rang for: those of requests, and of other servers. It bounds how late a stream tells of them.
const LOOK_EVERY: Duration = Duration::from_millis(400);
/// How soon to look again while another server draws positions.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The worker that orders events.
pub struct OrderEvents {
    app: App,
    clock: Arc<dyn Clock>,
    epoch: u32,
}

impl OrderEvents {
    /// For one gateway, by a clock that runs.
    #[must_use]
    pub fn new(app: App, clock: Arc<dyn Clock>, entropy: &dyn Entropy) -> Self {
        Self { app, clock, epoch: u32::from_be_bytes(entropy.array()) }
    }

    async fn one(&self) -> Result<Did, StepFault> {
        let mut standing_now = standing(&self.app).await?;
        let mut idle = LOOK_EVERY;
        if standing_now.is_behind || standing_now.cursor.is_none() {
            if self.app.store.write(Order { epoch: self.epoch }).await?.is_none() {
                idle = LOOK_AGAIN;
            }
            standing_now = standing(&self.app).await?;
        }
        if let Some(end) = standing_now.cursor {
            self.app.streams.moved(end);
        }
        let more = standing_now.is_behind && idle == LOOK_EVERY;
        Ok(if more { Did::Work } else { Did::Idle { until: self.clock.now().plus(idle) } })
    }
}

impl Worker for OrderEvents {
    fn name(&self) -> String {
        "order events".to_owned()
    }

    fn step(&mut self) -> BoxFuture<'_, Result<Did, StepFault>> {
        self.one().boxed()
    }
}
