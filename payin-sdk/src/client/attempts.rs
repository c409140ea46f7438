//! Carries a call out: attempts, pauses, one deadline, and what is known at the end. It must not know single resources.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, USER_AGENT};

use super::retry::Failure;
use super::{Client, Kind, Plan};
use crate::error::{ApiError, Error};
use crate::transport::{Request, Response};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The successful answer, and how many attempts it took.
pub(super) async fn run(
    client: &Client,
    plan: &Plan,
    key: Option<(&str, HeaderValue)>,
    timeout: Option<Duration>,
) -> Result<(Response, u32), Error> {
    let inner = &client.inner;
    let ends = inner.world.elapsed().saturating_add(timeout.unwrap_or(inner.policy.deadline));
    let header = key.as_ref().map(|(_, header)| header);
    // Whether any attempt so far may have taken effect without our learning of it.
    let mut ambiguous = false;
    let mut attempts = 0;
    loop {
        let left = ends.saturating_sub(inner.world.elapsed());
        let failure = match attempt(client, plan, header, left).await {
            Ok(response) => return Ok((response, attempts + 1)),
            Err(failure) => failure,
        };
        if let (Kind::Delete, true, Failure::Api(error)) = (plan.kind, ambiguous, &failure)
            && error.status == 404
        {
            // An earlier attempt removed it, and its answer was lost.
            return Ok((Response::new(200, http::HeaderMap::new(), Bytes::from_static(b"{\"success\":true}")), attempts + 1));
        }
        ambiguous |= failure.is_ambiguous();
        let random = inner.world.random().map_or(0, |bits| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0));
        let pause = failure.pause(plan.kind, attempts, random);
        attempts += 1;
        let left = ends.saturating_sub(inner.world.elapsed());
        match pause {
            Some(pause) if attempts <= inner.policy.retries_max && pause < left && !plan.is_health() => {
                tracing::debug!(call = %plan.name(), attempts, pause_ms = pause.as_millis(), "trying again");
                inner.world.sleep(pause).await;
            }
            _ => return Err(conclude(plan, key.map(|(key, _)| key), ambiguous, failure, attempts)),
        }
    }
}

async fn attempt(client: &Client, plan: &Plan, key: Option<&HeaderValue>, left: Duration) -> Result<Response, Failure> {
    let inner = &client.inner;
    let mut request = Request::new(plan.method.clone(), plan.url.clone(), inner.policy.attempt_timeout.min(left));
    let headers = &mut request.headers;
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, inner.user_agent.clone());
    if !plan.is_health() {
        headers.insert(API_KEY, inner.api_key.clone());
    }
    if let Some(key) = key {
        headers.insert(IDEMPOTENCY_KEY, key.clone());
    }
    if !plan.body.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.body = plan.body.clone();
    }
    let response = match inner.transport.send(request).await {
        Ok(response) => response,
        Err(error) => {
            tracing::debug!(call = %plan.name(), kind = %error.kind, "no answer");
            return Err(Failure::Transport(error));
        }
    };
    tracing::debug!(call = %plan.name(), status = response.status, request.id = response.header("x-request-id"), "answered");
    match response.status {
        200..=299 => Ok(response),
        503 if plan.is_health() && is_health(&response) => Ok(response),
        _ => Err(Failure::Api(Box::new(ApiError::read(&response, inner.world.now())))),
    }
}

/// Health says `unhealthy` with status 503; a proxy without a server behind it says 503 too, but otherwise.
fn is_health(response: &Response) -> bool {
    serde_json::from_slice::<payin_types::health::Health>(&response.body).is_ok()
}

/// What the caller is told, when no attempt succeeded.
fn conclude(plan: &Plan, key: Option<&str>, ambiguous: bool, failure: Failure, attempts: u32) -> Error {
    let settled = matches!(&failure, Failure::Api(error) if error.settles_earlier_attempts());
    let error = match failure {
        Failure::Api(error) => Error::Api(error),
        Failure::Transport(source) => Error::Transport { call: plan.name(), attempts, source },
    };
    match key {
        Some(key) if ambiguous && !settled => Error::OutcomeUnknown { idempotency_key: key.to_owned(), source: Box::new(error) },
        _ => error,
    }
}
