//! Orders: searched, listed, taken along as a file.

use std::time::Duration;

use axum::response::Response;
use payin_core::Error;
use payin_core::access::Permission;
use payin_types::{ChainId, Currency, ListOrders, OrderId, OrderStatus, OrderSummary, Timestamp};

use super::csv::Csv;
use super::form::Form as Sent;
use super::frame::lead_to;
use super::lists::{self, FILE_PAGE_ROWS, FILE_PAGES, ROWS};
use super::member::Member;
use super::view::{Block, Cell, Field, Form, Pager, Table, segment};
use super::words::Words;
use crate::app::orders;
use crate::http::answer::Reject;

const PATH: &str = "/dashboard/orders";

fn asked(member: &Member) -> Result<ListOrders, Error> {
    let query = &member.query;
    let (created_after, created_before) = lists::span(query)?;
    Ok(ListOrders {
        page: lists::page(query)?,
        limit: Some(ROWS),
        status: query.some("status").map(|word| OrderStatus::from(word.as_str())),
        currency: query.some("currency").map(Currency::from),
        chain_id: query.some("chainId").map(ChainId::from),
        order_reference: query.some("search"),
        created_after,
        created_before,
        sort_by: None,
        sort_order: None,
    })
}

/// `GET /dashboard/orders`
pub async fn list(member: Member) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let (t, app, query) = (member.t, member.app(), &member.query);
    let search = query.text("search");
    if search.starts_with(OrderId::PREFIX) {
        return Ok(lead_to(&format!("{PATH}/{}", segment(search))));
    }
    let found = orders::list(app, member.organization(), asked(&member)?).await?;
    let [from, to] = lists::days(t, query);
    let statuses = lists::choices(t, OrderStatus::KNOWN.iter().map(OrderStatus::as_str));
    let fields = vec![
        Field::typed("search", t.search_orders, "search", search),
        Field::choice("status", t.status, statuses, query.text("status")),
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
fn table(t: &'static Words, query: &Sent, orders: &[OrderSummary]) -> Table {
    let row = |order: &OrderSummary| {
        vec![
            Cell::text(&order.order_reference).to(format!("{PATH}/{}", segment(order.order_id.as_str()))),
            Cell::number(format!("{} {}", order.amount, order.currency)),
            Cell::text(payin_core::checkout::network(&order.chain_id)),
            lists::status(t, order.status.as_str()),
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
    let asked = asked(&member)?;
    // What comes after this moment would shift the pages.
    let now = app.clock.now().plus(Duration::from_millis(1));
    let until = asked.created_before.map_or(now, |before| before.min(now));
    let mut csv =
        Csv::new(&["orderId", "orderReference", "amount", "currency", "chainId", "address", "status", "createdAt", "completedAt"]);
    for page in 1..=FILE_PAGES {
        let asked = ListOrders { page: Some(page), limit: Some(FILE_PAGE_ROWS), created_before: Some(until), ..asked.clone() };
        let found = orders::list(app, member.organization(), asked).await?;
        for order in &found.data {
            csv.line(line(order));
        }
        if !found.pagination.has_more {
            break;
        }
    }
    Ok(csv.answer("orders"))
}

fn line(order: &OrderSummary) -> [String; 9] {
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
    ]
}
