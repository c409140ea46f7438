//! The HTTP interface: blocks and what became of their transactions, in its own words: no `0x`, milliseconds, contracts behind 0x41.

use alloy::primitives::B256;
use serde_json::{Value, json};

use super::{Behind, TronNode, Verdict, ask, at, bare, quantity};

impl TronNode {
    /// `None`: the interface is closed.
    pub(super) fn http(&self, path: &str, request: &Value, behind: &mut Behind<'_>) -> Option<Value> {
        let by_number = || json!(format!("{:#x}", at(request, "num").as_u64().unwrap_or_default()));
        match path {
            "/wallet/getnowblock" => Some(self.block(json!("latest"), behind)),
            "/walletsolidity/getnowblock" => Some(self.block(json!("finalized"), behind)),
            // What a lite full node closes.
            _ if self.lies.lite => None,
            "/wallet/getblockbynum" => Some(self.block(by_number(), behind)),
            "/wallet/getblockbyid" => {
                let id = format!("0x{}", at(request, "value").as_str().unwrap_or_default());
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
        let (Some(number), Some(hash)) = (quantity(at(&block, "number")), at(&block, "hash").as_str()) else { return json!({}) };
        let parent = self.block_id(number.saturating_sub(1), at(&block, "parentHash").as_str().unwrap_or_default());
        let transactions = at(&block, "transactions").as_array().cloned().unwrap_or_default();
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
                    "timestamp": quantity(at(&block, "timestamp")).unwrap_or_default().saturating_mul(1000),
                },
                "witness_signature": "00".repeat(65),
            },
            "transactions": transactions,
        })
    }

    fn infos(&self, place: &Value, behind: &mut Behind<'_>) -> Value {
        let block = ask(behind, "eth_getBlockByNumber", json!([place, false]));
        let time = quantity(at(&block, "timestamp")).unwrap_or_default().saturating_mul(1000);
        let receipts = ask(behind, "eth_getBlockReceipts", json!([place]));
        receipts.as_array().into_iter().flatten().filter_map(|receipt| self.info(receipt, time)).collect()
    }

    fn info(&self, receipt: &Value, time: u64) -> Option<Value> {
        let transaction: B256 = at(receipt, "transactionHash").as_str()?.parse().ok()?;
        let (result, failed) = match self.verdicts.get(&transaction) {
            None if at(receipt, "status") == "0x1" => (Some("SUCCESS"), false),
            None | Some(Verdict::Reverted) => (Some("REVERT"), true),
            Some(Verdict::OutOfEnergy) => (Some("OUT_OF_ENERGY"), true),
            Some(Verdict::Unsaid) => (None, false),
            Some(Verdict::Untold) => return None,
        };
        let log = |log: &Value| {
            let topics: Vec<&str> = at(log, "topics").as_array().into_iter().flatten().map(bare).collect();
            json!({"address": bare(at(log, "address")), "topics": topics, "data": bare(at(log, "data"))})
        };
        let mut info = json!({
            "id": bare(at(receipt, "transactionHash")),
            "fee": 5_254_500,
            "blockNumber": quantity(at(receipt, "blockNumber"))?,
            "blockTimeStamp": time,
            "contractResult": [""],
            "contract_address": format!("41{}", bare(at(receipt, "to"))),
            "receipt": {"energy_usage_total": 44_585, "net_fee": 796_000},
            "log": at(receipt, "logs").as_array()?.iter().map(log).collect::<Vec<_>>(),
        });
        if let (Some(result), Some(receipt)) = (result, info.get_mut("receipt").and_then(Value::as_object_mut)) {
            receipt.insert("result".to_owned(), json!(result));
        }
        if let Some(info) = info.as_object_mut().filter(|_| failed) {
            info.insert("result".to_owned(), json!("FAILED"));
        }
        Some(info)
    }
}
