//! Payment links and what their orders hold of them. What a link may be, and when it is paid, is said in `payin_core::link`.

use std::collections::BTreeMap;

use payin_core::link::{Link, Offer};
use payin_types::link::{LinkOrder, LinkOrderStatus, LinkStatus};
use payin_types::{Amount, Currency, OrderId, OrganizationId, PaymentLinkId, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Map;

use super::db::{Locked, Row};
use super::statement::{Sql, locked};
use super::text::{contains, folded};
use super::{Conn, Fault, Tx, sql, sql_of};

const COLUMNS: &str = "SELECT id, organization_id, title, description, amount, amount_type, currencies, inventory_total, inventory_reserved, \
    inventory_sold, expires_at, metadata, cta_text, theme, success_url, cancel_url, slug, published_at, first_published_at, archived_at, \
    deleted_at, created_at, updated_at";

fn read<T: DeserializeOwned>(row: &Row, column: &str) -> Result<T, Fault> {
    serde_json::from_str(&row.text(column)?).map_err(|_| Fault::Corrupt(format!("a payment link's {column} cannot be read")))
}

fn written(value: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| Fault::Corrupt(error.to_string()))
}

fn link(row: &Row) -> Result<Link, Fault> {
    let amount = row.text("amount")?.parse().map_err(|_| Fault::Corrupt("a payment link's amount cannot be read".to_owned()))?;
    Ok(Link {
        id: row.text("id")?.into(),
        organization_id: row.text("organization_id")?.into(),
        offer: Offer {
            title: row.text("title")?,
            description: row.opt_text("description")?,
            amount,
            amount_type: row.text("amount_type")?.as_str().into(),
            currencies: read(row, "currencies")?,
            inventory_total: row.opt_int("inventory_total")?.and_then(|total| u64::try_from(total).ok()),
            expires_at: row.opt_time("expires_at")?,
            metadata: read(row, "metadata")?,
            cta_text: row.opt_text("cta_text")?,
            theme: row.text("theme")?.as_str().into(),
            success_url: row.opt_text("success_url")?,
            cancel_url: row.opt_text("cancel_url")?,
        },
        reserved: row.count("inventory_reserved")?,
        sold: row.count("inventory_sold")?,
        slug: row.opt_text("slug")?,
        published_at: row.opt_time("published_at")?,
        first_published_at: row.opt_time("first_published_at")?,
        archived_at: row.opt_time("archived_at")?,
        deleted_at: row.opt_time("deleted_at")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// What an owner can change, in the order of [`insert`] and [`update`].
fn bind(statement: Sql, link: &Link) -> Result<Sql, Fault> {
    let (offer, time) = (&link.offer, |time: Option<Timestamp>| time.map(Timestamp::millis));
    let searched = format!("{}\n{}", offer.title, offer.description.as_deref().unwrap_or_default());
    Ok(statement
        .text(link.id.as_str())
        .text(offer.title.as_str())
        .opt_text(offer.description.as_deref())
        .text(folded(&searched))
        .text(offer.amount.to_string())
        .text(offer.amount_type.as_str())
        .text(written(&offer.currencies)?)
        .int(offer.inventory_total.map(number))
        .int(time(offer.expires_at))
        .text(written(&offer.metadata)?)
        .opt_text(offer.cta_text.as_deref())
        .text(offer.theme.as_str())
        .opt_text(offer.success_url.as_deref())
        .opt_text(offer.cancel_url.as_deref())
        .opt_text(link.slug.as_deref())
        .int(time(link.published_at))
        .int(time(link.first_published_at))
        .int(time(link.archived_at))
        .int(time(link.deleted_at))
        .int(link.updated_at.millis()))
}

/// Adds a link.
///
/// # Errors
/// What the database says.
pub async fn insert(tx: &mut Tx<'_>, link: &Link) -> Result<(), Fault> {
    let insert = sql(
        "INSERT INTO payment_links (id, title, description, text_folded, amount, amount_type, currencies, inventory_total, expires_at, metadata, \
         cta_text, theme, success_url, cancel_url, slug, published_at, first_published_at, archived_at, deleted_at, updated_at, organization_id, \
         created_at, inventory_reserved, inventory_sold) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
         $19, $20, $21, $22, 0, 0)",
    );
    tx.change_one(bind(insert, link)?.text(link.organization_id.as_str()).int(link.created_at.millis())).await
}

/// Writes what its owner has changed of a link. The row is locked.
///
/// # Errors
/// What the database says; a unique violation if another link has its slug.
pub async fn update(tx: &mut Tx<'_>, before: &Locked<Link>, after: &Link) -> Result<(), Fault> {
    let update = sql(
        "UPDATE payment_links SET title = $2, description = $3, text_folded = $4, amount = $5, amount_type = $6, currencies = $7, \
         inventory_total = $8, expires_at = $9, metadata = $10, cta_text = $11, theme = $12, success_url = $13, cancel_url = $14, slug = $15, \
         published_at = $16, first_published_at = $17, archived_at = $18, deleted_at = $19, updated_at = $20 \
         WHERE id = $1 AND deleted_at IS NULL AND updated_at = $21",
    );
    tx.change_one(bind(update, after)?.int(before.updated_at.millis())).await
}

/// A link of an organization.
///
/// # Errors
/// What the database says.
pub async fn get(conn: &mut Conn, organization: &OrganizationId, id: &str) -> Result<Option<Link>, Fault> {
    let query = sql_of(&[COLUMNS, " FROM payment_links WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL"]);
    conn.one(query.text(organization.as_str()).text(id)).await?.as_ref().map(link).transpose()
}

/// The link at the end of a URL, whosever it is.
///
/// # Errors
/// What the database says.
pub async fn by_slug(conn: &mut Conn, slug: &str) -> Result<Option<Link>, Fault> {
    let query = sql_of(&[COLUMNS, " FROM payment_links WHERE slug = $1 AND deleted_at IS NULL"]);
    conn.one(query.text(slug)).await?.as_ref().map(link).transpose()
}

/// Loads a link in order to change it.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx<'_>, organization: &OrganizationId, id: &str) -> Result<Option<Locked<Link>>, Fault> {
    let row = tx
        .lock(
            locked!(
                "SELECT id, organization_id, title, description, amount, amount_type, currencies, inventory_total, inventory_reserved, \
                 inventory_sold, expires_at, metadata, cta_text, theme, success_url, cancel_url, slug, published_at, first_published_at, \
                 archived_at, deleted_at, created_at, updated_at FROM payment_links \
                 WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL"
            )
            .text(organization.as_str())
            .text(id),
        )
        .await?;
    row.map(|row| row.read(|row| link(&row))).transpose()
}

/// Which links a list shows.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Whose.
    pub organization_id: OrganizationId,
    /// Only those that stand here.
    pub status: Option<LinkStatus>,
    /// Only those put away, or only those that are not.
    pub archived: Option<bool>,
    /// Only those whose title or description contains this, whatever its case.
    pub search: Option<String>,
}

