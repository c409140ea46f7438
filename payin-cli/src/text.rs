//! Small readings and writings of text: what the server says made safe for a terminal, spans of time.

use std::time::Duration;

use payin_sdk::types::time::TimestampError;
use payin_sdk::{Protocol, Timestamp};

/// Without control characters and marks that turn the direction of writing: text from elsewhere must not move the cursor,
/// change colours or show an address other than it is. Line ends and tabs become spaces.
pub fn clean(text: &str) -> String {
    text.chars().filter_map(|c| if matches!(c, '\n' | '\t') { Some(' ') } else { (!is_hidden(c)).then_some(c) }).collect()
}

/// The same for text that a program reads: line ends and tabs stay.
pub fn uncontrolled(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\r' | '\n' | '\t') || !is_hidden(*c)).collect()
}

fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// `9:05`, or `1:02:03` from an hour on.
pub fn countdown(span: Duration) -> String {
    let seconds = span.as_secs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{rest:02}") } else { format!("{minutes}:{rest:02}") }
}

/// `90`, `90s`, `16m`, `2h` or `1d`, in seconds.
pub fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no span of time; write seconds, or 90s, 16m, 2h, 1d");
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 's')) => (text.get(..at), 1),
        Some((at, 'm')) => (text.get(..at), 60),
        Some((at, 'h')) => (text.get(..at), 3_600),
        Some((at, 'd')) => (text.get(..at), 86_400),
        _ => (Some(text), 1),
    };
    let number: u64 = digits.filter(|digits| !digits.starts_with('+')).ok_or_else(wrong)?.parse().map_err(|_| wrong())?;
    number.checked_mul(unit).ok_or_else(wrong)
}

/// A time, or a day for its first moment in UTC.
pub fn time(text: &str) -> Result<Timestamp, String> {
    let midnight = format!("{text}T00:00:00Z");
    text.parse().or_else(|error: TimestampError| midnight.parse().map_err(|_| error.to_string()))
}

/// A family of chains, for what is done here: a server may know more.
pub fn protocol(text: &str) -> Result<Protocol, String> {
    Protocol::known(text).ok_or_else(|| "write evm, tron or solana".to_owned())
}

/// `KEY=VALUE`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_terminal_survives() {
        assert_eq!(clean("a\u{1b}[31mred\u{7}\r\nb\tc\u{9b}x\u{7f}"), "a[31mred b cx");
        assert_eq!(clean("0x\u{202e}dcba\u{200b}"), "0xdcba");
        assert_eq!(clean("Größe 💶"), "Größe 💶");
    }

    #[test]
    fn spans() {
        assert_eq!(["90", "90s", "16m", "2h", "1d"].map(|text| seconds(text).unwrap()), [90, 90, 960, 7200, 86_400]);
        for wrong in ["", "m", "-1", "+1", "1.5h", "1w", "99999999999999999999", "999999999999999999d", "1é"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
        assert_eq!([5, 65, 3723].map(|s| countdown(Duration::from_secs(s))), ["0:05", "1:05", "1:02:03"]);
    }

    #[test]
    fn pairs() {
        assert_eq!(pair("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(pair("a="), Ok(("a".to_owned(), String::new())));
        assert!(pair("a").is_err() && pair("=a").is_err());
    }

    #[test]
    fn a_day_is_its_first_moment() {
        assert_eq!(time("2025-01-20").unwrap().to_string(), "2025-01-20T00:00:00.000Z");
        assert_eq!(time("2025-01-20T10:30:00+01:00").unwrap().to_string(), "2025-01-20T09:30:00.000Z");
        assert!(time("yesterday").is_err());
    }
}
