//! What can go wrong in a call, with enough of it to act on and to report.
//! No text here holds a key, a secret or a body; bodies are reachable, but only by name.

use std::fmt;
use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;

use payin_types::{ErrorCode, OrderId, Problem, Timestamp};

use crate::client::RateLimit;
use crate::ensure::Differs;
use crate::transport::{Response, TransportError, TransportErrorKind};

/// A call that did not bring its answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server said no.
    #[error(transparent)]
    Api(Box<ApiError>),
    /// No answer came. Nothing was created: the call creates nothing, or no attempt reached the server. A change, a deletion, or a
    /// call of the checkout or the sandbox may have taken effect.
    #[error("{call}: {source}, tried {attempts} time(s)")]
    #[non_exhaustive]
    Transport {
        /// Method and path, without what stands for the parameters.
        call: String,
        /// How many attempts were made.
        attempts: u32,
        /// What happened to the last one.
        source: TransportError,
    },
    /// The answer is a success that this version cannot read. **What was asked for has been done.**
    #[error("{call}: unexpected answer at {path}: {source}{}", .request_id.as_deref().map(|id| format!(" (request {id})")).unwrap_or_default())]
    #[non_exhaustive]
    Decode {
        /// Method and path, without what stands for the parameters.
        call: String,
        /// Where in the JSON: `data[3].amount`, or `.` for the whole.
        path: String,
        /// The request's id, for support.
        request_id: Option<String>,
        /// The answer as it came.
        body: Body,
        /// What the JSON reader said.
        source: serde_json::Error,
    },
    /// Nobody can tell whether a call with an idempotency key, such as a creating one, took effect. Repeat the very same call with this idempotency key, or look
    /// for the object by its reference. Do not create it under another key.
    #[error("it is unknown whether the call took effect; repeat it with the idempotency key {idempotency_key} to find out: {source}")]
    #[non_exhaustive]
    OutcomeUnknown {
        /// The key that all attempts bore.
        idempotency_key: String,
        /// What happened to the last attempt.
        source: Box<Error>,
    },
    /// What is there already is not what was asked for: see [`Differs`]. Nothing was changed.
    #[error(transparent)]
    Differs(Box<Differs>),
    /// A list brought nothing but items already seen, page after page: it grows faster than it is read, or the server does not
    /// heed the page asked for. What has come so far is good, but not all.
    #[error("{call}: {pages} pages in a row held nothing new")]
    #[non_exhaustive]
    Drift {
        /// Method and path, without what stands for the parameters.
        call: String,
        /// How many.
        pages: u32,
    },
    /// The tokens of a shared session could not be read or kept where they are. The call was refused before anything was done.
    #[cfg(feature = "cryptopay")]
    #[error("the session could not be prolonged: {0}")]
    Session(crate::cryptopay::KeepError),
    /// The client is set up wrongly; nothing was sent.
    #[error("{0}")]
    Config(String),
    /// The arguments make no request; nothing was sent.
    #[error("{0}")]
    Request(String),
}

