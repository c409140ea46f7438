//! The time of day: the only place where this program reads it.

use std::time::SystemTime;

use payin_sdk::Timestamp;

#[expect(clippy::disallowed_methods, reason = "the composition root of the command line; everything else takes the time as an argument")]
pub fn now() -> Timestamp {
    SystemTime::now().into()
}
