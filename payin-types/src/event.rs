//! Events: what a webhook delivers (source: API Reference, "Event Types"; envelope: the vendor's webhooks guide).
//! An unknown type or field is kept, so that a new event never breaks an old receiver.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Amount, ChainId, Currency, EventId, OrderId, OrderStatus, Protocol, Timestamp, open_enum};

open_enum! {
    /// What happened.
    EventType {
        /// An order was paid and confirmed.
        OrderCompleted = "order.completed",
        /// An order's window and grace period passed without a sufficient payment.
        OrderExpired = "order.expired",
        /// A deposit was seen.
        DepositPending = "deposit.pending",
        /// A deposit was confirmed.
        DepositConfirmed = "deposit.confirmed",
        /// An order was created. Only where subscribed by name.
        OrderCreated = "order.created",
        /// A payment was seen on chain, not yet confirmed. Only where subscribed by name.
        OrderPaymentDetected = "order.payment_detected",
        /// Money arrived after the order had expired. Only where subscribed by name.
        OrderPaidLate = "order.paid_late",
        /// A confirmed payment was taken back by its chain. Always sent where `order.completed` is.
        OrderReverted = "order.reverted",
        /// A transfer to a pool address that belongs to no order. Only where subscribed by name.
        TransferUnmatched = "transfer.unmatched",
        /// Every event of the documents; only in subscriptions.
        All = "*",
    }
}

/// The envelope of every event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The same on every attempt: deduplicate by it.
    pub id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// When it happened. (Snake case in the documents, unlike everything else.)
    pub created_at: Timestamp,
    /// Counts the events of one object, from 1: a lower number that arrives later is older news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// The object, as it stood then.
    pub data: Value,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Event {
    /// The data of an `order.*` event, or `None` for other events.
    ///
    /// # Errors
    /// When the data of an `order.*` event lacks a field that this version needs; [`Event::data`] still has it raw.
    pub fn order(&self) -> Result<Option<OrderEvent>, serde_json::Error> {
        if self.event_type.as_str().starts_with("order.") { OrderEvent::deserialize(&self.data).map(Some) } else { Ok(None) }
    }
}

/// `data` of `order.*` events. Snake case aliases: the vendor's own server sends them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderEvent {
    /// The gateway's id.
    #[serde(alias = "order_id")]
    pub order_id: OrderId,
    /// The merchant's id.
    #[serde(alias = "order_reference")]
    pub order_reference: String,
    /// Where the order stood.
    #[serde(default = "unstated")]
    pub status: OrderStatus,
    /// What was to be paid.
    pub amount: Amount,
    /// The currency asked for.
    pub currency: Currency,
    /// The chain asked for.
    #[serde(alias = "chain_id")]
    pub chain_id: ChainId,
    /// The chain's family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Where it was to be paid.
    #[serde(default, alias = "payment_address", skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Sum of the confirmed payments that count.
    #[serde(default, alias = "received_amount", skip_serializing_if = "Option::is_none")]
    pub received_amount: Option<Amount>,
    /// The transaction of the payment.
    #[serde(default, alias = "tx_hash", skip_serializing_if = "Option::is_none")]
    pub tx_hash: Option<String>,
    /// Its block.
    #[serde(default, alias = "block_number", skip_serializing_if = "Option::is_none")]
    pub block_number: Option<u64>,
    /// How many blocks confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmations: Option<u64>,
    /// The merchant's own data.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// When the order was created.
    #[serde(default, alias = "created_at", skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When the payment window ended or ends.
    #[serde(default, alias = "expires_at", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When the order was completed.
    #[serde(default, alias = "completed_at", skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// When the order expired.
    #[serde(default, alias = "expired_at", skip_serializing_if = "Option::is_none")]
    pub expired_at: Option<Timestamp>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

fn unstated() -> OrderStatus {
    OrderStatus::Unknown(String::new())
}
