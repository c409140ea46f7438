//! One order: what it is, how it went, why it is paid or is not, and whom it was told.

use axum::extract::Path;
use axum::response::Response;
use payin_core::access::Permission;
use payin_types::explanation::Finding;
use payin_types::{Explanation, ListEvents, ListTransfers, Order, OrderStatus, Timestamp, Transfer};
use serde_json::{Map, Value};

use super::member::Member;
use super::view::{Action, Block, Cell, Table, segment};
use super::words::Words;
use super::{events, lists, said, transfers};
use crate::app::{event_log, orders, transfers as cases};
use crate::http::answer::Reject;

/// `GET /dashboard/orders/{id}`
pub async fn show(member: Member, Path(id): Path<String>) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let (t, app, organization) = (member.t, member.app(), member.organization());
    let order = orders::get(app, organization, &id).await?;
    let why = orders::explain(app, organization, &id).await?;
    let query = ListTransfers { order_id: Some(order.order_id.clone()), limit: Some(100), ..ListTransfers::default() };
    let came = cases::list(app, organization, query).await?.data;
    let mut page = member.page(format!("{} {}", t.order, order.order_reference)).back_to("/dashboard/orders", t.orders);
    page = page.with(Block::Fields(facts(t, &order))).with(Block::Heading(t.why.to_owned())).with(Block::Note(summary(t, &why)));
    page = page.with(Block::Table(findings(t, &why))).with(Block::Heading(t.transfers.to_owned()));
    page = page.with(Block::Table(transfers::table(t, &came, false))).with(Block::Heading(t.timeline.to_owned()));
    page = page.with(Block::Table(timeline(t, &order, &came)));
    if member.can(Permission::ManageSettings) {
        let query = ListEvents { object_id: Some(order.order_id.as_str().to_owned()), limit: Some(100), ..ListEvents::default() };
        let told = event_log::list(app, organization, query).await?;
        page = page.with(Block::Heading(t.events.to_owned())).with(Block::Table(events::table(t, &told.data)));
    }
    if member.playground.is_some() && member.can(Permission::CreateOrders) && order.status == OrderStatus::Pending {
        let pay = Action::new("/dashboard/sandbox/pay", t.sandbox_pay).with("orderId", order.order_id.as_str());
        page = page.with(Block::Actions(vec![pay]));
    }
    Ok(page.answer(None))
}

fn facts(t: &'static Words, order: &Order) -> Vec<(String, Cell)> {
    let fact = |label: &str, cell: Cell| (label.to_owned(), cell);
    let mut facts = vec![
        fact(t.status, lists::status(t, order.status.as_str())),
        fact(t.amount, Cell::number(format!("{} {}", order.amount, order.currency))),
        fact(t.network, Cell::text(payin_core::checkout::network(&order.chain_id))),
        fact(t.address, Cell::code(&order.address)),
        fact(t.id, Cell::code(order.order_id.as_str())),
        fact(t.pay_page, Cell::code(format!("/checkout/{}", order.order_id)).to(format!("/checkout/{}", segment(order.order_id.as_str())))),
        fact(t.created_at, Cell::time(order.created_at)),
        fact(t.expires_at, Cell::time(order.expires_at)),
    ];
    facts.extend(order.received_amount.as_ref().map(|sum| fact(t.received, Cell::number(format!("{sum} {}", order.currency)))));
    if order.paid_late == Some(true) {
        facts.push(fact(t.status, lists::status(t, "late")));
    }
    facts.extend(
        order
            .payment_link_id
            .as_ref()
            .map(|link| fact(t.link, Cell::code(link.as_str()).to(format!("/dashboard/links/{}", segment(link.as_str()))))),
    );
    for (label, url) in [(t.success_url, &order.success_url), (t.cancel_url, &order.cancel_url)] {
        facts.extend(url.as_ref().map(|url| fact(label, Cell::code(url))));
    }
    facts.extend(metadata(&order.metadata));
    facts
}

/// The merchant's own data, as text.
pub fn metadata(metadata: &Map<String, Value>) -> Vec<(String, Cell)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    metadata.iter().map(|(key, value)| (key.clone(), Cell::text(text(value)))).collect()
}

/// The whole in a sentence: in another language than the core's the first finding, which is what decides.
fn summary(t: &Words, why: &Explanation) -> String {
    let first = why.findings.first().filter(|_| t.core.is_some());
    first.map_or_else(|| why.summary.clone(), |first| said::finding(t, first, why.currency.as_str()))
}

fn findings(t: &'static Words, why: &Explanation) -> Table {
    let row = |finding: &Finding| {
        let said = said::finding(t, finding, why.currency.as_str());
        vec![Cell::badge(t.word(finding.code.as_str()).replace('_', " "), ""), Cell::text(said)]
    };
    Table { name: t.why.to_owned(), head: vec![t.finding, t.explanation], rows: why.findings.iter().map(row).collect(), empty: t.nothing }
}

fn timeline(t: &'static Words, order: &Order, came: &[Transfer]) -> Table {
    let mut moments: Vec<(Timestamp, String)> = vec![(order.created_at, t.was_created.to_owned())];
    for transfer in came {
        let amount = format!("{} {}", transfer.amount, transfer.currency);
        moments.push((transfer.detected_at, format!("{}: {amount}", t.was_seen)));
        moments.extend(transfer.confirmed_at.map(|at| (at, format!("{}: {amount}", t.confirmed_at))));
    }
    moments.extend(order.completed_at.map(|at| (at, t.completed_at.to_owned())));
    moments.extend(order.expired_at.map(|at| (at, t.expired_at.to_owned())));
    moments.sort_by_key(|(at, _)| *at);
    let rows = moments.into_iter().map(|(at, what)| vec![Cell::time(at), Cell::text(what)]).collect();
    Table { name: t.timeline.to_owned(), head: vec![t.time, t.happened], rows, empty: t.nothing }
}
