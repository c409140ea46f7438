//! Sending webhooks: claim what is due, commit, send, record. Nothing is sent while a transaction is open, and nothing is sent unsigned.
//! A lane makes one attempt at a time; whose turn it is, and how many may be under way, is decided in `deliver/queue.rs`.

mod queue;
mod request;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::delivery::is_received;
use payin_types::Timestamp;
use payin_types::id::base62;
use tokio::sync::Notify;

use super::{Did, StepFault, Worker};
use crate::app::App;
use crate::app::deliveries::{self, Attempt, Due, GiveUp, Record, Walk};
use crate::env::{Answer, Http, SendFault};
pub use queue::{LINGERING_MAX, PLACES, Queue, SLOW_PLACES, UNPROVEN_MAX};
use queue::{Refill, Taken};

/// How many attempts, claims and records may be under way: every place, and as many lanes again as there are quick places, which record
/// what came of an attempt while others send.
pub const LANES: usize = PLACES * 2 + SLOW_PLACES;
/// How often to look when nothing is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a lane that does not keep watch is idle: until it is woken. Whichever lane a ring reaches looks, so none may be up by itself just
/// then, believe that it was not rung for, and leave it to the watch.
const UNTIL_WOKEN: Duration = Duration::from_secs(60 * 60);
/// What was looked up longer ago is looked up again before it is sent: to an endpoint that was deleted nothing is sent that begins later
/// than this.
const FRESH: Duration = Duration::from_secs(1);
/// How often one lane looks among much that is due for something that may be sent, before it leaves the rest to the next look.
const LOOKS_MAX: usize = 64;
/// A claim that waited so long for a place is renewed before anything is sent: what is sent must end before the claim lapses.
const CLAIM_GOOD: Duration = Duration::from_secs(10);

/// One lane.
pub struct Deliver {
    app: App,
    http: Arc<dyn Http>,
    queue: Arc<Queue>,
    /// Wakes another lane.
    wake: Arc<Notify>,
    /// Whether it looks for what falls due while the others are idle.
    keeps_watch: bool,
}

impl Deliver {
    /// A lane that sends over `http` and shares the queue with the other lanes, of which `wake` wakes one.
    #[must_use]
    pub fn new(app: App, http: Arc<dyn Http>, queue: Arc<Queue>, wake: Arc<Notify>) -> Self {
        Self { app, http, queue, wake, keeps_watch: false }
    }

    async fn one(&mut self) -> Result<Did, StepFault> {
        // Whether there is nothing to do, and until when, is judged by the time at which it was looked: a clock that has jumped since would
        // pass over what fell due in between.
        let looked_at = self.app.clock.now();
        if std::mem::take(&mut self.keeps_watch) {
            // It may be sending for a while: until somebody watches again, nobody does.
            self.queue.watch_ends();
        }
        let refilled = match self.queue.refill(looked_at) {
            Some(refill) => Some(self.refill(refill, looked_at).await?),
            None => None,
        };
        let now = self.app.clock.now();
        if let Some(taken) = self.queue.take(now) {
            if self.queue.wants_more(now) {
                self.wake.notify_one();
            }
            self.attempt(taken).await?;
            return Ok(Did::Work);
        }
        let next = match refilled {
            Some(true) => {
                // Somebody may have come while it looked, and left the looking to it: it looks again, whoever keeps watch.
                self.keeps_watch = true;
                return Ok(Did::Work);
            }
            Some(false) => deliveries::next_due(&self.app, looked_at).await?,
            None if self.queue.has_watch(looked_at) => return Ok(Did::Idle { until: looked_at.plus(UNTIL_WOKEN) }),
            // Enough waits: what opens next is a line or a place.
            None => None,
        };
        // This lane keeps watch.
        let look_again = looked_at.plus(LOOK_EVERY);
        let until = next.into_iter().chain(self.queue.opens_at(looked_at)).chain([look_again]).min().unwrap_or(look_again);
        self.keeps_watch = true;
        self.queue.watched_until(until);
        Ok(Did::Idle { until })
    }

