//! solana-client's transport over our own JSON-RPC seam, so that simulated nodes, tests and real nodes are spoken to by the same code; and
//! what a node's error codes mean. Nothing a node writes is repeated in a fault: only its codes, in our words.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use solana_client::client_error::{ClientError, ClientErrorKind, Result as ClientResult};
use solana_client::rpc_request::{RpcError, RpcRequest, RpcResponseErrorData};
use solana_client::rpc_sender::{RpcSender, RpcTransportStats};

use crate::chain::source::SourceFault;
use crate::env::{Rpc, RpcFault};

/// The seam as solana-client wants it.
pub(super) struct OverRpc {
    rpc: Arc<dyn Rpc>,
    next: AtomicU64,
}

impl OverRpc {
    pub(super) fn new(rpc: Arc<dyn Rpc>) -> Self {
        Self { rpc, next: AtomicU64::new(1) }
    }

    async fn ask(&self, request: RpcRequest, params: Value) -> ClientResult<Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let body = serde_json::to_vec(&request.build_request_json(id, params))?;
        let answer = self.rpc.call("", body.into()).await.map_err(|fault| ClientErrorKind::Middleware(anyhow::Error::new(fault)))?;
        let answer: Answer = serde_json::from_slice(&answer)?;
        if let Some(said) = answer.error {
            let refused = RpcError::RpcResponseError { code: said.code, message: String::new(), data: RpcResponseErrorData::Empty };
            return Err(refused.into());
        }
        // An answer to another question is none: proxies have mixed them up.
        let result = answer.result.filter(|_| answer.id == id);
        result.ok_or_else(|| ClientErrorKind::Custom("it answered another request, or none".to_owned()).into())
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    id: Value,
    /// Null is a result, too.
    #[serde(default, deserialize_with = "present")]
    result: Option<Value>,
    error: Option<Said>,
}

#[derive(Deserialize)]
struct Said {
    code: i64,
}

fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

impl RpcSender for OverRpc {
    fn send<'a, 'b>(&'a self, request: RpcRequest, params: Value) -> Pin<Box<dyn Future<Output = ClientResult<Value>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(self.ask(request, params))
    }

    fn get_transport_stats(&self) -> RpcTransportStats {
        RpcTransportStats::default()
    }

    /// Bears the provider's key, so it is not told.
    fn url(&self) -> String {
        String::new()
    }
}

/// Why a call brought nothing.
#[derive(Debug)]
pub(super) enum Failed {
    /// There is no block in that slot, or the node lost it: which of the two, its neighbours tell.
    Skipped,
    /// The node does not have it yet.
    NotYet(&'static str),
    /// Anything else.
    Fault(SourceFault),
}

impl From<Failed> for SourceFault {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Skipped => Self::Inconsistent("it says that a slot with a block was skipped".to_owned()),
            Failed::NotYet(why) => Self::Unavailable(why.to_owned()),
            Failed::Fault(fault) => fault,
        }
    }
}

impl From<SourceFault> for Failed {
    fn from(fault: SourceFault) -> Self {
        Self::Fault(fault)
    }
}

/// What a code means for us.
#[derive(Debug, Clone, Copy)]
enum Meaning {
    Skipped,
    NotYet,
    Unavailable,
    Limited,
}

/// The codes of agave's RPC (crate `solana-rpc-client-api` 4.2.2, `custom_error.rs`; -32601 and -32602 are JSON-RPC's own; 429 is what
/// Solana's public endpoints write into their answers when they limit).
const CODES: &[(i64, Meaning, &str)] = &[
    (-32001, Meaning::Unavailable, "it has pruned that block: a node with a longer history is needed"),
    (-32004, Meaning::NotYet, "it does not have that block yet"),
    (-32005, Meaning::Unavailable, "it is behind its cluster"),
    (-32007, Meaning::Skipped, "that slot was skipped, or lost when the node restarted from a snapshot"),
    (-32008, Meaning::Unavailable, "it has no snapshot"),
    (-32009, Meaning::Skipped, "that slot was skipped, or is missing in long-term storage"),
    (-32010, Meaning::Unavailable, "it keeps no index of that account"),
    (-32011, Meaning::Unavailable, "it keeps no history of transactions: another node is needed"),
    (-32014, Meaning::NotYet, "it is still writing that block down"),
    (-32015, Meaning::Unavailable, "the chain has transactions of a version newer than this server knows"),
    (-32016, Meaning::NotYet, "it has not reached that slot yet"),
    (-32019, Meaning::Unavailable, "its long-term storage does not answer"),
    (-32601, Meaning::Unavailable, "it lacks a method that is needed"),
    (-32602, Meaning::Unavailable, "it refuses what it was asked"),
    (429, Meaning::Limited, ""),
];

/// Reads what solana-client makes of a failure.
pub(super) fn failed(error: &ClientError) -> Failed {
    match error.kind() {
        ClientErrorKind::Middleware(cause) => match cause.downcast_ref::<RpcFault>() {
            Some(fault) => Failed::Fault(fault.clone().into()),
            None => Failed::Fault(SourceFault::Unavailable("the call failed".to_owned())),
        },
        ClientErrorKind::RpcError(RpcError::RpcResponseError { code, .. }) => meaning(*code),
        ClientErrorKind::SerdeJson(error) => {
            Failed::Fault(SourceFault::Unavailable(format!("its answer cannot be read: {}", kind_of(error))))
        }
        ClientErrorKind::Custom(why) => Failed::Fault(SourceFault::Unavailable(why.clone())),
        _ => Failed::Fault(SourceFault::Unavailable("the call failed".to_owned())),
    }
}

fn meaning(code: i64) -> Failed {
    let Some((_, meaning, words)) = CODES.iter().find(|(known, ..)| *known == code) else {
        return Failed::Fault(SourceFault::Unavailable(format!("it answered error {code}")));
    };
    match meaning {
        Meaning::Skipped => Failed::Skipped,
        Meaning::NotYet => Failed::NotYet(words),
        Meaning::Limited => Failed::Fault(SourceFault::Limited { retry_after: None }),
        Meaning::Unavailable => Failed::Fault(SourceFault::Unavailable((*words).to_owned())),
    }
}

/// Without the text that could not be read: serde quotes it.
fn kind_of(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Data => "not of the form that is documented",
        serde_json::error::Category::Io | serde_json::error::Category::Syntax | serde_json::error::Category::Eof => "no whole JSON",
    }
}
