//! Time: the only place that reads a clock. It must not decide what a moment means; rules take it as an argument.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use payin_types::Timestamp;
use tokio::sync::watch;

/// What time it is, and waiting for it.
pub trait Clock: Send + Sync {
    /// The time now. It may step backwards where the machine's clock is set back; facts that need an order have one of
    /// their own (sequences, cursors), so nothing may conclude from two readings which came first.
    fn now(&self) -> Timestamp;

    /// Ready as soon as `now() >= at`, also where the clock is advanced or resumed while this waits; at once if that
    /// is past. Where the machine's clock is set back meanwhile, ready after as long as it was until then: nobody sleeps for
    /// hours that come twice. Safe to drop and call again.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()>;
}

/// The machine's clock, UTC.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// Timers run on the monotonic clock, which neither follows a clock that is set nor counts a machine's sleep: look
/// at the wall clock again at least this often.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the seam to real time")]
        let now = SystemTime::now();
        now.into()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        sleep(|| self.now(), at).boxed()
    }
}

/// Sleeps until the wall clock shows `at`, or as long as that was away at first has passed.
async fn sleep(wall: impl Fn() -> Timestamp, at: Timestamp) {
    let (begun, Some(asked)) = (real_now(), left(wall(), at)) else { return };
    while let Some(left) = left(wall(), at) {
        let Some(rest) = asked.checked_sub(real_now().saturating_duration_since(begun)).filter(|rest| !rest.is_zero()) else { return };
        #[expect(clippy::disallowed_methods, reason = "the seam to real time")]
        tokio::time::sleep(left.min(rest).min(LOOK_AGAIN)).await;
    }
}

/// A clock that obeys: it stands, or runs along with real time, and jumps forward when told. Never backwards.
///
/// Standing, it reads no real clock and needs no runtime: the simulator is the only one to move it.
#[derive(Debug)]
pub struct VirtualClock {
    hands: Mutex<Hands>,
    /// Tells sleepers to look again. It carries nothing: they ask `now`.
    changed: watch::Sender<()>,
}

/// `base`, plus what has passed in reality since the clock was set running.
#[derive(Debug, Clone, Copy)]
struct Hands {
    base: Timestamp,
    running_since: Option<Instant>,
}

impl VirtualClock {
    /// A clock that stands at `at` until it is advanced.
    #[must_use]
    pub fn frozen(at: Timestamp) -> Self {
        Self::new(Hands { base: at, running_since: None })
    }

    /// A clock that shows `at` and runs along with real time: `dev` mode, with `at` = the real time.
    #[must_use]
    pub fn running(at: Timestamp) -> Self {
        Self::new(Hands { base: at, running_since: Some(real_now()) })
    }

    fn new(hands: Hands) -> Self {
        Self { hands: Mutex::new(hands), changed: watch::Sender::new(()) }
    }

    /// Jumps forward, running or not, and wakes whose time has come. Answers the new time.
    pub fn advance(&self, by: Duration) -> Timestamp {
        self.change(|hands| hands.base = hands.base.plus(by))
    }

    /// Jumps forward to `at`; does nothing if that is past.
    pub fn advance_to(&self, at: Timestamp) -> Timestamp {
        self.change(|hands| {
            if let Some(left) = left(hands.now(), at) {
                hands.base = hands.base.plus(left);
            }
        })
    }

    /// Stands still from now on.
    pub fn freeze(&self) -> Timestamp {
        self.change(|hands| *hands = Hands { base: hands.now(), running_since: None })
    }

    /// Runs along with real time from the time it shows.
    pub fn resume(&self) -> Timestamp {
        self.change(|hands| *hands = Hands { base: hands.now(), running_since: Some(real_now()) })
    }

    /// Whether it stands still.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.hands().running_since.is_none()
    }

    fn change(&self, turn: impl FnOnce(&mut Hands)) -> Timestamp {
        let mut hands = self.hands();
        turn(&mut hands);
        let now = hands.now();
        drop(hands);
        self.changed.send_replace(());
        now
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.hands().now()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        // Subscribed before the first look at the hands, so that no change falls between look and wait.
        let mut changed = self.changed.subscribe();
        async move {
            loop {
                changed.borrow_and_update();
                let hands = *self.hands();
                let Some(left) = left(hands.now(), at) else { return };
                // The sender is in `self`, so `changed` cannot end in an error while this waits.
                if hands.running_since.is_some() {
                    let _ = tokio::time::timeout(left, changed.changed()).await;
                } else {
                    let _ = changed.changed().await;
                }
            }
        }
        .boxed()
    }
}

