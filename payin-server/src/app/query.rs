//! What all lists have in common: pages, words and texts of a query, checked before the database is asked. Nothing is clamped or guessed.

use payin_core::Error;

/// Whether anything can bear this id or reference. What cannot is not asked of the database, which may refuse such a text.
#[must_use]
pub fn is_findable(text: &str) -> bool {
    !text.chars().any(char::is_control) && text.chars().count() <= payin_core::reference::CHARS_MAX
}

/// Which page of which size.
///
/// # Errors
/// `VALIDATION_ERROR` out of bounds: never clamped, so that a caller does not take a part for the whole.
pub fn paging(page: Option<u64>, limit: Option<u64>) -> Result<(u64, u64, i64), Error> {
    let (page, limit) = (page.unwrap_or(1), limit.unwrap_or(20));
    if !(1..=100).contains(&limit) {
        return Err(Error::field("limit", format!("must be 1 to 100, is {limit}")));
    }
    let offset = page.checked_sub(1).and_then(|before| before.checked_mul(limit)).and_then(|offset| i64::try_from(offset).ok());
    let offset = offset.ok_or_else(|| Error::field("page", format!("must be 1 or more and point at a possible item, is {page}")))?;
    Ok((page, limit, offset))
}

/// Refuses a word that is not one of an enum's.
///
/// # Errors
/// `VALIDATION_ERROR` naming the parameter.
pub fn known<T>(field: &str, word: Option<&str>, known: impl Fn(&str) -> Option<T>) -> Result<(), Error> {
    match word {
        Some(word) if known(word).is_none() => {
            Err(Error::field(field, format!("'{}' is not one of the words allowed", payin_core::error::shown(word))))
        }
        _ => Ok(()),
    }
}

/// Refuses a text that nothing can be equal to, rather than finding nothing.
///
/// # Errors
/// `VALIDATION_ERROR` naming the parameter.
pub fn check_text(field: &str, text: Option<&str>) -> Result<(), Error> {
    if text.is_some_and(|text| !is_findable(text)) {
        return Err(Error::field(field, "must be at most 255 characters, none of them control characters"));
    }
    Ok(())
}
