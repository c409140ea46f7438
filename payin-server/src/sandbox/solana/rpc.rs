//! The node: agave's JSON-RPC methods over the simulated chain, with `lies` applied. Never changes the chain. Codes, messages and
//! what is refused when are those of agave's `rpc/src/rpc.rs` and `custom_error.rs`, for a node without long-term storage.

use std::str::FromStr;

use serde_json::{Value, json};

use super::super::json_rpc::{self, RpcError, put};
use super::accounts::Shown;
use super::key::{Key, Signature};
use super::model::{Commitment, Refusal};
use super::render::{self, Details, Encoding, Wanted};
use super::{Block, SolanaChain};

/// The version that the simulated node claims: the one that its shapes were read from.
const VERSION: &str = "4.2.2";
/// agave's bounds on what is asked for at once.
const BLOCKS_MAX: u64 = 500_000;
const ACCOUNTS_MAX: usize = 100;
const STATUSES_MAX: usize = 256;
const SIGNATURES_MAX: u64 = 1000;

impl SolanaChain {
    /// Answers a JSON-RPC request, or a batch of them. `Null` means that there is nothing to send: only notifications.
    pub fn handle(&mut self, request: &Value) -> Value {
        json_rpc::handle(request, &mut |method, params| {
            if let Some(left) = self.lies.fail_next.checked_sub(1) {
                self.lies.fail_next = left;
                return Err(match self.lies.failure {
                    Refusal::Unhealthy => RpcError::new(-32005, "Node is unhealthy").with_data(json!({ "numSlotsBehind": null })),
                    Refusal::RateLimited => RpcError::new(429, "Too many requests for a specific RPC call"),
                });
            }
            self.dispatch(method, params)
        })
    }

    fn dispatch(&self, method: &str, params: &[Value]) -> Result<Value, RpcError> {
        match method {
            "getHealth" => self.health(),
            "getVersion" => Ok(json!({ "solana-core": VERSION, "feature-set": 0 })),
            "getGenesisHash" => Ok(json!(self.genesis_hash.to_string())),
            "getFirstAvailableBlock" => Ok(json!(self.lies.first_available)),
            "getSlot" => Ok(json!(self.at(params.first())?)),
            "getBlockHeight" => Ok(json!(self.block(self.at(params.first())?).map_or(0, |block| block.height))),
            "getBlock" => self.get_block(params),
            "getBlocks" => self.get_blocks(params),
            "getBlocksWithLimit" => self.get_blocks_with_limit(params),
            "getTransaction" => self.get_transaction(params),
            "getSignatureStatuses" => self.get_signature_statuses(params),
            "getSignaturesForAddress" => self.get_signatures_for_address(params),
            "getAccountInfo" => {
                let (key, config) = (parsed::<Key>(argument(params, 0)?)?, params.get(1));
                let slot = self.at(config)?;
                Ok(in_context(slot, self.account_json(&key, slot, &Shown::new(config))?))
            }
            "getMultipleAccounts" => {
                let (keys, config) = (list::<Key>(argument(params, 0)?, ACCOUNTS_MAX)?, params.get(1));
                let (slot, shown) = (self.at(config)?, Shown::new(config));
                let accounts: Result<Vec<Value>, RpcError> = keys.iter().map(|key| self.account_json(key, slot, &shown)).collect();
                Ok(in_context(slot, json!(accounts?)))
            }
            "getTokenAccountBalance" => {
                let slot = self.at(params.get(1))?;
                Ok(in_context(slot, self.balance_json(&parsed(argument(params, 0)?)?, slot)?))
            }
            _ => Err(RpcError::new(-32601, "Method not found")),
        }
    }

    fn health(&self) -> Result<Value, RpcError> {
        match self.lies.lag {
            0 => Ok(json!("ok")),
            behind => {
                let refusal = RpcError::new(-32005, format!("Node is behind by {behind} slots"));
                Err(refusal.with_data(json!({ "numSlotsBehind": behind })))
            }
        }
    }

    /// The slot that a configuration's commitment means.
    fn at(&self, config: Option<&Value>) -> Result<u64, RpcError> {
        let slot = self.slot(commitment(config)?);
        match config.and_then(|config| config.get("minContextSlot")).and_then(Value::as_u64) {
            Some(least) if slot < least => {
                let refusal = RpcError::new(-32016, "Minimum context slot has not been reached");
                Err(refusal.with_data(json!({ "contextSlot": slot })))
            }
            _ => Ok(slot),
        }
    }

