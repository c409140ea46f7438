//! Recording an event with the change it tells of, due to every endpoint that subscribes. Sending is a worker's business.

use payin_core::event;
use payin_types::{EndpointId, EventId, EventType, OrganizationId, Timestamp};
use serde_json::Value;

use crate::store::{Fault, Tx, endpoints, events};

/// What happened to which object.
#[derive(Debug)]
pub struct Happened<'a> {
    /// Whose object it is.
    pub organization_id: &'a OrganizationId,
    /// What happened.
    pub event_type: EventType,
    /// To what.
    pub object_id: &'a str,
    /// Its place among that object's events, from 1.
    pub sequence: u64,
    /// The object as it stands now.
    pub data: Value,
    /// When.
    pub now: Timestamp,
}

/// Whether an event of this type would be recorded.
///
/// # Errors
/// What the database says.
pub async fn is_wanted(tx: &mut Tx<'_>, organization: &OrganizationId, event_type: &EventType) -> Result<bool, Fault> {
    if event::is_default(event_type) {
        return Ok(true);
    }
    let all = endpoints::subscribers(tx, organization).await?;
    Ok(all.iter().any(|endpoint| event::subscribes(&endpoint.events, event_type)))
}

/// Records an event in the outbox. Answers false if nobody wants it: events beyond the documents' exist only where subscribed to.
///
/// # Errors
/// What the database says.
pub async fn record(tx: &mut Tx<'_>, happened: Happened<'_>) -> Result<bool, Fault> {
    let all = endpoints::subscribers(tx, happened.organization_id).await?;
    let subscribers: Vec<_> =
        all.into_iter().filter(|endpoint| event::subscribes(&endpoint.events, &happened.event_type)).map(|endpoint| endpoint.id).collect();
    if subscribers.is_empty() && !event::is_default(&happened.event_type) {
        return Ok(false);
    }
    record_for(tx, happened, &subscribers).await?;
    Ok(true)
}

/// Records an event for these endpoints, whatever they subscribe to.
///
/// # Errors
/// What the database says.
pub async fn record_for(tx: &mut Tx<'_>, happened: Happened<'_>, endpoints: &[EndpointId]) -> Result<EventId, Fault> {
    let repeats = events::has_type(tx, happened.object_id, &happened.event_type).await?.then_some(happened.sequence);
    let id = event::id(&happened.event_type, happened.object_id, repeats);
    let body = event::body(id.clone(), happened.event_type.clone(), happened.now, happened.sequence, happened.data);
    let new = events::New {
        id: id.clone(),
        organization_id: happened.organization_id.clone(),
        event_type: happened.event_type,
        object_id: happened.object_id.to_owned(),
        sequence: happened.sequence,
        body,
        created_at: happened.now,
        api: None,
    };
    events::insert(tx, &new, endpoints).await?;
    Ok(id)
}
