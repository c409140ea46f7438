//! Orders: searched, listed, taken along as a file.

use std::time::Duration;

use axum::response::Response;
use payin_core::Error;
use payin_core::access::Permission;
use payin_types::{ChainId, Currency, ErrorCode, ListOrders, OrderId, OrderStatus, Timestamp};

use super::csv::Csv;
use super::form::Form as Sent;
use super::frame::lead_to;
use super::lists::{self, FILE_PAGE_ROWS, FILE_PAGES, ROWS};
use super::member::Member;
use super::view::{Block, Cell, Field, Form, Pager, Table, segment};
use super::words::Words;
use crate::app::orders::{self, Listed};
use crate::app::{Failure, Outcome};
use crate::http::answer::Reject;

const PATH: &str = "/dashboard/orders";

/// What is asked for, and whether of what was paid those that their chain took back, or the others.
fn asked(member: &Member) -> Result<(ListOrders, Option<bool>), Error> {
    let query = &member.query;
    let (created_after, created_before) = lists::span(query)?;
    let (status, is_taken_back) = match query.text("status") {
        lists::TAKEN_BACK => (Some(OrderStatus::Completed), Some(true)),
        word if word == OrderStatus::Completed.as_str() => (Some(OrderStatus::Completed), Some(false)),
        "" => (None, None),
        word => (Some(OrderStatus::from(word)), None),
    };
    let asked = ListOrders {
        page: lists::page(query)?,
        limit: Some(ROWS),
        status,
        currency: query.some("currency").map(Currency::from),
        chain_id: query.some("chainId").map(ChainId::from),
        order_reference: query.some("search"),
        created_after,
        created_before,
        sort_by: None,
        sort_order: None,
    };
    Ok((asked, is_taken_back))
}

/// Whether an id is that of an order here.
async fn is_there(member: &Member, id: &str) -> Outcome<bool> {
    match orders::get(member.app(), member.organization(), id).await {
        Ok(_) => Ok(true),
        Err(Failure::Refused(error)) if error.code == ErrorCode::ResourceNotFound => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// `GET /dashboard/orders`
pub async fn list(member: Member) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let (t, app, query) = (member.t, member.app(), &member.query);
    let search = query.text("search");
    if search.starts_with(OrderId::PREFIX) && is_there(&member, search).await? {
        return Ok(lead_to(&format!("{PATH}/{}", segment(search))));
    }
    let (asked, is_taken_back) = asked(&member)?;
    let found = orders::listed(app, member.organization(), asked, is_taken_back).await?;
    let [from, to] = lists::days(t, query);
    let fields = vec![
        Field::typed("search", t.search_orders, "search", search),
        Field::choice("status", t.status, lists::order_statuses(t), query.text("status")),
        lists::currency(t, app, query),
        lists::chain(t, app, query),
        from,
        to,
    ];
    let rest = query.query_without("page");
    let file = Cell::text(t.export_csv).to(format!("/dashboard/orders.csv?{rest}"));
    let page = member.page(t.orders).with(Block::Form(Form::search(t.search, PATH, t.search, fields)));
    let page = page.with(Block::Table(table(t, query, &found.data))).with(Block::Pager(Pager::new(t, PATH, query, &found.pagination)));
    Ok(page.with(Block::Links(vec![file])).answer(None))
}

/// Orders as rows.
fn table(t: &'static Words, query: &Sent, orders: &[Listed]) -> Table {
    let row = |Listed { summary: order, is_taken_back, .. }: &Listed| {
        vec![
            Cell::text(&order.order_reference).to(format!("{PATH}/{}", segment(order.order_id.as_str()))),
            Cell::number(format!("{} {}", order.amount, order.currency)),
            Cell::text(payin_core::checkout::network(&order.chain_id)),
            lists::order_status(t, order.status.as_str(), *is_taken_back),
            Cell::time(order.created_at),
        ]
    };
    let head = vec![t.reference, t.amount, t.network, t.status, t.created_at];
    Table { name: t.orders.to_owned(), head, rows: orders.iter().map(row).collect(), empty: lists::empty(t, query, t.no_orders) }
}

/// `GET /dashboard/orders.csv`: those that the list finds, the newest 10,000.
pub async fn file(member: Member) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let app = member.app();
    let (asked, is_taken_back) = asked(&member)?;
    // What comes after this moment would shift the pages.
    let now = app.clock.now().plus(Duration::from_millis(1));
    let until = asked.created_before.map_or(now, |before| before.min(now));
    let head = ["orderId", "orderReference", "amount", "currency", "chainId", "address", "status", "createdAt", "completedAt"];
    let mut csv = Csv::new(&[&head[..], &["receivedAmount", "reverted"]].concat());
    for page in 1..=FILE_PAGES {
        let asked = ListOrders { page: Some(page), limit: Some(FILE_PAGE_ROWS), created_before: Some(until), ..asked.clone() };
        let found = orders::listed(app, member.organization(), asked, is_taken_back).await?;
        for order in &found.data {
            csv.line(line(order));
        }
        if !found.pagination.has_more {
            break;
        }
    }
    Ok(csv.answer("orders"))
}

fn line(Listed { summary: order, received, is_taken_back, .. }: &Listed) -> [String; 11] {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    [
        order.order_id.to_string(),
        order.order_reference.clone(),
        order.amount.to_string(),
        order.currency.to_string(),
        order.chain_id.to_string(),
        order.address.clone(),
        order.status.as_str().to_owned(),
        order.created_at.to_string(),
        time(order.completed_at),
        received.to_amount().to_string(),
        is_taken_back.to_string(),
    ]
}
