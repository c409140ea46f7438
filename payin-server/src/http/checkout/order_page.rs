//! The page of an order, whichever API it came through. What it says is decided by the order's stage (`payin_core::checkout`), in the words
//! of a language; nothing is decided in the template.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use payin_core::checkout::{Call, Progress, Stage, Transfer, call, network, progress, token_standard, uri};
use payin_core::order::Facts;
use payin_core::transfer::Unmatched;
use payin_core::{Chain, Units, redirect};
use payin_types::{Environment, Timestamp};

use super::Visitor;
use super::pages::{Frame, page};
use super::reader::Reader;
use super::words::Words;
use crate::app::checkout::{self, Paying, Stray};
use crate::app::{App, Fault};
use crate::http::answer::Reject;
use crate::http::page::Moment;
use crate::http::qr;

#[derive(Template)]
#[template(path = "checkout/order.html")]
struct OrderPage {
    frame: Frame,
    id: String,
    now: i64,
    stage: &'static str,
    tone: &'static str,
    /// Whether there is something to wait for.
    is_live: bool,
    sold: Option<String>,
    /// What is asked for, or what is missing of it.
    sum: String,
    /// Of what it is missing.
    of: Option<String>,
    currency: String,
    family: String,
    network: String,
    standard: Option<&'static str>,
    is_test: bool,
    title: &'static str,
    text: String,
    clock: Option<Clock>,
    steps: Option<Steps>,
    pay: Option<Pay>,
    notes: Vec<String>,
    back: Option<String>,
    /// Whether a payer who has seen it being paid is taken back.
    goes_back: bool,
    details: Vec<Detail>,
    /// Whether the payer has something to ask the seller, who will want to know the details.
    asks_help: bool,
}

struct Clock {
    label: &'static str,
    left: String,
    until: Moment,
    until_text: String,
}

/// How many of the three steps are done, and how far the last one is.
struct Steps {
    done: u8,
    confirmations: Option<(u64, u64, String)>,
}

struct Pay {
    amount: String,
    amount_label: &'static str,
    /// The address in three pieces: people compare its ends.
    address: String,
    pieces: [String; 3],
    code: String,
    uri: Option<(String, String)>,
    call: Option<Call>,
    wallet_network: String,
    only: String,
    only_why: String,
    exchange: String,
}

struct Detail {
    label: &'static str,
    value: String,
    is_code: bool,
    /// A time as programs read it.
    iso: Option<String>,
}

/// Shows it.
pub(super) async fn show(visitor: &Visitor, reader: Reader, id: &str) -> Result<Response, Reject> {
    let app = &visitor.app;
    let paying = checkout::paying(app, id).await?;
    let sold = checkout::sold(app, &paying.order).await?;
    let theme = sold.as_ref().and_then(|(_, theme)| super::link_page::theme(theme));
    let title = sold.map(|(title, _)| title);
    Ok(page(StatusCode::OK, &order_page(app, &paying, Frame::new(reader, theme), title, app.clock.now())?))
}

fn order_page(app: &App, paying: &Paying, frame: Frame, sold: Option<String>, now: Timestamp) -> Result<OrderPage, Fault> {
    let (t, order) = (frame.t, &paying.order);
    let terms = &order.terms;
    let (chain, network) = (app.chains.get(&terms.chain_id), network(&terms.chain_id));
    let progress = progress(order, paying.pending, app.orders.tolerance, now);
    let look = look(progress.stage);
    let pays = matches!(progress.stage, Stage::Open | Stage::Short);
    let pay = if pays { Some(pay(t, order, chain, &network, &progress)?) } else { None };
    let title = title(t, progress.stage);
    let is_part = progress.stage == Stage::Short;
    Ok(OrderPage {
        id: order.id.as_str().to_owned(),
        now: now.millis(),
        stage: look.word,
        tone: look.tone,
        is_live: look.is_live,
        sold,
        sum: if is_part { progress.missing.to_amount() } else { terms.amount }.to_string(),
        of: is_part.then(|| (t.missing_of)(&asked(order))),
        currency: terms.currency.as_str().to_owned(),
        family: terms.protocol.as_str().to_owned(),
        standard: token_standard(&terms.chain_id, &terms.protocol),
        is_test: app.environment == Environment::Testnet,
        text: text(t, order, &network, &progress),
        title,
        clock: clock(t, order, progress.stage, now),
        steps: steps(t, paying, progress.stage),
        pay,
        notes: notes(t, paying, &network, &progress),
        // Its URL would say that the order is completed.
        back: redirect::target(order).filter(|_| progress.stage != Stage::TakenBack),
        goes_back: progress.stage == Stage::Paid,
        details: details(t, paying, chain, &network, &progress),
        asks_help: match progress.stage {
            Stage::Late | Stage::TakenBack => true,
            Stage::Expired => !progress.arrived.is_zero() || !paying.strays.is_empty(),
            _ => !paying.strays.is_empty(),
        },
        network,
        frame,
    })
}

