//! Deposit references and their bindings to addresses. What they have received is in the transfers; who holds an address is in
//! `pool.rs`. No rule lives here.

use std::collections::BTreeMap;

use payin_core::Units;
use payin_core::address::Address;
use payin_types::{BindingId, ChainId, Currency, OrganizationId, Protocol, Timestamp};
use serde_json::{Map, Value};

use super::db::{Locked, Row};
use super::statement::{Sql, locked};
use super::text::{contains, folded};
use super::{Conn, Fault, Tx, sql, sql_from};

/// A reference on one chain, and its address there.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// Its id.
    pub id: BindingId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The merchant's id of the payer.
    pub reference: String,
    /// What the payer is expected to send.
    pub currency: Currency,
    /// The chain it was bound on.
    pub chain_id: ChainId,
    /// That chain's family.
    pub protocol: Protocol,
    /// The row of its address.
    pub address_id: i64,
    /// Its address.
    pub address: Address,
    /// When it was bound.
    pub created_at: Timestamp,
}

fn binding(row: &Row) -> Result<Binding, Fault> {
    Ok(Binding {
        id: row.text("id")?.into(),
        organization_id: row.text("organization_id")?.into(),
        reference: row.text("reference")?,
        currency: row.text("currency")?.into(),
        chain_id: row.text("chain_id")?.into(),
        protocol: Protocol::from(row.text("protocol")?.as_str()),
        address_id: row.int("address_id")?,
        address: Address::from_canonical(row.text("address")?),
        created_at: row.time("created_at")?,
    })
}

fn metadata(row: &Row) -> Result<Map<String, Value>, Fault> {
    serde_json::from_str(&row.text("metadata")?).map_err(|_| Fault::Corrupt("a deposit reference's metadata cannot be read".to_owned()))
}

/// What is known of a reference before another address is bound to it, or one let go.
#[derive(Debug, Clone)]
pub struct Reference {
    /// How many addresses it has.
    pub bound: u64,
    /// The merchant's own data.
    pub metadata: Map<String, Value>,
}

fn reference(row: Row) -> Result<Reference, Fault> {
    Ok(Reference { bound: row.count("bound")?, metadata: metadata(&row)? })
}

/// Makes sure that there is a row for a reference, to be locked. Waits for a transaction that makes it at this moment.
///
/// # Errors
/// What the database says.
pub async fn ensure(tx: &mut Tx<'_>, organization: &OrganizationId, reference: &str, now: Timestamp) -> Result<(), Fault> {
    let insert = sql("INSERT INTO deposit_references (organization_id, reference, reference_folded, metadata, bound, created_at) \
                      VALUES ($1, $2, $3, '{}', 0, $4) ON CONFLICT (organization_id, reference) DO NOTHING");
    tx.execute(insert.text(organization.as_str()).text(reference).text(folded(reference)).int(now.millis())).await.map(drop)
}

/// Loads a reference in order to change it.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx<'_>, organization: &OrganizationId, reference_text: &str) -> Result<Option<Locked<Reference>>, Fault> {
    let query = locked!("SELECT bound, metadata FROM deposit_references WHERE organization_id = $1 AND reference = $2");
    let row = tx.lock(query.text(organization.as_str()).text(reference_text)).await?;
    row.map(|row| row.read(reference)).transpose()
}

/// Writes how many addresses a reference has, and its data.
///
/// # Errors
/// What the database says; [`Fault::Guard`] if it has changed since it was read.
pub async fn put(
    tx: &mut Tx<'_>,
    organization: &OrganizationId,
    reference: &str,
    before: &Locked<Reference>,
    after: &Reference,
) -> Result<(), Fault> {
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let metadata = serde_json::to_string(&after.metadata).map_err(|error| Fault::Corrupt(error.to_string()))?;
    let update =
        sql("UPDATE deposit_references SET bound = $3, metadata = $4 WHERE organization_id = $1 AND reference = $2 AND bound = $5");
    let update = update.text(organization.as_str()).text(reference).int(count(after.bound)).text(metadata).int(count(before.bound));
    tx.change_one(update).await
}

