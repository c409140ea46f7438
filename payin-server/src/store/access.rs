//! Organizations and API keys. Of a key only its MAC is here; who may do what is a rule of `payin-core`.

use payin_types::{ApiKeyId, OrganizationId, Role, Timestamp};

use super::db::Row;
use super::statement::locked;
use super::{Conn, Fault, Tx, sql};

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

/// Every organization, oldest first.
///
/// # Errors
/// What the database says.
pub async fn organizations(tx: &mut Tx<'_>) -> Result<Vec<(OrganizationId, String)>, Fault> {
    one_at_a_time(tx).await?;
    let rows = tx.all(sql("SELECT id, name FROM organizations ORDER BY created_at, id")).await?;
    rows.iter().map(|row| Ok((row.text("id")?.into(), row.text("name")?))).collect()
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

/// Adds an organization.
///
/// # Errors
/// What the database says.
pub async fn insert_organization(tx: &mut Tx<'_>, id: &OrganizationId, name: &str, now: Timestamp) -> Result<(), Fault> {
    let statement = sql("INSERT INTO organizations (id, name, created_at) VALUES ($1, $2, $3)");
    tx.change_one(statement.text(id.as_str()).text(name).int(now.millis())).await
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
