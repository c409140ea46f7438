//! The ids that merchants give to orders and payers.

use crate::Error;

/// Source: Orders API and Deposits API, "max 255 chars".
pub const CHARS_MAX: usize = 255;

/// Refuses what no reference may be.
///
/// # Errors
/// `VALIDATION_ERROR` naming the field.
pub fn check(field: &str, reference: &str) -> Result<(), Error> {
    let chars = reference.chars().count();
    if chars == 0 || chars > CHARS_MAX {
        return Err(Error::field(field, format!("must be 1 to {CHARS_MAX} characters, is {chars}")));
    }
    // PostgreSQL takes no NUL in a text, and control characters in a reference are never meant.
    if reference.chars().any(char::is_control) {
        return Err(Error::field(field, "must not contain control characters"));
    }
    Ok(())
}
