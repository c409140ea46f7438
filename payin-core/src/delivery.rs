//! When a webhook is tried again, and when an endpoint is told no more. Sending is the worker's business.

pub mod progress;
pub mod standing;

use std::time::Duration;

use payin_types::known_bad::{Mistake, makes};
use payin_types::{DisabledReason, Timestamp};

pub use progress::{Progress, State};
pub use standing::Standing;

/// Waits between attempts: the documented quick retries (1, 2, 4, 8, 16 s; source: Webhooks guide), then a long tail, so that a
/// merchant who is down for a day loses nothing.
pub const RETRIES_S: [u64; 12] = [1, 2, 4, 8, 16, 60, 300, 1_800, 7_200, 18_000, 36_000, 86_400];

/// How long one attempt may take, from the first byte of the connection to the last byte of the answer.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

/// The longest wait that a receiver may ask for by `Retry-After`, where our own is not longer: who asks for more is asked again sooner,
/// so that no answer loses an event.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// So many failures of one delivery are no accident. An endpoint is not disabled for the first ones: after a quiet month one bad
/// answer is not a month of failures.
const FAILURES_MIN: u64 = 6;

/// What a deployment has decided about deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The waits after each failure. When they are used up the delivery is given up.
    pub retries: Vec<Duration>,
    /// An endpoint at which every attempt has failed for so long is disabled. Svix, too, takes five days (docs.svix.com, "Retry schedule").
    pub disable_after: Duration,
    /// How long attempts are kept. Events and how their deliveries ended are kept for good: they are the record of what was told.
    pub keep_log: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days.saturating_mul(86_400));
        Self { retries: RETRIES_S.map(Duration::from_secs).to_vec(), disable_after: days(5), keep_log: days(30) }
    }
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempted<'a> {
    /// How many attempts of this delivery were recorded before it.
    pub before: u64,
    /// Since when every attempt at its endpoint has failed, before it.
    pub failing_since: Option<Timestamp>,
    /// The status answered; `None` if there was no answer.
    pub status: Option<u16>,
    /// `Retry-After` of the answer, as it was written.
    pub retry_after: Option<&'a str>,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// How a delivery goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It was received.
    Delivered,
    /// It is tried again.
    At(Timestamp),
    /// It is given up.
    GivenUp,
}

/// What follows from an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// For the delivery.
    pub next: Next,
    /// For its endpoint: why it is told no more.
    pub disable: Option<DisabledReason>,
}

impl Policy {
    /// What follows. `random` spreads the retries of many deliveries that failed at one moment.
    #[must_use]
    pub fn course(&self, attempt: &Attempted<'_>, random: u32) -> Course {
        match attempt.status {
            Some(status) if is_received(status) => Course { next: Next::Delivered, disable: None },
            // The receiver wants no more.
            Some(410) => Course { next: Next::GivenUp, disable: Some(DisabledReason::Gone) },
            // A redirect is a failure: it is never followed.
            _ => {
                let failed_long = attempt.failing_since.is_some_and(|since| attempt.ended_at.since(since) >= self.disable_after);
                let wait = self.wait(attempt, random);
                // A short schedule has fewer attempts than that.
                let often = attempt.before.saturating_add(1) >= FAILURES_MIN || wait.is_none();
                Course {
                    next: wait.map_or(Next::GivenUp, |wait| Next::At(attempt.ended_at.plus(wait))),
                    disable: (failed_long && often).then_some(DisabledReason::Failing),
                }
            }
        }
    }

    /// How long to wait after a failure; `None` when it is enough. Never shorter than the table, so that the documented schedule holds, and
    /// up to a fifth longer.
    fn wait(&self, attempt: &Attempted<'_>, random: u32) -> Option<Duration> {
        let own = *self.retries.get(usize::try_from(attempt.before).ok()?)?;
        let asked = attempt.retry_after.and_then(|text| asked_wait(text, attempt.ended_at)).unwrap_or_default();
        let wait = asked.clamp(own, own.max(RETRY_AFTER_MAX));
        let fifth = u64::try_from(own.as_millis()).unwrap_or(u64::MAX) / 5;
        let spread = u128::from(fifth).saturating_mul(u128::from(random)) >> 32;
        Some(wait.saturating_add(Duration::from_millis(u64::try_from(spread).unwrap_or(u64::MAX))))
    }
}

/// Whether a status means that the event was received: 2xx.
#[must_use]
pub fn is_received(status: u16) -> bool {
    (200..=299).contains(&status) || makes(Mistake::AnyAnswerDelivers)
}

