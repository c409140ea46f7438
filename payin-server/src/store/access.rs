//! Organizations and API keys. Of a key only its MAC is here; who may do what is a rule of `payin-core`.

use payin_types::{ApiKeyId, OrganizationId, Role, Timestamp};

use super::db::{Locked, Row};
use super::statement::locked;
use super::{Conn, Fault, Tx, sql, sql_of};

/// A key, and the organization it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The organization's name.
    pub organization_name: String,
    /// What it may do.
    pub role: Role,
    /// Its first characters.
    pub prefix: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when it is no longer taken.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

fn key(row: &Row) -> Result<Key, Fault> {
    Ok(Key {
        id: row.text("id")?.into(),
        organization_id: row.text("organization_id")?.into(),
        organization_name: row.text("organization_name")?,
        role: Role::from(row.text("role")?.as_str()),
        prefix: row.text("prefix")?,
        created_at: row.time("created_at")?,
        expires_at: row.opt_time("expires_at")?,
        revoked_at: row.opt_time("revoked_at")?,
    })
}

/// The key whose secret has this MAC.
///
/// # Errors
/// What the database says.
pub async fn key_by_mac(conn: &mut Conn, mac: &str) -> Result<Option<Key>, Fault> {
    let row = conn
        .one(
            sql("SELECT k.id, k.organization_id, o.name AS organization_name, k.role, k.prefix, k.created_at, k.expires_at, k.revoked_at \
                 FROM api_keys k JOIN organizations o ON o.id = k.organization_id WHERE k.secret_mac = $1")
            .text(mac),
        )
        .await?;
    row.as_ref().map(key).transpose()
}

/// The key with this id.
///
/// # Errors
/// What the database says.
pub async fn key_by_id(conn: &mut Conn, id: &ApiKeyId) -> Result<Option<Key>, Fault> {
    let row = conn
        .one(
            sql("SELECT k.id, k.organization_id, o.name AS organization_name, k.role, k.prefix, k.created_at, k.expires_at, k.revoked_at \
                 FROM api_keys k JOIN organizations o ON o.id = k.organization_id WHERE k.id = $1")
            .text(id.as_str()),
        )
        .await?;
    row.as_ref().map(key).transpose()
}

/// Lets one at a time do what is bounded for an organization as a whole.
///
/// # Errors
/// What the database says.
pub async fn lock_organization(tx: &mut Tx<'_>, organization: &OrganizationId) -> Result<(), Fault> {
    tx.lock(locked!("SELECT id FROM organizations WHERE id = $1").text(organization.as_str())).await.map(drop)
}

/// Lets one server at a time found things: of two that find a database empty, the second finds what the first one made.
async fn one_at_a_time(tx: &mut Tx<'_>) -> Result<(), Fault> {
    tx.lock(locked!("SELECT value FROM counters WHERE name = 'master_keys'")).await.map(drop)
}

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// What it is called; others may be called so, too.
    pub name: String,
    /// What whoever runs the server calls it, whatever it is called in an API; `None`: somebody made it through an API.
    pub operator_name: Option<String>,
}

/// Every organization, oldest first.
///
/// # Errors
/// What the database says.
pub async fn organizations(tx: &mut Tx<'_>) -> Result<Vec<Organization>, Fault> {
    one_at_a_time(tx).await?;
    let rows = tx.all(sql("SELECT id, name, operator_name FROM organizations ORDER BY created_at, id")).await?;
    let one =
        |row: &Row| Ok(Organization { id: row.text("id")?.into(), name: row.text("name")?, operator_name: row.opt_text("operator_name")? });
    rows.iter().map(one).collect()
}

/// The MACs by which master keys of this database are recognised.
///
/// # Errors
/// What the database says.
pub async fn master_key_macs(tx: &mut Tx<'_>) -> Result<Vec<String>, Fault> {
    one_at_a_time(tx).await?;
    tx.all(sql("SELECT mac FROM master_keys")).await?.iter().map(|row| row.text("mac")).collect()
}

/// Notes a master key's MAC.
///
/// # Errors
/// What the database says.
pub async fn insert_master_key_mac(tx: &mut Tx<'_>, mac: &str) -> Result<(), Fault> {
    tx.execute(sql("INSERT INTO master_keys (mac) VALUES ($1) ON CONFLICT (mac) DO NOTHING").text(mac)).await.map(drop)
}

/// The environment of the servers that may work on this database, once one has.
///
/// # Errors
/// What the database says.
pub async fn environment(tx: &mut Tx<'_>) -> Result<Option<String>, Fault> {
    tx.one(sql("SELECT environment FROM deployment")).await?.map(|row| row.text("environment")).transpose()
}

/// Notes it.
///
/// # Errors
/// What the database says; a unique violation if it is known.
pub async fn insert_environment(tx: &mut Tx<'_>, environment: &str) -> Result<(), Fault> {
    tx.change_one(sql("INSERT INTO deployment (one, environment) VALUES (1, $1)").text(environment)).await
}

