//! How an event is named and what it says. Whether one happened is decided where the change is made; sending it is delivery's business.

use payin_types::event::{DepositEvent, OrderEvent};
use payin_types::{
    ApiKeyId, BindingId, ChainId, Currency, Deposit, DisabledReason, EndpointId, Event, EventId, EventType, ImportId, ImportedAddresses,
    Order, PaymentLinkId, Protocol, Timestamp, UserId,
};
use serde_json::{Map, Value, json};

use crate::Chains;
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

/// The events that `["*"]` stands for, and that are recorded whoever subscribes: the documents' own, and those that take one of
/// them back, which nobody who believes the first may miss.
#[must_use]
pub fn is_default(event_type: &EventType) -> bool {
    matches!(event_type, EventType::OrderCompleted | EventType::OrderExpired | EventType::DepositPending | EventType::DepositConfirmed)
        || !taken_back(event_type).is_empty()
}

/// What an event takes back. Whoever is told of one of them is told of it.
fn taken_back(event_type: &EventType) -> &'static [EventType] {
    match event_type {
        EventType::OrderReverted => &[EventType::OrderCompleted, EventType::OrderPaidLate, EventType::PaymentLinkOrderCompleted],
        EventType::DepositReverted => &[EventType::DepositConfirmed, EventType::DepositCompleted],
        _ => &[],
    }
}

/// Whether an endpoint may ask for this. A test is sent to the endpoint that is tested, whatever it asked for, and to no other.
#[must_use]
pub fn may_be_subscribed(event_type: &EventType) -> bool {
    EventType::known(event_type.as_str()).is_some() && event_type != &EventType::WebhookTest
}

/// Whether a subscription covers an event.
#[must_use]
pub fn subscribes(events: &[EventType], event_type: &EventType) -> bool {
    events.contains(event_type)
        || (is_default(event_type) && events.contains(&EventType::All))
        || taken_back(event_type).iter().any(|told| events.contains(told))
}

/// What a list of types covers, each named: `*` written out, and with each what takes it back.
#[must_use]
pub fn covered(events: &[EventType]) -> Vec<EventType> {
    EventType::KNOWN.iter().filter(|event_type| *event_type != &EventType::All && subscribes(events, event_type)).cloned().collect()
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

/// `data` of the events of an order that was made through a payment link: the order's, and whose it is.
#[must_use]
pub fn link_order_data(link: &PaymentLinkId, buyer_email: Option<&str>, order: &Order) -> Value {
    let mut data = order_data(order);
    if let Value::Object(fields) = &mut data {
        fields.insert("paymentLinkId".to_owned(), json!(link));
        fields.extend(buyer_email.map(|email| ("buyerEmail".to_owned(), json!(email))));
    }
    data
}

/// `data` of the events that tell of a deposit: the deposit as it stands at that moment, and the merchant's own data of its reference.
#[must_use]
pub fn deposit_data(deposit: &Deposit, metadata: &Map<String, Value>) -> Value {
    json!(DepositEvent {
        deposit_id: deposit.deposit_id.clone(),
        deposit_reference: deposit.deposit_reference.clone(),
        status: deposit.status.clone(),
        amount: deposit.amount,
        currency: deposit.currency.clone(),
        chain_id: deposit.chain_id.clone(),
        protocol: deposit.protocol.clone(),
        address: Some(deposit.address.clone()),
        tx_hash: deposit.tx_hash.clone(),
        block_number: Some(deposit.block_number),
        confirmations: Some(deposit.confirmations),
        required_confirmations: deposit.required_confirmations,
        detected_at: Some(deposit.detected_at),
        confirmed_at: deposit.confirmed_at,
        completed_at: deposit.completed_at,
        metadata: metadata.clone(),
        extra: Map::new(),
    })
}

/// A deposit reference on a chain and its address there, as its events tell of it.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    /// Its id: a reference that is bound again is another binding.
    pub id: &'a BindingId,
    /// The merchant's id of the payer.
    pub reference: &'a str,
    /// The chain it was bound on.
    pub chain_id: &'a ChainId,
    /// That chain's family.
    pub protocol: &'a Protocol,
    /// What the payer is expected to send.
    pub currency: &'a Currency,
    /// Where to pay.
    pub address: &'a str,
}

/// `data` of `deposit.address_unbound`.
#[must_use]
pub fn unbound_data(binding: &Binding<'_>) -> Value {
    json!({
        "bindingId": binding.id,
        "depositReference": binding.reference,
        "chainId": binding.chain_id,
        "protocol": binding.protocol,
        "currency": binding.currency,
        "address": binding.address,
    })
}

/// `data` of `deposit.address_bound`: also what is credited from now on, every token of every chain of the family that is offered.
#[must_use]
pub fn bound_data(binding: &Binding<'_>, offered: &Chains) -> Value {
    let of_family = offered.iter().filter(|chain| &chain.protocol == binding.protocol);
    let monitored = of_family.map(|chain| {
        let currencies: Vec<&Currency> = chain.tokens.iter().map(|token| &token.currency).collect();
        json!({ "chainId": chain.id, "currencies": currencies })
    });
    let mut data = unbound_data(binding);
    if let Value::Object(fields) = &mut data {
        fields.insert("monitoredChains".to_owned(), monitored.collect());
    }
    data
}

/// `data` of `transfer.detected` and `transfer.confirmed`: the transfer, as the Transfers API shows it.
#[must_use]
pub fn transfer_data(transfer: &payin_types::Transfer) -> Value {
    json!(transfer)
}

/// `data` of `address_pool.low`.
#[must_use]
pub fn pool_low_data(protocol: &Protocol, available: u64, total: u64, threshold: u64) -> Value {
    json!({ "protocol": protocol, "available": available, "total": total, "threshold": threshold })
}

/// Who did what an event tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A program, with a key.
    Key {
        /// The key's id.
        id: ApiKeyId,
        /// Its first characters.
        prefix: String,
    },
    /// Somebody who is signed in.
    Person(UserId),
    /// Whoever runs the server.
    Operator,
}

/// `data` of `address_pool.imported`. Not the addresses, of which there may be a hundred thousand: the pool's list has them.
#[must_use]
pub fn pool_imported_data(id: &ImportId, imported: &ImportedAddresses, who: &Who) -> Value {
    let who = match who {
        Who::Key { id, prefix } => json!({ "type": "api_key", "id": id, "prefix": prefix }),
        Who::Person(id) => json!({ "type": "user", "id": id }),
        Who::Operator => json!({ "type": "operator" }),
    };
    let summary = &imported.summary;
    json!({
        "importId": id,
        "protocol": summary.protocol,
        "mode": summary.mode,
        "imported": imported.imported,
        "skipped": imported.skipped,
        "importedBy": who,
    })
}

/// `data` of `webhook_endpoint.disabled`.
#[must_use]
pub fn endpoint_disabled_data(
    endpoint: &EndpointId,
    url: &str,
    reason: &DisabledReason,
    failing_since: Option<Timestamp>,
    disabled_at: Timestamp,
) -> Value {
    let mut data = json!({ "endpointId": endpoint, "url": url, "disabledReason": reason, "disabledAt": disabled_at });
    if let (Value::Object(fields), Some(since)) = (&mut data, failing_since) {
        fields.insert("failingSince".to_owned(), json!(since));
    }
    data
}

/// `data` of `webhook.test`.
#[must_use]
pub fn test_data(endpoint: &EndpointId) -> Value {
    json!({ "endpointId": endpoint, "message": "This is a test. Nothing has happened." })
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
mod tests;
