//! Lists of orders and what they come to. Every index that a list walks begins with organization, chain, currency and status, so that any
//! of these filters, however rare what it finds, leaves a few ranges, each already sorted: a page is their merge. Which ranges there are is
//! known from the totals, and so is how many orders they hold.

use std::collections::BTreeSet;

use payin_core::Units;
use payin_core::address::Address;
use payin_types::order::OrderSort;
use payin_types::{Amount, OrderStatus, OrderSummary, OrganizationId, SortOrder, Timestamp};

use crate::store::db::Row;
use crate::store::statement::Sql;
use crate::store::text::contains;
use crate::store::totals::{self, Count, Total};
use crate::store::{Conn, Fault, sql, sql_from};

/// The status, as the indexes have it: the same words, or they are not used.
const STATUS: &str = "CASE WHEN completed_at IS NOT NULL THEN 'completed' WHEN expired_at IS NOT NULL THEN 'expired' ELSE 'pending' END";
const RANGE: &str = " FROM orders WHERE organization_id = $ AND chain_id = $ AND currency = $ AND ";
const STATUSES: [OrderStatus; 3] = [OrderStatus::Pending, OrderStatus::Completed, OrderStatus::Expired];

/// Which orders a list shows, and in which order.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Whose.
    pub organization_id: OrganizationId,
    /// Only orders that stand here.
    pub status: Option<OrderStatus>,
    /// Only this currency.
    pub currency: Option<String>,
    /// Only this chain.
    pub chain_id: Option<String>,
    /// Only references that contain this, whatever its case.
    pub reference_part: Option<String>,
    /// Only orders created at this time or later.
    pub created_after: Option<Timestamp>,
    /// Only orders created before this time.
    pub created_before: Option<Timestamp>,
    /// Only orders whose payment their chain took back, or only others.
    pub is_taken_back: Option<bool>,
    /// What to sort by.
    pub sort_by: OrderSort,
    /// Which end comes first.
    pub sort_order: SortOrder,
}

/// Orders of one chain and currency that stand in one place.
type Range = (String, String, OrderStatus);

impl Filter {
    /// The sort's columns, the sort itself, and the same once the page has been found.
    fn sort(&self) -> [&'static str; 3] {
        match (&self.sort_by, &self.sort_order) {
            (OrderSort::Amount, SortOrder::Asc) => [
                "amount_whole, amount_nano, amount_atto",
                " ORDER BY amount_whole, amount_nano, amount_atto, id",
                " ORDER BY page.amount_whole, page.amount_nano, page.amount_atto, page.id",
            ],
            (OrderSort::Amount, _) => [
                "amount_whole, amount_nano, amount_atto",
                " ORDER BY amount_whole DESC, amount_nano DESC, amount_atto DESC, id DESC",
                " ORDER BY page.amount_whole DESC, page.amount_nano DESC, page.amount_atto DESC, page.id DESC",
            ],
            (OrderSort::UpdatedAt, SortOrder::Asc) => ["updated_at", " ORDER BY updated_at, id", " ORDER BY page.updated_at, page.id"],
            (OrderSort::UpdatedAt, _) => {
                ["updated_at", " ORDER BY updated_at DESC, id DESC", " ORDER BY page.updated_at DESC, page.id DESC"]
            }
            (_, SortOrder::Asc) => ["created_at", " ORDER BY created_at, id", " ORDER BY page.created_at, page.id"],
            (_, _) => ["created_at", " ORDER BY created_at DESC, id DESC", " ORDER BY page.created_at DESC, page.id DESC"],
        }
    }

    /// What a range's rows must be besides, in the order of [`Filter::bind`].
    fn conditions(&self) -> [&'static str; 4] {
        [
            if self.reference_part.is_some() { " AND reference_folded LIKE $ ESCAPE '\\'" } else { "" },
            if self.created_after.is_some() { " AND created_at >= $" } else { "" },
            if self.created_before.is_some() { " AND created_at < $" } else { "" },
            match self.is_taken_back {
                Some(true) => " AND reverted_at IS NOT NULL",
                Some(false) => " AND reverted_at IS NULL",
                None => "",
            },
        ]
    }

