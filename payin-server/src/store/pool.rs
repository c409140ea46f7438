//! The address pool and who holds its addresses. Which addresses are valid is a rule of `payin-core`; MACs are checked by the caller.

use std::collections::BTreeSet;

use payin_core::address::Address;
use payin_types::{BindingId, OrderId, OrganizationId, Protocol, Timestamp, XpubId};

use super::db::{Locked, Row};
use super::statement::{claim, locked};
use super::{Conn, Fault, Tx, sql, sql_rows};
pub use list::{Filter, FreeBy, Level, availability, counts, levels, list, one};

mod list;
pub mod wallets;
pub mod xpubs;

/// An address that is free, locked for whoever takes it.
#[derive(Debug, Clone)]
pub struct Free {
    /// Its row.
    pub id: i64,
    /// The address.
    pub address: Address,
    /// What binds it to its organization.
    pub mac: String,
    /// When its previous holder let go of it.
    pub free_since: Timestamp,
}

fn free(row: Row) -> Result<Free, Fault> {
    Ok(Free {
        id: row.int("id")?,
        address: Address::from_canonical(row.text("address")?),
        mac: row.text("mac")?,
        free_since: row.time("free_since")?,
    })
}

const FREE: &str = "SELECT id, address, mac, \
    (SELECT COALESCE(MAX(a.released_at), 0) FROM assignments a WHERE a.address_id = pool_addresses.id) AS free_since \
    FROM pool_addresses WHERE organization_id = $1 AND protocol = $2 AND reuse_class = $3 AND claimable_from <= $4 \
    AND held = 0 AND quarantined_at IS NULL AND archived_at IS NULL ORDER BY claimable_from, id LIMIT 0 + $5";

/// What to do about addresses that other transactions are claiming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contended {
    /// Pass over them.
    PassOver,
    /// Wait: their transactions may yet let go.
    Wait,
}

/// Claims free addresses of a class, those first that became free first.
///
/// # Errors
/// What the database says.
pub async fn claim(
    tx: &mut Tx<'_>,
    organization: &OrganizationId,
    protocol: &Protocol,
    (reuse_class, free_by): (i64, Timestamp),
    most: usize,
    contended: Contended,
) -> Result<Vec<Locked<Free>>, Fault> {
    let statement = match contended {
        Contended::PassOver => claim!(FREE),
        Contended::Wait => locked!(FREE),
    };
    let rows = tx
        .lock_all(
            statement
                .text(organization.as_str())
                .text(protocol.as_str())
                .int(reuse_class)
                .int(free_by.millis())
                .int(i64::try_from(most).unwrap_or(i64::MAX)),
        )
        .await?;
    rows.into_iter().map(|row| row.read(free)).collect()
}

/// Who holds an address.
#[derive(Debug, Clone, Copy)]
pub enum Holder<'a> {
    /// An order.
    Order(&'a OrderId),
    /// A deposit reference on one chain.
    Deposit(&'a BindingId),
}

impl Holder<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Order(_) => "order",
            Self::Deposit(_) => "deposit",
        }
    }

    fn id(&self) -> &str {
        match self {
            Self::Order(id) => id.as_str(),
            Self::Deposit(id) => id.as_str(),
        }
    }

    /// How soon the address is handed out again: see `pool_addresses.reuse_class`.
    fn class_left(&self) -> i64 {
        match self {
            Self::Order(_) => 1,
            Self::Deposit(_) => 2,
        }
    }
}

/// Gives claimed addresses to their holders. Each interval begins where the previous holder's ended.
///
/// # Errors
/// What the database says; a unique violation if somebody holds one.
pub async fn hold(tx: &mut Tx<'_>, held: &[(&Locked<Free>, Holder<'_>)]) -> Result<(), Fault> {
    let mut mark = sql_rows(
        "UPDATE pool_addresses SET held = 1 WHERE held = 0 AND quarantined_at IS NULL AND archived_at IS NULL AND id IN (",
        "$",
        held.len(),
        ")",
    );
    let head = "INSERT INTO assignments (holder_id, holder_kind, address_id, begins_at) VALUES ";
    let mut assign = sql_rows(head, "($, $, $, $)", held.len(), "");
    for (address, holder) in held {
        mark = mark.int(address.id);
        assign = assign.text(holder.id()).text(holder.kind()).int(address.id).int(address.free_since.millis());
    }
    tx.change(mark, held.len()).await?;
    tx.change(assign, held.len()).await
}

