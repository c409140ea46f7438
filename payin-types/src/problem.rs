//! The error body of every non-2xx answer (source: API Reference, "Error Response Structure").

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ErrorCode, OrderId};

/// `{error, message, code, statusCode, details?, requestId}`, plus what single codes add.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Short text, the same for a code.
    pub error: String,
    /// What was wrong, with which value, and what to do.
    pub message: String,
    /// For programs.
    pub code: ErrorCode,
    /// The HTTP status once more.
    pub status_code: u16,
    /// More of what was wrong; for `VALIDATION_ERROR` a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    /// Quote it to support; also in the header `X-Request-Id`. The documents name it without a field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Only on `DUPLICATE_ORDER_REFERENCE`: the order that has the reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing_order_id: Option<OrderId>,
    /// Only where waiting helps: in how many seconds to try again. The same number as `Retry-After`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
