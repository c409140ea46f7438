//! Webhook endpoints. Their secrets are sealed under the master key; this file never sees one open.

pub mod door;

use payin_types::{EndpointId, EventType, OrganizationId, Timestamp};

use super::db::{Locked, Row};
use super::statement::locked;
use super::{Conn, Fault, Tx, sql};

/// An endpoint as it stands in the database.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its id.
    pub id: EndpointId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Where events are posted.
    pub url: String,
    /// Which events.
    pub events: Vec<EventType>,
    /// Its secret, sealed.
    pub secret_sealed: String,
    /// The secret before, sealed, and until when deliveries are signed with it too.
    pub previous_secret: Option<(String, Timestamp)>,
    /// For people.
    pub description: Option<String>,
    /// Whether events are sent.
    pub enabled: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

const LIVE: &str = "SELECT id, organization_id, url, events, secret_sealed, previous_secret_sealed, previous_secret_expires_at, \
    description, enabled, created_at, updated_at FROM webhook_endpoints WHERE deleted_at IS NULL AND api IS NULL AND organization_id = $1";

fn stored(row: &Row) -> Result<Stored, Fault> {
    Ok(Stored {
        id: row.text("id")?.into(),
        organization_id: row.text("organization_id")?.into(),
        url: row.text("url")?,
        events: serde_json::from_str(&row.text("events")?).map_err(|_| Fault::Corrupt("an endpoint's events cannot be read".to_owned()))?,
        secret_sealed: row.text("secret_sealed")?,
        previous_secret: row.opt_text("previous_secret_sealed")?.zip(row.opt_time("previous_secret_expires_at")?),
        description: row.opt_text("description")?,
        enabled: row.int("enabled")? == 1,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// Adds an endpoint.
///
/// # Errors
/// What the database says.
pub async fn insert(tx: &mut Tx<'_>, endpoint: &Stored) -> Result<(), Fault> {
    let events = serde_json::to_string(&endpoint.events).map_err(|error| Fault::Corrupt(error.to_string()))?;
    tx.change_one(
        sql(
            "INSERT INTO webhook_endpoints (id, organization_id, url, events, secret_sealed, description, enabled, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .text(endpoint.id.as_str())
        .text(endpoint.organization_id.as_str())
        .text(endpoint.url.as_str())
        .text(events)
        .text(endpoint.secret_sealed.as_str())
        .opt_text(endpoint.description.as_deref())
        .int(i64::from(endpoint.enabled))
        .int(endpoint.created_at.millis())
        .int(endpoint.updated_at.millis()),
    )
    .await
}

/// One endpoint.
///
/// # Errors
/// What the database says.
pub async fn get(conn: &mut Conn, organization: &OrganizationId, id: &str) -> Result<Option<Stored>, Fault> {
    let query = super::sql_of(&[LIVE, " AND id = $2"]);
    conn.one(query.text(organization.as_str()).text(id)).await?.as_ref().map(stored).transpose()
}

/// One endpoint, in order to change it or to send it something before it is changed.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx<'_>, organization: &OrganizationId, id: &str) -> Result<Option<Locked<Stored>>, Fault> {
    let query = locked!(
        "SELECT id, organization_id, url, events, secret_sealed, previous_secret_sealed, previous_secret_expires_at, \
         description, enabled, created_at, updated_at FROM webhook_endpoints \
         WHERE deleted_at IS NULL AND api IS NULL AND organization_id = $1 AND id = $2"
    );
    let row = tx.lock(query.text(organization.as_str()).text(id)).await?;
    row.map(|row| row.read(|row| stored(&row))).transpose()
}

/// Changes an endpoint to what is given: all but its id, its organization, and when it was created.
///
/// # Errors
/// What the database says.
pub async fn update(tx: &mut Tx<'_>, before: &Locked<Stored>, after: &Stored) -> Result<(), Fault> {
    let events = serde_json::to_string(&after.events).map_err(|error| Fault::Corrupt(error.to_string()))?;
    tx.change_one(
        sql("UPDATE webhook_endpoints SET url = $2, events = $3, secret_sealed = $4, previous_secret_sealed = $5, \
             previous_secret_expires_at = $6, description = $7, enabled = $8, updated_at = $9 WHERE id = $1 AND deleted_at IS NULL")
        .text(before.id.as_str())
        .text(after.url.as_str())
        .text(events)
        .text(after.secret_sealed.as_str())
        .opt_text(after.previous_secret.as_ref().map(|(sealed, _)| sealed.as_str()))
        .int(after.previous_secret.as_ref().map(|(_, until)| until.millis()))
        .opt_text(after.description.as_deref())
        .int(i64::from(after.enabled))
        .int(after.updated_at.millis()),
    )
    .await
}

/// An organization's endpoints that receive events.
///
/// # Errors
/// What the database says.
pub async fn subscribers(tx: &mut Tx<'_>, organization: &OrganizationId) -> Result<Vec<Stored>, Fault> {
    let query = super::sql_of(&[LIVE, " AND enabled = 1 ORDER BY created_at, id"]);
    tx.all(query.text(organization.as_str())).await?.iter().map(stored).collect()
}

/// One page of an organization's endpoints, newest first, and how many there are.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, organization: &OrganizationId, limit: i64, offset: i64) -> Result<(Vec<Stored>, u64), Fault> {
    let total = sql("SELECT COUNT(*) AS total FROM webhook_endpoints WHERE deleted_at IS NULL AND api IS NULL AND organization_id = $1");
    let total = conn.one(total.text(organization.as_str())).await?.map_or(Ok(0), |row| row.count("total"))?;
    let page = super::sql_of(&[LIVE, " ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3"]);
    let rows = conn.all(page.text(organization.as_str()).int(limit).int(offset)).await?;
    Ok((rows.iter().map(stored).collect::<Result<_, _>>()?, total))
}

/// Deletes an endpoint and calls off what was still to be sent to it. Answers false if there is none.
///
/// # Errors
/// What the database says.
pub async fn delete(tx: &mut Tx<'_>, organization: &OrganizationId, id: &str, now: Timestamp) -> Result<bool, Fault> {
    let update = sql("UPDATE webhook_endpoints SET deleted_at = $3, updated_at = $3 \
             WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL AND api IS NULL");
    let deleted = tx.execute(update.text(organization.as_str()).text(id).int(now.millis())).await? == 1;
    if deleted {
        let call_off =
            sql("UPDATE deliveries SET next_attempt_at = NULL, given_up_at = $2 WHERE endpoint_id = $1 AND next_attempt_at IS NOT NULL");
        tx.execute(call_off.text(id).int(now.millis())).await?;
    }
    Ok(deleted)
}

/// Stops sending to an endpoint that answered 410, and calls off what was still to be sent.
///
/// # Errors
/// What the database says.
pub async fn disable(tx: &mut Tx<'_>, id: &str, now: Timestamp) -> Result<(), Fault> {
    let update = sql("UPDATE webhook_endpoints SET enabled = 0, updated_at = $2 WHERE id = $1 AND enabled = 1");
    tx.execute(update.text(id).int(now.millis())).await?;
    let call_off =
        sql("UPDATE deliveries SET next_attempt_at = NULL, given_up_at = $2 WHERE endpoint_id = $1 AND next_attempt_at IS NOT NULL");
    tx.execute(call_off.text(id).int(now.millis())).await.map(drop)
}
