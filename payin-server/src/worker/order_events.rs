//! Gives committed events their place in the order that streams and cursors read along, and tells this server's streams where it ends. It
//! must not send anything, and goes by real time: a stream is read by somebody whose clock runs.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_types::Timestamp;

use super::{Did, StepFault, Worker};
use crate::app::App;
use crate::app::event_stream::{Order, standing};
use crate::env::{Clock, Entropy};

/// How often to look for events that nobody rang for: those of other servers. It bounds how late a stream tells of them.
const LOOK_EVERY: Duration = Duration::from_millis(400);
/// However often it is rung for, not sooner than this after the last time: places are given to many events at once, or each commit would
/// cost another one.
const PACE: Duration = Duration::from_millis(25);
/// How soon to look again while another server draws positions.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The worker that orders events.
pub struct OrderEvents {
    app: App,
    clock: Arc<dyn Clock>,
    epoch: u32,
    ordered_at: Timestamp,
}

impl OrderEvents {
    /// For one gateway, by a clock that runs.
    #[must_use]
    pub fn new(app: App, clock: Arc<dyn Clock>, entropy: &dyn Entropy) -> Self {
        Self { app, clock, epoch: u32::from_be_bytes(entropy.array()), ordered_at: Timestamp::from_millis(0) }
    }

    async fn one(&mut self) -> Result<Did, StepFault> {
        let now = self.clock.now();
        // A clock that was set back keeps nobody waiting.
        if now >= self.ordered_at && now.since(self.ordered_at) < PACE {
            return Ok(Did::Idle { until: self.ordered_at.plus(PACE) });
        }
        let mut standing_now = standing(&self.app).await?;
        let mut idle = LOOK_EVERY;
        if standing_now.is_behind || standing_now.cursor.is_none() {
            match self.app.store.write(Order { epoch: self.epoch }).await? {
                Some(_) => self.ordered_at = self.clock.now(),
                None => idle = LOOK_AGAIN,
            }
            standing_now = standing(&self.app).await?;
        }
        if let Some(end) = standing_now.cursor {
            self.app.streams.moved(end);
        }
        let until = if standing_now.is_behind && idle == LOOK_EVERY { self.ordered_at.plus(PACE) } else { self.clock.now().plus(idle) };
        Ok(Did::Idle { until })
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