/// Adds an organization, which whoever runs the server calls by a name; `None`: somebody makes it through an API.
///
/// # Errors
/// What the database says.
pub async fn insert_organization(
    tx: &mut Tx<'_>,
    id: &OrganizationId,
    name: &str,
    operator_name: Option<&str>,
    now: Timestamp,
) -> Result<(), Fault> {
    let statement = sql("INSERT INTO organizations (id, name, created_at, operator_name) VALUES ($1, $2, $3, $4)");
    tx.change_one(statement.text(id.as_str()).text(name).int(now.millis()).opt_text(operator_name)).await
}

/// Adds a key.
///
/// # Errors
/// What the database says; a unique violation if the secret is in use.
pub async fn insert_key(tx: &mut Tx<'_>, key: &Key, name: &str, mac: &str) -> Result<(), Fault> {
    tx.change_one(
        sql("INSERT INTO api_keys (id, organization_id, role, name, prefix, secret_mac, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .text(key.id.as_str())
        .text(key.organization_id.as_str())
        .text(key.role.as_str())
        .text(name)
        .text(key.prefix.as_str())
        .text(mac)
        .int(key.created_at.millis())
        .int(key.expires_at.map(Timestamp::millis)),
    )
    .await
}

/// A key as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The key.
    pub key: Key,
    /// For people.
    pub name: String,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

const LISTED: &str = "SELECT k.id, k.organization_id, o.name AS organization_name, k.role, k.prefix, k.created_at, k.expires_at, \
    k.revoked_at, k.name, k.last_used_at FROM api_keys k JOIN organizations o ON o.id = k.organization_id WHERE k.revoked_at IS NULL";

fn listed(row: &Row) -> Result<Listed, Fault> {
    Ok(Listed { key: key(row)?, name: row.text("name")?, last_used_at: row.opt_time("last_used_at")? })
}

/// One page of an organization's keys that are not revoked, newest first, and how many there are.
///
/// # Errors
/// What the database says.
pub async fn keys(conn: &mut Conn, organization: &OrganizationId, limit: i64, offset: i64) -> Result<(Vec<Listed>, u64), Fault> {
    let total = sql("SELECT COUNT(*) AS total FROM api_keys WHERE revoked_at IS NULL AND organization_id = $1");
    let total = conn.one(total.text(organization.as_str())).await?.map_or(Ok(0), |row| row.count("total"))?;
    let page = sql_of(&[LISTED, " AND k.organization_id = $1 ORDER BY k.created_at DESC, k.id DESC LIMIT 0 + $2 OFFSET $3"]);
    let rows = conn.all(page.text(organization.as_str()).int(limit).int(offset)).await?;
    Ok((rows.iter().map(listed).collect::<Result<_, _>>()?, total))
}

/// Every key of every organization that is not revoked, for the server's operator.
///
/// # Errors
/// What the database says.
pub async fn all_keys(conn: &mut Conn) -> Result<Vec<Listed>, Fault> {
    let all = sql_of(&[LISTED, " ORDER BY o.created_at, o.id, k.created_at, k.id"]);
    conn.all(all).await?.iter().map(listed).collect()
}

/// A key that is not revoked, to be changed: whose it is and what it may do.
///
/// # Errors
/// What the database says.
pub async fn lock_key(tx: &mut Tx<'_>, id: &str) -> Result<Option<Locked<(OrganizationId, Role)>>, Fault> {
    let query = locked!("SELECT organization_id, role FROM api_keys WHERE id = $1 AND revoked_at IS NULL");
    let row = tx.lock(query.text(id)).await?;
    row.map(|row| row.read(|row| Ok((row.text("organization_id")?.into(), Role::from(row.text("role")?.as_str()))))).transpose()
}

/// Revokes a key.
///
/// # Errors
/// What the database says.
pub async fn revoke(tx: &mut Tx<'_>, _locked: &Locked<(OrganizationId, Role)>, id: &str, now: Timestamp) -> Result<(), Fault> {
    tx.change_one(sql("UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL").text(id).int(now.millis())).await
}

/// Notes when a key was last used, unless a later use is known.
///
/// # Errors
/// What the database says.
pub async fn used(tx: &mut Tx<'_>, id: &ApiKeyId, at: Timestamp) -> Result<(), Fault> {
    let update = sql("UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)");
    tx.execute(update.text(id.as_str()).int(at.millis())).await.map(drop)
}

/// What an organization is called.
///
/// # Errors
/// What the database says.
pub async fn organization_name(conn: &mut Conn, id: &OrganizationId) -> Result<Option<String>, Fault> {
    let row = conn.one(sql("SELECT name FROM organizations WHERE id = $1").text(id.as_str())).await?;
    row.map(|row| row.text("name")).transpose()
}

/// When an organization was made.
///
/// # Errors
/// What the database says.
pub async fn organization_created_at(conn: &mut Conn, id: &OrganizationId) -> Result<Option<Timestamp>, Fault> {
    let row = conn.one(sql("SELECT created_at FROM organizations WHERE id = $1").text(id.as_str())).await?;
    row.map(|row| row.time("created_at")).transpose()
}
