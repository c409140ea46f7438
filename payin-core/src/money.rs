//! Money as integers. Every token is counted in units of 10^-18 whole tokens, whatever its own decimals, so that sums and
//! comparisons never mix scales. Checked arithmetic only; no float, no rounding.

use payin_types::Amount;
use payin_types::amount::DECIMALS_MAX;

const UNITS_PER_TOKEN: u128 = 1_000_000_000_000_000_000;
const LIMB: u128 = 1_000_000_000;

/// The most whole tokens one transfer may move: a trillion, several times the supply of any stablecoin. A larger number comes from a
/// broken or hostile token contract; with it every sum of fewer than nine million transfers fits a database integer.
pub const WHOLE_MAX: u128 = 1_000_000_000_000;

/// A sum of money: an integer number of 10^-18 whole tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Units(u128);

impl Units {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// A hundredth of a token.
    pub const HUNDREDTH: Self = Self(UNITS_PER_TOKEN / 100);

    /// More than anything that can be sent.
    pub const MAX: Self = Self(u128::MAX);

    /// Exactly an [`Amount`]; `None` if it is a trillion tokens or more.
    #[must_use]
    pub fn from_amount(amount: Amount) -> Option<Self> {
        let decimal = amount.to_decimal();
        let mantissa = u128::try_from(decimal.mantissa()).ok()?;
        Self::from_base_units(mantissa, decimal.scale())
    }

    /// From a token's own base units; `None` if it has more than 18 decimals or it is a trillion tokens or more.
    #[must_use]
    pub fn from_base_units(base_units: u128, decimals: u32) -> Option<Self> {
        let factor = 10u128.checked_pow(DECIMALS_MAX.checked_sub(decimals)?)?;
        let units = base_units.checked_mul(factor)?;
        (units < WHOLE_MAX.checked_mul(UNITS_PER_TOKEN)?).then_some(Self(units))
    }

    /// In a token's own base units; `None` if it has digits that the token cannot express.
    #[must_use]
    pub fn to_base_units(self, decimals: u32) -> Option<u128> {
        let factor = 10u128.checked_pow(DECIMALS_MAX.checked_sub(decimals)?)?;
        (self.0.checked_rem(factor)? == 0).then(|| self.0.checked_div(factor))?
    }

    /// The three database columns: whole tokens, then nine digits, then nine digits.
    #[must_use]
    pub fn limbs(self) -> [i64; 3] {
        let limb = |value: u128| i64::try_from(value).unwrap_or(i64::MAX);
        [limb(self.0 / UNITS_PER_TOKEN), limb(self.0 / LIMB % LIMB), limb(self.0 % LIMB)]
    }

    /// From the three database columns, or from sums over each of them; `None` if one is negative or the sum is too large.
    #[must_use]
    pub fn from_limbs(limbs: [i64; 3]) -> Option<Self> {
        let [whole, nano, atto] = limbs.map(|limb| u128::try_from(limb).ok());
        let units = whole?.checked_mul(UNITS_PER_TOKEN)?.checked_add(nano?.checked_mul(LIMB)?)?.checked_add(atto?)?;
        Some(Self(units))
    }

    /// The sum.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The sum, or the most there is.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left, nothing at least.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Half, rounded down.
    #[must_use]
    pub fn half(self) -> Self {
        Self(self.0 / 2)
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// As the API shows amounts that come from a chain: two decimals at least, no further trailing zeros.
    ///
    /// A [`Amount`] holds 28 digits; a sum with more loses its last digits in this rendering only.
    #[must_use]
    pub fn to_amount(self) -> Amount {
        let [whole, nano, atto] = self.limbs();
        let fraction = format!("{nano:09}{atto:09}");
        let kept = fraction.trim_end_matches('0').len().max(2);
        (2..=kept).rev().find_map(|scale| format!("{whole}.{}", fraction.get(..scale)?).parse().ok()).unwrap_or(Amount::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn units(text: &str) -> Units {
        Units::from_amount(text.parse().unwrap()).unwrap()
    }

    #[test]
    fn amounts_from_the_chain_have_two_decimals_at_least() {
        for (text, shown) in [("100", "100.00"), ("100.5", "100.50"), ("0.000001", "0.000001"), ("1.230000", "1.23"), ("0", "0.00")] {
            assert_eq!(units(text).to_amount().to_string(), shown);
        }
    }

    #[test]
    fn tokens_of_different_decimals_compare_exactly() {
        assert_eq!(Units::from_base_units(1_500_000, 6), Units::from_base_units(1_500_000_000_000_000_000, 18));
        assert_eq!(units("1.5").to_base_units(6), Some(1_500_000));
        assert_eq!(units("0.0000001").to_base_units(6), None);
        assert_eq!(Units::from_base_units(1, 19), None);
    }

    #[test]
    fn absurd_amounts_are_refused_not_wrapped() {
        assert_eq!(Units::from_base_units(u128::MAX, 6), None);
        assert_eq!(Units::from_base_units(WHOLE_MAX, 0), None);
        assert!(Units::from_base_units(WHOLE_MAX - 1, 0).is_some());
        assert_eq!(Units::from_limbs([-1, 0, 0]), None);
        // More digits than an Amount holds: shortened when shown, never wrong in a sum.
        let large = Units::from_base_units(999_999_999_999_999_999_999_999_999_999, 18).unwrap();
        assert_eq!(large.to_amount().to_string(), "999999999999.9999999999999999");
    }

    proptest! {
        #[test]
        fn limbs_round_trip(base in 0u128..WHOLE_MAX * UNITS_PER_TOKEN) {
            let units = Units::from_base_units(base, 18).unwrap();
            prop_assert_eq!(Units::from_limbs(units.limbs()), Some(units));
            prop_assert_eq!(units.to_base_units(18), Some(base));
        }

        #[test]
        fn limbs_sort_as_money_does(a in 0u128..u128::MAX / 1_000_000, b in 0u128..u128::MAX / 1_000_000) {
            let (a, b) = (Units(a % (WHOLE_MAX * UNITS_PER_TOKEN)), Units(b % (WHOLE_MAX * UNITS_PER_TOKEN)));
            prop_assert_eq!(a.cmp(&b), a.limbs().cmp(&b.limbs()));
        }

        #[test]
        fn what_people_write_survives(text in "(0|[1-9][0-9]{0,8})\\.[0-9]{2,18}") {
            let amount: Amount = text.parse().unwrap();
            prop_assert_eq!(Units::from_amount(amount).unwrap().to_amount(), amount);
        }
    }
}
