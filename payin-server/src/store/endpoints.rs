//! Webhook endpoints. Their secrets are sealed under the master key; this file never sees one open.

pub mod dialect;

use std::collections::BTreeSet;

use payin_types::{DisabledReason, EndpointId, EventType, OrganizationId, Timestamp};

use super::db::{Locked, Row};
use super::statement::locked;
use super::{Conn, Fault, Tx, deliveries, sql, sql_rows};

/// Since when, and why, an endpoint is sent nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disabled {
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: DisabledReason,
}

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
    /// Its secret, sealed; empty where its deliveries are signed with its organization's.
    pub secret_sealed: String,
    /// The secret before, sealed, and until when deliveries are signed with it too.
    pub previous_secret: Option<(String, Timestamp)>,
    /// For people.
    pub description: Option<String>,
    /// Since when, and why, no events are sent; `None` while they are.
    pub disabled: Option<Disabled>,
    /// Since when every attempt at it has failed; `None` while the last one was received.
    pub failing_since: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The API in whose form and by whose schedule it is told; `None`: the native one.
    pub api: Option<String>,
    /// The order that brought it along, whose alone it is.
    pub order_id: Option<String>,
}

/// What deliveries are signed with, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// The present secret.
    pub present: String,
    /// The one before, and until when it is used, too.
    pub previous: Option<(String, Timestamp)>,
}

impl Secrets {
    /// Those of an organization, for webhooks of other APIs, where it has any.
    pub(super) fn of_organization(row: &Row) -> Result<Option<Self>, Fault> {
        let previous = row.opt_text("previous_webhook_secret_sealed")?.zip(row.opt_time("previous_webhook_secret_expires_at")?);
        Ok(row.opt_text("webhook_secret_sealed")?.map(|present| Self { present, previous }))
    }
}

const LIVE: &str = "SELECT id, organization_id, url, events, secret_sealed, previous_secret_sealed, previous_secret_expires_at, \
    description, enabled, disabled_at, disabled_reason, failing_since, created_at, updated_at, api, order_id FROM webhook_endpoints \
    WHERE deleted_at IS NULL AND api IS NULL AND organization_id = $1";

fn disabled(row: &Row) -> Result<Option<Disabled>, Fault> {
    if row.int("enabled")? == 1 {
        return Ok(None);
    }
    // The program before this one disabled endpoints without saying when and why.
    let at = row.opt_time("disabled_at")?.map_or_else(|| row.time("updated_at"), Ok)?;
    let reason = row.opt_text("disabled_reason")?.map_or(DisabledReason::Requested, |word| DisabledReason::from(word.as_str()));
    Ok(Some(Disabled { at, reason }))
}

fn stored(row: &Row) -> Result<Stored, Fault> {
    Ok(Stored {
        id: row.text("id")?.into(),
        organization_id: row.text("organization_id")?.into(),
        url: row.text("url")?,
        events: serde_json::from_str(&row.text("events")?).map_err(|_| Fault::Corrupt("an endpoint's events cannot be read".to_owned()))?,
        secret_sealed: row.text("secret_sealed")?,
        previous_secret: row.opt_text("previous_secret_sealed")?.zip(row.opt_time("previous_secret_expires_at")?),
        description: row.opt_text("description")?,
        disabled: disabled(row)?,
        failing_since: row.opt_time("failing_since")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        api: row.opt_text("api")?,
        order_id: row.opt_text("order_id")?,
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
            "INSERT INTO webhook_endpoints (id, organization_id, url, events, secret_sealed, description, enabled, created_at, updated_at, api, \
             receiver) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $1)",
        )
        .text(endpoint.id.as_str())
        .text(endpoint.organization_id.as_str())
        .text(endpoint.url.as_str())
        .text(events)
        .text(endpoint.secret_sealed.as_str())
        .opt_text(endpoint.description.as_deref())
        .int(i64::from(endpoint.disabled.is_none()))
        .int(endpoint.created_at.millis())
        .int(endpoint.updated_at.millis())
        .opt_text(endpoint.api.as_deref()),
    )
    .await
}

/// How many endpoints an organization has for an API, the native one or another.
///
/// # Errors
/// What the database says.
pub async fn count(tx: &mut Tx<'_>, organization: &OrganizationId, api: Option<&str>) -> Result<u64, Fault> {
    const NATIVE: &str =
        "SELECT COUNT(*) AS total FROM webhook_endpoints WHERE deleted_at IS NULL AND api IS NULL AND organization_id = $1";
    let query = match api {
        None => sql(NATIVE).text(organization.as_str()),
        Some(api) => dialect::total().text(organization.as_str()).text(api),
    };
    tx.one(query).await?.map_or(Ok(0), |row| row.count("total"))
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
         description, enabled, disabled_at, disabled_reason, failing_since, created_at, updated_at, api, order_id FROM webhook_endpoints \
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
             previous_secret_expires_at = $6, description = $7, enabled = $8, updated_at = $9, disabled_at = $10, disabled_reason = $11, \
             failing_since = $12 WHERE id = $1 AND deleted_at IS NULL")
        .text(before.id.as_str())
        .text(after.url.as_str())
        .text(events)
        .text(after.secret_sealed.as_str())
        .opt_text(after.previous_secret.as_ref().map(|(sealed, _)| sealed.as_str()))
        .int(after.previous_secret.as_ref().map(|(_, until)| until.millis()))
        .opt_text(after.description.as_deref())
        .int(i64::from(after.disabled.is_none()))
        .int(after.updated_at.millis())
        .int(after.disabled.as_ref().map(|disabled| disabled.at.millis()))
        .opt_text(after.disabled.as_ref().map(|disabled| disabled.reason.as_str()))
        .int(after.failing_since.map(Timestamp::millis)),
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
    let page = super::sql_of(&[LIVE, " ORDER BY created_at DESC, id DESC LIMIT 0 + $2 OFFSET $3"]);
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
        call_off(tx, organization, &EndpointId::from(id), now).await?;
    }
    Ok(deleted)
}

