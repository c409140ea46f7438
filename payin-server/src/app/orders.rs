//! Orders: create, get, list. What an order is, is a rule of `payin-core`; how it is paid is in `app/ledger.rs`.

mod create;
mod explain;

use payin_core::checkout::public_order;
use payin_core::{Error, Units, stats};
use payin_types::order::{OrderSort, OrderStats, OrderStatsQuery};
use payin_types::{
    ChainId, Currency, ListOrders, Order, OrderId, OrderStatus, OrderSummary, OrganizationId, Page, Pagination, PublicOrder, SortOrder,
    Timestamp,
};

use super::query::{check_text, check_token, is_findable, known, paging};
use super::{App, Outcome};
use crate::seal::Seal;
pub use crate::store::links::Sold;
pub use crate::store::orders::Listed;
use crate::store::totals::Total;
use crate::store::{Fault, links, orders};
pub use create::{Create, Opener, Prepared};
pub use explain::explain;

/// One order by id.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also for another organization's.
pub async fn get(app: &App, organization: &OrganizationId, id: &str) -> Outcome<Order> {
    if !is_findable(id) {
        return Err(Error::not_found("Order", id).into());
    }
    let found = orders::get(&mut app.store.read().await?, organization, id).await?;
    shown(app, found.ok_or_else(|| Error::not_found("Order", id))?)
}

/// An order as those look at it who sell: also what its API has no word for.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// As the API shows it.
    pub order: Order,
    /// When its chain took back what had paid it.
    pub taken_back_at: Option<Timestamp>,
    /// What was sold, if it came through a payment link.
    pub sold: Option<Sold>,
}

/// One order by id, for those who sell.
///
/// # Errors
/// As [`get`].
pub async fn look(app: &App, organization: &OrganizationId, id: &str) -> Outcome<Looked> {
    let unknown = || Error::not_found("Order", id);
    if !is_findable(id) {
        return Err(unknown().into());
    }
    let mut conn = app.store.read().await?;
    let found = orders::get(&mut conn, organization, id).await?.ok_or_else(unknown)?;
    let sold = links::sold(&mut conn, organization, &found.facts.id).await?;
    let taken_back_at = found.facts.reverted_at.filter(|_| found.facts.completed_at.is_some());
    Ok(Looked { order: shown(app, found)?, taken_back_at, sold })
}

/// One order by the merchant's reference.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also for another organization's.
pub async fn get_by_reference(app: &App, organization: &OrganizationId, reference: &str) -> Outcome<Order> {
    if !is_findable(reference) {
        return Err(Error::not_found("Order with reference", reference).into());
    }
    let found = orders::get_by_reference(&mut app.store.read().await?, organization, reference).await?;
    shown(app, found.ok_or_else(|| Error::not_found("Order with reference", reference))?)
}

/// One order, for whoever knows its id: it cannot be guessed.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get_public(app: &App, id: &str) -> Outcome<PublicOrder> {
    if !is_findable(id) {
        return Err(Error::not_found("Order", id).into());
    }
    let found = orders::find(&mut app.store.read().await?, id).await?.ok_or_else(|| Error::not_found("Order", id))?;
    check_shown(&app.seal, &found)?;
    Ok(public_order(&found.facts, found.head))
}

/// An order may be shown only if the address that people will pay is the one that was imported.
fn check_address(seal: &Seal, id: &OrderId, address: [&str; 3], mac: &str) -> Outcome<()> {
    let [organization, protocol, address] = address;
    if !seal.address_is_genuine(organization, protocol, address, mac) {
        let message = format!("the address {address} of order {id} has been altered in the database; it is not shown");
        return Err(Fault::Corrupt(message).into());
    }
    Ok(())
}

/// As [`check_address`], of an order as it is read.
pub(super) fn check_shown(seal: &Seal, found: &orders::Shown) -> Outcome<()> {
    let facts = &found.facts;
    let address = [facts.organization_id.as_str(), facts.terms.protocol.as_str(), facts.address.as_str()];
    check_address(seal, &facts.id, address, &found.address_mac)
}

fn shown(app: &App, found: orders::Shown) -> Outcome<Order> {
    check_shown(&app.seal, &found)?;
    Ok(found.facts.to_wire(found.head))
}

