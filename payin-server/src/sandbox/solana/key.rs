//! Addresses and signatures as the simulated chain has them, and the programs it knows. Nothing is derived or signed here.

use std::fmt;
use std::str::FromStr;

/// An account's address, or a blockhash: 32 bytes, written in base58.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub [u8; 32]);

/// A transaction's first signature, by which it is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature(pub [u8; 64]);

impl Key {
    /// The system program, which is all zeros.
    pub const SYSTEM: Self = Self([0; 32]);
    /// SPL Token.
    pub const TOKEN: Self = Self(bs58::decode(b"TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA".as_slice()).into_array_const_unwrap());
    /// Token-2022, which is SPL Token with extensions.
    pub const TOKEN_2022: Self = Self(bs58::decode(b"TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb".as_slice()).into_array_const_unwrap());
    /// Makes associated token accounts.
    pub const ASSOCIATED: Self = Self(bs58::decode(b"ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL".as_slice()).into_array_const_unwrap());
    /// Memo, version 2.
    pub const MEMO: Self = Self(bs58::decode(b"MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr".as_slice()).into_array_const_unwrap());

    /// Whether this is one of the two token programs.
    pub fn is_token_program(&self) -> bool {
        *self == Self::TOKEN || *self == Self::TOKEN_2022
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bs58::encode(self.0).into_string())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bs58::encode(self.0).into_string())
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not base58 of the right length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not base58 of the right length")]
pub struct NotBase58;

fn decode<const N: usize>(text: &str) -> Result<[u8; N], NotBase58> {
    let mut bytes = [0; N];
    // One that is too long is refused by bs58 itself.
    match bs58::decode(text).onto(bytes.as_mut_slice()) {
        Ok(length) if length == N => Ok(bytes),
        _ => Err(NotBase58),
    }
}

impl FromStr for Key {
    type Err = NotBase58;

    fn from_str(text: &str) -> Result<Self, NotBase58> {
        decode(text).map(Self)
    }
}

impl FromStr for Signature {
    type Err = NotBase58;

    fn from_str(text: &str) -> Result<Self, NotBase58> {
        decode(text).map(Self)
    }
}
