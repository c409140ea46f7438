//! Transfers as they are read: one, or a page of them; deposits are some of them. It changes nothing.

use payin_core::Units;
use payin_core::record::Record;
use payin_types::deposit::DepositSort;
use payin_types::transfer::{BusinessType, TransferSort};
use payin_types::{DepositId, DepositStatus, OrderId, OrganizationId, Protocol, SortOrder, Timestamp, TransferId, TransferStatus};

use crate::store::db::Row;
use crate::store::statement::Sql;
use crate::store::{Conn, Fault, sql, sql_from};

const COLUMNS: &str = "SELECT t.id, t.chain_id, t.tx_hash, t.ordinal, t.order_id, t.deposit_id, t.deposit_reference, t.unmatched, \
    t.block_number, t.block_hash, t.block_time, t.currency, t.contract, t.from_address, t.to_address, t.amount_whole, t.amount_nano, \
    t.amount_atto, t.seen_at, t.confirmed_at, t.final_at, t.orphaned_at, o.reference AS order_reference, p.protocol, c.head_number";
const JOINED: &str = " FROM transfers t JOIN pool_addresses p ON p.id = t.address_id LEFT JOIN orders o ON o.id = t.order_id \
    LEFT JOIN chain_cursors c ON c.chain_id = t.chain_id WHERE t.organization_id = $";

/// A transfer, and the newest block of its chain.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What is recorded.
    pub record: Record,
    /// The newest block of its chain.
    pub head: Option<u64>,
}

fn shown(row: &Row) -> Result<Shown, Fault> {
    let record = Record {
        id: row.text("id")?.into(),
        transfer: super::as_told(row)?,
        protocol: Protocol::from(row.text("protocol")?.as_str()),
        order_id: row.opt_text("order_id")?.map(OrderId::from),
        order_reference: row.opt_text("order_reference")?,
        deposit_id: row.opt_text("deposit_id")?.map(DepositId::from),
        deposit_reference: row.opt_text("deposit_reference")?,
        unmatched: super::unmatched(row)?,
        seen_at: row.time("seen_at")?,
        confirmed_at: row.opt_time("confirmed_at")?,
        final_at: row.opt_time("final_at")?,
        orphaned_at: row.opt_time("orphaned_at")?,
    };
    Ok(Shown { record, head: row.opt_int("head_number")?.and_then(|head| u64::try_from(head).ok()) })
}

/// A transfer of an organization.
///
/// # Errors
/// What the database says.
pub async fn get(conn: &mut Conn, organization: &OrganizationId, id: &TransferId) -> Result<Option<Shown>, Fault> {
    let query = sql_from(COLUMNS).with(JOINED).text(organization.as_str()).with(" AND t.id = $").text(id.as_str());
    conn.one(query).await?.as_ref().map(shown).transpose()
}

/// A deposit of an organization.
///
/// # Errors
/// What the database says.
pub async fn get_deposit(conn: &mut Conn, organization: &OrganizationId, id: &DepositId) -> Result<Option<Shown>, Fault> {
    let query = sql_from(COLUMNS).with(JOINED).text(organization.as_str()).with(" AND t.deposit_id = $").text(id.as_str());
    conn.one(query).await?.as_ref().map(shown).transpose()
}

/// What came for an order: the largest, each as it is, and all together.
#[derive(Debug, Clone)]
pub struct OfOrder {
    /// The largest, in the order of the chain.
    pub largest: Vec<Shown>,
    /// How many there are besides.
    pub left_out: u64,
    /// The sum of all that will count once it is confirmed.
    pub pending: Units,
}

/// What came for an order of an organization, counted or not.
///
/// # Errors
/// What the database says.
pub async fn of_order(conn: &mut Conn, organization: &OrganizationId, order: &OrderId, limit: i64) -> Result<OfOrder, Fault> {
    let sums = sql("SELECT COUNT(*) AS total, \
         CAST(COALESCE(SUM(CASE WHEN unmatched IS NULL AND confirmed_at IS NULL THEN amount_whole ELSE 0 END), 0) AS BIGINT) AS whole, \
         CAST(COALESCE(SUM(CASE WHEN unmatched IS NULL AND confirmed_at IS NULL THEN amount_nano ELSE 0 END), 0) AS BIGINT) AS nano, \
         CAST(COALESCE(SUM(CASE WHEN unmatched IS NULL AND confirmed_at IS NULL THEN amount_atto ELSE 0 END), 0) AS BIGINT) AS atto \
         FROM transfers WHERE organization_id = $1 AND order_id = $2 AND orphaned_at IS NULL");
    let sums = conn.one(sums.text(organization.as_str()).text(order.as_str())).await?;
    let sums = sums.ok_or_else(|| Fault::Corrupt("a query without rows".to_owned()))?;
    let page = sql_from(COLUMNS).with(JOINED).text(organization.as_str()).with(" AND t.order_id = $").text(order.as_str());
    // What stands first, then the largest: what a chain took back is no evidence of how many there are.
    let largest = " ORDER BY (CASE WHEN t.orphaned_at IS NULL THEN 0 ELSE 1 END), t.amount_whole DESC, t.amount_nano DESC, \
                   t.amount_atto DESC, t.id LIMIT 0 + $";
    let rows = conn.all(page.with(largest).int(limit)).await?;
    let mut largest = rows.iter().map(shown).collect::<Result<Vec<_>, _>>()?;
    let standing = largest.iter().filter(|shown| shown.record.orphaned_at.is_none()).count();
    let left_out = sums.count("total")?.saturating_sub(u64::try_from(standing).unwrap_or(u64::MAX));
    largest.sort_by(|a, b| {
        let place = |shown: &Shown| (shown.record.transfer.block_time, shown.record.transfer.block_number, shown.record.transfer.ordinal);
        place(a).cmp(&place(b))
    });
    Ok(OfOrder { largest, left_out, pending: sums.money(["whole", "nano", "atto"])? })
}

