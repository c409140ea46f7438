//! The node: JSON-RPC 2.0 over the simulated chain, with `lies` applied. Never changes the chain.

use std::str::FromStr;

use alloy::primitives::{Address, B256};
use serde_json::{Value, json};

use super::super::json_rpc;
pub(super) use super::super::json_rpc::RpcError;
use super::render::{self, quantity};
use super::{Block, EvmChain, logs};

/// First four bytes of keccak256 of `decimals()` and `symbol()`.
const DECIMALS: &str = "0x313ce567";
const SYMBOL: &str = "0x95d89b41";

impl EvmChain {
    /// Answers a JSON-RPC request, or a batch of them. `Null` means that there is nothing to send: only notifications.
    pub fn handle(&mut self, request: &Value) -> Value {
        json_rpc::handle(request, &mut |method, params| {
            if let Some(left) = self.lies.fail_next.checked_sub(1) {
                self.lies.fail_next = left;
                return Err(RpcError::new(-32005, "limit exceeded"));
            }
            self.dispatch(method, params)
        })
    }

    fn dispatch(&self, method: &str, params: &[Value]) -> Result<Value, RpcError> {
        match method {
            "eth_chainId" => bounded(params, 0).map(|()| json!(quantity(self.chain_id))),
            "net_version" => bounded(params, 0).map(|()| json!(self.chain_id.to_string())),
            "web3_clientVersion" => bounded(params, 0).map(|()| json!("payin-sandbox/evm")),
            "eth_blockNumber" => bounded(params, 0).map(|()| json!(quantity(self.visible_head()))),
            "eth_getBlockByNumber" => {
                bounded(params, 2)?;
                let number = self.height_of(argument(params, 0)?)?;
                Ok(self.block_or_null(self.visible(number), flag(argument(params, 1)?)?))
            }
            "eth_getBlockByHash" => {
                bounded(params, 2)?;
                let hash = fixed_bytes(argument(params, 0)?)?;
                Ok(self.block_or_null(self.visible_by_hash(hash), flag(argument(params, 1)?)?))
            }
            "eth_getLogs" => {
                bounded(params, 1)?;
                logs::get_logs(self, argument(params, 0)?)
            }
            "eth_getTransactionReceipt" => {
                bounded(params, 1)?;
                Ok(self.receipt_or_null(fixed_bytes(argument(params, 0)?)?))
            }
            "eth_getBlockReceipts" => {
                bounded(params, 1)?;
                let block = self.block_of(argument(params, 0)?)?;
                let receipts = |block| render::walk(self, block).iter().map(render::Mined::receipt).collect();
                Ok(block.map_or(Value::Null, receipts))
            }
            "eth_call" => self.eth_call(argument(params, 0)?),
            unknown => Err(RpcError::new(-32601, format!("the method {unknown} does not exist/is not available"))),
        }
    }

    /// Only what registered tokens say about themselves; whatever else is called does not exist and returns nothing.
    fn eth_call(&self, call: &Value) -> Result<Value, RpcError> {
        let call = call.as_object().ok_or_else(|| RpcError::params("invalid argument 0: call is not an object"))?;
        let token = match call.get("to") {
            None | Some(Value::Null) => None,
            Some(to) => self.tokens.get(&fixed_bytes::<Address>(to)?),
        };
        // `data` is the older name of `input`; clients still send either.
        let input = call.get("input").or_else(|| call.get("data")).and_then(Value::as_str).unwrap_or("0x");
        let selector = input.get(..DECIMALS.len()).unwrap_or(input).to_ascii_lowercase();
        Ok(json!(match token {
            Some(token) if selector == DECIMALS => render::word(u64::from(token.decimals)),
            Some(token) if selector == SYMBOL => render::abi_string(&token.symbol),
            _ => "0x".to_owned(),
        }))
    }

    fn block_or_null(&self, block: Option<&Block>, full: bool) -> Value {
        block.map_or(Value::Null, |block| render::block(self, block, full))
    }

    fn receipt_or_null(&self, transaction: B256) -> Value {
        let block = self.mined_at(transaction).and_then(|number| self.visible(number));
        let mined = block.map_or_else(Vec::new, |block| render::walk(self, block));
        mined.iter().find(|mined| mined.hash == transaction).map_or(Value::Null, render::Mined::receipt)
    }

    /// The head that the node admits to.
    pub(super) fn visible_head(&self) -> u64 {
        self.head().number.saturating_sub(self.lies.lag)
    }

    /// The canonical block at a height that the node knows of.
    pub(super) fn visible(&self, number: u64) -> Option<&Block> {
        self.block(number).filter(|block| block.number <= self.visible_head())
    }

    /// A block by hash, on the canonical chain or orphaned.
    pub(super) fn visible_by_hash(&self, hash: B256) -> Option<&Block> {
        let canonical = self.heights.get(&hash).and_then(|number| self.block(*number));
        let genesis = Some(&self.genesis).filter(|genesis| genesis.hash == hash);
        let block = canonical.or(genesis).or_else(|| self.orphans.get(&hash));
        block.filter(|block| block.number <= self.visible_head())
    }

    /// The height that a tag or number means, whether a block is there or not.
    pub(super) fn height_of(&self, tag: &Value) -> Result<u64, RpcError> {
        let tag = tag.as_str().ok_or_else(|| RpcError::params("invalid block number or tag: not a string"))?;
        match tag {
            "latest" | "pending" => Ok(self.visible_head()),
            "safe" => Ok(self.safe_below(self.visible_head())),
            "finalized" => Ok(self.finalized_below(self.visible_head())),
            "earliest" => Ok(0),
            number => parse_quantity(number),
        }
    }

    /// The block that a tag, a number, a hash or an EIP-1898 object means.
    fn block_of(&self, id: &Value) -> Result<Option<&Block>, RpcError> {
        let hash = match id {
            Value::Object(object) => object.get("blockHash"),
            // A hash is longer than any number.
            Value::String(text) if text.len() == 66 => Some(id),
            _ => None,
        };
        if let Some(hash) = hash {
            return Ok(self.visible_by_hash(fixed_bytes(hash)?));
        }
        let number = id.get("blockNumber").unwrap_or(id);
        Ok(self.visible(self.height_of(number)?))
    }
}

/// An address or a hash, which must have its `0x`.
pub(super) fn fixed_bytes<T: FromStr>(value: &Value) -> Result<T, RpcError> {
    let text = value.as_str().filter(|text| text.starts_with("0x"));
    let bytes = text.and_then(|text| text.parse().ok());
    bytes.ok_or_else(|| RpcError::params(format!("invalid argument: {value} is not hex of the right length")))
}

fn parse_quantity(text: &str) -> Result<u64, RpcError> {
    let digits = text.strip_prefix("0x").filter(|digits| *digits == "0" || !digits.starts_with(['0', '+']));
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.ok_or_else(|| RpcError::params(format!("invalid block number or tag: {text:?}")))
}

fn argument(params: &[Value], index: usize) -> Result<&Value, RpcError> {
    params.get(index).ok_or_else(|| RpcError::params(format!("missing value for required argument {index}")))
}

fn flag(value: &Value) -> Result<bool, RpcError> {
    value.as_bool().ok_or_else(|| RpcError::params("invalid argument 1: not a boolean"))
}

fn bounded(params: &[Value], arguments_max: usize) -> Result<(), RpcError> {
    if params.len() > arguments_max {
        return Err(RpcError::params(format!("too many arguments, want at most {arguments_max}")));
    }
    Ok(())
}
