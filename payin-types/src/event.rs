//! Events: what a webhook delivers (source: API Reference, "Event Types"; envelope: the vendor's webhooks guide).
//! An unknown type or field is kept, so that a new event never breaks an old receiver.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Amount, ChainId, Currency, DepositId, DepositStatus, EventId, OrderId, OrderStatus, Protocol, Timestamp, open_enum};

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
        /// A deposit became final. Only where subscribed by name.
        DepositCompleted = "deposit.completed",
        /// A confirmed deposit was taken back by its chain. Always sent where `deposit.confirmed` or `deposit.completed` is.
        DepositReverted = "deposit.reverted",
        /// A deposit reference was bound to an address. Only where subscribed by name.
        DepositAddressBound = "deposit.address_bound",
        /// A deposit reference let go of an address. Only where subscribed by name.
        DepositAddressUnbound = "deposit.address_unbound",
        /// An order was created. Only where subscribed by name.
        OrderCreated = "order.created",
        /// A payment was seen on chain, not yet confirmed. Only where subscribed by name.
        OrderPaymentDetected = "order.payment_detected",
        /// Money arrived after the order had expired. Only where subscribed by name.
        OrderPaidLate = "order.paid_late",
        /// A confirmed payment was taken back by its chain. Always sent where `order.completed`,
        /// `order.paid_late` or `payment_link.order_completed` is.
        OrderReverted = "order.reverted",
        /// A transfer to a pool address that belongs to no order. Only where subscribed by name.
        TransferUnmatched = "transfer.unmatched",
        /// A transfer to a pool address was seen, whatever it counts for. Only where subscribed by name.
        TransferDetected = "transfer.detected",
        /// A transfer to a pool address was confirmed. Only where subscribed by name.
        TransferConfirmed = "transfer.confirmed",
        /// An order of a payment link was paid. Only where subscribed by name.
        PaymentLinkOrderCompleted = "payment_link.order_completed",
        /// An order of a payment link was not paid in time. Only where subscribed by name.
        PaymentLinkOrderExpired = "payment_link.order_expired",
        /// Few addresses of a family are left. Only where subscribed by name.
        AddressPoolLow = "address_pool.low",
        /// Somebody added addresses to a pool, or a key that more are derived from. Only where subscribed by name.
        AddressPoolImported = "address_pool.imported",
        /// A webhook endpoint is told no more: it answered 410, or has failed for days. To the others, where subscribed by name.
        WebhookEndpointDisabled = "webhook_endpoint.disabled",
        /// Nothing: an endpoint is being tested. Sent to that endpoint only; cannot be subscribed to.
        WebhookTest = "webhook.test",
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

    /// The data of an event that tells of a deposit (`deposit.pending`, `.confirmed`, `.completed`, `.reverted`), or `None` for others.
    ///
    /// # Errors
    /// When the data lacks a field that this version needs; [`Event::data`] still has it raw.
    pub fn deposit(&self) -> Result<Option<DepositEvent>, serde_json::Error> {
        let tells = self.event_type.as_str().starts_with("deposit.") && !self.event_type.as_str().starts_with("deposit.address_");
        if tells { DepositEvent::deserialize(&self.data).map(Some) } else { Ok(None) }
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

/// `data` of `deposit.*` events that tell of a deposit. Snake case aliases: the vendor's own server sends them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DepositEvent {
    /// The gateway's id: credit each once.
    #[serde(alias = "deposit_id")]
    pub deposit_id: DepositId,
    /// The merchant's id of the payer.
    #[serde(alias = "deposit_reference")]
    pub deposit_reference: String,
    /// Where the deposit stood.
    #[serde(default = "deposit_unstated")]
    pub status: DepositStatus,
    /// What arrived, in whole tokens.
    pub amount: Amount,
    /// Of which token.
    #[serde(alias = "token")]
    pub currency: Currency,
    /// On which chain.
    #[serde(alias = "chain_id", alias = "chain")]
    pub chain_id: ChainId,
    /// The chain's family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Where it arrived.
    #[serde(default, alias = "depositAddress", skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The transaction.
    #[serde(alias = "tx_hash")]
    pub tx_hash: String,
    /// Its block.
    #[serde(default, alias = "block_number", skip_serializing_if = "Option::is_none")]
    pub block_number: Option<u64>,
    /// How many blocks confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmations: Option<u64>,
    /// How many its chain asks for.
    #[serde(default, alias = "required_confirmations", skip_serializing_if = "Option::is_none")]
    pub required_confirmations: Option<u64>,
    /// When it was seen.
    #[serde(default, alias = "detected_at", skip_serializing_if = "Option::is_none")]
    pub detected_at: Option<Timestamp>,
    /// When it was confirmed.
    #[serde(default, alias = "confirmed_at", skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
    /// When it became final.
    #[serde(default, alias = "completed_at", skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// The merchant's own data of the reference.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

fn deposit_unstated() -> DepositStatus {
    DepositStatus::Unknown(String::new())
}

#[cfg(test)]
mod tests;
