//! Error codes and the HTTP status each goes with.
//!
//! The first ten are the documents' (API Reference, "Common Error Codes"); the rest name cases the documents leave without a code.

use crate::open_enum;

open_enum! {
    /// The programmatic name of an error.
    ErrorCode {
        /// The key is missing, unknown, expired or revoked.
        InvalidApiKey = "INVALID_API_KEY",
        /// The key's role does not allow this.
        InsufficientPermissions = "INSUFFICIENT_PERMISSIONS",
        /// No such object in this organization, or no such path.
        ResourceNotFound = "RESOURCE_NOT_FOUND",
        /// The organization already has an order with this reference; the body has `existingOrderId`.
        DuplicateOrderReference = "DUPLICATE_ORDER_REFERENCE",
        /// No such deposit reference in this organization, or not on that chain.
        DepositReferenceNotFound = "DEPOSIT_REFERENCE_NOT_FOUND",
        /// The deposit reference is bound on that chain already.
        DuplicateDepositReference = "DUPLICATE_DEPOSIT_REFERENCE",
        /// The payment link can no longer be paid, or not yet: not published, put away, or past its time.
        PaymentLinkUnavailable = "PAYMENT_LINK_UNAVAILABLE",
        /// The payment link's inventory is sold, or held by orders that wait for payment.
        SoldOut = "SOLD_OUT",
        /// The cursor is of another database, or beyond the end of this one: reading cannot go on from it.
        CursorUnknown = "CURSOR_UNKNOWN",
        /// The object stands where this cannot be done; the message says where.
        InvalidState = "INVALID_STATE",
        /// The pool has no free address of this family. Import more; do not hammer.
        NoAvailableAddresses = "NO_AVAILABLE_ADDRESSES",
        /// The amount is not a positive decimal string within the token's decimals.
        InvalidAmount = "INVALID_AMOUNT",
        /// The chain is unknown, of the other environment, or has no source here.
        InvalidChain = "INVALID_CHAIN",
        /// The currency is not offered on that chain.
        InvalidCurrency = "INVALID_CURRENCY",
        /// Sandbox: paying an order that has expired.
        OrderExpired = "ORDER_EXPIRED",
        /// Sandbox: paying an order that is already paid.
        OrderAlreadyPaid = "ORDER_ALREADY_PAID",
        /// Sandbox: its journal does not have what was asserted; the message says what it has.
        NotAsAsserted = "NOT_AS_ASSERTED",
        /// More requests than the key's limits allow.
        RateLimitExceeded = "RATE_LIMIT_EXCEEDED",
        /// Something in the request is malformed; `details` lists what.
        ValidationError = "VALIDATION_ERROR",
        /// The idempotency key was used with another request.
        IdempotencyKeyConflict = "IDEMPOTENCY_KEY_CONFLICT",
        /// The first request with this idempotency key has not ended yet.
        IdempotencyInProgress = "IDEMPOTENCY_IN_PROGRESS",
        /// The path exists, the method does not; see `Allow`.
        MethodNotAllowed = "METHOD_NOT_ALLOWED",
        /// The body is longer than this path takes.
        PayloadTooLarge = "PAYLOAD_TOO_LARGE",
        /// The body is not `application/json`.
        UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE",
        /// The request did not arrive in time.
        RequestTimeout = "REQUEST_TIMEOUT",
        /// The chain's watcher is behind or cut off, so no new order is taken on it.
        ChainUnavailable = "CHAIN_UNAVAILABLE",
        /// The server is stopping or overloaded; nothing was done.
        ServiceUnavailable = "SERVICE_UNAVAILABLE",
        /// The database was lost at the last moment: it was done, or not. Asking again with the same idempotency key tells.
        OutcomeUnknown = "OUTCOME_UNKNOWN",
        /// A fault of ours; nothing was done. Quote the request id.
        InternalError = "INTERNAL_ERROR",
    }
}

impl ErrorCode {
    /// The HTTP status this code is answered with; 500 for a code this version does not know.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::InvalidApiKey => 401,
            Self::InsufficientPermissions => 403,
            Self::ResourceNotFound | Self::DepositReferenceNotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::DuplicateOrderReference
            | Self::DuplicateDepositReference
            | Self::IdempotencyKeyConflict
            | Self::IdempotencyInProgress
            | Self::SoldOut
            | Self::InvalidState
            | Self::NotAsAsserted => 409,
            Self::PaymentLinkUnavailable | Self::CursorUnknown => 410,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::RateLimitExceeded => 429,
            Self::NoAvailableAddresses | Self::ChainUnavailable | Self::ServiceUnavailable | Self::OutcomeUnknown => 503,
            Self::InvalidAmount
            | Self::InvalidChain
            | Self::InvalidCurrency
            | Self::ValidationError
            | Self::OrderExpired
            | Self::OrderAlreadyPaid => 400,
            Self::InternalError | Self::Unknown(_) => 500,
        }
    }

    /// The short text of the `error` field.
    #[must_use]
    pub fn title(&self) -> &str {
        match self {
            Self::InvalidApiKey => "Invalid API key",
            Self::InsufficientPermissions => "Insufficient permissions",
            Self::ResourceNotFound => "Resource not found",
            Self::DuplicateOrderReference => "Duplicate order reference",
            Self::DepositReferenceNotFound => "Deposit reference not found",
            Self::DuplicateDepositReference => "Duplicate deposit reference",
            Self::PaymentLinkUnavailable => "Payment link unavailable",
            Self::SoldOut => "Sold out",
            Self::CursorUnknown => "Cursor unknown",
            Self::InvalidState => "Invalid state",
            Self::NoAvailableAddresses => "No available addresses",
            Self::InvalidAmount => "Invalid amount",
            Self::InvalidChain => "Invalid chain",
            Self::InvalidCurrency => "Invalid currency",
            Self::OrderExpired => "Order expired",
            Self::OrderAlreadyPaid => "Order already paid",
            Self::NotAsAsserted => "Not as asserted",
            Self::RateLimitExceeded => "Rate limit exceeded",
            Self::ValidationError => "Validation error",
            Self::IdempotencyKeyConflict => "Idempotency key conflict",
            Self::IdempotencyInProgress => "Idempotency key in progress",
            Self::MethodNotAllowed => "Method not allowed",
            Self::PayloadTooLarge => "Payload too large",
            Self::UnsupportedMediaType => "Unsupported media type",
            Self::RequestTimeout => "Request timeout",
            Self::ChainUnavailable => "Chain unavailable",
            Self::ServiceUnavailable => "Service unavailable",
            Self::OutcomeUnknown => "Outcome unknown",
            Self::InternalError => "Internal server error",
            Self::Unknown(word) => word,
        }
    }
}