impl Hands {
    fn now(self) -> Timestamp {
        match self.running_since {
            Some(since) => self.base.plus(real_now().saturating_duration_since(since)),
            None => self.base,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the seam to real time")]
fn real_now() -> Instant {
    Instant::now()
}

/// How long from `now` to `at`; nothing if `at` has come.
fn left(now: Timestamp, at: Timestamp) -> Option<Duration> {
    Some(at.since(now)).filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::{Context, Waker};

    use super::*;

    const START: i64 = 1_700_000_000_000;

    fn at(offset: i64) -> Timestamp {
        Timestamp::from_millis(START + offset)
    }

    fn ready(future: &mut BoxFuture<'_, ()>) -> bool {
        future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn a_frozen_clock_moves_only_when_told_and_needs_no_runtime() {
        let clock = VirtualClock::frozen(at(0));
        assert_eq!(clock.now().millis(), START);
        let mut soon = clock.sleep_until(at(5_000));
        let mut past = clock.sleep_until(at(0));
        assert!(ready(&mut past));
        assert!(!ready(&mut soon));
        assert_eq!(clock.advance(Duration::from_millis(4_999)).millis(), START + 4_999);
        assert!(!ready(&mut soon));
        clock.advance(Duration::from_millis(1));
        assert!(ready(&mut soon));
        assert_eq!(clock.advance_to(at(1)).millis(), START + 5_000, "never backwards");
        assert_eq!(clock.advance_to(at(6_000)).millis(), START + 6_000);
        assert_eq!(clock.advance(Duration::MAX).millis(), i64::MAX, "saturates");
    }

    #[test]
    fn a_running_clock_runs_jumps_and_freezes() {
        let clock = VirtualClock::running(at(0));
        assert!(!clock.is_frozen());
        clock.advance(Duration::from_secs(3_600));
        assert!(clock.now().millis() >= START + 3_600_000);
        let stood = clock.freeze();
        assert_eq!(clock.now().millis(), stood.millis());
        assert!(clock.is_frozen());
        assert!(clock.resume().millis() >= stood.millis());
    }

    async fn within<T>(future: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(20), future).await.expect("the sleeper was not woken")
    }

    #[tokio::test]
    async fn advancing_wakes_a_sleeper_of_a_running_clock() {
        let clock = Arc::new(VirtualClock::running(at(0)));
        let mut sleeper = clock.sleep_until(at(3_600_000));
        assert!(!ready(&mut sleeper));
        let other = Arc::clone(&clock);
        std::thread::scope(|scope| {
            scope.spawn(move || other.advance(Duration::from_secs(3_600)));
        });
        within(sleeper).await;
    }

    #[tokio::test]
    async fn resuming_lets_a_sleeper_run_out() {
        let clock = VirtualClock::frozen(at(0));
        let sleeper = clock.sleep_until(at(20));
        within(async {
            tokio::join!(sleeper, async {
                tokio::task::yield_now().await;
                clock.resume();
            })
        })
        .await;
        assert!(clock.now().millis() >= START + 20);
    }

    #[tokio::test]
    async fn the_system_clock_keeps_time() {
        let clock = SystemClock;
        let start = clock.now();
        assert!(start.millis() > START, "after 2023");
        within(clock.sleep_until(start.plus(Duration::from_millis(15)))).await;
        assert!(clock.now().millis() >= start.millis() + 15);
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_keeps_nobody_asleep() {
        let looks = Mutex::new([at(0)].into_iter().chain(std::iter::repeat(at(-3_600_000))));
        let wall = || looks.lock().expect("a lock").next().expect("endless");
        within(sleep(wall, at(20))).await;
    }

    #[tokio::test]
    async fn a_clock_that_is_set_forward_wakes_at_once() {
        let looks = Mutex::new([at(0)].into_iter().chain(std::iter::repeat(at(3_600_000))));
        within(sleep(|| looks.lock().expect("a lock").next().expect("endless"), at(3_600_000))).await;
    }
}
