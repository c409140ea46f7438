//! The outbox from the sender's side: find what is due, claim it, commit, send, record. Nothing is sent while a transaction is open.
//! Many deliveries are claimed, and many attempts recorded, in a few statements. Whose turn it is, is not decided here.

pub mod dialect;

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use payin_core::delivery::Next;
use payin_types::{EndpointId, EventId, EventType, OrganizationId, Timestamp};

use super::db::Row;
use super::statement::{CLAIM, Sql, claim};
use super::{Conn, Fault, Tx, sql, sql_from, sql_rows};

/// How many of the deliveries that have waited longest are looked at. If they are all that are due, nothing else need be.
pub const OLDEST_MAX: usize = 256;
/// How many endpoints one walk visits.
pub const WALK_MAX: usize = 64;
/// How many deliveries of a closed endpoint are given up in one transaction: everybody's writes wait for it.
pub const GIVEN_UP_MAX: usize = 500;

/// An endpoint with deliveries that are due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueEndpoint {
    /// Which.
    pub id: EndpointId,
    /// Whether it may be sent something: it is enabled, and there.
    pub open: bool,
    /// Whether the last attempt at it failed.
    pub failing: bool,
    /// How many of its deliveries were seen to be due.
    pub waiting: u64,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Where it leads, if it is one that an order brought along.
    pub brought_url: Option<String>,
}

fn due_endpoint(row: &Row) -> Result<DueEndpoint, Fault> {
    Ok(DueEndpoint {
        id: row.text("endpoint_id")?.into(),
        open: row.int("enabled")? == 1 && row.opt_int("deleted_at")?.is_none(),
        failing: row.opt_int("failing_since")?.is_some(),
        waiting: row.count("waiting")?,
        organization_id: row.text("organization_id")?.into(),
        brought_url: row.opt_text("brought_url")?,
    })
}

/// The endpoints of the [`OLDEST_MAX`] deliveries that have waited longest.
///
/// # Errors
/// What the database says.
pub async fn oldest(conn: &mut Conn, now: Timestamp) -> Result<Vec<DueEndpoint>, Fault> {
    let query = sql("SELECT due.endpoint_id, due.waiting, w.enabled, w.deleted_at, w.failing_since, w.organization_id, \
                     CASE WHEN w.order_id IS NOT NULL THEN w.url END AS brought_url FROM (SELECT endpoint_id, COUNT(*) AS waiting FROM (SELECT endpoint_id FROM deliveries WHERE next_attempt_at IS NOT NULL \
                     AND next_attempt_at <= $1 ORDER BY next_attempt_at LIMIT 256) oldest GROUP BY endpoint_id) due \
                     JOIN webhook_endpoints w ON w.id = due.endpoint_id");
    conn.all(query.int(now.millis())).await?.iter().map(due_endpoint).collect()
}

/// The next [`WALK_MAX`] endpoints after one, by id, that wait for anything; `waiting` is 0 where nothing is due yet. One probe of the
/// index for each, however much waits there.
///
/// # Errors
/// What the database says.
pub async fn walk(conn: &mut Conn, after: &str, now: Timestamp) -> Result<Vec<DueEndpoint>, Fault> {
    let query = sql("WITH RECURSIVE walk (endpoint_id, steps) AS (SELECT MIN(endpoint_id), 1 FROM deliveries \
                     WHERE next_attempt_at IS NOT NULL AND endpoint_id > $1 UNION ALL SELECT (SELECT MIN(d.endpoint_id) FROM deliveries d \
                     WHERE d.next_attempt_at IS NOT NULL AND d.endpoint_id > walk.endpoint_id), walk.steps + 1 FROM walk \
                     WHERE walk.endpoint_id IS NOT NULL AND walk.steps < 64) \
                     SELECT walk.endpoint_id, w.enabled, w.deleted_at, w.failing_since, w.organization_id, \
                     CASE WHEN w.order_id IS NOT NULL THEN w.url END AS brought_url, CASE WHEN (SELECT MIN(d.next_attempt_at) \
                     FROM deliveries d WHERE d.endpoint_id = walk.endpoint_id AND d.next_attempt_at IS NOT NULL) <= $2 \
                     THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END AS waiting FROM walk \
                     JOIN webhook_endpoints w ON w.id = walk.endpoint_id ORDER BY walk.endpoint_id");
    conn.all(query.text(after).int(now.millis())).await?.iter().map(due_endpoint).collect()
}

