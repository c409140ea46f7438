//! Amounts as people and the API write them: exact decimal strings in whole tokens, with their scale.
//! Sums and comparisons of money belong to `payin-core`'s base units; no float appears anywhere.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The most digits after the point that any supported token has (DAI; USDT and USDC on BNB Smart Chain).
pub const DECIMALS_MAX: u32 = 18;

/// The most digits before the point in a request: with 18 decimals 28 digits, what [`Decimal`] holds exactly.
pub const WHOLE_DIGITS_MAX: usize = 10;

/// A non-negative amount in whole tokens, exact, that remembers its scale: `"100.00"` comes back as `"100.00"`.
///
/// Equality and order ignore the scale (`1.0 == 1`). On the wire it is always a JSON string; a JSON number is refused,
/// because it may have passed through a float on its way (source: API Reference, "Request Format").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(Decimal);

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AmountError {
    /// Something other than digits with at most one point between them: signs, exponents, spaces, leading zeros, an empty text.
    #[error("an amount is a decimal string such as \"100.00\": digits, at most one point, no sign, exponent, space or leading zero")]
    Grammar,
    /// More digits than can be held exactly.
    #[error("an amount has at most 10 digits before the point and 18 after it")]
    TooLong,
    /// A negative decimal was given.
    #[error("an amount is not negative")]
    Negative,
}

impl Amount {
    /// Nothing, written `0`.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// The amount as a decimal in whole tokens, scale kept.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        self.0
    }

    /// Digits after the point as written: 2 for `100.00`.
    #[must_use]
    pub fn scale(self) -> u32 {
        self.0.scale()
    }

    /// Whether it is exactly zero.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl TryFrom<Decimal> for Amount {
    type Error = AmountError;

    fn try_from(value: Decimal) -> Result<Self, AmountError> {
        if value.is_sign_negative() && !value.is_zero() {
            return Err(AmountError::Negative);
        }
        if value.scale() > DECIMALS_MAX {
            return Err(AmountError::TooLong);
        }
        Ok(Self(value.abs()))
    }
}

impl From<Amount> for Decimal {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !fraction.is_none_or(digits) || (whole.len() > 1 && whole.starts_with('0')) {
            return Err(AmountError::Grammar);
        }
        if fraction.is_some_and(|fraction| fraction.len() > DECIMALS_MAX as usize) {
            return Err(AmountError::TooLong);
        }
        Decimal::from_str_exact(text).map(Self).map_err(|_| AmountError::TooLong)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Amount;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal string such as \"100.00\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_scale_is_echoed() {
        for text in ["100.00", "0.10", "1", "0", "9999999999.999999999999999999", "0.000000000000000001"] {
            assert_eq!(text.parse::<Amount>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1E3",
            " 1",
            "1 ",
            "1,5",
            "01",
            "00.5",
            "NaN",
            "inf",
            "0x10",
            "١",
            "1.2.3",
            "1_000",
            "1.0000000000000000001",
            "1\u{0}",
            "79228162514264337593543950336",
        ] {
            assert!(text.parse::<Amount>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_json_number_is_refused() {
        assert!(serde_json::from_str::<Amount>("100").is_err());
        assert!(serde_json::from_str::<Amount>("100.0").is_err());
        assert_eq!(serde_json::from_str::<Amount>("\"100.0\"").unwrap().to_string(), "100.0");
    }

    proptest! {
        #[test]
        fn the_grammar_is_the_documented_one(text in "(0|[1-9][0-9]{0,9})(\\.[0-9]{1,18})?") {
            prop_assert_eq!(text.parse::<Amount>().unwrap().to_string(), text);
        }

        #[test]
        fn parsing_is_total(text in "\\PC{0,40}") {
            let _ = text.parse::<Amount>();
        }
    }
}