/// Ends a hold on an address, which becomes free again after the cooldown, or goes where the key has gone that it was derived from. An
/// interval is never empty, so that the next one begins at a time of its own.
///
/// # Errors
/// What the database says; [`Fault::Guard`] if the holder does not hold it.
pub async fn release(
    tx: &mut Tx<'_>,
    address_id: i64,
    holder: Holder<'_>,
    released_at: Timestamp,
    free_from: Timestamp,
) -> Result<(), Fault> {
    let end = sql("UPDATE assignments SET released_at = CASE WHEN $3 > begins_at THEN $3 ELSE begins_at + 1 END \
                   WHERE holder_id = $1 AND address_id = $2 AND released_at IS NULL");
    tx.change_one(end.text(holder.id()).int(address_id).int(released_at.millis())).await?;
    let archived_at = xpubs::lock_archived_at(tx, address_id).await?;
    let free = sql("UPDATE pool_addresses SET held = 0, reuse_class = $3, claimable_from = $2, archived_at = COALESCE(archived_at, $4) \
                    WHERE id = $1 AND held = 1");
    let free = free.int(address_id).int(free_from.millis()).int(holder.class_left());
    tx.change_one(free.int(archived_at.map(Timestamp::millis))).await
}

/// Keeps an address back for good: money arrived on it that belongs to nobody, and more may come.
///
/// # Errors
/// What the database says.
pub async fn quarantine(tx: &mut Tx<'_>, address_id: i64, now: Timestamp) -> Result<(), Fault> {
    let update = sql("UPDATE pool_addresses SET quarantined_at = $2 WHERE id = $1 AND quarantined_at IS NULL");
    tx.execute(update.int(address_id).int(now.millis())).await.map(drop)
}

/// Keeps an address back that is not kept back yet, whoever's it is: its holder keeps it, and nobody else is given it. Answers whether it
/// was there to keep.
///
/// # Errors
/// What the database says.
pub async fn keep_back(tx: &mut Tx<'_>, protocol: &Protocol, address: &Address, now: Timestamp) -> Result<bool, Fault> {
    let update = sql("UPDATE pool_addresses SET quarantined_at = $3 WHERE protocol = $1 AND address = $2 AND quarantined_at IS NULL");
    Ok(tx.execute(update.text(protocol.as_str()).text(address.as_str()).int(now.millis())).await? == 1)
}

/// An address in its organization's pool, locked: its number. Nothing if it is not there.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx<'_>, organization: &OrganizationId, address: &Address, protocol: &Protocol) -> Result<Option<i64>, Fault> {
    let query = locked!("SELECT id FROM pool_addresses WHERE protocol = $1 AND address = $2 AND organization_id = $3");
    let row = tx.lock(query.text(protocol.as_str()).text(address.as_str()).text(organization.as_str())).await?;
    row.map(|row| row.int("id")).transpose()
}

/// Puts an address away that nobody holds.
///
/// # Errors
/// What the database says; [`Fault::Guard`] if it is held or away already.
pub async fn archive(tx: &mut Tx<'_>, address_id: i64, now: Timestamp) -> Result<(), Fault> {
    let update = sql("UPDATE pool_addresses SET archived_at = $2 WHERE id = $1 AND held = 0 AND archived_at IS NULL");
    tx.change_one(update.int(address_id).int(now.millis())).await
}

