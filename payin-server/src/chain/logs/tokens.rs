//! What the contracts of ERC-20 and TRC-20 tokens say: whether they are what is configured, and what their issuers did: stopped the token,
//! froze an address. By their state, not by the events that changed it: what was done before an address was ours is seen too, and no event
//! can be missed. Contracts differ in which of these functions they have; one that a contract lacks says nothing.

use alloy::primitives::{Address as EvmAddress, Bytes, hex, keccak256};
use alloy::transports::RpcError;
use payin_core::address::{Address, account_bytes};
use payin_core::{Chain, Token};
use serde_json::{Value, json};

use super::decode;
use super::node::{CallError, Node, fault};
use crate::chain::source::{Frozen, Issued, SourceFault, Stopped};

/// Calls in one batch: what most providers take.
const CALLS: usize = 50;
/// Functions that say that a token is stopped, and in which words we do. Tether's token has both, Circle's the first.
const STOPPED: [(&str, &str); 2] =
    [("paused()", "its contract says that it is paused"), ("deprecated()", "its contract says that another one has replaced it")];
/// Functions that say whether an address is frozen: Tether's token on Ethereum and Tron, Circle's, and Tether's newer one.
const FROZEN: [&str; 3] = ["isBlackListed(address)", "isBlacklisted(address)", "isBlocked(address)"];

/// A function that no token has: a contract, or a node in its place, that answers yes to this answers yes to everything.
const NO_FUNCTION: &str = "payinAsksWhatNoTokenHas()";
/// How nodes tell that a contract has no such function: it reverted (3 and -32015 by geth's and OpenEthereum's numbers; java-tron: `REVERT
/// opcode executed`), or, as contracts before Solidity 0.4.10 do, ran into nothing. Any other error says nothing about the contract.
const REVERTED: [i64; 2] = [3, -32015];
const REVERTED_WORDS: [&str; 5] = ["revert", "invalid opcode", "bad instruction", "invalid jump", "bad jump"];

/// A function's call without arguments: the first four bytes of its signature's hash.
fn selector(signature: &str) -> String {
    hex::encode_prefixed(keccak256(signature).0.first_chunk::<4>().copied().unwrap_or_default())
}

fn call(contract: EvmAddress, data: &str) -> (Value, &'static str) {
    (json!({"to": contract, "data": data}), "latest")
}

fn ask(contract: EvmAddress, function: &str, account: &[u8; 20]) -> (Value, &'static str) {
    call(contract, &format!("{}{}{}", selector(function), "00".repeat(12), hex::encode(account)))
}

/// Makes sure that the chain's tokens have the decimals that are configured.
pub(super) async fn check(chain: &Chain, node: &Node) -> Result<(), SourceFault> {
    for (token, contract) in chain.tokens.iter().zip(node.contracts()) {
        let call = call(*contract, &selector("decimals()"));
        let answer: Bytes = node.call("eth_call", call).await.map_err(|error| fault(&error))?;
        let (currency, contract, decimals) = (&token.currency, &token.contract, token.decimals);
        let text = match decode::small_number(&answer) {
            Some(found) if found == u64::from(decimals) => continue,
            Some(found) => format!("{currency} at {contract} has {found} decimals, the configuration says {decimals}"),
            None => format!("there is no token contract at {contract}, which the configuration names for {currency}"),
        };
        return Err(SourceFault::Mismatch(text));
    }
    Ok(())
}

/// The answers to calls of functions that say yes or no; `None` where the contract has no such function.
async fn say(node: &Node, calls: &[(Value, &'static str)]) -> Result<Vec<Option<bool>>, SourceFault> {
    let mut said = Vec::with_capacity(calls.len());
    for calls in calls.chunks(CALLS) {
        let answers = node.calls_each("eth_call", calls).await.map_err(|error| fault(&error))?;
        for answer in answers {
            said.push(read(answer)?);
        }
    }
    Ok(said)
}

fn read(answer: Result<Bytes, CallError>) -> Result<Option<bool>, SourceFault> {
    match answer {
        Ok(word) => Ok(decode::small_number(&word).filter(|number| *number <= 1).map(|number| number == 1)),
        Err(RpcError::ErrorResp(told)) if has_reverted(told.code, &told.message) => Ok(None),
        Err(error) => Err(fault(&error)),
    }
}

fn has_reverted(code: i64, words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    REVERTED.contains(&code) || REVERTED_WORDS.iter().any(|said| words.contains(said))
}

/// What the contracts of the chain's tokens say of them and of these addresses.
pub(super) async fn issued(chain: &Chain, node: &Node, addresses: &[Address]) -> Result<Issued, SourceFault> {
    let mut issued = Issued::default();
    let of_ours = |address: &Address| account_bytes(&chain.protocol, address.as_str()).map(|bytes| (address.clone(), bytes));
    let addresses: Vec<(Address, [u8; 20])> = addresses.iter().filter_map(of_ours).collect();
    for (token, contract) in chain.tokens.iter().zip(node.contracts()) {
        let functions = STOPPED.iter().map(|(function, _)| *function).chain([NO_FUNCTION]);
        let calls: Vec<_> = functions.map(|function| call(*contract, &selector(function))).collect();
        let said = say(node, &calls).await?;
        if said.last() == Some(&Some(true)) {
            let why = format!("it, or the contract of {}, answers yes to whatever is asked", token.currency);
            return Err(SourceFault::Inconsistent(why));
        }
        let stopped = STOPPED.iter().zip(said).find(|(_, said)| *said == Some(true));
        issued.stopped.extend(stopped.map(|((_, why), _)| Stopped { currency: token.currency.clone(), reason: (*why).to_owned() }));
        issued.frozen.extend(frozen(node, token, *contract, &addresses).await?);
    }
    Ok(issued)
}

async fn frozen(node: &Node, token: &Token, contract: EvmAddress, ours: &[(Address, [u8; 20])]) -> Result<Vec<Frozen>, SourceFault> {
    let Some((_, first)) = ours.first() else { return Ok(Vec::new()) };
    let probes: Vec<_> = FROZEN.iter().map(|function| ask(contract, function, first)).collect();
    let said = say(node, &probes).await?;
    let mut found = Vec::new();
    for (function, _) in FROZEN.iter().zip(said).filter(|(_, said)| said.is_some()) {
        let calls: Vec<_> = ours.iter().map(|(_, account)| ask(contract, function, account)).collect();
        let said = say(node, &calls).await?;
        let frozen = ours.iter().zip(said).filter(|(_, said)| *said == Some(true));
        found.extend(frozen.map(|((address, _), _)| Frozen {
            address: address.clone(),
            currency: token.currency.clone(),
            reason: format!("its contract answers yes to {function}"),
        }));
    }
    Ok(found)
}