/// A page of orders.
///
/// # Errors
/// `VALIDATION_ERROR` for a filter or sort that does not exist.
pub async fn list(app: &App, organization: &OrganizationId, query: ListOrders) -> Outcome<Page<OrderSummary>> {
    let Page { data, pagination } = listed(app, organization, query, None).await?;
    Ok(Page { data: data.into_iter().map(|order| order.summary).collect(), pagination })
}

/// A page of orders, for those who sell: of those that their chain took back, of others, or of all.
///
/// # Errors
/// As [`list`].
pub async fn listed(app: &App, organization: &OrganizationId, query: ListOrders, is_taken_back: Option<bool>) -> Outcome<Page<Listed>> {
    let (page, limit, offset) = paging(query.page, query.limit)?;
    known("status", query.status.as_ref().map(OrderStatus::as_str), OrderStatus::known)?;
    known("sortBy", query.sort_by.as_ref().map(OrderSort::as_str), OrderSort::known)?;
    known("sortOrder", query.sort_order.as_ref().map(SortOrder::as_str), SortOrder::known)?;
    check_text("orderReference", query.order_reference.as_deref())?;
    check_token(query.currency.as_ref(), query.chain_id.as_ref())?;
    let filter = orders::Filter {
        organization_id: organization.clone(),
        status: query.status,
        currency: query.currency.map(|currency| currency.as_str().to_owned()),
        chain_id: query.chain_id.map(|chain| chain.as_str().to_owned()),
        reference_part: query.order_reference,
        created_after: query.created_after,
        created_before: query.created_before,
        is_taken_back,
        sort_by: query.sort_by.unwrap_or(OrderSort::CreatedAt),
        sort_order: query.sort_order.unwrap_or(SortOrder::Desc),
    };
    let (found, total) = orders::list(&mut app.store.read().await?, &filter, i64::try_from(limit).unwrap_or(100), offset).await?;
    for order in &found {
        let address = [organization.as_str(), order.protocol.as_str(), order.summary.address.as_str()];
        check_address(&app.seal, &order.summary.order_id, address, &order.address_mac)?;
    }
    Ok(Page { data: found, pagination: Pagination::new(page, limit, total) })
}

/// What an organization's orders come to.
///
/// # Errors
/// `VALIDATION_ERROR` for a filter that nothing can pass.
pub async fn stats(app: &App, organization: &OrganizationId, query: OrderStatsQuery) -> Outcome<OrderStats> {
    let filter = counts(organization, query)?;
    sums(orders::totals(&mut app.store.read().await?, &filter).await?)
}

/// What an organization's orders come to, and how many of the completed ones their chain took back.
///
/// # Errors
/// As [`stats`].
pub async fn counted(app: &App, organization: &OrganizationId, query: OrderStatsQuery) -> Outcome<(OrderStats, u64)> {
    let (filter, mut conn) = (counts(organization, query)?, app.store.read().await?);
    Ok((sums(orders::totals(&mut conn, &filter).await?)?, orders::taken_back(&mut conn, &filter).await?))
}

/// Which orders are counted.
fn counts(organization: &OrganizationId, query: OrderStatsQuery) -> Outcome<orders::Filter> {
    check_token(query.currency.as_ref(), query.chain_id.as_ref())?;
    Ok(orders::Filter {
        organization_id: organization.clone(),
        status: None,
        currency: query.currency.map(|currency| currency.as_str().to_owned()),
        chain_id: query.chain_id.map(|chain| chain.as_str().to_owned()),
        reference_part: None,
        created_after: query.created_after,
        created_before: query.created_before,
        is_taken_back: None,
        sort_by: OrderSort::CreatedAt,
        sort_order: SortOrder::Desc,
    })
}

fn sums(totals: Vec<Total>) -> Outcome<OrderStats> {
    let parts = totals.into_iter().map(|total| {
        let received = Units::from_limbs(total.received).ok_or_else(|| Fault::Corrupt("what orders received is no sum".to_owned()))?;
        let (chain_id, currency, status) = (ChainId::from(total.count.chain_id), Currency::from(total.count.currency), total.count.status);
        Ok(stats::Orders { chain_id, currency, status, orders: total.count.orders, paid_late: total.paid_late, received })
    });
    Ok(stats::of_orders(&parts.collect::<Result<Vec<_>, Fault>>()?))
}
