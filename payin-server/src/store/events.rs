//! Events and their outbox, written in the transaction of the change they tell of.

use payin_types::{EndpointId, EventId, EventType, OrganizationId, Timestamp};

use super::deliveries::{self, Key};
use super::{Fault, Tx, sql};

/// An event to be recorded.
#[derive(Debug, Clone)]
pub struct New {
    /// Its id.
    pub id: EventId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// What happened.
    pub event_type: EventType,
    /// To what.
    pub object_id: String,
    /// Its place among the events of that object, from 1.
    pub sequence: u64,
    /// What is sent.
    pub body: String,
    /// When it happened.
    pub created_at: Timestamp,
    /// In the words of which API; `None`: the native one.
    pub api: Option<String>,
}

/// Whether an object has had an event of this type.
///
/// # Errors
/// What the database says.
pub async fn has_type(tx: &mut Tx<'_>, object_id: &str, event_type: &EventType) -> Result<bool, Fault> {
    let query = sql("SELECT 1 AS one FROM events WHERE object_id = $1 AND type = $2 LIMIT 1");
    Ok(tx.one(query.text(object_id).text(event_type.as_str())).await?.is_some())
}

/// How many events an object has had.
///
/// # Errors
/// What the database says.
pub async fn count(tx: &mut Tx<'_>, object_id: &str) -> Result<u64, Fault> {
    let query = sql("SELECT COUNT(*) AS total FROM events WHERE object_id = $1");
    tx.one(query.text(object_id)).await?.map_or(Ok(0), |row| row.count("total"))
}

/// Records an event, due at once to each of the endpoints.
///
/// # Errors
/// What the database says; a unique violation if the object has an event of that sequence.
pub async fn insert(tx: &mut Tx<'_>, event: &New, endpoints: &[EndpointId]) -> Result<(), Fault> {
    tx.change_one(
        sql("INSERT INTO events (id, organization_id, type, object_id, sequence, body, created_at, api) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .text(event.id.as_str())
        .text(event.organization_id.as_str())
        .text(event.event_type.as_str())
        .text(event.object_id.as_str())
        .int(i64::try_from(event.sequence).unwrap_or(i64::MAX))
        .text(event.body.as_str())
        .int(event.created_at.millis())
        .opt_text(event.api.as_deref()),
    )
    .await?;
    tx.happened = true;
    let keys: Vec<Key> = endpoints.iter().map(|endpoint| (event.id.clone(), endpoint.clone())).collect();
    deliveries::begin(tx, &keys, event.created_at).await
}
