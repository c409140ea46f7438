//! How often a merchant may ask (source: its API overview, "Rate Limiting"): so many requests an hour, by plan.

use crate::quota::Limits;

/// A merchant's plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Plan {
    /// 1000 requests an hour.
    #[default]
    Standard,
    /// 5000 requests an hour.
    Premium,
    /// As many as were agreed.
    Enterprise {
        /// Requests an hour.
        per_hour: u64,
    },
}

impl Plan {
    /// How many requests that is. Only the hour counts.
    #[must_use]
    pub fn limits(self) -> Limits {
        let per_hour = match self {
            Self::Standard => 1_000,
            Self::Premium => 5_000,
            Self::Enterprise { per_hour } => per_hour,
        };
        Limits { per_minute: u64::MAX, per_hour, per_day: u64::MAX }
    }
}
