//! Payment links: listed, offered and offered no more. What one says is filled in in `http/dashboard/link_form.rs`.

use axum::extract::Path;
use axum::response::Response;
use payin_core::Error;
use payin_core::access::Permission;
use payin_types::link::{AmountType, LinkCurrency, LinkOrder, LinkStatus, ListLinkOrders, ListPaymentLinks, PublishPaymentLink};
use payin_types::{PaymentLink, Timestamp};

use super::form::Form as Sent;
use super::link_form::{self, as_sent, create, update};
use super::lists::{self, ROWS};
use super::member::{Member, Posted, Tried, done, refused};
use super::view::{Action, Block, Cell, Field, Form, Notice, Pager, Table, segment};
use super::words::Words;
use crate::app::App;
use crate::app::links::{self, Change, Create, Deed};
use crate::http::answer::Reject;
use crate::http::checkout;
use crate::http::checkout::reader::Reader;

const PATH: &str = "/dashboard/links";

/// `GET /dashboard/links`
pub async fn list(member: Member) -> Result<Response, Reject> {
    all(&member, None).await
}

async fn all(member: &Member, tried: Tried) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let (t, app, query) = (member.t, member.app(), &member.query);
    let asked = ListPaymentLinks {
        page: lists::page(query)?,
        limit: Some(ROWS),
        status: query.some("status").map(|word| LinkStatus::from(word.as_str())),
        search: query.some("search"),
        archived: None,
        include_archived: Some(query.text("archived") == "true"),
    };
    let found = links::list(app, member.organization(), asked).await?;
    let statuses = lists::choices(t, LinkStatus::KNOWN.iter().map(LinkStatus::as_str));
    let archived = vec![("true".to_owned(), t.with_archived.to_owned(), query.text("archived") == "true")];
    let fields = vec![
        Field::typed("search", t.search_links, "search", query.text("search")),
        Field::choice("status", t.status, statuses, query.text("status")),
        Field::checks("archived", t.archived, archived),
    ];
    let head = vec![t.title, t.amount, t.status, t.sold, t.updated_at];
    let now = app.clock.now();
    let rows = found.data.iter().map(|link| row(t, link, now)).collect();
    let (error, sent) = tried.unzip();
    let page = member.page(t.links).says(error.as_ref().map(|error| Notice::bad(t, error)));
    let page = page.with(Block::Form(Form::search(t.search, PATH, t.search, fields)));
    let page = page.with(Block::Table(Table { name: t.links.to_owned(), head, rows, empty: lists::empty(t, query, t.no_links) }));
    let page = page.with(Block::Pager(Pager::new(t, PATH, query, &found.pagination)));
    let make = member.can(Permission::CreateOrders).then(|| {
        let fields = link_form::fields(t, app, &sent.clone().unwrap_or_default(), false);
        Block::Form(Form::new(t.make_link, PATH, t.make_link, fields).folded(sent.is_some()))
    });
    Ok(page.with_if(make).answer(error.as_ref()))
}

/// Whether and why nobody can buy, before anything else.
fn standing(t: &Words, link: &PaymentLink, now: Timestamp) -> Cell {
    let taken = link.inventory_sold.saturating_add(link.inventory_reserved);
    if link.is_archived {
        Cell::badge(t.archived, "")
    } else if link.status == LinkStatus::Published && link.expires_at.is_some_and(|at| at <= now) {
        Cell::badge(t.ended, "warn")
    } else if link.status == LinkStatus::Published && link.inventory_total.is_some_and(|total| total <= taken) {
        Cell::badge(t.sold_out, "warn")
    } else {
        lists::status(t, link.status.as_str())
    }
}

/// What it costs: in each currency that it can be paid in, the one proposed first before the others.
fn amount(t: &Words, link: &PaymentLink) -> String {
    if link.amount_type == AmountType::UserInput {
        return t.payer_says.to_owned();
    }
    let (first, others): (Vec<_>, Vec<_>) = link.currencies.iter().partition(|currency| currency.is_primary == Some(true));
    first.into_iter().chain(others).map(|currency| price(link, currency)).collect::<Vec<_>>().join(", ")
}

