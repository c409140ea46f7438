//! What all lists have in common: pages, words and texts of a query, checked before the database is asked. Nothing is clamped or guessed.

use payin_core::Error;
use payin_types::{ChainId, Currency};

/// The last page that may be asked for, far behind any data: a bound that every reader of numbers can keep.
const PAGE_MAX: u64 = 1_000_000_000;

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
    let offset = page.checked_sub(1).filter(|_| page <= PAGE_MAX).map(|before| before.saturating_mul(limit));
    let offset = offset.and_then(|offset| i64::try_from(offset).ok());
    let offset = offset.ok_or_else(|| Error::field("page", format!("must be 1 to {PAGE_MAX}, is {page}")))?;
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
    check_text_up_to(payin_core::reference::CHARS_MAX, field, text)
}

/// As [`check_text`], for what every list can be filtered by: the token and its chain.
///
/// # Errors
/// As [`check_text`].
pub fn check_token(currency: Option<&Currency>, chain: Option<&ChainId>) -> Result<(), Error> {
    check_text_up_to(32, "currency", currency.map(Currency::as_str))?;
    check_text_up_to(64, "chainId", chain.map(ChainId::as_str))
}

/// As [`check_text`], for what is always shorter.
///
/// # Errors
/// As [`check_text`].
pub fn check_text_up_to(most: usize, field: &str, text: Option<&str>) -> Result<(), Error> {
    match text {
        Some(text) if text.is_empty() || !is_findable(text) || text.chars().count() > most => {
            Err(Error::field(field, format!("must be 1 to {most} characters, none of them control characters")))
        }
        _ => Ok(()),
    }
}
