//! How much an endpoint may be sent at once, by how it has answered lately. It only counts what it is told; who waits where is the worker's
//! business.

use std::time::Duration;

use payin_types::Timestamp;

/// The most attempts under way at one endpoint: more would be unkind to a small shop, and one endpoint should not take all places.
pub const AT_ONCE_MAX: usize = 8;

/// Who takes longer is slow. Most receivers answer within some hundred milliseconds.
pub const SLOW_AFTER: Duration = Duration::from_secs(1);

/// The rest after two failures in a row, doubled with each further one. It spares a receiver that is down, and us: whatever is due to it
/// would only fail. Never longer than the shortest documented retry.
const REST_FIRST: Duration = Duration::from_millis(62);
const REST_MAX: Duration = Duration::from_secs(1);

/// How an endpoint stands. One that answers well and quickly gets more at once, step by step; one that fails, half as much each time; one
/// that is slow, one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    at_once: usize,
    failures: u32,
    slow: bool,
    rests_until: Timestamp,
}

impl Standing {
    /// One that nothing is known of but whether it failed the last time: then it is taken for slow until it has answered.
    #[must_use]
    pub fn new(failing: bool) -> Self {
        Self { at_once: 1, failures: 0, slow: failing, rests_until: Timestamp::from_millis(i64::MIN) }
    }

    /// How many attempts may be under way at once.
    #[must_use]
    pub fn at_once(&self) -> usize {
        self.at_once
    }

    /// Whether it was slow the last time.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.slow
    }

    /// Whether it is sent nothing now. A rest that is longer than any is one by a clock that was set back since.
    #[must_use]
    pub fn rests(&self, now: Timestamp) -> bool {
        self.rests_until > now && self.rests_until.since(now) <= REST_MAX
    }

    /// Until when it is sent nothing.
    #[must_use]
    pub fn rests_until(&self) -> Timestamp {
        self.rests_until
    }

    /// Whether an attempt has failed since the last that was received.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// Whether it answers well and quickly.
    #[must_use]
    pub fn is_steady(&self) -> bool {
        self.failures == 0 && !self.slow && self.at_once > 1
    }

    /// An attempt takes long. Another one beside it finds out whether all do: one answer that never comes must not hold up the others.
    pub fn lingers(&mut self) {
        self.slow = true;
        self.at_once = 2;
    }

    /// An attempt ended.
    pub fn ended(&mut self, received: bool, took: Duration, now: Timestamp) {
        self.slow = took >= SLOW_AFTER;
        if received {
            self.failures = 0;
            self.at_once = if self.slow { 1 } else { self.at_once.saturating_mul(2).min(AT_ONCE_MAX) };
            return;
        }
        let doubled = |times| REST_FIRST.saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX)).min(REST_MAX);
        let rest = self.failures.checked_sub(1).map_or(Duration::ZERO, doubled);
        self.failures = self.failures.saturating_add(1);
        // One that fails now and then keeps most of its pace; one that is down is at one at a time as soon as those under way have failed.
        self.at_once = (self.at_once / 2).max(1);
        self.rests_until = now.plus(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(20);
    const NOW: Timestamp = Timestamp::from_secs(100);

    #[test]
    fn who_answers_well_gets_more_at_once() {
        let mut standing = Standing::new(false);
        let mut at_once = Vec::new();
        for _ in 0..5 {
            at_once.push(standing.at_once());
            standing.ended(true, QUICK, NOW);
        }
        assert_eq!(at_once, [1, 2, 4, 8, 8]);
        assert!(standing.is_steady() && standing.rests_until() < NOW);
    }

    #[test]
    fn who_fails_gets_one_at_a_time_and_rests() {
        let mut standing = Standing::new(false);
        standing.ended(true, QUICK, NOW);
        let mut rests = Vec::new();
        for _ in 0..40 {
            standing.ended(false, QUICK, NOW);
            rests.push(standing.rests_until().since(NOW).as_millis());
        }
        assert_eq!(rests[..7], [0, 62, 124, 248, 496, 992, 1_000]);
        assert_eq!((rests[39], standing.at_once(), standing.is_slow()), (1_000, 1, false));
        assert!(standing.is_failing());
        assert!(standing.rests(NOW) && !standing.rests(NOW.plus(REST_MAX)));
        assert!(!standing.rests(NOW.minus(Duration::from_secs(3_600))), "the clock was set back");
        standing.ended(true, QUICK, NOW);
        assert!(!standing.is_failing());
        standing.ended(false, QUICK, NOW);
        assert_eq!(standing.rests_until(), NOW, "the first failure may be an accident");
    }

    #[test]
    fn who_fails_now_and_then_keeps_half_its_pace() {
        let mut standing = Standing::new(false);
        (0..3).for_each(|_| standing.ended(true, QUICK, NOW));
        let mut at_once = Vec::new();
        for received in [false, true, false, false, false, false] {
            standing.ended(received, QUICK, NOW);
            at_once.push(standing.at_once());
        }
        assert_eq!(at_once, [4, 8, 4, 2, 1, 1]);
    }

    #[test]
    fn who_is_slow_is_so_until_a_quick_answer() {
        let mut standing = Standing::new(false);
        standing.ended(true, QUICK, NOW);
        standing.lingers();
        assert_eq!((standing.at_once(), standing.is_slow(), standing.is_steady()), (2, true, false));
        standing.ended(true, SLOW_AFTER, NOW);
        assert_eq!((standing.at_once(), standing.is_slow()), (1, true));
        standing.ended(true, QUICK, NOW);
        assert_eq!((standing.at_once(), standing.is_slow(), standing.is_steady()), (2, false, true));
        assert!(Standing::new(true).is_slow(), "one that failed before we began may hang");
    }
}
