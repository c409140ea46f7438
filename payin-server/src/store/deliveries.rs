//! The outbox from the sender's side: claim what is due, commit, send, record. Nothing is sent while a transaction is open.

use std::collections::HashSet;

use payin_types::{EndpointId, EventId, EventType, Timestamp};

use super::statement::claim;
use super::{Conn, Fault, Tx, sql};

/// A claimed delivery.
#[derive(Debug, Clone)]
pub struct Due {
    /// The event.
    pub event_id: EventId,
    /// Its type.
    pub event_type: EventType,
    /// What is sent.
    pub body: String,
    /// To which endpoint.
    pub endpoint_id: EndpointId,
    /// Where that is.
    pub url: String,
    /// The endpoint's secret, sealed.
    pub secret_sealed: String,
    /// The secret before, sealed, while it is still good.
    pub previous_secret_sealed: Option<String>,
    /// How many attempts were made before this one.
    pub attempts: u64,
    /// Which claim this is; a later one makes it void.
    pub claim: i64,
    /// The API in whose form and by whose schedule it is sent; `None`: the native one.
    pub api: Option<String>,
}

/// Endpoints with deliveries that are due, those first that have waited longest.
///
/// # Errors
/// What the database says.
pub async fn due_endpoints(conn: &mut Conn, now: Timestamp) -> Result<Vec<EndpointId>, Fault> {
    let query = sql("SELECT endpoint_id, MIN(next_attempt_at) AS due FROM deliveries WHERE next_attempt_at IS NOT NULL \
                     AND next_attempt_at <= $1 GROUP BY endpoint_id ORDER BY due LIMIT 64");
    conn.all(query.int(now.millis())).await?.iter().map(|row| row.text("endpoint_id").map(EndpointId::from)).collect()
}

/// Claims a few deliveries of an endpoint that are due, until a time at which they may be claimed again if nothing was heard of them.
///
/// # Errors
/// What the database says.
pub async fn claim_due(tx: &mut Tx<'_>, endpoint: &EndpointId, now: Timestamp, until: Timestamp) -> Result<Vec<Due>, Fault> {
    let rows = tx
        .lock_all(
            claim!(
                "SELECT event_id, endpoint_id, attempts, claim FROM deliveries \
                 WHERE endpoint_id = $1 AND next_attempt_at IS NOT NULL AND next_attempt_at <= $2 ORDER BY next_attempt_at LIMIT 4"
            )
            .text(endpoint.as_str())
            .int(now.millis()),
        )
        .await?;
    let mut due = Vec::with_capacity(rows.len());
    for row in rows {
        let (event, endpoint, claim) = (row.text("event_id")?, row.text("endpoint_id")?, row.int("claim")?.saturating_add(1));
        let found = tx
            .one(
                sql("SELECT e.type, e.body, w.url, w.secret_sealed, w.previous_secret_sealed, w.previous_secret_expires_at, w.enabled, \
                     w.deleted_at, w.api FROM events e, webhook_endpoints w WHERE e.id = $1 AND w.id = $2")
                .text(event.as_str())
                .text(endpoint.as_str()),
            )
            .await?
            .ok_or_else(|| Fault::Corrupt(format!("the delivery of {event} to {endpoint} has lost one of them")))?;
        // The endpoint may have been deleted while this event was being written, or been disabled since.
        if found.int("enabled")? == 0 || found.opt_int("deleted_at")?.is_some() {
            let call_off = sql("UPDATE deliveries SET next_attempt_at = NULL, given_up_at = $3 WHERE event_id = $1 AND endpoint_id = $2");
            tx.change_one(call_off.text(event).text(endpoint).int(now.millis())).await?;
            continue;
        }
        let update = sql("UPDATE deliveries SET next_attempt_at = $3, claim = $4 WHERE event_id = $1 AND endpoint_id = $2");
        tx.change_one(update.text(event.as_str()).text(endpoint.as_str()).int(until.millis()).int(claim)).await?;
        let previous_until = found.opt_time("previous_secret_expires_at")?;
        due.push(Due {
            event_type: EventType::from(found.text("type")?.as_str()),
            body: found.text("body")?,
            url: found.text("url")?,
            secret_sealed: found.text("secret_sealed")?,
            previous_secret_sealed: found.opt_text("previous_secret_sealed")?.filter(|_| previous_until.is_some_and(|until| until > now)),
            attempts: row.count("attempts")?,
            event_id: event.into(),
            endpoint_id: endpoint.into(),
            claim,
            api: found.opt_text("api")?,
        });
    }
    Ok(due)
}

