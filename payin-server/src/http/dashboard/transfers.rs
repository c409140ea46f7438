//! Transfers: those that count, and those that wait for somebody to look at them because they count for nothing.

use std::time::Duration;

use axum::response::Response;
use payin_core::Error;
use payin_core::access::Permission;
use payin_types::transfer::TransferStatus;
use payin_types::{ChainId, Currency, ListTransfers, Transfer};

use super::csv::Csv;
use super::lists::{self, FILE_PAGE_ROWS, FILE_PAGES, ROWS};
use super::member::Member;
use super::view::{Block, Cell, Field, Form, Pager, Table, segment};
use super::words::Words;
use crate::app::transfers;
use crate::http::answer::Reject;

const PATH: &str = "/dashboard/transfers";
const UNMATCHED: &str = "/dashboard/unmatched";

fn asked(member: &Member, unmatched: Option<bool>) -> Result<ListTransfers, Error> {
    let query = &member.query;
    let (detected_after, detected_before) = lists::span(query)?;
    Ok(ListTransfers {
        page: lists::page(query)?,
        limit: Some(ROWS),
        status: query.some("status").map(|word| TransferStatus::from(word.as_str())),
        currency: query.some("currency").map(Currency::from),
        chain_id: query.some("chainId").map(ChainId::from),
        tx_hash: query.some("search"),
        unmatched,
        detected_after,
        detected_before,
        ..ListTransfers::default()
    })
}

/// `GET /dashboard/transfers`
pub async fn list(member: Member) -> Result<Response, Reject> {
    show(&member, member.t.transfers, PATH, None).await
}

/// `GET /dashboard/unmatched`
pub async fn unmatched(member: Member) -> Result<Response, Reject> {
    show(&member, member.t.unmatched, UNMATCHED, Some(true)).await
}

async fn show(member: &Member, title: &'static str, path: &str, unmatched: Option<bool>) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let (t, app, query) = (member.t, member.app(), &member.query);
    let found = transfers::list(app, member.organization(), asked(member, unmatched)?).await?;
    let found_table = Table { empty: lists::empty(t, query, t.no_transfers), ..table(t, &found.data, unmatched.is_some()) };
    let [from, to] = lists::days(t, query);
    let statuses = lists::choices(t, TransferStatus::KNOWN.iter().map(TransferStatus::as_str));
    let fields = vec![
        Field::typed("search", t.search_transfers, "search", query.text("search")),
        Field::choice("status", t.status, statuses, query.text("status")),
        lists::currency(t, app, query),
        lists::chain(t, app, query),
        from,
        to,
    ];
    let mut page = member.page(title);
    if unmatched.is_some() {
        page = page.with(Block::Text(t.unmatched_text.to_owned()));
    }
    let page = page.with(Block::Form(Form::search(t.search, path, t.search, fields))).with(Block::Table(found_table));
    let page = page.with(Block::Pager(Pager::new(t, path, query, &found.pagination)));
    let file = Cell::text(t.export_csv).to(format!("{path}.csv?{}", query.query_without("page")));
    Ok(page.with(Block::Links(vec![file])).answer(None))
}

/// Transfers as rows; `says_where`: with the address that each came to, where nothing else tells.
pub fn table(t: &'static Words, transfers: &[Transfer], says_where: bool) -> Table {
    let row = |transfer: &Transfer| {
        let holder = match (&transfer.order_id, &transfer.order_reference, &transfer.deposit_reference) {
            (Some(id), reference, _) => {
                let text = reference.as_deref().unwrap_or_else(|| id.as_str());
                Cell::text(text).to(format!("/dashboard/orders/{}", segment(id.as_str())))
            }
            (None, _, Some(reference)) => Cell::text(reference).to(format!("/dashboard/references/{}", segment(reference))),
            _ => Cell::text("–"),
        };
        let standing = match &transfer.unmatched_reason {
            Some(reason) => lists::status(t, reason.as_str()),
            None => lists::status(t, transfer.status.as_str()),
        };
        let mut cells = vec![
            Cell::number(format!("{} {}", transfer.amount, transfer.currency)),
            Cell::text(payin_core::checkout::network(&transfer.chain_id)),
            standing,
            holder,
            Cell::clipped(&transfer.from_address),
        ];
        cells.extend(says_where.then(|| Cell::clipped(&transfer.to_address)));
        cells.extend([Cell::clipped(&transfer.tx_hash), Cell::time(transfer.detected_at)]);
        cells
    };
    let mut head = vec![t.amount, t.network, t.status, t.belongs_to, t.sender];
    head.extend(says_where.then_some(t.address));
    head.extend([t.transaction, t.detected_at]);
    Table { name: t.transfers.to_owned(), head, rows: transfers.iter().map(row).collect(), empty: t.no_transfers }
}

/// `GET /dashboard/transfers.csv`
pub async fn file(member: Member) -> Result<Response, Reject> {
    write(&member, "transfers", None).await
}

/// `GET /dashboard/unmatched.csv`
pub async fn unmatched_file(member: Member) -> Result<Response, Reject> {
    write(&member, "unmatched", Some(true)).await
}

async fn write(member: &Member, name: &str, unmatched: Option<bool>) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let app = member.app();
    let asked = asked(member, unmatched)?;
    // What comes after this moment would shift the pages.
    let now = app.clock.now().plus(Duration::from_millis(1));
    let until = asked.detected_before.map_or(now, |before| before.min(now));
    let head =
        ["transferId", "txHash", "chainId", "currency", "amount", "fromAddress", "toAddress", "blockNumber", "status", "unmatchedReason"];
    let mut csv = Csv::new(&[&head[..], &["orderId", "orderReference", "depositReference", "detectedAt"]].concat());
    for page in 1..=FILE_PAGES {
        let asked = ListTransfers { page: Some(page), limit: Some(FILE_PAGE_ROWS), detected_before: Some(until), ..asked.clone() };
        let found = transfers::list(app, member.organization(), asked).await?;
        for transfer in found.data {
            csv.line(line(transfer));
        }
        if !found.pagination.has_more {
            break;
        }
    }
    Ok(csv.answer(name))
}

fn line(transfer: Transfer) -> [String; 14] {
    [
        transfer.transfer_id.to_string(),
        transfer.tx_hash,
        transfer.chain_id.to_string(),
        transfer.currency.to_string(),
        transfer.amount.to_string(),
        transfer.from_address,
        transfer.to_address,
        transfer.block_number.to_string(),
        transfer.status.as_str().to_owned(),
        transfer.unmatched_reason.map(|reason| reason.as_str().to_owned()).unwrap_or_default(),
        transfer.order_id.map(|id| id.to_string()).unwrap_or_default(),
        transfer.order_reference.unwrap_or_default(),
        transfer.deposit_reference.unwrap_or_default(),
        transfer.detected_at.to_string(),
    ]
}