/// Puts away every address that nobody holds. Answers how many.
///
/// # Errors
/// What the database says.
pub async fn archive_free(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, Fault> {
    tx.execute(sql("UPDATE pool_addresses SET archived_at = $1 WHERE held = 0 AND archived_at IS NULL").int(now.millis())).await
}

/// Takes an address back that was put away or kept back. One that was kept back rests first, and is no longer as good as never used:
/// somebody has sent money to it.
///
/// # Errors
/// What the database says.
pub async fn restore(tx: &mut Tx<'_>, address_id: i64, rested_from: Timestamp) -> Result<(), Fault> {
    let update = sql("UPDATE pool_addresses SET archived_at = NULL, quarantined_at = NULL, claimable_from = \
                      CASE WHEN quarantined_at IS NOT NULL AND claimable_from < $2 THEN $2 ELSE claimable_from END, reuse_class = \
                      CASE WHEN quarantined_at IS NOT NULL AND reuse_class = 0 THEN 1 ELSE reuse_class END WHERE id = $1");
    tx.change_one(update.int(address_id).int(rested_from.millis())).await
}

/// An address to be imported.
#[derive(Debug, Clone)]
pub struct New {
    /// The address.
    pub address: Address,
    /// What binds it to its organization.
    pub mac: String,
    /// The extended public key it was derived from, if we did.
    pub xpub_id: Option<XpubId>,
    /// Its index in the wallet it comes from.
    pub derivation_index: Option<u32>,
}

/// Rows of one statement of an import: 10 parameters each, far below either engine's limit.
const IMPORT_ROWS: usize = 500;

/// Adds addresses. Answers how many are new; those that the organization has already are passed over.
///
/// # Errors
/// What the database says.
pub async fn import(
    tx: &mut Tx<'_>,
    organization: &OrganizationId,
    protocol: &Protocol,
    mode: &str,
    addresses: &[New],
    now: Timestamp,
) -> Result<u64, Fault> {
    let wanted = i64::try_from(addresses.len()).unwrap_or(i64::MAX);
    let first = tx
        .lock(locked!("SELECT value FROM counters WHERE name = 'pool_addresses'"))
        .await?
        .ok_or_else(|| Fault::Corrupt("no counter pool_addresses".to_owned()))?
        .int("value")?;
    let count = sql("UPDATE counters SET value = $1 WHERE name = 'pool_addresses' AND value = $2");
    tx.change_one(count.int(first.saturating_add(wanted)).int(first)).await?;
    let mut imported = 0u64;
    let mut ids = first.saturating_add(1)..;
    for chunk in addresses.chunks(IMPORT_ROWS) {
        let head = "INSERT INTO pool_addresses \
                    (id, organization_id, protocol, address, mode, mac, reuse_class, claimable_from, held, created_at, xpub_id, \
                    derivation_index) VALUES ";
        let mut insert = sql_rows(head, "($, $, $, $, $, $, 0, $, 0, $, $, $)", chunk.len(), " ON CONFLICT (protocol, address) DO NOTHING");
        for (address, id) in chunk.iter().zip(&mut ids) {
            insert = insert.int(id).text(organization.as_str()).text(protocol.as_str()).text(address.address.as_str());
            insert = insert.text(mode).text(address.mac.as_str()).int(now.millis()).int(now.millis());
            insert = insert.opt_text(address.xpub_id.as_ref().map(XpubId::as_str)).int(address.derivation_index.map(i64::from));
        }
        imported = imported.saturating_add(tx.execute(insert).await?);
    }
    Ok(imported)
}

/// Which of some addresses another organization has in its pool.
///
/// # Errors
/// What the database says.
pub async fn foreign(
    tx: &mut Tx<'_>,
    organization: &OrganizationId,
    protocol: &Protocol,
    addresses: &[&Address],
) -> Result<BTreeSet<Address>, Fault> {
    let mut foreign = BTreeSet::new();
    for chunk in addresses.chunks(IMPORT_ROWS) {
        let mut query = sql_rows(
            "SELECT address FROM pool_addresses WHERE address IN (",
            "$",
            chunk.len(),
            ") AND protocol = $ AND organization_id <> $",
        );
        for address in chunk {
            query = query.text(address.as_str());
        }
        for row in tx.all(query.text(protocol.as_str()).text(organization.as_str())).await? {
            foreign.insert(Address::from_canonical(row.text("address")?));
        }
    }
    Ok(foreign)
}

/// Addresses of a family with a number above `after`, in order: what a watcher has not heard of.
///
/// # Errors
/// What the database says.
pub async fn addresses_after(conn: &mut Conn, protocol: &Protocol, after: i64, limit: i64) -> Result<Vec<(i64, Address)>, Fault> {
    let query = sql("SELECT id, address FROM pool_addresses WHERE protocol = $1 AND id > $2 ORDER BY id LIMIT 0 + $3");
    let rows = conn.all(query.text(protocol.as_str()).int(after).int(limit)).await?;
    rows.iter().map(|row| Ok((row.int("id")?, Address::from_canonical(row.text("address")?)))).collect()
}

/// Whether an address is in an organization's pool.
///
/// # Errors
/// What the database says.
pub async fn is_of(conn: &mut Conn, organization: &OrganizationId, protocol: &Protocol, address: &Address) -> Result<bool, Fault> {
    let query = sql("SELECT id FROM pool_addresses WHERE protocol = $1 AND address = $2 AND organization_id = $3");
    Ok(conn.one(query.text(protocol.as_str()).text(address.as_str()).text(organization.as_str())).await?.is_some())
}

/// Since when an address has been in a pool, by our clock; `None`: it is nobody's.
///
/// # Errors
/// What the database says.
pub async fn known_since(conn: &mut Conn, protocol: &Protocol, address: &Address) -> Result<Option<Timestamp>, Fault> {
    let query = sql("SELECT created_at FROM pool_addresses WHERE protocol = $1 AND address = $2");
    conn.one(query.text(protocol.as_str()).text(address.as_str())).await?.map(|row| row.time("created_at")).transpose()
}
