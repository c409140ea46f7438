//! Merchants: organizations as the people see them who run them. Who that is, is said by memberships; what a role may do is the caller's rule.

use std::collections::HashMap;

use payin_core::calendar::{DAY_MS, Day};
use payin_core::merchant::{Counts, Merchant, Takings};
use payin_types::{ApiKeyId, OrganizationId, Role, Timestamp, UserId};

use super::access::Key;
use super::db::Row;
use super::statement::Sql;
use super::{Conn, Fault, Tx, sql, sql_from, sql_rows};

/// The organizations that somebody runs: those where they have one of these roles.
#[derive(Debug, Clone)]
pub struct Reach {
    /// Who.
    pub user_id: UserId,
    /// Which roles run an organization.
    pub roles: Vec<Role>,
}

impl Reach {
    /// Goes on with a statement that has just named an organization: it is one of these.
    pub(super) fn within(&self, statement: Sql) -> Sql {
        let statement = statement.with(" IN (SELECT organization_id FROM memberships WHERE user_id = $").text(self.user_id.as_str());
        let piece = |number: usize| if number == 0 { " AND role IN ($" } else { ", $" };
        let roles = self.roles.iter().enumerate();
        roles.fold(statement, |statement, (number, role)| statement.with(piece(number)).text(role.as_str())).with("))")
    }
}

/// Through which API orders are counted, and in which currency.
#[derive(Debug, Clone, Copy)]
pub struct Of<'a> {
    /// The API, as the configuration calls it.
    pub api: &'a str,
    /// The currency.
    pub currency: &'a str,
}

/// What a key is like, apart from its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Like {
    /// What it may do.
    pub role: Role,
    /// What it is called.
    pub name: String,
    /// Until when it is taken; `None`: for good.
    pub expires_at: Option<Timestamp>,
}

/// The keys of an organization that are taken.
const KEYS: &str = " FROM api_keys k WHERE k.organization_id = o.id AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $";
/// Of those the one that was made for it as a merchant.
const OWN: &str = " FROM api_keys k WHERE k.id = o.merchant_key_id AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $";
const RECEIVED: [&str; 3] = ["received_whole", "received_nano", "received_atto"];
/// Sums of BIGINT are another type on PostgreSQL. Limbs of nine digits, so that no sum of as many orders as there can be is too large.
const SUMS: &str = " COUNT(*) AS orders, CAST(COALESCE(SUM(o.received_whole), 0) AS BIGINT) AS received_whole, \
    CAST(COALESCE(SUM(o.received_nano), 0) AS BIGINT) AS received_nano, \
    CAST(COALESCE(SUM(o.received_atto), 0) AS BIGINT) AS received_atto FROM orders o WHERE o.completed_at IS NOT NULL AND o.api = $";

/// Something of a merchant's key: of the one that was made for it or, where that is taken no more, of the oldest; one that ends is nobody's
/// main one while there is another. (SQLite sorts by nothing that stands outside of the sorted rows.)
fn of_key(statement: Sql, something: &'static str, now: Timestamp) -> Sql {
    let own = statement.with("COALESCE((SELECT ").with(something).with(OWN).int(now.millis());
    let oldest = own.with(")), (SELECT ").with(something).with(KEYS).int(now.millis());
    oldest.with(") ORDER BY k.expires_at IS NOT NULL, k.created_at, k.id LIMIT 1))")
}

/// Merchants without their takings.
fn merchants(now: Timestamp) -> Sql {
    let head = sql_from("SELECT o.id, o.name, o.merchant_webhook_url, o.created_at, ");
    of_key(head, "k.prefix", now).with(" AS key_prefix FROM organizations o WHERE o.id")
}

fn merchant(row: &Row) -> Result<Merchant, Fault> {
    Ok(Merchant {
        id: row.text("id")?.into(),
        name: row.text("name")?,
        key_prefix: row.opt_text("key_prefix")?,
        webhook_url: row.opt_text("merchant_webhook_url")?,
        created_at: row.time("created_at")?,
        takings: Takings::default(),
    })
}

fn takings(row: &Row) -> Result<Takings, Fault> {
    Ok(Takings { orders: row.count("orders")?, received: row.money(RECEIVED)? })
}

