//! The chains and tokens we know, as data in one place, and the ones a deployment offers. No network, no configuration files here.
//!
//! Sources: the vendor's supported-networks page and open configuration; Base, BNB Smart Chain and numeric ids are public knowledge.

use std::collections::BTreeSet;

use payin_types::{ChainId, Currency, Environment, ErrorCode, Protocol};

use crate::Error;
use crate::Units;
use crate::address::Address;
use crate::error::shown;
use crate::finality::{self, Confirmed, Finality};
use crate::solana::TokenProgram;

/// A chain and what is accepted on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Its slug.
    pub id: ChainId,
    /// Its family.
    pub protocol: Protocol,
    /// Whether its tokens have value.
    pub environment: Environment,
    /// What `eth_chainId` answers; checked before anything a node says is believed. None for Solana.
    pub numeric_id: Option<u64>,
    /// What `getGenesisHash` answers on a Solana cluster, which has no number: checked as the number is elsewhere.
    pub genesis: Option<String>,
    /// Confirmations until a payment counts.
    pub confirmations: u64,
    /// When a payment counts.
    pub confirmed: Confirmed,
    /// Transfers of this much and more count only when their block has come to rest.
    pub final_above: Option<Units>,
    /// Transfers of this much and more count only when a second node has said the same of them.
    pub agreed_above: Option<Units>,
    /// When nothing is taken back any more.
    pub finality: Finality,
    /// About how often a block comes, in milliseconds: how often to ask.
    pub block_ms: u64,
    /// The tokens accepted, by pinned contract.
    pub tokens: Vec<Token>,
}

/// A token on one chain. Only the contract identifies it; names and symbols can be anybody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What merchants call it.
    pub currency: Currency,
    /// Its contract or mint, canonical.
    pub contract: Address,
    /// Digits after the point; the same currency differs between chains.
    pub decimals: u32,
}

impl Chain {
    /// The highest block whose payments count, by where the chain's head is and up to where it has come to rest.
    #[must_use]
    pub fn confirmed_height(&self, head: u64, at_rest: u64) -> Option<u64> {
        finality::confirmed_height(self.confirmed, head, self.confirmations, at_rest)
    }

    /// The token merchants call `currency`.
    #[must_use]
    pub fn token(&self, currency: &Currency) -> Option<&Token> {
        self.tokens.iter().find(|token| &token.currency == currency)
    }

    /// The token of a contract.
    #[must_use]
    pub fn token_at(&self, contract: &Address) -> Option<&Token> {
        self.tokens.iter().find(|token| &token.contract == contract)
    }
}

impl Token {
    /// The token program a mint of the table is known to be of; `None` for other mints, of which the mint's account tells.
    #[must_use]
    pub fn known_program(&self) -> Option<TokenProgram> {
        MINTS.iter().find(|(mint, _)| *mint == self.contract.as_str()).map(|(_, program)| *program)
    }
}

/// The chains one deployment offers: of one environment, each with a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chains(Vec<Chain>);

impl Chains {
    /// Those.
    #[must_use]
    pub fn new(chains: Vec<Chain>) -> Self {
        Self(chains)
    }

    /// All, in the table's order.
    pub fn iter(&self) -> impl Iterator<Item = &Chain> {
        self.0.iter()
    }

    /// One by slug.
    #[must_use]
    pub fn get(&self, id: &ChainId) -> Option<&Chain> {
        self.0.iter().find(|chain| &chain.id == id)
    }

    /// One by slug, or the documents' refusal.
    ///
    /// # Errors
    /// `INVALID_CHAIN`, with the chains there are.
    pub fn find(&self, id: &ChainId) -> Result<&Chain, Error> {
        self.get(id).ok_or_else(|| {
            let offered: Vec<&str> = self.0.iter().map(|chain| chain.id.as_str()).collect();
            let message = format!("Chain '{}' is not supported; this server offers {}", shown(id.as_str()), offered.join(", "));
            Error::new(ErrorCode::InvalidChain, message)
        })
    }

