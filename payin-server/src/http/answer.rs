//! Answers: JSON on success, the documented error body on everything else. The request id is added by `http/frame.rs`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use payin_core::Error;
use payin_types::{ErrorCode, Problem};
use serde::Serialize;

use crate::app::{Failure, Fault, replay};

/// Why a request is not answered with success. Becomes a [`Problem`] once the request's id is known.
#[derive(Debug, Clone)]
pub struct Reject(pub Error);

impl From<Error> for Reject {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<Failure> for Reject {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => Self(error),
            Failure::Fault(fault) => fault.into(),
        }
    }
}

impl From<Fault> for Reject {
    /// Faults are told to the log, not to callers.
    fn from(fault: Fault) -> Self {
        tracing::error!(%fault, "a request met a fault");
        Self(match fault {
            Fault::NotCommitted(_) | Fault::Stopped => Error {
                retry_after_s: Some(1),
                ..Error::new(ErrorCode::ServiceUnavailable, "The server could not do this now and did nothing; try again")
            },
            Fault::CommitUnknown(_) => Error {
                retry_after_s: Some(1),
                ..Error::new(
                    ErrorCode::OutcomeUnknown,
                    "The database was lost at the last moment: it was done, or not. Try again with the same Idempotency-Key, which tells",
                )
            },
            _ => Error::new(ErrorCode::InternalError, "The server met a fault and did nothing; quote the request id to its operator"),
        })
    }
}

impl IntoResponse for Reject {
    fn into_response(self) -> Response {
        let mut response = status(self.0.code.status()).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The error body.
#[must_use]
pub fn problem(error: &Error, request_id: &str) -> Problem {
    Problem {
        error: error.code.title().to_owned(),
        message: error.message.clone(),
        status_code: error.code.status(),
        code: error.code.clone(),
        details: error.details.clone(),
        request_id: Some(request_id.to_owned()),
        existing_order_id: error.existing_order_id.clone(),
        retry_after: error.retry_after_s,
        extra: serde_json::Map::new(),
    }
}

/// The whole answer to an error.
#[must_use]
pub fn rejection(error: &Error, request_id: &str) -> Response {
    let mut response = refusal(error, error.code.status(), &problem(error, request_id));
    if error.code == ErrorCode::InvalidApiKey {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// An answer that says no in an API's own words. When asking again may help stands in the same header in all of them.
#[must_use]
pub fn refusal(error: &Error, status: u16, body: &impl Serialize) -> Response {
    let mut response = json(status, body);
    if let Some(seconds) = error.retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A JSON answer.
#[must_use]
pub fn json(code: u16, body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(text) => text_json(code, text),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn text_json(code: u16, text: String) -> Response {
    let content = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (status(code), [content, (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], text).into_response()
}

/// An answer that was kept, or is being kept, under an idempotency key.
#[must_use]
pub fn kept(answer: replay::Answer) -> Response {
    let mut response = text_json(answer.status, answer.body);
    if answer.replayed {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    response
}

/// Renders the end of a use case the same way with and without an idempotency key.
#[derive(Debug, Clone)]
pub struct AsJson {
    /// The status of success.
    pub status: u16,
    /// The request that is answered.
    pub request_id: String,
}

impl<T: Serialize> replay::Render<T> for AsJson {
    fn success(&self, output: &T) -> replay::Answer {
        // What is answered are maps with text keys, which always serialise.
        replay::Answer { status: self.status, body: serde_json::to_string(output).unwrap_or_default(), replayed: false }
    }

    fn refusal(&self, error: &Error) -> replay::Answer {
        let body = serde_json::to_string(&problem(error, &self.request_id)).unwrap_or_default();
        replay::Answer { status: error.code.status(), body, replayed: false }
    }
}