impl Error {
    /// What the server said, also where it leaves the outcome unknown.
    #[must_use]
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            Self::OutcomeUnknown { source, .. } => source.api(),
            _ => None,
        }
    }

    /// The server's error code, if it said one.
    #[must_use]
    pub fn code(&self) -> Option<&ErrorCode> {
        self.api().map(|error| &error.code)
    }

    /// The request's id, for support.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Decode { request_id, .. } => request_id.as_deref(),
            other => other.api()?.request_id.as_deref(),
        }
    }

    fn has(&self, codes: &[ErrorCode]) -> bool {
        self.code().is_some_and(|code| codes.contains(&native(code)))
    }

    /// Whether there is no such object in the key's organization. (A 404 of something else than the API is none.)
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.has(&[ErrorCode::ResourceNotFound, ErrorCode::DepositReferenceNotFound])
    }

    /// Whether the reference is taken: by an order, or by a deposit reference on that chain.
    #[must_use]
    pub fn is_duplicate_reference(&self) -> bool {
        self.has(&[ErrorCode::DuplicateOrderReference, ErrorCode::DuplicateDepositReference])
    }

    /// Whether reading cannot go on from the cursor given: it is of another database. Read from a time or from the beginning.
    #[must_use]
    pub fn is_cursor_unknown(&self) -> bool {
        self.has(&[ErrorCode::CursorUnknown])
    }

    /// Whether the key is not taken, or may not do this.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.has(&[ErrorCode::InvalidApiKey, ErrorCode::InsufficientPermissions])
    }

    /// Whether the key has made more requests than its limits allow. [`ApiError::retry_after`] says how long to wait.
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.has(&[ErrorCode::RateLimitExceeded])
    }

    /// Whether the address pool is empty: import more addresses.
    #[must_use]
    pub fn is_pool_empty(&self) -> bool {
        self.has(&[ErrorCode::NoAvailableAddresses])
    }

    /// Whether a payment link can no longer be paid, or not yet.
    #[must_use]
    pub fn is_link_unavailable(&self) -> bool {
        self.has(&[ErrorCode::PaymentLinkUnavailable])
    }

    /// Whether a payment link's inventory is sold, or held by orders that wait for payment.
    #[must_use]
    pub fn is_sold_out(&self) -> bool {
        self.has(&[ErrorCode::SoldOut])
    }

    /// Whether the object stands where this cannot be done.
    #[must_use]
    pub fn is_invalid_state(&self) -> bool {
        self.has(&[ErrorCode::InvalidState])
    }

    /// Whether the same call may well succeed later: the network failed, the server was busy or broken.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Transport { source, .. } => source.kind != TransportErrorKind::Unsupported,
            Self::OutcomeUnknown { .. } => true,
            Self::Api(error) => error.is_transient(),
            _ => false,
        }
    }
}

/// What the native API calls what another one says, as far as something is decided by it.
fn native(code: &ErrorCode) -> ErrorCode {
    match code.as_str() {
        "NOT_FOUND" => ErrorCode::ResourceNotFound,
        "EXTERNAL_ID_CONFLICT" => ErrorCode::DuplicateOrderReference,
        "UNAUTHORIZED" => ErrorCode::InvalidApiKey,
        "FORBIDDEN" => ErrorCode::InsufficientPermissions,
        "RATE_LIMITED" => ErrorCode::RateLimitExceeded,
        "NO_ADDRESS_AVAILABLE" | "NO_WALLET_AVAILABLE" => ErrorCode::NoAvailableAddresses,
        _ => code.clone(),
    }
}

/// An answer that says no.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The server's code; `HTTP_<status>` where something else than the API answered, such as a proxy.
    pub code: ErrorCode,
    /// What was wrong.
    pub message: String,
    /// More of what was wrong; for `VALIDATION_ERROR` a list.
    pub details: Option<Value>,
    /// The request's id, for support.
    pub request_id: Option<String>,
    /// On `DUPLICATE_ORDER_REFERENCE`: the order that has the reference.
    pub existing_order_id: Option<OrderId>,
    /// How long the server asks to wait: `Retry-After`, else `retryAfter` of the body, else, on 429, `X-RateLimit-Reset`.
    pub retry_after: Option<Duration>,
    /// How much of its limits the key has used, where the server says.
    pub rate_limit: Option<RateLimit>,
    /// The headers of the answer.
    pub headers: HeaderMap,
    /// The answer as it came.
    pub raw: Body,
}

/// The error body of an API that says no more: `{error, code}`.
#[derive(serde::Deserialize)]
struct Short {
    error: String,
    code: ErrorCode,
}

/// The error body of an API that puts its error within: `{success, error: {code, message, details}, timestamp}`.
#[derive(serde::Deserialize)]
struct Within {
    error: Inner,
}

