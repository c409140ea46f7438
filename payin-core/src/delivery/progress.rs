//! Where a delivery stands, from its facts. It must not decide what follows.

use payin_types::Timestamp;

/// Where a delivery stands, and the word by which the database is asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It was not tried since it was begun, or begun anew.
    Waiting,
    /// An attempt is under way.
    UnderWay,
    /// It was received.
    Received,
    /// An attempt failed, and another follows.
    Again,
    /// It was tried as often as it is tried, or its endpoint is sent nothing any more.
    GivenUp,
}

impl State {
    /// Every state, and the word by which the database is asked for it.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Waiting, "waiting"),
        (Self::UnderWay, "under_way"),
        (Self::Received, "received"),
        (Self::Again, "again"),
        (Self::GivenUp, "given_up"),
    ];

    /// The word by which the database is asked for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, word)| word)
    }
}

/// What is known of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// How often it was tried since it was begun, or begun anew.
    pub attempts: u64,
    /// When it is due, or was when the attempt began that is under way.
    pub next_attempt_at: Option<Timestamp>,
    /// While an attempt is under way, when that is given up.
    pub claimed_until: Option<Timestamp>,
    /// When it was received.
    pub delivered_at: Option<Timestamp>,
    /// When it was given up.
    pub given_up_at: Option<Timestamp>,
}

impl Progress {
    /// What the facts come to. A claim of which nothing was heard in its time is none any more.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> State {
        if self.delivered_at.is_some() {
            State::Received
        } else if self.given_up_at.is_some() {
            State::GivenUp
        } else if self.claimed_until.is_some_and(|lapses| lapses > now) {
            State::UnderWay
        } else if self.attempts > 0 {
            State::Again
        } else {
            State::Waiting
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_to_a_state() {
        let at = |seconds: i64| Some(Timestamp::from_secs(seconds));
        let new = Progress { next_attempt_at: at(10), ..Progress::default() };
        let claimed = Progress { claimed_until: at(40), ..new };
        let failed = Progress { attempts: 1, next_attempt_at: at(12), ..new };
        let retried = Progress { claimed_until: at(42), ..failed };
        let begun_anew = Progress { attempts: 0, next_attempt_at: at(10), claimed_until: None, ..retried };
        for (progress, expected) in [
            (new, State::Waiting),
            (claimed, State::UnderWay),
            (failed, State::Again),
            (retried, State::UnderWay),
            (begun_anew, State::Waiting),
            (Progress { claimed_until: at(9), ..claimed }, State::Waiting),
            (Progress { claimed_until: at(9), ..retried }, State::Again),
            (Progress { next_attempt_at: None, delivered_at: at(10), ..failed }, State::Received),
            (Progress { next_attempt_at: None, given_up_at: at(10), ..failed }, State::GivenUp),
        ] {
            assert_eq!(progress.state(Timestamp::from_secs(10)), expected, "{progress:?}");
        }
    }
}
