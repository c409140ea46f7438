//! EVM chains over alloy: ERC-20 `Transfer` events of pinned contracts. Never calldata, traces or native coins.

pub mod decode;
mod transport;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use alloy::primitives::{Address as EvmAddress, B256, Bloom, BloomInput, Bytes};
use alloy::rpc::client::RpcClient;
use alloy::rpc::types::{Filter, Log};
use alloy::transports::{RpcError, TransportErrorKind};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::finality::Rest;
use payin_core::transfer::Transfer;
use payin_core::{Block, Chain};
use payin_types::Timestamp;
use serde::Deserialize;

use super::source::{Heads, Read, Source, SourceFault};
use super::watch::{Watch, Watched};
use crate::env::{Rpc, RpcFault};
use decode::Seen;

/// The range first asked for; grows while answers come, halves when the node refuses.
const RANGE_FIRST: u64 = 500;
const RANGE_MAX: u64 = 5_000;

/// JSON-RPC's word for a method that a node does not have.
const METHOD_NOT_FOUND: i64 = -32601;

/// A node's word on a block: only what following needs, so that every EVM chain's own header fields do not matter.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    #[serde(with = "alloy::serde::quantity")]
    number: u64,
    hash: B256,
    parent_hash: B256,
    #[serde(with = "alloy::serde::quantity")]
    timestamp: u64,
    logs_bloom: Option<Bloom>,
}

impl Header {
    fn block(&self) -> Block {
        Block {
            number: self.number,
            hash: self.hash.to_string(),
            parent_hash: self.parent_hash.to_string(),
            time: Timestamp::from_secs(i64::try_from(self.timestamp).unwrap_or(i64::MAX)),
        }
    }
}

/// A node's word on a transaction, whatever its type.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    #[serde(default, with = "alloy::serde::quantity::opt")]
    status: Option<u64>,
    block_hash: B256,
    logs: Vec<Log>,
}

/// An EVM chain behind a JSON-RPC transport.
pub struct EvmSource {
    chain: Chain,
    contracts: Vec<EvmAddress>,
    client: RpcClient,
    range: AtomicU64,
    /// The headers last fetched: their transfers are usually asked for next.
    last: Mutex<Vec<Header>>,
}

fn fault(error: &RpcError<TransportErrorKind>) -> SourceFault {
    if let RpcError::Transport(TransportErrorKind::Custom(cause)) = error
        && let Some(cause) = cause.downcast_ref::<RpcFault>()
    {
        return cause.clone().into();
    }
    SourceFault::Unavailable(match error {
        RpcError::ErrorResp(answer) => {
            format!("it answered error {}: {}", answer.code, answer.message.chars().take(200).collect::<String>())
        }
        RpcError::DeserError { err, .. } => format!("its answer cannot be read: {err}"),
        other => other.to_string(),
    })
}

impl EvmSource {
    /// A chain's source over a transport.
    #[must_use]
    pub fn new(chain: Chain, rpc: Arc<dyn Rpc>) -> Self {
        let contracts =
            chain.tokens.iter().filter_map(|token| payin_core::address::evm_bytes(token.contract.as_str())).map(EvmAddress::from);
        Self {
            contracts: contracts.collect(),
            client: RpcClient::new(transport::OverRpc(rpc), false),
            range: AtomicU64::new(RANGE_FIRST),
            last: Mutex::default(),
            chain,
        }
    }

    async fn header(&self, place: String) -> Result<Option<Header>, SourceFault> {
        self.client.request("eth_getBlockByNumber", (place, false)).await.map_err(|error| fault(&error))
    }

    async fn logs(&self, filter: &Filter) -> Result<Vec<Log>, RpcError<TransportErrorKind>> {
        self.client.request("eth_getLogs", (filter,)).await
    }

    fn filter(&self) -> Filter {
        Filter::new().address(self.contracts.clone()).event_signature(decode::TRANSFER)
    }

