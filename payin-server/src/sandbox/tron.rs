//! java-tron's manners in front of a chain that speaks Ethereum's JSON-RPC: its shapes, limits, errors and lies, on both its interfaces.
//! The chain behind it is the simulated one, or a real node in the tests. It keeps no chain itself.
//!
//! Sources: java-tron's documentation of both interfaces, and its `jsonrpc` and `http` services.

mod http;
mod rpc;

use std::collections::BTreeMap;

use alloy::primitives::B256;
use serde_json::{Value, json};

use crate::env::RpcFault;

/// What became of a transaction that the chain behind calls successful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was reverted. java-tron shows its events all the same.
    Reverted,
    /// It ran out of energy, likewise.
    OutOfEnergy,
    /// The node shows its events and not what became of it.
    Unsaid,
    /// The node has the transaction in its block and nothing about it.
    Untold,
}

/// Misbehaviour of the node, as plain data. The default is an honest node with everything switched on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lies {
    /// JSON-RPC is switched off, as it is by default.
    pub no_json_rpc: bool,
    /// The node has thrown history away: a lite full node.
    pub lite: bool,
    /// The next n calls of either interface are answered by the rate limiter.
    pub busy: u32,
    /// TronGrid in front has had enough.
    pub suspended: bool,
}

/// A java-tron node, without its chain.
#[derive(Debug, Clone, Default)]
pub struct TronNode {
    /// How it misbehaves from the next call on.
    pub lies: Lies,
    /// What became of transactions, where that is not success.
    pub verdicts: BTreeMap<B256, Verdict>,
    /// What `eth_chainId` says, and the end of the first block's id.
    pub chain_id: u64,
}

/// Asks the chain behind: a JSON-RPC call there, its answer back.
pub type Behind<'a> = dyn FnMut(&Value) -> Value + 'a;

impl TronNode {
    /// A node of this chain.
    #[must_use]
    pub fn new(chain_id: u64) -> Self {
        Self { chain_id, ..Self::default() }
    }

    /// Answers a call of either interface: "" is JSON-RPC's path.
    ///
    /// # Errors
    /// An HTTP status other than 200.
    pub fn handle(&mut self, path: &str, body: &[u8], behind: &mut Behind<'_>) -> Result<Vec<u8>, RpcFault> {
        if self.lies.suspended {
            return Err(RpcFault::Status { status: 403, retry_after: None });
        }
        if let Some(left) = self.lies.busy.checked_sub(1) {
            self.lies.busy = left;
            return Ok(br#"{"Error":"class java.lang.IllegalAccessException : lack of computing resources"}"#.to_vec());
        }
        if path.is_empty() && self.lies.no_json_rpc {
            return Err(RpcFault::Status { status: 404, retry_after: None });
        }
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        if path.is_empty() {
            return Ok(self.json_rpc(&request, behind).to_string().into_bytes());
        }
        Ok(match self.http(path, &request, behind) {
            Some(answer) => answer.to_string(),
            None => "this API is closed because this node is a lite fullnode".to_owned(),
        }
        .into_bytes())
    }

    /// A block's id: its height, then the rest of its hash; the first block's ends in the chain's id.
    fn block_id(&self, number: u64, hash: &str) -> String {
        let rest = hash.get(18..66).unwrap_or_default();
        if number == 0 {
            return format!("0x{number:016x}{}{:08x}", rest.get(..40).unwrap_or_default(), self.chain_id);
        }
        format!("0x{number:016x}{rest}")
    }

    /// What the chain behind calls the block of an id; nothing if it has none there, or another one.
    fn behind_id(&self, id: &str, behind: &mut Behind<'_>) -> Option<String> {
        let number = u64::from_str_radix(id.get(2..18)?, 16).ok()?;
        let block = ask(behind, "eth_getBlockByNumber", json!([format!("{number:#x}"), false]));
        let hash = at(&block, "hash").as_str()?;
        (self.block_id(number, hash) == id).then(|| hash.to_owned())
    }
}

/// A result of the chain behind; null for an error.
fn ask(behind: &mut Behind<'_>, method: &str, params: Value) -> Value {
    behind(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})).get_mut("result").map(Value::take).unwrap_or_default()
}

fn quantity(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}

/// Hexadecimal digits without `0x`, as the HTTP interface writes them.
fn bare(value: &Value) -> &str {
    value.as_str().map(|text| text.trim_start_matches("0x")).unwrap_or_default()
}

/// A field, or null.
fn at<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}
