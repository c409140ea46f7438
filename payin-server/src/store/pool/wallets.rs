//! What a pool was filled with by hand: addresses, and accounts' keys; not what was derived from these. MACs are checked by the caller.

use payin_core::address::Address;
use payin_types::{ChainId, OrganizationId, Protocol, Timestamp};

use crate::store::db::Row;
use crate::store::{Conn, Fault, Tx, sql, sql_of};

/// What was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// An address.
    Address(Address),
    /// An account's extended public key, canonical.
    Xpub(String),
}

/// An address or a key, as it is stored.
#[derive(Debug, Clone)]
pub struct Stored {
    /// What to name it by: a key's id, or the address itself.
    pub id: String,
    /// What it is.
    pub added: Added,
    /// What binds it to its organization.
    pub mac: String,
    /// The chain it was added for, where one was said.
    pub chain_id: Option<ChainId>,
    /// Whether it is handed out no more.
    pub is_away: bool,
    /// When it was added.
    pub created_at: Timestamp,
}

const ADDED: &str = "SELECT w.kind, w.id, w.mac, w.added, w.chain_id, w.away, w.created_at FROM (\
    SELECT 'address' AS kind, address AS id, mac, address AS added, chain_id, created_at, \
        CAST(CASE WHEN archived_at IS NOT NULL OR quarantined_at IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS away \
        FROM pool_addresses WHERE organization_id = $1 AND protocol = $2 AND xpub_id IS NULL \
    UNION ALL SELECT 'xpub' AS kind, id, mac, xpub AS added, chain_id, created_at, \
        CAST(CASE WHEN archived_at IS NOT NULL THEN 1 ELSE 0 END AS BIGINT) AS away \
        FROM pool_xpubs WHERE organization_id = $1 AND protocol = $2) AS w";

fn stored(row: &Row) -> Result<Stored, Fault> {
    let added = row.text("added")?;
    let added = if row.text("kind")? == "xpub" { Added::Xpub(added) } else { Added::Address(Address::from_canonical(added)) };
    Ok(Stored {
        id: row.text("id")?,
        added,
        mac: row.text("mac")?,
        chain_id: row.opt_text("chain_id")?.map(ChainId::from),
        is_away: row.int("away")? == 1,
        created_at: row.time("created_at")?,
    })
}

/// One page of them, newest first, and how many there are.
///
/// # Errors
/// What the database says.
pub async fn list(
    conn: &mut Conn,
    organization: &OrganizationId,
    protocol: &Protocol,
    (limit, offset): (i64, i64),
) -> Result<(Vec<Stored>, u64), Fault> {
    let total = sql("SELECT (SELECT COUNT(*) FROM pool_addresses WHERE organization_id = $1 AND protocol = $2 AND xpub_id IS NULL) + \
         (SELECT COUNT(*) FROM pool_xpubs WHERE organization_id = $1 AND protocol = $2) AS total");
    let total = conn.one(total.text(organization.as_str()).text(protocol.as_str())).await?.map_or(Ok(0), |row| row.count("total"))?;
    let page = sql_of(&[ADDED, " ORDER BY w.created_at DESC, w.id DESC LIMIT 0 + $3 OFFSET $4"]);
    let rows = conn.all(page.text(organization.as_str()).text(protocol.as_str()).int(limit).int(offset)).await?;
    Ok((rows.iter().map(stored).collect::<Result<_, _>>()?, total))
}

/// One of them, by what it is named by or by what it is.
///
/// # Errors
/// What the database says.
pub async fn get(conn: &mut Conn, organization: &OrganizationId, protocol: &Protocol, name: &str) -> Result<Option<Stored>, Fault> {
    let query = sql_of(&[ADDED, " WHERE w.id = $3 OR w.added = $3"]);
    let row = conn.one(query.text(organization.as_str()).text(protocol.as_str()).text(name)).await?;
    row.as_ref().map(stored).transpose()
}

/// Says for which chain it was added.
///
/// # Errors
/// What the database says.
pub async fn name_chain(
    tx: &mut Tx<'_>,
    organization: &OrganizationId,
    protocol: &Protocol,
    added: &Added,
    chain: &ChainId,
) -> Result<(), Fault> {
    let (update, what) = match added {
        Added::Address(address) => {
            (sql("UPDATE pool_addresses SET chain_id = $4 WHERE organization_id = $1 AND protocol = $2 AND address = $3"), address.as_str())
        }
        Added::Xpub(xpub) => {
            (sql("UPDATE pool_xpubs SET chain_id = $4 WHERE organization_id = $1 AND protocol = $2 AND xpub = $3"), xpub.as_str())
        }
    };
    tx.change_one(update.text(organization.as_str()).text(protocol.as_str()).text(what).text(chain.as_str())).await
}