    /// Adds what it finds in each range: `head`, the range and its conditions, `tail`, whose one argument is `to`.
    fn union(&self, statement: Sql, ranges: &[Range], head: &[&'static str], tail: &[&'static str], to: Option<i64>) -> Sql {
        let with = |statement: Sql, pieces: &[&'static str]| pieces.iter().fold(statement, |statement, piece| statement.with(piece));
        ranges.iter().enumerate().fold(statement, |statement, (at, (chain, currency, status))| {
            let statement = with(if at == 0 { statement } else { statement.with(" UNION ALL ") }, head);
            let statement = statement.with(RANGE).with(STATUS).with(" = $");
            let statement = statement.text(self.organization_id.as_str()).text(chain).text(currency).text(status.as_str());
            let statement = with(self.bind(with(statement, &self.conditions())), tail);
            to.into_iter().fold(statement, Sql::int)
        })
    }

    fn bind(&self, statement: Sql) -> Sql {
        let parts = self.reference_part.iter().map(|part| contains(part));
        let times = [self.created_after, self.created_before];
        let statement = parts.fold(statement, Sql::text);
        times.into_iter().flatten().fold(statement, |statement, time| statement.int(time.millis()))
    }

    /// Whether it leaves whole ranges, whose totals are known, but for what was taken back.
    fn is_of_ranges(&self) -> bool {
        self.reference_part.is_none() && self.created_after.is_none() && self.created_before.is_none()
    }

    fn has_money(&self, total: &Count) -> bool {
        self.currency.as_ref().is_none_or(|currency| *currency == total.currency)
            && self.chain_id.as_ref().is_none_or(|chain| *chain == total.chain_id)
    }

    fn has_status(&self, status: &OrderStatus) -> bool {
        self.status.as_ref().is_none_or(|wanted| wanted == status)
    }

    fn lets_pass(&self, total: &Count) -> bool {
        self.has_money(total) && self.has_status(&total.status)
    }

    /// The ranges it leaves. Of a chain and currency all statuses: an order may become the first to have one between two statements.
    fn ranges<'a>(&self, totals: impl Iterator<Item = &'a Count>) -> Vec<Range> {
        let fit = totals.filter(|total| self.has_money(total));
        let pairs: BTreeSet<_> = fit.map(|total| (&total.chain_id, &total.currency)).collect();
        let statuses = STATUSES.iter().filter(|status| self.has_status(status));
        let of_status = |status: &OrderStatus| {
            let range = |(chain, currency): &(&String, &String)| ((*chain).clone(), (*currency).clone(), status.clone());
            pairs.iter().map(range).collect::<Vec<Range>>()
        };
        statuses.flat_map(of_status).collect()
    }
}

/// An order of a list, with what it takes to show it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// What is shown.
    pub summary: OrderSummary,
    /// The family of its chain.
    pub protocol: String,
    /// What binds its address to its organization.
    pub address_mac: String,
    /// Sum of its confirmed payments.
    pub received: Units,
    /// Whether it was paid, and its chain took that back.
    pub is_taken_back: bool,
}

fn listed(row: &Row) -> Result<Listed, Fault> {
    let id = row.text("id")?;
    let amount: Amount = row.text("amount")?.parse().map_err(|_| Fault::Corrupt(format!("the amount of order {id} cannot be read")))?;
    if Units::from_amount(amount) != Some(row.money(["amount_whole", "amount_nano", "amount_atto"])?) {
        return Err(Fault::Corrupt(format!("order {id} says its amount twice, differently")));
    }
    let completed_at = row.opt_time("completed_at")?;
    Ok(Listed {
        summary: OrderSummary {
            order_id: id.into(),
            order_reference: row.text("reference")?,
            amount,
            currency: row.text("currency")?.into(),
            chain_id: row.text("chain_id")?.into(),
            address: Address::from_canonical(row.text("address")?).as_str().to_owned(),
            status: OrderStatus::from(row.text("status")?.as_str()),
            created_at: row.time("created_at")?,
            completed_at,
            extra: serde_json::Map::new(),
        },
        protocol: row.text("protocol")?,
        address_mac: row.text("address_mac")?,
        received: row.money(["received_whole", "received_nano", "received_atto"])?,
        is_taken_back: completed_at.is_some() && row.opt_time("reverted_at")?.is_some(),
    })
}

/// One page of orders, and how many there are.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, filter: &Filter, limit: i64, offset: i64) -> Result<(Vec<Listed>, u64), Fault> {
    let totals = totals::counts(conn, &filter.organization_id).await?;
    let ranges = filter.ranges(totals.iter());
    if ranges.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let all = || totals.iter().filter(|total| filter.lets_pass(total)).map(|total| total.orders).fold(0, u64::saturating_add);
    let total = match filter.is_taken_back {
        None if filter.is_of_ranges() => all(),
        Some(false) if filter.is_of_ranges() => all().saturating_sub(taken_back(conn, filter).await?),
        Some(true) if filter.reference_part.is_none() => taken_back(conn, filter).await?,
        _ => count(conn, filter, &ranges).await?,
    };
    let rows = conn.all(page(filter, &ranges, limit, offset)).await?;
    let orders = rows.iter().take(usize::try_from(limit).unwrap_or(usize::MAX)).map(listed).collect::<Result<_, _>>()?;
    Ok((orders, total))
}

