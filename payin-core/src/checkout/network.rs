//! What people call chains and their tokens' standards. Wallets and exchanges use these words: a payer compares them letter by letter.

use payin_types::{ChainId, Protocol};

/// What a slug begins with, what the chain is called, and the standard of its tokens.
const NETWORKS: &[(&str, &str, &str)] = &[
    ("ethereum", "Ethereum", "ERC-20"),
    ("polygon", "Polygon", "ERC-20"),
    ("arbitrum", "Arbitrum One", "ERC-20"),
    ("base", "Base", "ERC-20"),
    ("bsc", "BNB Smart Chain", "BEP-20"),
    ("xlayer", "X Layer", "ERC-20"),
    ("tron", "Tron", "TRC-20"),
    ("solana", "Solana", "SPL"),
];
/// Test networks of these names say by themselves of which chain they are.
const ARBITRUM_TEST: (&str, &str) = ("arbitrum-sepolia", "Arbitrum Sepolia");

fn row(chain: &ChainId) -> Option<(&'static str, &'static str, &str)> {
    let (family, rest) = chain.as_str().split_once('-')?;
    let (_, name, standard) = NETWORKS.iter().find(|(slug, ..)| *slug == family)?;
    Some((name, standard, rest))
}

/// What a chain is called.
#[must_use]
pub fn network(chain: &ChainId) -> String {
    match row(chain) {
        _ if chain.as_str() == ARBITRUM_TEST.0 => ARBITRUM_TEST.1.to_owned(),
        Some((name, _, "mainnet")) => name.to_owned(),
        Some((name, _, test)) => {
            let (first, rest) = test.split_at_checked(1).unwrap_or((test, ""));
            format!("{name} {}{rest}", first.to_uppercase())
        }
        // One that a deployment has added.
        None => chain.as_str().to_owned(),
    }
}

/// What wallets call the standard of a chain's tokens.
#[must_use]
pub fn token_standard(chain: &ChainId, protocol: &Protocol) -> Option<&'static str> {
    row(chain).map(|(_, standard, _)| standard).or(match protocol {
        Protocol::Evm => Some("ERC-20"),
        Protocol::Tron => Some("TRC-20"),
        Protocol::Solana => Some("SPL"),
        _ => None,
    })
}
