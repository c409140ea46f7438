//! java-tron's HTTP interface, read: blocks, and what became of their transactions. Pure and total, and strict: what is not said plainly
//! is not known, and what is not known is asked for again.

use std::collections::BTreeMap;

use alloy::primitives::{Address as EvmAddress, B256, Bytes, Log as Event, LogData, hex};
use serde::Deserialize;

use crate::chain::SourceFault;
use crate::chain::logs::wire::{Header, Receipt};

#[derive(Deserialize)]
struct SaidBlock {
    #[serde(rename = "blockID")]
    block_id: Option<String>,
    #[serde(default)]
    block_header: SaidHeader,
    #[serde(default)]
    transactions: Vec<SaidTransaction>,
}

#[derive(Default, Deserialize)]
struct SaidHeader {
    #[serde(default)]
    raw_data: RawHeader,
}

/// A field that is zero is left out, as in the first block.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawHeader {
    number: u64,
    parent_hash: String,
    /// Milliseconds.
    timestamp: u64,
}

#[derive(Deserialize)]
struct SaidTransaction {
    #[serde(rename = "txID")]
    id: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SaidInfos {
    These(Vec<SaidInfo>),
    /// `{}`: there are none.
    Nothing {},
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SaidInfo {
    id: String,
    #[serde(default)]
    block_number: u64,
    /// Milliseconds.
    #[serde(default)]
    block_time_stamp: u64,
    /// `FAILED`, or nothing (or, with defaults written out, `SUCESS`: the protocol's own spelling).
    result: Option<String>,
    #[serde(default)]
    receipt: SaidReceipt,
    #[serde(default)]
    log: Vec<SaidLog>,
}

#[derive(Default, Deserialize)]
struct SaidReceipt {
    result: Option<String>,
}

#[derive(Deserialize)]
struct SaidLog {
    address: String,
    #[serde(default)]
    topics: Vec<String>,
    #[serde(default)]
    data: String,
}

fn unreadable(what: &str) -> SourceFault {
    SourceFault::Unavailable(format!("its {what} cannot be read"))
}

fn hash(text: &str) -> Option<B256> {
    text.parse().ok()
}

/// An account as nodes write it: 20 bytes, or 21 that begin with 0x41, with `0x` or without.
#[must_use]
pub fn account(text: &str) -> Option<[u8; 20]> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let digits = if digits.len() == 42 { digits.strip_prefix("41")? } else { digits };
    hex::decode(digits).ok()?.try_into().ok()
}

/// The block in an answer; `None` for `{}`.
///
/// # Errors
/// If it is no block.
pub fn header(answer: &[u8]) -> Result<Option<Header>, SourceFault> {
    let block: SaidBlock = serde_json::from_slice(answer).map_err(|_| unreadable("block"))?;
    let Some(id) = block.block_id else { return Ok(None) };
    let raw = block.block_header.raw_data;
    let transactions = block.transactions.iter().map(|transaction| hash(&transaction.id)).collect::<Option<_>>();
    let header = hash(&id).zip(transactions).map(|(hash, transactions)| Header {
        number: raw.number,
        hash,
        parent_hash: self::hash(&raw.parent_hash).unwrap_or_default(),
        timestamp: raw.timestamp / 1000,
        logs_bloom: None,
        transactions,
    });
    header.map(Some).ok_or_else(|| unreadable("block"))
}

/// What became of each transaction of a block, in the block's order.
///
/// # Errors
/// If it is not said of every one of them, and of no other.
pub fn receipts(answer: &[u8], block: &Header) -> Result<Vec<Receipt>, SourceFault> {
    let infos = match serde_json::from_slice(answer).map_err(|_| unreadable("transaction infos"))? {
        SaidInfos::These(infos) => infos,
        SaidInfos::Nothing {} => Vec::new(),
    };
    let mut known = BTreeMap::new();
    for info in infos {
        if info.block_number != block.number || info.block_time_stamp / 1000 != block.timestamp {
            return Err(SourceFault::Inconsistent(format!("asked for the transactions of block {} it told of others", block.number)));
        }
        let receipt = receipt(info)?;
        if let Some(other) = known.insert(receipt.transaction, receipt) {
            return Err(SourceFault::Inconsistent(format!("it tells twice what became of {}", other.transaction)));
        }
    }
    let told = known.len();
    let receipts: Vec<Receipt> = block.transactions.iter().filter_map(|transaction| known.remove(transaction)).collect();
    if receipts.len() != block.transactions.len() || receipts.len() != told {
        let (of, number) = (block.transactions.len(), block.number);
        return Err(SourceFault::Inconsistent(format!(
            "it tells what became of {} of the {of} transactions of block {number}",
            receipts.len()
        )));
    }
    Ok(receipts)
}

fn receipt(info: SaidInfo) -> Result<Receipt, SourceFault> {
    let transaction = hash(&info.id).ok_or_else(|| unreadable("transaction's id"))?;
    let succeeded = match info.receipt.result.as_deref() {
        Some("SUCCESS") => matches!(info.result.as_deref(), None | Some("SUCESS")),
        // Only a call of a contract has a result, and only that has events.
        None if !info.log.is_empty() => {
            return Err(SourceFault::Inconsistent(format!("it has events of {transaction} and does not say what became of it")));
        }
        _ => false,
    };
    let events = info.log.iter().map(event).collect::<Option<_>>().ok_or_else(|| unreadable("transaction's events"))?;
    Ok(Receipt { transaction, succeeded, events })
}

fn event(log: &SaidLog) -> Option<Event> {
    let topics = log.topics.iter().map(|topic| hash(topic)).collect::<Option<_>>()?;
    let data = hex::decode(&log.data).ok()?;
    Some(Event { address: EvmAddress::from(account(&log.address)?), data: LogData::new_unchecked(topics, Bytes::from(data)) })
}
