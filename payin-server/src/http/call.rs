//! A call on the native API: who calls, what they may, what they sent. Always in this order: authenticate, authorize, count, read, do.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::response::Response;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use payin_core::access::{Permission, check};
use payin_core::error::shown_up_to as shown;
use payin_core::quota::Limits;
use payin_core::{Error, replay as replay_rules};
use payin_types::{ApiKeyId, ErrorCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::{AsJson, Reject, json, kept};
use super::frame::{RequestId, Standing};
use super::listen::body_too_slow;
use crate::app::access::{self, Key};
use crate::app::quota::{self, Ticket};
use crate::app::replay::{Answer, Once, Scope, fingerprint};
use crate::app::{App, Outcome, Together, Unit};

/// The longest body of most calls.
pub const BODY_MAX: usize = 64 * 1024;
/// The longest body of an import: about 200,000 addresses (source: the vendor's limit of a file).
pub const IMPORT_BODY_MAX: usize = 10 * 1024 * 1024;
/// How long a call under an idempotency key waits for its turn before it says that the first is still under way.
const IN_PROGRESS_AFTER: Duration = Duration::from_secs(10);

/// An authenticated caller.
pub struct Caller {
    /// The gateway.
    pub app: Arc<App>,
    /// The key, and through it the organization and role.
    pub key: Arc<Key>,
    /// The request's id.
    pub request_id: String,
    method: Method,
    path: String,
    idempotency_keys: Vec<HeaderValue>,
    /// Where limits are on: the request as it was counted, and where to say so.
    ticket: Option<(Ticket, Standing)>,
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Reject> {
        Self::unlimited(parts, app).await?.counted(parts).await
    }
}

impl Caller {
    /// An authenticated caller whose requests are not counted.
    ///
    /// # Errors
    /// `INVALID_API_KEY`.
    pub async fn unlimited(parts: &Parts, app: &Arc<App>) -> Result<Self, Reject> {
        Self::bearing(credentials(&parts.headers)?, parts, app).await
    }

    /// The caller whose key this is, wherever the request bears it. Not counted yet.
    ///
    /// # Errors
    /// `INVALID_API_KEY`.
    pub async fn bearing(secret: &str, parts: &Parts, app: &Arc<App>) -> Result<Self, Reject> {
        Ok(Self::of(access::authenticate(app, secret).await?, parts, app))
    }

    /// Whoever has been authenticated otherwise, and acts with the rights of such a key. Not counted yet.
    #[must_use]
    pub fn of(key: Arc<Key>, parts: &Parts, app: &Arc<App>) -> Self {
        let path = parts.extensions.get::<axum::extract::OriginalUri>().map_or_else(|| parts.uri.path(), |uri| uri.0.path()).to_owned();
        Self {
            app: Arc::clone(app),
            key,
            request_id: parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default(),
            method: parts.method.clone(),
            path,
            idempotency_keys: parts.headers.get_all("idempotency-key").iter().cloned().collect(),
            ticket: None,
        }
    }

    /// The same, counted where limits are on.
    ///
    /// # Errors
    /// If the limits cannot be looked up.
    pub async fn counted(mut self, parts: &Parts) -> Result<Self, Reject> {
        if let Some(ticket) = quota::take(&self.app, &self.key.id).await? {
            self.hold(ticket, parts);
        }
        Ok(self)
    }

    /// As [`Caller::counted`], within limits of an API's own; `counted` is whoever they are for.
    ///
    /// # Errors
    /// As [`Caller::counted`].
    pub async fn counted_within(mut self, parts: &Parts, counted: &ApiKeyId, limits: &Limits) -> Result<Self, Reject> {
        if self.app.quotas.are_on() {
            let ticket = quota::take_within(&self.app, counted, limits).await?;
            self.hold(ticket, parts);
        }
        Ok(self)
    }

    /// Refused by `may`, if it is to be: what a key must not do at all is said first, and not counted.
    fn hold(&mut self, ticket: Ticket, parts: &Parts) {
        if let Some(standing) = parts.extensions.get::<Standing>() {
            standing.set(ticket.view());
            self.ticket = Some((ticket, standing.clone()));
        }
    }

    /// Refuses what the key's role does not allow, and what is more than its limits allow. Every handler asks this first.
    ///
    /// # Errors
    /// `INSUFFICIENT_PERMISSIONS`, `RATE_LIMIT_EXCEEDED`.
    pub fn may(&self, permission: Permission) -> Result<(), Reject> {
        let allowed = check(&self.key.role, permission);
        if let Some((ticket, standing)) = &self.ticket {
            if allowed.is_err() {
                standing.set(ticket.give_back(self.app.clock.now()));
            } else {
                ticket.check()?;
            }
        }
        Ok(allowed?)
    }
}

fn text(value: &HeaderValue) -> Result<&str, Error> {
    let unreadable = |_| Error::new(ErrorCode::InvalidApiKey, "The API key has characters that no key has");
    value.to_str().map(str::trim).map_err(unreadable)
}

/// The one key a request bears, in either header. Two different ones are a mistake that must not be guessed away.
fn credentials(headers: &HeaderMap) -> Result<&str, Error> {
    let invalid = |message: &str| Error::new(ErrorCode::InvalidApiKey, message);
    let mut found = Vec::new();
    for value in headers.get_all("x-api-key") {
        found.push(text(value)?);
    }
    for value in headers.get_all(header::AUTHORIZATION) {
        let token = text(value)?.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        found.push(token.ok_or_else(|| invalid("Authorization must be: Bearer <API key>"))?.1.trim());
    }
    let first = found.first().copied().ok_or_else(|| invalid("The request bears no API key: send it in the header X-API-Key"))?;
    if found.iter().any(|other| *other != first) {
        return Err(invalid("The request bears two different API keys; send one"));
    }
    Ok(first)
}

impl Caller {
    /// Does a use case, under the idempotency key if the request has one.
    ///
    /// # Errors
    /// The use case's refusal, or the idempotency key's.
    pub async fn once<U>(&self, unit: U, body: &[u8], status: u16, bears_secret: bool) -> Result<Response, Reject>
    where
        U: Unit,
        U::Output: Serialize,
    {
        let Some(key) = self.idempotency_key()? else {
            return Ok(json(status, &self.app.store.write(unit).await?));
        };
        in_turn(self.app.store.write(self.under(key, unit, body, status, bears_secret))).await
    }

    /// As [`Caller::once`], for a use case that may be done together with others of its kind.
    ///
    /// # Errors
    /// As [`Caller::once`].
    pub async fn once_together<U>(&self, unit: U, body: &[u8], status: u16) -> Result<Response, Reject>
    where
        U: Together,
        U::Output: Serialize,
    {
        let Some(key) = self.idempotency_key()? else {
            return Ok(json(status, &self.app.store.write_together(unit).await?));
        };
        in_turn(self.app.store.write_together(self.under(key, unit, body, status, false))).await
    }

    fn under<U: Unit>(&self, key: String, unit: U, body: &[u8], status: u16, bears_secret: bool) -> Once<U, AsJson> {
        Once {
            unit,
            render: AsJson { status, request_id: self.request_id.clone() },
            scope: Scope {
                organization_id: self.key.organization_id.clone(),
                api_key_id: if bears_secret { self.key.id.as_str().to_owned() } else { String::new() },
                method: self.method.as_str().to_owned(),
                path: self.path.clone(),
                key,
            },
            fingerprint: fingerprint(body),
            sealed: bears_secret.then(|| (Arc::clone(&self.app.seal), self.app.entropy.array())),
            now: self.app.clock.now(),
        }
    }

    fn idempotency_key(&self) -> Result<Option<String>, Error> {
        match self.idempotency_keys.as_slice() {
            [] => Ok(None),
            [value] => replay_rules::key(value.as_bytes()).map(Some),
            [..] => Err(Error::field("Idempotency-Key", "must be given once")),
        }
    }
}

/// Waits for a kept answer, but not for ever: what is under way goes on, and asking again with the same key gets its answer.
async fn in_turn(answer: impl Future<Output = Outcome<Answer>>) -> Result<Response, Reject> {
    match tokio::time::timeout(IN_PROGRESS_AFTER, answer).await {
        Ok(answer) => Ok(kept(answer?)),
        Err(_) => {
            let message = "A request with this Idempotency-Key is still under way; ask again with the same key";
            Err(Reject(Error { retry_after_s: Some(1), ..Error::new(ErrorCode::IdempotencyInProgress, message) }))
        }
    }
}

/// What a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// What nearly every call takes.
    Json,
    /// A file of addresses.
    Csv,
}

