//! Orders: create, get, list. What an order is, is a rule of `payin-core`; how it is paid is in `app/ledger.rs`.

mod create;

use payin_core::Error;
use payin_types::order::OrderSort;
use payin_types::{ChainId, Currency, ListOrders, Order, OrderStatus, OrderSummary, OrganizationId, Page, Pagination, SortOrder};

use super::{App, Outcome};
use crate::store::{Fault, orders};
pub use create::Create;

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

/// An order may be shown only if the address that people will pay is the one that was imported.
fn check_address(app: &App, found: &orders::Shown) -> Outcome<()> {
    let facts = &found.facts;
    let (organization, protocol, address) = (facts.organization_id.as_str(), facts.terms.protocol.as_str(), facts.address.as_str());
    if !app.seal.address_is_genuine(organization, protocol, address, &found.address_mac) {
        return Err(Fault::Corrupt(format!(
            "the address {address} of order {} has been altered in the database; it is not shown",
            facts.id
        ))
        .into());
    }
    Ok(())
}

fn shown(app: &App, found: orders::Shown) -> Outcome<Order> {
    check_address(app, &found)?;
    Ok(found.facts.to_wire(found.head))
}

/// Whether anything can bear this id or reference. What cannot is not asked of the database, which may refuse such a text.
#[must_use]
pub fn is_findable(text: &str) -> bool {
    !text.chars().any(char::is_control) && text.chars().count() <= payin_core::order::REFERENCE_CHARS_MAX
}

/// Which page of which size.
///
/// # Errors
/// `VALIDATION_ERROR` out of bounds: never clamped, so that a caller does not take a part for the whole.
pub fn paging(page: Option<u64>, limit: Option<u64>) -> Result<(u64, u64, i64), Error> {
    let (page, limit) = (page.unwrap_or(1), limit.unwrap_or(20));
    if !(1..=100).contains(&limit) {
        return Err(Error::field("limit", format!("must be 1 to 100, is {limit}")));
    }
    let offset = page.checked_sub(1).and_then(|before| before.checked_mul(limit)).and_then(|offset| i64::try_from(offset).ok());
    let offset = offset.ok_or_else(|| Error::field("page", format!("must be 1 or more and point at a possible item, is {page}")))?;
    Ok((page, limit, offset))
}

/// A page of orders.
///
/// # Errors
/// `VALIDATION_ERROR` for a filter or sort that does not exist.
pub async fn list(app: &App, organization: &OrganizationId, query: ListOrders) -> Outcome<Page<OrderSummary>> {
    let (page, limit, offset) = paging(query.page, query.limit)?;
    known("status", query.status.as_ref().map(OrderStatus::as_str), OrderStatus::known)?;
    known("sortBy", query.sort_by.as_ref().map(OrderSort::as_str), OrderSort::known)?;
    known("sortOrder", query.sort_order.as_ref().map(SortOrder::as_str), SortOrder::known)?;
    for (field, text) in [
        ("orderReference", query.order_reference.as_deref()),
        ("currency", query.currency.as_ref().map(Currency::as_str)),
        ("chainId", query.chain_id.as_ref().map(ChainId::as_str)),
    ] {
        if text.is_some_and(|text| !is_findable(text)) {
            return Err(Error::field(field, "must be at most 255 characters, none of them control characters").into());
        }
    }
    let filter = orders::Filter {
        organization_id: organization.clone(),
        status: query.status,
        currency: query.currency.map(|currency| currency.as_str().to_owned()),
        chain_id: query.chain_id.map(|chain| chain.as_str().to_owned()),
        reference_part: query.order_reference,
        created_after: query.created_after,
        created_before: query.created_before,
        sort_by: query.sort_by.unwrap_or(OrderSort::CreatedAt),
        sort_order: query.sort_order.unwrap_or(SortOrder::Desc),
    };
    let (found, total) = orders::list(&mut app.store.read().await?, &filter, i64::try_from(limit).unwrap_or(100), offset).await?;
    found.iter().try_for_each(|order| check_address(app, order))?;
    Ok(Page { data: found.iter().map(|order| order.facts.to_summary()).collect(), pagination: Pagination::new(page, limit, total) })
}

/// Refuses a word that is not one of an enum's.
///
/// # Errors
/// `VALIDATION_ERROR` naming the parameter.
pub fn known<T>(field: &str, word: Option<&str>, known: impl Fn(&str) -> Option<T>) -> Result<(), Error> {
    match word {
        Some(word) if known(word).is_none() => {
            Err(Error::field(field, format!("'{}' is not one of the words allowed", payin_core::error::shown(word))))
        }
        _ => Ok(()),
    }
}
