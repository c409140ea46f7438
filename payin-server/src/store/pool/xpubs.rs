//! The extended public keys that pools are filled from, and who has been told that a pool runs low. MACs are checked by the caller.

use payin_types::{OrganizationId, Protocol, Timestamp, XpubId};

use crate::store::db::{Locked, Row};
use crate::store::statement::locked;
use crate::store::{Fault, Tx, sql};

/// A key, as it is stored.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its id.
    pub id: XpubId,
    /// Whose.
    pub organization_id: OrganizationId,
    /// The family of its addresses.
    pub protocol: Protocol,
    /// The key, canonical.
    pub xpub: String,
    /// What binds it to its organization.
    pub mac: String,
    /// The first index that has not been derived.
    pub next_index: u32,
    /// When its owner put it away: nothing is derived from it then.
    pub archived_at: Option<Timestamp>,
}

fn key(row: Row) -> Result<Key, Fault> {
    let next = row.int("next_index")?;
    Ok(Key {
        id: XpubId::from(row.text("id")?),
        organization_id: OrganizationId::from(row.text("organization_id")?),
        protocol: Protocol::from(row.text("protocol")?.as_str()),
        xpub: row.text("xpub")?,
        mac: row.text("mac")?,
        next_index: u32::try_from(next).map_err(|_| Fault::Corrupt(format!("a key's next index is {next}")))?,
        archived_at: row.opt_time("archived_at")?,
    })
}

/// Keeps a key unless it is there already, whosever it is; locks it. Answers also whether it is new.
///
/// # Errors
/// What the database says.
pub async fn keep(tx: &mut Tx<'_>, new: &Key, now: Timestamp) -> Result<(Locked<Key>, bool), Fault> {
    let insert = sql("INSERT INTO pool_xpubs (id, organization_id, protocol, xpub, mac, next_index, created_at) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (protocol, xpub) DO NOTHING");
    let insert = insert.text(new.id.as_str()).text(new.organization_id.as_str()).text(new.protocol.as_str());
    let insert = insert.text(new.xpub.as_str()).text(new.mac.as_str()).int(i64::from(new.next_index)).int(now.millis());
    let is_new = tx.execute(insert).await? > 0;
    let query = locked!(
        "SELECT id, organization_id, protocol, xpub, mac, next_index, archived_at FROM pool_xpubs \
         WHERE protocol = $1 AND xpub = $2"
    );
    let row = tx.lock(query.text(new.protocol.as_str()).text(new.xpub.as_str())).await?;
    let row = row.ok_or_else(|| Fault::Corrupt("a key that was kept is not there".to_owned()))?;
    Ok((row.read(key)?, is_new))
}

/// The key that an organization's pool of a family is filled from, locked: the newest that is not put away.
///
/// # Errors
/// What the database says.
pub async fn lock_newest(tx: &mut Tx<'_>, organization: &OrganizationId, protocol: &Protocol) -> Result<Option<Locked<Key>>, Fault> {
    let query = locked!(
        "SELECT id, organization_id, protocol, xpub, mac, next_index, archived_at FROM pool_xpubs \
         WHERE organization_id = $1 AND protocol = $2 AND archived_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 1"
    );
    let row = tx.lock(query.text(organization.as_str()).text(protocol.as_str())).await?;
    row.map(|row| row.read(key)).transpose()
}

/// Every key that is not put away, locked, oldest first.
///
/// # Errors
/// What the database says.
pub async fn lock_all(tx: &mut Tx<'_>) -> Result<Vec<Locked<Key>>, Fault> {
    let query = locked!(
        "SELECT id, organization_id, protocol, xpub, mac, next_index, archived_at FROM pool_xpubs WHERE archived_at IS NULL \
         ORDER BY created_at, id"
    );
    tx.lock_all(query).await?.into_iter().map(|row| row.read(key)).collect()
}

