//! Solana's token accounts: where a payment to a wallet arrives. Derived by hand and pure; nothing here asks a node or holds a key.
//!
//! A payer's wallet sends to the associated token account of (wallet, token program, mint), an address that follows from these three.
//! Any other token account that names the wallet as its owner may be a forgery: ownership can be handed to anybody, and taken back, within
//! one transaction.

use curve25519_dalek::edwards::CompressedEdwardsY;
use sha2::{Digest as _, Sha256};

/// A program that keeps token accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenProgram {
    /// The first one.
    SplToken,
    /// Its successor, whose mints may have extensions: fees, hooks, a delegate for all accounts.
    Token2022,
}

const SPL_TOKEN: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
const TOKEN_2022: &str = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb";

const SPL_TOKEN_BYTES: [u8; 32] = bs58::decode(SPL_TOKEN.as_bytes()).into_array_const_unwrap();
const TOKEN_2022_BYTES: [u8; 32] = bs58::decode(TOKEN_2022.as_bytes()).into_array_const_unwrap();
/// The program that creates token accounts at derived addresses.
const ASSOCIATED: [u8; 32] = bs58::decode("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL".as_bytes()).into_array_const_unwrap();
/// What tells a derived address from every other hash.
const MARKER: &[u8] = b"ProgramDerivedAddress";

impl TokenProgram {
    /// Both.
    pub const ALL: [Self; 2] = [Self::SplToken, Self::Token2022];

    /// Its address.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::SplToken => SPL_TOKEN,
            Self::Token2022 => TOKEN_2022,
        }
    }

    /// Its address as bytes.
    #[must_use]
    pub fn bytes(self) -> &'static [u8; 32] {
        match self {
            Self::SplToken => &SPL_TOKEN_BYTES,
            Self::Token2022 => &TOKEN_2022_BYTES,
        }
    }

    /// The token program at an address, if there is one.
    #[must_use]
    pub fn at(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|program| program.id() == id)
    }
}

/// The associated token account of a wallet for a mint. `None` only if all 256 candidates were points of the curve, which has never happened to
/// anybody.
#[must_use]
pub fn token_account(wallet: &[u8; 32], program: TokenProgram, mint: &[u8; 32]) -> Option<[u8; 32]> {
    let seeds = Sha256::new().chain_update(wallet).chain_update(program.bytes()).chain_update(mint);
    // The first candidate that is no public key: nobody can have a private key to it.
    (0..=u8::MAX).rev().find_map(|bump| {
        let hash = seeds.clone().chain_update([bump]).chain_update(ASSOCIATED).chain_update(MARKER).finalize();
        let candidate: [u8; 32] = hash.into();
        CompressedEdwardsY(candidate).decompress().is_none().then_some(candidate)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::solana_bytes;

    #[test]
    fn the_programs_are_known_by_their_addresses() {
        for program in TokenProgram::ALL {
            assert_eq!((TokenProgram::at(program.id()), solana_bytes(program.id())), (Some(program), Some(*program.bytes())));
        }
        assert_eq!(TokenProgram::at("11111111111111111111111111111111"), None);
    }

    /// Computed with `findProgramAddressSync` of npm `@solana/web3.js` 1.98 and the program ids of `@solana/spl-token` 0.4. The second
    /// owner is itself no key, and its accounts need more than one try.
    #[test]
    fn accounts_are_those_that_others_derive() {
        use TokenProgram::{SplToken, Token2022};
        let usdc = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v";
        let pyusd = "2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo";
        let (wallet, other) = ("DYw8jCTfwHNRJhhmFcbXvVDTqWMEVFBX6ZKUmG5CNSKK", "GK2zqSsXLA2rwVZk347RYhh6jJpRsCA69FjLW93ZGi3B");
        for (owner, program, mint, account) in [
            (wallet, SplToken, usdc, "6wzzozWHyumGXyBgFpxnYkpoPN2fserASyYW3Yj882Br"),
            (wallet, Token2022, pyusd, "2XH1YLdFdTWQb8f1xg5XMF6hXK4XfzgyXz8iPdEXgS9h"),
            (wallet, Token2022, usdc, "3dHn8eaRXGtQo9ZzrXpuMuitdt9ftNCtKdHFD3hRq4cu"),
            (other, SplToken, usdc, "4Ums5YNxWfD8hio4Vvex8wHrsCRaKW7vKDX6hXyuJoFE"),
            (other, Token2022, pyusd, "A3GT8qPRLsfRJDYkPffpa3zjtXuM41BvfTbjNAYYLWt9"),
            (other, Token2022, usdc, "EkrW7LEx9amTMZ8fscUUvYQjXBstTJgaTSwiWUAQNqe8"),
        ] {
            let derived = token_account(&solana_bytes(owner).unwrap(), program, &solana_bytes(mint).unwrap());
            assert_eq!(derived, solana_bytes(account), "{owner} {mint}");
        }
    }

    #[test]
    fn an_account_differs_by_program_and_mint_and_is_no_key() {
        let wallet = solana_bytes("DYw8jCTfwHNRJhhmFcbXvVDTqWMEVFBX6ZKUmG5CNSKK").unwrap();
        let usdc = solana_bytes("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v").unwrap();
        let pyusd = solana_bytes("2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo").unwrap();
        let all = [(TokenProgram::SplToken, usdc), (TokenProgram::Token2022, usdc), (TokenProgram::Token2022, pyusd)];
        let accounts: std::collections::BTreeSet<_> = all.map(|(program, mint)| token_account(&wallet, program, &mint).unwrap()).into();
        assert_eq!(accounts.len(), 3);
        assert!(accounts.iter().all(|account| CompressedEdwardsY(*account).decompress().is_none()));
    }
}