/// A merchant by its organization, whoever runs it; its takings are not counted.
///
/// # Errors
/// What the database says.
pub async fn get(conn: &mut Conn, organization: &OrganizationId, now: Timestamp) -> Result<Option<Merchant>, Fault> {
    let query = merchants(now).with(" = $").text(organization.as_str());
    conn.one(query).await?.as_ref().map(merchant).transpose()
}

/// One page of the merchants within a reach, newest first; their takings are not counted.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, reach: &Reach, now: Timestamp, (limit, offset): (i64, i64)) -> Result<Vec<Merchant>, Fault> {
    let page =
        reach.within(merchants(now)).with(" ORDER BY o.created_at DESC, o.id DESC LIMIT 0 + $").int(limit).with(" OFFSET $").int(offset);
    conn.all(page).await?.iter().map(merchant).collect()
}

/// How many merchants there are within a reach, and how many of them have a key that is taken.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn, reach: &Reach, now: Timestamp) -> Result<(u64, u64), Fault> {
    let query = sql_from("SELECT COUNT(*) AS total, COUNT(CASE WHEN EXISTS (SELECT 1").with(KEYS).int(now.millis());
    let query = reach.within(query.with(")) THEN 1 END) AS active FROM organizations o WHERE o.id"));
    let row = conn.one(query).await?;
    row.map_or(Ok((0, 0)), |row| Ok((row.count("total")?, row.count("active")?)))
}

/// What the orders of some merchants come to: all that there are, and what the paid ones received. Merchants without orders are left out.
///
/// # Errors
/// What the database says.
pub async fn takings_of(conn: &mut Conn, organizations: &[OrganizationId], of: Of<'_>) -> Result<HashMap<OrganizationId, Takings>, Fault> {
    if organizations.is_empty() {
        return Ok(HashMap::new());
    }
    let query = sql_rows(
        "SELECT organization_id, COUNT(*) AS orders, \
         CAST(SUM(CASE WHEN completed_at IS NULL THEN 0 ELSE received_whole END) AS BIGINT) AS received_whole, \
         CAST(SUM(CASE WHEN completed_at IS NULL THEN 0 ELSE received_nano END) AS BIGINT) AS received_nano, \
         CAST(SUM(CASE WHEN completed_at IS NULL THEN 0 ELSE received_atto END) AS BIGINT) AS received_atto \
         FROM orders WHERE organization_id IN (",
        "$",
        organizations.len(),
        ") AND api = $ AND currency = $ GROUP BY organization_id",
    );
    let query = organizations.iter().fold(query, |query, id| query.text(id.as_str())).text(of.api).text(of.currency);
    conn.all(query).await?.iter().map(|row| Ok((row.text("organization_id")?.into(), takings(row)?))).collect()
}

/// How many orders stand where within a reach: paid and expired ones since a time.
///
/// # Errors
/// What the database says.
pub async fn counts(conn: &mut Conn, reach: &Reach, of: Of<'_>, since: Timestamp) -> Result<Counts, Fault> {
    let query = sql_from(
        "SELECT COUNT(*) AS orders, COUNT(CASE WHEN o.completed_at IS NULL AND o.expired_at IS NULL AND o.seen_at IS NULL \
                          THEN 1 END) AS open, COUNT(CASE WHEN o.completed_at >= $",
    );
    let query = query.int(since.millis()).with(" THEN 1 END) AS paid, COUNT(CASE WHEN o.expired_at >= $").int(since.millis());
    let query = query.with(" THEN 1 END) AS expired FROM orders o WHERE o.api = $").text(of.api).with(" AND o.currency = $");
    let row = conn.one(reach.within(query.text(of.currency).with(" AND o.organization_id"))).await?;
    let counts = |row: Row| {
        Ok(Counts { orders: row.count("orders")?, open: row.count("open")?, paid: row.count("paid")?, expired: row.count("expired")? })
    };
    row.map_or(Ok(Counts::default()), counts)
}

/// What the orders that were paid since a time come to, within a reach.
///
/// # Errors
/// What the database says.
pub async fn paid_since(conn: &mut Conn, reach: &Reach, of: Of<'_>, since: Timestamp) -> Result<Takings, Fault> {
    let query = sql_from("SELECT").with(SUMS).text(of.api).with(" AND o.currency = $").text(of.currency);
    let query = query.with(" AND o.completed_at >= $").int(since.millis()).with(" AND o.organization_id");
    conn.one(reach.within(query)).await?.as_ref().map_or(Ok(Takings::default()), takings)
}