impl MediaType {
    fn essence(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
        }
    }
}

/// Reads a body that must be JSON, up to a length.
///
/// # Errors
/// `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`, `REQUEST_TIMEOUT`.
pub async fn body(request: Request, most: usize) -> Result<bytes::Bytes, Reject> {
    Ok(body_of(request, &[MediaType::Json], most).await?.1)
}

/// Reads a body of one of some types, up to a length; answers which.
///
/// # Errors
/// As [`body`].
pub async fn body_of(request: Request, taken: &[MediaType], most: usize) -> Result<(MediaType, bytes::Bytes), Reject> {
    let essences: Vec<&str> = taken.iter().map(|media_type| media_type.essence()).collect();
    let essence = sent_as(&request, &essences)?;
    let media_type = taken.iter().copied().find(|media_type| media_type.essence() == essence).unwrap_or(MediaType::Json);
    Ok((media_type, read(request, most).await?))
}

/// Reads what a page's form sends.
///
/// # Errors
/// As [`body`].
pub async fn form(request: Request) -> Result<bytes::Bytes, Reject> {
    sent_as(&request, &["application/x-www-form-urlencoded"])?;
    read(request, BODY_MAX).await
}

/// Which of the types that are taken a body says it is.
fn sent_as<'a>(request: &Request, taken: &[&'a str]) -> Result<&'a str, Reject> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    taken.iter().copied().find(|taken| essence.eq_ignore_ascii_case(taken)).ok_or_else(|| {
        let message = format!("Content-Type must be {}, is '{}'", taken.join(" or "), payin_core::error::shown(essence));
        Reject(Error::new(ErrorCode::UnsupportedMediaType, message))
    })
}

