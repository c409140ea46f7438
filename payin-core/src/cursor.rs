//! A place in the order of a database's events, as readers keep it and give it back. What stands behind it is the store's business.

use std::fmt;
use std::str::FromStr;

use payin_types::ErrorCode;

use crate::Error;
use crate::error::shown;

/// A place in the order of events: everything up to it has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Which database's order this is: a random number that a database draws once. Without it the place in a sandbox that is gone would
    /// be taken for one in the sandbox that stands there now, and events would be passed over.
    pub epoch: u32,
    /// The last position that was read; 0 before the first.
    pub position: u64,
}

impl Cursor {
    /// Refuses a place in another order, or beyond the end of this one: what lies between it and now cannot be told.
    ///
    /// # Errors
    /// `CURSOR_UNKNOWN`.
    pub fn check(self, end: Self) -> Result<(), Error> {
        if self.epoch == end.epoch && self.position <= end.position {
            return Ok(());
        }
        let message = "The cursor is of another database: the sandbox was started anew, or a backup was restored. \
                       Read from a time (since) or from the beginning, and know events by their ids";
        Err(Error::new(ErrorCode::CursorUnknown, message))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.epoch, self.position)
    }
}

impl FromStr for Cursor {
    type Err = String;

    /// Takes nothing but what [`Cursor`] itself writes.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('-').and_then(|(epoch, position)| Some((u32::from_str_radix(epoch, 16).ok()?, position.parse().ok()?)));
        let cursor = parts.map(|(epoch, position)| Self { epoch, position }).filter(|cursor| cursor.to_string() == text);
        cursor.ok_or_else(|| format!("'{}' is no cursor: give back one that was given, as it is", shown(text)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HERE: Cursor = Cursor { epoch: 0x00c0_ffee, position: 42 };

    #[test]
    fn it_is_read_as_it_is_written_and_not_otherwise() {
        assert_eq!(HERE.to_string(), "00c0ffee-42");
        assert_eq!("00c0ffee-42".parse(), Ok(HERE));
        for wrong in
            ["", "-", "42", "c0ffee-42", "00C0FFEE-42", "00c0ffee-042", "00c0ffee-+42", "+0c0ffee-42", "00c0ffee-42 ", "00c0ffee--1"]
        {
            assert!(wrong.parse::<Cursor>().is_err(), "{wrong}");
        }
        let most = Cursor { epoch: u32::MAX, position: u64::MAX };
        assert_eq!(most.to_string().parse(), Ok(most));
    }

    proptest! {
        #[test]
        fn every_cursor_is_read_and_nothing_else_is(epoch: u32, position: u64, text in "[0-9a-fA-F+]{0,9}-?\\PC{0,4}[0-9]{0,21}") {
            let cursor = Cursor { epoch, position };
            prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
            if let Ok(read) = text.parse::<Cursor>() {
                prop_assert_eq!(read.to_string(), text);
            }
        }
    }

    #[test]
    fn only_a_place_in_this_order_is_gone_on_from() {
        for position in [0, 41, 42] {
            assert_eq!(Cursor { position, ..HERE }.check(HERE), Ok(()));
        }
        for elsewhere in [Cursor { position: 43, ..HERE }, Cursor { epoch: 1, position: 1 }] {
            assert_eq!(elsewhere.check(HERE).unwrap_err().code, ErrorCode::CursorUnknown);
        }
    }
}
