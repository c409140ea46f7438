//! Bodies of the Orders API (source: Orders API document).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Amount, ChainId, Currency, OrderId, PaymentLinkId, Protocol, Timestamp, open_enum};

open_enum! {
    /// Where an order stands.
    OrderStatus {
        /// Created, waiting for its payment.
        Pending = "pending",
        /// Paid and confirmed.
        Completed = "completed",
        /// The window and the grace period passed without a sufficient payment.
        Expired = "expired",
    }
}

/// Body of `POST /orders`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateOrder {
    /// The merchant's own id of the order: 1 to 255 characters, unique in the organization.
    pub order_reference: String,
    /// What is to be paid, in whole tokens, at most the token's decimals.
    pub amount: Amount,
    /// `USDT`, `USDC`, `DAI`, …
    pub currency: Currency,
    /// The chain's slug.
    pub chain_id: ChainId,
    /// The merchant's own data: at most 10 pairs and 8 KiB; comes back in answers and webhooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    /// Where the payer goes after payment. `{{orderId}}` is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_url: Option<String>,
    /// Where the payer goes when the order has expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_url: Option<String>,
    /// Minutes in which the payer should send, 1 to 60; default 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_window_minutes: Option<u32>,
    /// Minutes after the window in which a payment still counts, 0 to 30; default 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_period_minutes: Option<u32>,
}

impl CreateOrder {
    /// An order with the fields that every order has.
    #[must_use]
    pub fn new(order_reference: impl Into<String>, amount: Amount, currency: impl Into<Currency>, chain_id: impl Into<ChainId>) -> Self {
        Self {
            order_reference: order_reference.into(),
            amount,
            currency: currency.into(),
            chain_id: chain_id.into(),
            metadata: None,
            success_url: None,
            cancel_url: None,
            payment_window_minutes: None,
            grace_period_minutes: None,
        }
    }

    /// Adds one pair of the merchant's own data.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.get_or_insert_default().insert(key.into(), value.into());
        self
    }

    /// Where the payer goes after payment.
    #[must_use]
    pub fn success_url(mut self, url: impl Into<String>) -> Self {
        self.success_url = Some(url.into());
        self
    }

    /// Where the payer goes when the order has expired.
    #[must_use]
    pub fn cancel_url(mut self, url: impl Into<String>) -> Self {
        self.cancel_url = Some(url.into());
        self
    }

    /// Minutes in which the payer should send.
    #[must_use]
    pub fn payment_window_minutes(mut self, minutes: u32) -> Self {
        self.payment_window_minutes = Some(minutes);
        self
    }

    /// Minutes after the window in which a payment still counts.
    #[must_use]
    pub fn grace_period_minutes(mut self, minutes: u32) -> Self {
        self.grace_period_minutes = Some(minutes);
        self
    }
}

/// An order, as `POST /orders`, `GET /orders/:id` and `GET /orders/by-reference/:reference` answer it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct Order {
    /// The gateway's id.
    pub order_id: OrderId,
    /// The merchant's id.
    pub order_reference: String,
    /// What is to be paid, in whole tokens, with the scale the merchant wrote.
    pub amount: Amount,
    /// The currency asked for.
    pub currency: Currency,
    /// The chain asked for.
    pub chain_id: ChainId,
    /// The chain's family; an empty word where the server does not say (the documents' shorter example does not).
    #[serde(default = "unstated")]
    pub protocol: Protocol,
    /// Where to pay.
    pub address: String,
    /// Where the order stands.
    pub status: OrderStatus,
    /// The merchant's own data.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// Where the payer goes after payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_url: Option<String>,
    /// Where the payer goes when the order has expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_url: Option<String>,
    /// When the order was created.
    pub created_at: Timestamp,
    /// When the payment window ends. A payment still counts until [`Order::grace_period_ends_at`].
    pub expires_at: Timestamp,
    /// When the grace period ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_period_ends_at: Option<Timestamp>,
    /// Sum of the confirmed payments that count, in whole tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_amount: Option<Amount>,
    /// Money arrived after the grace period; the order stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_late: Option<bool>,
    /// When the first payment was seen on chain, before confirmation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected_at: Option<Timestamp>,
    /// When the order was completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// When the order expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expired_at: Option<Timestamp>,
    /// The transaction of the payment that completed the order, or of the latest one seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_hash: Option<String>,
    /// The block of that transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_number: Option<u64>,
    /// How many blocks confirm that transaction, itself included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmations: Option<u64>,
    /// How many the chain's policy asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_confirmations: Option<u64>,
    /// The payment link it was made through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_link_id: Option<PaymentLinkId>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