    /// A currency on a chain, or the documents' refusal.
    ///
    /// # Errors
    /// `INVALID_CURRENCY`, with the currencies there are.
    pub fn find_token<'a>(&self, chain: &'a Chain, currency: &Currency) -> Result<&'a Token, Error> {
        chain.token(currency).ok_or_else(|| {
            let offered: Vec<&str> = chain.tokens.iter().map(|token| token.currency.as_str()).collect();
            let message =
                format!("Currency '{}' is not supported on {}; it has {}", shown(currency.as_str()), chain.id, offered.join(", "));
            Error::new(ErrorCode::InvalidCurrency, message)
        })
    }

    /// The contracts of all tokens of a family: addresses that nobody may put into a pool.
    #[must_use]
    pub fn token_contracts(&self, protocol: &Protocol) -> BTreeSet<Address> {
        let family = self.0.iter().filter(|chain| &chain.protocol == protocol);
        family.flat_map(|chain| chain.tokens.iter().map(|token| token.contract.clone())).collect()
    }

    /// Whether a family has a chain here.
    #[must_use]
    pub fn offers(&self, protocol: &Protocol) -> bool {
        self.0.iter().any(|chain| &chain.protocol == protocol)
    }
}

/// Slug, family (evm, tron, solana), mainnet?, numeric id, confirmations, block time in ms.
type Row = (&'static str, &'static str, bool, u64, u64, u64);

const CHAINS: &[Row] = &[
    ("ethereum-mainnet", "evm", true, 1, 12, 12_000),
    ("ethereum-sepolia", "evm", false, 11_155_111, 3, 12_000),
    ("polygon-mainnet", "evm", true, 137, 128, 2_000),
    ("polygon-amoy", "evm", false, 80_002, 10, 2_000),
    ("arbitrum-mainnet", "evm", true, 42_161, 64, 250),
    ("arbitrum-sepolia", "evm", false, 421_614, 3, 250),
    ("base-mainnet", "evm", true, 8_453, 12, 2_000),
    ("base-sepolia", "evm", false, 84_532, 3, 2_000),
    ("bsc-mainnet", "evm", true, 56, 15, 750),
    ("bsc-testnet", "evm", false, 97, 15, 750),
    ("xlayer-mainnet", "evm", true, 196, 10, 1_000),
    ("xlayer-testnet", "evm", false, 195, 3, 1_000),
    ("tron-mainnet", "tron", true, 728_126_428, 19, 3_000),
    ("tron-nile", "tron", false, 3_448_148_188, 3, 3_000),
    ("solana-mainnet", "solana", true, 0, 32, 400),
    ("solana-devnet", "solana", false, 0, 1, 400),
];

