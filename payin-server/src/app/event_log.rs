//! The event log: what happened, and what came of telling it. It only reads; sending again is in `app/resend.rs`.

use payin_core::{Cursor, Error};
use payin_types::event_log::{Deliveries, DeliveryCounts};
use payin_types::{
    Delivery, DeliveryStatus, EndpointId, EventRecord, EventType, EventsAfter, ListEvents, OrganizationId, Page, Pagination,
};
use serde_json::Map;

use super::query::{check_text, is_findable, known, paging};
use super::{App, Outcome, event_stream};
use crate::store::event_log::{self, Filter, Stored};
use crate::store::{Conn, Fault, event_positions};

pub(super) fn not_found(id: &str) -> Error {
    Error::not_found("Event", id)
}

async fn find(conn: &mut Conn, organization: &OrganizationId, id: &str) -> Outcome<Stored> {
    let found = if is_findable(id) { event_log::get(conn, organization, id).await? } else { None };
    Ok(found.ok_or_else(|| not_found(id))?)
}

fn to_wire(stored: Stored, deliveries: DeliveryCounts) -> Result<EventRecord, Fault> {
    let payload = serde_json::from_str(&stored.body).map_err(|_| Fault::Corrupt(format!("the body of {} cannot be read", stored.id)))?;
    Ok(EventRecord {
        id: stored.id,
        event_type: stored.event_type,
        object_id: stored.object_id,
        sequence: stored.sequence,
        created_at: stored.created_at,
        payload,
        deliveries,
        extra: Map::new(),
    })
}

/// One event.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also for another organization's.
pub async fn get(app: &App, organization: &OrganizationId, id: &str) -> Outcome<EventRecord> {
    let mut conn = app.store.read().await?;
    let found = find(&mut conn, organization, id).await?;
    let counts = event_log::counts(&mut conn, std::slice::from_ref(&found)).await?.remove(&found.id);
    Ok(to_wire(found, counts.unwrap_or_default())?)
}

/// Refuses filters that nothing can match.
fn check(query: &ListEvents) -> Result<(), Error> {
    let happens = |word: &str| EventType::known(word).filter(|event_type| event_type != &EventType::All);
    known("type", query.event_type.as_ref().map(EventType::as_str), happens)?;
    known("status", query.status.as_ref().map(DeliveryStatus::as_str), DeliveryStatus::known)?;
    check_text("endpointId", query.endpoint_id.as_ref().map(EndpointId::as_str))?;
    check_text("objectId", query.object_id.as_deref())
}

/// Events behind a cursor, oldest first.
///
/// # Errors
/// `VALIDATION_ERROR` for a filter that does not exist, or whose events may change while they are read; `CURSOR_UNKNOWN`.
pub async fn after(app: &App, organization: &OrganizationId, after: &str, query: ListEvents) -> Outcome<EventsAfter> {
    let (_, limit, _) = paging(None, query.limit)?;
    check(&query)?;
    let stray = [("page", query.page.is_some()), ("endpointId", query.endpoint_id.is_some()), ("status", query.status.is_some())];
    if let Some((field, _)) = stray.into_iter().find(|(_, given)| *given) {
        return Err(Error::field(field, "cannot be given together with after").into());
    }
    let mut conn = app.store.read().await?;
    let end = event_stream::end(&mut conn).await?;
    let from = if after == event_stream::BEGINNING {
        Cursor { position: 0, ..end }
    } else {
        after.parse::<Cursor>().map_err(|problem| Error::field("after", problem))?
    };
    from.check(end)?;
    let filter = event_positions::Filter {
        organization_id: organization.clone(),
        types: query.event_type.into_iter().collect(),
        object_id: query.object_id,
        created_after: query.created_after,
        created_before: query.created_before,
    };
    let most = usize::try_from(limit).unwrap_or(100);
    let found = event_positions::between(&mut conn, &filter, from.position, end.position, most).await?;
    let last = found.last().filter(|_| found.len() == most).map_or(end.position, |(position, _)| *position);
    let found: Vec<Stored> = found.into_iter().map(|(_, stored)| stored).collect();
    let next_cursor = Cursor { position: last, ..end }.to_string();
    Ok(EventsAfter { data: records(&mut conn, found).await?, next_cursor, has_more: last < end.position, extra: Map::new() })
}

async fn records(conn: &mut Conn, found: Vec<Stored>) -> Result<Vec<EventRecord>, Fault> {
    let mut counts = event_log::counts(conn, &found).await?;
    let record = |stored: Stored| {
        let counts = counts.remove(&stored.id).unwrap_or_default();
        to_wire(stored, counts)
    };
    found.into_iter().map(record).collect()
}

/// A page of events, newest first.
///
/// # Errors
/// `VALIDATION_ERROR` for a filter that does not exist.
pub async fn list(app: &App, organization: &OrganizationId, query: ListEvents) -> Outcome<Page<EventRecord>> {
    let (page, limit, offset) = paging(query.page, query.limit)?;
    check(&query)?;
    let filter = Filter {
        organization_id: organization.clone(),
        event_type: query.event_type,
        endpoint_id: query.endpoint_id,
        status: query.status,
        object_id: query.object_id,
        created_after: query.created_after,
        created_before: query.created_before,
    };
    let mut conn = app.store.read().await?;
    let (found, total) = event_log::list(&mut conn, &filter, i64::try_from(limit).unwrap_or(100), offset).await?;
    Ok(Page { data: records(&mut conn, found).await?, pagination: Pagination::new(page, limit, total) })
}

/// An event's deliveries, each with its attempts. Those to endpoints that were deleted since are part of what happened.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also for another organization's.
pub async fn deliveries(app: &App, organization: &OrganizationId, id: &str) -> Outcome<Deliveries> {
    let mut conn = app.store.read().await?;
    let event = find(&mut conn, organization, id).await?;
    let mut log = event_log::attempts(&mut conn, &event.id).await?;
    let found = event_log::deliveries(&mut conn, &event.id).await?;
    let deliveries = found.into_iter().map(|delivery| Delivery { log: log.remove(&delivery.endpoint_id).unwrap_or_default(), ..delivery });
    Ok(Deliveries { data: deliveries.collect() })
}
