//! The JSON-RPC interface: which calls there are, what is refused, and how answers differ from Ethereum's.

use alloy::primitives::B256;
use serde_json::{Value, json};

use super::{Behind, TronNode, Verdict, at, quantity};

/// The calls that a watcher may make. There are no subscriptions, no raw transactions and no nonces on Tron.
const METHODS: [&str; 9] = [
    "eth_chainId",
    "net_version",
    "web3_clientVersion",
    "eth_blockNumber",
    "eth_getBlockByNumber",
    "eth_getBlockByHash",
    "eth_getLogs",
    "eth_getTransactionReceipt",
    "eth_call",
];
const CALLS_MAX: usize = 100;
const BLOCKS_MAX: u64 = 5_000;
const RESULTS_MAX: usize = 10_000;

struct Refusal(i64, String);

impl TronNode {
    pub(super) fn json_rpc(&self, request: &Value, behind: &mut Behind<'_>) -> Value {
        match request {
            Value::Array(calls) if calls.len() > CALLS_MAX => {
                refuse(&Value::Null, &Refusal(-32005, format!("Batch size {} exceeds the limit of {CALLS_MAX}", calls.len())))
            }
            Value::Array(calls) => calls.iter().map(|call| self.answer(call, behind)).collect(),
            call => self.answer(call, behind),
        }
    }

    fn answer(&self, call: &Value, behind: &mut Behind<'_>) -> Value {
        let id = at(call, "id").clone();
        match self.call(call, behind) {
            Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Err(refusal) => refuse(&id, &refusal),
        }
    }

    fn call(&self, call: &Value, behind: &mut Behind<'_>) -> Result<Value, Refusal> {
        let method = at(call, "method").as_str().unwrap_or_default();
        if !METHODS.contains(&method) {
            return Err(Refusal(-32601, format!("the method {method} does not exist/is not available")));
        }
        let mut params = at(call, "params").as_array().cloned().unwrap_or_default();
        if method == "eth_chainId" {
            return Ok(json!(format!("{:#x}", self.chain_id)));
        }
        let tag = if method == "eth_call" { params.get(1) } else { params.first() };
        match tag.and_then(Value::as_str) {
            Some(tag @ ("safe" | "pending")) => return Err(Refusal(-32602, format!("TAG {tag} not supported"))),
            Some("finalized" | "earliest") if method == "eth_call" => {
                return Err(Refusal(-32602, "TAG [earliest | pending | finalized] not supported".to_owned()));
            }
            _ => {}
        }
        match (method, params.first_mut()) {
            ("eth_getLogs", Some(filter)) => self.filter(filter, behind)?,
            ("eth_getBlockByHash", Some(id)) => match self.behind_id(id.as_str().unwrap_or_default(), behind) {
                Some(hash) => *id = json!(hash),
                None => return Ok(Value::Null),
            },
            _ => {}
        }
        let mut answer = behind(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}));
        if let Some(error) = answer.get("error") {
            // geth's advice behind the limit is not java-tron's.
            let words = at(error, "message").as_str().unwrap_or_default().split(". Try").next().unwrap_or_default();
            return Err(Refusal(at(error, "code").as_i64().unwrap_or(-32000), words.to_owned()));
        }
        let mut result = answer.get_mut("result").map(Value::take).unwrap_or_default();
        if result.as_array().is_some_and(|logs| logs.len() > RESULTS_MAX) {
            return Err(Refusal(-32005, format!("query returned more than {RESULTS_MAX} results")));
        }
        self.dress(&mut result);
        Ok(result)
    }

    /// What a filter of logs may ask for, in the words of the chain behind.
    fn filter(&self, filter: &mut Value, behind: &mut Behind<'_>) -> Result<(), Refusal> {
        if let Some(id) = at(filter, "blockHash").as_str() {
            let hash = self.behind_id(id, behind).ok_or_else(|| Refusal(-32602, "invalid blockHash".to_owned()))?;
            if let Some(field) = filter.get_mut("blockHash") {
                *field = json!(hash);
            }
            return Ok(());
        }
        let (from, to) = (quantity(at(filter, "fromBlock")), quantity(at(filter, "toBlock")));
        if let (Some(from), Some(to)) = (from, to)
            && to.saturating_sub(from) > BLOCKS_MAX
        {
            return Err(Refusal(-32602, format!("exceed max block range: {BLOCKS_MAX}")));
        }
        Ok(())
    }

    /// A result of the chain behind as java-tron would give it.
    fn dress(&self, result: &mut Value) {
        match result {
            Value::Array(items) => items.iter_mut().for_each(|item| self.dress(item)),
            Value::Object(fields) => {
                let number = fields.get("number").or_else(|| fields.get("blockNumber")).and_then(quantity).unwrap_or_default();
                for (name, number) in [("hash", number), ("blockHash", number), ("parentHash", number.saturating_sub(1))] {
                    if let Some(hash) = fields.get_mut(name) {
                        *hash = json!(self.block_id(number, hash.as_str().unwrap_or_default()));
                    }
                }
                if fields.contains_key("parentHash") {
                    let zeros = |bytes: usize| json!(format!("0x{}", "00".repeat(bytes)));
                    fields.insert("stateRoot".to_owned(), json!("0x"));
                    fields.insert("logsBloom".to_owned(), zeros(256));
                    for name in ["receiptsRoot", "sha3Uncles", "mixHash"] {
                        fields.insert(name.to_owned(), zeros(32));
                    }
                    fields.insert("baseFeePerGas".to_owned(), json!("0x0"));
                }
                if let Some(logs) = fields.get_mut("logs") {
                    self.dress(logs);
                    self.judge(fields);
                }
                fields.remove("blockTimestamp");
            }
            _ => {}
        }
    }

    fn judge(&self, receipt: &mut serde_json::Map<String, Value>) {
        let transaction: Option<B256> = receipt.get("transactionHash").and_then(Value::as_str).and_then(|text| text.parse().ok());
        match transaction.and_then(|transaction| self.verdicts.get(&transaction)) {
            Some(Verdict::Reverted | Verdict::OutOfEnergy) => receipt.insert("status".to_owned(), json!("0x0")),
            // `DEFAULT`, which is what is not said, is below `SUCCESS`.
            _ => None,
        };
    }
}

fn refuse(id: &Value, Refusal(code, message): &Refusal) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message, "data": "{}"}})
}