/// Chain, currency, decimals, contract.
const TOKENS: &[(&str, &str, u32, &str)] = &[
    ("ethereum-mainnet", "USDT", 6, "0xdAC17F958D2ee523a2206206994597C13D831ec7"),
    ("ethereum-mainnet", "USDC", 6, "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"),
    ("ethereum-mainnet", "DAI", 18, "0x6B175474E89094C44Da98b954EedeAC495271d0F"),
    ("ethereum-mainnet", "PYUSD", 6, "0x6c3ea9036406852006290770BEdFcAbA0e23A0e8"),
    ("ethereum-sepolia", "USDT", 6, "0xaA8E23Fb1079EA71e0a56F48a2aA51851D8433D0"),
    ("ethereum-sepolia", "USDC", 6, "0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238"),
    ("ethereum-sepolia", "PYUSD", 6, "0xCaC524BcA292aaade2DF8A05cC58F0a65B1B3bB9"),
    ("polygon-mainnet", "USDT", 6, "0xc2132D05D31c914a87C6611C10748AEb04B58e8F"),
    ("polygon-mainnet", "USDC", 6, "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359"),
    ("polygon-mainnet", "DAI", 18, "0x8f3Cf7ad23Cd3CaDbD9735AFf958023239c6A063"),
    ("polygon-amoy", "USDC", 6, "0x41E94Eb019C0762f9Bfcf9Fb1E58725BfB0e7582"),
    ("arbitrum-mainnet", "USDT", 6, "0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9"),
    ("arbitrum-mainnet", "USDC", 6, "0xaf88d065e77c8cC2239327C5EDb3A432268e5831"),
    ("arbitrum-mainnet", "DAI", 18, "0xDA10009cBd5D07dd0CeCc66161FC93D7c9000da1"),
    ("arbitrum-sepolia", "USDC", 6, "0x75faf114eafb1BDbe2F0316DF893fd58CE46AA4d"),
    ("base-mainnet", "USDC", 6, "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"),
    ("base-sepolia", "USDC", 6, "0x036CbD53842c5426634e7929541eC2318f3dCF7e"),
    ("bsc-mainnet", "USDT", 18, "0x55d398326f99059fF775485246999027B3197955"),
    ("bsc-mainnet", "USDC", 18, "0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d"),
    ("xlayer-mainnet", "USDT", 6, "0x779ded0c9e1022225f8e0630b35a9b54be713736"),
    ("xlayer-mainnet", "USDC", 6, "0x74b7f16337b8972027f6196a17a631ac6de26d22"),
    ("xlayer-testnet", "USDC", 6, "0xcb8bf24c6ce16ad21d707c9505421a17f2bec79d"),
    ("tron-mainnet", "USDT", 6, "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
    ("tron-nile", "USDT", 6, "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf"),
    ("solana-mainnet", "USDC", 6, "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"),
    ("solana-mainnet", "PYUSD", 6, "2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo"),
    ("solana-devnet", "USDC", 6, "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU"),
    ("solana-devnet", "PYUSD", 6, "CXk2AMBfi3TwaEL2468s6zP8xq9NxTXjp9gjMgzeUynM"),
];

/// Hashes of the genesis blocks of Solana's clusters (the same as in the crate `solana-cluster-type`).
const GENESIS: &[(&str, &str)] = &[
    ("solana-mainnet", "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"),
    ("solana-devnet", "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG"),
];

/// The token programs of Solana's mints: an account of the mint under the other program is not a payment.
const MINTS: &[(&str, TokenProgram)] = &[
    ("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", TokenProgram::SplToken),
    ("2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo", TokenProgram::Token2022),
    ("4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU", TokenProgram::SplToken),
    ("CXk2AMBfi3TwaEL2468s6zP8xq9NxTXjp9gjMgzeUynM", TokenProgram::Token2022),
];

/// Every chain we know, of both environments, with its tokens.
#[must_use]
pub fn known() -> Vec<Chain> {
    CHAINS.iter().map(known_chain).collect()
}

fn known_chain(&(slug, family, mainnet, numeric_id, confirmations, block_ms): &Row) -> Chain {
    let protocol = Protocol::from(family);
    let tokens = TOKENS.iter().filter(|(chain, ..)| *chain == slug).filter_map(|&(_, currency, decimals, text)| {
        Some(Token { currency: Currency::from(currency), contract: Address::parse_contract(&protocol, text).ok()?, decimals })
    });
    Chain {
        id: ChainId::from(slug),
        environment: if mainnet { Environment::Mainnet } else { Environment::Testnet },
        numeric_id: (numeric_id != 0).then_some(numeric_id),
        genesis: GENESIS.iter().find(|(id, _)| *id == slug).map(|(_, hash)| (*hash).to_owned()),
        confirmations,
        confirmed: if family == "evm" { Confirmed::ByCount } else { Confirmed::AtRest },
        final_above: None,
        agreed_above: None,
        finality: Finality::Tag,
        block_ms,
        tokens: tokens.collect(),
        protocol,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contract_of_the_table_is_a_valid_address() {
        let tokens: usize = known().iter().map(|chain| chain.tokens.len()).sum();
        assert_eq!(tokens, TOKENS.len());
    }

    #[test]
    fn slugs_numeric_ids_and_contracts_are_unique() {
        let chains = known();
        assert_eq!(chains.iter().map(|chain| &chain.id).collect::<BTreeSet<_>>().len(), chains.len());
        let numeric: Vec<u64> = chains.iter().filter_map(|chain| chain.numeric_id).collect();
        assert_eq!(numeric.iter().collect::<BTreeSet<_>>().len(), numeric.len());
        for chain in &chains {
            assert_eq!(chain.tokens.iter().map(|token| &token.contract).collect::<BTreeSet<_>>().len(), chain.tokens.len());
        }
    }

    #[test]
    fn each_cluster_has_its_genesis_and_each_mint_its_program() {
        for chain in known() {
            let solana = chain.protocol == Protocol::Solana;
            assert_eq!(chain.genesis.is_some(), solana, "{}", chain.id);
            assert!(chain.tokens.iter().all(|token| token.known_program().is_some() == solana), "{}", chain.id);
        }
    }

    #[test]
    fn tokens_of_one_name_differ_in_decimals() {
        let chains = Chains::new(known());
        let decimals = |chain: &str| chains.get(&chain.into()).unwrap().token(&"USDT".into()).unwrap().decimals;
        assert_eq!((decimals("ethereum-mainnet"), decimals("bsc-mainnet")), (6, 18));
    }

    #[test]
    fn what_is_not_offered_is_refused_by_name() {
        let chains = Chains::new(known().into_iter().filter(|chain| chain.environment == Environment::Testnet).collect());
        let error = chains.find(&"ethereum-mainnet".into()).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidChain);
        assert!(error.message.starts_with("Chain 'ethereum-mainnet' is not supported"));
        let amoy = chains.find(&"polygon-amoy".into()).unwrap();
        assert_eq!(chains.find_token(amoy, &"USDT".into()).unwrap_err().code, ErrorCode::InvalidCurrency);
    }
}