    /// Logs become transfers: those to watched addresses, each checked against its transaction's receipt.
    async fn transfers_of(&self, logs: Vec<Log>, times: &dyn BlockTimes, watched: &Watched) -> Result<Vec<Transfer>, SourceFault> {
        let mut receipts: BTreeMap<B256, Receipt> = BTreeMap::new();
        let mut transfers = Vec::new();
        for log in logs {
            let Some(seen) = decode::transfer(&log, &self.chain) else { continue };
            if !watched.has(&seen.to) {
                continue;
            }
            let (Some(hash), Some(block_hash), Some(number)) = (log.transaction_hash, log.block_hash, log.block_number) else {
                return Err(SourceFault::Inconsistent("a log without its place".to_owned()));
            };
            let receipt = match receipts.entry(hash) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(self.receipt(hash, block_hash).await?),
            };
            let Some(ordinal) = confirmed_by(receipt, &log)? else { continue };
            let time = times.of(number, block_hash).await?;
            transfers.extend(build(&self.chain, seen, hash, ordinal, (number, block_hash, time)));
        }
        Ok(transfers)
    }

    async fn receipt(&self, transaction: B256, block: B256) -> Result<Receipt, SourceFault> {
        let receipt: Option<Receipt> =
            self.client.request("eth_getTransactionReceipt", (transaction,)).await.map_err(|error| fault(&error))?;
        let receipt = receipt.ok_or_else(|| SourceFault::Inconsistent(format!("it has a log of {transaction} and no receipt")))?;
        if receipt.block_hash == block {
            Ok(receipt)
        } else {
            Err(SourceFault::Inconsistent(format!("log and receipt of {transaction} name different blocks")))
        }
    }
}

/// The place of a log among its receipt's logs, if the transaction succeeded. The receipt must hold the very same event.
fn confirmed_by(receipt: &Receipt, log: &Log) -> Result<Option<u64>, SourceFault> {
    if receipt.status != Some(1) {
        return Ok(None);
    }
    let place = receipt.logs.iter().position(|other| other.log_index == log.log_index && other.inner == log.inner);
    let place = place.ok_or_else(|| SourceFault::Inconsistent("a log is not in its transaction's receipt".to_owned()))?;
    Ok(u64::try_from(place).ok())
}

fn build(chain: &Chain, seen: Seen, transaction: B256, ordinal: u64, (number, hash, time): (u64, B256, Timestamp)) -> Option<Transfer> {
    let Some(amount) = seen.amount else {
        let to = payin_core::address::Address::from_evm_bytes(&seen.to);
        tracing::warn!(chain.id = %chain.id, transfer.tx = %transaction, %to, "a transfer of a trillion tokens or more is ignored: is the token's contract the right one?");
        return None;
    };
    Some(Transfer {
        chain_id: chain.id.clone(),
        tx_hash: transaction.to_string(),
        ordinal,
        block_number: number,
        block_hash: hash.to_string(),
        block_time: time,
        currency: seen.currency,
        contract: seen.contract,
        from: payin_core::address::Address::from_evm_bytes(&seen.from),
        to: payin_core::address::Address::from_evm_bytes(&seen.to),
        amount,
    })
}

/// How the time of a log's block is learned.
trait BlockTimes: Send + Sync {
    fn of(&self, number: u64, hash: B256) -> BoxFuture<'_, Result<Timestamp, SourceFault>>;
}

struct OneBlock(Timestamp);

impl BlockTimes for OneBlock {
    fn of(&self, _: u64, _: B256) -> BoxFuture<'_, Result<Timestamp, SourceFault>> {
        futures_util::future::ready(Ok(self.0)).boxed()
    }
}

impl BlockTimes for EvmSource {
    fn of(&self, number: u64, hash: B256) -> BoxFuture<'_, Result<Timestamp, SourceFault>> {
        async move {
            let header = self.header(format!("0x{number:x}")).await?;
            match header {
                Some(header) if header.hash == hash => Ok(header.block().time),
                _ => Err(SourceFault::Inconsistent(format!("block {number} of a log is another one now"))),
            }
        }
        .boxed()
    }
}

