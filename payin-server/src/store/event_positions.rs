//! The order in which events became visible, and reading along it. A position is drawn after an event's own commit, by one at a time: so
//! whoever sees a position sees every smaller one, and a reader that remembers the last misses nothing. It must not write events.

use payin_core::Cursor;
use payin_types::{EventType, OrganizationId, Timestamp};

use super::event_log::{self, Stored};
use super::statement::claim;
use super::{Conn, Fault, Tx, sql, sql_from};

/// The end of the order, as of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// The last position that was drawn. `None` until the database has drawn the number that tells it from others.
    pub cursor: Option<Cursor>,
    /// Whether events are there that have none yet.
    pub is_behind: bool,
}

/// Where the order ends.
///
/// # Errors
/// What the database says.
pub async fn end(conn: &mut Conn) -> Result<End, Fault> {
    let query = sql("SELECT (SELECT value FROM counters WHERE name = 'event_epoch') AS epoch, \
                     (SELECT value FROM counters WHERE name = 'event_positions') AS last, \
                     CAST(CASE WHEN EXISTS (SELECT 1 FROM events WHERE position IS NULL) THEN 1 ELSE 0 END AS BIGINT) AS behind");
    let row = conn.one(query).await?.ok_or_else(|| Fault::Corrupt("a query without rows".to_owned()))?;
    let corrupt = |_| Fault::Corrupt("the number that tells this database's events from others' is too large".to_owned());
    let epoch = row.opt_count("epoch")?.map(|epoch| u32::try_from(epoch).map_err(corrupt)).transpose()?;
    let position = row.count("last")?;
    Ok(End { cursor: epoch.map(|epoch| Cursor { epoch, position }), is_behind: row.int("behind")? == 1 })
}

/// Draws the number that tells this database's order from others', if it has none yet.
///
/// # Errors
/// What the database says.
pub async fn begin(tx: &mut Tx<'_>, epoch: u32) -> Result<(), Fault> {
    let insert = sql("INSERT INTO counters (name, value) VALUES ('event_epoch', $1) ON CONFLICT (name) DO NOTHING");
    tx.execute(insert.int(i64::from(epoch))).await.map(drop)
}

/// Ends this order: another one begins, in which earlier cursors are unknown.
///
/// # Errors
/// What the database says.
pub async fn forget(tx: &mut Tx<'_>) -> Result<(), Fault> {
    tx.execute(sql("DELETE FROM counters WHERE name = 'event_epoch'")).await.map(drop)
}

/// Draws positions for events that have none, at most so many; those of one object in their sequence. Answers how many, or `None`, with
/// nothing done, while another server does so: waiting for it, with what else this transaction holds, could wait for each other.
///
/// # Errors
/// What the database says.
pub async fn draw(tx: &mut Tx<'_>, most: i64) -> Result<Option<u64>, Fault> {
    let Some(row) = tx.lock(claim!("SELECT value FROM counters WHERE name = 'event_positions'")).await? else { return Ok(None) };
    let last = row.int("value")?;
    let drawn = tx
        .execute(
            sql("UPDATE events SET position = CAST($1 AS BIGINT) + fresh.place FROM (SELECT id AS event_id, \
                 ROW_NUMBER() OVER (ORDER BY sequence, created_at, id) AS place FROM events WHERE position IS NULL) AS fresh \
                 WHERE events.id = fresh.event_id AND fresh.place <= $2 AND events.position IS NULL")
            .int(last)
            .int(most),
        )
        .await?;
    let next = last.saturating_add(i64::try_from(drawn).unwrap_or(i64::MAX));
    let update = sql("UPDATE counters SET value = $2 WHERE name = 'event_positions' AND value = $1");
    tx.change_one(update.int(last).int(next)).await?;
    Ok(Some(drawn))
}

/// Which events a reader wants.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Whose.
    pub organization_id: OrganizationId,
    /// Only events of these types; of all when empty.
    pub types: Vec<EventType>,
    /// Only events of this object.
    pub object_id: Option<String>,
    /// Only events of this time or later.
    pub created_after: Option<Timestamp>,
    /// Only events before this time.
    pub created_before: Option<Timestamp>,
}