/// The same by days of UTC, those without paid orders left out.
///
/// # Errors
/// What the database says.
pub async fn paid_by_day(conn: &mut Conn, reach: &Reach, of: Of<'_>, since: Timestamp) -> Result<Vec<(Day, Takings)>, Fault> {
    // Times are positive, so the division of both engines rounds down.
    const { assert!(DAY_MS == 86_400_000, "as the statement says") };
    let query = sql_from("SELECT o.completed_at / 86400000 AS day,").with(SUMS).text(of.api).with(" AND o.currency = $");
    let query = query.text(of.currency).with(" AND o.completed_at >= $").int(since.millis()).with(" AND o.organization_id");
    let rows = conn.all(reach.within(query).with(" GROUP BY o.completed_at / 86400000")).await?;
    rows.iter().map(|row| Ok((Day(row.int("day")?), takings(row)?))).collect()
}

/// Whether somebody belongs to another organization of this name than one.
///
/// # Errors
/// What the database says.
pub async fn has_named(conn: &mut Conn, user: &UserId, name: &str, other_than: &OrganizationId) -> Result<bool, Fault> {
    let query = sql("SELECT o.id FROM organizations o JOIN memberships m ON m.organization_id = o.id \
                     WHERE m.user_id = $1 AND o.name = $2 AND o.id <> $3 LIMIT 1");
    Ok(conn.one(query.text(user.as_str()).text(name).text(other_than.as_str())).await?.is_some())
}

/// What a merchant is called, and where its orders are told of that bring no URL along.
///
/// # Errors
/// What the database says.
pub async fn update(tx: &mut Tx<'_>, id: &OrganizationId, name: &str, webhook_url: Option<&str>) -> Result<(), Fault> {
    let update = sql("UPDATE organizations SET name = $2, merchant_webhook_url = $3 WHERE id = $1");
    tx.change_one(update.text(id.as_str()).text(name).opt_text(webhook_url)).await
}

/// Where a merchant's orders are told of that bring no URL along.
///
/// # Errors
/// What the database says.
pub async fn webhook_url(conn: &mut Conn, id: &OrganizationId) -> Result<Option<String>, Fault> {
    let row = conn.one(sql("SELECT merchant_webhook_url FROM organizations WHERE id = $1").text(id.as_str())).await?;
    Ok(row.map(|row| row.opt_text("merchant_webhook_url")).transpose()?.flatten())
}

/// A merchant's key, and what it is like.
///
/// # Errors
/// What the database says.
pub async fn key(tx: &mut Tx<'_>, id: &OrganizationId, now: Timestamp) -> Result<Option<(ApiKeyId, Like)>, Fault> {
    let query = sql_from("SELECT its.id, its.role, its.name, its.expires_at FROM organizations o JOIN api_keys its ON its.id = ");
    let row = tx.one(of_key(query, "k.id", now).with(" WHERE o.id = $").text(id.as_str())).await?;
    let like = |row: &Row| {
        Ok::<_, Fault>(Like { role: row.text("role")?.as_str().into(), name: row.text("name")?, expires_at: row.opt_time("expires_at")? })
    };
    row.map(|row| Ok((row.text("id")?.into(), like(&row)?))).transpose()
}

/// Says which key is a merchant's.
///
/// # Errors
/// What the database says.
pub async fn set_key(tx: &mut Tx<'_>, key: &Key) -> Result<(), Fault> {
    let update = sql("UPDATE organizations SET merchant_key_id = $2 WHERE id = $1");
    tx.change_one(update.text(key.organization_id.as_str()).text(key.id.as_str())).await
}

/// An organization's keys that are not revoked.
///
/// # Errors
/// What the database says.
pub async fn keys(tx: &mut Tx<'_>, id: &OrganizationId) -> Result<Vec<ApiKeyId>, Fault> {
    let query = sql("SELECT id FROM api_keys WHERE organization_id = $1 AND revoked_at IS NULL ORDER BY id");
    tx.all(query.text(id.as_str())).await?.iter().map(|row| row.text("id").map(ApiKeyId::from)).collect()
}
