//! A node's JSON-RPC as every family has it: headers, logs, calls, and what its errors mean. It believes nothing and decides nothing.

use std::fmt;
use std::sync::Arc;

use alloy::primitives::{Address as EvmAddress, B256};
use alloy::rpc::client::RpcClient;
use alloy::rpc::json_rpc::{RpcRecv, RpcSend};
use alloy::rpc::types::Filter;
use alloy::transports::{RpcError, TransportErrorKind};
use serde_json::value::RawValue;

use super::wire::Header;
use super::{appetite, decode, transport};
use crate::chain::SourceFault;
use crate::env::{Rpc, RpcFault};

/// Why a call has no result.
pub(crate) type CallError = RpcError<TransportErrorKind>;

/// JSON-RPC's word for a method that a node does not have.
pub(crate) const METHOD_NOT_FOUND: i64 = -32601;

/// Which block is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The newest.
    Latest,
    /// The newest that is final by the chain's own word.
    Finalized,
    /// The one of this height.
    Number(u64),
    /// The one of this hash.
    Hash(B256),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Finalized => f.write_str("finalized"),
            Self::Number(number) => write!(f, "{number:#x}"),
            Self::Hash(hash) => write!(f, "{hash}"),
        }
    }
}

/// What an error of a call is to the follower.
pub(crate) fn fault(error: &CallError) -> SourceFault {
    if let Some(cause) = transport_fault(error) {
        return cause.clone().into();
    }
    SourceFault::Unavailable(match error {
        RpcError::ErrorResp(answer) if appetite::is_too_often(answer.code, &answer.message) => {
            return SourceFault::Limited { retry_after: None };
        }
        RpcError::ErrorResp(answer) => {
            format!("it answered error {}: {}", answer.code, answer.message.chars().take(200).collect::<String>())
        }
        RpcError::DeserError { err, .. } => format!("its answer cannot be read: {err}"),
        other => other.to_string(),
    })
}

fn transport_fault(error: &CallError) -> Option<&RpcFault> {
    let RpcError::Transport(TransportErrorKind::Custom(cause)) = error else { return None };
    cause.downcast_ref()
}

/// What a call that asked for much failed of, if asking for less may help: the node's own words, or nothing but that it was too much.
pub(crate) fn refusal(error: &CallError) -> Option<&str> {
    match error {
        RpcError::ErrorResp(answer) if !appetite::is_too_often(answer.code, &answer.message) => Some(&answer.message),
        // A node that answers fewer of a batch than were asked.
        RpcError::Transport(TransportErrorKind::MissingBatchResponse(_)) => Some(""),
        _ => match transport_fault(error)? {
            RpcFault::TooLarge | RpcFault::Status { status: 413, .. } => Some(""),
            _ => None,
        },
    }
}

/// Whether a call took too long. Asking for less helps, but not now: a second wait like this and the lease is gone.
pub(crate) fn took_too_long(error: &CallError) -> bool {
    matches!(transport_fault(error), Some(RpcFault::Timeout | RpcFault::Status { status: 408 | 504 | 524, .. }))
}

/// A node.
pub struct Node {
    client: RpcClient,
    /// The contracts of our tokens.
    contracts: Vec<EvmAddress>,
}

impl Node {
    pub(super) fn new(rpc: Arc<dyn Rpc>, contracts: Vec<EvmAddress>) -> Self {
        Self { client: RpcClient::new(transport::OverRpc(rpc), false), contracts }
    }

    /// The contracts of our tokens.
    pub(crate) fn contracts(&self) -> &[EvmAddress] {
        &self.contracts
    }

    /// One call.
    pub(crate) async fn call<P: RpcSend, R: RpcRecv>(&self, method: &'static str, params: P) -> Result<R, CallError> {
        self.client.request(method, params).await
    }

    /// The same call several times, in one request.
    pub(crate) async fn calls<P: RpcSend, R: RpcRecv>(&self, method: &'static str, all: &[P]) -> Result<Vec<R>, CallError> {
        self.calls_each(method, all).await?.into_iter().collect()
    }

    /// The same, where each may fail by itself.
    pub(crate) async fn calls_each<P: RpcSend, R: RpcRecv>(
        &self,
        method: &'static str,
        all: &[P],
    ) -> Result<Vec<Result<R, CallError>>, CallError> {
        let mut batch = self.client.new_batch();
        let waiting = all.iter().map(|params| batch.add_call(method, params)).collect::<Result<Vec<_>, _>>()?;
        batch.send().await?;
        let mut answers = Vec::with_capacity(waiting.len());
        for answer in waiting {
            answers.push(answer.await);
        }
        Ok(answers)
    }

    /// A block's header.
    pub(crate) async fn header(&self, place: Place) -> Result<Option<Header>, CallError> {
        let method = if matches!(place, Place::Hash(_)) { "eth_getBlockByHash" } else { "eth_getBlockByNumber" };
        self.call(method, (place.to_string(), false)).await
    }

    /// The headers at these heights, in one request.
    pub(super) async fn headers(&self, numbers: impl Iterator<Item = u64>) -> Result<Vec<Option<Header>>, CallError> {
        let params: Vec<_> = numbers.map(|number| (Place::Number(number).to_string(), false)).collect();
        self.calls("eth_getBlockByNumber", &params).await
    }

    /// The `Transfer` events of our tokens in one block.
    pub(super) async fn logs_in(&self, block: B256) -> Result<Box<RawValue>, CallError> {
        self.call("eth_getLogs", (self.filter().at_block_hash(block),)).await
    }

    /// The same in a range of blocks, with the last one's header: in one request, so behind a load balancer from one node.
    pub(super) async fn logs_to(&self, from: u64, end: u64) -> Result<(Box<RawValue>, Option<Header>), CallError> {
        let mut batch = self.client.new_batch();
        let logs = batch.add_call("eth_getLogs", &(self.filter().from_block(from).to_block(end),))?;
        let last = batch.add_call("eth_getBlockByNumber", &(Place::Number(end).to_string(), false))?;
        batch.send().await?;
        Ok((logs.await?, last.await?))
    }

    fn filter(&self) -> Filter {
        Filter::new().address(self.contracts.clone()).event_signature(decode::TRANSFER)
    }
}
