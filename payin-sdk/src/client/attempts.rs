//! Carries a call out: attempts, pauses, one deadline, and what is known at the end. It must not know single resources.

use bytes::Bytes;
use futures_util::StreamExt;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use tracing::Instrument;

use super::options::Options;
use super::retry::Failure;
use super::{Client, Kind, Plan};
use crate::error::{ApiError, Error};
use crate::transport::{Chunks, Incoming, Request, Response};

pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How often one call looks for another token: what another program got may be over too, and what the second time brings is our own.
#[cfg(feature = "cryptopay")]
const RENEWALS_MAX: u32 = 2;

/// The successful answer, and how many attempts it took.
pub(super) async fn run(
    client: &Client,
    plan: &Plan,
    key: Option<(&str, HeaderValue)>,
    options: &Options,
) -> Result<(Response, u32), Error> {
    let inner = &client.inner;
    let ends = inner.world.elapsed().saturating_add(options.timeout.unwrap_or(inner.policy.deadline));
    let retries_max = options.retries_max.unwrap_or(inner.policy.retries_max);
    let (key, headers) = (key.as_ref().map(|(key, _)| *key), headers(client, plan, key.as_ref().map(|(_, header)| header), options));
    // Whether any attempt so far may have taken effect without our learning of it.
    let mut ambiguous = false;
    let mut attempts = 0;
    #[cfg(feature = "cryptopay")]
    let mut renewals = 0;
    loop {
        let left = ends.saturating_sub(inner.world.elapsed());
        let mut request = Request::new(plan.method.clone(), plan.url.clone(), inner.policy.attempt_timeout.min(left));
        request.headers.clone_from(&headers);
        request.body = plan.body.clone();
        attempts += 1;
        #[cfg(feature = "cryptopay")]
        let tokens = authorize(client, plan, &mut request)?;
        let span = tracing::debug_span!(
            "payin.attempt",
            method = %plan.method,
            path = plan.route,
            attempt = attempts,
            status = tracing::field::Empty,
            request_id = tracing::field::Empty,
        );
        let failure = match attempt(client, plan, request).instrument(span).await {
            Ok(response) => return Ok((response, attempts)),
            Err(failure) => failure,
        };
        #[cfg(feature = "cryptopay")]
        if let (Some(tokens), Failure::Api(error)) = (&tokens, &failure)
            && error.status == 401
            && renewals < RENEWALS_MAX
        {
            // Refused before anything was done: with another token it is the same attempt.
            renewals += 1;
            super::session::renew(client, tokens).await?;
            continue;
        }
        if let (Kind::Delete, true, Failure::Api(error)) = (plan.kind, ambiguous, &failure)
            && error.status == 404
        {
            // An earlier attempt removed it, and its answer was lost.
            return Ok((Response::new(200, HeaderMap::new(), Bytes::from_static(b"{\"success\":true}")), attempts));
        }
        ambiguous |= failure.is_ambiguous();
        let random = inner.world.random().map_or(0, |bits| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0));
        let pause = failure.pause(plan.kind, attempts - 1, random);
        let left = ends.saturating_sub(inner.world.elapsed());
        match pause {
            Some(pause) if attempts <= retries_max && pause < left && !plan.is_health() => {
                tracing::debug!(call = %plan.name(), attempts, pause_ms = pause.as_millis(), "trying again");
                inner.world.sleep(pause).await;
            }
            _ => return Err(conclude(plan, key, ambiguous, failure, attempts)),
        }
    }
}

/// Puts the token of the session, or else the key, where some calls bear it. Answers the session's tokens, if it bears one of those.
#[cfg(feature = "cryptopay")]
fn authorize(client: &Client, plan: &Plan, request: &mut Request) -> Result<Option<super::Tokens>, Error> {
    use super::plan::bearer;
    use secrecy::ExposeSecret as _;
    if !plan.wants_bearer() {
        return Ok(None);
    }
    request.headers.remove(API_KEY);
    if let Some(tokens) = client.session_tokens() {
        request.headers.insert(AUTHORIZATION, bearer(tokens.access.expose_secret())?);
        return Ok(Some(tokens));
    }
    if let Some(key) = client.inner.api_key.as_ref().and_then(|key| key.to_str().ok()) {
        request.headers.insert(AUTHORIZATION, bearer(key)?);
    }
    Ok(None)
}

/// The headers that every attempt bears.
fn headers(client: &Client, plan: &Plan, key: Option<&HeaderValue>, options: &Options) -> HeaderMap {
    let mut headers = options.headers.clone();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, client.inner.user_agent.clone());
    if let Some(bearer) = &plan.bearer {
        headers.insert(AUTHORIZATION, bearer.clone());
    } else if let Some(key) = client.inner.api_key.as_ref().filter(|_| !plan.is_public()) {
        headers.insert(API_KEY, key.clone());
    }
    if let Some(key) = key {
        headers.insert(IDEMPOTENCY_KEY, key.clone());
    }
    if let Some(content) = &plan.content {
        headers.insert(CONTENT_TYPE, content.clone());
    }
    headers
}

/// An open stream.
pub(crate) struct OpenedStream {
    pub(crate) request_id: Option<String>,
    pub(crate) body: Chunks,
}

/// The longest refusal that is read instead of a stream.
const REFUSAL_BYTES_MAX: usize = 64 * 1024;

/// Opens a stream, once. `last` is the last id that was read of it.
pub(super) async fn open(client: &Client, plan: &Plan, last: Option<&str>) -> Result<OpenedStream, Error> {
    let inner = &client.inner;
    let failed = |source| Error::Transport { call: plan.name(), attempts: 1, source };
    let mut request = Request::new(plan.method.clone(), plan.url.clone(), inner.policy.attempt_timeout);
    request.headers = headers(client, plan, None, &Options::default());
    request.headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    if let Some(last) = last {
        let value = HeaderValue::from_str(last).map_err(|_| Error::Request("the cursor has characters that no cursor has".to_owned()))?;
        request.headers.insert(LAST_EVENT_ID, value);
    }
    let Incoming { status, headers, mut body } = inner.transport.open(request).await.map_err(failed)?;
    let is_stream = headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
    if status == 200 && is_stream {
        let request_id = headers.get("x-request-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
        return Ok(OpenedStream { request_id, body });
    }
    let mut text = Vec::new();
    while let Some(chunk) = body.next().await {
        text.extend_from_slice(&chunk.map_err(failed)?);
        if text.len() > REFUSAL_BYTES_MAX {
            break;
        }
    }
    Err(Error::Api(Box::new(ApiError::read(&Response::new(status, headers, text), inner.world.now()))))
}

async fn attempt(client: &Client, plan: &Plan, request: Request) -> Result<Response, Failure> {
    let inner = &client.inner;
    let response = match inner.transport.send(request).await {
        Ok(response) => response,
        Err(error) => {
            tracing::debug!(kind = %error.kind, "no answer");
            return Err(Failure::Transport(error));
        }
    };
    let span = tracing::Span::current();
    span.record("status", response.status);
    span.record("request_id", response.header("x-request-id"));
    tracing::debug!(status = response.status, "answered");
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
