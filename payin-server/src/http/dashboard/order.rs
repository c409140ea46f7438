//! One order: what it is, how it went, why it is paid or is not, and whom it was told. It must not decide where an order stands.

use axum::extract::Path;
use axum::response::Response;
use payin_core::access::Permission;
use payin_types::explanation::{Finding, FindingCode};
use payin_types::{Explanation, ListEvents, ListTransfers, OrderStatus, Timestamp, Transfer};
use serde_json::{Map, Value};

use super::member::Member;
use super::view::{Action, Block, Cell, Table, segment};
use super::words::Words;
use super::{events, lists, said, transfers};
use crate::app::orders::Looked;
use crate::app::{App, event_log, orders, transfers as cases};
use crate::http::answer::Reject;

/// `GET /dashboard/orders/{id}`
pub async fn show(member: Member, Path(id): Path<String>) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let (t, app, organization) = (member.t, member.app(), member.organization());
    let looked = orders::look(app, organization, &id).await?;
    let (order, why) = (&looked.order, orders::explain(app, organization, &id).await?);
    let query = ListTransfers { order_id: Some(order.order_id.clone()), limit: Some(100), ..ListTransfers::default() };
    let came = cases::list(app, organization, query).await?.data;
    let tone = if looked.taken_back_at.is_some() { "bad" } else { "wait" };
    let mut page = member.page(format!("{} {}", t.order, order.order_reference)).back_to("/dashboard/orders", t.orders);
    page = page.with(Block::Fields(facts(t, app, &looked))).with(Block::Heading(t.why.to_owned()));
    page = page.with(Block::Note(tone, summary(t, app, &why))).with(Block::Table(findings(t, app, &why)));
    page = page.with(Block::Heading(t.transfers.to_owned())).with(Block::Table(transfers::table(t, &came, false)));
    page = page.with(Block::Heading(t.timeline.to_owned())).with(Block::Table(timeline(t, &looked, &came)));
    if member.can(Permission::ManageSettings) {
        let query = ListEvents { object_id: Some(order.order_id.as_str().to_owned()), limit: Some(100), ..ListEvents::default() };
        let told = event_log::list(app, organization, query).await?;
        page = page.with(Block::Heading(t.events.to_owned())).with(Block::Table(events::table(t, &told.data)));
    }
    if member.playground.is_some() && member.can(Permission::CreateOrders) && order.status == OrderStatus::Pending {
        let pay = Action::new("/dashboard/sandbox/pay", t.sandbox_pay_order).with("orderId", order.order_id.as_str());
        page = page.with(Block::Heading(t.sandbox.to_owned())).with(Block::Actions(vec![pay]));
    }
    Ok(page.answer(None))
}

fn facts(t: &'static Words, app: &App, looked: &Looked) -> Vec<(String, Cell)> {
    let order = &looked.order;
    let fact = |label: &str, cell: Cell| (label.to_owned(), cell);
    let mut facts = vec![
        fact(t.status, lists::order_status(t, order.status.as_str(), looked.taken_back_at.is_some())),
        fact(t.amount, Cell::number(format!("{} {}", order.amount, order.currency))),
        fact(t.network, Cell::text(payin_core::checkout::network(&order.chain_id))),
        fact(t.address, Cell::code(&order.address)),
        fact(t.id, Cell::code(order.order_id.as_str())),
        fact(t.pay_page, lists::pay_page(app, order.order_id.as_str())),
        fact(t.created_at, Cell::time(order.created_at)),
        fact(t.expires_at, Cell::time(order.expires_at)),
    ];
    facts.extend(order.received_amount.as_ref().map(|sum| fact(t.received, Cell::number(format!("{sum} {}", order.currency)))));
    if order.paid_late == Some(true) {
        facts.push(fact(t.more_money, lists::status(t, "late")));
    }
    facts.extend(looked.sold.as_ref().zip(order.payment_link_id.as_ref()).map(|(sold, link)| {
        let title = Cell::text(&sold.title);
        fact(t.link, if sold.is_there { title.to(format!("/dashboard/links/{}", segment(link.as_str()))) } else { title })
    }));
    facts.extend(looked.sold.as_ref().and_then(|sold| sold.buyer_email.as_ref()).map(|email| fact(t.buyer_email, Cell::text(email))));
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
fn summary(t: &Words, app: &App, why: &Explanation) -> String {
    let first = why.findings.first().and_then(|first| (t.core.finding)(first, why.currency.as_str()));
    first.unwrap_or_else(|| said::plain(&app.chains, &why.summary))
}

fn findings(t: &'static Words, app: &App, why: &Explanation) -> Table {
    let row = |finding: &Finding| {
        let said = said::finding(t, &app.chains, finding, why.currency.as_str());
        let tone = if finding.code == FindingCode::Reverted { "bad" } else { "" };
        vec![Cell::badge(t.word(finding.code.as_str()).replace('_', " "), tone), Cell::text(said)]
    };
    Table { name: t.why.to_owned(), head: vec![t.finding, t.explanation], rows: why.findings.iter().map(row).collect(), empty: t.nothing }
}

fn timeline(t: &'static Words, looked: &Looked, came: &[Transfer]) -> Table {
    let order = &looked.order;
    let mut moments: Vec<(Timestamp, String)> = vec![(order.created_at, t.was_created.to_owned())];
    for transfer in came {
        let amount = format!("{} {}", transfer.amount, transfer.currency);
        let but = transfer.unmatched_reason.as_ref().map(|reason| (t.counts_not)(&t.word(reason.as_str()))).unwrap_or_default();
        moments.push((transfer.detected_at, format!("{}{}{amount}{but}", t.was_seen, t.colon)));
        moments.extend(transfer.confirmed_at.map(|at| (at, format!("{}{}{amount}{but}", t.confirmed_at, t.colon))));
    }
    moments.extend(order.completed_at.map(|at| (at, t.completed_at.to_owned())));
    moments.extend(order.expired_at.map(|at| (at, t.expired_at.to_owned())));
    moments.extend(looked.taken_back_at.map(|at| (at, t.taken_back_at.to_owned())));
    moments.sort_by_key(|(at, _)| *at);
    let rows = moments.into_iter().map(|(at, what)| vec![Cell::exact_time(at), Cell::text(what)]).collect();
    Table { name: t.timeline.to_owned(), head: vec![t.time, t.happened], rows, empty: t.nothing }
}