struct Look {
    word: &'static str,
    tone: &'static str,
    is_live: bool,
}

fn look(stage: Stage) -> Look {
    let (word, tone, is_live) = match stage {
        Stage::Open => ("open", "wait", true),
        Stage::Short => ("short", "warn", true),
        Stage::Grace => ("grace", "warn", true),
        Stage::Closing => ("closing", "wait", true),
        Stage::Confirming => ("confirming", "busy", true),
        Stage::Paid => ("paid", "good", false),
        Stage::TakenBack => ("taken-back", "bad", true),
        Stage::Expired => ("expired", "bad", false),
        Stage::Late => ("late", "bad", false),
    };
    Look { word, tone, is_live }
}

fn title(t: &Words, stage: Stage) -> &'static str {
    match stage {
        Stage::Open => t.open_title,
        Stage::Short => t.short_title,
        Stage::Grace => t.grace_title,
        Stage::Closing => t.closing_title,
        Stage::Confirming => t.confirming_title,
        Stage::Paid => t.paid_title,
        Stage::TakenBack => t.taken_back_title,
        Stage::Expired => t.expired_title,
        Stage::Late => t.late_title,
    }
}

/// A sum with its token.
fn money(sum: Units, order: &Facts) -> String {
    format!("{} {}", sum.to_amount(), order.terms.currency)
}

/// What was asked for, as the merchant wrote it.
fn asked(order: &Facts) -> String {
    format!("{} {}", order.terms.amount, order.terms.currency)
}

fn text(t: &Words, order: &Facts, network: &str, progress: &Progress) -> String {
    let arrived = || money(progress.arrived, order);
    let is_short = !progress.arrived.is_zero();
    match progress.stage {
        Stage::Open => (t.open)(&asked(order), network),
        Stage::Short => (t.short)(&arrived(), &money(progress.missing, order)),
        Stage::Grace if is_short => (t.grace_short)(&arrived(), &asked(order)),
        Stage::Grace => t.grace.to_owned(),
        Stage::Closing => t.closing.to_owned(),
        Stage::Confirming => t.confirming.to_owned(),
        Stage::Paid => (t.paid)(&arrived()),
        Stage::TakenBack => t.taken_back.to_owned(),
        Stage::Expired if is_short => (t.expired_short)(&arrived(), &asked(order)),
        Stage::Expired => t.expired.to_owned(),
        Stage::Late if is_short => (t.late_short)(&arrived(), &asked(order)),
        Stage::Late => t.late.to_owned(),
    }
}

fn clock(t: &Words, order: &Facts, stage: Stage, now: Timestamp) -> Option<Clock> {
    let (label, until) = match stage {
        Stage::Open | Stage::Short => (t.time_to_pay, order.window_ends_at()),
        Stage::Grace => (t.time_to_arrive, order.closes_at()),
        _ => return None,
    };
    let (left, until) = (until.since(now).as_secs(), Moment::new(until));
    Some(Clock { label, left: format!("{}:{:02}", left / 60, left % 60), until_text: (t.until)(&until.text), until })
}

fn steps(t: &Words, paying: &Paying, stage: Stage) -> Option<Steps> {
    match stage {
        Stage::Open | Stage::Short => Some(Steps { done: 0, confirmations: None }),
        Stage::Confirming => {
            let of = paying.order.required_confirmations;
            // Of several payments the last decides. Where a chain counts by what has come to rest, the number may be reached before that.
            let waiting = paying.payments.iter().filter(|payment| !payment.is_confirmed);
            let have = waiting.map(|payment| payment.confirmations).min().unwrap_or_default().min(of);
            Some(Steps { done: 2, confirmations: Some((have, of, (t.confirmations)(have, of))) })
        }
        Stage::Paid => Some(Steps { done: 3, confirmations: None }),
        _ => None,
    }
}

