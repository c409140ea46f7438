//! How often a merchant may ask (source: its API overview, "Rate Limiting"): so many requests an hour, by plan.

use crate::quota::Limits;

/// The standard plan. The others (premium, 5000; enterprise, as agreed) are numbers that the operator has agreed on with a merchant.
const STANDARD: u64 = 1_000;

/// How many requests a merchant may make. Only the hour counts.
#[must_use]
pub fn limits(agreed_per_hour: Option<u64>) -> Limits {
    Limits { per_minute: u64::MAX, per_hour: agreed_per_hour.unwrap_or(STANDARD), per_day: u64::MAX }
}
