//! The calls that are made to a Solana node, each with the same care for what is asked and what is answered. No rules here.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use solana_client::nonblocking::rpc_client::RpcClient;
use solana_client::rpc_client::RpcClientConfig;
use solana_client::rpc_request::RpcRequest;

use super::answers::{Account, AsOf, FullBlock, Header, Placed, Signature};
use super::transport::{Failed, OverRpc, failed};
use crate::chain::source::SourceFault;
use crate::env::Rpc;

/// How many calls are under way at a time: enough to hide the way to the node, few enough for a provider's limits.
pub(super) const AT_ONCE: usize = 8;
/// The most accounts that a node tells of at once (agave's `MAX_MULTIPLE_ACCOUNTS`).
const ACCOUNTS_A_CALL: usize = 100;
/// The widest range of slots that a node lists (agave's `MAX_GET_CONFIRMED_BLOCKS_RANGE`).
const SLOTS_A_CALL: u64 = 500_000;

/// How sure the cluster is of what is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Two thirds of the stake have voted for it.
    Confirmed,
    /// 31 more blocks have been built and voted on.
    Finalized,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Finalized => "finalized",
        }
    }
}

/// A node.
pub(super) struct Node(RpcClient);

impl Node {
    pub(super) fn new(rpc: Arc<dyn Rpc>) -> Self {
        Self(RpcClient::new_sender(OverRpc::new(rpc), RpcClientConfig::default()))
    }

    async fn call<T: DeserializeOwned>(&self, request: RpcRequest, params: Value) -> Result<T, Failed> {
        self.0.send(request, params).await.map_err(|error| failed(&error))
    }

    pub(super) async fn genesis(&self) -> Result<String, Failed> {
        self.call(RpcRequest::GetGenesisHash, Value::Null).await
    }

    /// The oldest block it has.
    pub(super) async fn first_block(&self) -> Result<u64, Failed> {
        self.call(RpcRequest::GetFirstAvailableBlock, Value::Null).await
    }

    /// The newest slot.
    pub(super) async fn slot(&self, level: Level) -> Result<u64, Failed> {
        self.call(RpcRequest::GetSlot, json!([{"commitment": level.word()}])).await
    }

    /// The slots with blocks from one to another, or as far as a node lists them.
    pub(super) async fn slots(&self, from: u64, to: u64, level: Level) -> Result<Vec<u64>, Failed> {
        let to = to.min(from.saturating_add(SLOTS_A_CALL.saturating_sub(1)));
        let slots: Vec<u64> = self.call(RpcRequest::GetBlocks, json!([from, to, {"commitment": level.word()}])).await?;
        let in_order = slots.is_sorted_by(|a, b| a < b) && slots.iter().all(|slot| (from..=to).contains(slot));
        if in_order { Ok(slots) } else { Err(SourceFault::Inconsistent("its list of blocks is not what was asked for".to_owned()).into()) }
    }

    /// A block without what is in it.
    pub(super) async fn header(&self, slot: u64, level: Level) -> Result<Header, Failed> {
        self.get_block(slot, level, "none").await
    }

    /// A block with everything in it.
    pub(super) async fn block(&self, slot: u64, level: Level) -> Result<FullBlock, Failed> {
        self.get_block(slot, level, "full").await
    }

    async fn get_block<T: DeserializeOwned>(&self, slot: u64, level: Level, details: &str) -> Result<T, Failed> {
        // Without maxSupportedTransactionVersion a node refuses blocks that hold a versioned transaction: nearly all.
        let how = json!({"encoding": "json", "transactionDetails": details, "rewards": false, "maxSupportedTransactionVersion": 0,
            "commitment": level.word()});
        let block: Option<T> = self.call(RpcRequest::GetBlock, json!([slot, how])).await?;
        block.ok_or(Failed::NotYet("it does not have that block at the commitment asked for"))
    }

    /// A part of an account's history, newest first.
    pub(super) async fn signatures(
        &self,
        account: &str,
        before: Option<&str>,
        limit: usize,
        reached: u64,
        level: Level,
    ) -> Result<Vec<Signature>, Failed> {
        let mut how = json!({"limit": limit, "minContextSlot": reached, "commitment": level.word()});
        if let (Some(before), Some(how)) = (before, how.as_object_mut()) {
            how.insert("before".to_owned(), before.into());
        }
        self.call(RpcRequest::GetSignaturesForAddress, json!([account, how])).await
    }

    /// A transaction that the node has listed.
    pub(super) async fn transaction(&self, signature: &str, level: Level) -> Result<Placed, SourceFault> {
        let how = json!({"encoding": "json", "maxSupportedTransactionVersion": 0, "commitment": level.word()});
        let placed: Option<Placed> = self.call(RpcRequest::GetTransaction, json!([signature, how])).await?;
        let placed =
            placed.ok_or_else(|| SourceFault::Inconsistent(format!("it lists the transaction {signature} and does not have it")))?;
        if placed.recorded.transaction.signatures.first().is_some_and(|first| first == signature) {
            Ok(placed)
        } else {
            Err(SourceFault::Inconsistent(format!("asked for the transaction {signature} it gave another")))
        }
    }

    /// Accounts, with as many of their first bytes as are asked for; each with the slot that this is true of.
    pub(super) async fn accounts(
        &self,
        accounts: &[String],
        bytes: usize,
        reached: u64,
        level: Level,
    ) -> Result<Vec<(u64, Option<Account>)>, Failed> {
        let chunks: Vec<Vec<String>> = accounts.chunks(ACCOUNTS_A_CALL).map(<[String]>::to_vec).collect();
        let answers = stream::iter(chunks).map(|chunk| async move {
            let how = json!({"encoding": "base64", "dataSlice": {"offset": 0, "length": bytes}, "minContextSlot": reached,
                "commitment": level.word()});
            let answer: AsOf<Vec<Option<Account>>> = self.call(RpcRequest::GetMultipleAccounts, json!([chunk, how])).await?;
            if answer.value.len() == chunk.len() && answer.context.slot >= reached {
                Ok(answer)
            } else {
                Err(Failed::Fault(SourceFault::Inconsistent("its answer about accounts is not what was asked for".to_owned())))
            }
        });
        let answers: Vec<_> = answers.buffered(AT_ONCE).try_collect().await?;
        let each = answers.into_iter().flat_map(|answer| answer.value.into_iter().map(move |account| (answer.context.slot, account)));
        Ok(each.collect())
    }
}
