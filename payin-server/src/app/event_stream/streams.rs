//! How many streams are open, and what all of them are told: that the order of events goes on, or that the server stops. It reads no events.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use payin_core::{Cursor, Error};
use payin_types::{ApiKeyId, ErrorCode, OrganizationId};
use tokio::sync::watch;

/// Streams of one key at once: a team that shares a key of a sandbox.
const STREAMS_OF_KEY: usize = 20;
/// Streams of one organization at once, over all its keys, of which it may make any number: others have theirs.
const STREAMS_OF_ORGANIZATION: usize = 100;
/// Streams at once in this server: each new event makes every one of them ask the database.
const STREAMS: usize = 500;

/// The streams of this server: where the order of events ends, and how many read along it.
#[derive(Debug, Default)]
pub struct Streams {
    state: watch::Sender<State>,
    open: Mutex<HashMap<(OrganizationId, ApiKeyId), usize>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) end: Option<Cursor>,
    pub(super) stopping: bool,
}

impl Streams {
    /// The order of events ends here now.
    pub fn moved(&self, end: Cursor) {
        self.state.send_if_modified(|state| state.end.replace(end) != Some(end));
    }

    /// Ends every stream, and lets none begin.
    pub fn stop(&self) {
        self.state.send_modify(|state| state.stopping = true);
    }

    /// Hears of the state, and of every change.
    pub(super) fn subscribe(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Ready as soon as the server stops.
    pub async fn stopping(&self) {
        // The sender is this value's own: it cannot be gone.
        let _ = self.state.subscribe().wait_for(|state| state.stopping).await;
    }

    /// A stream's place, until it is dropped.
    pub(super) fn seat(self: &Arc<Self>, organization: &OrganizationId, key: &ApiKeyId) -> Result<Seat, Error> {
        let later = |code, message: String| Error { retry_after_s: Some(5), ..Error::new(code, message) };
        if self.state.borrow().stopping {
            return Err(later(ErrorCode::ServiceUnavailable, "The server is stopping; connect again".to_owned()));
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= STREAMS {
            let message = format!("{STREAMS} streams are open, as many as this server allows; try again later, or read pages");
            return Err(later(ErrorCode::ServiceUnavailable, message));
        }
        let of_organization: usize = open.iter().filter(|((owner, _), _)| owner == organization).map(|(_, count)| count).sum();
        if of_organization >= STREAMS_OF_ORGANIZATION {
            let message = format!("This organization has {STREAMS_OF_ORGANIZATION} streams open, as many as it may; close one");
            return Err(later(ErrorCode::RateLimitExceeded, message));
        }
        let seat = (organization.clone(), key.clone());
        let of_key = open.entry(seat.clone()).or_default();
        if *of_key >= STREAMS_OF_KEY {
            let message = format!("This key has {STREAMS_OF_KEY} streams open, as many as it may; close one, or take another key");
            return Err(later(ErrorCode::RateLimitExceeded, message));
        }
        *of_key += 1;
        Ok(Seat { streams: Arc::clone(self), of: seat })
    }
}

/// A stream's place among those that are open, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    streams: Arc<Streams>,
    of: (OrganizationId, ApiKeyId),
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_key) = open.get_mut(&self.of) {
            *of_key = of_key.saturating_sub(1);
            if *of_key == 0 {
                open.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_key_nor_an_organization_takes_every_stream() {
        let streams = Arc::<Streams>::default();
        let (ours, theirs) = (OrganizationId::from("org_ours"), OrganizationId::from("org_theirs"));
        let mut seats = Vec::new();
        let mut refused = Vec::new();
        for number in 0..25 * (STREAMS_OF_KEY + 1) {
            match streams.seat(&ours, &format!("key_{}", number % 25).as_str().into()) {
                Ok(seat) => seats.push(seat),
                Err(error) => refused.push(error),
            }
        }
        assert_eq!(seats.len(), STREAMS_OF_ORGANIZATION);
        assert!(refused.iter().all(|error| error.code == ErrorCode::RateLimitExceeded && error.message.contains("This organization has")));
        let mut others: Vec<Seat> = (0..STREAMS_OF_KEY).map(|_| streams.seat(&theirs, &"key".into()).unwrap()).collect();
        assert!(streams.seat(&theirs, &"key".into()).unwrap_err().message.starts_with("This key has 20 streams"));
        others.pop();
        others.push(streams.seat(&theirs, &"key".into()).unwrap());
        seats.clear();
        assert!(streams.seat(&ours, &"key_1".into()).is_ok());
    }
}
