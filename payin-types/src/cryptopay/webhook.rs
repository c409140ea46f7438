//! Webhook endpoints, and what is posted to them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::PaymentOrderStatus;
use crate::{Amount, Currency, EndpointId, Timestamp, open_enum};

open_enum! {
    /// What a webhook tells of.
    WebhookEventType {
        /// A payment was seen.
        PaymentPending = "payment.pending",
        /// The order is paid and confirmed.
        PaymentConfirmed = "payment.confirmed",
        /// The chain has taken a payment back.
        PaymentFailed = "payment.failed",
        /// The time passed without enough payment.
        OrderExpired = "order.expired",
    }
}

/// Body of `POST /webhook-endpoints/`. It may bear a secret, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateWebhookEndpoint {
    /// Where events are posted.
    pub url: String,
    /// Which; all of them where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<WebhookEventType>>,
    /// What they are signed with, 16 characters or more; made where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl CreateWebhookEndpoint {
    /// An endpoint for all events, whose secret is made.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), events: None, secret: None }
    }
}

/// Body of `PUT /webhook-endpoints/{id}/`. What is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateWebhookEndpoint {
    /// Where events are posted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<WebhookEventType>>,
    /// Whether they are posted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
}

/// A webhook endpoint. It may bear a secret, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct WebhookEndpoint {
    /// What to name it by.
    pub id: EndpointId,
    /// Where events are posted.
    pub url: String,
    /// Which.
    pub events: Vec<WebhookEventType>,
    /// What they are signed with; shown once, when it is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Whether they are posted.
    pub is_active: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What is posted. The body is the same on every attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct WebhookEvent {
    /// What happened.
    pub event: WebhookEventType,
    /// To which order.
    pub data: WebhookEventData,
    /// When.
    pub timestamp: Timestamp,
    /// The event's id, `wh_…`: one that comes again is the same event.
    pub webhook_id: String,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// An order as an event tells of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct WebhookEventData {
    /// The gateway's id, `ORD-…`.
    pub order_id: String,
    /// The payment's transaction; `None` where none was seen.
    #[serde(default)]
    pub transaction_hash: Option<String>,
    /// What was to be paid.
    pub amount: Amount,
    /// Sum of the confirmed payments that count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_received: Option<Amount>,
    /// The token.
    pub currency: Currency,
    /// The chain.
    pub blockchain: String,
    /// Where the order stands.
    pub status: PaymentOrderStatus,
    /// How many blocks confirm the payment.
    #[serde(default)]
    pub confirmations: u64,
    /// The payment's block.
    #[serde(default)]
    pub block_number: Option<u64>,
    /// Who sent it, where that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_address: Option<String>,
    /// Where it was to be paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_address: Option<String>,
    /// The merchant's own data, as it was sent.
    #[serde(default)]
    pub order_info: String,
    /// When the order was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When the payment was confirmed.
    #[serde(default)]
    pub confirmed_at: Option<Timestamp>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
