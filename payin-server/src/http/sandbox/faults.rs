//! What a sandbox does to the requests of every API but its own: they meet faults on demand, and are noted. It must not look into bodies.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use payin_core::Error;

use super::super::answer::Reject;
use super::super::dialect::is_below;
use super::super::frame::RequestId;
use super::super::listen::HangUp;
use super::{Sandbox, Wrong};

/// The sandbox's own paths are spared: what went wrong must be put right again.
const SPARED: &[&str] = &["/api/v1/sandbox"];

/// Answers a request, or lets something go wrong with it.
pub async fn disturbed(State(sandbox): State<Arc<dyn Sandbox>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if is_below(path, SPARED) {
        return next.run(request).await;
    }
    let asked = format!("{} {path}", request.method());
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
    let disturbance = sandbox.disturb(&asked).await;
    let wrong = disturbance.as_ref().and_then(|disturbance| disturbance.wrong.clone());
    let response = match wrong {
        None => next.run(request).await,
        Some(Wrong { error, is_done }) => {
            if is_done {
                drop(next.run(request).await);
            }
            match error {
                Some((code, retry_after_s)) => {
                    Reject(Error { retry_after_s, ..Error::new(code, "This went wrong because a fault rule of the sandbox says so") })
                        .into_response()
                }
                None => HangUp.into_response(),
            }
        }
    };
    sandbox.answered(asked, outcome(&response), request_id, disturbance.as_ref());
    response
}

fn outcome(response: &Response) -> String {
    let (extensions, status) = (response.extensions(), response.status().as_u16());
    if extensions.get::<HangUp>().is_some() {
        return "dropped".to_owned();
    }
    match extensions.get::<Reject>() {
        Some(Reject(error)) => format!("{status} {}", error.code),
        None if response.headers().contains_key("idempotent-replayed") => format!("{status} replayed"),
        None => status.to_string(),
    }
}
