//! Addresses of the three families: read, checked, and written in one canonical form, by which they are stored and compared.
//! Private keys have no place here.

use std::fmt;

use sha3::{Digest, Keccak256};

use crate::Protocol;

/// An address in its family's canonical text: EIP-55 mixed case, Tron's base58check, Solana's base58.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(String);

/// Why a text is not an address that could be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not the family's form at all.
    #[error("an EVM address is 0x and 40 hexadecimal digits")]
    EvmForm,
    /// Mixed case that is not the checksum: a digit was probably mistyped, and money sent there would be lost.
    #[error("the EIP-55 checksum is wrong: at least one character is mistyped (an all-lower-case address has no checksum and is taken)")]
    EvmChecksum,
    /// Not base58check over 21 bytes that begin with 0x41.
    #[error("a Tron address is 34 base58 characters that begin with T")]
    TronForm,
    /// The four check bytes differ.
    #[error("the base58check checksum is wrong: at least one character is mistyped")]
    TronChecksum,
    /// Not base58 of 32 bytes.
    #[error("a Solana address is the base58 of 32 bytes")]
    SolanaForm,
    /// Not a point of the curve: a program's account or a token account, which no wallet key can spend from.
    #[error("this is not a wallet: the address is not on the ed25519 curve (a token account or a program's address?)")]
    SolanaOffCurve,
    /// Nobody owns it.
    #[error("nobody owns the zero address")]
    Zero,
    /// A family this server does not know.
    #[error("unknown protocol")]
    Protocol,
}

impl Address {
    /// Reads an address of a family.
    ///
    /// # Errors
    /// [`AddressError`] says what is wrong with it.
    pub fn parse(protocol: &Protocol, text: &str) -> Result<Self, AddressError> {
        match protocol {
            Protocol::Evm => evm(text),
            Protocol::Tron => tron(text),
            Protocol::Solana => solana(text),
            _ => Err(AddressError::Protocol),
        }
    }

    /// Reads the address of a token's contract. Solana's mints are no wallets, and need not be points of the curve as those must.
    ///
    /// # Errors
    /// [`AddressError`] says what is wrong with it.
    pub fn parse_contract(protocol: &Protocol, text: &str) -> Result<Self, AddressError> {
        match protocol {
            Protocol::Solana => solana_bytes(text).map(|bytes| Self::from_solana_bytes(&bytes)).ok_or(AddressError::SolanaForm),
            _ => Self::parse(protocol, text),
        }
    }

    /// From the 20 bytes of an EVM address.
    #[must_use]
    pub fn from_evm_bytes(bytes: &[u8; 20]) -> Self {
        Self(eip55(bytes))
    }

    /// From the 20 bytes of a Tron address, behind its 0x41.
    #[must_use]
    pub fn from_tron_bytes(bytes: &[u8; 20]) -> Self {
        Self(bs58::encode(bytes).with_check_version(0x41).into_string())
    }

    /// From the 20 bytes of an account of a family whose accounts have so many: EVM and Tron.
    #[must_use]
    pub fn from_account_bytes(protocol: &Protocol, bytes: &[u8; 20]) -> Option<Self> {
        match protocol {
            Protocol::Evm => Some(Self::from_evm_bytes(bytes)),
            Protocol::Tron => Some(Self::from_tron_bytes(bytes)),
            _ => None,
        }
    }

    /// From the 32 bytes of a Solana address.
    #[must_use]
    pub fn from_solana_bytes(bytes: &[u8; 32]) -> Self {
        Self(bs58::encode(bytes).into_string())
    }

