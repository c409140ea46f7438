//! The judge: knows what was really put on the chains, what merchants were told and what endpoints heard, and compares the books with it. It
//! uses none of the server's rules; the first thing that is wrong ends a world.

mod events;
mod finally;
mod orders;
mod transfers;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use payin_types::{Amount, Timestamp};
use serde_json::Value;

use transfers::tells;

use crate::books::{Books, Change, LOOKED_FROM, Line};
use crate::chain::SimChain;
use crate::client::{Answers, Exchange};
use crate::coverage::Coverage;
use crate::receiver::Receiver;
use crate::world::KnownOrder;

/// Something that must never be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What rule, in few words: a shrunk story must break the same one.
    pub rule: &'static str,
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.detail)
    }
}

/// What the judge remembers.
#[derive(Default)]
pub struct Judge {
    found: Option<Violation>,
    answers: Answers,
    begun: Option<Timestamp>,
    /// The key of the second merchant, whose references are the canaries.
    pub beta: String,
    told: BTreeMap<String, KnownOrder>,
    /// Of each object, the numbers of its events.
    sequences: BTreeMap<String, BTreeSet<i64>>,
    /// What transfers were called before a backup was restored, by what they are: who goes by the name must not credit one again.
    named: BTreeMap<(String, String, i64), String>,
}

impl Judge {
    /// The first thing that was found.
    ///
    /// # Errors
    /// That.
    pub fn verdict(&mut self) -> Result<(), Violation> {
        self.found.clone().map_or(Ok(()), Err)
    }

    pub fn wrong(&mut self, rule: &'static str, detail: String) {
        self.found.get_or_insert(Violation { rule, detail });
    }

    pub fn demand(&mut self, holds: bool, rule: &'static str, detail: impl FnOnce() -> String) {
        if !holds {
            self.wrong(rule, detail());
        }
    }

    pub fn equal(&mut self, what: &'static str, shown: u64, there: u64) {
        self.demand(shown == there, "a list's total is not what there is", || format!("{what}: {shown}, and there are {there}"));
    }

    /// A merchant was told of an order: it must be there for ever, as told.
    pub fn told(&mut self, order: &KnownOrder) {
        self.told.insert(order.id.clone(), order.clone());
    }

