//! Words and bodies of the CryptoPay API (source: its API overview; where that is silent, its guides). Snake case throughout. What the
//! words mean for an order is a rule of the server's; nothing of another API is named here.

mod account;
mod order;
mod wallet;
mod webhook;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Page, Pagination, Timestamp, open_enum};

pub use account::{LogIn, LoggedIn, Refresh, Refreshed, Register, User};
pub use order::{CreatePaymentOrder, OrderTransaction, PaymentOrder, PaymentOrderStatus, Transaction};
pub use wallet::{AddWallet, MerchantWallet, UpdateWallet};
pub use webhook::{CreateWebhookEndpoint, UpdateWebhookEndpoint, WebhookEndpoint, WebhookEvent, WebhookEventData, WebhookEventType};

open_enum! {
    /// The programmatic name of an error. The document names `VALIDATION_ERROR`; the others are ours.
    CryptoPayErrorCode {
        /// Something that was sent is not as it must be; `details` names the fields.
        ValidationError = "VALIDATION_ERROR",
        /// The token or API key is missing, unknown, expired or revoked.
        Unauthorized = "UNAUTHORIZED",
        /// The caller's role does not allow this.
        Forbidden = "FORBIDDEN",
        /// No such path, or nothing of this merchant's there.
        NotFound = "NOT_FOUND",
        /// The path exists, the method does not; see `Allow`.
        MethodNotAllowed = "METHOD_NOT_ALLOWED",
        /// The request did not arrive in time.
        RequestTimeout = "REQUEST_TIMEOUT",
        /// It stands where this cannot be done.
        Conflict = "CONFLICT",
        /// The body is too long.
        PayloadTooLarge = "PAYLOAD_TOO_LARGE",
        /// The body is not `application/json`.
        UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE",
        /// More requests than the merchant's plan allows.
        RateLimited = "RATE_LIMITED",
        /// A fault of ours; nothing was done.
        InternalError = "INTERNAL_ERROR",
        /// No wallet is free for another order.
        NoWalletAvailable = "NO_WALLET_AVAILABLE",
        /// Not now; nothing was done.
        ServiceUnavailable = "SERVICE_UNAVAILABLE",
        /// The database was lost at the last moment: it was done, or not. The same request again tells.
        OutcomeUnknown = "OUTCOME_UNKNOWN",
    }
}

impl CryptoPayErrorCode {
    /// The HTTP status this code is answered with; 500 for a code this version does not know.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::ValidationError => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::Conflict => 409,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::RateLimited => 429,
            Self::NoWalletAvailable | Self::ServiceUnavailable | Self::OutcomeUnknown => 503,
            Self::InternalError | Self::Unknown(_) => 500,
        }
    }
}

/// The body around what was asked for, of every answer but lists and sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// Always true here.
    pub success: bool,
    /// What was asked for.
    pub data: T,
    /// A sentence for people.
    pub message: String,
    /// When it was answered.
    pub timestamp: Timestamp,
}

/// The error body of every answer outside 2xx.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CryptoPayProblem {
    /// Always false here.
    pub success: bool,
    /// What was wrong.
    pub error: CryptoPayError,
    /// When it was answered.
    pub timestamp: Timestamp,
}

/// What was wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CryptoPayError {
    /// For programs.
    pub code: CryptoPayErrorCode,
    /// For people.
    pub message: String,
    /// By field, what is wrong with it; empty where it is no field's fault.
    #[serde(default)]
    pub details: BTreeMap<String, Vec<String>>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One page of a list, in no envelope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results<T> {
    /// Items in the whole list at this moment.
    pub count: u64,
    /// Path and query of the next page; `None` on the last.
    pub next: Option<String>,
    /// Path and query of the page before; `None` on the first.
    pub previous: Option<String>,
    /// The items, newest first.
    pub results: Vec<T>,
}

/// The number of the page that a link leads to.
fn page_of(link: Option<&String>) -> Option<u64> {
    let (_, query) = link?.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("page=")).and_then(|number| number.parse().ok())
}

impl<T> From<Results<T>> for Page<T> {
    /// Which page it is, is said by what is beside it; how many items one has, by those here or before.
    fn from(Results { count, next, previous, results }: Results<T>) -> Self {
        let before = page_of(previous.as_ref()).or_else(|| page_of(next.as_ref())?.checked_sub(2)).unwrap_or(0);
        let here = u64::try_from(results.len()).unwrap_or(u64::MAX);
        let size = if next.is_some() { here } else { count.saturating_sub(here).checked_div(before).unwrap_or(here) };
        let pagination = Pagination { has_more: next.is_some(), ..Pagination::new(before.saturating_add(1), size.max(1), count) };
        Self { data: results, pagination }
    }
}

/// Query of every list. Everything is optional.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// Items a page, 1 to 100; default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_page_stands_is_told_by_its_links() {
        let stands = |count: u64, (previous, next): (Option<&str>, Option<&str>), items: usize| {
            let (next, previous) = (next.map(str::to_owned), previous.map(str::to_owned));
            let page = Page::from(Results { count, next, previous, results: vec![(); items] }).pagination;
            (page.page, page.limit, page.total_pages, page.has_more)
        };
        assert_eq!(stands(0, (None, None), 0), (1, 1, 0, false));
        assert_eq!(stands(2, (None, None), 2), (1, 2, 1, false));
        assert_eq!(stands(5, (None, Some("/l/?page=2&page_size=2")), 2), (1, 2, 3, true));
        assert_eq!(stands(5, (Some("/l/?page_size=2&page=1"), Some("https://a.example/l/?page=3")), 2), (2, 2, 3, true));
        assert_eq!(stands(5, (Some("/l/?page=2"), None), 1), (3, 2, 3, false));
        // Whatever else a server may write.
        assert_eq!(stands(5, (Some("/l/"), None), 1), (1, 1, 5, false));
        assert_eq!(stands(u64::MAX, (Some("?page=18446744073709551615"), None), 0), (u64::MAX, 1, u64::MAX, false));
    }

    #[test]
    fn the_documents_envelope_and_error_are_read_and_written() {
        let text = r#"{"success":false,"error":{"code":"VALIDATION_ERROR","message":"Invalid request data","details":{"field":["This field is required"]}},"timestamp":"2024-01-01T12:00:00.000Z"}"#;
        let problem: CryptoPayProblem = serde_json::from_str(text).unwrap();
        assert_eq!((problem.error.code.status(), problem.error.details["field"].len()), (400, 1));
        assert_eq!(serde_json::to_string(&problem).unwrap(), text);
        let newer: CryptoPayProblem =
            serde_json::from_str(r#"{"success":false,"error":{"code":"TEAPOT","message":"","hint":1},"timestamp":"2024-01-01T12:00:00Z"}"#)
                .unwrap();
        assert_eq!((newer.error.code.as_str(), &newer.error.extra["hint"]), ("TEAPOT", &Value::from(1)));
        let envelope: Envelope<u8> =
            serde_json::from_str(r#"{"success":true,"data":7,"message":"Success message","timestamp":"2024-01-01T12:00:00Z"}"#).unwrap();
        assert_eq!(envelope.data, 7);
    }
}