    /// An address that was canonical when it was stored.
    #[must_use]
    pub fn from_canonical(text: String) -> Self {
        Self(text)
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The 20 bytes of an EVM address in any case.
#[must_use]
pub fn evm_bytes(text: &str) -> Option<[u8; 20]> {
    let hex = text.strip_prefix("0x")?;
    if hex.len() != 40 {
        return None;
    }
    let mut bytes = [0; 20];
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(bytes)
}

/// The 20 bytes of a Tron address behind its 0x41, if it is one.
#[must_use]
pub fn tron_bytes(text: &str) -> Option<[u8; 20]> {
    bs58::decode(text).with_check(Some(0x41)).into_vec().ok()?.split_first()?.1.try_into().ok()
}

/// The 20 bytes of an account of EVM or Tron, by its family.
#[must_use]
pub fn account_bytes(protocol: &Protocol, text: &str) -> Option<[u8; 20]> {
    match protocol {
        Protocol::Evm => evm_bytes(text),
        Protocol::Tron => tron_bytes(text),
        _ => None,
    }
}

/// The 32 bytes of a Solana address, if it is one.
#[must_use]
pub fn solana_bytes(text: &str) -> Option<[u8; 32]> {
    bs58::decode(text).into_vec().ok()?.try_into().ok()
}

fn evm(text: &str) -> Result<Address, AddressError> {
    let bytes = evm_bytes(text).ok_or(AddressError::EvmForm)?;
    if bytes == [0; 20] {
        return Err(AddressError::Zero);
    }
    let canonical = eip55(&bytes);
    let digits = text.get(2..).unwrap_or_default();
    let mixed = digits.bytes().any(|digit| digit.is_ascii_lowercase()) && digits.bytes().any(|digit| digit.is_ascii_uppercase());
    if mixed && text != canonical { Err(AddressError::EvmChecksum) } else { Ok(Address(canonical)) }
}

/// EIP-55: a letter is upper case where the hash of the lower-case digits has a digit of 8 or more.
fn eip55(bytes: &[u8; 20]) -> String {
    let digits = crate::id::hex(bytes);
    let hash = Keccak256::digest(digits.as_bytes());
    let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let cased = digits.chars().zip(nibbles).map(|(digit, nibble)| if nibble >= 8 { digit.to_ascii_uppercase() } else { digit });
    std::iter::once("0x".to_owned()).chain(cased.map(String::from)).collect()
}

fn tron(text: &str) -> Result<Address, AddressError> {
    if text.len() != 34 || !text.starts_with('T') {
        return Err(AddressError::TronForm);
    }
    let bytes = bs58::decode(text).with_check(Some(0x41)).into_vec().map_err(|error| match error {
        bs58::decode::Error::InvalidChecksum { .. } => AddressError::TronChecksum,
        _ => AddressError::TronForm,
    })?;
    match bytes.split_first() {
        Some((0x41, account)) if account.len() == 20 && account.iter().all(|byte| *byte == 0) => Err(AddressError::Zero),
        Some((0x41, account)) if account.len() == 20 => Ok(Address(text.to_owned())),
        _ => Err(AddressError::TronForm),
    }
}

fn solana(text: &str) -> Result<Address, AddressError> {
    let mut bytes = [0; 32];
    if bs58::decode(text).onto(&mut bytes) != Ok(32) {
        return Err(AddressError::SolanaForm);
    }
    if bytes == [0; 32] {
        return Err(AddressError::Zero);
    }
    let point = curve25519_dalek::edwards::CompressedEdwardsY(bytes).decompress();
    if point.is_some() { Ok(Address(text.to_owned())) } else { Err(AddressError::SolanaOffCurve) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn evm_addresses_become_eip55() {
        // The first four are the examples of EIP-55 itself.
        for text in [
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
            "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
            "0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE",
        ] {
            let lower = text.to_lowercase();
            let upper = format!("0x{}", text.trim_start_matches("0x").to_uppercase());
            for form in [text, &lower, &upper] {
                assert_eq!(Address::parse(&Protocol::Evm, form).unwrap().as_str(), text);
            }
        }
    }

    #[test]
    fn mistyped_addresses_are_refused() {
        let evm = |text| Address::parse(&Protocol::Evm, text).unwrap_err();
        // The documents' own samples fail EIP-55.
        assert_eq!(evm("0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb0"), AddressError::EvmChecksum);
        assert_eq!(evm("0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb27"), AddressError::EvmForm);
        assert_eq!(evm("742d35Cc6634C0532925a3b844Bc9e7595f0bEb0"), AddressError::EvmForm);
        assert_eq!(evm("0x0000000000000000000000000000000000000000"), AddressError::Zero);
        assert_eq!(evm("0x+42d35Cc6634C0532925a3b844Bc9e7595f0bEb0"), AddressError::EvmForm);

        let tron = |text| Address::parse(&Protocol::Tron, text);
        assert!(tron("TYASr5UV6HEcXatwdFQfmLVUqQQQMUxHLS").is_ok());
        assert!(tron("TN3W4H6rK2ce4vX9YnFQHwKENnHjoxb3m9").is_ok());
        assert_eq!(tron("TPJRnELdwXLWVvokPJyT3CHPF4YPKVkrSU"), Err(AddressError::TronChecksum));
        assert_eq!(tron("T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb"), Err(AddressError::Zero));
        assert_eq!(tron("0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE"), Err(AddressError::TronForm));

        let solana = |text| Address::parse(&Protocol::Solana, text);
        assert!(solana("DYw8jCTfwHNRJhhmFcbXvVDTqWMEVFBX6ZKUmG5CNSKK").is_ok());
        assert_eq!(solana("11111111111111111111111111111111"), Err(AddressError::Zero));
        assert_eq!(solana("abc"), Err(AddressError::SolanaForm));
        assert_eq!(solana("0OIl"), Err(AddressError::SolanaForm));
    }

    proptest! {
        #[test]
        fn reading_is_total(text in "\\PC{0,60}") {
            for protocol in [Protocol::Evm, Protocol::Tron, Protocol::Solana, Protocol::from("btc")] {
                let _ = Address::parse(&protocol, &text);
            }
        }

        #[test]
        fn the_canonical_form_is_stable(bytes in any::<[u8; 20]>()) {
            prop_assume!(bytes != [0; 20]);
            let address = Address::from_evm_bytes(&bytes);
            prop_assert_eq!(Address::parse(&Protocol::Evm, address.as_str()), Ok(address.clone()));
            prop_assert_eq!(evm_bytes(address.as_str()), Some(bytes));
        }

        #[test]
        fn one_wrong_letter_is_noticed_or_changes_the_address(bytes in any::<[u8; 20]>(), at in 2usize..42, to in "[0-9a-fA-F]") {
            prop_assume!(bytes != [0; 20]);
            let right = Address::from_evm_bytes(&bytes);
            let mut text = right.as_str().to_owned();
            text.replace_range(at..=at, &to);
            prop_assume!(text != right.as_str());
            if let Ok(read) = Address::parse(&Protocol::Evm, &text) {
                prop_assert!(read == right || evm_bytes(read.as_str()) != Some(bytes));
            }
        }
    }
}