    fn get_block(&self, params: &[Value]) -> Result<Value, RpcError> {
        let (slot, config) = (number(argument(params, 0)?)?, params.get(1));
        let highest = self.slot(at_least_confirmed(config)?);
        if slot < self.lies.first_available {
            let first = self.lies.first_available;
            let message = format!("Block {slot} cleaned up, does not exist on node. First available block: {first}");
            return Err(RpcError::new(-32001, message));
        }
        let Some(block) = self.block(slot).filter(|block| block.slot <= highest) else {
            // That a slot was skipped is known of finalized ones only.
            return Err(if slot < self.slot(Commitment::Finalized) {
                let why = "was skipped, or missing due to ledger jump to recent snapshot";
                RpcError::new(-32007, format!("Slot {slot} {why}"))
            } else {
                RpcError::new(-32004, format!("Block not available for slot {slot}"))
            });
        };
        let rewards = config.and_then(|config| config.get("rewards")).and_then(Value::as_bool).unwrap_or(true);
        render::block(block, details(config)?, wanted(config)?, rewards, self.lies.empty_blocks)
    }

    fn get_blocks(&self, params: &[Value]) -> Result<Value, RpcError> {
        let first = number(argument(params, 0)?)?;
        // The second may be left out, or be the configuration already.
        let last = params.get(1).and_then(Value::as_u64);
        let config = params.get(if last.is_some() || params.get(1).is_some_and(Value::is_null) { 2 } else { 1 });
        let highest = self.slot(at_least_confirmed(config)?);
        let last = last.unwrap_or(first.saturating_add(BLOCKS_MAX)).min(highest);
        if last.saturating_sub(first) > BLOCKS_MAX {
            return Err(RpcError::params(format!("Slot range too large; max {BLOCKS_MAX}")));
        }
        Ok(self.slots(first, last).collect())
    }

    fn get_blocks_with_limit(&self, params: &[Value]) -> Result<Value, RpcError> {
        let (first, limit) = (number(argument(params, 0)?)?, number(argument(params, 1)?)?);
        let highest = self.slot(at_least_confirmed(params.get(2))?);
        if limit > BLOCKS_MAX {
            return Err(RpcError::params(format!("Limit too large; max {BLOCKS_MAX}")));
        }
        Ok(self.slots(first, highest).take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
    }

    /// The slots that have blocks. Forgotten ones are left out without a word.
    fn slots(&self, first: u64, last: u64) -> impl Iterator<Item = u64> + '_ {
        let first = first.max(self.lies.first_available);
        let slots = std::iter::once(&self.genesis).chain(&self.above).map(|block| block.slot);
        slots.filter(move |slot| (first..=last).contains(slot))
    }

    fn get_transaction(&self, params: &[Value]) -> Result<Value, RpcError> {
        let (signature, config) = (parsed::<Signature>(argument(params, 0)?)?, params.get(1));
        let highest = self.slot(at_least_confirmed(config)?);
        let block = self.known(&signature).filter(|block| block.slot <= highest);
        let Some((block, executed)) = block.and_then(|block| Some((block, block.executed(&signature)?))) else { return Ok(Value::Null) };
        let mut answer = render::transaction(executed, wanted(config)?)?;
        put(&mut answer, "slot", json!(block.slot));
        put(&mut answer, "blockTime", json!(block.time_s));
        Ok(answer)
    }

    fn get_signature_statuses(&self, params: &[Value]) -> Result<Value, RpcError> {
        let signatures = list::<Signature>(argument(params, 0)?, STATUSES_MAX)?;
        let everywhere = params.get(1).and_then(|config| config.get("searchTransactionHistory")).and_then(Value::as_bool).unwrap_or(false);
        let statuses: Vec<Value> = signatures.iter().map(|signature| self.status(signature, everywhere)).collect();
        Ok(in_context(self.slot(Commitment::Processed), json!(statuses)))
    }

