//! Whether a genuine event says that an expected order is paid. It must not look anywhere but at the event and at what was expected.

use payin_types::event::OrderEvent;
use payin_types::{Amount, ChainId, Currency, Event, EventType, OrderId, OrderStatus};

use crate::difference::{Comparison, Difference, listed};

/// The order that a merchant waits to be paid for, from the merchant's own records.
///
/// ```
/// use payin_sdk::webhook::ExpectedOrder;
///
/// # let body = r#"{"id":"evt_1","type":"order.completed","created_at":"2025-01-20T10:35:00.000Z","data":{"orderId":"ord_1",
/// #   "orderReference":"ORDER-1","status":"completed","amount":"25.00","currency":"USDT","chainId":"tron-mainnet"}}"#;
/// # let event: payin_sdk::Event = serde_json::from_str(body).unwrap();
/// let expected = ExpectedOrder::new("ORDER-1", "25".parse()?, "USDT").chain("tron-mainnet");
/// let paid = expected.paid_by(&event)?; // or an error that names every field that differs
/// assert_eq!(paid.order_id.as_str(), "ord_1");
///
/// let dearer = ExpectedOrder::new("ORDER-1", "2500".parse()?, "USDT");
/// assert_eq!(dearer.paid_by(&event).unwrap_err().to_string(), "the order differs: amount (asked for 2500, found 25.00)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedOrder {
    reference: String,
    amount: Amount,
    currency: Currency,
    order_id: Option<OrderId>,
    chain_id: Option<ChainId>,
}

/// Why an event does not say that the expected order is paid. Fulfil nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotExpected {
    /// The event tells of something else.
    #[error("the event is {found}, not order.completed")]
    OtherEvent {
        /// What it tells of.
        found: EventType,
    },
    /// The data lacks a field that every order has.
    #[error("the event's data cannot be read as an order: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// It is another order, or not the price.
    #[error("the order differs: {}", listed(.0))]
    Differs(Vec<Difference>),
}

impl ExpectedOrder {
    /// By the merchant's own reference, and what is to be paid, in whole tokens.
    #[must_use]
    pub fn new(reference: impl Into<String>, amount: Amount, currency: impl Into<Currency>) -> Self {
        Self { reference: reference.into(), amount, currency: currency.into(), order_id: None, chain_id: None }
    }

    /// With the gateway's id, as creating the order answered it.
    #[must_use]
    pub fn order_id(mut self, order_id: impl Into<OrderId>) -> Self {
        self.order_id = Some(order_id.into());
        self
    }

    /// On this chain and no other.
    #[must_use]
    pub fn chain(mut self, chain_id: impl Into<ChainId>) -> Self {
        self.chain_id = Some(chain_id.into());
        self
    }

    /// The order's data, if the event is `order.completed` and tells of exactly this order: status, reference, amount (as a number, exact:
    /// `100` is `100.00`), currency, and what else was said. What arrived in fact, which may be more, is in `received_amount`.
    ///
    /// The event has to be verified before: this looks at what it says, not at who says it.
    ///
    /// # Errors
    /// [`NotExpected::Differs`] lists every field that differs.
    pub fn paid_by(&self, event: &Event) -> Result<OrderEvent, NotExpected> {
        if event.event_type != EventType::OrderCompleted {
            return Err(NotExpected::OtherEvent { found: event.event_type.clone() });
        }
        let order = event.order()?.ok_or_else(|| NotExpected::OtherEvent { found: event.event_type.clone() })?;
        let mut found = Comparison::default();
        // The vendor's own server leaves it out; the event's type says it then.
        if order.status != OrderStatus::Unknown(String::new()) {
            found.compare("status", OrderStatus::Completed.as_str(), order.status.as_str());
        }
        found.compare("orderReference", &self.reference, &order.order_reference);
        if self.amount != order.amount {
            found.note("amount", self.amount.to_string(), order.amount.to_string());
        }
        found.compare("currency", self.currency.as_str(), order.currency.as_str());
        if let Some(order_id) = &self.order_id {
            found.compare("orderId", order_id.as_str(), order.order_id.as_str());
        }
        if let Some(chain_id) = &self.chain_id {
            found.compare("chainId", chain_id.as_str(), order.chain_id.as_str());
        }
        let differences = found.differences();
        if differences.is_empty() { Ok(order) } else { Err(NotExpected::Differs(differences)) }
    }
}

#[cfg(test)]
mod tests;
