//! What an organization's orders come to, so that no list counts a million rows: for each chain, currency and status how many there are
//! and what they received. Changes are gathered while a transaction runs and written once, right before its commit, in a fixed order: so
//! transactions wait for each other's sums as shortly as possible, and never in a circle.

use std::collections::BTreeMap;

use payin_core::order::Facts;
use payin_types::{OrderStatus, OrganizationId};

use super::{Conn, Fault, Tx, sql, sql_rows};

/// What orders are counted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Class {
    organization_id: String,
    chain_id: String,
    currency: String,
    status: String,
}

/// What is added up: orders, those paid late, and the three limbs of what they received.
type Sums = [i64; 5];

/// The changes of a transaction that is under way.
#[derive(Debug, Default)]
pub(super) struct Changes {
    kept: BTreeMap<Class, Sums>,
    /// Since the savepoint.
    unit: BTreeMap<Class, Sums>,
}

impl Changes {
    /// What the unit did is there to stay.
    pub(super) fn keep(&mut self) {
        for (class, sums) in std::mem::take(&mut self.unit) {
            add(&mut self.kept, class, sums, 1);
        }
    }

    /// What the unit did has been undone.
    pub(super) fn undo(&mut self) {
        self.unit.clear();
    }

    /// An order was added.
    pub(super) fn opened(&mut self, order: &Facts) {
        add(&mut self.unit, class(order), sums(order), 1);
    }

    /// An order changed.
    pub(super) fn changed(&mut self, before: &Facts, after: &Facts) {
        add(&mut self.unit, class(before), sums(before), -1);
        add(&mut self.unit, class(after), sums(after), 1);
    }
}

fn class(order: &Facts) -> Class {
    Class {
        organization_id: order.organization_id.as_str().to_owned(),
        chain_id: order.terms.chain_id.as_str().to_owned(),
        currency: order.terms.currency.as_str().to_owned(),
        status: order.status().as_str().to_owned(),
    }
}

fn sums(order: &Facts) -> Sums {
    let [whole, nano, atto] = order.received.limbs();
    [1, i64::from(order.is_paid_late()), whole, nano, atto]
}

fn add(to: &mut BTreeMap<Class, Sums>, class: Class, sums: Sums, sign: i64) {
    let total = to.entry(class).or_default();
    for (total, sum) in total.iter_mut().zip(sums) {
        *total = total.saturating_add(sum.saturating_mul(sign));
    }
}

/// Writes what a transaction's units did, right before its commit.
///
/// # Errors
/// What the database says.
pub(super) async fn write(tx: &mut Tx<'_>) -> Result<(), Fault> {
    let changes: Vec<_> = std::mem::take(&mut tx.totals.kept).into_iter().filter(|(_, sums)| *sums != [0; 5]).collect();
    if changes.is_empty() {
        return Ok(());
    }
    let writer = tx.writer;
    let mut upsert = sql_rows(
        "INSERT INTO order_totals (organization_id, chain_id, currency, status, writer, orders, paid_late, received_whole, received_nano, \
         received_atto) VALUES ",
        "($, $, $, $, $, $, $, $, $, $)",
        changes.len(),
        " ON CONFLICT (organization_id, chain_id, currency, status, writer) DO UPDATE SET orders = order_totals.orders + excluded.orders, \
         paid_late = order_totals.paid_late + excluded.paid_late, \
         received_whole = order_totals.received_whole + excluded.received_whole, \
         received_nano = order_totals.received_nano + excluded.received_nano, \
         received_atto = order_totals.received_atto + excluded.received_atto",
    );
    for (class, sums) in &changes {
        let texts = [&class.organization_id, &class.chain_id, &class.currency, &class.status];
        upsert = texts.into_iter().fold(upsert, |upsert, text| upsert.text(text.as_str())).int(writer);
        upsert = sums.iter().fold(upsert, |upsert, sum| upsert.int(*sum));
    }
    tx.change(upsert, changes.len()).await
}

/// What the orders of one chain and currency that stand in one place come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Total {
    /// How many they are.
    pub count: Count,
    /// How many of them received money too late.
    pub paid_late: u64,
    /// The limbs of what they received, each summed.
    pub received: [i64; 3],
}

/// How many orders of one chain and currency stand in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The chain.
    pub chain_id: String,
    /// The currency.
    pub currency: String,
    /// Where they stand.
    pub status: OrderStatus,
    /// How many they are.
    pub orders: u64,
}

/// The totals of an organization, without what they received. In one text, because on SQLite each row of an answer is handed from thread
/// to thread, and every list of orders begins with this.
///
/// # Errors
/// What the database says.
pub(super) async fn counts(conn: &mut Conn, organization: &OrganizationId) -> Result<Vec<Count>, Fault> {
    let row = conn
        .one(
            sql("SELECT string_agg(chain_id || ' ' || currency || ' ' || status || ' ' || orders, ',') AS counts FROM (SELECT chain_id, \
                 currency, status, CAST(CAST(SUM(orders) AS BIGINT) AS TEXT) AS orders FROM order_totals WHERE organization_id = $1 \
                 GROUP BY chain_id, currency, status) AS totals")
            .text(organization.as_str()),
        )
        .await?;
    let counts = row.map(|row| row.opt_text("counts")).transpose()?.flatten().unwrap_or_default();
    counts.split_terminator(',').map(read).collect()
}

fn read(count: &str) -> Result<Count, Fault> {
    let mut words = count.split(' ');
    let [chain_id, currency, status, orders] = [words.next(), words.next(), words.next(), words.next()].map(Option::unwrap_or_default);
    let orders = orders.parse().map_err(|_| Fault::Corrupt(format!("'{count}' does not say how many orders there are")))?;
    Ok(Count { chain_id: chain_id.to_owned(), currency: currency.to_owned(), status: OrderStatus::from(status), orders })
}

/// The totals of an organization.
///
/// # Errors
/// What the database says.
pub async fn of(conn: &mut Conn, organization: &OrganizationId) -> Result<Vec<Total>, Fault> {
    let rows = conn
        .all(
            sql("SELECT chain_id, currency, status, CAST(SUM(orders) AS BIGINT) AS orders, CAST(SUM(paid_late) AS BIGINT) AS paid_late, \
                 CAST(SUM(received_whole) AS BIGINT) AS received_whole, CAST(SUM(received_nano) AS BIGINT) AS received_nano, \
                 CAST(SUM(received_atto) AS BIGINT) AS received_atto \
                 FROM order_totals WHERE organization_id = $1 GROUP BY chain_id, currency, status")
            .text(organization.as_str()),
        )
        .await?;
    rows.iter().map(total).collect()
}

/// A row of sums by chain, currency and status.
pub(super) fn total(row: &super::db::Row) -> Result<Total, Fault> {
    Ok(Total {
        count: Count {
            chain_id: row.text("chain_id")?,
            currency: row.text("currency")?,
            status: OrderStatus::from(row.text("status")?.as_str()),
            orders: row.count("orders")?,
        },
        paid_late: row.count("paid_late")?,
        received: [row.int("received_whole")?, row.int("received_nano")?, row.int("received_atto")?],
    })
}
