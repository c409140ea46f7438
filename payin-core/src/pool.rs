//! How many addresses a pool should have ready: when to warn, when to derive more. Where they come from is not known here.

/// How many addresses an import derives where nothing is said.
pub const COUNT_DEFAULT: u32 = 100;
/// How many addresses one import may derive.
pub const COUNT_MAX: u32 = 10_000;
/// What is kept ready of a pool that can be filled by deriving: at least, and at most.
const RESERVE: (u64, u64) = (20, 200);

/// Whether it is time to warn.
#[must_use]
pub fn is_low(available: u64, threshold: u64) -> bool {
    available < threshold
}

/// Below so many free addresses more are derived.
#[must_use]
pub fn reserve(threshold: u64) -> u64 {
    threshold.clamp(RESERVE.0, RESERVE.1)
}

/// How many addresses to derive now: none while the reserve is there, else so many that it is there twice.
#[must_use]
pub fn refill(available: u64, threshold: u64) -> u32 {
    let reserve = reserve(threshold);
    let missing = if available < reserve { reserve.saturating_mul(2).saturating_sub(available) } else { 0 };
    u32::try_from(missing).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_is_filled_to_twice_the_reserve() {
        assert_eq!([0, 19, 20, 21].map(|available| refill(available, 0)), [40, 21, 0, 0]);
        assert_eq!([0, 99, 100].map(|available| refill(available, 100)), [200, 101, 0]);
        assert_eq!([199, 200].map(|available| refill(available, u64::MAX)), [201, 0]);
    }

    #[test]
    fn a_threshold_is_crossed_from_above() {
        assert!(is_low(99, 100) && !is_low(100, 100) && !is_low(0, 0));
    }
}
