//! When a webhook is tried again. Sending is the worker's business.

use std::time::Duration;

use payin_types::Timestamp;

/// Waits between attempts: the documented quick retries (1, 2, 4, 8, 16 s; source: Webhooks guide), then a long tail, so that a
/// merchant who is down for a day loses nothing.
pub const RETRIES_S: [u64; 12] = [1, 2, 4, 8, 16, 60, 300, 1_800, 7_200, 18_000, 36_000, 86_400];

/// How long one attempt may take, from the first byte of the connection to the last byte of the answer.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

/// When to try again after `attempts` failures; `None` when it is enough.
#[must_use]
pub fn next_attempt(attempts: u64, failed_at: Timestamp) -> Option<Timestamp> {
    let wait_s = RETRIES_S.get(usize::try_from(attempts.checked_sub(1)?).ok()?)?;
    Some(failed_at.plus(Duration::from_secs(*wait_s)))
}

/// What an answer means for the delivery and its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// 2xx: received.
    Delivered,
    /// Try again.
    Retry,
    /// 410: the receiver wants no more.
    Gone,
}

/// What a status means. A redirect is a failure: it is never followed.
#[must_use]
pub fn verdict(status: Option<u16>) -> Verdict {
    match status {
        Some(200..=299) => Verdict::Delivered,
        Some(410) => Verdict::Gone,
        _ => Verdict::Retry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_quick_retries_then_the_tail_then_enough() {
        let start = Timestamp::from_secs(0);
        let waits: Vec<_> = (1..=13).map(|attempts| next_attempt(attempts, start).map(Timestamp::secs)).collect();
        assert_eq!(waits[..5], [Some(1), Some(2), Some(4), Some(8), Some(16)]);
        assert_eq!(waits[11], Some(86_400));
        assert_eq!(waits[12], None);
    }

    #[test]
    fn only_2xx_is_received() {
        assert_eq!(verdict(Some(204)), Verdict::Delivered);
        assert_eq!(verdict(Some(410)), Verdict::Gone);
        for status in [None, Some(199), Some(301), Some(404), Some(429), Some(500)] {
            assert_eq!(verdict(status), Verdict::Retry);
        }
    }
}
