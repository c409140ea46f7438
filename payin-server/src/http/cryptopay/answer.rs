//! How the CryptoPay API answers: its envelope around what was asked for, and `{success, error, timestamp}` in its own codes where it says
//! no.

use std::collections::BTreeMap;

use axum::http::{HeaderValue, header};
use axum::response::Response;
use payin_core::Error;
use payin_types::ErrorCode;
use payin_types::cryptopay::{CryptoPayError, CryptoPayErrorCode, CryptoPayProblem, Envelope};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::app::App;
use crate::http::answer::{self, json};
use crate::http::dialect::Asked;

/// What was asked for, in its envelope.
pub fn enveloped<T: Serialize>(app: &App, status: u16, data: T, message: &str) -> Response {
    json(status, &Envelope { success: true, data, message: message.to_owned(), timestamp: app.clock.now() })
}

fn code(code: &ErrorCode) -> CryptoPayErrorCode {
    match code {
        ErrorCode::ValidationError
        | ErrorCode::InvalidAmount
        | ErrorCode::InvalidChain
        | ErrorCode::InvalidCurrency
        | ErrorCode::DuplicateOrderReference => CryptoPayErrorCode::ValidationError,
        ErrorCode::InvalidApiKey => CryptoPayErrorCode::Unauthorized,
        ErrorCode::InsufficientPermissions => CryptoPayErrorCode::Forbidden,
        ErrorCode::ResourceNotFound => CryptoPayErrorCode::NotFound,
        ErrorCode::MethodNotAllowed => CryptoPayErrorCode::MethodNotAllowed,
        ErrorCode::RequestTimeout => CryptoPayErrorCode::RequestTimeout,
        ErrorCode::InvalidState => CryptoPayErrorCode::Conflict,
        ErrorCode::PayloadTooLarge => CryptoPayErrorCode::PayloadTooLarge,
        ErrorCode::UnsupportedMediaType => CryptoPayErrorCode::UnsupportedMediaType,
        ErrorCode::RateLimitExceeded => CryptoPayErrorCode::RateLimited,
        ErrorCode::NoAvailableAddresses => CryptoPayErrorCode::NoWalletAvailable,
        ErrorCode::ChainUnavailable | ErrorCode::ServiceUnavailable => CryptoPayErrorCode::ServiceUnavailable,
        ErrorCode::OutcomeUnknown => CryptoPayErrorCode::OutcomeUnknown,
        _ => CryptoPayErrorCode::InternalError,
    }
}

fn text(error: &Error) -> String {
    // The use cases speak of what other APIs call so.
    match error.code {
        ErrorCode::NoAvailableAddresses => {
            "No merchant wallet is free for another order: add addresses, or an account's xpub, as merchant \
             wallets, or wait until open orders have ended"
                .to_owned()
        }
        ErrorCode::DuplicateOrderReference => format!("nonce: {}", error.message),
        ErrorCode::OutcomeUnknown => {
            "The database was lost at the last moment: it was done, or not. Ask again for the same; an order is never made twice".to_owned()
        }
        _ => error.message.clone(),
    }
}

/// What is wrong, by field.
fn details(error: &Error) -> BTreeMap<String, Vec<String>> {
    let mut by_field: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if error.code == ErrorCode::DuplicateOrderReference {
        by_field.insert("nonce".to_owned(), vec![error.message.clone()]);
    }
    for detail in error.details.as_ref().and_then(Value::as_array).into_iter().flatten() {
        if let (Some(field), Some(problem)) = (detail["field"].as_str(), detail["problem"].as_str()) {
            by_field.entry(field.to_owned()).or_default().push(problem.to_owned());
        }
    }
    by_field
}

/// The whole answer.
pub fn refusal(error: &Error, asked: &Asked<'_>) -> Response {
    let code = code(&error.code);
    let said = CryptoPayError { code: code.clone(), message: text(error), details: details(error), extra: Map::new() };
    let problem = CryptoPayProblem { success: false, error: said, timestamp: asked.now };
    let mut response = answer::refusal(error, code.status(), &problem);
    if code == CryptoPayErrorCode::Unauthorized {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_a_code_here_with_its_own_status() {
        let unsaid = [
            // Of what this API has nothing: such an error would be a fault of ours.
            ErrorCode::DepositReferenceNotFound,
            ErrorCode::DuplicateDepositReference,
            ErrorCode::PaymentLinkUnavailable,
            ErrorCode::SoldOut,
            ErrorCode::CursorUnknown,
            ErrorCode::IdempotencyKeyConflict,
            ErrorCode::IdempotencyInProgress,
            ErrorCode::OrderExpired,
            ErrorCode::OrderAlreadyPaid,
            ErrorCode::NotAsAsserted,
            // A number that is taken is a field that is wrong.
            ErrorCode::DuplicateOrderReference,
        ];
        for error in ErrorCode::KNOWN.iter().filter(|error| !unsaid.contains(error)) {
            assert_eq!(code(error).status(), error.status(), "{error}");
        }
        assert_eq!(code(&ErrorCode::DuplicateOrderReference), CryptoPayErrorCode::ValidationError);
    }

    #[test]
    fn what_is_wrong_is_said_by_field() {
        let error = Error::together(vec![Error::field("a", "one"), Error::field("b", "two"), Error::field("a", "three")]).unwrap();
        let expected = [("a".to_owned(), vec!["one".to_owned(), "three".to_owned()]), ("b".to_owned(), vec!["two".to_owned()])];
        assert_eq!(details(&error), expected.into());
        assert_eq!(error.message, "a: one; b: two; a: three");
        assert!(Error::together(Vec::new()).is_none());
    }
}
