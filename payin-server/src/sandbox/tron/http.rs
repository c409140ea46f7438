//! The HTTP interface: blocks and what became of their transactions, in its own words: no `0x`, milliseconds, contracts behind 0x41.

use alloy::primitives::B256;
use serde_json::{Value, json};

use super::{Behind, TronNode, Verdict, ask, bare, quantity};

impl TronNode {
    /// `None`: the interface is closed.
    pub(super) fn http(&self, path: &str, request: &Value, behind: &mut Behind<'_>) -> Option<Value> {
        let by_number = || json!(format!("{:#x}", request["num"].as_u64().unwrap_or_default()));
        match path {
            "/wallet/getnowblock" => Some(self.block(json!("latest"), behind)),
            "/walletsolidity/getnowblock" => Some(self.block(json!("finalized"), behind)),
            // What a lite full node closes.
            _ if self.lies.lite => None,
            "/wallet/getblockbynum" => Some(self.block(by_number(), behind)),
            "/wallet/getblockbyid" => {
                let id = format!("0x{}", request["value"].as_str().unwrap_or_default());
                let number = id.get(2..18).and_then(|digits| u64::from_str_radix(digits, 16).ok());
                let known = self.behind_id(&id, behind).and(number);
                Some(known.map_or_else(|| json!({}), |number| self.block(json!(format!("{number:#x}")), behind)))
            }
            "/wallet/gettransactioninfobyblocknum" => Some(self.infos(&by_number(), behind)),
            _ => Some(json!({"Error": format!("class java.lang.UnsupportedOperationException : {path}")})),
        }
    }

    fn block(&self, place: Value, behind: &mut Behind<'_>) -> Value {
        let block = ask(behind, "eth_getBlockByNumber", json!([place, false]));
        let (Some(number), Some(hash)) = (quantity(&block["number"]), block["hash"].as_str()) else { return json!({}) };
        let parent = self.block_id(number.saturating_sub(1), block["parentHash"].as_str().unwrap_or_default());
        let transactions = block["transactions"].as_array().cloned().unwrap_or_default();
        let transactions: Vec<Value> =
            transactions.iter().map(|id| json!({"txID": bare(id), "ret": [{"contractRet": "SUCCESS"}]})).collect();
        json!({
            "blockID": self.block_id(number, hash).trim_start_matches("0x"),
            "block_header": {
                "raw_data": {
                    "number": number,
                    "txTrieRoot": "00".repeat(32),
                    "witness_address": format!("41{}", "ee".repeat(20)),
                    "parentHash": parent.trim_start_matches("0x"),
                    "version": 34,
                    "timestamp": quantity(&block["timestamp"]).unwrap_or_default().saturating_mul(1000),
                },
                "witness_signature": "00".repeat(65),
            },
            "transactions": transactions,
        })
    }

    fn infos(&self, place: &Value, behind: &mut Behind<'_>) -> Value {
        let block = ask(behind, "eth_getBlockByNumber", json!([place, false]));
        let time = quantity(&block["timestamp"]).unwrap_or_default().saturating_mul(1000);
        let receipts = ask(behind, "eth_getBlockReceipts", json!([place]));
        receipts.as_array().into_iter().flatten().filter_map(|receipt| self.info(receipt, time)).collect()
    }

    fn info(&self, receipt: &Value, time: u64) -> Option<Value> {
        let transaction: B256 = receipt["transactionHash"].as_str()?.parse().ok()?;
        let (result, failed) = match self.verdicts.get(&transaction) {
            None if receipt["status"] == "0x1" => (Some("SUCCESS"), false),
            None | Some(Verdict::Reverted) => (Some("REVERT"), true),
            Some(Verdict::OutOfEnergy) => (Some("OUT_OF_ENERGY"), true),
            Some(Verdict::Unsaid) => (None, false),
            Some(Verdict::Untold) => return None,
        };
        let log = |log: &Value| {
            let topics: Vec<&str> = log["topics"].as_array().into_iter().flatten().map(bare).collect();
            json!({"address": bare(&log["address"]), "topics": topics, "data": bare(&log["data"])})
        };
        let mut info = json!({
            "id": bare(&receipt["transactionHash"]),
            "fee": 5_254_500,
            "blockNumber": quantity(&receipt["blockNumber"])?,
            "blockTimeStamp": time,
            "contractResult": [""],
            "contract_address": format!("41{}", bare(&receipt["to"])),
            "receipt": {"energy_usage_total": 44_585, "net_fee": 796_000},
            "log": receipt["logs"].as_array()?.iter().map(log).collect::<Vec<_>>(),
        });
        if let Some(result) = result {
            info["receipt"]["result"] = json!(result);
        }
        if failed {
            info["result"] = json!("FAILED");
        }
        Some(info)
    }
}
