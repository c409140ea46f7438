//! The outbox from the sender's side: find what is due, claim it, commit, send, record. Nothing is sent while a transaction is open.
//! Many deliveries are claimed, and many attempts recorded, in a few statements. Whose turn it is, is not decided here.

pub mod dialect;
pub mod due;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use payin_core::delivery::Next;
use payin_types::{EndpointId, EventId, EventType, OrganizationId, Timestamp};

use super::db::Row;
use super::statement::{CLAIM, Sql, claim};
use super::{Conn, Fault, Tx, sql, sql_from, sql_rows};

/// How many deliveries of a closed endpoint are given up in one transaction: everybody's writes wait for it.
pub const GIVEN_UP_MAX: usize = 500;

/// Who takes turns: an endpoint, or one server of an organization to which endpoints lead that orders brought along.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Receiver {
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The endpoint's id, or the server as `host:port`.
    pub name: String,
}

impl Receiver {
    pub(super) fn read(row: &Row) -> Result<Self, Fault> {
        Ok(Self { organization_id: row.text("organization_id")?.into(), name: row.text("receiver")? })
    }
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

/// Claims deliveries of some receivers that are due and that nobody else claims: so many of each, those that have waited longest. They may be
/// claimed again after a time, if nothing was heard of them.
///
/// # Errors
/// What the database says.
pub async fn claim(tx: &mut Tx<'_>, of: &[(Arc<Receiver>, usize)], now: Timestamp, until: Timestamp) -> Result<Vec<Claimed>, Fault> {
    let mut query = sql_from("");
    // Each receiver's part is a range of one index: PostgreSQL, which may believe that hardly anything is due, would otherwise look for it
    // among all that is. Filled up with receivers that there are not, as by `Sql::filled`.
    let none = of.len()..of.len().next_power_of_two();
    let all = of.iter().map(|(receiver, most)| (Some(receiver), *most)).chain(none.map(|_| (None, 0)));
    for (number, (receiver, most)) in all.enumerate() {
        let (organization, name) = (receiver.map(|one| one.organization_id.as_str()), receiver.map(|one| one.name.as_str()));
        let joined = if number == 0 { query } else { query.with(" UNION ALL ") };
        query = joined
            .with(
                "SELECT event_id, endpoint_id, attempts, claim FROM (SELECT event_id, endpoint_id, attempts, claim FROM deliveries \
                 WHERE delivered_at IS NULL AND given_up_at IS NULL AND (organization_id, receiver, next_attempt_at) >= ($, $, $",
            )
            .opt_text(organization)
            .opt_text(name)
            .int(i64::MIN)
            .with(") AND (organization_id, receiver, next_attempt_at) <= ($, $, $")
            .opt_text(organization)
            .opt_text(name)
            .int(now.millis())
            .with(") AND (claimed_until IS NULL OR claimed_until <= $")
            .int(now.millis())
            .with(") ORDER BY organization_id, receiver, next_attempt_at LIMIT 0 + $")
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
        "UPDATE deliveries SET claim = claim + 1, claimed_until = v.column3 FROM (VALUES ",
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
    let update = sql("UPDATE deliveries SET claimed_until = $1 WHERE event_id = $2 AND endpoint_id = $3 AND claim = $4 \
                      AND claimed_until IS NOT NULL");
    let update = update.int(until.millis()).text(claimed.event_id.as_str()).text(claimed.endpoint_id.as_str()).int(claimed.claim);
    Ok(tx.execute(update).await? > 0)
}

/// Takes back every claim of which nothing was heard: for the sole server of a database, which knows that whoever made it is gone.
///
/// # Errors
/// What the database says.
pub async fn take_back(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, Fault> {
    let update = sql("UPDATE deliveries SET claimed_until = NULL WHERE next_attempt_at IS NOT NULL AND claimed_until > $1");
    tx.execute(update.int(now.millis())).await
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
pub async fn give_up(tx: &mut Tx<'_>, receiver: &Receiver, until: Timestamp, now: Timestamp) -> Result<usize, Fault> {
    let (organization, name) = (receiver.organization_id.as_str(), receiver.name.as_str());
    let closed = sql("SELECT 1 AS one FROM webhook_endpoints WHERE id = $1 AND (enabled = 0 OR deleted_at IS NOT NULL)");
    if tx.one(closed.text(name)).await?.is_none() {
        return Ok(0);
    }
    // A range of one index, as in `claim`. An attempt that is under way is heard out.
    let due = claim!(
        "SELECT event_id, endpoint_id FROM deliveries WHERE delivered_at IS NULL AND given_up_at IS NULL \
         AND (organization_id, receiver, next_attempt_at) >= ($1, $2, $3) AND (organization_id, receiver, next_attempt_at) <= ($1, $2, $4) \
         AND (claimed_until IS NULL OR claimed_until <= $4) ORDER BY organization_id, receiver, next_attempt_at LIMIT 500"
    );
    let rows = tx.lock_all(due.text(organization).text(name).int(i64::MIN).int(until.millis())).await?;
    let keys = rows.iter().map(|row| Ok((EventId::from(row.text("event_id")?), EndpointId::from(row.text("endpoint_id")?))));
    let keys: Vec<Key> = keys.collect::<Result<_, Fault>>()?;
    if keys.is_empty() {
        return Ok(0);
    }
    let update = sql_rows(
        "UPDATE deliveries SET next_attempt_at = NULL, claimed_until = NULL, given_up_at = v.column3 FROM (VALUES ",
        "($, $, CAST($ AS BIGINT))",
        keys.len(),
        ") AS v WHERE deliveries.event_id = v.column1 AND deliveries.endpoint_id = v.column2",
    );
    let row = |update: Sql, (event, endpoint): &Key| update.text(event.as_str()).text(endpoint.as_str()).int(now.millis());
    tx.change(keys.iter().fold(update, row).filled(), keys.len()).await?;
    Ok(keys.len())
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
        "UPDATE deliveries SET attempts = attempts + 1, next_attempt_at = v.column4, claimed_until = NULL, delivered_at = v.column5, \
         given_up_at = v.column6 FROM (VALUES ",
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

/// Begins deliveries, or begins them anew: due now, with all their attempts before them. One that is begun anew takes a claim, so that what
/// an attempt that is under way reports goes into the log, and neither ends the new delivery nor counts in it.
///
/// # Errors
/// What the database says.
pub async fn begin(tx: &mut Tx<'_>, keys: &[Key], now: Timestamp) -> Result<(), Fault> {
    if keys.is_empty() {
        return Ok(());
    }
    tx.queued = true;
    let upsert = sql_rows(
        "INSERT INTO deliveries (event_id, endpoint_id, organization_id, receiver, created_at, next_attempt_at, attempts, claim) \
         SELECT v.column1, w.id, w.organization_id, w.receiver, v.column3, v.column3, 0, 0 FROM (VALUES ",
        "($, $, CAST($ AS BIGINT))",
        keys.len(),
        ") AS v JOIN webhook_endpoints w ON w.id = v.column2 WHERE v.column1 IS NOT NULL \
         ON CONFLICT (event_id, endpoint_id) DO UPDATE SET organization_id = excluded.organization_id, receiver = excluded.receiver, \
         attempts = 0, next_attempt_at = excluded.next_attempt_at, claim = deliveries.claim + 1, claimed_until = NULL, \
         delivered_at = NULL, given_up_at = NULL",
    );
    let row = |upsert: Sql, (event, endpoint): &Key| upsert.text(event.as_str()).text(endpoint.as_str()).int(now.millis());
    tx.change(keys.iter().fold(upsert, row).filled(), keys.len()).await
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
