//! Webhook endpoints of other APIs, found by that API alone. Those that an order brought along are that order's, and in no list.

use payin_types::{EndpointId, EventType, OrganizationId};

use super::{Stored, stored};
use crate::store::db::Locked;
use crate::store::statement::{Sql, locked};
use crate::store::{Conn, Fault, Tx, sql, sql_of};

const LISTED: &str = "SELECT id, organization_id, url, events, secret_sealed, previous_secret_sealed, previous_secret_expires_at, \
    description, enabled, disabled_at, disabled_reason, failing_since, created_at, updated_at, api, order_id FROM webhook_endpoints \
    WHERE deleted_at IS NULL AND order_id IS NULL AND api IS NOT NULL AND organization_id = $1 AND api = $2";

/// How many endpoints an organization (`$1`) has of an API (`$2`), as `total`.
pub(super) fn total() -> Sql {
    sql("SELECT COUNT(*) AS total FROM webhook_endpoints WHERE deleted_at IS NULL AND order_id IS NULL AND api IS NOT NULL \
         AND organization_id = $1 AND api = $2")
}

/// One page of an organization's endpoints of an API, newest first, and how many there are.
///
/// # Errors
/// What the database says.
pub async fn list(
    conn: &mut Conn,
    organization: &OrganizationId,
    api: &str,
    (limit, offset): (i64, i64),
) -> Result<(Vec<Stored>, u64), Fault> {
    let total = conn.one(total().text(organization.as_str()).text(api)).await?.map_or(Ok(0), |row| row.count("total"))?;
    let page = sql_of(&[LISTED, " ORDER BY created_at DESC, id DESC LIMIT 0 + $3 OFFSET $4"]);
    let rows = conn.all(page.text(organization.as_str()).text(api).int(limit).int(offset)).await?;
    Ok((rows.iter().map(stored).collect::<Result<_, _>>()?, total))
}

/// One endpoint of an API, in order to change it.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx<'_>, organization: &OrganizationId, api: &str, id: &str) -> Result<Option<Locked<Stored>>, Fault> {
    let query = locked!(
        "SELECT id, organization_id, url, events, secret_sealed, previous_secret_sealed, previous_secret_expires_at, \
         description, enabled, disabled_at, disabled_reason, failing_since, created_at, updated_at, api, order_id FROM webhook_endpoints \
         WHERE deleted_at IS NULL AND order_id IS NULL AND organization_id = $1 AND api = $2 AND id = $3"
    );
    let row = tx.lock(query.text(organization.as_str()).text(api).text(id)).await?;
    row.map(|row| row.read(|row| stored(&row))).transpose()
}

/// An organization's endpoints of an API that are sent an event.
///
/// # Errors
/// What the database says.
pub async fn subscribers(tx: &mut Tx<'_>, organization: &OrganizationId, api: &str, event: &EventType) -> Result<Vec<EndpointId>, Fault> {
    let query = sql_of(&[LISTED, " AND enabled = 1 ORDER BY created_at, id"]);
    let rows = tx.all(query.text(organization.as_str()).text(api)).await?;
    let all = rows.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
    Ok(all.into_iter().filter(|endpoint| endpoint.events.contains(event)).map(|endpoint| endpoint.id).collect())
}
