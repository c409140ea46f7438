//! Events of a time, the oldest first, and how their deliveries stand: what a resend of many looks at. A bounded piece at a time.

use std::collections::HashMap;

use payin_types::{DeliveryStatus, EndpointId, EventId, EventType, OrganizationId, Timestamp};

use super::{Fault, Tx, sql_from, sql_rows};

/// A place between two events of an organization: behind this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// When it happened.
    pub created_at: Timestamp,
    /// Its id; empty for the beginning of that time.
    pub id: String,
}

/// An event that may be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Which.
    pub id: EventId,
    /// What happened.
    pub event_type: EventType,
    /// When.
    pub created_at: Timestamp,
}

/// The next events behind a place and before a time, so many at most.
///
/// # Errors
/// What the database says.
pub async fn events(
    tx: &mut Tx<'_>,
    organization: &OrganizationId,
    event_type: Option<&EventType>,
    (after, before): (&After, Timestamp),
    most: usize,
) -> Result<Vec<Told>, Fault> {
    let query = sql_from("SELECT id, type, created_at FROM events WHERE api IS NULL AND organization_id = $")
        .text(organization.as_str())
        .with(" AND created_at >= $")
        .int(after.created_at.millis())
        .with(" AND (created_at > $")
        .int(after.created_at.millis())
        .with(" OR id > $)")
        .text(after.id.as_str())
        .with(" AND created_at < $")
        .int(before.millis())
        .filter(" AND type = $", event_type.map(EventType::as_str))
        .with(" ORDER BY created_at, id LIMIT 0 + $")
        .int(i64::try_from(most).unwrap_or(i64::MAX));
    let rows = tx.all(query).await?;
    let told = rows.iter().map(|row| {
        Ok(Told {
            id: row.text("id")?.into(),
            event_type: EventType::from(row.text("type")?.as_str()),
            created_at: row.time("created_at")?,
        })
    });
    told.collect()
}

/// Where the deliveries of some events stand, by event and endpoint.
///
/// # Errors
/// What the database says.
pub async fn deliveries(tx: &mut Tx<'_>, events: &[Told]) -> Result<HashMap<EventId, HashMap<EndpointId, DeliveryStatus>>, Fault> {
    let mut found: HashMap<EventId, HashMap<EndpointId, DeliveryStatus>> = HashMap::with_capacity(events.len());
    if events.is_empty() {
        return Ok(found);
    }
    let query =
        sql_rows("SELECT event_id, endpoint_id, delivered_at, given_up_at FROM deliveries WHERE event_id IN (", "$", events.len(), ")");
    for row in tx.all(events.iter().fold(query, |query, event| query.text(event.id.as_str()))).await? {
        let status = match (row.opt_int("delivered_at")?, row.opt_int("given_up_at")?) {
            (Some(_), _) => DeliveryStatus::Delivered,
            (None, Some(_)) => DeliveryStatus::Failed,
            (None, None) => DeliveryStatus::Pending,
        };
        found.entry(row.text("event_id")?.into()).or_default().insert(row.text("endpoint_id")?.into(), status);
    }
    Ok(found)
}