fn unstated() -> Protocol {
    Protocol::Unknown(String::new())
}

impl Order {
    /// An order as just created, with nothing received.
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "the fields that every order has; the rest are public")]
    pub fn new(
        order_id: OrderId,
        order_reference: String,
        amount: Amount,
        currency: Currency,
        chain_id: ChainId,
        protocol: Protocol,
        address: String,
        created_at: Timestamp,
        expires_at: Timestamp,
    ) -> Self {
        Self {
            order_id,
            order_reference,
            amount,
            currency,
            chain_id,
            protocol,
            address,
            status: OrderStatus::Pending,
            metadata: Map::new(),
            success_url: None,
            cancel_url: None,
            created_at,
            expires_at,
            grace_period_ends_at: None,
            received_amount: None,
            paid_late: None,
            detected_at: None,
            completed_at: None,
            expired_at: None,
            tx_hash: None,
            block_number: None,
            confirmations: None,
            required_confirmations: None,
            payment_link_id: None,
            extra: Map::new(),
        }
    }
}

/// An order within a list: fewer fields (source: Orders API, "List Orders").
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderSummary {
    /// The gateway's id.
    pub order_id: OrderId,
    /// The merchant's id.
    pub order_reference: String,
    /// What is to be paid.
    pub amount: Amount,
    /// The currency asked for.
    pub currency: Currency,
    /// The chain asked for.
    pub chain_id: ChainId,
    /// Where to pay.
    pub address: String,
    /// Where the order stands.
    pub status: OrderStatus,
    /// When the order was created.
    pub created_at: Timestamp,
    /// When the order was completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

open_enum! {
    /// What a list of orders is sorted by.
    OrderSort {
        /// When the order was created; the default.
        CreatedAt = "createdAt",
        /// When the order last changed.
        UpdatedAt = "updatedAt",
        /// What is to be paid, exactly compared.
        Amount = "amount",
    }
}

open_enum! {
    /// Which end of a sorted list comes first.
    SortOrder {
        /// Smallest or oldest first.
        Asc = "asc",
        /// Largest or newest first; the default.
        Desc = "desc",
    }
}

/// Query of `GET /orders`. Everything is optional.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListOrders {
    /// Page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// Items a page, 1 to 100; default 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Only orders that stand here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<OrderStatus>,
    /// Only orders in this currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Only orders on this chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_id: Option<ChainId>,
    /// Only orders whose reference contains this text, whatever its case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_reference: Option<String>,
    /// Only orders created at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_after: Option<Timestamp>,
    /// Only orders created before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_before: Option<Timestamp>,
    /// What to sort by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_by: Option<OrderSort>,
    /// Which end comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_order: Option<SortOrder>,
}

/// Query of `GET /orders/stats`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderStatsQuery {
    /// Only orders in this currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Only orders on this chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_id: Option<ChainId>,
    /// Only orders created at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_after: Option<Timestamp>,
    /// Only orders created before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_before: Option<Timestamp>,
}

/// Answer of `GET /orders/stats`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct OrderStats {
    /// How many orders there are.
    pub total_orders: u64,
    /// How many wait for payment.
    pub pending_orders: u64,
    /// How many were paid.
    pub completed_orders: u64,
    /// How many were not paid in time.
    pub expired_orders: u64,
    /// How many of those received money all the same, too late.
    pub paid_late_orders: u64,
    /// What the paid ones received, by currency, in whole tokens.
    pub volume: BTreeMap<Currency, Amount>,
    /// Paid of all that are over, in percent with two decimals; "0.00" while there are none.
    pub conversion_rate: String,
    /// How many orders each chain has, of those that have any.
    #[serde(default)]
    pub by_chain: BTreeMap<ChainId, u64>,
    /// How many orders each currency has, of those that have any.
    #[serde(default)]
    pub by_currency: BTreeMap<Currency, u64>,
}

impl OrderStats {
    /// Statistics of no orders.
    #[must_use]
    pub fn none() -> Self {
        Self {
            total_orders: 0,
            pending_orders: 0,
            completed_orders: 0,
            expired_orders: 0,
            paid_late_orders: 0,
            volume: BTreeMap::new(),
            conversion_rate: "0.00".to_owned(),
            by_chain: BTreeMap::new(),
            by_currency: BTreeMap::new(),
        }
    }
}
