//! Fields of an update: absent leaves as it is, `null` takes away, a value sets. Only for request bodies.

use serde::{Deserialize, Deserializer};

/// Reads a field that is there, `null` included; with `#[serde(default)]` a field that is not there is `None`.
///
/// # Errors
/// What reading the value gives.
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
