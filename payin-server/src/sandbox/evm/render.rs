//! Blocks, receipts and logs as a node's JSON. Looks nothing up but the contents of the block it is given.

use alloy::primitives::{Address, B256, Bloom, Log, U256, b256};
use serde_json::{Value, json};

use super::{Block, EvmChain, Transaction};

/// Hash of an empty list of uncles: every block's since the merge.
const NO_UNCLES: B256 = b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
/// Gas is made up, but adds up: each transaction costs this, and each of its logs that.
const TRANSACTION_GAS: u64 = 21_000;
const LOG_GAS: u64 = 30_000;
const BLOCK_GAS_LIMIT: u64 = 60_000_000;
/// 1 gwei.
const GAS_PRICE: u64 = 1_000_000_000;

/// A number the way Ethereum writes it.
pub(super) fn quantity(number: u64) -> String {
    format!("{number:#x}")
}

/// A transaction and where it is in its block.
pub(super) struct Mined<'a> {
    pub(super) hash: B256,
    transaction: &'a Transaction,
    block: &'a Block,
    index: u64,
    /// Block-wide index of its first log: changes when it is mined again behind other transactions.
    first_log: u64,
    gas_before: u64,
}

/// A block's transactions in order.
pub(super) fn walk<'a>(chain: &'a EvmChain, block: &'a Block) -> Vec<Mined<'a>> {
    let (mut first_log, mut gas_before) = (0_u64, 0_u64);
    let mut mined = Vec::new();
    for (index, hash) in (0_u64..).zip(&block.transactions) {
        let Some(transaction) = chain.transactions.get(hash) else { continue };
        mined.push(Mined { hash: *hash, transaction, block, index, first_log, gas_before });
        first_log = first_log.saturating_add(count(transaction.emitted().len()));
        gas_before = gas_before.saturating_add(gas(transaction));
    }
    mined
}

impl<'a> Mined<'a> {
    /// Its logs with their block-wide indexes.
    pub(super) fn logs(&self) -> impl Iterator<Item = (u64, &'a Log)> {
        (self.first_log..).zip(self.transaction.emitted())
    }

    pub(super) fn log_json(&self, log_index: u64, log: &Log) -> Value {
        json!({
            "address": log.address,
            "topics": log.topics(),
            "data": log.data.data,
            "blockNumber": quantity(self.block.number),
            "blockHash": self.block.hash,
            "blockTimestamp": quantity(self.block.time_s),
            "transactionHash": self.hash,
            "transactionIndex": quantity(self.index),
            "logIndex": quantity(log_index),
            "removed": false,
        })
    }

    pub(super) fn receipt(&self) -> Value {
        let (from, to) = parties(self.transaction);
        let logs: Vec<Value> = self.logs().map(|(log_index, log)| self.log_json(log_index, log)).collect();
        json!({
            "type": "0x0",
            "status": quantity(u64::from(self.transaction.success)),
            "transactionHash": self.hash,
            "transactionIndex": quantity(self.index),
            "blockHash": self.block.hash,
            "blockNumber": quantity(self.block.number),
            "from": from,
            "to": to,
            "contractAddress": null,
            "gasUsed": quantity(gas(self.transaction)),
            "cumulativeGasUsed": quantity(self.gas_before.saturating_add(gas(self.transaction))),
            "effectiveGasPrice": quantity(GAS_PRICE),
            "logsBloom": bloom(self.transaction.emitted()),
            "logs": logs,
        })
    }

    /// The transaction itself. It is unsigned in truth: the signature only has values that clients can parse.
    fn json(&self, chain: &EvmChain) -> Value {
        let (from, to) = parties(self.transaction);
        json!({
            "type": "0x0",
            "chainId": quantity(chain.chain_id),
            "hash": self.hash,
            "nonce": "0x0",
            "blockHash": self.block.hash,
            "blockNumber": quantity(self.block.number),
            "transactionIndex": quantity(self.index),
            "from": from,
            "to": to,
            "value": "0x0",
            "gas": quantity(gas(self.transaction)),
            "gasPrice": quantity(GAS_PRICE),
            "input": "0x",
            "r": "0x1",
            "s": "0x1",
            "v": quantity(chain.chain_id.saturating_mul(2).saturating_add(35)),
        })
    }
}

/// A block; `full` carries its transactions instead of their hashes.
pub(super) fn block(chain: &EvmChain, block: &Block, full: bool) -> Value {
    let mined = walk(chain, block);
    let gas_used = mined.last().map_or(0, |last| last.gas_before.saturating_add(gas(last.transaction)));
    let transactions: Vec<Value> = mined.iter().map(|mined| if full { mined.json(chain) } else { json!(mined.hash) }).collect();
    json!({
        "number": quantity(block.number),
        "hash": block.hash,
        "parentHash": block.parent_hash,
        "timestamp": quantity(block.time_s),
        "logsBloom": bloom(mined.iter().flat_map(|mined| mined.transaction.emitted())),
        "transactions": transactions,
        "gasUsed": quantity(gas_used),
        "gasLimit": quantity(BLOCK_GAS_LIMIT),
        "baseFeePerGas": quantity(GAS_PRICE),
        "sha3Uncles": NO_UNCLES,
        "uncles": [],
        "stateRoot": B256::ZERO,
        "transactionsRoot": B256::ZERO,
        "receiptsRoot": B256::ZERO,
        "mixHash": B256::ZERO,
        "miner": Address::ZERO,
        "nonce": "0x0000000000000000",
        "difficulty": "0x0",
        "totalDifficulty": "0x0",
        "extraData": "0x",
        "size": "0x220",
    })
}

/// A word that a contract returns: 32 bytes.
pub(super) fn word(number: u64) -> String {
    format!("{:#x}", B256::from(U256::from(number)))
}

/// A string as a Solidity function returns it: offset, length, bytes padded to whole words.
pub(super) fn abi_string(text: &str) -> String {
    let mut encoded = Vec::new();
    encoded.extend(U256::from(32).to_be_bytes::<32>());
    encoded.extend(U256::from(text.len()).to_be_bytes::<32>());
    encoded.extend(text.as_bytes());
    encoded.resize(encoded.len().next_multiple_of(32), 0);
    alloy::primitives::hex::encode_prefixed(encoded)
}

/// The sender pays from the first log's `from` and calls the contract of that log.
fn parties(transaction: &Transaction) -> (Address, Address) {
    let first = transaction.logs.first();
    let from = first.and_then(|log| log.topics().get(1)).map_or(Address::ZERO, |topic| Address::from_word(*topic));
    (from, first.map_or(Address::ZERO, |log| log.address))
}

fn gas(transaction: &Transaction) -> u64 {
    TRANSACTION_GAS.saturating_add(LOG_GAS.saturating_mul(count(transaction.emitted().len())))
}

fn bloom<'a>(logs: impl IntoIterator<Item = &'a Log>) -> Bloom {
    logs.into_iter().collect()
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
