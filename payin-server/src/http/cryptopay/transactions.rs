//! `/transactions/`: what arrived at the merchant's wallets, through whichever API it was asked for.

use axum::extract::Path;
use axum::http::Uri;
use axum::response::Response;
use payin_core::access::Permission;
use payin_core::cryptopay::{self as rules, pages};
use payin_core::{Error, record::Record};
use payin_types::cryptopay::Transaction;

use super::answer::enveloped;
use super::merchant::Merchant;
use crate::app::query::is_findable;
use crate::app::transfers;
use crate::http::answer::{Reject, json};
use crate::http::body::query;

const PATH: &str = "/api/transactions/";
/// Of one transaction: more payments than this to one merchant are not told apart by its hash.
const OF_ONE: u64 = 100;

/// `GET /transactions/`
pub async fn list(Merchant(caller): Merchant, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    let page = pages::page(query(&uri)?)?;
    let (found, total) = transfers::recorded(&caller.app, &caller.key.organization_id, None, (page.number, page.size)).await?;
    let transactions: Vec<Transaction> = found.iter().map(|shown| rules::transaction(&shown.record, shown.head)).collect();
    Ok(json(200, &page.of(PATH, transactions, total)?))
}

/// `GET /transactions/{hash}/`
pub async fn get(Merchant(caller): Merchant, Path(hash): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    let not_found = || Error::not_found("Transaction", &hash);
    if !is_findable(&hash) || hash.is_empty() || hash.len() > 128 {
        return Err(not_found().into());
    }
    let (found, _) = transfers::recorded(&caller.app, &caller.key.organization_id, Some(&hash), (1, OF_ONE)).await?;
    let records: Vec<Record> = found.iter().map(|shown| shown.record.clone()).collect();
    let meant = rules::by_hash(&records).ok_or_else(not_found)?;
    let head = found.iter().find(|shown| shown.record.id == meant.id).and_then(|shown| shown.head);
    Ok(enveloped(&caller.app, 200, rules::transaction(meant, head), "Transaction"))
}
