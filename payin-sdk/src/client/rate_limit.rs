//! What an answer says of the key's limits. It must not wait: that is `retry.rs`.

use payin_types::Timestamp;

use crate::transport::Response;

/// How much of its limits a key has used: the tightest of its windows (source: API Reference, "Rate Limits").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// Requests that the window allows (`X-RateLimit-Limit`).
    pub limit: u64,
    /// Requests that are left in it (`X-RateLimit-Remaining`).
    pub remaining: u64,
    /// When it begins anew, to the second (`X-RateLimit-Reset`).
    pub reset: Timestamp,
}

impl RateLimit {
    /// From the headers of an answer; `None` where one of the three is missing or no number.
    #[must_use]
    pub fn of(response: &Response) -> Option<Self> {
        let number = |name: &str| response.header(name)?.trim().parse::<u64>().ok();
        let reset = i64::try_from(number("x-ratelimit-reset")?).ok()?;
        Some(Self { limit: number("x-ratelimit-limit")?, remaining: number("x-ratelimit-remaining")?, reset: Timestamp::from_secs(reset) })
    }
}