impl Source for EvmSource {
    fn check(&self) -> BoxFuture<'_, Result<(), SourceFault>> {
        async move {
            let id: String = self.client.request_noparams("eth_chainId").await.map_err(|error| fault(&error))?;
            let id = id.strip_prefix("0x").and_then(|hex| u64::from_str_radix(hex, 16).ok());
            if id != self.chain.numeric_id {
                let said = |id: Option<u64>| id.map_or_else(|| "nothing".to_owned(), |id| id.to_string());
                let text = format!("{} has the chain id {}, the node says {}", self.chain.id, said(self.chain.numeric_id), said(id));
                return Err(SourceFault::Mismatch(text));
            }
            let receipts: Result<serde_json::Value, _> = self.client.request("eth_getBlockReceipts", ("latest",)).await;
            if let Err(RpcError::ErrorResp(answer)) = receipts
                && answer.code == METHOD_NOT_FOUND
            {
                let text =
                    "the node lacks eth_getBlockReceipts, without which an empty answer cannot be told from a missing one".to_owned();
                return Err(SourceFault::Mismatch(text));
            }
            for (token, contract) in self.chain.tokens.iter().zip(&self.contracts) {
                let call = serde_json::json!({"to": contract, "data": "0x313ce567"});
                let answer: Bytes = self.client.request("eth_call", (call, "latest")).await.map_err(|error| fault(&error))?;
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
        .boxed()
    }

    fn heads(&self) -> BoxFuture<'_, Result<Heads, SourceFault>> {
        async move {
            let latest = self.header("latest".to_owned()).await?;
            let latest = latest.ok_or_else(|| SourceFault::Inconsistent("it has no newest block".to_owned()))?.block();
            // A node without the tag answers an error or null: nothing is final then, and nothing is lost.
            let finalized = self.header("finalized".to_owned()).await.ok().flatten();
            let finalized = finalized.map(|header| Rest { number: header.number, hash: header.hash.to_string() });
            Ok(Heads { latest, finalized })
        }
        .boxed()
    }

    fn block(&self, number: u64) -> BoxFuture<'_, Result<Option<Block>, SourceFault>> {
        async move {
            let Some(header) = self.header(format!("0x{number:x}")).await? else { return Ok(None) };
            if header.number != number {
                return Err(SourceFault::Inconsistent(format!("asked for block {number} it gave {}", header.number)));
            }
            Ok(Some(header.block()))
        }
        .boxed()
    }

    fn above<'a>(&'a self, tip: &'a Block, latest: &'a Block, max: usize) -> BoxFuture<'a, Result<Vec<Block>, SourceFault>> {
        async move {
            let mut headers = Vec::new();
            for number in (tip.number.saturating_add(1)..=latest.number).take(max) {
                match self.header(format!("0x{number:x}")).await? {
                    Some(header) if header.number == number => headers.push(header),
                    Some(header) => return Err(SourceFault::Inconsistent(format!("asked for block {number} it gave {}", header.number))),
                    None => break,
                }
            }
            let blocks = headers.iter().map(Header::block).collect();
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = headers;
            Ok(blocks)
        }
        .boxed()
    }

    fn transfers<'a>(&'a self, blocks: &'a [Block], watch: &'a dyn Watch) -> BoxFuture<'a, Result<Vec<Transfer>, SourceFault>> {
        async move {
            let mut transfers = Vec::new();
            for block in blocks {
                transfers.extend(self.transfers_in(block, watch).await?);
            }
            Ok(transfers)
        }
        .boxed()
    }

    fn range<'a>(&'a self, from: u64, to: u64, watch: &'a dyn Watch) -> BoxFuture<'a, Result<Read, SourceFault>> {
        async move {
            loop {
                let size = self.range.load(Ordering::Relaxed).max(1);
                let end = to.min(from.saturating_add(size.saturating_sub(1)));
                match self.logs_and_end(from, end).await {
                    Ok((logs, last)) => {
                        self.range.store(size.saturating_add(size / 4).saturating_add(1).min(RANGE_MAX), Ordering::Relaxed);
                        if logs.iter().any(|log| log.block_number.is_none_or(|number| !(from..=end).contains(&number))) {
                            return Err(SourceFault::Inconsistent(format!("asked for logs of blocks {from} to {end} it gave others")));
                        }
                        let last = last.filter(|last| last.number == end);
                        let last =
                            last.ok_or_else(|| SourceFault::Inconsistent(format!("it gives logs up to block {end} and lacks it")))?;
                        let watched = watch.now().await?;
                        let transfers = self.transfers_of(logs, self, &watched).await?;
                        return Ok(Read { last: last.block(), transfers });
                    }
                    Err(error) => {
                        // Too much, too slow or too large is told in many ways: less is asked for next, whatever it was.
                        self.range.store((size / 2).max(1), Ordering::Relaxed);
                        if size == 1 || !matches!(error, RpcError::ErrorResp(_)) {
                            return Err(fault(&error));
                        }
                    }
                }
            }
        }
        .boxed()
    }
}

