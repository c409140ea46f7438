//! Events, their deliveries and attempts, to be looked at. The outbox itself is written by `store/events.rs` and `store/deliveries.rs`.

use std::collections::HashMap;

use payin_types::event_log::{AttemptRequest, DeliveryAttempt, DeliveryCounts};
use payin_types::{Delivery, DeliveryStatus, EndpointId, EventId, EventType, OrganizationId, Timestamp};
use serde_json::Map;

use super::db::Row;
use super::statement::Sql;
use super::{Conn, Fault, Tx, sql, sql_of, sql_rows};

/// An event as it stands in the database.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its id.
    pub id: EventId,
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
}

const COLUMNS: &str = "SELECT e.id, e.type, e.object_id, e.sequence, e.body, e.created_at";

/// Reads an event's row.
pub(super) fn stored(row: &Row) -> Result<Stored, Fault> {
    Ok(Stored {
        id: row.text("id")?.into(),
        event_type: EventType::from(row.text("type")?.as_str()),
        object_id: row.text("object_id")?,
        sequence: row.count("sequence")?,
        body: row.text("body")?,
        created_at: row.time("created_at")?,
    })
}

/// One event.
///
/// # Errors
/// What the database says.
pub async fn get(conn: &mut Conn, organization: &OrganizationId, id: &str) -> Result<Option<Stored>, Fault> {
    let query = sql_of(&[COLUMNS, " FROM events e WHERE e.organization_id = $1 AND e.api IS NULL AND e.id = $2"]);
    conn.one(query.text(organization.as_str()).text(id)).await?.as_ref().map(stored).transpose()
}

/// Which events a list shows.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Whose.
    pub organization_id: OrganizationId,
    /// Only events of this type.
    pub event_type: Option<EventType>,
    /// Only events with a delivery to this endpoint.
    pub endpoint_id: Option<EndpointId>,
    /// Only events with a delivery, to that endpoint if one is given, that stands here.
    pub status: Option<DeliveryStatus>,
    /// Only events of this object.
    pub object_id: Option<String>,
    /// Only events of this time or later.
    pub created_after: Option<Timestamp>,
    /// Only events before this time.
    pub created_before: Option<Timestamp>,
}

impl Filter {
    fn conditions(&self) -> [&'static str; 7] {
        let no_delivery = self.endpoint_id.is_none() && self.status.is_none();
        [
            " FROM events e WHERE e.organization_id = $1 AND e.api IS NULL",
            if self.event_type.is_some() { " AND e.type = $2" } else { " AND $2 IS NULL" },
            if self.object_id.is_some() { " AND e.object_id = $3" } else { " AND $3 IS NULL" },
            if self.created_after.is_some() { " AND e.created_at >= $4" } else { " AND CAST($4 AS BIGINT) IS NULL" },
            if self.created_before.is_some() { " AND e.created_at < $5" } else { " AND CAST($5 AS BIGINT) IS NULL" },
            match &self.endpoint_id {
                _ if no_delivery => " AND $6 IS NULL",
                Some(_) => " AND EXISTS (SELECT 1 FROM deliveries d WHERE d.event_id = e.id AND d.endpoint_id = $6",
                None => " AND EXISTS (SELECT 1 FROM deliveries d WHERE d.event_id = e.id AND $6 IS NULL",
            },
            match &self.status {
                _ if no_delivery => "",
                None => ")",
                Some(DeliveryStatus::Pending) => " AND d.next_attempt_at IS NOT NULL)",
                Some(DeliveryStatus::Delivered) => " AND d.delivered_at IS NOT NULL)",
                Some(DeliveryStatus::Failed) => " AND d.given_up_at IS NOT NULL)",
                Some(_) => " AND 1 = 0)",
            },
        ]
    }

    fn bind(&self, statement: Sql) -> Sql {
        statement
            .text(self.organization_id.as_str())
            .opt_text(self.event_type.as_ref().map(EventType::as_str))
            .opt_text(self.object_id.as_deref())
            .int(self.created_after.map(Timestamp::millis))
            .int(self.created_before.map(Timestamp::millis))
            .opt_text(self.endpoint_id.as_ref().map(EndpointId::as_str))
    }
}

/// One page of events, newest first, and how many there are.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, filter: &Filter, limit: i64, offset: i64) -> Result<(Vec<Stored>, u64), Fault> {
    let [from, event_type, object, after, before, delivery, status] = filter.conditions();
    let total = sql_of(&["SELECT COUNT(*) AS total", from, event_type, object, after, before, delivery, status]);
    let total = conn.one(filter.bind(total)).await?.map_or(Ok(0), |row| row.count("total"))?;
    let order = " ORDER BY e.created_at DESC, e.id DESC LIMIT 0 + $7 OFFSET $8";
    let page = sql_of(&[COLUMNS, from, event_type, object, after, before, delivery, status, order]);
    let rows = conn.all(filter.bind(page).int(limit).int(offset)).await?;
    Ok((rows.iter().map(stored).collect::<Result<_, _>>()?, total))
}