#[derive(serde::Deserialize)]
struct Inner {
    code: ErrorCode,
    message: String,
    #[serde(default)]
    details: Option<Value>,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, HTTP {}", self.message, self.code, self.status)?;
        match &self.request_id {
            Some(id) => write!(f, ", request {id})"),
            None => f.write_str(")"),
        }
    }
}

impl ApiError {
    pub(crate) fn read(response: &Response, now: Timestamp) -> Self {
        let raw = Body::from_bytes(&response.body);
        let header_id = response.header("x-request-id").map(str::to_owned);
        let problem = serde_json::from_slice::<Problem>(&response.body).ok();
        let within = serde_json::from_slice::<Within>(&response.body).ok();
        let details = within.as_ref().and_then(|within| within.error.details.clone());
        let within = within.map(|Within { error }| Short { error: error.message, code: error.code });
        let short = serde_json::from_slice::<Short>(&response.body).ok().or(within);
        let retry_after = retry_after(response, problem.as_ref(), now);
        let (status, headers, rate_limit) = (response.status, response.headers.clone(), RateLimit::of(response));
        match problem {
            Some(problem) => Self {
                status,
                code: problem.code,
                message: problem.message,
                details: problem.details,
                request_id: problem.request_id.or(header_id),
                existing_order_id: problem.existing_order_id,
                retry_after,
                rate_limit,
                headers,
                raw,
            },
            None => Self {
                status,
                code: short.as_ref().map_or_else(|| ErrorCode::Unknown(format!("HTTP_{status}")), |short| short.code.clone()),
                message: short.map_or_else(
                    || "the answer is not in the API's form: a proxy may have given it, or the base URL is wrong".to_owned(),
                    |short| short.error,
                ),
                details,
                request_id: header_id,
                existing_order_id: None,
                retry_after,
                rate_limit,
                headers,
                raw,
            },
        }
    }

    /// Whether something on the way answered, that does not know what became of the request.
    pub(crate) fn is_gateway(&self) -> bool {
        self.code == ErrorCode::OutcomeUnknown
            || matches!(self.status, 502 | 504) && matches!(&self.code, ErrorCode::Unknown(word) if word.starts_with("HTTP_"))
    }

    /// 429 and 5xx, but not the two that only people can mend: an empty pool and a chain that is cut off.
    pub(crate) fn is_transient(&self) -> bool {
        let lasting = matches!(native(&self.code), ErrorCode::NoAvailableAddresses | ErrorCode::ChainUnavailable);
        self.status == 429 || (self.status >= 500 && !lasting)
    }

    /// Whether this answer also tells what became of earlier attempts with the same idempotency key: the server looked the
    /// key up and found no success. Answers given before the look-up, and by servers in trouble, do not tell.
    pub(crate) fn settles_earlier_attempts(&self) -> bool {
        match self.code {
            ErrorCode::NoAvailableAddresses | ErrorCode::ChainUnavailable => true,
            ErrorCode::IdempotencyInProgress => false,
            _ => (400..500).contains(&self.status) && !matches!(self.status, 401 | 403 | 408 | 429),
        }
    }
}

fn retry_after(response: &Response, problem: Option<&Problem>, now: Timestamp) -> Option<Duration> {
    let header = response.header("retry-after").map(str::trim).and_then(|value| match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Timestamp::from_http_date(value).ok().map(|date| date.since(now)),
    });
    let body = || problem.and_then(|problem| problem.retry_after).map(Duration::from_secs);
    let reset = || {
        let seconds = response.header("x-ratelimit-reset").filter(|_| response.status == 429)?.trim().parse().ok()?;
        Some(Timestamp::from_secs(seconds).since(now))
    };
    header.or_else(body).or_else(reset)
}

/// A body as it came. `Debug` shows only its length, because it may hold a secret or a customer's data.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(String);

impl Body {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self(String::from_utf8_lossy(bytes).into_owned())
    }

    /// The text. Do not log it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}
