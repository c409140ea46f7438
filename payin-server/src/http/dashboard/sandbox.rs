//! The simulated world of a sandbox: payments, blocks, time, and what goes wrong. Of `dev` only; in production there is no such page.

use axum::response::Response;
use payin_core::Error;
use payin_core::access::Permission;
use payin_types::sandbox::{
    Advance, ControlChain, FaultKind, FaultPlace, FaultRule, Mine, NewFault, Pay, PayDeposit, PaymentKind, Reorg, SimulatedChain,
};
use payin_types::{Amount, ChainId, ErrorCode, OrderId};

use super::Playground;
use super::form::Form as Sent;
use super::lists;
use super::member::{Member, Posted, Tried, done};
use super::view::{Action, Block, Cell, Field, Form, Notice, Table};
use super::words::Words;
use crate::app::{deposits, orders};
use crate::http::answer::Reject;

const PATH: &str = "/dashboard/sandbox";

/// The world; whoever may create orders may play with it, as at the sandbox's API.
fn world(member: &Member) -> Result<Playground, Reject> {
    member.may(Permission::CreateOrders)?;
    Ok(member.playground.clone().ok_or_else(|| Error::not_found("Page", PATH))?)
}

/// `GET /dashboard/sandbox`
pub async fn show(member: Member) -> Result<Response, Reject> {
    page(&member, None)
}

fn page(member: &Member, tried: Tried) -> Result<Response, Reject> {
    let (t, Playground(world)) = (member.t, world(member)?);
    let clock = world.clock();
    let (error, sent) = tried.unzip();
    let sent = sent.unwrap_or_default();
    let (word, label) = if clock.frozen { ("run", t.clock_run) } else { ("freeze", t.clock_freeze) };
    let facts = vec![
        (t.time.to_owned(), Cell::time(clock.now)),
        (t.clock.to_owned(), if clock.frozen { Cell::badge(t.frozen, "wait") } else { Cell::badge(t.running, "good") }),
    ];
    let chains = world.chains().chains;
    let page = member.page(t.sandbox).says(error.as_ref().map(|error| Notice::bad(t, error))).with(Block::Fields(facts));
    let page = page.with(Block::Actions(vec![Action::new(format!("{PATH}/clock"), label).with("clock", word)]));
    let page = forms(t, member, &sent).into_iter().fold(page, |page, form| page.with(Block::Form(form)));
    let page = page.with(Block::Heading(t.chains.to_owned())).with(Block::Table(chains_table(t, &chains)));
    let faults = world.faults().faults;
    let page = page.with(Block::Heading(t.faults.to_owned())).with(Block::Table(faults_table(t, &faults)));
    let clear = (!faults.is_empty()).then(|| Block::Actions(vec![Action::new(format!("{PATH}/faults/clear"), t.clear_faults)]));
    Ok(page.with_if(clear).answer(error.as_ref()))
}

fn forms(t: &'static Words, member: &Member, sent: &Sent) -> Vec<Form> {
    let kinds = PaymentKind::KNOWN.iter().map(|kind| (kind.as_str().to_owned(), t.word(kind.as_str()))).collect();
    let chains = member.app().chains.iter();
    let one_chain = chains.map(|chain| (chain.id.as_str().to_owned(), payin_core::checkout::network(&chain.id))).collect();
    let chain = || lists::chain(t, member.app(), sent);
    let at = |deed: &str| format!("{PATH}/{deed}");
    let words = |words: Vec<&str>| words.into_iter().map(|word| (word.to_owned(), t.word(word))).collect::<Vec<_>>();
    let pay = vec![
        Field::line("orderId", t.order_id, sent.text("orderId")),
        Field::line("reference", t.or_reference, sent.text("reference")),
        Field::line("amount", t.amount, sent.text("amount")),
        Field::choice("kind", t.payment_kind, kinds, sent.text("kind")),
    ];
    let mine = vec![chain(), Field::typed("blocks", t.blocks, "number", "1")];
    let advance = vec![Field::typed("seconds", t.seconds, "number", "60")];
    let reorg = vec![Field::choice("chainId", t.network, one_chain, sent.text("chainId")), Field::typed("depth", t.depth, "number", "1")];
    let fault = vec![
        Field::choice("at", t.fault_at, words(FaultPlace::KNOWN.iter().map(FaultPlace::as_str).collect()), sent.text("at")),
        Field::choice("fault", t.fault, words(FaultKind::KNOWN.iter().map(FaultKind::as_str).collect()), sent.text("fault")),
        Field::line("match", t.pattern, sent.text("match")),
        Field::typed("count", t.count, "number", "1"),
    ];
    vec![
        Form::new(t.sandbox_pay, at("pay"), t.sandbox_pay, pay),
        Form::new(t.mine, at("mine"), t.mine, mine),
        Form::new(t.advance, at("advance"), t.advance, advance),
        Form::new(t.reorganise, at("reorg"), t.reorganise, reorg),
        Form::new(t.add_fault, at("faults"), t.add_fault, fault),
    ]
}

fn chains_table(t: &'static Words, chains: &[SimulatedChain]) -> Table {
    let row = |chain: &SimulatedChain| {
        let control = |name: &'static str, is: bool, label: (&'static str, &'static str)| {
            let label = if is { label.1 } else { label.0 };
            let action = Action::new(format!("{PATH}/chain"), label).with("chainId", chain.chain_id.as_str());
            Cell::does(action.with(name, if is { "false" } else { "true" }))
        };
        vec![
            Cell::text(payin_core::checkout::network(&chain.chain_id)),
            Cell::number(chain.head),
            control("stopped", chain.stopped, (t.stop, t.start_again)),
            control("stalled", chain.finality_stalled, (t.stall, t.unstall)),
        ]
    };
    let head = vec![t.network, t.newest_block, t.node, t.finality];
    Table { name: t.chains.to_owned(), head, rows: chains.iter().map(row).collect(), empty: t.nothing }
}

