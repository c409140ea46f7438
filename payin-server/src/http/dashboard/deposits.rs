//! Deposits, and the references that they are credited to: listed, bound, let go.

use std::time::Duration;

use axum::extract::Path;
use axum::response::Response;
use payin_core::Error;
use payin_core::access::Permission;
use payin_types::deposit::{Deposit, DepositAddress, DepositReferenceSummary, DepositStatus, UnbindDeposit};
use payin_types::{BindDeposit, ChainId, Currency, ListDepositReferences, ListDeposits};

use super::csv::Csv;
use super::form::Form as Sent;
use super::lists::{self, FILE_PAGE_ROWS, FILE_PAGES, ROWS};
use super::member::{Member, Posted, Tried, done, refused};
use super::view::{Action, Block, Cell, Field, Form, Notice, Pager, Table, segment};
use super::words::Words;
use crate::app::deposits::{self, Bind, Unbind};
use crate::http::answer::Reject;

const PATH: &str = "/dashboard/deposits";
const REFERENCES: &str = "/dashboard/references";

fn asked(query: &Sent) -> Result<ListDeposits, Error> {
    let (detected_after, detected_before) = lists::span(query)?;
    Ok(ListDeposits {
        page: lists::page(query)?,
        limit: Some(ROWS),
        deposit_reference: query.some("search"),
        status: query.some("status").map(|word| DepositStatus::from(word.as_str())),
        currency: query.some("currency").map(Currency::from),
        chain_id: query.some("chainId").map(ChainId::from),
        detected_after,
        detected_before,
        ..ListDeposits::default()
    })
}

/// `GET /dashboard/deposits`
pub async fn list(member: Member) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let (t, app, query) = (member.t, member.app(), &member.query);
    let found = deposits::list(app, member.organization(), asked(query)?).await?;
    let statuses = lists::choices(t, DepositStatus::KNOWN.iter().map(DepositStatus::as_str));
    let [from, to] = lists::days(t, query);
    let fields = vec![
        Field::typed("search", t.deposit_reference, "search", query.text("search")),
        Field::choice("status", t.status, statuses, query.text("status")),
        lists::currency(t, app, query),
        lists::chain(t, app, query),
        from,
        to,
    ];
    let page = member.page(t.deposits).with(Block::Form(Form::search(t.search, PATH, t.search, fields)));
    let found_table = Table { empty: lists::empty(t, query, t.no_deposits), ..table(t, &found.data) };
    let page = page.with(Block::Table(found_table)).with(Block::Pager(Pager::new(t, PATH, query, &found.pagination)));
    let file = Cell::text(t.export_csv).to(format!("{PATH}.csv?{}", query.query_without("page")));
    Ok(page.with(Block::Links(vec![file])).answer(None))
}

/// `GET /dashboard/deposits.csv`: those that the list finds, the newest 10,000.
pub async fn file(member: Member) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let app = member.app();
    let asked = asked(&member.query)?;
    // What comes after this moment would shift the pages.
    let now = app.clock.now().plus(Duration::from_millis(1));
    let until = asked.detected_before.map_or(now, |before| before.min(now));
    let mut csv =
        Csv::new(&["depositId", "depositReference", "amount", "currency", "chainId", "txHash", "status", "reverted", "detectedAt"]);
    for page in 1..=FILE_PAGES {
        let asked = ListDeposits { page: Some(page), limit: Some(FILE_PAGE_ROWS), detected_before: Some(until), ..asked.clone() };
        let found = deposits::list(app, member.organization(), asked).await?;
        for deposit in found.data {
            csv.line(line(deposit));
        }
        if !found.pagination.has_more {
            break;
        }
    }
    Ok(csv.answer("deposits"))
}

fn line(deposit: Deposit) -> [String; 9] {
    [
        deposit.deposit_id.to_string(),
        deposit.deposit_reference,
        deposit.amount.to_string(),
        deposit.currency.to_string(),
        deposit.chain_id.to_string(),
        deposit.tx_hash,
        deposit.status.as_str().to_owned(),
        deposit.reverted.unwrap_or_default().to_string(),
        deposit.detected_at.to_string(),
    ]
}

fn table(t: &'static Words, deposits: &[Deposit]) -> Table {
    let row = |deposit: &Deposit| {
        let reference = &deposit.deposit_reference;
        vec![
            Cell::text(reference).to(format!("{REFERENCES}/{}", segment(reference))),
            Cell::number(format!("{} {}", deposit.amount, deposit.currency)),
            Cell::text(payin_core::checkout::network(&deposit.chain_id)),
            lists::status(t, if deposit.reverted == Some(true) { "reverted" } else { deposit.status.as_str() }),
            Cell::clipped(&deposit.tx_hash),
            Cell::time(deposit.detected_at),
        ]
    };
    let head = vec![t.deposit_reference, t.amount, t.network, t.status, t.transaction, t.detected_at];
    Table { name: t.deposits.to_owned(), head, rows: deposits.iter().map(row).collect(), empty: t.no_deposits }
}

/// `GET /dashboard/references`
pub async fn references(member: Member) -> Result<Response, Reject> {
    all(&member, None).await
}