    fn get_signatures_for_address(&self, params: &[Value]) -> Result<Value, RpcError> {
        let (address, config) = (parsed::<Key>(argument(params, 0)?)?, params.get(1));
        at_least_confirmed(config)?;
        let highest = self.at(config)?;
        let field = |name: &str| config.and_then(|config| config.get(name)).filter(|value| !value.is_null());
        let limit = field("limit").map_or(Ok(SIGNATURES_MAX), number)?;
        if limit == 0 || limit > SIGNATURES_MAX {
            return Err(RpcError::params(format!("Invalid limit; max {SIGNATURES_MAX}")));
        }
        let (before, until) = (field("before").map(parsed).transpose()?, field("until").map(parsed).transpose()?);
        let found = self.signatures_of(&address, highest, before.as_ref(), until.as_ref());
        Ok(found.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
    }

    /// The block of a transaction, unless it is newer than what the node has seen, or forgotten.
    pub(super) fn known(&self, signature: &Signature) -> Option<&Block> {
        let block = self.landed_at(signature).and_then(|slot| self.block(slot));
        block.filter(|block| block.slot >= self.lies.first_available && block.slot <= self.slot(Commitment::Processed))
    }
}

fn in_context(slot: u64, value: Value) -> Value {
    json!({ "context": { "apiVersion": VERSION, "slot": slot }, "value": value })
}

fn argument(params: &[Value], index: usize) -> Result<&Value, RpcError> {
    params.get(index).ok_or_else(|| RpcError::params("`params` should have at least 1 argument(s)"))
}

fn number(value: &Value) -> Result<u64, RpcError> {
    value.as_u64().ok_or_else(|| RpcError::params(format!("Invalid params: invalid type: {value}, expected u64.")))
}

/// An address or a signature.
fn parsed<T: FromStr>(value: &Value) -> Result<T, RpcError> {
    value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| RpcError::params("Invalid param: Invalid"))
}

fn list<T: FromStr>(value: &Value, most: usize) -> Result<Vec<T>, RpcError> {
    let list = value.as_array().ok_or_else(|| RpcError::params(format!("Invalid params: invalid type: {value}, expected a sequence.")))?;
    if list.len() > most {
        return Err(RpcError::params(format!("Too many inputs provided; max {most}")));
    }
    list.iter().map(parsed).collect()
}

fn commitment(config: Option<&Value>) -> Result<Commitment, RpcError> {
    let Some(word) = config.and_then(|config| config.get("commitment")).filter(|word| !word.is_null()) else {
        return Ok(Commitment::Finalized);
    };
    let known = Commitment::ALL.iter().find(|(name, _)| word == name).map(|(_, commitment)| *commitment);
    known.ok_or_else(|| RpcError::params(format!("Invalid params: unknown variant {word}.")))
}

/// What reads blocks knows nothing of those that are only processed.
fn at_least_confirmed(config: Option<&Value>) -> Result<Commitment, RpcError> {
    match commitment(config)? {
        Commitment::Processed => Err(RpcError::params("Method does not support commitment below `confirmed`")),
        commitment => Ok(commitment),
    }
}

pub(super) fn encoding(config: Option<&Value>) -> &str {
    config.and_then(|config| config.get("encoding")).and_then(Value::as_str).unwrap_or_default()
}

fn wanted(config: Option<&Value>) -> Result<Wanted, RpcError> {
    // Older clients send the encoding alone, in the configuration's place.
    let word = config.and_then(Value::as_str).unwrap_or_else(|| encoding(config));
    let encoding = match word {
        "" | "json" => Encoding::Json,
        "jsonParsed" => Encoding::JsonParsed,
        "base64" => Encoding::Base64,
        "base58" => Encoding::Base58,
        word => return Err(RpcError::params(format!("Invalid params: unknown variant `{word}`."))),
    };
    let version_max = config.and_then(|config| config.get("maxSupportedTransactionVersion")).and_then(Value::as_u64);
    Ok(Wanted { encoding, version_max })
}

fn details(config: Option<&Value>) -> Result<Details, RpcError> {
    match config.and_then(|config| config.get("transactionDetails")).and_then(Value::as_str) {
        None | Some("full") => Ok(Details::Full),
        Some("accounts") => Ok(Details::Accounts),
        Some("signatures") => Ok(Details::Signatures),
        Some("none") => Ok(Details::None),
        Some(word) => Err(RpcError::params(format!("Invalid params: unknown variant `{word}`."))),
    }
}
