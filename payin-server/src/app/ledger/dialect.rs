//! What the merchant of another API is told of a change to an order that came through it: in that API's words, to the endpoint that the order
//! brought along and to those that subscribe to that API's events, in the transaction of the change.

use payin_core::dialect::{self as rules, Change, Changed};
use payin_core::event;
use payin_core::order::Facts;
use payin_types::{EventType, Timestamp};

use crate::store::orders::{Stored, dialect};
use crate::store::{Fault, Tx, endpoints, events};

/// Records what is told. It is counted apart from the order's own events.
pub(super) async fn tell(tx: &mut Tx<'_>, before: &Stored, after: &Facts, head: u64, now: Timestamp) -> Result<(), Fault> {
    let Some(dialect) = after.origin.as_ref().and_then(|origin| rules::by_name(&origin.api)) else { return Ok(()) };
    let changes = rules::changes(&before.facts, after);
    if changes.is_empty() {
        return Ok(());
    }
    let own = dialect::endpoint(tx, after.id.as_str()).await?;
    let object_id = rules::object_id(dialect.name(), &after.id);
    for change in changes {
        let sequence = events::count(tx, &object_id).await?.saturating_add(1);
        let changed = Changed { before: &before.facts, after, head, at: now, sequence };
        let Some((word, body)) = dialect.tells(change, &changed) else { continue };
        let event_type = EventType::from(word);
        let mut to = endpoints::dialect::subscribers(tx, &after.organization_id, dialect.name(), &event_type).await?;
        to.extend(own.clone());
        if to.is_empty() {
            continue;
        }
        let repeats = events::has_type(tx, &object_id, &event_type).await?.then_some(sequence);
        // Two APIs may have a word in common, and both tell of this order.
        let id = event::id(&event_type, &format!("{}_{}", dialect.name(), after.id), repeats);
        let new = events::New {
            id: id.clone(),
            organization_id: after.organization_id.clone(),
            event_type,
            object_id: object_id.clone(),
            sequence,
            body,
            created_at: now,
            api: Some(dialect.name().to_owned()),
        };
        events::insert(tx, &new, &to).await?;
        // Paid again after its chain took the payment back, it is told again, and the last word counts.
        if matches!(change, Change::Paid | Change::PaidAgain) && dialect.awaits() {
            dialect::await_event(tx, after.id.as_str(), &id).await?;
        }
    }
    Ok(())
}
