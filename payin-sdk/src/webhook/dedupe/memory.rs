//! Handled events in this process's memory, as many as it is told. It must not grow beyond that, nor forget what is being handled.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use payin_types::{EventId, Timestamp};

use super::{Claimed, DedupeStore};

/// For one process whose restart may handle an event again: tests, and handlers that can bear it. Beyond its capacity it forgets the
/// event that was handled first.
#[derive(Debug)]
pub struct MemoryStore {
    capacity: usize,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    standing: HashMap<EventId, Standing>,
    /// The handled ones, the oldest first.
    handled: VecDeque<EventId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    ClaimedUntil(Timestamp),
    Handled,
}

/// As many events are being handled at once as the store has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more events are being handled at once than there is room for ({capacity})")]
pub struct Full {
    /// The room.
    pub capacity: usize,
}

impl MemoryStore {
    /// Remembers so many events, of some hundred bytes each.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity, seen: Mutex::default() }
    }

    /// Nothing that is done under the lock can panic in the middle of a change.
    fn with<T>(&self, change: impl FnOnce(&mut Seen) -> T) -> T {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Seen {
    /// Makes room for one more.
    fn make_room(&mut self, capacity: usize, now: Timestamp) -> Result<(), Full> {
        while self.standing.len() >= capacity {
            let Some(oldest) = self.handled.pop_front() else { break };
            self.standing.remove(&oldest);
        }
        if self.standing.len() >= capacity {
            self.standing.retain(|_, standing| !matches!(standing, Standing::ClaimedUntil(until) if *until <= now));
        }
        if self.standing.len() >= capacity { Err(Full { capacity }) } else { Ok(()) }
    }
}

impl DedupeStore for MemoryStore {
    type Error = Full;

    async fn claim(&self, id: &EventId, now: Timestamp, until: Timestamp) -> Result<Claimed, Full> {
        self.with(|seen| {
            match seen.standing.get(id) {
                Some(Standing::Handled) => return Ok(Claimed::Handled),
                Some(Standing::ClaimedUntil(until)) if now < *until => return Ok(Claimed::InProgress),
                Some(Standing::ClaimedUntil(_)) => {}
                None => seen.make_room(self.capacity, now)?,
            }
            seen.standing.insert(id.clone(), Standing::ClaimedUntil(until));
            Ok(Claimed::Now)
        })
    }

    async fn commit(&self, id: &EventId) -> Result<(), Full> {
        self.with(|seen| {
            if seen.standing.insert(id.clone(), Standing::Handled) != Some(Standing::Handled) {
                seen.handled.push_back(id.clone());
            }
            // Its claim may have lapsed and its room been given away.
            if seen.standing.len() > self.capacity
                && let Some(oldest) = seen.handled.pop_front()
            {
                seen.standing.remove(&oldest);
            }
            Ok(())
        })
    }

    async fn release(&self, id: &EventId, until: Timestamp) -> Result<(), Full> {
        self.with(|seen| {
            if seen.standing.get(id) == Some(&Standing::ClaimedUntil(until)) {
                seen.standing.remove(id);
            }
            Ok(())
        })
    }
}
