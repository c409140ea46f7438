//! What a scenario stands on: the sandbox's chains, and whether what it plays can happen there. It asks and judges; it must not change anything.

use std::collections::BTreeMap;

use payin_types::followed::{ConfirmedBy, FollowedChain};
use payin_types::sandbox::SimulatedChain;
use payin_types::{ChainId, Protocol};
use serde::Deserialize;

use crate::client::Client;
use crate::error::Error;

/// The name of `with` that says where a scenario is played.
pub(super) const CHAIN: &str = "chain";
/// The name of `with` that says in what is paid.
const CURRENCY: &str = "currency";

/// What not every chain has. Where it is missing a scenario that needs it is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Need {
    /// The chain lists another token.
    AnotherToken,
    /// Another chain has the same addresses, and the currency.
    AnotherChain,
    /// A token may keep a part of what is transferred.
    FeeOnTransfer,
    /// A payment counts some time before it is final, and may be taken back in between.
    ConfirmedBeforeFinal,
}

/// The chains of a sandbox.
#[derive(Debug)]
pub(super) struct Ground {
    followed: Vec<FollowedChain>,
    simulated: Vec<SimulatedChain>,
}

impl Ground {
    pub(super) async fn look(client: &Client) -> Result<Self, Error> {
        Ok(Self { followed: client.chains().list().await?.data, simulated: client.sandbox().chains().await?.chains })
    }

    pub(super) fn simulated(&self, chain: &ChainId) -> Option<&SimulatedChain> {
        self.simulated.iter().find(|one| one.chain_id == *chain)
    }

    fn followed(&self, chain: &str) -> Option<&FollowedChain> {
        self.followed.iter().find(|one| one.chain_id.as_str() == chain)
    }

    /// What is wrong with the chain and currency that a scenario begins with.
    pub(super) fn mistake(&self, given: &BTreeMap<String, String>) -> Option<String> {
        let chain = given.get(CHAIN)?;
        let Some(found) = self.followed(chain) else {
            let all: Vec<&str> = self.followed.iter().map(|one| one.chain_id.as_str()).collect();
            return Some(format!("{CHAIN} is {chain:?}, and the sandbox has {}", all.join(", ")));
        };
        let currency = given.get(CURRENCY)?;
        let all: Vec<&str> = found.tokens.iter().map(|token| token.currency.as_str()).collect();
        let is_there = all.contains(&currency.as_str());
        (!is_there).then(|| format!("{CURRENCY} is {currency:?}, and {chain} has {}: set both", all.join(", ")))
    }

    /// Why what a scenario plays cannot happen on its chain, if it cannot.
    pub(super) fn lacks(&self, needs: &[Need], given: &BTreeMap<String, String>) -> Option<String> {
        let chain = self.followed(given.get(CHAIN)?)?;
        needs.iter().find(|need| !self.has(**need, chain, given)).map(|need| {
            let id = &chain.chain_id;
            match need {
                Need::AnotherToken => format!("{id} has one token only"),
                Need::AnotherChain => format!("no other chain of the sandbox has the addresses of {id} and the currency"),
                Need::FeeOnTransfer => format!("no token of {id} keeps a part of a transfer"),
                Need::ConfirmedBeforeFinal => format!("on {id} a payment counts when it is final, and is not taken back from then on"),
            }
        })
    }

    fn has(&self, need: Need, chain: &FollowedChain, given: &BTreeMap<String, String>) -> bool {
        match need {
            Need::AnotherToken => chain.tokens.len() > 1,
            Need::AnotherChain => self.followed.iter().any(|other| {
                let has = |currency: &String| other.tokens.iter().any(|token| token.currency.as_str() == currency);
                other.protocol == chain.protocol && other.chain_id != chain.chain_id && given.get(CURRENCY).is_none_or(has)
            }),
            Need::FeeOnTransfer => chain.protocol != Protocol::Solana,
            Need::ConfirmedBeforeFinal => chain.confirmed_by == ConfirmedBy::Count,
        }
    }
}