impl Filter {
    fn conditions(&self) -> [&'static str; 4] {
        [
            " FROM payment_links WHERE organization_id = $1 AND deleted_at IS NULL",
            match &self.status {
                None => "",
                Some(LinkStatus::Published) => " AND published_at IS NOT NULL",
                Some(_) => " AND published_at IS NULL",
            },
            match self.archived {
                None => "",
                Some(true) => " AND archived_at IS NOT NULL",
                Some(false) => " AND archived_at IS NULL",
            },
            if self.search.is_some() { " AND text_folded LIKE $2 ESCAPE '\\'" } else { " AND $2 IS NULL" },
        ]
    }

    fn bind(&self, statement: Sql) -> Sql {
        statement.text(self.organization_id.as_str()).opt_text(self.search.as_deref().map(contains))
    }
}

/// One page of links, last changed first, and how many there are.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, filter: &Filter, limit: i64, offset: i64) -> Result<(Vec<Link>, u64), Fault> {
    let [from, status, archived, search] = filter.conditions();
    let total = sql_of(&["SELECT COUNT(*) AS total", from, status, archived, search]);
    let total = conn.one(filter.bind(total)).await?.map_or(Ok(0), |row| row.count("total"))?;
    let page = sql_of(&[COLUMNS, from, status, archived, search, " ORDER BY updated_at DESC, id DESC LIMIT 0 + $3 OFFSET $4"]);
    let rows = conn.all(filter.bind(page).int(limit).int(offset)).await?;
    Ok((rows.iter().map(link).collect::<Result<_, _>>()?, total))
}

/// An order made through a link.
#[derive(Debug)]
pub struct Opened<'a> {
    /// The order.
    pub order_id: &'a OrderId,
    /// The payer's address, where given.
    pub buyer_email: Option<&'a str>,
    /// Who made it, to count by.
    pub client_mac: &'a str,
    /// When.
    pub now: Timestamp,
}

