//! Idempotency keys: which texts are keys, and which answers are kept. Looking them up is the store's work.

use std::time::Duration;

use payin_types::ErrorCode;

use crate::Error;

/// How long a key is remembered (source: API Reference, "Idempotency").
pub const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The key in an `Idempotency-Key` header: 1 to 255 printable ASCII characters, bare or as a quoted string.
///
/// # Errors
/// `VALIDATION_ERROR` where it is not.
pub fn key(header: &[u8]) -> Result<String, Error> {
    let refuse = |problem: &str| Err(Error::field("Idempotency-Key", problem.to_owned()));
    let Some(text) = std::str::from_utf8(header).ok().filter(|text| text.bytes().all(|byte| (0x20..0x7f).contains(&byte))) else {
        return refuse("must consist of printable ASCII characters");
    };
    let text = text.trim();
    let key = text.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(text);
    match key.len() {
        0 => refuse("must not be empty"),
        1..=255 => Ok(key.to_owned()),
        length => refuse(&format!("must be at most 255 characters, is {length}")),
    }
}

/// Whether an answer is kept and replayed: success and refusals that the same request would meet again. What may pass by itself (a
/// full pool, a limit, a fault) is not kept, so that a retry gets its chance.
#[must_use]
pub fn is_kept(status: u16) -> bool {
    matches!(status, 200..=299 | 400..=499) && !matches!(status, 401 | 403 | 408 | 429)
}

/// The refusal of a key that was used with another request.
#[must_use]
pub fn conflict() -> Error {
    Error::new(
        ErrorCode::IdempotencyKeyConflict,
        "This Idempotency-Key was used with another request body in the last 24 hours. Use a new key for a new request",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_and_quoted_are_the_same_key() {
        assert_eq!(key(b"order-1"), Ok("order-1".to_owned()));
        assert_eq!(key(b"\"order-1\""), Ok("order-1".to_owned()));
        assert_eq!(key(b" order-1 "), Ok("order-1".to_owned()));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for bad in [&b""[..], b"\"\"", b"a\x00b", "ключ".as_bytes(), b"\xff", &[b'a'; 256]] {
            assert!(key(bad).is_err());
        }
        assert!(key(&[b'a'; 255]).is_ok());
    }

    #[test]
    fn what_may_pass_by_itself_is_not_kept() {
        assert!([201, 200, 400, 409, 404].into_iter().all(is_kept));
        assert!(![401, 403, 429, 500, 503, 302].into_iter().any(is_kept));
    }
}