fn faults_table(t: &'static Words, faults: &[FaultRule]) -> Table {
    let row = |rule: &FaultRule| {
        vec![
            Cell::text(t.word(rule.fault.at.as_str())),
            Cell::text(t.word(rule.fault.kind.as_str())),
            Cell::maybe(rule.fault.pattern.as_deref()),
            Cell::number(rule.applied),
        ]
    };
    let head = vec![t.fault_at, t.fault, t.pattern, t.applied];
    Table { name: t.faults.to_owned(), head, rows: faults.iter().map(row).collect(), empty: t.no_faults }
}

/// Done, or the page again with what is wrong.
fn ended<T>(member: &Member, form: Sent, outcome: Result<T, Error>) -> Result<Response, Reject> {
    match outcome {
        Ok(_) => Ok(done(PATH)),
        Err(error) => page(member, Some((error, form))),
    }
}

fn amount(form: &Sent) -> Result<Option<Amount>, Error> {
    let parse = |text: String| text.parse::<Amount>().map_err(|error| Error::new(ErrorCode::InvalidAmount, error.to_string()));
    form.some("amount").map(parse).transpose()
}

/// `POST /dashboard/sandbox/pay`
pub async fn pay(Posted { member, form }: Posted) -> Result<Response, Reject> {
    let (Playground(world), app, organization) = (world(&member)?, member.app(), member.organization());
    let kind = form.some("kind").map(|word| PaymentKind::from(word.as_str()));
    let outcome = match (form.some("orderId"), form.some("reference"), amount(&form)) {
        (.., Err(error)) => Err(error),
        (Some(id), None, Ok(amount)) => {
            let order = orders::get(app, organization, &id).await?;
            world.pay(&order, Pay { order_id: OrderId::from(id), amount, kind, mine: None }).await
        }
        (None, Some(name), Ok(Some(amount))) => {
            let reference = deposits::get(app, organization, &name).await?;
            world.pay_deposit(&reference, PayDeposit { kind, ..PayDeposit::new(name, amount) }).await
        }
        (None, Some(_), Ok(None)) => Err(Error::field("amount", "say how much is paid into the reference")),
        _ => Err(Error::field("orderId", "name an order or a deposit reference")),
    };
    ended(&member, form, outcome)
}

/// `POST /dashboard/sandbox/mine`
pub async fn mine(Posted { member, form }: Posted) -> Result<Response, Reject> {
    let Playground(world) = world(&member)?;
    let outcome = match form.number("blocks") {
        Ok(blocks) => world.mine(Mine { chain_id: form.some("chainId").map(ChainId::from), blocks }).await,
        Err(error) => Err(error),
    };
    ended(&member, form, outcome)
}

/// `POST /dashboard/sandbox/advance`
pub async fn advance(Posted { member, form }: Posted) -> Result<Response, Reject> {
    let Playground(world) = world(&member)?;
    let outcome = match form.number("seconds") {
        Ok(seconds) => world.advance(Advance { seconds: seconds.unwrap_or_default() }).await,
        Err(error) => Err(error),
    };
    ended(&member, form, outcome)
}

/// `POST /dashboard/sandbox/reorg`
pub async fn reorg(Posted { member, form }: Posted) -> Result<Response, Reject> {
    let Playground(world) = world(&member)?;
    let outcome = match form.number("depth") {
        Ok(depth) => world.reorg(Reorg::new(form.text("chainId"), depth.unwrap_or(1))).await,
        Err(error) => Err(error),
    };
    ended(&member, form, outcome)
}

/// `POST /dashboard/sandbox/chain`
pub async fn control(Posted { member, form }: Posted) -> Result<Response, Reject> {
    let Playground(world) = world(&member)?;
    let switch = |name: &str| form.some(name).map(|word| word == "true");
    let control =
        ControlChain { chain_id: ChainId::from(form.text("chainId")), stopped: switch("stopped"), finality_stalled: switch("stalled") };
    let outcome = world.control(control).await;
    ended(&member, form, outcome)
}

/// `POST /dashboard/sandbox/clock`
pub async fn clock(Posted { member, form }: Posted) -> Result<Response, Reject> {
    let Playground(world) = world(&member)?;
    if form.text("clock") == "freeze" {
        world.freeze().await;
    } else {
        world.run().await;
    }
    Ok(done(PATH))
}

/// `POST /dashboard/sandbox/faults`
pub async fn add_fault(Posted { member, form }: Posted) -> Result<Response, Reject> {
    let Playground(world) = world(&member)?;
    let fault = NewFault::new(FaultPlace::from(form.text("at")), FaultKind::from(form.text("fault")));
    let outcome = match form.number("count") {
        Ok(count) => world.add_fault(NewFault { pattern: form.some("match"), count, ..fault }),
        Err(error) => Err(error),
    };
    ended(&member, form, outcome)
}

/// `POST /dashboard/sandbox/faults/clear`
pub async fn clear_faults(Posted { member, .. }: Posted) -> Result<Response, Reject> {
    let Playground(world) = world(&member)?;
    world.clear_faults().await;
    Ok(done(PATH))
}