fn pay(t: &Words, order: &Facts, chain: Option<&Chain>, network: &str, progress: &Progress) -> Result<Pay, Fault> {
    let (terms, address) = (&order.terms, order.address.as_str());
    let is_rest = progress.stage == Stage::Short;
    // The merchant's own writing as long as it is the sum.
    let amount = if is_rest { progress.missing.to_amount() } else { terms.amount };
    let uri = chain.and_then(|chain| uri(chain, &terms.currency, &order.address, progress.missing));
    let uri = uri.map(|uri| Ok::<_, Fault>((qr::svg(&uri, Some(t.qr_of_request))?, uri))).transpose()?;
    let (head, rest) = address.split_at_checked(6).unwrap_or((address, ""));
    let (middle, tail) = rest.split_at_checked(rest.len().saturating_sub(4)).unwrap_or((rest, ""));
    Ok(Pay {
        amount: amount.to_string(),
        amount_label: if is_rest { t.missing_amount } else { t.amount },
        address: address.to_owned(),
        pieces: [head, middle, tail].map(str::to_owned),
        code: qr::svg(address, Some(t.qr_of_address))?,
        uri: uri.map(|(code, uri)| (uri, code)),
        call: chain.and_then(|chain| call(chain, &terms.currency, &order.address, progress.missing)),
        wallet_network: (t.wallet_network)(network),
        only: (t.only)(&(t.token_on)(terms.currency.as_str(), network)),
        only_why: (t.only_why)(network),
        exchange: (t.exchange)(network),
    })
}

fn notes(t: &Words, paying: &Paying, wanted_network: &str, progress: &Progress) -> Vec<String> {
    let order = &paying.order;
    let wanted = (t.token_on)(order.terms.currency.as_str(), wanted_network);
    let excess = (!progress.excess.is_zero()).then(|| (t.excess)(&money(progress.excess, order)));
    let stray = |stray: &Stray| {
        let came = (t.token_on)(&format!("{} {}", stray.amount.to_amount(), stray.currency), &network(&stray.chain_id));
        match stray.reason {
            Unmatched::WrongCurrency | Unmatched::WrongChain => (t.stray)(&came, &wanted),
            Unmatched::Late | Unmatched::NoHolder => (t.stray_late)(&came),
        }
    };
    excess.into_iter().chain(paying.strays.iter().map(stray)).collect()
}

fn details(t: &Words, paying: &Paying, chain: Option<&Chain>, network: &str, progress: &Progress) -> Vec<Detail> {
    let order = &paying.order;
    let plain = |label, value: String| Detail { label, value, is_code: false, iso: None };
    let code = |label, value: &str| Detail { label, value: value.to_owned(), is_code: true, iso: None };
    let received = (!progress.arrived.is_zero()).then(|| plain(t.received, money(progress.arrived, order)));
    let contract = chain.and_then(|chain| chain.token(&order.terms.currency)).map(|token| code(t.token_contract, token.contract.as_str()));
    let counting = paying.payments.iter().map(|payment| code(t.transaction, &payment.tx_hash));
    // What was taken back stands in no block; whoever asks the seller names it all the same.
    let stands = |hash: &str| paying.payments.iter().any(|payment| payment.tx_hash == hash);
    let gone = order.payment.iter().filter(|payment| progress.stage == Stage::TakenBack && !stands(&payment.tx_hash));
    let gone = gone.map(|payment| code(t.transaction, &payment.tx_hash));
    let strays = paying.strays.iter().map(|stray| code(t.transaction_besides, &stray.tx_hash));
    let transactions = counting.chain(gone).chain(strays);
    let mut details = vec![plain(t.amount, asked(order))];
    details.extend(received);
    details.extend([plain(t.network, network.to_owned()), code(t.address, order.address.as_str())]);
    details.extend(contract.into_iter().chain(transactions));
    let created = Moment::new(order.created_at);
    details.extend([Detail { iso: Some(created.iso), ..plain(t.created, created.text) }, code(t.payment_id, order.id.as_str())]);
    details
}