/// Takes one of a link's inventory for an order.
///
/// # Errors
/// What the database says; [`Fault::Guard`] if nothing is left.
pub async fn reserve(tx: &mut Tx<'_>, link: &Locked<Link>, opened: &Opened<'_>) -> Result<(), Fault> {
    let take = sql("UPDATE payment_links SET inventory_reserved = inventory_reserved + 1 WHERE id = $1 AND deleted_at IS NULL \
         AND (inventory_total IS NULL OR inventory_reserved + inventory_sold < inventory_total)");
    tx.change_one(take.text(link.id.as_str())).await?;
    let insert = sql("INSERT INTO payment_link_orders (order_id, link_id, organization_id, buyer_email, client_mac, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)");
    let insert = insert.text(opened.order_id.as_str()).text(link.id.as_str()).text(link.organization_id.as_str());
    tx.change_one(insert.opt_text(opened.buyer_email).text(opened.client_mac).int(opened.now.millis())).await
}

/// How many orders of a link are open: of one client, and of all.
///
/// # Errors
/// What the database says.
pub async fn open_orders(tx: &mut Tx<'_>, link: &PaymentLinkId, client_mac: &str) -> Result<(u64, u64), Fault> {
    let query = sql("SELECT COUNT(*) AS of_link, COUNT(*) FILTER (WHERE client_mac = $2) AS of_client FROM payment_link_orders \
         WHERE link_id = $1 AND sold_at IS NULL AND released_at IS NULL");
    let row = tx.one(query.text(link.as_str()).text(client_mac)).await?;
    row.map_or(Ok((0, 0)), |row| Ok((row.count("of_client")?, row.count("of_link")?)))
}

/// How an order of a link ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was paid: what it held is sold.
    Sold,
    /// It was not: what it held is free again.
    Released,
}

/// Sells or gives back what an order held of its link. Answers the payer's address, where given.
///
/// # Errors
/// What the database says; [`Fault::Guard`] if that has been done before.
pub async fn end(tx: &mut Tx<'_>, link: &PaymentLinkId, order: &OrderId, how: End, now: Timestamp) -> Result<Option<String>, Fault> {
    let (ended, counted) = match how {
        End::Sold => (
            sql("UPDATE payment_link_orders SET sold_at = $2 WHERE order_id = $1 AND sold_at IS NULL AND released_at IS NULL"),
            sql("UPDATE payment_links SET inventory_reserved = inventory_reserved - 1, inventory_sold = inventory_sold + 1 \
                 WHERE id = $1 AND inventory_reserved > 0"),
        ),
        End::Released => (
            sql("UPDATE payment_link_orders SET released_at = $2 WHERE order_id = $1 AND sold_at IS NULL AND released_at IS NULL"),
            sql("UPDATE payment_links SET inventory_reserved = inventory_reserved - 1 WHERE id = $1 AND inventory_reserved > 0"),
        ),
    };
    tx.change_one(ended.text(order.as_str()).int(now.millis())).await?;
    tx.change_one(counted.text(link.as_str())).await?;
    let email = sql("SELECT buyer_email FROM payment_link_orders WHERE order_id = $1");
    tx.one(email.text(order.as_str())).await?.map_or(Ok(None), |row| row.opt_text("buyer_email"))
}

/// Through what an order came that a payer opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sold {
    /// What was sold.
    pub title: String,
    /// Whether the link is still there.
    pub is_there: bool,
    /// The payer's address, where given.
    pub buyer_email: Option<String>,
}

/// What was sold by an order of an organization; `None` if it came through no link.
///
/// # Errors
/// What the database says.
pub async fn sold(conn: &mut Conn, organization: &OrganizationId, order: &OrderId) -> Result<Option<Sold>, Fault> {
    let of_order = sql("SELECT s.buyer_email, l.title, l.deleted_at FROM payment_link_orders s JOIN payment_links l ON l.id = s.link_id \
                        WHERE s.organization_id = $1 AND s.order_id = $2");
    let Some(row) = conn.one(of_order.text(organization.as_str()).text(order.as_str())).await? else { return Ok(None) };
    let (title, is_there) = (row.text("title")?, row.opt_int("deleted_at")?.is_none());
    Ok(Some(Sold { title, is_there, buyer_email: row.opt_text("buyer_email")? }))
}

const ORDERS: &str = " FROM payment_link_orders l JOIN orders o ON o.id = l.order_id WHERE l.link_id = $1";

fn standing(status: Option<&LinkOrderStatus>) -> &'static str {
    match status {
        None => "",
        Some(LinkOrderStatus::Completed) => " AND l.sold_at IS NOT NULL",
        Some(LinkOrderStatus::Expired) => " AND l.released_at IS NOT NULL",
        Some(_) => " AND l.sold_at IS NULL AND l.released_at IS NULL",
    }
}

