//! A block full of lies (`tests/fixtures/evm`), read by every way that the server has of reading a block: the honest are credited and their
//! evil twins are not.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use payin_core::address::Address;
use payin_core::chains;
use payin_server::chain::evm::EvmSource;
use payin_server::chain::{Source as _, SourceFault, Watch, Watched};
use payin_server::env::{Rpc, RpcFault};
use payin_types::Protocol;
use serde_json::{Value, json};

use super::inconsistent;

const BLOCK: &str = include_str!("../../fixtures/evm/block.json");
const RECEIPTS: &str = include_str!("../../fixtures/evm/receipts.json");
const OURS: [&str; 2] = ["0x1111111111111111111111111111111111111111", "0x3333333333333333333333333333333333333333"];

/// Whose logs a node tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    /// Those of transactions that succeeded, as it should.
    Honestly,
    /// Those of failed transactions as well.
    OfFailures,
    /// None: receipts must be read.
    Nothing,
}

struct Node {
    tells: Tells,
    receipts: Vec<Value>,
}

impl Node {
    fn new(tells: Tells) -> Self {
        Self { tells, receipts: serde_json::from_str(RECEIPTS).unwrap() }
    }

    fn logs(&self, filter: &Value) -> Vec<Value> {
        let contracts: Vec<Value> = match &filter["address"] {
            Value::Array(contracts) => contracts.clone(),
            one => vec![one.clone()],
        };
        let told = self.receipts.iter().filter(|receipt| match self.tells {
            Tells::Honestly => receipt["status"] == "0x1",
            Tells::OfFailures => true,
            Tells::Nothing => false,
        });
        let logs = told.flat_map(|receipt| receipt["logs"].as_array().unwrap().clone());
        let signature = |log: &Value| filter["topics"].to_string().contains(log["topics"][0].as_str().unwrap());
        logs.filter(|log| contracts.contains(&log["address"]) && signature(log)).collect()
    }

    fn answer(&self, call: &Value) -> Value {
        let params = &call["params"];
        let result = match call["method"].as_str().unwrap() {
            "eth_getBlockByNumber" | "eth_getBlockByHash" => serde_json::from_str(BLOCK).unwrap(),
            "eth_getLogs" => json!(self.logs(&params[0])),
            "eth_getBlockReceipts" => json!(self.receipts),
            "eth_getTransactionReceipt" => json!(self.receipts.iter().find(|receipt| receipt["transactionHash"] == params[0])),
            other => panic!("{other} is asked"),
        };
        json!({"jsonrpc": "2.0", "id": call["id"], "result": result})
    }
}

impl Rpc for Node {
    fn call<'a>(&'a self, _: &'a str, body: Bytes) -> BoxFuture<'a, Result<Bytes, RpcFault>> {
        let answer = match serde_json::from_slice(&body).unwrap() {
            Value::Array(calls) => calls.iter().map(|call| self.answer(call)).collect(),
            call => self.answer(&call),
        };
        ready(Ok(answer.to_string().into())).boxed()
    }
}

struct Both;

impl Watch for Both {
    fn now(&self) -> BoxFuture<'_, Result<Arc<Watched>, SourceFault>> {
        let watched = Watched::default();
        OURS.iter().for_each(|ours| watched.insert(&Protocol::Evm, &Address::from_canonical((*ours).to_owned())));
        ready(Ok(Arc::new(watched))).boxed()
    }
}

/// Each transfer: its transaction's number and the ordinal in its receipt, the recipient's first digits, and how much.
async fn credited(node: Node) -> Result<Vec<(u8, u64, String, String)>, SourceFault> {
    let chain = chains::known().into_iter().find(|chain| chain.id.as_str() == "ethereum-mainnet").expect("a known chain");
    let source = EvmSource::new(chain, Arc::new(node));
    let block = source.block(20_000_000).await?.expect("the block");
    let transfers = source.transfers(&[block], &Both).await?;
    let told = transfers.iter().map(|transfer| {
        let number = u8::from_str_radix(&transfer.tx_hash[2..4], 16).unwrap();
        let amount = format!("{} {}", transfer.amount.to_amount(), transfer.currency);
        (number, transfer.ordinal, transfer.to.as_str()[..4].to_owned(), amount)
    });
    Ok(told.collect())
}

#[tokio::test]
async fn the_honest_are_credited_and_their_evil_twins_are_not() {
    let honest = [
        (0, 0, "0x11", "12.50 USDT"),
        (5, 0, "0x11", "99.00 USDT"),
        (10, 0, "0x11", "2.00 USDT"),
        (10, 2, "0x11", "3.00 USDT"),
        (10, 3, "0x33", "4.00 USDC"),
    ];
    let honest = honest.map(|(number, ordinal, to, amount)| (number, ordinal, to.to_owned(), amount.to_owned()));
    for tells in [Tells::Honestly, Tells::OfFailures, Tells::Nothing] {
        assert_eq!(credited(Node::new(tells)).await.unwrap(), honest, "{tells:?}");
    }
}

/// A receipt that does not say whether its transaction succeeded proves nothing; and neither does one that tells of other events than the
/// logs did.
#[tokio::test]
async fn receipts_that_do_not_bear_out_the_logs_prove_nothing() {
    for tells in [Tells::Honestly, Tells::Nothing] {
        let mut node = Node::new(tells);
        drop(node.receipts[0].as_object_mut().unwrap().remove("status"));
        let numbers: Vec<u8> = credited(node).await.unwrap().iter().map(|(number, ..)| *number).collect();
        assert_eq!(numbers, [5, 10, 10, 10], "{tells:?}");
    }
    // The logs tell of the payment, the receipt of another amount or of nothing: one of them lies.
    for change in [json!([]), json!(null)] {
        let told = Node::new(Tells::Honestly);
        let logs = told.logs(&json!({"address": "0xdac17f958d2ee523a2206206994597c13d831ec7", "topics": [[TRANSFER]]}));
        let mut node = Differing { node: told, logs };
        if change.is_null() {
            node.node.receipts[0]["logs"][0]["data"] = json!(format!("0x{:064x}", 13_000_000));
        } else {
            node.node.receipts[0]["logs"] = change;
        }
        let chain = chains::known().into_iter().find(|chain| chain.id.as_str() == "ethereum-mainnet").expect("a known chain");
        let source = EvmSource::new(chain, Arc::new(node));
        let block = source.block(20_000_000).await.unwrap().expect("the block");
        inconsistent(source.transfers(&[block], &Both).await);
    }
}

const TRANSFER: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

/// A node whose logs are not those of its receipts.
struct Differing {
    node: Node,
    logs: Vec<Value>,
}

impl Rpc for Differing {
    fn call<'a>(&'a self, path: &'a str, body: Bytes) -> BoxFuture<'a, Result<Bytes, RpcFault>> {
        let call: Value = serde_json::from_slice(&body).unwrap();
        if call["method"] == "eth_getLogs" {
            let answer = json!({"jsonrpc": "2.0", "id": call["id"], "result": self.logs});
            return ready(Ok(answer.to_string().into())).boxed();
        }
        self.node.call(path, body)
    }
}
