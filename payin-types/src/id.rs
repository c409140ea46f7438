//! Identifiers: prefixed, opaque, unguessable. Their shape is never checked by a client and must not be parsed for meaning.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$meta:meta])* $name:ident = $prefix:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// What our server's ids of this kind begin with.
            pub const PREFIX: &'static str = $prefix;

            /// From 128 random bits, written in base62 behind the prefix.
            #[must_use]
            pub fn from_random(random: u128) -> Self {
                Self(format!("{}{}", $prefix, base62(random, 22)))
            }

            /// From a time in milliseconds and 128 random bits: as hard to guess as [`Self::from_random`], and ids made one after the other
            /// sort so, which keeps a database's newest rows together.
            #[must_use]
            pub fn from_time(ms: i64, random: u128) -> Self {
                Self(format!("{}{}{}", $prefix, base62(u128::try_from(ms).unwrap_or(0), 8), base62(random, 22)))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

id! { /** A payment order. */ OrderId = "ord_" }
id! { /** One token transfer on a chain; the same for ever, also when a reorganisation moves it. */ TransferId = "tr_" }
id! { /** One deposit: a transfer to an address of a deposit reference. */ DepositId = "dep_" }
id! { /** The binding of a deposit reference to one address; a new one after unbinding. */ BindingId = "bnd_" }
id! { /** A payment link. */ PaymentLinkId = "pl_" }
id! { /** An account xpub that addresses are derived from. */ XpubId = "xpub_" }
id! { /** One import into an address pool. */ ImportId = "imp_" }
id! { /** A webhook endpoint. */ EndpointId = "we_" }
id! { /** An organization: the tenant that owns orders, addresses and keys. */ OrganizationId = "org_" }
id! { /** A person who signs in. */ UserId = "usr_" }
id! { /** An API key (not its secret). */ ApiKeyId = "key_" }
id! { /** An event: `evt_<type>_<objectId>`, the same on every delivery attempt. */ EventId = "evt_" }

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A number in base62, most significant digit first, padded with zeros to `width` digits.
#[must_use]
pub fn base62(mut number: u128, width: usize) -> String {
    let mut digits = Vec::with_capacity(width);
    while digits.len() < width || number > 0 {
        let digit = usize::try_from(number % 62).unwrap_or(0);
        digits.push(char::from(ALPHABET.get(digit).copied().unwrap_or(b'0')));
        number /= 62;
    }
    digits.iter().rev().collect()
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    let mut digits = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        digits.extend([digit(byte >> 4), digit(byte & 15)]);
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_are_lower_case_and_two_for_each_byte() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(hex(&all), all.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        assert_eq!(hex(&[]), "");
    }

    #[test]
    fn ids_have_a_fixed_width_and_a_prefix() {
        assert_eq!(OrderId::from_random(0).as_str(), "ord_0000000000000000000000");
        assert_eq!(OrderId::from_random(u128::MAX).as_str().len(), 26);
        assert!(OrderId::from_time(1_795_212_491_000, u128::MAX) < OrderId::from_time(1_795_212_491_001, 0));
        assert_eq!(OrderId::from_time(i64::MAX >> 16, 0).as_str().len(), 34);
        assert_eq!(base62(61, 1), "z");
        assert_eq!(base62(62, 1), "10");
    }
}
