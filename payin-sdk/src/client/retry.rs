//! Which failures are tried again, and after how long. Pure: the failure and the random bits are arguments.

use std::time::Duration;

use super::Kind;
use crate::error::ApiError;
use crate::transport::{TransportError, TransportErrorKind};

/// The first pause, doubled with every attempt. As Stripe's and OpenAI's clients have it.
const PAUSE_MS_FIRST: u64 = 500;

/// The longest pause that we choose ourselves; a server may ask for more.
const PAUSE_MS_MAX: u64 = 8_000;

/// The limits of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) attempt_timeout: Duration,
    pub(crate) deadline: Duration,
    pub(crate) retries_max: u32,
}

impl Default for Policy {
    fn default() -> Self {
        // Five pauses are 15.5 s at most: longer than a server needs to start again, short enough for a checkout page.
        Self { attempt_timeout: Duration::from_secs(30), deadline: Duration::from_secs(60), retries_max: 5 }
    }
}

/// An attempt that was no success.
#[derive(Debug)]
pub(crate) enum Failure {
    Api(Box<ApiError>),
    Transport(TransportError),
}

impl Failure {
    /// Whether the attempt may have taken effect nevertheless.
    pub(crate) fn is_ambiguous(&self) -> bool {
        match self {
            Self::Api(error) => error.is_gateway(),
            Self::Transport(error) => error.kind != TransportErrorKind::Connect,
        }
    }

    /// How long to wait before the next attempt, or `None` when there must be none. `attempt` counts from 0.
    pub(crate) fn pause(&self, kind: Kind, attempt: u32, random: u64) -> Option<Duration> {
        if kind == Kind::Act && self.is_ambiguous() {
            return None;
        }
        match self {
            Self::Api(error) if !error.is_transient() => None,
            Self::Api(error) => Some(error.retry_after.unwrap_or_else(|| backoff(attempt, random))),
            Self::Transport(_) => Some(backoff(attempt, random)),
        }
    }
}

/// Between half and all of 0.5 s · 2ⁿ, at most 8 s: clients that failed together do not come back together.
fn backoff(attempt: u32, random: u64) -> Duration {
    let full = PAUSE_MS_FIRST.saturating_mul(2_u64.saturating_pow(attempt)).min(PAUSE_MS_MAX);
    let half = full / 2;
    Duration::from_millis(half + random % (full - half + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_eight_seconds_and_are_random_in_their_upper_half() {
        let bounds = [(250, 500), (500, 1000), (1000, 2000), (2000, 4000), (4000, 8000), (4000, 8000), (4000, 8000)];
        for (attempt, (least, most)) in bounds.into_iter().enumerate() {
            let attempt = u32::try_from(attempt).unwrap();
            let pauses: Vec<_> = (0..10_000).map(|random| backoff(attempt, random)).collect();
            assert_eq!(pauses.iter().min(), Some(&Duration::from_millis(least)));
            assert_eq!(pauses.iter().max(), Some(&Duration::from_millis(most)));
        }
        assert_eq!(backoff(u32::MAX, u64::MAX).as_secs(), backoff(9, u64::MAX).as_secs());
    }
}