    /// Claims what is due and may be sent soon. Answers whether there was anything, or may be by now.
    async fn refill(&self, refill: Refill, now: Timestamp) -> Result<bool, StepFault> {
        let mut did = false;
        let mut walk = refill.walk();
        let mut whole = walk == Walk::default();
        for _ in 0..LOOKS_MAX {
            let due = deliveries::due(&self.app, &mut walk, |organization| refill.has_room(organization), now).await?;
            refill.walked(&walk);
            for closed in due.iter().filter(|receiver| !receiver.open) {
                did |= self.app.store.write(GiveUp { receiver: closed.receiver.clone(), now }).await? > 0;
            }
            let shares = refill.shares(due.into_iter().filter(|receiver| receiver.open), now);
            let claimed = deliveries::claim(&self.app, shares, now).await?;
            if !claimed.is_empty() {
                let loaded_at = self.app.clock.now();
                refill.put(deliveries::load(&self.app, claimed, loaded_at).await?, now);
                return Ok(true);
            }
            // Whatever came meanwhile is due later than this look's time.
            if did || (walk.is_round() && whole) || refill.is_asked_again() {
                break;
            }
            // Begun in the middle, the walk goes round once.
            whole |= walk.is_round();
        }
        let asked_again = refill.end();
        Ok(did || asked_again)
    }

    async fn attempt(&self, mut taken: Taken) -> Result<(), StepFault> {
        let now = self.app.clock.now();
        if now.since(taken.claimed_at) >= CLAIM_GOOD && !deliveries::renew(&self.app, &taken.due.claimed, now).await? {
            return Ok(());
        }
        if now.since(taken.due.loaded_at) >= FRESH {
            let mut loaded = deliveries::load(&self.app, vec![taken.due.claimed.clone()], now).await?;
            let Some(due) = loaded.pop() else { return Ok(()) };
            taken.due = due;
        }
        let started_at = self.app.clock.now();
        let outgoing = request::outgoing(&taken.due, self.delivery_id(started_at), started_at);
        let request = outgoing.as_ref().ok().map(request::logged);
        let result = match outgoing {
            Ok(request) => self.http.post(request).await.map_err(|fault: SendFault| fault.to_string()),
            Err(problem) => Err(problem),
        };
        let now = self.app.clock.now();
        let (took, status) = (now.since(started_at), result.as_ref().ok().map(|answer| answer.status));
        let was_failing = taken.ended(status.is_some_and(is_received), took, now);
        let Due { claimed, target, .. } = &taken.due;
        let failure = result.as_ref().err().cloned();
        tracing::debug!(event.id = %claimed.event_id, endpoint.id = %claimed.endpoint_id, status, failure, attempt = claimed.attempts + 1, "a webhook was sent");
        let retry_after = result.as_ref().ok().and_then(|answer| answer.retry_after.clone());
        let attempt = Attempt {
            started_at,
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            request,
            status,
            failure,
            // NUL is the one character PostgreSQL does not take in a text.
            response: result.ok().map(|Answer { body, .. }| String::from_utf8_lossy(&body).replace('\0', "\u{fffd}")),
        };
        let record = Record {
            claimed: claimed.clone(),
            attempt,
            retry_after,
            failing_since: target.failing_since,
            was_failing,
            random: u32::from_be_bytes(self.app.entropy.array()),
            policy: Arc::clone(&self.app.deliveries),
            dialect: target.dialect.as_ref().ok().copied().flatten(),
            now,
        };
        // Its place is another's while this is written.
        drop(taken);
        Ok(self.app.store.write_together(record).await?)
    }

    /// A name for an attempt (source: Webhooks guide: `dlv_`, the time, and random characters).
    fn delivery_id(&self, now: Timestamp) -> String {
        let random: [u8; 8] = self.app.entropy.array();
        format!("dlv_{}_{}", now.millis(), base62(u128::from(u64::from_be_bytes(random)), 11))
    }
}

impl Worker for Deliver {
    fn name(&self) -> String {
        "deliver".to_owned()
    }

    fn step(&mut self) -> BoxFuture<'_, Result<Did, StepFault>> {
        self.one().boxed()
    }
}
