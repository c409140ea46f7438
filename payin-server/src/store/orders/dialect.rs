//! Orders that came through another API: found by that API alone, with what became of the webhook that it judges them by.

use payin_core::dialect::{Heard, Stage};
use payin_types::{EndpointId, EventId, OrganizationId, Timestamp};

use super::{COLUMNS, SHOWN_FROM, Shown, shown};
use crate::store::db::Row;
use crate::store::endpoints::Secrets;
use crate::store::{Conn, Fault, Tx, sql, sql_from, sql_of};

/// An order, and whether its merchant's server has answered.
#[derive(Debug, Clone)]
pub struct Through {
    /// The order, with what it takes to show it.
    pub shown: Shown,
    /// What became of the webhook.
    pub heard: Heard,
    /// Its number among its organization's, where its API numbers them.
    pub number: Option<u64>,
}

const HEAD: &str = "SELECT c.head_number, p.mac AS address_mac, d.delivered_at, d.given_up_at, o.number, ";
/// The event goes to one endpoint, so there is at most one delivery.
const HEARD: &str = " LEFT JOIN deliveries d ON d.event_id = o.awaited_event_id";
/// `payin_core::dialect::Stage`, by its words.
const STAGE: &str = "(CASE WHEN o.reverted_at IS NOT NULL THEN 'seen' \
    WHEN o.completed_at IS NOT NULL AND d.delivered_at IS NOT NULL THEN 'acknowledged' \
    WHEN o.completed_at IS NOT NULL AND d.given_up_at IS NOT NULL THEN 'given_up' WHEN o.completed_at IS NOT NULL THEN 'paid' \
    WHEN o.expired_at IS NOT NULL THEN 'expired' WHEN o.seen_at IS NOT NULL THEN 'seen' ELSE 'open' END)";

fn through(row: &Row) -> Result<Through, Fault> {
    let heard = Heard { acknowledged_at: row.opt_time("delivered_at")?, given_up_at: row.opt_time("given_up_at")? };
    Ok(Through { shown: shown(row)?, heard, number: row.opt_count("number")? })
}

/// An order of an organization that came through an API, by id.
///
/// # Errors
/// What the database says.
pub async fn get(conn: &mut Conn, organization: &OrganizationId, api: &str, id: &str) -> Result<Option<Through>, Fault> {
    let query = sql_of(&[HEAD, COLUMNS, SHOWN_FROM, HEARD, " WHERE o.organization_id = $1 AND o.api = $2 AND o.id = $3"]);
    conn.one(query.text(organization.as_str()).text(api).text(id)).await?.as_ref().map(through).transpose()
}

/// An order that came through an API, by its id alone: for its payer, who has nothing else.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, api: &str, id: &str) -> Result<Option<Through>, Fault> {
    let query = sql_of(&[HEAD, COLUMNS, SHOWN_FROM, HEARD, " WHERE o.api = $1 AND o.id = $2"]);
    conn.one(query.text(api).text(id)).await?.as_ref().map(through).transpose()
}

/// An order of an organization that came through an API, by its number.
///
/// # Errors
/// What the database says.
pub async fn get_by_number(conn: &mut Conn, organization: &OrganizationId, api: &str, number: i64) -> Result<Option<Through>, Fault> {
    let query = sql_of(&[HEAD, COLUMNS, SHOWN_FROM, HEARD, " WHERE o.organization_id = $1 AND o.api = $2 AND o.number = $3"]);
    conn.one(query.text(organization.as_str()).text(api).int(number)).await?.as_ref().map(through).transpose()
}

/// Gives an order its organization's next number.
///
/// # Errors
/// What the database says.
pub async fn give_number(tx: &mut Tx<'_>, organization: &OrganizationId, order: &str) -> Result<u64, Fault> {
    // The row stays locked to the end: a number that is taken back is the next one's.
    let count = sql("UPDATE organizations SET orders_numbered = orders_numbered + 1 WHERE id = $1");
    tx.change_one(count.text(organization.as_str())).await?;
    let query = sql("SELECT orders_numbered FROM organizations WHERE id = $1").text(organization.as_str());
    let row = tx.one(query).await?.ok_or_else(|| Fault::Corrupt(format!("organization {organization} does not exist")))?;
    let update = sql("UPDATE orders SET number = $2 WHERE id = $1 AND number IS NULL");
    tx.change_one(update.text(order).int(row.int("orders_numbered")?)).await?;
    row.count("orders_numbered")
}

/// The order that has a merchant's reference, whichever API it came through.
///
/// # Errors
/// What the database says.
pub async fn by_reference(conn: &mut Conn, organization: &OrganizationId, reference: &str) -> Result<Option<Through>, Fault> {
    let query = sql_of(&[HEAD, COLUMNS, SHOWN_FROM, HEARD, " WHERE o.organization_id = $1 AND o.reference = $2"]);
    conn.one(query.text(organization.as_str()).text(reference)).await?.as_ref().map(through).transpose()
}

