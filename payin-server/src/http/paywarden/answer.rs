//! How the PayWarden API says no: `{error, code}` in its own codes.

use axum::http::Method;
use axum::response::Response;
use payin_core::Error;
use payin_types::ErrorCode;
use payin_types::paywarden::{PaymentErrorCode, PaymentProblem};
use serde_json::Map;

use crate::http::answer;
use crate::http::dialect::Asked;

fn code(code: &ErrorCode, method: &Method) -> PaymentErrorCode {
    match code {
        ErrorCode::InvalidApiKey => PaymentErrorCode::Unauthorized,
        ErrorCode::InsufficientPermissions => PaymentErrorCode::Forbidden,
        ErrorCode::ResourceNotFound => PaymentErrorCode::NotFound,
        ErrorCode::MethodNotAllowed => PaymentErrorCode::MethodNotAllowed,
        ErrorCode::DuplicateOrderReference => PaymentErrorCode::ExternalIdConflict,
        ErrorCode::InvalidAmount => PaymentErrorCode::InvalidAmount,
        ErrorCode::ValidationError if matches!(*method, Method::GET | Method::HEAD) => PaymentErrorCode::InvalidQuery,
        ErrorCode::ValidationError | ErrorCode::InvalidCurrency => PaymentErrorCode::InvalidBody,
        ErrorCode::InvalidState => PaymentErrorCode::Conflict,
        ErrorCode::PayloadTooLarge => PaymentErrorCode::PayloadTooLarge,
        ErrorCode::UnsupportedMediaType => PaymentErrorCode::UnsupportedMediaType,
        ErrorCode::RequestTimeout => PaymentErrorCode::RequestTimeout,
        ErrorCode::RateLimitExceeded => PaymentErrorCode::RateLimited,
        ErrorCode::NoAvailableAddresses => PaymentErrorCode::NoAddressAvailable,
        ErrorCode::ChainUnavailable | ErrorCode::ServiceUnavailable => PaymentErrorCode::ServiceUnavailable,
        ErrorCode::OutcomeUnknown => PaymentErrorCode::OutcomeUnknown,
        _ => PaymentErrorCode::InternalError,
    }
}

fn text(error: &Error) -> String {
    match error.code {
        ErrorCode::DuplicateOrderReference => format!("external_id: {}", error.message),
        // The use cases speak of what another API calls so.
        ErrorCode::OutcomeUnknown => {
            "The database was lost at the last moment: it was done, or not. Ask again: what has an external_id is made once".to_owned()
        }
        _ => error.message.clone(),
    }
}

/// The whole answer.
pub fn refusal(error: &Error, asked: &Asked<'_>) -> Response {
    let code = code(&error.code, asked.method);
    answer::refusal(error, code.status(), &PaymentProblem { error: text(error), code, extra: Map::new() })
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
            ErrorCode::InvalidChain,
            ErrorCode::OrderExpired,
            ErrorCode::OrderAlreadyPaid,
            ErrorCode::NotAsAsserted,
        ];
        for error in ErrorCode::KNOWN.iter().filter(|error| !unsaid.contains(error)) {
            assert_eq!(code(error, &Method::POST).status(), error.status(), "{error}");
        }
        assert_eq!(code(&ErrorCode::ValidationError, &Method::GET), PaymentErrorCode::InvalidQuery);
        assert_eq!(code(&ErrorCode::ValidationError, &Method::POST), PaymentErrorCode::InvalidBody);
    }
}
