//! What the end of an order means to the payment link it was made through: one more is sold, or free again. In the transaction in which
//! the order ends, and so exactly once.

use payin_core::event;
use payin_core::order::Facts;
use payin_types::{EventType, Order, Timestamp};
use serde_json::Value;

use crate::store::links::{self, End};
use crate::store::orders::Stored;
use crate::store::{Fault, Tx};

/// Sells or gives back what an order held, if it ends here. Answers the event that tells.
pub(super) async fn end(
    tx: &mut Tx<'_>,
    before: &Stored,
    after: &Facts,
    order: &Order,
    now: Timestamp,
) -> Result<Option<(EventType, Value)>, Fault> {
    let Some(link) = &after.payment_link_id else { return Ok(None) };
    let completes = before.facts.completed_at.is_none() && after.completed_at.is_some();
    let expires = before.facts.expired_at.is_none() && after.expired_at.is_some();
    let (how, event_type) = match (completes, expires) {
        (true, _) => (End::Sold, EventType::PaymentLinkOrderCompleted),
        (false, true) => (End::Released, EventType::PaymentLinkOrderExpired),
        (false, false) => return Ok(None),
    };
    let buyer_email = links::end(tx, link, &after.id, how, now).await?;
    Ok(Some((event_type, event::link_order_data(link, buyer_email.as_deref(), order))))
}
