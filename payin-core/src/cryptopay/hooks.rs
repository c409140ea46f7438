//! What the CryptoPay API tells of an order, and what may be subscribed to (source: its Webhooks guide).

use payin_types::EventType;
use payin_types::cryptopay::{WebhookEvent, WebhookEventData, WebhookEventType};
use payin_types::id::hex;
use serde_json::Map;
use sha2::{Digest, Sha256};

use super::wish::slug;
use super::{confirmations, order_id, order_info, status};
use crate::Error;
use crate::dialect::{Change, Changed};
use crate::error::shown;

/// What a change is called, as far as the documents have a word for it. That too little was paid is not told: the order stays pending.
fn word(change: Change) -> Option<&'static str> {
    match change {
        Change::Seen => Some("payment.pending"),
        Change::Underpaid => None,
        Change::Paid | Change::PaidAgain => Some("payment.confirmed"),
        Change::TakenBack => Some("payment.failed"),
        Change::Expired => Some("order.expired"),
    }
}

/// The event that tells of a change: what it is called, and its body, rendered once and sent byte for byte on every attempt.
#[must_use]
pub fn tells(change: Change, order: &Changed<'_>) -> Option<(&'static str, String)> {
    let word = word(change)?;
    let (facts, timestamp) = (order.after, order.at);
    let payment = match change {
        // A payment that was only seen is gone from the facts when it is taken back; it is the one that failed.
        Change::TakenBack => order.before.payment.as_ref().or(facts.payment.as_ref()),
        _ => facts.payment.as_ref(),
    };
    // What is told again after a reorganisation is another event, and receivers tell them apart by this.
    let seed = format!("{}:{word}:{timestamp}:{}", facts.id, order.sequence);
    let event = WebhookEvent {
        event: WebhookEventType::from(word),
        data: WebhookEventData {
            order_id: order_id(&facts.id),
            transaction_hash: payment.map(|payment| payment.tx_hash.clone()),
            amount: facts.terms.amount,
            amount_received: Some(facts.received.to_amount()),
            currency: facts.terms.currency.clone(),
            blockchain: slug(&facts.terms.chain_id).to_owned(),
            status: status(facts),
            confirmations: confirmations(facts, Some(order.head)),
            block_number: payment.map(|payment| payment.block_number),
            from_address: None,
            to_address: Some(facts.address.as_str().to_owned()),
            order_info: order_info(facts),
            created_at: Some(facts.created_at),
            confirmed_at: facts.completed_at,
            extra: Map::new(),
        },
        timestamp,
        webhook_id: format!("wh_{}", hex(&Sha256::digest(seed.as_bytes())).get(..24).unwrap_or_default()),
        extra: Map::new(),
    };
    // Maps with text keys always serialise.
    Some((word, serde_json::to_string(&event).unwrap_or_default()))
}

/// What is subscribed to: all of them where nothing is said.
///
/// # Errors
/// `VALIDATION_ERROR` for none, and for a word that is none.
pub fn events(asked: Option<Vec<WebhookEventType>>) -> Result<Vec<EventType>, Error> {
    let asked = asked.unwrap_or_else(|| WebhookEventType::KNOWN.to_vec());
    let words = || WebhookEventType::KNOWN.iter().map(WebhookEventType::as_str).collect::<Vec<_>>().join(", ");
    if asked.is_empty() {
        return Err(Error::field("events", format!("must name at least one; there are {}", words())));
    }
    if let Some(unknown) = asked.iter().find(|event| WebhookEventType::known(event.as_str()).is_none()) {
        return Err(Error::field("events", format!("'{}' is none; there are {}", shown(unknown.as_str()), words())));
    }
    let mut events: Vec<EventType> = Vec::with_capacity(asked.len());
    for event in asked.iter().map(|event| EventType::from(event.as_str())) {
        if !events.contains(&event) {
            events.push(event);
        }
    }
    Ok(events)
}
