//! The client's seam to time and randomness, and the one file of this crate that touches the real ones.
//! It must not hold rules: when to sleep and for how long is decided in `client/retry.rs`.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime};

use payin_types::Timestamp;

/// A sleep under way.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where a client takes time and randomness from. Tests inject one that does not really sleep.
pub trait World: Send + Sync + 'static {
    /// The time of day, to read `Retry-After` dates and `X-RateLimit-Reset`.
    fn now(&self) -> Timestamp;

    /// A clock that is never set back, from any origin, for deadlines.
    fn elapsed(&self) -> Duration;

    /// Ends after a span.
    fn sleep(&self, span: Duration) -> Sleep;

    /// Random bits, for idempotency keys and pauses.
    ///
    /// # Errors
    /// When the system has none to give.
    fn random(&self) -> Result<u128, NoRandomness>;
}

/// The system could not give random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random bits")]
pub struct NoRandomness;

/// The real world: the system's clocks and random source, tokio's timer.
#[derive(Debug, Clone, Copy)]
pub struct SystemWorld {
    origin: Instant,
}

impl SystemWorld {
    /// Starts its clock now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the seam that the rule asks for")]
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for SystemWorld {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the seam that the rule asks for")]
impl World for SystemWorld {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }

    fn sleep(&self, span: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(span))
    }

    fn random(&self) -> Result<u128, NoRandomness> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(u128::from_le_bytes(bytes))
    }
}

/// An environment variable that is set and not empty.
#[expect(
    clippy::disallowed_methods,
    reason = "the only place where this crate reads the environment: for `Client::from_env`, and for the program of a test's sandbox"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
