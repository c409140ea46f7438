//! Verified events as an argument of axum handlers. It must not decide anything that `verify` and `construct_event` do not.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use axum_core::body::Body;
use axum_core::extract::{FromRef, FromRequest, Request};
use axum_core::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use payin_types::{Event, Timestamp};
use serde_json::json;

use super::{BODY_BYTES_MAX, Genuine, Verifier, VerifyError, WebhookError, verify};

/// Which webhooks are believed, and what time it is: a part of the router's state.
#[derive(Clone)]
pub struct Receiver {
    verifier: Arc<Verifier>,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Receiver {
    /// Believes what this verifier does, by the system's clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the seam that the rule asks for; `clock` replaces it")]
    pub fn new(verifier: Verifier) -> Self {
        Self { verifier: Arc::new(verifier), now: Arc::new(|| SystemTime::now().into()) }
    }

    /// By another clock, such as a sandbox's virtual one.
    #[must_use]
    pub fn clock(mut self, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.now = Arc::new(now);
        self
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

/// A genuine event: an argument of handlers whose router's state has a [`Receiver`] (itself, or by `FromRef`).
///
/// PayIn's signature and Standard Webhooks are believed, as [`verify`] does; at most [`BODY_BYTES_MAX`] bytes are read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Verified {
    /// The event.
    pub event: Event,
    /// What its signature proves.
    pub genuine: Genuine,
    /// When it came, by the receiver's clock.
    pub received_at: Timestamp,
    /// The bytes that were signed, to be kept as evidence.
    pub body: Bytes,
}

/// Why a request is not handled, and what is answered: 401 if it is not genuine, 413 if it is too long, 422 if it is genuine and no event,
/// 400 if it broke off, 500 if the receiver has no secret. The answer's body, `{error, message}`, says what is wrong, for the sender's
/// delivery log. It holds no secret and nothing of the body.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Not genuine, or no event.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// The request broke off.
    #[error("the request's body could not be read")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<VerifyError> for Refused {
    fn from(error: VerifyError) -> Self {
        Self::Webhook(error.into())
    }
}

impl Refused {
    /// The status that is answered, and a word for programs.
    fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Body(_) => (StatusCode::BAD_REQUEST, "INCOMPLETE"),
            Self::Webhook(WebhookError::Decode { .. }) => (StatusCode::UNPROCESSABLE_ENTITY, "NOT_AN_EVENT"),
            Self::Webhook(WebhookError::Verify(VerifyError::BodyTooLong)) => (StatusCode::PAYLOAD_TOO_LARGE, "TOO_LONG"),
            Self::Webhook(WebhookError::Verify(VerifyError::NoSecret)) => (StatusCode::INTERNAL_SERVER_ERROR, "NO_SECRET"),
            Self::Webhook(WebhookError::Verify(_)) => (StatusCode::UNAUTHORIZED, "NOT_GENUINE"),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, error) = self.status();
        let body = json!({ "error": error, "message": self.to_string() }).to_string();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

impl<S> FromRequest<S> for Verified
where
    Receiver: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let Receiver { verifier, now } = Receiver::from_ref(state);
        let (parts, body) = request.into_parts();
        let body = whole(body).await?;
        let received_at = now();
        let headers = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let genuine = verify(headers, &body, &verifier, received_at)?;
        Ok(Self { event: super::read(&body)?, genuine, received_at, body })
    }
}

/// The whole body, unless it is or turns out to be too long.
async fn whole(body: Body) -> Result<Bytes, Refused> {
    if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
        return Err(VerifyError::BodyTooLong.into());
    }
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(VerifyError::BodyTooLong.into()),
        Err(error) => Err(Refused::Body(error)),
    }
}

#[cfg(test)]
mod tests;
