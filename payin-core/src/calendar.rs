//! Days and months, of UTC and nowhere else: what statistics are cut by.

use std::time::Duration;

use payin_types::Timestamp;

/// A day in milliseconds: UTC has no other.
pub const DAY_MS: i64 = 86_400_000;

/// A day: how many are between the first of 1970 and it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i64);

impl Day {
    /// The day of a time.
    #[must_use]
    pub fn of(time: Timestamp) -> Self {
        Self(time.millis().div_euclid(DAY_MS))
    }

    /// Its midnight.
    #[must_use]
    pub fn begins(self) -> Timestamp {
        Timestamp::from_millis(self.0.saturating_mul(DAY_MS))
    }

    /// So many days, this one the last.
    pub fn last(self, days: u64) -> impl DoubleEndedIterator<Item = Self> {
        let first = self.0.saturating_sub(i64::try_from(days).unwrap_or(i64::MAX)).saturating_add(1);
        (first..=self.0).map(Self)
    }

    /// As it is written: `2025-01-20`.
    #[must_use]
    pub fn date(self) -> String {
        self.begins().to_string().chars().take("2025-01-20".len()).collect()
    }

    /// The first day of its month.
    #[must_use]
    pub fn first_of_month(self) -> Self {
        let date = self.date();
        let of_month: u64 = date.rsplit('-').next().and_then(|day| day.parse().ok()).unwrap_or(1);
        Self::of(self.begins().minus(Duration::from_secs(of_month.saturating_sub(1).saturating_mul(86_400))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(time: &str) -> Day {
        Day::of(time.parse().unwrap())
    }

    #[test]
    fn days_are_those_of_utc() {
        assert_eq!(day("2025-01-20T00:00:00Z"), day("2025-01-20T23:59:59.999Z"));
        assert_eq!(day("2025-01-20T23:59:59.999Z").0 + 1, day("2025-01-21T00:00:00Z").0);
        assert_eq!(day("2025-01-20T01:00:00+02:00").date(), "2025-01-19");
        assert_eq!(day("2024-02-29T12:00:00Z").begins().to_string(), "2024-02-29T00:00:00.000Z");
        assert_eq!(day("2024-02-29T12:00:00Z").first_of_month().date(), "2024-02-01");
        assert_eq!(day("2025-03-01T00:00:00Z").first_of_month(), day("2025-03-01T00:00:00Z"));
        let last: Vec<String> = day("2025-03-01T00:00:00Z").last(3).map(Day::date).collect();
        assert_eq!(last, ["2025-02-27", "2025-02-28", "2025-03-01"]);
    }
}