/// Stops sending to an endpoint. Answers it as it stood, or nothing if it was disabled or deleted before, or if it is to be disabled for its
/// failures and they are not those that began at `failing_since`: it has worked, or leads elsewhere, since.
///
/// # Errors
/// What the database says.
pub async fn disable(
    tx: &mut Tx<'_>,
    id: &EndpointId,
    disabled: &Disabled,
    failing_since: Option<Timestamp>,
) -> Result<Option<Stored>, Fault> {
    let row = tx
        .one(
            sql("UPDATE webhook_endpoints SET enabled = 0, disabled_at = $2, disabled_reason = $3, updated_at = $2 \
                 WHERE id = $1 AND enabled = 1 AND deleted_at IS NULL AND order_id IS NULL AND ($3 <> 'failing' OR failing_since = $4) \
                 RETURNING id, organization_id, url, events, secret_sealed, previous_secret_sealed, previous_secret_expires_at, \
                 description, enabled, disabled_at, disabled_reason, failing_since, created_at, updated_at, api, order_id")
            .text(id.as_str())
            .int(disabled.at.millis())
            .text(disabled.reason.as_str())
            .int(failing_since.map(Timestamp::millis)),
        )
        .await?;
    row.as_ref().map(stored).transpose()
}

/// Calls off what was still to be sent to an endpoint that is sent nothing any more: at once as much as one transaction may, the rest as it
/// falls due. Nothing of it is sent, for only what belongs to an [`open`] endpoint is.
///
/// # Errors
/// What the database says.
pub async fn call_off(tx: &mut Tx<'_>, organization: &OrganizationId, id: &EndpointId, now: Timestamp) -> Result<(), Fault> {
    let receiver = deliveries::Receiver { organization_id: organization.clone(), name: id.as_str().to_owned() };
    deliveries::give_up(tx, &receiver, Timestamp::from_millis(i64::MAX), now).await.map(drop)
}

/// An endpoint that may be sent something.
#[derive(Debug, Clone)]
pub struct Open {
    /// The endpoint.
    pub stored: Stored,
    /// By whose turns it is sent something.
    pub receiver: deliveries::Receiver,
    /// The secrets of its organization, for webhooks of other APIs, where it has any.
    pub shared: Option<Secrets>,
}

/// Those of some endpoints that may be sent something.
///
/// # Errors
/// What the database says.
pub async fn open(conn: &mut Conn, ids: &BTreeSet<&EndpointId>) -> Result<Vec<Open>, Fault> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let query = sql_rows(
        "SELECT e.id, e.organization_id, e.url, e.events, e.secret_sealed, e.previous_secret_sealed, e.previous_secret_expires_at, \
         e.description, e.enabled, e.disabled_at, e.disabled_reason, e.failing_since, e.created_at, e.updated_at, e.api, e.order_id, \
         e.receiver, o.webhook_secret_sealed, o.previous_webhook_secret_sealed, o.previous_webhook_secret_expires_at \
         FROM webhook_endpoints e JOIN organizations o ON o.id = e.organization_id \
         WHERE e.deleted_at IS NULL AND e.enabled = 1 AND e.id IN (",
        "$",
        ids.len(),
        ")",
    );
    let rows = conn.all(ids.iter().fold(query, |query, id| query.text(id.as_str())).filled()).await?;
    let open = |row: &Row| {
        let (receiver, shared) = (deliveries::Receiver::read(row)?, Secrets::of_organization(row)?);
        Ok(Open { stored: stored(row)?, receiver, shared })
    };
    rows.iter().map(open).collect()
}

/// An attempt at an endpoint was received.
///
/// # Errors
/// What the database says.
pub async fn works(tx: &mut Tx<'_>, id: &EndpointId) -> Result<(), Fault> {
    let update = sql("UPDATE webhook_endpoints SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL");
    tx.execute(update.text(id.as_str())).await.map(drop)
}

/// An attempt at an endpoint failed. Which was the first of a row is kept.
///
/// # Errors
/// What the database says.
pub async fn fails(tx: &mut Tx<'_>, id: &EndpointId, since: Timestamp) -> Result<(), Fault> {
    let update = sql("UPDATE webhook_endpoints SET failing_since = $2 WHERE id = $1 AND failing_since IS NULL AND enabled = 1");
    tx.execute(update.text(id.as_str()).int(since.millis())).await.map(drop)
}
