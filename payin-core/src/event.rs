//! How an event is named and what it says. Whether one happened is decided where the change is made; sending it is delivery's business.

use payin_types::event::OrderEvent;
use payin_types::{Event, EventId, EventType, Order, Timestamp};
use serde_json::{Map, Value, json};

use crate::transfer::{Transfer, Unmatched};

/// `evt_<type>_<objectId>`; with `_<sequence>` where the object had an event of this type before (source: Webhooks guide, extended).
#[must_use]
pub fn id(event_type: &EventType, object_id: &str, repeats: Option<u64>) -> EventId {
    let words = event_type.as_str().replace('.', "_");
    EventId::from(match repeats {
        None => format!("evt_{words}_{object_id}"),
        Some(sequence) => format!("evt_{words}_{object_id}_{sequence}"),
    })
}

/// The events that `["*"]` stands for, and that are recorded whoever subscribes: the documents' own, and the one that takes one of
/// them back, which nobody who believes the first may miss.
#[must_use]
pub fn is_default(event_type: &EventType) -> bool {
    matches!(
        event_type,
        EventType::OrderCompleted
            | EventType::OrderExpired
            | EventType::DepositPending
            | EventType::DepositConfirmed
            | EventType::OrderReverted
    )
}

/// Whether a subscription covers an event.
#[must_use]
pub fn subscribes(events: &[EventType], event_type: &EventType) -> bool {
    events.contains(event_type)
        || (is_default(event_type) && events.contains(&EventType::All))
        || (event_type == &EventType::OrderReverted && events.contains(&EventType::OrderCompleted))
}

/// The body of an event, rendered once and sent byte for byte on every attempt.
#[must_use]
pub fn body(id: EventId, event_type: EventType, created_at: Timestamp, sequence: u64, data: Value) -> String {
    let event = Event { id, event_type, created_at, sequence: Some(sequence), data, extra: Map::new() };
    // Maps with text keys always serialise.
    serde_json::to_string(&event).unwrap_or_default()
}

/// `data` of an order's event: the order as it stands at that moment.
#[must_use]
pub fn order_data(order: &Order) -> Value {
    let event = OrderEvent {
        order_id: order.order_id.clone(),
        order_reference: order.order_reference.clone(),
        status: order.status.clone(),
        amount: order.amount,
        currency: order.currency.clone(),
        chain_id: order.chain_id.clone(),
        protocol: Some(order.protocol.clone()),
        address: Some(order.address.clone()),
        received_amount: order.received_amount,
        tx_hash: order.tx_hash.clone(),
        block_number: order.block_number,
        confirmations: order.confirmations,
        metadata: order.metadata.clone(),
        created_at: Some(order.created_at),
        expires_at: Some(order.expires_at),
        completed_at: order.completed_at,
        expired_at: order.expired_at,
        extra: Map::new(),
    };
    json!(event)
}

/// `data` of `transfer.unmatched`.
#[must_use]
pub fn unmatched_data(transfer_id: &str, transfer: &Transfer, reason: Unmatched) -> Value {
    json!({
        "transferId": transfer_id,
        "chainId": transfer.chain_id,
        "currency": transfer.currency,
        "amount": transfer.amount.to_amount(),
        "address": transfer.to.as_str(),
        "fromAddress": transfer.from.as_str(),
        "txHash": transfer.tx_hash,
        "blockNumber": transfer.block_number,
        "reason": reason.as_str(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_the_documents() {
        assert_eq!(id(&EventType::OrderCompleted, "ord_abc123", None).as_str(), "evt_order_completed_ord_abc123");
        assert_eq!(id(&EventType::OrderCompleted, "ord_abc123", Some(4)).as_str(), "evt_order_completed_ord_abc123_4");
    }

    #[test]
    fn a_star_is_the_documents_events_and_completed_brings_its_reversal() {
        let star = [EventType::All];
        assert!(subscribes(&star, &EventType::OrderCompleted));
        assert!(subscribes(&star, &EventType::OrderReverted));
        assert!(!subscribes(&star, &EventType::OrderCreated));
        assert!(subscribes(&[EventType::OrderCreated], &EventType::OrderCreated));
        assert!(subscribes(&[EventType::OrderCompleted], &EventType::OrderReverted));
        assert!(!subscribes(&[EventType::OrderExpired], &EventType::OrderReverted));
    }
}
