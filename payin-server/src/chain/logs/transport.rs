//! alloy's transport over our own JSON-RPC seam, so that the simulated nodes, the tests and real nodes are spoken to by the same code.

use std::sync::Arc;
use std::task::{Context, Poll};

use alloy::rpc::json_rpc::{RequestPacket, Response, ResponsePacket, ResponsePayload};
use alloy::transports::{TransportError, TransportErrorKind, TransportFut};
use tower::Service;

use crate::env::Rpc;

/// The seam as alloy wants it.
#[derive(Clone)]
pub(super) struct OverRpc(pub(super) Arc<dyn Rpc>);

impl Service<RequestPacket> for OverRpc {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        let rpc = Arc::clone(&self.0);
        Box::pin(async move {
            let body = serde_json::to_vec(&request).map_err(TransportError::ser_err)?;
            let answer = rpc.call("", body.into()).await.map_err(TransportErrorKind::custom)?;
            let answer = serde_json::from_slice(&answer).map_err(|error| {
                TransportError::deser_err(error, String::from_utf8_lossy(&answer).chars().take(200).collect::<String>())
            })?;
            match (&request, answer) {
                // A batch that is refused as a whole, "too large" for example, is answered by one error.
                (RequestPacket::Batch(_), ResponsePacket::Single(Response { payload: ResponsePayload::Failure(error), .. })) => {
                    Err(TransportError::ErrorResp(error))
                }
                (_, answer) => Ok(answer),
            }
        })
    }
}