/// An order of a link, and whether its chain took back what had paid it.
fn link_order(row: &Row) -> Result<(LinkOrder, bool), Fault> {
    let amount: Amount = row.text("amount")?.parse().map_err(|_| Fault::Corrupt("an order's amount cannot be read".to_owned()))?;
    let status = match (row.opt_int("sold_at")?, row.opt_int("released_at")?) {
        (Some(_), _) => LinkOrderStatus::Completed,
        (None, Some(_)) => LinkOrderStatus::Expired,
        (None, None) => LinkOrderStatus::Pending,
    };
    let order = LinkOrder {
        order_id: row.text("order_id")?.into(),
        order_reference: row.text("reference")?,
        buyer_email: row.opt_text("buyer_email")?,
        status,
        chain_id: row.text("chain_id")?.into(),
        currency: row.text("currency")?.into(),
        amount,
        created_at: row.time("created_at")?,
        completed_at: row.opt_time("completed_at")?,
        extra: Map::new(),
    };
    Ok((order, row.opt_time("reverted_at")?.is_some()))
}

/// One page of a link's orders, newest first, each with whether it was taken back; and how many there are.
///
/// # Errors
/// What the database says.
pub async fn orders(
    conn: &mut Conn,
    link: &PaymentLinkId,
    status: Option<&LinkOrderStatus>,
    limit: i64,
    offset: i64,
) -> Result<(Vec<(LinkOrder, bool)>, u64), Fault> {
    let total = sql_of(&["SELECT COUNT(*) AS total", ORDERS, standing(status)]);
    let total = conn.one(total.text(link.as_str())).await?.map_or(Ok(0), |row| row.count("total"))?;
    let page = sql_of(&[
        "SELECT l.order_id, l.buyer_email, l.created_at, l.sold_at, l.released_at, o.reference, o.chain_id, o.currency, o.amount, o.completed_at, o.reverted_at",
        ORDERS,
        standing(status),
        " ORDER BY l.created_at DESC, l.order_id DESC LIMIT 0 + $2 OFFSET $3",
    ]);
    let rows = conn.all(page.text(link.as_str()).int(limit).int(offset)).await?;
    Ok((rows.iter().map(link_order).collect::<Result<_, _>>()?, total))
}

/// What an organization's links and the orders made through them come to.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// Links that are not deleted.
    pub links: u64,
    /// Those of them that are published and not put away.
    pub published: u64,
    /// Orders that wait, were paid, were not.
    pub orders: [u64; 3],
    /// What the paid ones received.
    pub revenue: BTreeMap<Currency, Amount>,
}

/// Counts them.
///
/// # Errors
/// What the database says.
pub async fn totals(conn: &mut Conn, organization: &OrganizationId) -> Result<Totals, Fault> {
    let nothing = || Fault::Corrupt("a query without rows".to_owned());
    let links = sql("SELECT COUNT(*) AS links, COUNT(*) FILTER (WHERE published_at IS NOT NULL AND archived_at IS NULL) AS published \
         FROM payment_links WHERE organization_id = $1 AND deleted_at IS NULL");
    let links = conn.one(links.text(organization.as_str())).await?.ok_or_else(nothing)?;
    let orders = sql("SELECT COUNT(*) FILTER (WHERE sold_at IS NULL AND released_at IS NULL) AS pending, \
         COUNT(*) FILTER (WHERE sold_at IS NOT NULL) AS completed, COUNT(*) FILTER (WHERE released_at IS NOT NULL) AS expired \
         FROM payment_link_orders WHERE organization_id = $1");
    let orders = conn.one(orders.text(organization.as_str())).await?.ok_or_else(nothing)?;
    let revenue = sql("SELECT o.currency, CAST(SUM(o.received_whole) AS BIGINT) AS whole, CAST(SUM(o.received_nano) AS BIGINT) AS nano, \
         CAST(SUM(o.received_atto) AS BIGINT) AS atto FROM payment_link_orders l JOIN orders o ON o.id = l.order_id \
         WHERE l.organization_id = $1 AND l.sold_at IS NOT NULL GROUP BY o.currency");
    let revenue = conn.all(revenue.text(organization.as_str())).await?;
    let of_currency = |row: &Row| Ok((row.text("currency")?.into(), row.money(["whole", "nano", "atto"])?.to_amount()));
    Ok(Totals {
        links: links.count("links")?,
        published: links.count("published")?,
        orders: [orders.count("pending")?, orders.count("completed")?, orders.count("expired")?],
        revenue: revenue.iter().map(of_currency).collect::<Result<_, Fault>>()?,
    })
}
