//! Points in time as the API writes them: milliseconds since the Unix epoch, rendered RFC 3339 in UTC.
//! It must not read a clock: the current time is always an argument.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z. Rendered `2025-01-20T10:30:00.000Z` (source: Orders API).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A text that is no RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time such as 2025-01-20T10:30:00.000Z: {0}")]
pub struct TimestampError(String);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// From whole seconds since the Unix epoch (block times, signature times).
    #[must_use]
    pub const fn from_secs(s: i64) -> Self {
        Self(s.saturating_mul(1000))
    }

    /// From a date as HTTP headers write it: `Wed, 21 Oct 2015 07:28:00 GMT` (RFC 9110, 5.6.7, the preferred form).
    ///
    /// # Errors
    /// When the text is no such date.
    pub fn from_http_date(text: &str) -> Result<Self, TimestampError> {
        let parsed = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text);
        parsed.map(|time| Self(time.as_millisecond())).map_err(|error| TimestampError(error.to_string()))
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Later by a span; saturates at the end of time.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Earlier by a span; saturates at the beginning of time.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => Self(0).plus(after),
            Err(before) => Self(0).minus(before.duration()),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In seconds and the rest: jiff's own milliseconds (0.2.43) end at the beginning of its last second.
        let rest = i32::try_from(self.0.rem_euclid(1000)).unwrap_or_default() * 1_000_000;
        let time = jiff::Timestamp::new(self.secs(), rest).unwrap_or(if self.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX });
        write!(f, "{time:.3}")
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        text.parse::<jiff::Timestamp>().map(|time| Self(time.as_millisecond())).map_err(|error| TimestampError(error.to_string()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn renders_milliseconds_in_utc() {
        assert_eq!(Timestamp::from_millis(1_737_369_000_000).to_string(), "2025-01-20T10:30:00.000Z");
        assert_eq!("2025-01-20T10:30:00Z".parse(), Ok(Timestamp::from_millis(1_737_369_000_000)));
        assert_eq!("2025-01-20T11:30:00.5+01:00".parse(), Ok(Timestamp::from_millis(1_737_369_000_500)));
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn other_clocks_and_headers() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_445_412_480_000);
        assert_eq!(Timestamp::from_http_date("Wed, 21 Oct 2015 07:28:00 GMT"), Ok(Timestamp::from(time)));
        assert_eq!(Timestamp::from(SystemTime::UNIX_EPOCH - Duration::from_millis(5)), Timestamp::from_millis(-5));
        assert!(Timestamp::from_http_date("2015-10-21").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(ms in -377_705_023_201_000..=253_402_207_200_999_i64) {
            prop_assert_eq!(Timestamp::from_millis(ms).to_string().parse(), Ok(Timestamp::from_millis(ms)));
        }

        #[test]
        fn reading_is_total(text in "\\PC{0,40}", date in "[A-Za-z]{3}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,6} [0-9:]{0,9} (GMT|\\PC{0,5})") {
            for time in [text.parse::<Timestamp>(), Timestamp::from_http_date(&text), Timestamp::from_http_date(&date)].into_iter().flatten() {
                prop_assert_eq!(time.to_string().parse(), Ok(time));
            }
        }
    }

    #[test]
    fn the_last_second_is_read_as_it_is_written() {
        let last = "9999-12-30T22:00:00.998999999Z".parse::<Timestamp>().expect("a time");
        assert_eq!(last.to_string(), "9999-12-30T22:00:00.998Z");
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        for ms in [i64::MIN, i64::MAX] {
            let _ = Timestamp::from_millis(ms).to_string();
            let _ = Timestamp::from_millis(ms).plus(Duration::MAX).minus(Duration::MAX).since(Timestamp::from_millis(i64::MIN));
        }
    }
}