fn price(link: &PaymentLink, currency: &LinkCurrency) -> String {
    format!("{} {}", currency.amount.unwrap_or(link.amount), currency.currency)
}

fn sold(t: &Words, link: &PaymentLink) -> String {
    (t.stock_of)(link.inventory_sold, link.inventory_reserved, link.inventory_total)
}

fn row(t: &'static Words, link: &PaymentLink, now: Timestamp) -> Vec<Cell> {
    vec![
        Cell::text(&link.title).to(format!("{PATH}/{}", segment(link.id.as_str()))),
        Cell::number(amount(t, link)),
        standing(t, link, now),
        Cell::number(sold(t, link)),
        Cell::time(link.updated_at),
    ]
}

/// `POST /dashboard/links`
pub async fn add(Posted { member, form }: Posted) -> Result<Response, Reject> {
    member.may(Permission::CreateOrders)?;
    let unit = Create::new(member.app(), member.organization().clone(), create(&form, member.app().clock.now()));
    match refused(member.app().store.write(unit).await)? {
        Ok(link) => Ok(done(&format!("{PATH}/{}", segment(link.id.as_str())))),
        Err(error) => all(&member, Some((error, form))).await,
    }
}

/// `GET /dashboard/links/{id}`
pub async fn show(member: Member, Path(id): Path<String>) -> Result<Response, Reject> {
    one(&member, &id, None, None).await
}

/// `sent`: what the form of the link was filled in with, where that was refused.
async fn one(member: &Member, id: &str, error: Option<Error>, sent: Option<Sent>) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let (t, app, organization) = (member.t, member.app(), member.organization());
    let link = links::get(app, organization, id).await?;
    let at = |deed: &str| format!("{PATH}/{}{deed}", segment(link.id.as_str()));
    let asked = ListLinkOrders { page: lists::page(&member.query)?, limit: Some(ROWS), status: None };
    let orders = links::listed_orders(app, organization, id, asked).await?;
    let page = member.page(&link.title).back_to(PATH, t.links).says(error.as_ref().map(|error| Notice::bad(t, error)));
    let mut page = page.with(Block::Fields(facts(t, app, &link)));
    page = page.with(Block::Links(vec![Cell::text(t.preview).to(at("/preview"))]));
    if member.can(Permission::CreateOrders) {
        let is_fixed = link.published_at.is_some();
        let fields = link_form::fields(t, app, &sent.clone().unwrap_or_else(|| as_sent(&link)), is_fixed);
        page = page.with(Block::Actions(deeds(t, &link, at))).with_if(is_fixed.then(|| Block::Text(t.fixed_terms.to_owned())));
        page = page.with(Block::Form(Form::new(t.change, at(""), t.save, fields).folded(sent.is_some())));
    }
    page = page.with(Block::Heading(t.orders.to_owned())).with(Block::Table(orders_table(t, &orders.data)));
    Ok(page.with(Block::Pager(Pager::new(t, &at(""), &member.query, &orders.pagination))).answer(error.as_ref()))
}

fn facts(t: &'static Words, app: &App, link: &PaymentLink) -> Vec<(String, Cell)> {
    let fact = |label: &str, cell: Cell| (label.to_owned(), cell);
    let mut facts = vec![
        fact(t.status, standing(t, link, app.clock.now())),
        fact(t.amount, Cell::number(amount(t, link))),
        fact(t.sold, Cell::number(sold(t, link))),
        fact(t.description, Cell::maybe(link.description.as_deref())),
    ];
    for currency in &link.currencies {
        let networks: Vec<String> = currency.chain_options.iter().map(payin_core::checkout::network).collect();
        let price = if link.amount_type == AmountType::UserInput { t.payer_says.to_owned() } else { price(link, currency) };
        facts.push(fact(currency.currency.as_str(), Cell::text(format!("{price} · {}", networks.join(", ")))));
    }
    facts.extend(link.slug.as_ref().map(|slug| fact(t.pay_page, lists::pay_page(app, slug))));
    facts.extend(link.expires_at.map(|at| fact(t.expires_at, Cell::time(at))));
    facts.extend(super::order::metadata(&link.metadata));
    facts
}

