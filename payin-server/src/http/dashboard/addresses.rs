//! The address pool: how long it lasts, its addresses, and more of them from a file. Nothing is imported of a file with a bad line.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::Path;
use axum::response::Response;
use payin_core::Error;
use payin_core::access::Permission;
use payin_types::order::OrderStatsQuery;
use payin_types::pool::{ListAddresses, PoolCounts, PoolStatus};
use payin_types::{AddressState, ImportAddresses, PoolAddress, Protocol};

use super::form::Form as Sent;
use super::lists::{self, ROWS};
use super::member::{Member, Posted, Tried, done, refused};
use super::view::{Action, Block, Cell, Field, Form, Notice, Pager, Table, segment};
use super::words::Words;
use crate::app::{App, Outcome, orders, pool};
use crate::http::answer::Reject;

const PATH: &str = "/dashboard/addresses";
/// The pace at which orders take addresses is that of so many days.
const PACE_DAYS: u64 = 7;

/// `GET /dashboard/addresses`
pub async fn list(member: Member) -> Result<Response, Reject> {
    show(&member, None, None).await
}

async fn show(member: &Member, tried: Tried, notice: Option<Notice>) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let (t, app, query) = (member.t, member.app(), &member.query);
    let state = query.some("state").map(|word| AddressState::from(word.as_str()));
    let protocol = query.some("protocol").map(|word| Protocol::from(word.as_str()));
    let asked = ListAddresses { page: lists::page(query)?, limit: Some(ROWS), protocol, state };
    let found = pool::list(app, member.organization(), asked).await?;
    let states = lists::choices(t, AddressState::KNOWN.iter().map(AddressState::as_str));
    let families = lists::choices(t, families(app).map(Protocol::as_str));
    let fields = vec![
        Field::choice("protocol", t.family, families, query.text("protocol")),
        Field::choice("state", t.status, states, query.text("state")),
    ];
    let (error, sent) = tried.unzip();
    let head = vec![t.address, t.family, t.status, t.belongs_to, t.created_at, ""];
    let rows = found.data.iter().map(|address| row(t, address)).collect();
    let addresses = Table { name: t.addresses.to_owned(), head, rows, empty: lists::empty(t, query, t.no_addresses) };
    let page = member.page(t.addresses).says(error.as_ref().map(|error| Notice::bad(t, error)).or(notice));
    let page = page.with(Block::Table(stock(member).await?)).with(Block::Text(t.lasts_text.to_owned()));
    let page = page.with(Block::Form(import_form(t, app, &sent.unwrap_or_default()))).with(Block::Heading(t.all_addresses.to_owned()));
    let page = page.with(Block::Form(Form::search(t.search, PATH, t.search, fields))).with(Block::Table(addresses));
    Ok(page.with(Block::Pager(Pager::new(t, PATH, query, &found.pagination))).answer(error.as_ref()))
}

fn families(app: &App) -> impl Iterator<Item = &'static Protocol> {
    Protocol::KNOWN.iter().filter(|protocol| app.chains.offers(protocol))
}

/// The families of which no address is free. One of which there never was any is not missed while another has some.
pub fn run_out(status: &PoolStatus) -> Vec<&Protocol> {
    let has_any = status.values().any(|counts| counts.total > 0);
    let is_out = |counts: &PoolCounts| counts.available == 0 && (counts.total > 0 || !has_any);
    status.iter().filter(|(_, counts)| is_out(counts)).map(|(protocol, _)| protocol).collect()
}

/// How much there is of each family, and how long that lasts.
async fn stock(member: &Member) -> Outcome<Table> {
    let (t, app) = (member.t, member.app());
    let status = pool::status(app, member.organization()).await?;
    let since = app.clock.now().minus(Duration::from_secs(PACE_DAYS.saturating_mul(24 * 60 * 60)));
    let query = OrderStatsQuery { created_after: Some(since), ..OrderStatsQuery::default() };
    let taken = orders::stats(app, member.organization(), query).await?.by_chain;
    let mut pace: BTreeMap<Protocol, u64> = BTreeMap::new();
    for (chain, orders) in &taken {
        if let Some(chain) = app.chains.get(chain) {
            let of_family = pace.entry(chain.protocol.clone()).or_default();
            *of_family = of_family.saturating_add(*orders);
        }
    }
    let run_out = run_out(&status);
    let row = |(protocol, counts): (&Protocol, &PoolCounts)| {
        let pace = pace.get(protocol).copied().unwrap_or_default();
        let days = counts.available.saturating_mul(PACE_DAYS).checked_div(pace);
        let lasts = match days {
            _ if run_out.contains(&protocol) => Cell::badge(t.none_left, "bad"),
            Some(days) => Cell::badge((t.days)(days), if days < PACE_DAYS { "warn" } else { "good" }),
            None => Cell::text("–"),
        };
        let numbers = [counts.available, counts.allocated, counts.bound, counts.cooling_down, counts.quarantined, counts.archived];
        let mut cells = vec![Cell::text(t.word(protocol.as_str())), lasts];
        cells.extend(numbers.map(Cell::number));
        cells
    };
    let head = vec![t.family, t.lasts, t.available, t.allocated, t.bound, t.cooldown, t.quarantined, t.archived];
    Ok(Table { name: t.stock.to_owned(), head, rows: status.iter().map(row).collect(), empty: t.no_addresses })
}