/// Which transfers a list shows, and in which order.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Where they stand.
    pub status: Option<TransferStatus>,
    /// Only this token's.
    pub currency: Option<String>,
    /// Only on this chain.
    pub chain_id: Option<String>,
    /// Only of this transaction.
    pub tx_hash: Option<String>,
    /// Only this order's.
    pub order_id: Option<String>,
    /// Only this reference's.
    pub deposit_reference: Option<String>,
    /// Only those that count for such a thing.
    pub business_type: Option<BusinessType>,
    /// Only those that count for nothing, or only those that count.
    pub unmatched: Option<bool>,
    /// Only deposits that stand here.
    pub deposit_status: Option<DepositStatus>,
    /// Only those seen at this time or later.
    pub detected_after: Option<Timestamp>,
    /// Only those seen before this time.
    pub detected_before: Option<Timestamp>,
    /// What to sort by.
    pub sort_by: Option<TransferSort>,
    /// Which end comes first.
    pub sort_order: Option<SortOrder>,
}

/// Deposits are sorted as transfers are.
#[must_use]
pub fn sort_of(sort: &DepositSort) -> TransferSort {
    TransferSort::from(sort.as_str())
}

impl Filter {
    fn apply(&self, query: Sql) -> Sql {
        let status = match &self.status {
            None => "",
            Some(TransferStatus::Pending) => " AND t.confirmed_at IS NULL AND t.orphaned_at IS NULL",
            Some(TransferStatus::Confirmed) => " AND t.confirmed_at IS NOT NULL AND t.orphaned_at IS NULL",
            Some(TransferStatus::Failed) => " AND t.orphaned_at IS NOT NULL",
            Some(_) => " AND 1 = 0",
        };
        let business = match &self.business_type {
            None => "",
            Some(BusinessType::Order) => " AND t.unmatched IS NULL AND t.deposit_id IS NULL",
            Some(BusinessType::Deposit) => " AND t.deposit_id IS NOT NULL",
            Some(_) => " AND 1 = 0",
        };
        let unmatched = match self.unmatched {
            None => "",
            Some(true) => " AND t.unmatched IS NOT NULL",
            Some(false) => " AND t.unmatched IS NULL",
        };
        let deposit = match &self.deposit_status {
            None => "",
            Some(DepositStatus::Pending) => " AND t.confirmed_at IS NULL",
            Some(DepositStatus::Confirmed) => " AND t.confirmed_at IS NOT NULL AND t.final_at IS NULL",
            Some(DepositStatus::Completed) => " AND t.final_at IS NOT NULL",
            Some(_) => " AND 1 = 0",
        };
        [status, business, unmatched, deposit]
            .into_iter()
            .fold(query, |query, piece| if piece.is_empty() { query } else { query.with(piece) })
            .filter(" AND t.currency = $", self.currency.as_deref())
            .filter(" AND t.chain_id = $", self.chain_id.as_deref())
            .filter(" AND t.tx_hash = $", self.tx_hash.as_deref())
            .filter(" AND t.order_id = $", self.order_id.as_deref())
            .filter(" AND t.deposit_reference = $", self.deposit_reference.as_deref())
            .filter_time(" AND t.seen_at >= $", self.detected_after)
            .filter_time(" AND t.seen_at < $", self.detected_before)
    }

    fn order(&self) -> &'static str {
        match (self.sort_by.as_ref(), self.sort_order.as_ref()) {
            (Some(TransferSort::Amount), Some(SortOrder::Asc)) => " ORDER BY t.amount_whole, t.amount_nano, t.amount_atto, t.id",
            (Some(TransferSort::Amount), _) => " ORDER BY t.amount_whole DESC, t.amount_nano DESC, t.amount_atto DESC, t.id DESC",
            (Some(TransferSort::ConfirmedAt), Some(SortOrder::Asc)) => " ORDER BY t.confirmed_at NULLS LAST, t.id",
            (Some(TransferSort::ConfirmedAt), _) => " ORDER BY t.confirmed_at DESC NULLS LAST, t.id DESC",
            (_, Some(SortOrder::Asc)) => " ORDER BY t.seen_at, t.id",
            (_, _) => " ORDER BY t.seen_at DESC, t.id DESC",
        }
    }
}

/// One page of transfers, and how many there are.
///
/// # Errors
/// What the database says.
pub async fn list(
    conn: &mut Conn,
    organization: &OrganizationId,
    filter: &Filter,
    limit: i64,
    offset: i64,
) -> Result<(Vec<Shown>, u64), Fault> {
    let total = sql_from("SELECT COUNT(*) AS total FROM transfers t WHERE t.organization_id = $").text(organization.as_str());
    let total = conn.one(filter.apply(total)).await?.map_or(Ok(0), |row| row.count("total"))?;
    let page = filter.apply(sql_from(COLUMNS).with(JOINED).text(organization.as_str()));
    let rows = conn.all(page.with(filter.order()).with(" LIMIT 0 + $").int(limit).with(" OFFSET $").int(offset)).await?;
    Ok((rows.iter().map(shown).collect::<Result<_, _>>()?, total))
}