impl EvmSource {
    /// A range's logs and its last block, from one request: behind a load balancer, from one node.
    async fn logs_and_end(&self, from: u64, end: u64) -> Result<(Vec<Log>, Option<Header>), RpcError<TransportErrorKind>> {
        let mut batch = self.client.new_batch();
        let logs = batch.add_call("eth_getLogs", &(self.filter().from_block(from).to_block(end),))?;
        let last = batch.add_call("eth_getBlockByNumber", &(format!("0x{end:x}"), false))?;
        batch.send().await?;
        Ok((logs.await?, last.await?))
    }

    /// The transfers in exactly this block, found by its hash.
    async fn transfers_in(&self, block: &Block, watch: &dyn Watch) -> Result<Vec<Transfer>, SourceFault> {
        let hash: B256 = block.hash.parse().map_err(|_| SourceFault::Inconsistent("a block hash that is none".to_owned()))?;
        let header = self.header_of(hash).await?;
        if !header.logs_bloom.is_none_or(|bloom| self.may_hold_transfers(&bloom)) {
            return Ok(Vec::new());
        }
        let mut logs = self.logs(&self.filter().at_block_hash(hash)).await.map_err(|error| fault(&error))?;
        if logs.is_empty() {
            // A node that does not have the block may answer just this. The block's receipts cannot be mistaken for none.
            logs = self.logs_of_receipts(hash).await?;
        }
        if logs.iter().any(|log| log.block_hash != Some(hash) || log.block_number != Some(block.number)) {
            return Err(SourceFault::Inconsistent(format!("asked for logs of block {} it gave others", block.number)));
        }
        let watched = watch.now().await?;
        self.transfers_of(logs, &OneBlock(block.time), &watched).await
    }

    async fn header_of(&self, hash: B256) -> Result<Header, SourceFault> {
        let known = self.last.lock().unwrap_or_else(PoisonError::into_inner).iter().find(|header| header.hash == hash).cloned();
        if let Some(header) = known {
            return Ok(header);
        }
        let header: Option<Header> = self.client.request("eth_getBlockByHash", (hash, false)).await.map_err(|error| fault(&error))?;
        header.filter(|header| header.hash == hash).ok_or_else(|| SourceFault::Inconsistent(format!("block {hash} is gone")))
    }

    /// The logs of our tokens in a block, from its receipts.
    async fn logs_of_receipts(&self, hash: B256) -> Result<Vec<Log>, SourceFault> {
        let receipts: Option<Vec<Receipt>> = self.client.request("eth_getBlockReceipts", (hash,)).await.map_err(|error| fault(&error))?;
        let receipts = receipts.ok_or_else(|| SourceFault::Inconsistent(format!("it has no receipts of block {hash}")))?;
        if receipts.iter().any(|receipt| receipt.block_hash != hash) {
            return Err(SourceFault::Inconsistent(format!("asked for receipts of block {hash} it gave others")));
        }
        let ours = |log: &Log| self.contracts.contains(&log.inner.address) && log.inner.data.topics().first() == Some(&decode::TRANSFER);
        Ok(receipts.into_iter().flat_map(|receipt| receipt.logs).filter(ours).collect())
    }

    /// Whether a block's bloom allows for a transfer of one of our tokens; where it does not, there is none.
    fn may_hold_transfers(&self, bloom: &Bloom) -> bool {
        bloom.contains_input(BloomInput::Raw(decode::TRANSFER.as_slice()))
            && self.contracts.iter().any(|contract| bloom.contains_input(BloomInput::Raw(contract.as_slice())))
    }
}