/// An event on its way to an endpoint.
pub type Key = (EventId, EndpointId);

/// A claimed delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The event.
    pub event_id: EventId,
    /// To which endpoint.
    pub endpoint_id: EndpointId,
    /// How many attempts were recorded before this one.
    pub attempts: u64,
    /// Which claim this is; a later one makes it void.
    pub claim: i64,
}

/// Claims deliveries of some endpoints that are due and that nobody else claims: so many of each, those that have waited longest. They may be
/// claimed again after a time, if nothing was heard of them.
///
/// # Errors
/// What the database says.
pub async fn claim(tx: &mut Tx<'_>, of: &[(EndpointId, usize)], now: Timestamp, until: Timestamp) -> Result<Vec<Claimed>, Fault> {
    let mut query = sql_from("");
    // Each endpoint's part is a range of one index: PostgreSQL, which may believe that hardly anything is due, would otherwise look for it
    // among all that is. Filled up with endpoints that there are not, as by `Sql::filled`.
    let none = of.len()..of.len().next_power_of_two();
    let all = of.iter().map(|(endpoint, most)| (Some(endpoint.as_str()), *most)).chain(none.map(|_| (None, 0)));
    for (number, (endpoint, most)) in all.enumerate() {
        let joined = if number == 0 { query } else { query.with(" UNION ALL ") };
        query = joined
            .with(
                "SELECT event_id, endpoint_id, attempts, claim FROM (SELECT event_id, endpoint_id, attempts, claim FROM deliveries \
                 WHERE next_attempt_at IS NOT NULL AND (endpoint_id, next_attempt_at) >= ($, $",
            )
            .opt_text(endpoint)
            .int(i64::MIN)
            .with(") AND (endpoint_id, next_attempt_at) <= ($, $")
            .opt_text(endpoint)
            .int(now.millis())
            .with(") ORDER BY endpoint_id, next_attempt_at LIMIT $")
            .int(i64::try_from(most).unwrap_or(i64::MAX))
            .with(CLAIM)
            .with(") AS due");
    }
    let rows = tx.lock_all(query.claims()).await?;
    let claimed = rows.iter().map(|row| {
        Ok(Claimed {
            event_id: row.text("event_id")?.into(),
            endpoint_id: row.text("endpoint_id")?.into(),
            attempts: row.count("attempts")?,
            claim: row.int("claim")?.saturating_add(1),
        })
    });
    let claimed: Vec<Claimed> = claimed.collect::<Result<_, Fault>>()?;
    if claimed.is_empty() {
        return Ok(claimed);
    }
    let update = sql_rows(
        "UPDATE deliveries SET claim = claim + 1, next_attempt_at = v.column3 FROM (VALUES ",
        "($, $, CAST($ AS BIGINT))",
        claimed.len(),
        ") AS v WHERE deliveries.event_id = v.column1 AND deliveries.endpoint_id = v.column2",
    );
    let row = |update: Sql, one: &Claimed| update.text(one.event_id.as_str()).text(one.endpoint_id.as_str()).int(until.millis());
    tx.change(claimed.iter().fold(update, row).filled(), claimed.len()).await?;
    Ok(claimed)
}

/// Makes a claim last until a time, unless it is void. Answers whether it stands.
///
/// # Errors
/// What the database says.
pub async fn renew(tx: &mut Tx<'_>, claimed: &Claimed, until: Timestamp) -> Result<bool, Fault> {
    let update = sql("UPDATE deliveries SET next_attempt_at = $1 WHERE event_id = $2 AND endpoint_id = $3 AND claim = $4 \
                      AND next_attempt_at IS NOT NULL");
    let update = update.int(until.millis()).text(claimed.event_id.as_str()).text(claimed.endpoint_id.as_str()).int(claimed.claim);
    Ok(tx.execute(update).await? > 0)
}