fn row(t: &'static Words, address: &PoolAddress) -> Vec<Cell> {
    let holder = match (&address.order_id, &address.deposit_reference) {
        (Some(order), _) => Cell::clipped(order.as_str()).to(format!("/dashboard/orders/{}", segment(order.as_str()))),
        (None, Some(reference)) => Cell::text(reference).to(format!("/dashboard/references/{}", segment(reference))),
        (None, None) => Cell::text("–"),
    };
    let at = |deed: &str| format!("{PATH}/{}/{deed}", segment(&address.address));
    let deed = match address.state {
        AddressState::Archived | AddressState::Quarantined => Cell::does(Action::new(at("restore"), t.restore)),
        AddressState::Available | AddressState::Cooldown => Cell::does(Action::new(at("archive"), t.archive)),
        _ => Cell::text(""),
    };
    vec![
        Cell::code(&address.address),
        Cell::text(t.word(address.protocol.as_str())),
        lists::status(t, address.state.as_str()),
        holder,
        Cell::time(address.created_at),
        deed,
    ]
}

fn import_form(t: &'static Words, app: &App, sent: &Sent) -> Form {
    let families = families(app).map(|protocol| (protocol.as_str().to_owned(), t.word(protocol.as_str()))).collect();
    let fields = vec![
        Field::choice("protocol", t.family, families, sent.text("protocol")),
        Field::file("file", t.file).hint(t.file_hint),
        Field::area("addresses", t.or_addresses, sent.whole("addresses")).hint(t.addresses_hint),
        Field::line("xpub", t.or_xpub, sent.text("xpub")).hint(t.xpub_hint),
        Field::typed("count", t.xpub_count, "number", sent.text("count")),
    ];
    Form { has_files: true, ..Form::new(t.import, format!("{PATH}/import"), t.import, fields) }
}

fn asked(form: &Sent) -> Result<ImportAddresses, Error> {
    let protocol = Protocol::from(form.text("protocol"));
    let given: Vec<&str> = ["file", "addresses", "xpub"].into_iter().filter(|name| !form.text(name).is_empty()).collect();
    match given.as_slice() {
        ["xpub"] => {
            let count = form.number("count")?;
            Ok(ImportAddresses { addresses: None, xpub: form.some("xpub"), count, ..ImportAddresses::new(protocol, "") })
        }
        [name] => Ok(ImportAddresses::new(protocol, form.whole(name))),
        [] => Err(Error::field("addresses", "choose a file, or enter addresses or an extended public key")),
        _ => Err(Error::field("addresses", "give one of a file, addresses and an extended public key, not several")),
    }
}

/// `POST /dashboard/addresses/import`
pub async fn import(Posted { member, form }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let unit = pool::Import::new(member.app(), member.organization().clone(), member.caller.who(), asked(&form));
    match refused(member.app().store.write(unit).await)? {
        Ok(imported) => {
            let text = (member.t.imported)(imported.imported, imported.skipped);
            show(&member, None, Some(Notice::good(text))).await
        }
        Err(error) => show(&member, Some((error, form)), None).await,
    }
}

/// `POST /dashboard/addresses/{address}/archive`
pub async fn archive(Path(address): Path<String>, Posted { member, .. }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let named = pool::Named::new(member.app(), member.organization().clone(), address);
    member.app().store.write(pool::Archive(named)).await?;
    Ok(done(PATH))
}

/// `POST /dashboard/addresses/{address}/restore`
pub async fn restore(Path(address): Path<String>, Posted { member, .. }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let named = pool::Named::new(member.app(), member.organization().clone(), address);
    member.app().store.write(pool::Restore(named)).await?;
    Ok(done(PATH))
}
