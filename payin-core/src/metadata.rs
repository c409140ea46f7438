//! The merchant's own data: how much of it, and how deep. What it says is never looked at.

use serde_json::{Map, Value};

use crate::Error;

/// Source: Orders API and Deposits API, "max 10 key-value pairs".
pub const PAIRS_MAX: usize = 10;
/// The documents set no limit on their size; without one ten pairs could hold megabytes in every webhook.
pub const BYTES_MAX: usize = 8 * 1024;
/// Deeper nesting than this is no data of a shop, and readers of webhooks refuse it.
pub const DEPTH_MAX: usize = 16;

/// Refuses metadata that is too much.
///
/// # Errors
/// `VALIDATION_ERROR` naming the field.
pub fn check(metadata: &Map<String, Value>) -> Result<(), Error> {
    if metadata.len() > PAIRS_MAX {
        return Err(Error::field("metadata", format!("must have at most {PAIRS_MAX} pairs, has {}", metadata.len())));
    }
    check_size(metadata)
}

/// Refuses metadata that is too long, too deep or no text, however many pairs it has.
///
/// # Errors
/// As [`check`].
pub fn check_size(metadata: &Map<String, Value>) -> Result<(), Error> {
    let text = serde_json::to_string(metadata).unwrap_or_default();
    if text.len() > BYTES_MAX {
        return Err(Error::field("metadata", format!("must be at most {BYTES_MAX} bytes as JSON, is {}", text.len())));
    }
    if metadata.iter().any(|(key, value)| key.contains('\0') || has_nul(value)) {
        return Err(Error::field("metadata", "must not contain NUL characters"));
    }
    if metadata.values().any(|value| is_deeper_than(value, DEPTH_MAX)) {
        return Err(Error::field("metadata", format!("must be nested at most {DEPTH_MAX} deep")));
    }
    Ok(())
}

fn is_deeper_than(value: &Value, most: usize) -> bool {
    let Some(below) = most.checked_sub(1) else { return true };
    match value {
        Value::Array(items) => items.iter().any(|item| is_deeper_than(item, below)),
        Value::Object(fields) => fields.values().any(|field| is_deeper_than(field, below)),
        _ => false,
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
