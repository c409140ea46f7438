//! Transfers as people look for them: those that count, and those that do not with the reason. It changes nothing.

use payin_core::Error;
use payin_core::record::Depth;
use payin_types::transfer::{BusinessType, ListTransfers, Transfer, TransferSort, TransferStatus};
use payin_types::{OrderId, OrganizationId, Page, Pagination, SortOrder, TransferId};

use super::query::{check_text, check_text_up_to, check_token, is_findable, known, paging};
use super::{App, Outcome};
use crate::store::transfers::records::{self, Filter};

fn shown(app: &App, found: &records::Shown) -> Transfer {
    let chain = app.chains.get(&found.record.transfer.chain_id);
    found.record.to_wire(Depth { head: found.head, required: chain.map(|chain| chain.confirmations) })
}

/// One transfer.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also for another organization's.
pub async fn get(app: &App, organization: &OrganizationId, id: &str) -> Outcome<Transfer> {
    if !is_findable(id) {
        return Err(Error::not_found("Transfer", id).into());
    }
    let found = records::get(&mut app.store.read().await?, organization, &TransferId::from(id)).await?;
    Ok(shown(app, &found.ok_or_else(|| Error::not_found("Transfer", id))?))
}

/// Hexadecimal hashes are written in lower case here; base58 ones mean their case.
fn canonical_hash(hash: &str) -> String {
    if hash.starts_with("0x") || hash.starts_with("0X") { hash.to_ascii_lowercase() } else { hash.to_owned() }
}

/// Transfers as they are recorded, for APIs that word them otherwise: a page of them, newest first, of one transaction or of all.
///
/// # Errors
/// `VALIDATION_ERROR` for a page out of bounds.
pub async fn recorded(
    app: &App,
    organization: &OrganizationId,
    tx_hash: Option<&str>,
    (page, limit): (u64, u64),
) -> Outcome<(Vec<records::Shown>, u64)> {
    let (_, limit, offset) = paging(Some(page), Some(limit))?;
    check_text_up_to(128, "txHash", tx_hash)?;
    let filter = Filter { tx_hash: tx_hash.map(canonical_hash), ..Filter::default() };
    Ok(records::list(&mut app.store.read().await?, organization, &filter, i64::try_from(limit).unwrap_or(100), offset).await?)
}

/// A page of transfers.
///
/// # Errors
/// `VALIDATION_ERROR` for a filter or sort that does not exist.
pub async fn list(app: &App, organization: &OrganizationId, query: ListTransfers) -> Outcome<Page<Transfer>> {
    let (page, limit, offset) = paging(query.page, query.limit)?;
    known("status", query.status.as_ref().map(TransferStatus::as_str), TransferStatus::known)?;
    known("businessType", query.business_type.as_ref().map(BusinessType::as_str), BusinessType::known)?;
    known("sortBy", query.sort_by.as_ref().map(TransferSort::as_str), TransferSort::known)?;
    known("sortOrder", query.sort_order.as_ref().map(SortOrder::as_str), SortOrder::known)?;
    check_token(query.currency.as_ref(), query.chain_id.as_ref())?;
    check_text_up_to(128, "txHash", query.tx_hash.as_deref())?;
    check_text("orderId", query.order_id.as_ref().map(OrderId::as_str))?;
    check_text("depositReference", query.deposit_reference.as_deref())?;
    let filter = Filter {
        status: query.status,
        currency: query.currency.map(|currency| currency.as_str().to_owned()),
        chain_id: query.chain_id.map(|chain| chain.as_str().to_owned()),
        tx_hash: query.tx_hash.as_deref().map(canonical_hash),
        order_id: query.order_id.map(|order| order.as_str().to_owned()),
        deposit_reference: query.deposit_reference,
        business_type: query.business_type,
        unmatched: query.unmatched,
        deposit_status: None,
        detected_after: query.detected_after,
        detected_before: query.detected_before,
        sort_by: query.sort_by,
        sort_order: query.sort_order,
    };
    let size = i64::try_from(limit).unwrap_or(100);
    let (found, total) = records::list(&mut app.store.read().await?, organization, &filter, size, offset).await?;
    Ok(Page { data: found.iter().map(|found| shown(app, found)).collect(), pagination: Pagination::new(page, limit, total) })
}
