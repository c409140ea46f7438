//! Who has something due: receivers with deliveries that are due and not claimed. It claims nothing, and does not decide whose turn it is.
//!
//! Where much is due, the deliveries that have waited longest may all be one organization's, which may have all it is allowed to have under
//! way. So the organizations can be walked, and the receivers of each: one probe of the index a step, however much waits there. What is walked
//! is asked for in the words of `deliveries_turns`, and what is due in those of `deliveries_due`: neither index serves the other's questions.

use payin_types::{OrganizationId, Timestamp};

use super::Receiver;
use crate::store::db::Row;
use crate::store::{Conn, Fault, sql};

/// How many of the deliveries that have waited longest are looked at. If they are all that are due, nothing else need be.
pub const OLDEST_MAX: usize = 256;
/// How many organizations one walk visits.
pub const ORGANIZATIONS_MAX: usize = 64;
/// How many receivers of an organization one walk visits.
pub const RECEIVERS_MAX: usize = 64;

/// A receiver with deliveries that are due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueReceiver {
    /// Which.
    pub receiver: Receiver,
    /// Whether it may be sent something: its endpoint is enabled, and there. Those that orders brought along always are.
    pub open: bool,
    /// Whether the last attempt at an endpoint of it failed.
    pub failing: bool,
    /// How many of its deliveries were seen to be due.
    pub waiting: u64,
}

fn due_receiver(row: &Row) -> Result<DueReceiver, Fault> {
    Ok(DueReceiver {
        receiver: Receiver::read(row)?,
        open: row.opt_int("enabled")? == Some(1) && row.opt_int("deleted_at")?.is_none(),
        failing: row.opt_int("failing_since")?.is_some(),
        waiting: row.count("waiting")?,
    })
}

/// The receivers of the [`OLDEST_MAX`] deliveries that have waited longest.
///
/// # Errors
/// What the database says.
pub async fn oldest(conn: &mut Conn, now: Timestamp) -> Result<Vec<DueReceiver>, Fault> {
    let query = sql("SELECT due.organization_id, due.receiver, due.waiting, w.enabled, w.deleted_at, w.failing_since FROM \
                     (SELECT organization_id, receiver, MIN(endpoint_id) AS endpoint_id, COUNT(*) AS waiting FROM \
                     (SELECT organization_id, receiver, endpoint_id FROM deliveries WHERE next_attempt_at IS NOT NULL \
                     AND next_attempt_at <= $1 AND (claimed_until IS NULL OR claimed_until <= $1) ORDER BY next_attempt_at LIMIT 256) oldest \
                     GROUP BY organization_id, receiver) due JOIN webhook_endpoints w ON w.id = due.endpoint_id");
    conn.all(query.int(now.millis())).await?.iter().map(due_receiver).collect()
}

/// The next [`ORGANIZATIONS_MAX`] organizations after one, by id, that wait for anything, though perhaps for nothing that is due yet.
///
/// # Errors
/// What the database says.
pub async fn organizations(conn: &mut Conn, after: &str) -> Result<Vec<OrganizationId>, Fault> {
    let query = sql("WITH RECURSIVE walk (organization_id, steps) AS (SELECT (SELECT d.organization_id FROM deliveries d \
                     WHERE d.delivered_at IS NULL AND d.given_up_at IS NULL AND d.organization_id > $1 \
                     ORDER BY d.organization_id, d.receiver, d.next_attempt_at LIMIT 1), 1 UNION ALL SELECT (SELECT d.organization_id \
                     FROM deliveries d WHERE d.delivered_at IS NULL AND d.given_up_at IS NULL AND d.organization_id > walk.organization_id \
                     ORDER BY d.organization_id, d.receiver, d.next_attempt_at LIMIT 1), walk.steps + 1 \
                     FROM walk WHERE walk.organization_id IS NOT NULL AND walk.steps < 64) \
                     SELECT organization_id FROM walk WHERE organization_id IS NOT NULL ORDER BY organization_id");
    conn.all(query.text(after)).await?.iter().map(|row| row.text("organization_id").map(OrganizationId::from)).collect()
}

/// The next [`RECEIVERS_MAX`] receivers of an organization after one, by name, that wait for anything; `waiting` is 0 where nothing is due
/// that is not claimed. What waits first says whether anything is due: a range up to now would be one of `deliveries_due`'s, too.
///
/// # Errors
/// What the database says.
pub async fn receivers(conn: &mut Conn, organization: &OrganizationId, after: &str, now: Timestamp) -> Result<Vec<DueReceiver>, Fault> {
    let query = sql("WITH RECURSIVE walk (receiver, steps) AS (SELECT (SELECT d.receiver FROM deliveries d WHERE d.delivered_at IS NULL \
                     AND d.given_up_at IS NULL AND d.organization_id = $1 AND d.receiver > $2 \
                     ORDER BY d.organization_id, d.receiver, d.next_attempt_at LIMIT 1), 1 UNION ALL SELECT (SELECT d.receiver \
                     FROM deliveries d WHERE d.delivered_at IS NULL AND d.given_up_at IS NULL AND d.organization_id = $1 \
                     AND d.receiver > walk.receiver ORDER BY d.organization_id, d.receiver, d.next_attempt_at LIMIT 1), walk.steps + 1 \
                     FROM walk WHERE walk.receiver IS NOT NULL AND walk.steps < 64) \
                     SELECT $1 AS organization_id, walked.receiver, w.enabled, w.deleted_at, w.failing_since, \
                     CASE WHEN walked.first_at <= $3 THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END AS waiting FROM \
                     (SELECT walk.receiver, (SELECT d.endpoint_id FROM deliveries d WHERE d.delivered_at IS NULL AND d.given_up_at IS NULL \
                     AND d.organization_id = $1 AND d.receiver = walk.receiver AND (d.claimed_until IS NULL OR d.claimed_until <= $3) \
                     ORDER BY d.organization_id, d.receiver, d.next_attempt_at LIMIT 1) AS endpoint_id, (SELECT d.next_attempt_at \
                     FROM deliveries d WHERE d.delivered_at IS NULL AND d.given_up_at IS NULL AND d.organization_id = $1 \
                     AND d.receiver = walk.receiver AND (d.claimed_until IS NULL OR d.claimed_until <= $3) \
                     ORDER BY d.organization_id, d.receiver, d.next_attempt_at LIMIT 1) AS first_at \
                     FROM walk WHERE walk.receiver IS NOT NULL) AS walked LEFT JOIN webhook_endpoints w ON w.id = walked.endpoint_id \
                     ORDER BY walked.receiver");
    conn.all(query.text(organization.as_str()).text(after).int(now.millis())).await?.iter().map(due_receiver).collect()
}
