//! Words and bodies of the PayWarden API (source: its Payments API document, version 1; where that is silent, its guides). Snake case
//! throughout. What the words mean for an order is a rule of the server's; nothing of another API is named here.

pub mod admin;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Amount, Currency, OrderId, Page, Pagination, Timestamp, open_enum};

open_enum! {
    /// Where a payment order stands.
    PaymentStatus {
        /// Waiting for payment.
        Pending = "pending",
        /// A transfer was seen and waits for confirmations; or it had them, and the chain took it back.
        Detected = "detected",
        /// The payment is confirmed, the webhook is on its way.
        Confirmed = "confirmed",
        /// The webhook was acknowledged by the merchant's server.
        Completed = "completed",
        /// The time passed without payment.
        Expired = "expired",
        /// The payment is confirmed, and its webhook was not acknowledged in ten attempts. The money is there.
        Failed = "failed",
    }
}

open_enum! {
    /// What an entry of a payment's timeline tells of.
    TimelineType {
        /// The order was created.
        Created = "created",
        /// A transfer was seen.
        Detected = "detected",
        /// The payment was confirmed.
        Confirmed = "confirmed",
        /// The webhook was acknowledged.
        Completed = "completed",
        /// The time passed without payment.
        Expired = "expired",
        /// The webhook was not acknowledged.
        Failed = "failed",
        /// The chain took the confirmed payment back. No word of the documents'.
        Reverted = "reverted",
        /// Money came too late for the order. No word of the documents'.
        PaidLate = "paid_late",
    }
}

open_enum! {
    /// What a webhook tells of.
    PaymentEventType {
        /// A transfer was seen.
        Detected = "payment.detected",
        /// The payment was confirmed. Its acknowledgement completes the order.
        Confirmed = "payment.confirmed",
        /// The time passed without payment.
        Expired = "payment.expired",
        /// Confirmed money is less than the amount.
        Underpaid = "payment.underpaid",
        /// The chain took the confirmed payment back; should it come again, it is confirmed again. No word of the documents'.
        Reverted = "payment.reverted",
    }
}

open_enum! {
    /// The programmatic name of an error. The documents name three; the others are ours.
    PaymentErrorCode {
        /// The key is missing, unknown, expired or revoked.
        Unauthorized = "UNAUTHORIZED",
        /// The key's role does not allow this.
        Forbidden = "FORBIDDEN",
        /// No such order of this merchant's, or no such path.
        NotFound = "NOT_FOUND",
        /// The path exists, the method does not; see `Allow`.
        MethodNotAllowed = "METHOD_NOT_ALLOWED",
        /// The body cannot be read, or a field of it is not as it must be.
        InvalidBody = "INVALID_BODY",
        /// The amount is not a positive decimal string with at most six digits behind the point.
        InvalidAmount = "INVALID_AMOUNT",
        /// A parameter of the path or query is not as it must be.
        InvalidQuery = "INVALID_QUERY",
        /// The external id is taken by an order that asked for something else.
        ExternalIdConflict = "EXTERNAL_ID_CONFLICT",
        /// It stands where this cannot be done.
        Conflict = "CONFLICT",
        /// The body is too long.
        PayloadTooLarge = "PAYLOAD_TOO_LARGE",
        /// The body is not `application/json`.
        UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE",
        /// The request did not arrive in time.
        RequestTimeout = "REQUEST_TIMEOUT",
        /// More requests than the key's limits allow.
        RateLimited = "RATE_LIMITED",
        /// No address is free for another order.
        NoAddressAvailable = "NO_ADDRESS_AVAILABLE",
        /// Not now; nothing was done.
        ServiceUnavailable = "SERVICE_UNAVAILABLE",
        /// The database was lost at the last moment: it was done, or not. The same external id again tells.
        OutcomeUnknown = "OUTCOME_UNKNOWN",
        /// A fault of ours; nothing was done.
        InternalError = "INTERNAL_ERROR",
    }
}

impl PaymentErrorCode {
    /// The HTTP status this code is answered with; 500 for a code this version does not know.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::InvalidBody | Self::InvalidAmount | Self::InvalidQuery => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::ExternalIdConflict | Self::Conflict => 409,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::RateLimited => 429,
            Self::NoAddressAvailable | Self::ServiceUnavailable | Self::OutcomeUnknown => 503,
            Self::InternalError | Self::Unknown(_) => 500,
        }
    }
}

/// The error body of every answer outside 2xx.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentProblem {
    /// What was wrong, with which value, and what to do.
    pub error: String,
    /// For programs.
    pub code: PaymentErrorCode,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Body of `POST /payments`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreatePayment {
    /// What is to be paid, in USDT, at most six digits behind the point.
    pub amount: Amount,
    /// `USDT`.
    pub currency: Currency,
    /// The merchant's own id of the order: 1 to 255 characters, unique.
    pub external_id: String,
    /// Where the order's events are posted; where it is left out, and the merchant has one, at the merchant's. Version 2 of the documents
    /// calls it `callback_url`, which is taken too.
    #[serde(default, alias = "callback_url", skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
    /// The merchant's own data, returned in webhooks: at most 8 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
}

impl CreatePayment {
    /// An order of so much USDT.
    #[must_use]
    pub fn new(external_id: impl Into<String>, amount: Amount) -> Self {
        Self { amount, currency: Currency::from("USDT"), external_id: external_id.into(), webhook_url: None, metadata: None }
    }

    /// Where the order's events are posted.
    #[must_use]
    pub fn webhook_url(mut self, url: impl Into<String>) -> Self {
        self.webhook_url = Some(url.into());
        self
    }