fn deeds(t: &'static Words, link: &PaymentLink, at: impl Fn(&str) -> String) -> Vec<Action> {
    let offer = match link.status {
        LinkStatus::Published => Action::new(at("/unpublish"), t.unpublish),
        _ => Action::new(at("/publish"), t.publish),
    };
    let put_away = if link.is_archived { Action::new(at("/restore"), t.restore) } else { Action::new(at("/archive"), t.archive) };
    // One that is put away is offered to nobody until it is taken out again.
    let offer = (!link.is_archived).then_some(offer);
    offer.into_iter().chain([put_away, Action::new(at("/delete"), t.delete).grave()]).collect()
}

fn orders_table(t: &'static Words, orders: &[(LinkOrder, bool)]) -> Table {
    let row = |(order, is_taken_back): &(LinkOrder, bool)| {
        vec![
            Cell::text(&order.order_reference).to(format!("/dashboard/orders/{}", segment(order.order_id.as_str()))),
            Cell::number(format!("{} {}", order.amount, order.currency)),
            lists::order_status(t, order.status.as_str(), *is_taken_back),
            Cell::maybe(order.buyer_email.as_deref()),
            Cell::time(order.created_at),
        ]
    };
    let head = vec![t.reference, t.amount, t.status, t.email, t.created_at];
    Table { name: t.orders.to_owned(), head, rows: orders.iter().map(row).collect(), empty: t.no_orders }
}

/// `POST /dashboard/links/{id}`
pub async fn change(Path(id): Path<String>, Posted { member, form }: Posted) -> Result<Response, Reject> {
    member.may(Permission::CreateOrders)?;
    let (app, organization) = (member.app(), member.organization());
    let before = links::get(app, organization, &id).await?;
    let unit = Change::new(app, organization.clone(), id.clone(), Deed::Update(update(&form, &before, app.clock.now())));
    match refused(app.store.write(unit).await)? {
        Ok(_) => Ok(done(&format!("{PATH}/{}", segment(&id)))),
        Err(error) => one(&member, &id, Some(error), Some(form)).await,
    }
}

/// `POST /dashboard/links/{id}/{deed}`
pub async fn act(Path((id, deed)): Path<(String, String)>, Posted { member, .. }: Posted) -> Result<Response, Reject> {
    member.may(Permission::CreateOrders)?;
    let deed = match deed.as_str() {
        "publish" => Deed::Publish(Ok(PublishPaymentLink::default())),
        "unpublish" => Deed::Unpublish,
        "archive" => Deed::Archive,
        "restore" => Deed::Restore,
        "delete" => Deed::Delete,
        _ => return Err(Error::not_found("Deed", &deed).into()),
    };
    let is_gone = matches!(deed, Deed::Delete);
    match refused(member.app().store.write(Change::new(member.app(), member.organization().clone(), id.clone(), deed)).await)? {
        Ok(_) if is_gone => Ok(done(PATH)),
        Ok(_) => Ok(done(&format!("{PATH}/{}", segment(&id)))),
        Err(error) => one(&member, &id, Some(error), None).await,
    }
}

/// `GET /dashboard/links/{id}/preview`: as payers will see it, where they do not yet.
pub async fn preview(member: Member, Path(id): Path<String>, reader: Reader) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let app = member.app();
    let link = links::preview(app, member.organization(), &id).await?;
    Ok(checkout::pages::preview(app, reader, link, format!("{PATH}/{}", segment(&id))))
}