/// A key of an organization, locked.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx<'_>, organization: &OrganizationId, id: &str) -> Result<Option<Locked<Key>>, Fault> {
    let query = locked!(
        "SELECT id, organization_id, protocol, xpub, mac, next_index, archived_at FROM pool_xpubs \
         WHERE organization_id = $1 AND id = $2"
    );
    let row = tx.lock(query.text(organization.as_str()).text(id)).await?;
    row.map(|row| row.read(key)).transpose()
}

/// Puts a key away, and those of its addresses that nobody holds. The others follow when they are let go: see [`super::release`].
///
/// # Errors
/// What the database says; [`Fault::Guard`] if it is away already.
pub async fn archive(tx: &mut Tx<'_>, key: &Locked<Key>, now: Timestamp) -> Result<(), Fault> {
    let update = sql("UPDATE pool_xpubs SET archived_at = $2 WHERE id = $1 AND archived_at IS NULL");
    tx.change_one(update.text(key.id.as_str()).int(now.millis())).await?;
    let addresses = sql("UPDATE pool_addresses SET archived_at = $2 WHERE xpub_id = $1 AND held = 0 AND archived_at IS NULL");
    tx.execute(addresses.text(key.id.as_str()).int(now.millis())).await.map(drop)
}

/// Takes a key back that was put away at that time, and the addresses that went with it. Those that were put away by themselves stay away.
///
/// # Errors
/// What the database says; [`Fault::Guard`] if it was not put away then.
pub async fn restore(tx: &mut Tx<'_>, key: &Locked<Key>, archived_at: Timestamp) -> Result<(), Fault> {
    let update = sql("UPDATE pool_xpubs SET archived_at = NULL WHERE id = $1 AND archived_at = $2");
    tx.change_one(update.text(key.id.as_str()).int(archived_at.millis())).await?;
    let addresses = sql("UPDATE pool_addresses SET archived_at = NULL WHERE xpub_id = $1 AND archived_at = $2");
    tx.execute(addresses.text(key.id.as_str()).int(archived_at.millis())).await.map(drop)
}

/// When the key was put away that an address was derived from, if it was. The key is locked, so that no address of it slips through.
///
/// # Errors
/// What the database says.
pub async fn lock_archived_at(tx: &mut Tx<'_>, address_id: i64) -> Result<Option<Timestamp>, Fault> {
    let query = locked!("SELECT archived_at FROM pool_xpubs WHERE id = (SELECT xpub_id FROM pool_addresses WHERE id = $1)");
    let row = tx.lock(query.int(address_id)).await?;
    let archived_at = row.map(|row| row.read(|row| row.opt_time("archived_at"))).transpose()?;
    Ok(archived_at.and_then(|at| *at))
}

/// Remembers how far a key has been derived.
///
/// # Errors
/// What the database says.
pub async fn derived(tx: &mut Tx<'_>, key: &Locked<Key>, next_index: u32) -> Result<(), Fault> {
    let update = sql("UPDATE pool_xpubs SET next_index = $2 WHERE id = $1");
    tx.change_one(update.text(key.id.as_str()).int(i64::from(next_index))).await
}

/// Remembers that an organization is told of its low pool. Answers false if it has been told.
///
/// # Errors
/// What the database says.
pub async fn tell_low(tx: &mut Tx<'_>, organization: &OrganizationId, protocol: &Protocol, now: Timestamp) -> Result<bool, Fault> {
    let insert = sql("INSERT INTO pool_alerts (organization_id, protocol, low_since) VALUES ($1, $2, $3) \
                      ON CONFLICT (organization_id, protocol) DO NOTHING");
    Ok(tx.execute(insert.text(organization.as_str()).text(protocol.as_str()).int(now.millis())).await? == 1)
}

/// The pool is not low any more: the next time is told again.
///
/// # Errors
/// What the database says.
pub async fn rearm_low(tx: &mut Tx<'_>, organization: &OrganizationId, protocol: &Protocol) -> Result<(), Fault> {
    let delete = sql("DELETE FROM pool_alerts WHERE organization_id = $1 AND protocol = $2");
    tx.execute(delete.text(organization.as_str()).text(protocol.as_str())).await.map(drop)
}