/// Events with their positions, in their order: those behind one position, up to another.
///
/// # Errors
/// What the database says.
pub async fn between(conn: &mut Conn, filter: &Filter, after: u64, upto: u64, most: usize) -> Result<Vec<(u64, Stored)>, Fault> {
    let int = |number| i64::try_from(number).unwrap_or(i64::MAX);
    let mut query = sql_from(
        "SELECT e.id, e.type, e.object_id, e.sequence, e.body, e.created_at, e.position FROM events e WHERE e.api IS NULL AND e.organization_id = $",
    )
    .text(filter.organization_id.as_str())
    .with(" AND e.position > $")
    .int(int(after))
    .with(" AND e.position <= $")
    .int(int(upto))
    .filter(" AND e.object_id = $", filter.object_id.as_deref())
    .filter_time(" AND e.created_at >= $", filter.created_after)
    .filter_time(" AND e.created_at < $", filter.created_before);
    for (at, event_type) in filter.types.iter().enumerate() {
        query = query.with(if at == 0 { " AND e.type IN ($" } else { ", $" }).text(event_type.as_str());
    }
    query = query.with(if filter.types.is_empty() { "" } else { ")" });
    let rows = conn.all(query.with(" ORDER BY e.position LIMIT 0 + $").int(i64::try_from(most).unwrap_or(i64::MAX))).await?;
    rows.iter().map(|row| Ok((row.count("position")?, event_log::stored(row)?))).collect()
}

/// The position of an organization's first event of a time or later, of those that have one.
///
/// # Errors
/// What the database says.
pub async fn first_since(conn: &mut Conn, organization: &OrganizationId, time: Timestamp) -> Result<Option<u64>, Fault> {
    let query = sql("SELECT MIN(position) AS first FROM events WHERE organization_id = $1 AND api IS NULL AND created_at >= $2 \
                     AND position IS NOT NULL");
    let row = conn.one(query.text(organization.as_str()).int(time.millis())).await?;
    row.map_or(Ok(None), |row| row.opt_count("first"))
}

/// That an organization's events of a type are listened for without an endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Listening<'a> {
    /// Whose events.
    pub organization: &'a OrganizationId,
    /// Of which type.
    pub event_type: &'a EventType,
    /// The end of the order: where it begins, if it does not go on.
    pub end: u64,
    /// The time.
    pub now: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// Notes it. Answers behind which position all such events have been recorded.
///
/// # Errors
/// What the database says.
pub async fn listen(tx: &mut Tx<'_>, listening: Listening<'_>) -> Result<u64, Fault> {
    let upsert = sql("INSERT INTO event_listeners (organization_id, type, from_position, until) VALUES ($1, $2, $3, $4) \
                      ON CONFLICT (organization_id, type) DO UPDATE SET until = excluded.until, from_position = CASE \
                      WHEN event_listeners.until > $5 THEN event_listeners.from_position ELSE excluded.from_position END \
                      RETURNING from_position");
    let Listening { organization, event_type, end, now, until } = listening;
    let upsert = upsert.text(organization.as_str()).text(event_type.as_str()).int(i64::try_from(end).unwrap_or(i64::MAX));
    let row = tx.one(upsert.int(until.millis()).int(now.millis())).await?;
    row.ok_or_else(|| Fault::Corrupt("a listener that was written is not there".to_owned()))?.count("from_position")
}

/// Whether an organization's events of a type are listened for without an endpoint.
///
/// # Errors
/// What the database says.
pub async fn is_listened_for(
    tx: &mut Tx<'_>,
    organization: &OrganizationId,
    event_type: &EventType,
    now: Timestamp,
) -> Result<bool, Fault> {
    let query = sql("SELECT 1 AS one FROM event_listeners WHERE organization_id = $1 AND type = $2 AND until > $3");
    Ok(tx.one(query.text(organization.as_str()).text(event_type.as_str()).int(now.millis())).await?.is_some())
}