/// Makes what is claimed until a time, and of which nothing was heard, due at once: for the sole server of a database, which knows that
/// whoever claimed it is gone. What waits for its next attempt goes on waiting: the attempt before is in the log.
///
/// # Errors
/// What the database says.
pub async fn take_back(tx: &mut Tx<'_>, now: Timestamp, until: Timestamp) -> Result<u64, Fault> {
    let update = sql("UPDATE deliveries SET next_attempt_at = $1 WHERE next_attempt_at > $1 AND next_attempt_at <= $2 AND claim > 0 \
                      AND NOT EXISTS (SELECT 1 FROM delivery_attempts a WHERE a.event_id = deliveries.event_id \
                      AND a.endpoint_id = deliveries.endpoint_id AND a.number = deliveries.claim)");
    tx.execute(update.int(now.millis()).int(until.millis())).await
}

/// What is sent of some events.
///
/// # Errors
/// What the database says.
pub async fn bodies(conn: &mut Conn, events: &HashSet<&EventId>) -> Result<BTreeMap<EventId, (EventType, Bytes)>, Fault> {
    if events.is_empty() {
        return Ok(BTreeMap::new());
    }
    let query = sql_rows("SELECT id, type, body FROM events WHERE id IN (", "$", events.len(), ")");
    let rows = conn.all(events.iter().fold(query, |query, event| query.text(event.as_str())).filled()).await?;
    rows.iter().map(|row| Ok((row.text("id")?.into(), (EventType::from(row.text("type")?.as_str()), row.text("body")?.into())))).collect()
}

/// Gives up what falls due until a time at an endpoint that is sent nothing, a bounded number of it. Answers how many.
///
/// # Errors
/// What the database says.
pub async fn give_up(tx: &mut Tx<'_>, endpoint: &EndpointId, until: Timestamp, now: Timestamp) -> Result<usize, Fault> {
    let stands = sql("SELECT 1 AS one FROM webhook_endpoints WHERE id = $1 AND enabled = 1 AND deleted_at IS NULL");
    if tx.one(stands.text(endpoint.as_str())).await?.is_some() {
        return Ok(0);
    }
    let due = claim!(
        "SELECT event_id FROM deliveries WHERE endpoint_id = $1 AND next_attempt_at IS NOT NULL AND next_attempt_at <= $2 \
         ORDER BY next_attempt_at LIMIT 500"
    );
    let rows = tx.lock_all(due.text(endpoint.as_str()).int(until.millis())).await?;
    let events: Vec<String> = rows.iter().map(|row| row.text("event_id")).collect::<Result<_, _>>()?;
    if events.is_empty() {
        return Ok(0);
    }
    let update = sql_from("UPDATE deliveries SET next_attempt_at = NULL, given_up_at = $").int(now.millis());
    let mut update = update.with(" WHERE endpoint_id = $").text(endpoint.as_str()).with(" AND event_id IN (");
    for (number, event) in events.iter().enumerate() {
        update = update.with(if number == 0 { "$" } else { ", $" }).text(event.as_str());
    }
    tx.change(update.with(")"), events.len()).await?;
    Ok(events.len())
}

/// What came of an attempt.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What was sent, but for the body, as JSON; `None` if nothing could be.
    pub request: Option<String>,
    /// The status answered.
    pub status: Option<u16>,
    /// Why there was no answer.
    pub failure: Option<String>,
    /// The beginning of the answer's body.
    pub response: Option<String>,
}

/// A claimed delivery, an attempt at it, and how it goes on.
pub type Recorded<'a> = (&'a Claimed, &'a Attempt, Next);

