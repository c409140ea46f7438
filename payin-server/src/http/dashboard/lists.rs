//! What pages with lists have in common: filters that are chosen, days that are typed, tones of words. It must not know any list.

use std::collections::BTreeSet;
use std::time::Duration;

use payin_core::Error;
use payin_types::{OrderStatus, Timestamp};

use super::form::Form;
use super::view::{Cell, Field, segment};
use super::words::Words;
use crate::app::App;

/// Rows of a page.
pub const ROWS: u64 = 25;
/// Rows of a file; how many pages of the API's that is.
pub const FILE_PAGES: u64 = 100;
/// Rows of such a page.
pub const FILE_PAGE_ROWS: u64 = 100;

/// Which page is asked for.
///
/// # Errors
/// `VALIDATION_ERROR`
pub fn page(query: &Form) -> Result<Option<u64>, Error> {
    query.number("page")
}

/// What can be chosen of some words, and that any will do.
pub fn choices<'a>(t: &Words, words: impl IntoIterator<Item = &'a str>) -> Vec<(String, String)> {
    let any = (String::new(), t.any.to_owned());
    std::iter::once(any).chain(words.into_iter().map(|word| (word.to_owned(), t.word(word)))).collect()
}

/// The filter by chain.
pub fn chain(t: &Words, app: &App, query: &Form) -> Field {
    let any = (String::new(), t.any.to_owned());
    let named = app.chains.iter().map(|chain| (chain.id.as_str().to_owned(), payin_core::checkout::network(&chain.id)));
    Field::choice("chainId", t.network, std::iter::once(any).chain(named).collect(), query.text("chainId"))
}

/// What is said of a list that is empty: that there is nothing yet, or that the filters find nothing.
pub fn empty(t: &Words, query: &Form, nothing_yet: &'static str) -> &'static str {
    if query.has_only(&["page", "lang", "done"]) { nothing_yet } else { t.nothing_found }
}

/// The filter by currency.
pub fn currency(t: &Words, app: &App, query: &Form) -> Field {
    let all: BTreeSet<&str> = app.chains.iter().flat_map(|chain| chain.tokens.iter().map(|token| token.currency.as_str())).collect();
    Field::choice("currency", t.currency, choices(t, all), query.text("currency"))
}

/// The filters by day, in UTC.
pub fn days(t: &Words, query: &Form) -> [Field; 2] {
    [Field::typed("from", t.from_day, "date", query.text("from")), Field::typed("to", t.to_day, "date", query.text("to"))]
}

/// From the beginning of one day to the end of another.
///
/// # Errors
/// `VALIDATION_ERROR` for what is no day.
pub fn span(query: &Form) -> Result<(Option<Timestamp>, Option<Timestamp>), Error> {
    let midnight = |name: &str| {
        let parse = |day: String| {
            let at: Result<Timestamp, _> = format!("{day}T00:00:00Z").parse();
            at.map_err(|_| Error::field(name, format!("must be a day such as 2025-01-20, is '{}'", payin_core::error::shown(&day))))
        };
        query.some(name).map(parse).transpose()
    };
    Ok((midnight("from")?, midnight("to")?.map(|day| day.plus(Duration::from_secs(24 * 60 * 60)))))
}

/// The last moment of the day until which something shall hold; whoever fills in a form names that day, in UTC.
///
/// # Errors
/// `VALIDATION_ERROR` for what is no day, and for one that is over.
pub fn end_of_day(form: &Form, name: &str, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    let parse = |day: String| {
        let at: Result<Timestamp, _> = format!("{day}T23:59:59.999Z").parse();
        let at = at.map_err(|_| Error::field(name, "must be a day such as 2030-01-20"))?;
        if at > now { Ok(at) } else { Err(Error::field(name, "must be today or a later day, UTC")) }
    };
    form.some(name).map(parse).transpose()
}

/// What is asked for of orders that their chain took back: it stands among the statuses, of which it is none.
pub const TAKEN_BACK: &str = "taken_back";

/// Where orders stand, as words of the API and what they are called: there "pending" is the payer's turn, and "completed" is paid.
pub fn order_statuses(t: &Words) -> Vec<(String, String)> {
    let words = OrderStatus::KNOWN.iter().map(OrderStatus::as_str).chain([TAKEN_BACK]);
    let any = (String::new(), t.any.to_owned());
    std::iter::once(any).chain(words.map(|word| (word.to_owned(), order_word(t, word)))).collect()
}

fn order_word(t: &Words, word: &str) -> String {
    t.word(match word {
        "pending" => "open",
        "completed" => "paid",
        other => other,
    })
}

/// Where an order stands, set as that. One that its chain took back is completed by contract, and paid by nobody.
pub fn order_status(t: &Words, word: &str, is_taken_back: bool) -> Cell {
    if is_taken_back {
        return status(t, TAKEN_BACK);
    }
    Cell { text: order_word(t, word), ..status(t, word) }
}

/// Where a payer's page of this id is, to be copied: in full where the server knows how payers reach it.
pub fn pay_page(app: &App, id: &str) -> Cell {
    let path = format!("/checkout/{}", segment(id));
    let url = format!("{}{path}", app.front.public_url.as_deref().unwrap_or_default());
    Cell::code(url).to(path).copied()
}

/// Where something stands, set as that.
pub fn status(t: &Words, word: &str) -> Cell {
    let tone = match word {
        "completed" | "confirmed" | "delivered" | "published" | "following" | "available" => "good",
        "pending" | "allocated" | "bound" | "cooldown" => "wait",
        "failed" | "halted" | "not_followed" | "taken_back" | "reverted" => "bad",
        "behind" | "degraded" | "quarantined" | "late" | "wrong_currency" | "wrong_chain" | "no_holder" => "warn",
        _ => "",
    };
    Cell::badge(t.word(word), tone)
}