async fn all(member: &Member, tried: Tried) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let (t, app, query) = (member.t, member.app(), &member.query);
    let asked = ListDepositReferences { page: lists::page(query)?, limit: Some(ROWS), search: query.some("search") };
    let found = deposits::references(app, member.organization(), asked).await?;
    let row = |reference: &DepositReferenceSummary| {
        let sums: Vec<String> = reference.total_amount.iter().map(|(currency, sum)| format!("{sum} {currency}")).collect();
        let name = &reference.deposit_reference;
        vec![
            Cell::text(name).to(format!("{REFERENCES}/{}", segment(name))),
            Cell::number(reference.address_count),
            Cell::number(reference.total_deposits),
            Cell::number(if sums.is_empty() { "–".to_owned() } else { sums.join(", ") }),
            Cell::maybe_time(reference.last_deposit_at),
        ]
    };
    let head = vec![t.deposit_reference, t.addresses, t.deposits, t.received, t.last_deposit];
    let table = Table {
        name: t.references.to_owned(),
        head,
        rows: found.data.iter().map(row).collect(),
        empty: lists::empty(t, query, t.no_references),
    };
    let search =
        Form::search(t.search, REFERENCES, t.search, vec![Field::typed("search", t.deposit_reference, "search", query.text("search"))]);
    let (error, sent) = tried.unzip();
    let bind = member.can(Permission::CreateDeposits).then(|| {
        let form = sent.clone().unwrap_or_default();
        let pairs = app.chains.iter().flat_map(|chain| chain.tokens.iter().map(move |token| (token, chain)));
        let options = pairs.map(|(token, chain)| {
            (format!("{}@{}", token.currency, chain.id), format!("{} · {}", token.currency, payin_core::checkout::network(&chain.id)))
        });
        let fields = vec![
            Field::line("reference", t.deposit_reference, form.text("reference")).hint(t.reference_hint).required(),
            Field::choice("pay", t.pay_with, options.collect(), form.text("pay")),
        ];
        Block::Form(Form::new(t.bind, REFERENCES, t.bind, fields).folded(sent.is_some()))
    });
    let page = member.page(t.references).says(error.as_ref().map(|error| Notice::bad(t, error))).with(Block::Form(search));
    let page = page.with(Block::Table(table)).with(Block::Pager(Pager::new(t, REFERENCES, query, &found.pagination)));
    Ok(page.with_if(bind).answer(error.as_ref()))
}

/// `POST /dashboard/references`
pub async fn bind(Posted { member, form }: Posted) -> Result<Response, Reject> {
    member.may(Permission::CreateDeposits)?;
    let pair = form.text("pay").split_once('@').ok_or_else(|| Error::field("pay", "must be a currency and a network"));
    let request = pair.map(|(currency, chain)| BindDeposit::new(form.text("reference"), currency, chain));
    let unit = Bind::new(member.app(), member.organization().clone(), request);
    match refused(member.app().store.write(unit).await)? {
        Ok(bound) => Ok(done(&format!("{REFERENCES}/{}", segment(&bound.deposit_reference)))),
        Err(error) => all(&member, Some((error, form))).await,
    }
}

/// `GET /dashboard/references/{reference}`
pub async fn reference(member: Member, Path(name): Path<String>) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let (t, app, organization) = (member.t, member.app(), member.organization());
    let reference = deposits::get(app, organization, &name).await?;
    let asked = ListDeposits { deposit_reference: Some(name.clone()), limit: Some(ROWS), ..ListDeposits::default() };
    let had = deposits::list(app, organization, asked).await?;
    let pages = deposits::pages(app, organization, &name).await?;
    let can_unbind = member.can(Permission::CreateDeposits);
    let row = |address: &DepositAddress| {
        let unbind = Action::new(format!("{REFERENCES}/{}/unbind", segment(&name)), t.unbind).with("chainId", address.chain_id.as_str());
        vec![
            Cell::code(&address.address),
            Cell::text(payin_core::checkout::network(&address.chain_id)),
            pages.get(&address.chain_id).map_or_else(|| Cell::text("–"), |id| lists::pay_page(app, id.as_str())),
            Cell::time(address.created_at),
            if can_unbind { Cell::does(unbind.grave()) } else { Cell::text("") },
        ]
    };
    let head = vec![t.address, t.network, t.pay_page, t.created_at, ""];
    let addresses = Table { name: t.addresses.to_owned(), head, rows: reference.addresses.iter().map(row).collect(), empty: t.nothing };
    let mut facts: Vec<(String, Cell)> = vec![(t.deposits.to_owned(), Cell::number(reference.total_deposits))];
    facts.extend(reference.total_amount.iter().map(|(currency, sum)| (format!("{} {currency}", t.received), Cell::number(sum))));
    facts.extend(super::order::metadata(&reference.metadata));
    let page = member.page(&reference.deposit_reference).back_to(REFERENCES, t.references).with(Block::Fields(facts));
    let page = page.with(Block::Table(addresses)).with(Block::Heading(t.deposits.to_owned()));
    Ok(page.with(Block::Table(table(t, &had.data))).answer(None))
}

/// `POST /dashboard/references/{reference}/unbind`
pub async fn unbind(Path(name): Path<String>, Posted { member, form }: Posted) -> Result<Response, Reject> {
    member.may(Permission::CreateDeposits)?;
    let request = UnbindDeposit { chain_id: form.some("chainId").map(ChainId::from) };
    let unit = Unbind::new(member.app(), member.organization().clone(), name, Ok(request));
    member.app().store.write(unit).await?;
    Ok(done(REFERENCES))
}