async fn count(conn: &mut Conn, filter: &Filter, ranges: &[Range]) -> Result<u64, Fault> {
    let count = filter.union(sql_from("SELECT COUNT(*) AS total FROM ("), ranges, &["SELECT id"], &[], None);
    conn.one(count.with(") AS fit")).await?.map_or(Ok(0), |row| row.count("total"))
}

/// How many orders there are whose payment their chain took back, whatever their references: few, with an index of their own.
///
/// # Errors
/// What the database says.
pub async fn taken_back(conn: &mut Conn, filter: &Filter) -> Result<u64, Fault> {
    let time = |time: Option<Timestamp>, otherwise: i64| time.map_or(otherwise, Timestamp::millis);
    let count = sql("SELECT COUNT(*) AS total FROM orders WHERE organization_id = $1 AND reverted_at IS NOT NULL \
                     AND completed_at IS NOT NULL AND created_at >= $2 AND created_at < $3 AND ($4 = '' OR currency = $4) \
                     AND ($5 = '' OR chain_id = $5)")
    .text(filter.organization_id.as_str())
    .int(time(filter.created_after, i64::MIN))
    .int(time(filter.created_before, i64::MAX))
    .text(filter.currency.as_deref().unwrap_or_default())
    .text(filter.chain_id.as_deref().unwrap_or_default());
    conn.one(count).await?.map_or(Ok(0), |row| row.count("total"))
}

/// The page's ids from the indexes alone; then its rows, and only then their addresses.
fn page(filter: &Filter, ranges: &[Range], limit: i64, offset: i64) -> Sql {
    let [columns, order, order_of_page] = filter.sort();
    // PostgreSQL plans a statement anew each time if its cost depends on an argument, which takes longer than to execute this one: so
    // the limits of the first page stand in the text.
    let (first, of_range, of_page) = match (offset, limit) {
        (0, ..=20) => (true, " LIMIT 20) AS range", " LIMIT 20"),
        (0, ..=100) => (true, " LIMIT 100) AS range", " LIMIT 100"),
        _ => (false, " LIMIT 0 + $) AS range", " LIMIT 0 + $ OFFSET $"),
    };
    let statement = sql_from(
        "SELECT o.id, o.reference, o.amount, o.amount_whole, o.amount_nano, o.amount_atto, o.currency, o.chain_id, o.protocol, o.address, \
         o.created_at, o.completed_at, o.reverted_at, o.received_whole, o.received_nano, o.received_atto, ",
    );
    let statement = statement.with(STATUS).with(" AS status, p.mac AS address_mac FROM (SELECT * FROM (");
    let to = if first { None } else { Some(limit.saturating_add(offset)) };
    let statement = filter.union(statement, ranges, &["SELECT * FROM (SELECT id, ", columns], &[order, of_range], to);
    let statement = statement.with(") AS fit").with(order).with(of_page);
    let statement = if first { statement } else { statement.int(limit).int(offset) };
    statement.with(") AS page JOIN orders o ON o.id = page.id JOIN pool_addresses p ON p.id = o.address_id").with(order_of_page)
}

/// What the orders come to that a filter leaves, by chain, currency and status.
///
/// # Errors
/// What the database says.
pub async fn totals(conn: &mut Conn, filter: &Filter) -> Result<Vec<Total>, Fault> {
    let totals = totals::of(conn, &filter.organization_id).await?;
    let ranges = filter.ranges(totals.iter().map(|total| &total.count));
    if filter.is_of_ranges() || ranges.is_empty() {
        return Ok(totals.into_iter().filter(|total| filter.lets_pass(&total.count)).collect());
    }
    let sums = sql_from(
        "SELECT chain_id, currency, status, COUNT(*) AS orders, CAST(SUM(paid_late) AS BIGINT) AS paid_late, \
         CAST(SUM(received_whole) AS BIGINT) AS received_whole, CAST(SUM(received_nano) AS BIGINT) AS received_nano, \
         CAST(SUM(received_atto) AS BIGINT) AS received_atto FROM (",
    );
    let columns = " AS status, CASE WHEN paid_late_at IS NOT NULL AND expired_at IS NOT NULL THEN 1 ELSE 0 END AS paid_late, \
                   received_whole, received_nano, received_atto";
    let sums = filter.union(sums, &ranges, &["SELECT chain_id, currency, ", STATUS, columns], &[], None);
    conn.all(sums.with(") AS fit GROUP BY chain_id, currency, status")).await?.iter().map(totals::total).collect()
}
