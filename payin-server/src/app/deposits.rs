//! Deposit references: bind, look up, list, unbind; and the deposits they have had. What is credited is decided in `app/ledger`.

mod bind;
mod unbind;

use std::collections::BTreeMap;

use payin_core::deposit::not_found;
use payin_core::record::Depth;
use payin_core::{Error, Units};
use payin_types::deposit::{Deposit, DepositAddress, DepositReference, DepositReferenceSummary, DepositSort, DepositStatus};
use payin_types::{
    Amount, BindingId, ChainId, Currency, DepositId, ListDepositReferences, ListDeposits, OrganizationId, Page, Pagination, SortOrder,
};
use serde_json::Map;

use super::query::{check_text, check_token, is_findable, known, paging};
use super::{App, Outcome};
use crate::store::transfers::records::{self, Filter, sort_of};
use crate::store::{Fault, deposits};
pub use bind::Bind;
pub use unbind::Unbind;

fn amounts(sums: BTreeMap<Currency, Units>) -> BTreeMap<Currency, Amount> {
    sums.into_iter().map(|(currency, sum)| (currency, sum.to_amount())).collect()
}

/// A reference with its addresses and totals.
///
/// # Errors
/// `DEPOSIT_REFERENCE_NOT_FOUND`, also for another organization's, and when it has let go of its last address.
pub async fn get(app: &App, organization: &OrganizationId, reference: &str) -> Outcome<DepositReference> {
    if !is_findable(reference) {
        return Err(not_found(reference, None).into());
    }
    let mut conn = app.store.read().await?;
    let bindings = deposits::bindings(&mut conn, organization, reference, None).await?;
    let metadata = deposits::metadata_of(&mut conn, organization, reference).await?;
    let (false, Some(metadata)) = (bindings.is_empty(), metadata) else { return Err(not_found(reference, None).into()) };
    let received = deposits::received(&mut conn, organization, &[reference]).await?.remove(reference).unwrap_or_default();
    let mut addresses = Vec::with_capacity(bindings.len());
    for (binding, mac) in bindings {
        if !app.seal.address_is_genuine(organization.as_str(), binding.protocol.as_str(), binding.address.as_str(), &mac) {
            let fault = format!("the address {} of a deposit reference has been altered in the database; it is not shown", binding.address);
            return Err(Fault::Corrupt(fault).into());
        }
        addresses.push(DepositAddress {
            currency: binding.currency,
            chain_id: binding.chain_id,
            protocol: binding.protocol,
            address: binding.address.as_str().to_owned(),
            created_at: binding.created_at,
            extra: Map::new(),
        });
    }
    Ok(DepositReference {
        deposit_reference: reference.to_owned(),
        addresses,
        total_deposits: received.count,
        total_amount: amounts(received.sums),
        metadata,
        extra: Map::new(),
    })
}

/// By which id payers see each of a reference's addresses, by chain.
///
/// # Errors
/// What the database says.
pub async fn pages(app: &App, organization: &OrganizationId, reference: &str) -> Outcome<BTreeMap<ChainId, BindingId>> {
    let bindings = deposits::bindings(&mut app.store.read().await?, organization, reference, None).await?;
    Ok(bindings.into_iter().map(|(binding, _)| (binding.chain_id, binding.id)).collect())
}

/// A page of references, newest first.
///
/// # Errors
/// `VALIDATION_ERROR` for a page out of bounds.
pub async fn references(app: &App, organization: &OrganizationId, query: ListDepositReferences) -> Outcome<Page<DepositReferenceSummary>> {
    let (page, limit, offset) = paging(query.page, query.limit)?;
    check_text("search", query.search.as_deref())?;
    let mut conn = app.store.read().await?;
    let size = i64::try_from(limit).unwrap_or(100);
    let (listed, total) = deposits::list(&mut conn, organization, query.search.as_deref(), size, offset).await?;
    let names: Vec<&str> = listed.iter().map(|listed| listed.reference.as_str()).collect();
    let mut received = deposits::received(&mut conn, organization, &names).await?;
    let mut families = deposits::families(&mut conn, organization, &names).await?;
    let data = listed.into_iter().map(|listed| {
        let received = received.remove(&listed.reference).unwrap_or_default();
        DepositReferenceSummary {
            protocols: families.remove(&listed.reference).unwrap_or_default(),
            deposit_reference: listed.reference,
            address_count: listed.bound,
            total_deposits: received.count,
            total_amount: amounts(received.sums),
            last_deposit_at: received.last_seen_at,
            extra: Map::new(),
        }
    });
    Ok(Page { data: data.collect(), pagination: Pagination::new(page, limit, total) })
}

fn depth(app: &App, chain: &ChainId, head: Option<u64>) -> Depth {
    Depth { head, required: app.chains.get(chain).map(|chain| chain.confirmations) }
}

fn shown(app: &App, found: &records::Shown) -> Result<Deposit, Fault> {
    let record = &found.record;
    let deposit = record.to_deposit(depth(app, &record.transfer.chain_id, found.head));
    deposit.ok_or_else(|| Fault::Corrupt(format!("transfer {} is listed as a deposit and is none", record.id)))
}

/// One deposit.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also for another organization's.
pub async fn get_deposit(app: &App, organization: &OrganizationId, id: &str) -> Outcome<Deposit> {
    if !is_findable(id) {
        return Err(Error::not_found("Deposit", id).into());
    }
    let found = records::get_deposit(&mut app.store.read().await?, organization, &DepositId::from(id)).await?;
    Ok(shown(app, &found.ok_or_else(|| Error::not_found("Deposit", id))?)?)
}

/// A page of deposits.
///
/// # Errors
/// `VALIDATION_ERROR` for a filter or sort that does not exist.
pub async fn list(app: &App, organization: &OrganizationId, query: ListDeposits) -> Outcome<Page<Deposit>> {
    let (page, limit, offset) = paging(query.page, query.limit)?;
    known("status", query.status.as_ref().map(DepositStatus::as_str), DepositStatus::known)?;
    known("sortBy", query.sort_by.as_ref().map(DepositSort::as_str), DepositSort::known)?;
    known("sortOrder", query.sort_order.as_ref().map(SortOrder::as_str), SortOrder::known)?;
    check_text("depositReference", query.deposit_reference.as_deref())?;
    check_token(query.currency.as_ref(), query.chain_id.as_ref())?;
    let filter = Filter {
        business_type: Some(payin_types::transfer::BusinessType::Deposit),
        deposit_status: query.status,
        currency: query.currency.map(|currency| currency.as_str().to_owned()),
        chain_id: query.chain_id.map(|chain| chain.as_str().to_owned()),
        deposit_reference: query.deposit_reference,
        detected_after: query.detected_after,
        detected_before: query.detected_before,
        sort_by: query.sort_by.as_ref().map(sort_of),
        sort_order: query.sort_order,
        ..Filter::default()
    };
    let size = i64::try_from(limit).unwrap_or(100);
    let (found, total) = records::list(&mut app.store.read().await?, organization, &filter, size, offset).await?;
    let data = found.iter().map(|found| shown(app, found)).collect::<Result<_, _>>()?;
    Ok(Page { data, pagination: Pagination::new(page, limit, total) })
}