/// What a `Retry-After` asks for: seconds, or until a date. Nothing if it says neither.
fn asked_wait(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has ask for a long time all the same.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    Timestamp::from_http_date(text).ok().map(|date| date.since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

    fn failed(before: u64) -> Attempted<'static> {
        Attempted { before, failing_since: None, status: Some(500), retry_after: None, ended_at: NOW }
    }

    fn wait_ms(attempt: &Attempted<'_>, random: u32) -> Option<i64> {
        match Policy::default().course(attempt, random).next {
            Next::At(at) => Some(at.millis() - NOW.millis()),
            Next::GivenUp => None,
            Next::Delivered => Some(-1),
        }
    }

    #[test]
    fn five_quick_retries_then_the_tail_then_enough() {
        let waits: Vec<_> = (0..13).map(|before| wait_ms(&failed(before), 0)).collect();
        assert_eq!(waits[..5], [Some(1_000), Some(2_000), Some(4_000), Some(8_000), Some(16_000)]);
        assert_eq!(waits[11], Some(86_400_000));
        assert_eq!((waits[12], wait_ms(&failed(u64::MAX), 0)), (None, None));
    }

    #[test]
    fn retries_are_spread_by_up_to_a_fifth_and_never_sooner_than_documented() {
        for before in 0..12 {
            let [first, half, last] = [0, 1 << 31, u32::MAX].map(|random| wait_ms(&failed(before), random).unwrap());
            assert_eq!((half - first, last - first), (first / 10, first / 5 - 1));
        }
    }

    #[test]
    fn only_2xx_is_received_and_410_is_gone() {
        let course = |status| Policy::default().course(&Attempted { status, ..failed(0) }, 0);
        for status in [200, 204, 299] {
            assert_eq!(course(Some(status)), Course { next: Next::Delivered, disable: None });
        }
        assert_eq!(course(Some(410)), Course { next: Next::GivenUp, disable: Some(DisabledReason::Gone) });
        for status in [None, Some(100), Some(199), Some(300), Some(301), Some(400), Some(404), Some(429), Some(500), Some(999)] {
            assert_eq!(course(status), Course { next: Next::At(NOW.plus(Duration::from_secs(1))), disable: None });
        }
    }

    #[test]
    fn retry_after_is_heard_within_bounds() {
        let asked = |before, text| wait_ms(&Attempted { retry_after: Some(text), status: Some(429), ..failed(before) }, 0);
        // Never sooner than our own wait, never later than an hour where that is shorter.
        assert_eq!(asked(0, "0"), Some(1_000));
        assert_eq!(asked(0, " 90 "), Some(90_000));
        for text in ["1000000000", "99999999999999999999999999", "Fri, 01 Jan 9999 00:00:00 GMT"] {
            assert_eq!(asked(0, text), Some(3_600_000), "{text}");
            assert_eq!(asked(11, text), Some(86_400_000), "{text}");
        }
        assert_eq!(asked(0, "Thu, 01 Jan 2026 00:02:00 GMT"), Some(120_000));
        assert_eq!(asked(0, "Wed, 31 Dec 2025 23:00:00 GMT"), Some(1_000));
        for text in ["", "-5", "1.5", "soon", "5 s"] {
            assert_eq!(asked(1, text), Some(2_000), "{text:?}");
        }
        // It gives a delivery no attempts beyond the last.
        assert_eq!(asked(12, "5"), None);
    }

    #[test]
    fn days_of_failures_disable_and_one_bad_answer_does_not() {
        let day = Duration::from_secs(86_400);
        let disabled = |before, since: Option<Duration>, status| {
            let failing_since = since.map(|since| NOW.minus(since));
            Policy::default().course(&Attempted { before, failing_since, status, ..failed(before) }, 0).disable
        };
        assert_eq!(disabled(5, Some(day * 5), Some(500)), Some(DisabledReason::Failing));
        assert_eq!(disabled(12, Some(day * 30), None), Some(DisabledReason::Failing));
        let just_before = day * 5 - Duration::from_millis(1);
        for (before, since) in [(5, None), (5, Some(just_before)), (4, Some(day * 30)), (0, Some(day * 30))] {
            assert_eq!(disabled(before, since, Some(500)), None, "{before} {since:?}");
        }
        assert_eq!(disabled(5, Some(day * 5), Some(200)), None);
        // With few retries the last of them is often enough.
        let short = Policy { retries: vec![Duration::from_secs(1)], ..Policy::default() };
        let course = |before| short.course(&Attempted { failing_since: Some(NOW.minus(day * 5)), ..failed(before) }, 0);
        assert_eq!((course(0).disable, course(1).disable), (None, Some(DisabledReason::Failing)));
    }
}
