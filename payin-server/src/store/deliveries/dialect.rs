//! Deliveries of another API's events, as the people see them who run its merchants. The outbox itself is in `store/deliveries.rs`.

use payin_core::delivery::{Progress, State};
use payin_types::{EndpointId, EventId, EventType, OrganizationId, Timestamp};

use super::Key;
use crate::store::db::{Locked, Row};
use crate::store::merchants::Reach;
use crate::store::statement::{Sql, locked};
use crate::store::{Conn, Fault, Tx, sql, sql_from};

/// A delivery, and what it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The event.
    pub event_id: EventId,
    /// What happened.
    pub event_type: EventType,
    /// To what.
    pub object_id: String,
    /// Where to.
    pub url: String,
    /// What is known of it.
    pub progress: Progress,
    /// When the newest attempt began, and what was answered.
    pub newest: Option<(Timestamp, Option<u16>)>,
}

/// Which deliveries a list shows.
#[derive(Debug, Clone)]
pub struct Filter<'a> {
    /// Of whose organizations.
    pub reach: &'a Reach,
    /// Through which API they are told.
    pub api: &'a str,
    /// Only those that stand here.
    pub state: Option<State>,
    /// Only those of this object.
    pub object_id: Option<String>,
    /// When it is asked.
    pub now: Timestamp,
}

const NEWEST: &str = " FROM events e JOIN deliveries d ON d.event_id = e.id JOIN webhook_endpoints w ON w.id = d.endpoint_id \
    LEFT JOIN delivery_attempts a ON a.event_id = d.event_id AND a.endpoint_id = d.endpoint_id AND a.number = (SELECT MAX(b.number) \
    FROM delivery_attempts b WHERE b.event_id = d.event_id AND b.endpoint_id = d.endpoint_id) WHERE e.api = $";

fn progress(row: &Row) -> Result<Progress, Fault> {
    Ok(Progress {
        attempts: row.count("attempts")?,
        claimed_until: row.opt_time("claimed_until")?,
        next_attempt_at: row.opt_time("next_attempt_at")?,
        delivered_at: row.opt_time("delivered_at")?,
        given_up_at: row.opt_time("given_up_at")?,
    })
}

fn told(row: &Row) -> Result<Told, Fault> {
    let status = row.opt_int("status")?.and_then(|status| u16::try_from(status).ok());
    Ok(Told {
        event_id: row.text("event_id")?.into(),
        event_type: EventType::from(row.text("type")?.as_str()),
        object_id: row.text("object_id")?,
        url: row.text("url")?,
        progress: progress(row)?,
        newest: row.opt_time("started_at")?.map(|at| (at, status)),
    })
}

impl Filter<'_> {
    /// `payin_core::delivery::Progress::state`, by its words.
    fn of(&self, statement: Sql) -> Sql {
        let statement = self.reach.within(statement.with(NEWEST).text(self.api).with(" AND e.organization_id"));
        let statement = statement.filter(" AND e.object_id = $", self.object_id.as_deref());
        let Some(state) = self.state else { return statement };
        let statement = statement
            .with(
                " AND (CASE WHEN d.delivered_at IS NOT NULL THEN 'received' WHEN d.given_up_at IS NOT NULL THEN 'given_up' \
                 WHEN d.claimed_until > $",
            )
            .int(self.now.millis());
        statement.with(" THEN 'under_way' WHEN d.attempts > 0 THEN 'again' ELSE 'waiting' END) = $").text(state.word())
    }
}

/// One page of deliveries, those of the newest events first, and how many there are.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, filter: &Filter<'_>, (limit, offset): (i64, i64)) -> Result<(Vec<Told>, u64), Fault> {
    let total = conn.one(filter.of(sql_from("SELECT COUNT(*) AS total"))).await?.map_or(Ok(0), |row| row.count("total"))?;
    let page = sql_from(
        "SELECT d.event_id, e.type, e.object_id, w.url, d.attempts, d.claimed_until, d.next_attempt_at, d.delivered_at, \
         d.given_up_at, a.started_at, a.status",
    );
    let page =
        filter.of(page).with(" ORDER BY e.created_at DESC, e.id DESC, d.endpoint_id LIMIT 0 + $").int(limit).with(" OFFSET $").int(offset);
    Ok((conn.all(page).await?.iter().map(told).collect::<Result<_, _>>()?, total))
}

/// To which endpoint an event of an API goes, and whose event it is: the first, of one that goes to several.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, api: &str, event: &EventId) -> Result<Option<(OrganizationId, EndpointId)>, Fault> {
    let query = sql("SELECT e.organization_id, d.endpoint_id FROM events e JOIN deliveries d ON d.event_id = e.id \
                     WHERE e.api = $1 AND e.id = $2 ORDER BY d.endpoint_id LIMIT 1");
    let row = conn.one(query.text(api).text(event.as_str())).await?;
    row.map(|row| Ok((row.text("organization_id")?.into(), row.text("endpoint_id")?.into()))).transpose()
}

/// What is known of a delivery, in order to begin it anew.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx<'_>, (event, endpoint): &Key) -> Result<Option<Locked<Progress>>, Fault> {
    let query = locked!(
        "SELECT attempts, claimed_until, next_attempt_at, delivered_at, given_up_at FROM deliveries \
         WHERE event_id = $1 AND endpoint_id = $2"
    );
    let row = tx.lock(query.text(event.as_str()).text(endpoint.as_str())).await?;
    row.map(|row| row.read(|row| progress(&row))).transpose()
}
