//! Handling each event once, though it is delivered at least once: claim its id, handle it, commit. It must not remember anything itself:
//! that is its store's business.

pub mod memory;

use std::future::Future;
use std::time::Duration;

use payin_types::{EventId, Timestamp};

/// How long a claim holds if nothing more is heard of it. Longer than a sender waits for the answer (15 s), so that a handler that still
/// runs is not run again beside itself; short enough that the sender's next attempts find a claim gone whose handler has died.
const LEASE: Duration = Duration::from_secs(60);

/// Handles each event once.
///
/// - An event is claimed before it is handled, and committed after. A handler that fails gives the claim back: the next delivery is
///   handled. One that is dropped in the middle (the process died, the sender hung up) lets the claim lapse after the lease.
/// - A duplicate of a handled event is not handled again: [`Once::Before`]. Answer it 2xx.
/// - A duplicate that comes while the first is still being handled is *refused*, with [`OnceError::InProgress`], rather than kept waiting:
///   answer 409, and it is delivered again when the first has succeeded or failed. 2xx would lose the event if the first then fails.
///
/// Between the handler's own commit and this one's a process may die: then the event is handled again. An effect that must never happen twice
/// writes the event's id into the merchant's own database, under a unique index, in the transaction of the effect.
#[derive(Debug)]
pub struct Dedupe<S> {
    store: S,
    lease: Duration,
}

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// The event is the caller's to handle.
    Now,
    /// It has been handled.
    Handled,
    /// Somebody handles it at this moment.
    InProgress,
}

/// Where it is kept which events were handled. An SQL table of three columns will do:
///
/// ```sql
/// -- claim: a row changed means Now; else the row says Handled (handled = 1) or InProgress
/// INSERT INTO webhook_events (id, claimed_until, handled) VALUES ($id, $until, 0)
///     ON CONFLICT (id) DO UPDATE SET claimed_until = excluded.claimed_until
///     WHERE webhook_events.handled = 0 AND webhook_events.claimed_until <= $now;
/// -- commit
/// UPDATE webhook_events SET handled = 1 WHERE id = $id;
/// -- release
/// DELETE FROM webhook_events WHERE id = $id AND handled = 0 AND claimed_until = $until;
/// ```
///
/// How long rows are kept is how old a duplicate may be: senders try for a day and more, and people resend later than that.
pub trait DedupeStore: Send + Sync {
    /// Why the store could not do what it was asked.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Claims an event until a time, atomically: of any number of callers, in any number of processes, one gets [`Claimed::Now`]. A claim
    /// whose time is over (`claimed until <= now`) and that was neither committed nor released counts for nothing.
    fn claim(&self, id: &EventId, now: Timestamp, until: Timestamp) -> impl Future<Output = Result<Claimed, Self::Error>> + Send;

    /// The event has been handled; for good, whoever has claimed it meanwhile.
    fn commit(&self, id: &EventId) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// The event has not been handled. Gives back the claim that was made until exactly this time; a later one of somebody else stays.
    fn release(&self, id: &EventId, until: Timestamp) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// When an event was handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Once<T> {
    /// By this call, with this result.
    Now(T),
    /// By an earlier one.
    Before,
}

/// Why an event was not handled.
#[derive(Debug, thiserror::Error)]
pub enum OnceError<E, S> {
    /// An earlier delivery of the same event is being handled: answer 409.
    #[error("another delivery of this event is being handled; it is delivered again")]
    InProgress,
    /// The handler failed, and its claim was given back: answer 500.
    #[error("the event could not be handled: {0}")]
    Handler(E),
    /// The store failed: answer 500. If that was after handling, the event will be handled again.
    #[error("whether the event was handled before cannot be told: {0}")]
    Store(#[source] S),
}

impl<S: DedupeStore> Dedupe<S> {
    /// Over a store, with a lease of 60 s.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self { store, lease: LEASE }
    }

    /// How long a claim holds whose handler is never heard of again: longer than any handler runs.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Handles an event unless it was handled before. `handle` is not begun for a duplicate.
    ///
    /// # Errors
    /// [`OnceError`] says whether to answer 409 or 500; the event is delivered again either way.
    pub async fn once<T, E>(
        &self,
        id: &EventId,
        now: Timestamp,
        handle: impl Future<Output = Result<T, E>>,
    ) -> Result<Once<T>, OnceError<E, S::Error>> {
        let until = now.plus(self.lease);
        match self.store.claim(id, now, until).await.map_err(OnceError::Store)? {
            Claimed::Handled => return Ok(Once::Before),
            Claimed::InProgress => return Err(OnceError::InProgress),
            Claimed::Now => {}
        }
        match handle.await {
            Ok(done) => {
                self.store.commit(id).await.map_err(OnceError::Store)?;
                Ok(Once::Now(done))
            }
            Err(error) => {
                // The handler's error is the one to tell. A claim that cannot be given back lapses.
                let _ = self.store.release(id, until).await;
                Err(OnceError::Handler(error))
            }
        }
    }
}

#[cfg(test)]
mod tests;
