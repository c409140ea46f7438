//! EVM chains over alloy: ERC-20 `Transfer` events of pinned contracts. Never calldata, traces or native coins.

use std::collections::BTreeSet;
use std::sync::Arc;

use alloy::primitives::{B256, Bloom, BloomInput};
use alloy::rpc::types::Log;
use alloy::transports::RpcError;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::Chain;
use serde::Deserialize;

use super::SourceFault;
use super::logs::family::{Family, Wanted};
use super::logs::node::{METHOD_NOT_FOUND, Node, fault};
use super::logs::wire::{Header, Receipt};
use super::logs::{LogSource, decode};
use crate::env::Rpc;

/// So many receipts in one batch: what most providers take.
const RECEIPTS: usize = 50;

/// An EVM chain behind a JSON-RPC transport.
pub type EvmSource = LogSource<Evm>;

impl EvmSource {
    /// A chain's source over a transport.
    #[must_use]
    pub fn new(chain: Chain, rpc: Arc<dyn Rpc>) -> Self {
        Self::over(chain, rpc, Evm)
    }
}

/// What is particular about EVM chains: the bloom in a block's header says which contracts may have emitted what.
pub struct Evm;

/// A node's word on a transaction, whatever its type.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    #[serde(default, with = "alloy::serde::quantity::opt")]
    status: Option<u64>,
    transaction_hash: B256,
    block_hash: B256,
    logs: Vec<Log>,
}

impl From<Said> for Receipt {
    fn from(said: Said) -> Self {
        let events = said.logs.into_iter().map(|log| log.inner).collect();
        Self { transaction: said.transaction_hash, succeeded: said.status == Some(1), events }
    }
}

impl Evm {
    async fn all(node: &Node, block: &Header) -> Result<Vec<Said>, SourceFault> {
        let receipts: Option<Vec<Said>> = node.call("eth_getBlockReceipts", (block.hash,)).await.map_err(|error| fault(&error))?;
        let receipts = receipts.ok_or_else(|| SourceFault::Inconsistent(format!("it has no receipts of block {}", block.hash)))?;
        // A list that lacks some is no evidence that there is nothing. More there may be: Polygon's bridge adds receipts of its own.
        let told: BTreeSet<&B256> = receipts.iter().map(|receipt| &receipt.transaction_hash).collect();
        match block.transactions.iter().find(|transaction| !told.contains(transaction)) {
            Some(missing) => Err(SourceFault::Inconsistent(format!("it lacks the receipt of {missing} in block {}", block.number))),
            None => Ok(receipts),
        }
    }

    async fn of(node: &Node, transactions: &[B256]) -> Result<Vec<Said>, SourceFault> {
        let mut receipts = Vec::new();
        for transactions in transactions.chunks(RECEIPTS) {
            let asked: Vec<_> = transactions.iter().map(|transaction| (transaction,)).collect();
            let found: Vec<Option<Said>> = node.calls("eth_getTransactionReceipt", &asked).await.map_err(|error| fault(&error))?;
            for (transaction, receipt) in transactions.iter().zip(found) {
                let receipt = receipt.filter(|receipt| &receipt.transaction_hash == transaction);
                let missing = || SourceFault::Inconsistent(format!("it has a log of {transaction} and no receipt"));
                receipts.push(receipt.ok_or_else(missing)?);
            }
        }
        Ok(receipts)
    }
}

impl Family for Evm {
    fn is_sound(&self, _: &Header) -> bool {
        // A hash says nothing that could be checked without all the fields of the header, which differ from chain to chain.
        true
    }

    fn rules_out(&self, header: &Header, node: &Node) -> bool {
        // Without a bit, beside transactions, it is one that was not made: Polygon has had such blocks, with logs in them.
        let made = |bloom: &Bloom| !bloom.is_zero() || header.transactions.is_empty();
        header.logs_bloom.filter(made).is_some_and(|bloom| {
            !bloom.contains_input(BloomInput::Raw(decode::TRANSFER.as_slice()))
                || !node.contracts().iter().any(|contract| bloom.contains_input(BloomInput::Raw(contract.as_slice())))
        })
    }

    fn check<'a>(&'a self, node: &'a Node) -> BoxFuture<'a, Result<(), SourceFault>> {
        async move {
            let receipts: Result<serde_json::Value, _> = node.call("eth_getBlockReceipts", ("latest",)).await;
            match receipts {
                Err(RpcError::ErrorResp(answer)) if answer.code == METHOD_NOT_FOUND => {
                    let text = "the node lacks eth_getBlockReceipts, without which an empty answer cannot be told from a missing one";
                    Err(SourceFault::Mismatch(text.to_owned()))
                }
                _ => Ok(()),
            }
        }
        .boxed()
    }

    fn receipts<'a>(&'a self, node: &'a Node, block: &'a Header, wanted: Wanted<'a>) -> BoxFuture<'a, Result<Vec<Receipt>, SourceFault>> {
        async move {
            let receipts = match wanted {
                Wanted::All => Self::all(node, block).await?,
                Wanted::Of(transactions) => Self::of(node, transactions).await?,
            };
            if receipts.iter().any(|receipt| receipt.block_hash != block.hash) {
                return Err(SourceFault::Inconsistent(format!("asked for receipts of block {} it gave others", block.number)));
            }
            Ok(receipts.into_iter().map(Receipt::from).collect())
        }
        .boxed()
    }
}
