//! What java-tron and TronGrid say beside their protocols, told as what it is: a busy node, a closed interface. Never an empty answer.

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use std::sync::Arc;

use crate::env::{Rpc, RpcFault};

/// How long TronGrid answers nobody after a key has asked too often ("the query server is suspended for 30s").
const SUSPENDED_S: &str = "30";

/// A node's interface, without what is no answer.
pub(super) struct Envelope(pub(super) Arc<dyn Rpc>);

impl Rpc for Envelope {
    fn call<'a>(&'a self, path: &'a str, body: Bytes) -> BoxFuture<'a, Result<Bytes, RpcFault>> {
        async move {
            match self.0.call(path, body).await {
                // TronGrid: "The key exceeds the frequency limit"; a wrong key is 401.
                Err(RpcFault::Status { status: 403, retry_after }) => {
                    Err(RpcFault::Status { status: 429, retry_after: retry_after.or_else(|| Some(SUSPENDED_S.to_owned())) })
                }
                Err(fault) => Err(fault),
                Ok(answer) => outside(&answer).map_or(Ok(answer), Err),
            }
        }
        .boxed()
    }
}

/// What an answer is that came with HTTP status 200 and is none.
fn outside(answer: &[u8]) -> Option<RpcFault> {
    #[derive(Deserialize)]
    struct Said {
        #[serde(rename = "Error")]
        error: Option<String>,
    }
    // "this API is closed because this node is a lite fullnode", as bare text; an error page of something in between.
    let begins = answer.iter().find(|byte| !byte.is_ascii_whitespace());
    if !matches!(begins, Some(b'{' | b'[')) {
        return Some(RpcFault::Transport("words instead of JSON: the interface is closed, or the node keeps no history".to_owned()));
    }
    // {"Error":"class java.lang.IllegalAccessException : lack of computing resources"}: java-tron's rate limiter, for both interfaces.
    let error = serde_json::from_slice::<Said>(answer).ok()?.error?;
    if ["lack of computing resources", "exceeds the frequency limit"].iter().any(|words| error.contains(words)) {
        return Some(RpcFault::Status { status: 429, retry_after: None });
    }
    Some(RpcFault::Transport("an error outside of the protocol".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_answer_is_no_empty_block() {
        let limited = br#"{"Error":"class java.lang.IllegalAccessException : lack of computing resources"}"#;
        assert_eq!(outside(limited), Some(RpcFault::Status { status: 429, retry_after: None }));
        for closed in [&b"this API is closed because this node is a lite fullnode"[..], b"<html>", b"", br#"{"Error":"class java.lang.X"}"#]
        {
            assert!(matches!(outside(closed), Some(RpcFault::Transport(_))), "{}", String::from_utf8_lossy(closed));
        }
        for answer in [&b"{}"[..], b"[]", b" [{}]", br#"{"jsonrpc":"2.0","id":1,"result":[]}"#, br#"{"error":{"code":1,"message":"m"}}"#] {
            assert_eq!(outside(answer), None);
        }
    }
}