    /// Adds one pair of the merchant's own data.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.get_or_insert_default().insert(key.into(), value.into());
        self
    }
}

/// A payment order. Created and listed it has no timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct Payment {
    /// The gateway's id.
    pub id: OrderId,
    /// Where it stands.
    pub status: PaymentStatus,
    /// What is to be paid, with the scale the merchant wrote.
    pub amount: Amount,
    /// Sum of the confirmed transfers that count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_received: Option<Amount>,
    /// `USDT`.
    pub currency: Currency,
    /// Where to pay.
    pub address: String,
    /// The merchant's id.
    pub external_id: String,
    /// The transaction that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_hash: Option<String>,
    /// How many blocks confirm it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmations: Option<u64>,
    /// When the time to pay ends: an hour after the order was created.
    pub expires_at: Timestamp,
    /// When it was created.
    pub created_at: Timestamp,
    /// When the payment was confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
    /// When money came that is too late for the order, which has expired. No field of the documents'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_late_at: Option<Timestamp>,
    /// The page where the customer pays; absent where the server does not know its own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout_url: Option<String>,
    /// The merchant's own data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    /// What happened to it, oldest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<TimelineEvent>>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// An entry of a payment's timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimelineEvent {
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: TimelineType,
    /// When.
    pub at: Timestamp,
    /// The transaction; only of `detected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_hash: Option<String>,
    /// How many confirmations it took; only of `confirmed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmations: Option<u64>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Query of `GET /payments`. Everything is optional.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListPayments {
    /// Page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// Items a page, 1 to 100; default 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Only payments that stand here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<PaymentStatus>,
}

/// One page of a list; where it stands is written beside its items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlatPage<T> {
    /// The items, newest first.
    pub data: Vec<T>,
    /// Items in the whole list at this moment.
    pub total: u64,
    /// This page, from 1.
    pub page: u64,
    /// Items a page at most.
    pub limit: u64,
}

impl<T> From<FlatPage<T>> for Page<T> {
    fn from(flat: FlatPage<T>) -> Self {
        Self { data: flat.data, pagination: Pagination::new(flat.page, flat.limit, flat.total) }
    }
}

/// A payment as its payer may see it: answer of `GET /checkout/:id/status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct CheckoutStatus {
    /// The gateway's id; whoever knows it may see this.
    pub id: OrderId,
    /// Where it stands.
    pub status: PaymentStatus,
    /// What is to be paid.
    pub amount: Amount,
    /// Sum of the confirmed transfers that count.
    pub amount_received: Amount,
    /// `USDT`.
    pub currency: Currency,
    /// Where to pay.
    pub address: String,
    /// How many blocks confirm the transfer that was seen; 0 before.
    pub confirmations: u64,
    /// How many are asked for.
    pub required_confirmations: u64,
    /// When the time to pay ends.
    pub expires_at: Timestamp,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What a webhook says of a payment. The body is flat and the same on every attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct PaymentEvent {
    /// What happened.
    pub event: PaymentEventType,
    /// The gateway's id.
    pub order_id: OrderId,
    /// The merchant's id.
    pub external_id: String,
    /// What was to be paid.
    pub amount: Amount,
    /// Sum of the confirmed transfers that count.
    pub amount_received: Amount,
    /// `USDT`.
    pub currency: Currency,
    /// Where it was to be paid.
    pub address: String,
    /// The transaction that was seen.
    pub tx_hash: Option<String>,
    /// How many blocks confirmed it.
    pub confirmations: u64,
    /// When the order was created.
    pub created_at: Timestamp,
    /// When the payment was confirmed.
    pub confirmed_at: Option<Timestamp>,
    /// The merchant's own data.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Answer of `GET /health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayHealth {
    /// `ok`, or `degraded` where the chain is not followed; with status 503 where the database does not answer.
    pub status: String,
}

/// Body of `POST /wallet/init`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitWallet {
    /// The account's extended public key, of `m/44'/195'/0'`.
    pub xpub: String,
}

/// Answer of `POST /wallet/init`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wallet {
    /// The key, as it was sent.
    pub xpub: String,
    /// The address that the first order is paid to, at `0/0`.
    pub first_address: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_has_two_names_and_may_come_once() {
        let with = |fields: &str| {
            serde_json::from_str::<CreatePayment>(&format!(r#"{{"amount":"9","currency":"USDT","external_id":"a"{fields}}}"#))
        };
        for name in ["webhook_url", "callback_url"] {
            assert_eq!(with(&format!(r#","{name}":"https://a.example/""#)).unwrap().webhook_url.as_deref(), Some("https://a.example/"));
        }
        assert!(with(r#","webhook_url":"https://a.example/","callback_url":"https://a.example/""#).is_err());
        assert!(with(r#","ttl":60"#).is_err());
    }

    #[test]
    fn a_created_payment_has_the_documents_fields_and_no_more() {
        let text = r#"{"id":"ord_abc123","status":"pending","amount":"99.00","currency":"USDT","address":"TX","external_id":"order_123","expires_at":"2025-01-01T01:00:00.000Z","created_at":"2025-01-01T00:00:00.000Z","checkout_url":"https://pay.yourdomain.com/checkout/ord_abc123"}"#;
        let payment: Payment = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&payment).unwrap(), text);
        let newer: Payment =
            serde_json::from_str(&text.replace("\"pending\"", "\"underpaid\"").replace("\"TX\"", "\"TX\",\"network\":\"nile\"")).unwrap();
        assert_eq!((newer.status.as_str(), &newer.extra["network"]), ("underpaid", &Value::from("nile")));
    }
}