/// Adds a binding. Only with the reference locked.
///
/// # Errors
/// What the database says; a unique violation if the reference is bound on that chain.
pub async fn insert(tx: &mut Tx<'_>, binding: &Binding) -> Result<(), Fault> {
    tx.change_one(
        sql(
            "INSERT INTO deposit_bindings (id, organization_id, reference, currency, chain_id, protocol, address_id, address, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .text(binding.id.as_str())
        .text(binding.organization_id.as_str())
        .text(binding.reference.as_str())
        .text(binding.currency.as_str())
        .text(binding.chain_id.as_str())
        .text(binding.protocol.as_str())
        .int(binding.address_id)
        .text(binding.address.as_str())
        .int(binding.created_at.millis()),
    )
    .await
}

/// Ends a binding.
///
/// # Errors
/// What the database says; [`Fault::Guard`] if it has ended.
pub async fn end(tx: &mut Tx<'_>, binding: &BindingId, now: Timestamp) -> Result<(), Fault> {
    let update = sql("UPDATE deposit_bindings SET unbound_at = $2 WHERE id = $1 AND unbound_at IS NULL");
    tx.change_one(update.text(binding.as_str()).int(now.millis())).await
}

const LIVE: &str = "SELECT b.id, b.organization_id, b.reference, b.currency, b.chain_id, b.protocol, b.address_id, b.address, b.created_at, \
    p.mac FROM deposit_bindings b JOIN pool_addresses p ON p.id = b.address_id \
    WHERE b.unbound_at IS NULL";

/// A binding that stands, with what binds its address to its organization.
///
/// # Errors
/// What the database says.
pub async fn by_id(conn: &mut Conn, id: &str) -> Result<Option<(Binding, String)>, Fault> {
    let row = conn.one(sql_from(LIVE).with(" AND b.id = $").text(id)).await?;
    row.map(|row| Ok((binding(&row)?, row.text("mac")?))).transpose()
}

/// The bindings of a reference at present, oldest first, each with what binds its address to its organization.
///
/// # Errors
/// What the database says.
pub async fn bindings(
    conn: &mut Conn,
    organization: &OrganizationId,
    reference: &str,
    chain: Option<&ChainId>,
) -> Result<Vec<(Binding, String)>, Fault> {
    let query = sql_from(LIVE).with(" AND b.organization_id = $").text(organization.as_str());
    let query = query.with(" AND b.reference = $").text(reference).filter(" AND b.chain_id = $", chain.map(ChainId::as_str));
    let rows = conn.all(query.with(" ORDER BY b.created_at, b.id")).await?;
    rows.iter().map(|row| Ok((binding(row)?, row.text("mac")?))).collect()
}

/// A reference's own data.
///
/// # Errors
/// What the database says.
pub async fn metadata_of(conn: &mut Conn, organization: &OrganizationId, reference: &str) -> Result<Option<Map<String, Value>>, Fault> {
    let query = sql("SELECT metadata FROM deposit_references WHERE organization_id = $1 AND reference = $2");
    conn.one(query.text(organization.as_str()).text(reference)).await?.as_ref().map(metadata).transpose()
}

/// What a reference has received: its deposits that are confirmed and not taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// How many.
    pub count: u64,
    /// What they come to.
    pub sums: BTreeMap<Currency, Units>,
    /// When the latest of them was seen.
    pub last_seen_at: Option<Timestamp>,
}

/// What some references of an organization have received.
///
/// # Errors
/// What the database says.
pub async fn received(conn: &mut Conn, organization: &OrganizationId, references: &[&str]) -> Result<BTreeMap<String, Received>, Fault> {
    let mut all: BTreeMap<String, Received> = BTreeMap::new();
    let Some((first, others)) = references.split_first() else { return Ok(all) };
    let query = sql_from(
        "SELECT deposit_reference, currency, COUNT(*) AS total, MAX(seen_at) AS last_seen_at, CAST(SUM(amount_whole) AS BIGINT) AS whole, \
         CAST(SUM(amount_nano) AS BIGINT) AS nano, CAST(SUM(amount_atto) AS BIGINT) AS atto FROM transfers \
         WHERE deposit_id IS NOT NULL AND confirmed_at IS NOT NULL AND orphaned_at IS NULL AND organization_id = $ \
         AND deposit_reference IN ($",
    );
    let query = query.text(organization.as_str()).text(*first);
    let query = others.iter().fold(query, |query: Sql, reference| query.with(", $").text(*reference));
    for row in conn.all(query.with(") GROUP BY deposit_reference, currency")).await? {
        let received = all.entry(row.text("deposit_reference")?).or_default();
        received.count = received.count.saturating_add(row.count("total")?);
        received.last_seen_at = received.last_seen_at.max(row.opt_time("last_seen_at")?);
        received.sums.insert(row.text("currency")?.into(), row.money(["whole", "nano", "atto"])?);
    }
    Ok(all)
}

/// A reference within a list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The merchant's id.
    pub reference: String,
    /// How many addresses it has.
    pub bound: u64,
}

/// One page of the references that have an address, newest first, and how many there are.
///
/// # Errors
/// What the database says.
pub async fn list(
    conn: &mut Conn,
    organization: &OrganizationId,
    search: Option<&str>,
    limit: i64,
    offset: i64,
) -> Result<(Vec<Listed>, u64), Fault> {
    let filtered = |head: &'static str| {
        let query = sql_from(head).with(" FROM deposit_references WHERE bound > 0 AND organization_id = $").text(organization.as_str());
        query.filter(" AND reference_folded LIKE $ ESCAPE '\\'", search.map(contains))
    };
    let total = conn.one(filtered("SELECT COUNT(*) AS total")).await?.map_or(Ok(0), |row| row.count("total"))?;
    let page = filtered("SELECT reference, bound").with(" ORDER BY created_at DESC, reference DESC LIMIT 0 + $").int(limit);
    let rows = conn.all(page.with(" OFFSET $").int(offset)).await?;
    let listed = rows.iter().map(|row| Ok(Listed { reference: row.text("reference")?, bound: row.count("bound")? }));
    Ok((listed.collect::<Result<_, Fault>>()?, total))
}

/// The families that some references of an organization are bound on, in alphabetical order.
///
/// # Errors
/// What the database says.
pub async fn families(
    conn: &mut Conn,
    organization: &OrganizationId,
    references: &[&str],
) -> Result<BTreeMap<String, Vec<Protocol>>, Fault> {
    let mut all: BTreeMap<String, Vec<Protocol>> = BTreeMap::new();
    let Some((first, others)) = references.split_first() else { return Ok(all) };
    let query = sql_from(
        "SELECT DISTINCT reference, protocol FROM deposit_bindings WHERE unbound_at IS NULL AND organization_id = $ \
                          AND reference IN ($",
    );
    let query = query.text(organization.as_str()).text(*first);
    let query = others.iter().fold(query, |query: Sql, reference| query.with(", $").text(*reference));
    for row in conn.all(query.with(") ORDER BY reference, protocol")).await? {
        all.entry(row.text("reference")?).or_default().push(Protocol::from(row.text("protocol")?.as_str()));
    }
    Ok(all)
}