/// Reads a body that may be left out, with its `Content-Type`; then it is empty.
///
/// # Errors
/// As [`body`].
pub async fn optional_body(request: Request, most: usize) -> Result<bytes::Bytes, Reject> {
    if request.headers().contains_key(header::CONTENT_TYPE) {
        return body(request, most).await;
    }
    let body = read(request, most).await?;
    if body.is_empty() {
        return Ok(body);
    }
    Err(Reject(Error::new(ErrorCode::UnsupportedMediaType, "Content-Type must be application/json where there is a body")))
}

async fn read(request: Request, most: usize) -> Result<bytes::Bytes, Reject> {
    match Limited::new(request.into_body(), most).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => {
            Err(Reject(Error::new(ErrorCode::PayloadTooLarge, format!("The body must be at most {most} bytes"))))
        }
        Err(error) if body_too_slow(error.as_ref()) => {
            Err(Reject(Error::new(ErrorCode::RequestTimeout, "The body did not arrive in time; nothing was done")))
        }
        Err(_) => Err(Reject(Error::new(ErrorCode::ValidationError, "The body could not be read to its end"))),
    }
}

/// Reads a JSON body as a request. The refusal is a value: under an idempotency key it is kept like any other answer.
///
/// # Errors
/// `INVALID_AMOUNT` where the amount cannot be read, else `VALIDATION_ERROR` with the place.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    // serde would also take an array, its items for fields by their places.
    if body.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| *byte == b'[') {
        return Err(Error::field("body", "must be a JSON object, is an array"));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        // Both may repeat what the caller sent.
        let (path, cause) = (shown(&error.path().to_string(), 80), shown(&error.inner().to_string(), 240));
        if path == "amount" {
            return Error::new(ErrorCode::InvalidAmount, format!("Amount must be a positive decimal string such as \"100.00\": {cause}"));
        }
        if error.inner().is_data() {
            Error::field(if path == "." { "body" } else { &path }, cause)
        } else {
            Error::field("body", format!("is not JSON: {cause}"))
        }
    })?;
    json.end().map_err(|_| Error::field("body", "has something behind the JSON object"))?;
    payin_core::json::check(body)?;
    Ok(parsed)
}

/// As [`parse`], of a body that may have been left out.
///
/// # Errors
/// As [`parse`].
pub fn parse_optional<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Error> {
    if body.is_empty() { Ok(T::default()) } else { parse(body) }
}

/// Reads the query.
///
/// # Errors
/// `VALIDATION_ERROR` for an unknown, repeated or malformed parameter.
pub fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Reject> {
    // The decoder would put U+FFFD where the bytes are no text, and look for that.
    if uri.query().is_some_and(|query| !is_text(query)) {
        return Err(Reject(Error::field("query", "must be UTF-8, percent-encoded")));
    }
    if uri.query().is_some_and(|query| query.contains("%00")) {
        return Err(Reject(Error::field("query", "must not contain NUL characters")));
    }
    let parsed = axum::extract::Query::<T>::try_from_uri(uri);
    parsed.map(|query| query.0).map_err(|rejection| Reject(Error::field("query", rejection.body_text())))
}

/// Whether what is percent-encoded is UTF-8. A percent sign that encodes nothing is one.
fn is_text(query: &str) -> bool {
    let (mut bytes, mut rest) = (Vec::with_capacity(query.len()), query.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        let encoded = behind.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let decoded = encoded.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(decoded.unwrap_or(*first));
        rest = if decoded.is_some() { behind.get(2..).unwrap_or_default() } else { behind };
    }
    std::str::from_utf8(&bytes).is_ok()
}
