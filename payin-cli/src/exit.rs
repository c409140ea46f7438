//! Exit codes: scripts rely on them, so a number never changes its meaning.

use std::process::ExitCode;

use payin_sdk::{ApiError, Error, ErrorCode};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Ok = 0,
    /// An API error that is none of those below.
    Api = 1,
    Usage = 2,
    NotFound = 3,
    Auth = 4,
    Conflict = 5,
    Validation = 6,
    RateLimited = 7,
    /// The network failed, or nobody knows whether the call took effect.
    Network = 8,
    /// An order was not paid, a webhook is not genuine, an event was not received, a sandbox's journal has not what was asserted, a
    /// server does not keep the contract.
    NotAsserted = 9,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    pub fn of(error: &Error) -> Self {
        match error {
            Error::Api(error) => Self::of_api(error),
            Error::Transport { .. } | Error::OutcomeUnknown { .. } => Self::Network,
            Error::Config(_) | Error::Request(_) => Self::Usage,
            Error::Session(_) => Self::Auth,
            _ => Self::Api,
        }
    }

    fn of_api(error: &ApiError) -> Self {
        match (&error.code, error.status) {
            (ErrorCode::MethodNotAllowed, _) => Self::Api,
            (ErrorCode::NotAsAsserted, _) => Self::NotAsserted,
            // No answer of the API, but of whatever listens there instead.
            (ErrorCode::Unknown(code), _) if code.starts_with("HTTP_") => Self::Api,
            (_, 404) => Self::NotFound,
            (_, 401 | 403) => Self::Auth,
            // 410: a payment link that stands where it cannot be paid, a cursor of another database.
            (_, 409 | 410) => Self::Conflict,
            (_, 400 | 413 | 415 | 422) => Self::Validation,
            (_, 429) => Self::RateLimited,
            _ => Self::Api,
        }
    }
}