/// How the deliveries of some events stand, all asked for at once. Events without one are left out.
///
/// # Errors
/// What the database says.
pub async fn counts(conn: &mut Conn, events: &[Stored]) -> Result<HashMap<EventId, DeliveryCounts>, Fault> {
    if events.is_empty() {
        return Ok(HashMap::new());
    }
    let query = sql_rows(
        "SELECT event_id, CAST(COUNT(next_attempt_at) AS BIGINT) AS pending, CAST(COUNT(delivered_at) AS BIGINT) AS delivered, \
         CAST(COUNT(given_up_at) AS BIGINT) AS failed FROM deliveries WHERE event_id IN (",
        "$",
        events.len(),
        ") GROUP BY event_id",
    );
    let rows = conn.all(events.iter().fold(query, |query, event| query.text(event.id.as_str()))).await?;
    let counts = |row: &Row| {
        let counts = DeliveryCounts { pending: row.count("pending")?, delivered: row.count("delivered")?, failed: row.count("failed")? };
        Ok((EventId::from(row.text("event_id")?), counts))
    };
    rows.iter().map(counts).collect()
}

/// An event's deliveries, that to the oldest endpoint first, without their attempts.
///
/// # Errors
/// What the database says.
pub async fn deliveries(conn: &mut Conn, event: &EventId) -> Result<Vec<Delivery>, Fault> {
    let query = sql("SELECT d.endpoint_id, w.url, d.attempts, d.next_attempt_at, d.delivered_at, d.given_up_at \
                     FROM deliveries d JOIN webhook_endpoints w ON w.id = d.endpoint_id WHERE d.event_id = $1 ORDER BY w.created_at, w.id");
    let rows = conn.all(query.text(event.as_str())).await?;
    let delivery = |row: &Row| {
        let (delivered_at, failed_at) = (row.opt_time("delivered_at")?, row.opt_time("given_up_at")?);
        let status = match (delivered_at, failed_at) {
            (Some(_), _) => DeliveryStatus::Delivered,
            (None, Some(_)) => DeliveryStatus::Failed,
            (None, None) => DeliveryStatus::Pending,
        };
        Ok(Delivery {
            event_id: event.clone(),
            endpoint_id: row.text("endpoint_id")?.into(),
            url: row.text("url")?,
            status,
            attempts: row.count("attempts")?,
            next_attempt_at: row.opt_time("next_attempt_at")?,
            delivered_at,
            failed_at,
            log: Vec::new(),
            extra: Map::new(),
        })
    };
    rows.iter().map(delivery).collect()
}

fn request(logged: Option<&str>) -> Result<Option<AttemptRequest>, Fault> {
    let read = |text| serde_json::from_str(text).map_err(|_| Fault::Corrupt("the request of an attempt cannot be read".to_owned()));
    logged.map(read).transpose()
}

/// Forgets attempts that began at `cutoff` or before, a few at a time. Answers how many went.
///
/// # Errors
/// What the database says.
pub async fn forget_attempts(tx: &mut Tx<'_>, cutoff: Timestamp) -> Result<u64, Fault> {
    let bound = tx
        .one(
            sql("SELECT MAX(started_at) AS bound FROM (SELECT started_at FROM delivery_attempts WHERE started_at <= $1 \
                 ORDER BY started_at LIMIT 1000) oldest")
            .int(cutoff.millis()),
        )
        .await?;
    match bound.map(|row| row.opt_int("bound")).transpose()?.flatten() {
        Some(bound) => tx.execute(sql("DELETE FROM delivery_attempts WHERE started_at <= $1").int(bound)).await,
        None => Ok(0),
    }
}

/// The attempts at an event's deliveries by endpoint, the newest 20 of each, newest first.
///
/// # Errors
/// What the database says.
pub async fn attempts(conn: &mut Conn, event: &EventId) -> Result<HashMap<EndpointId, Vec<DeliveryAttempt>>, Fault> {
    let query = sql("SELECT endpoint_id, started_at, duration_ms, status, failure, response, request FROM (SELECT a.*, \
                     ROW_NUMBER() OVER (PARTITION BY endpoint_id ORDER BY number DESC) AS place FROM delivery_attempts a \
                     WHERE event_id = $1) AS newest WHERE place <= 20 ORDER BY endpoint_id, number DESC");
    let mut log: HashMap<EndpointId, Vec<DeliveryAttempt>> = HashMap::new();
    for row in conn.all(query.text(event.as_str())).await? {
        let attempt = DeliveryAttempt {
            started_at: row.time("started_at")?,
            duration_ms: row.count("duration_ms")?,
            status_code: row.opt_int("status")?.and_then(|status| u16::try_from(status).ok()),
            failure: row.opt_text("failure")?,
            response: row.opt_text("response")?,
            request: request(row.opt_text("request")?.as_deref())?,
        };
        log.entry(row.text("endpoint_id")?.into()).or_default().push(attempt);
    }
    Ok(log)
}