/// One page of an organization's orders that came through an API, newest first, and how many there are.
///
/// # Errors
/// What the database says.
pub async fn list(
    conn: &mut Conn,
    organization: &OrganizationId,
    api: &str,
    stage: Option<Stage>,
    (limit, offset): (i64, i64),
) -> Result<(Vec<Through>, u64), Fault> {
    let of = |head: &[&'static str]| {
        let statement = head.iter().fold(sql_from(""), |statement, piece| statement.with(piece)).with(HEARD);
        let statement = statement.with(" WHERE o.organization_id = $ AND o.api = $").text(organization.as_str()).text(api);
        match stage {
            Some(stage) => statement.with(" AND ").with(STAGE).with(" = $").text(stage.word()),
            None => statement,
        }
    };
    let total = conn.one(of(&["SELECT COUNT(*) AS total FROM orders o"])).await?.map_or(Ok(0), |row| row.count("total"))?;
    let page = of(&[HEAD, COLUMNS, SHOWN_FROM]).with(" ORDER BY o.created_at DESC, o.id DESC LIMIT 0 + $ OFFSET $");
    let rows = conn.all(page.int(limit).int(offset)).await?;
    Ok((rows.iter().map(through).collect::<Result<_, _>>()?, total))
}

/// The endpoint that an order brought along.
///
/// # Errors
/// What the database says.
pub async fn endpoint(conn: &mut Conn, order: &str) -> Result<Option<EndpointId>, Fault> {
    let query = sql("SELECT id FROM webhook_endpoints WHERE order_id = $1 AND enabled = 1 AND deleted_at IS NULL");
    conn.one(query.text(order)).await?.map(|row| row.text("id").map(EndpointId::from)).transpose()
}

/// Says by which event's delivery an order is judged from now on.
///
/// # Errors
/// What the database says.
pub async fn await_event(tx: &mut Tx<'_>, order: &str, event: &EventId) -> Result<(), Fault> {
    let update = sql("UPDATE orders SET awaited_event_id = $2 WHERE id = $1 AND api IS NOT NULL");
    tx.change_one(update.text(order).text(event.as_str())).await
}

/// The secrets that an organization's webhooks of other APIs are signed with.
///
/// # Errors
/// What the database says.
pub async fn secrets(conn: &mut Conn, organization: &OrganizationId) -> Result<Option<Secrets>, Fault> {
    let query = sql("SELECT webhook_secret_sealed, previous_webhook_secret_sealed, previous_webhook_secret_expires_at \
                     FROM organizations WHERE id = $1");
    let row = conn.one(query.text(organization.as_str())).await?;
    Secrets::of_organization(&row.ok_or_else(|| Fault::Corrupt(format!("organization {organization} does not exist")))?)
}

/// Gives an organization its secret, unless it has one.
///
/// # Errors
/// What the database says.
pub async fn keep_secret(tx: &mut Tx<'_>, organization: &OrganizationId, sealed: &str) -> Result<(), Fault> {
    let update = sql("UPDATE organizations SET webhook_secret_sealed = $2 WHERE id = $1 AND webhook_secret_sealed IS NULL");
    tx.execute(update.text(organization.as_str()).text(sealed)).await.map(drop)
}

/// Replaces an organization's secret, which must be the one that was read.
///
/// # Errors
/// What the database says.
pub async fn replace_secret(tx: &mut Tx<'_>, organization: &OrganizationId, before: &Secrets, after: &Secrets) -> Result<(), Fault> {
    let (sealed, until) = after.previous.as_ref().map(|(sealed, until)| (sealed.as_str(), until.millis())).unzip();
    tx.change_one(
        sql("UPDATE organizations SET webhook_secret_sealed = $2, previous_webhook_secret_sealed = $3, \
             previous_webhook_secret_expires_at = $4 WHERE id = $1 AND webhook_secret_sealed = $5")
        .text(organization.as_str())
        .text(after.present.as_str())
        .opt_text(sealed)
        .int(until)
        .text(before.present.as_str()),
    )
    .await
}

/// Adds the endpoint that an order brought along. It subscribes to nothing: what it is sent is recorded for it by name, and signed with its
/// organization's secret.
///
/// # Errors
/// What the database says; a unique violation if the order has one.
pub async fn insert_endpoint(
    tx: &mut Tx<'_>,
    organization: &OrganizationId,
    (api, order): (&str, &str),
    (id, url, receiver): (&EndpointId, &str, &str),
    now: Timestamp,
) -> Result<(), Fault> {
    tx.change_one(
        sql("INSERT INTO webhook_endpoints (id, organization_id, url, events, secret_sealed, enabled, created_at, updated_at, api, order_id, \
             receiver) VALUES ($1, $2, $3, '[]', '', 1, $4, $4, $5, $6, $7)")
        .text(id.as_str())
        .text(organization.as_str())
        .text(url)
        .int(now.millis())
        .text(api)
        .text(order)
        .text(receiver),
    )
    .await
}