/// Records attempts. Answers how many counted: one whose claim is void, because another attempt was begun since, the delivery was started
/// over, or given up with its endpoint, is in the log and changes nothing else.
///
/// # Errors
/// What the database says.
pub async fn record(tx: &mut Tx<'_>, all: &[Recorded<'_>], now: Timestamp) -> Result<usize, Fault> {
    let mut update = sql_rows(
        "UPDATE deliveries SET attempts = attempts + 1, next_attempt_at = v.column4, delivered_at = v.column5, given_up_at = v.column6 \
         FROM (VALUES ",
        "($, $, CAST($ AS BIGINT), CAST($ AS BIGINT), CAST($ AS BIGINT), CAST($ AS BIGINT))",
        all.len(),
        ") AS v WHERE deliveries.event_id = v.column1 AND deliveries.endpoint_id = v.column2 AND deliveries.claim = v.column3 \
         AND deliveries.next_attempt_at IS NOT NULL",
    );
    let mut log = sql_rows(
        "INSERT INTO delivery_attempts (event_id, endpoint_id, number, started_at, duration_ms, status, failure, response, request) \
         SELECT * FROM (VALUES ",
        "($, $, $, $, $, $, $, $, $)",
        all.len(),
        ") AS v WHERE v.column1 IS NOT NULL ON CONFLICT (event_id, endpoint_id, number) DO NOTHING",
    );
    for (claimed, attempt, next) in all {
        let (again, delivered, given_up) = match next {
            Next::Delivered => (None, Some(now.millis()), None),
            Next::At(at) => (Some(at.millis()), None, None),
            Next::GivenUp => (None, None, Some(now.millis())),
        };
        let (event, endpoint) = (claimed.event_id.as_str(), claimed.endpoint_id.as_str());
        update = update.text(event).text(endpoint).int(claimed.claim).int(again).int(delivered).int(given_up);
        log = log
            .text(event)
            .text(endpoint)
            .int(claimed.claim)
            .int(attempt.started_at.millis())
            .int(i64::try_from(attempt.duration_ms).unwrap_or(i64::MAX))
            .int(attempt.status.map(i64::from))
            .opt_text(attempt.failure.as_deref())
            .opt_text(attempt.response.as_deref())
            .opt_text(attempt.request.as_deref());
    }
    let counted = tx.execute(update.filled()).await?;
    tx.execute(log.filled()).await?;
    Ok(usize::try_from(counted).unwrap_or(usize::MAX))
}

/// Starts deliveries over, or starts them where there were none: due now, with all their attempts before them. It takes a claim, so that
/// what an attempt that is under way reports goes into the log, and neither ends the new delivery nor counts in it.
///
/// # Errors
/// What the database says.
pub async fn start_over(tx: &mut Tx<'_>, keys: &[Key], now: Timestamp) -> Result<(), Fault> {
    if keys.is_empty() {
        return Ok(());
    }
    tx.queued = true;
    let upsert = sql_rows(
        "INSERT INTO deliveries (event_id, endpoint_id, created_at, next_attempt_at, attempts, claim) VALUES ",
        "($, $, $, $, 0, 0)",
        keys.len(),
        " ON CONFLICT (event_id, endpoint_id) DO UPDATE SET attempts = 0, next_attempt_at = excluded.next_attempt_at, \
         claim = deliveries.claim + 1, delivered_at = NULL, given_up_at = NULL",
    );
    let row =
        |upsert: Sql, (event, endpoint): &Key| upsert.text(event.as_str()).text(endpoint.as_str()).int(now.millis()).int(now.millis());
    tx.change(keys.iter().fold(upsert, row), keys.len()).await
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
pub async fn next_due(conn: &mut Conn, after: Timestamp) -> Result<Option<Timestamp>, Fault> {
    let query = sql("SELECT MIN(next_attempt_at) AS due FROM deliveries WHERE next_attempt_at IS NOT NULL AND next_attempt_at > $1");
    conn.one(query.int(after.millis())).await?.map_or(Ok(None), |row| row.opt_time("due"))
}