    /// An older database was restored, and is in the books now: what it does not have was lost with the one before. `before`: its transfers.
    pub fn restored<'a>(&mut self, before: impl Iterator<Item = (&'a String, &'a Line)>, books: &Books) {
        self.named.extend(before.map(|(id, row)| (transfers::identity(row), id.clone())));
        self.answers = Answers::default();
        self.told.retain(|id, _| books.row("orders", id).is_some());
        self.sequences.clear();
        for (_, row) in books.table("events") {
            self.sequences.entry(row.text("object_id").to_owned()).or_default().insert(row.int("sequence"));
        }
    }

    /// An order as it was shown.
    pub fn shown(&mut self, id: &str, status: &str, received: &Option<Amount>, books: &Books) {
        let Some(row) = books.row("orders", id) else { return self.wrong("an order is shown that is not there", id.to_owned()) };
        let expected = orders::status(row);
        self.demand(status == expected, "an order's status is not what its facts say", || format!("{id}: {status}, not {expected}"));
        let sum = row.units("received").to_amount();
        let differs = received.as_ref().is_some_and(|received| received.to_decimal() != sum.to_decimal());
        self.demand(!differs, "what an order has received is shown wrongly", || format!("{id}: {received:?}, not {sum}"));
    }

    /// A request and its answer.
    pub fn exchange(&mut self, exchange: &Exchange, now: Timestamp, coverage: &Coverage) {
        // Keys live for a day: a new day, new answers.
        if self.begun.is_none_or(|begun| now.since(begun).as_secs() > 12 * 3600) {
            (self.begun, self.answers) = (Some(now), Answers::default());
        }
        if let Some(wrong) = self.answers.judge(exchange) {
            self.wrong("one idempotency key, two effects", wrong);
        }
        let body: Value = serde_json::from_slice(&exchange.answer).unwrap_or_default();
        if exchange.status >= 400 {
            let code = [body.get("code"), body.pointer("/error/code")].into_iter().flatten().find_map(Value::as_str).unwrap_or_default();
            let place =
                || format!("{} {} {}: {}", exchange.status, exchange.method, exchange.path, String::from_utf8_lossy(&exchange.answer));
            self.demand(!code.is_empty(), "an error has no code", place);
            coverage.hit(format!("code {code}"));
            self.demand(exchange.status < 500 || exchange.status == 503, "a request met a fault", place);
        }
        // What the second merchant names so is nobody else's business.
        let foreign = exchange.says("canary-beta") && !exchange.key.contains(&self.beta);
        self.demand(!foreign, "another's reference is told", || exchange.path.clone());
    }

    /// What has changed in the books.
    pub fn changes(&mut self, changes: &[Change], books: &Books, chains: &[Arc<SimChain>], receiver: &Receiver, coverage: &Coverage) {
        for change in changes {
            match change.table {
                "orders" => self.order(change, books, chains, coverage),
                "transfers" => self.transfer(change, books, chains, coverage),
                "events" => self.event(change, books, coverage),
                "deliveries" => self.delivery(change, books, receiver, coverage),
                "assignments" => self.assignment(change, books),
                "chain_cursors" => self.cursor(change, books, chains),
                "payment_links" => self.link(change),
                _ => {}
            }
        }
        let orders: BTreeSet<&str> = changes.iter().filter(|change| change.table == "orders").map(|change| change.id.as_str()).collect();
        let paid = changes.iter().filter(|change| change.table == "transfers").map(|change| change.after.text("order_id"));
        for order in orders.into_iter().chain(paid).filter(|id| !id.is_empty()).collect::<BTreeSet<_>>() {
            self.sums(order, books);
            self.told_of(order, books);
        }
    }

    /// A chain is never halted, and a cursor that stands on a chain's own block has taken in all the money below it, down to where it looked.
    fn cursor(&mut self, change: &Change, books: &Books, chains: &[Arc<SimChain>]) {
        let halted = change.after.text("halted");
        self.demand(halted.is_empty(), "a chain is halted", || format!("{}: {halted}", change.id));
        let height = |line: &Line| u64::try_from(line.int("head_number")).unwrap_or_default();
        let head = height(&change.after);
        let (Some(below), Some(chain)) = (change.before.as_ref().map(height), chains.iter().find(|chain| chain.id() == change.id)) else {
            return;
        };
        let looked_from = change.after.opt(LOOKED_FROM).and_then(|from| u64::try_from(from).ok()).unwrap_or(head);
        let below = below.max(looked_from.saturating_sub(1));
        if head <= below || chain.state().real.hash(head).as_deref() != Some(change.after.text("head_hash")) {
            return;
        }
        for (hash, moved) in chain.moved_between(below, head) {
            let ours = books.table("pool_addresses").any(|(_, line)| line.text("address") == moved.to);
            let there = books.table("transfers").any(|(_, row)| row.text("tx_hash") == hash && tells(row, &moved));
            self.demand(!ours || there, "a cursor is past money", || format!("{} {hash}, {below} to {head}: {moved:?}", change.id));
        }
    }

    fn link(&mut self, change: &Change) {
        let (total, reserved, sold) =
            (change.after.opt("inventory_total"), change.after.int("inventory_reserved"), change.after.int("inventory_sold"));
        self.demand(total.is_none_or(|total| reserved + sold <= total), "a link is oversold", || format!("{change:?}"));
    }

    /// What was answered stands in the books, as it was answered.
    fn told_of(&mut self, id: &str, books: &Books) {
        let Some(told) = self.told.get(id).cloned() else { return };
        let Some(row) = books.row("orders", id) else { return self.wrong("an order that was answered is gone", id.to_owned()) };
        let same = (row.text("address"), row.text("chain_id"), row.text("currency")) == (&told.address, &told.chain, &told.currency)
            && told.amount.parse::<Amount>().is_ok_and(|amount| amount.to_decimal() == row.units("amount").to_amount().to_decimal())
            && told.closes_at.is_none_or(|closes_at| closes_at.millis() == row.int("closes_at"));
        self.demand(same, "an order is not as it was answered", || format!("{told:?} and {row:?}"));
    }
}