/// What came of an attempt.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The status answered.
    pub status: Option<u16>,
    /// Why there was no answer.
    pub failure: Option<String>,
    /// The beginning of the answer's body.
    pub response: Option<String>,
}

/// How a delivery goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It was received.
    Delivered,
    /// It is tried again.
    At(Timestamp),
    /// It is given up.
    GivenUp,
}

/// Records an attempt. Answers false, and changes nothing but the log, if the claim is void: another attempt was begun since, the
/// delivery was started over, or the endpoint was deleted.
///
/// # Errors
/// What the database says.
pub async fn record(tx: &mut Tx<'_>, due: &Due, attempt: &Attempt, next: Next, now: Timestamp) -> Result<bool, Fault> {
    let (again, delivered, given_up) = match next {
        Next::Delivered => (None, Some(now.millis()), None),
        Next::At(at) => (Some(at.millis()), None, None),
        Next::GivenUp => (None, None, Some(now.millis())),
    };
    let rows = tx
        .execute(
            sql("UPDATE deliveries SET attempts = attempts + 1, next_attempt_at = $4, delivered_at = $5, given_up_at = $6 \
                 WHERE event_id = $1 AND endpoint_id = $2 AND claim = $3 AND next_attempt_at IS NOT NULL")
            .text(due.event_id.as_str())
            .text(due.endpoint_id.as_str())
            .int(due.claim)
            .int(again)
            .int(delivered)
            .int(given_up),
        )
        .await?;
    tx.execute(
        sql("INSERT INTO delivery_attempts (event_id, endpoint_id, number, started_at, duration_ms, status, failure, response) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (event_id, endpoint_id, number) DO NOTHING")
        .text(due.event_id.as_str())
        .text(due.endpoint_id.as_str())
        .int(due.claim)
        .int(attempt.started_at.millis())
        .int(i64::try_from(attempt.duration_ms).unwrap_or(i64::MAX))
        .int(attempt.status.map(i64::from))
        .opt_text(attempt.failure.as_deref())
        .opt_text(attempt.response.as_deref()),
    )
    .await?;
    Ok(rows == 1)
}

/// Starts an event's delivery to an endpoint over, or starts it if there was none: due now, with all its attempts before it. It takes a
/// claim, so that what an attempt that is under way reports goes into the log, and neither ends the new delivery nor counts in it.
///
/// # Errors
/// What the database says.
pub async fn start_over(tx: &mut Tx<'_>, event: &EventId, endpoint: &EndpointId, now: Timestamp) -> Result<(), Fault> {
    tx.change_one(
        sql("INSERT INTO deliveries (event_id, endpoint_id, created_at, attempts, next_attempt_at, claim) VALUES ($1, $2, $3, 0, $3, 0) \
             ON CONFLICT (event_id, endpoint_id) DO UPDATE SET attempts = 0, next_attempt_at = excluded.next_attempt_at, \
             claim = deliveries.claim + 1, delivered_at = NULL, given_up_at = NULL")
        .text(event.as_str())
        .text(endpoint.as_str())
        .int(now.millis()),
    )
    .await
}

/// The endpoints that an event was or is to be sent to.
///
/// # Errors
/// What the database says.
pub async fn endpoints_of(tx: &mut Tx<'_>, event: &EventId) -> Result<HashSet<EndpointId>, Fault> {
    let query = sql("SELECT endpoint_id FROM deliveries WHERE event_id = $1");
    tx.all(query.text(event.as_str())).await?.iter().map(|row| row.text("endpoint_id").map(EndpointId::from)).collect()
}

/// When the next delivery is due.
///
/// # Errors
/// What the database says.
pub async fn next_due(conn: &mut Conn) -> Result<Option<Timestamp>, Fault> {
    let query = sql("SELECT MIN(next_attempt_at) AS due FROM deliveries WHERE next_attempt_at IS NOT NULL");
    conn.one(query).await?.map_or(Ok(None), |row| row.opt_time("due"))
}
