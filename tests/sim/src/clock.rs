//! Virtual time: one true time, and each server's clock, which may be wrong. Nobody waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, pending, ready};
use payin_sdk::world::{NoRandomness, Sleep, World};
use payin_server::env::Clock;
use payin_types::Timestamp;

/// When every world begins: 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp::from_secs(1_767_225_600);

/// A server's clock is off by so much at most.
pub const CLOCK_OFF_MOST: Duration = Duration::from_secs(900);

/// The time that chains and receivers go by.
#[derive(Debug, Clone)]
pub struct Time(Arc<AtomicI64>);

impl Default for Time {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(START.millis())))
    }
}

impl Time {
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }

    #[must_use]
    pub fn secs(&self) -> u64 {
        u64::try_from(self.now().secs()).expect("after 1970")
    }

    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).expect("a span"), Ordering::Relaxed);
    }

    /// Never backwards.
    pub fn advance_to(&self, at: Timestamp) {
        self.0.fetch_max(at.millis(), Ordering::Relaxed);
    }
}

/// A server's clock: the true time and how far it is off. It may be set back.
#[derive(Debug)]
pub struct SimClock {
    time: Time,
    off_ms: AtomicI64,
}

impl SimClock {
    #[must_use]
    pub fn new(time: Time, off_ms: i64) -> Self {
        Self { time, off_ms: AtomicI64::new(off_ms) }
    }

    pub fn set(&self, off_ms: i64) {
        self.off_ms.store(off_ms, Ordering::Relaxed);
    }

    #[must_use]
    pub fn off_ms(&self) -> i64 {
        self.off_ms.load(Ordering::Relaxed)
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.time.now().millis() + self.off_ms.load(Ordering::Relaxed))
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        // Steps do not sleep; whoever did would show as a world that stands still.
        if self.now() >= at { ready(()).boxed() } else { pending().boxed() }
    }
}

/// The merchants' programs: they go by the true time, and never sleep.
pub struct SdkWorld {
    time: Time,
    drawn: std::sync::Mutex<crate::dice::Dice>,
}

impl SdkWorld {
    #[must_use]
    pub fn new(time: Time, seed: u64) -> Self {
        Self { time, drawn: std::sync::Mutex::new(crate::dice::Dice::new(seed)) }
    }
}

impl World for SdkWorld {
    fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn elapsed(&self) -> Duration {
        self.time.now().since(START)
    }

    fn sleep(&self, _: Duration) -> Sleep {
        Box::pin(ready(()))
    }

    fn random(&self) -> Result<u128, NoRandomness> {
        let mut dice = self.drawn.lock().expect("no panic with it");
        Ok((u128::from(dice.roll()) << 64) | u128::from(dice.roll()))
    }
}
