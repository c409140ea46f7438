//! Orders, addresses, a link's inventory and a chain, kept step by step as the server's ledger keeps them in its database, by the very
//! functions that it calls. It decides nothing itself.

use std::sync::LazyLock;

use payin_types::{EventType, OrderId};
use serde_json::json;

use super::recount::{Asks, Decided, Fact, Held, Sent};
use super::{ADDRESSES, AMOUNTS, LINK_TOTAL, Step};
use crate::chains;
use crate::dialect::{Change, changes};
use crate::finality::{Confirmed, Finality, rest};
use crate::link::{Link, offer};
use crate::order::*;
use crate::transfer::{Holder, OrderHold, Transfer, Unmatched, attribute};

static CHAIN: LazyLock<Chain> =
    LazyLock::new(|| chains::known().into_iter().find(|chain| chain.id.as_str() == "ethereum-sepolia").unwrap());
/// Of a token on a chain each: the first two are what orders ask for.
static KINDS: LazyLock<[(ChainId, Currency); 3]> = LazyLock::new(|| {
    [("ethereum-sepolia", "USDT"), ("ethereum-sepolia", "USDC"), ("base-sepolia", "USDT")]
        .map(|(chain, token)| (chain.into(), token.into()))
});
static POOL: LazyLock<[Address; ADDRESSES]> = LazyLock::new(|| [1, 2, 3].map(|byte| Address::from_evm_bytes(&[byte; 20])));
static LINK: LazyLock<Link> = LazyLock::new(|| {
    let body = json!({"title": "Coffee", "amount": "1", "inventoryTotal": LINK_TOTAL,
        "currencies": [{"currency": "USDT", "chainOptions": ["ethereum-sepolia"]}]});
    let now = Timestamp::from_secs(0);
    Link {
        id: "pl_1".into(),
        organization_id: "org_1".into(),
        offer: offer(serde_json::from_value(body).unwrap(), &Chains::new(vec![CHAIN.clone()]), now).unwrap(),
        reserved: 0,
        sold: 0,
        slug: None,
        published_at: Some(now),
        first_published_at: Some(now),
        archived_at: None,
        deleted_at: None,
        created_at: now,
        updated_at: now,
    }
});

pub(super) fn units(millionths: u64) -> Units {
    Units::from_base_units(millionths.into(), 6).unwrap()
}

/// One who was given an address.
pub(super) struct Holding {
    address: usize,
    begins: i64,
    released: Option<i64>,
    /// Of an order; a deposit reference has none.
    pub(super) facts: Option<Facts>,
}

/// A transfer, with what is written down of it.
pub(super) struct Row {
    pub(super) transfer: Transfer,
    address: usize,
    seen: bool,
    holder: Option<usize>,
    pub(super) verdict: Result<(), Unmatched>,
    stands: bool,
    pub(super) confirmed: bool,
}

fn counts_or_late(verdict: Result<(), Unmatched>) -> bool {
    matches!(verdict, Ok(()) | Err(Unmatched::Late))
}

/// As the server keeps it.
pub(super) struct Kept {
    chain: Chain,
    tolerance: Units,
    times: Vec<i64>,
    rest: u64,
    pub(super) holdings: Vec<Holding>,
    pub(super) rows: Vec<Row>,
    pub(super) link: Link,
    pub(super) facts: Vec<Fact>,
    pub(super) told: Vec<(usize, EventType)>,
}

impl Kept {
    pub(super) fn new(decided: Decided) -> Self {
        let mut chain = CHAIN.clone();
        chain.confirmations = decided.required as u64;
        chain.confirmed = if decided.counts_at_rest { Confirmed::AtRest } else { Confirmed::ByCount };
        chain.finality = Finality::Depth(decided.rests_below as u64);
        let (tolerance, link) = (units(decided.tolerance), LINK.clone());
        Self { chain, tolerance, times: vec![0], rest: 0, holdings: vec![], rows: vec![], link, facts: vec![], told: vec![] }
    }

    fn head(&self) -> u64 {
        self.times.len() as u64 - 1
    }

    fn now(&self) -> i64 {
        self.times[self.times.len() - 1]
    }

    fn is_free(&self, address: usize) -> bool {
        self.holdings.iter().filter(|held| held.address == address).all(|held| held.released.is_some() && held.begins < self.now())
    }

    fn confirmed_time(&self) -> Option<Timestamp> {
        let height = self.chain.confirmed_height(self.head(), self.rest)?;
        Some(Timestamp::from_secs(self.times[usize::try_from(height).unwrap()]))
    }

    /// What the store answers of an order's transfers.
    fn received(&self, order: usize) -> Received {
        let facts = self.holdings[order].facts.as_ref().unwrap();
        let asked = |transfer: &Transfer| transfer.chain_id == facts.terms.chain_id && transfer.currency == facts.terms.currency;
        let late = |row: &&Row| row.verdict.is_ok() || (row.verdict == Err(Unmatched::Late) && asked(&row.transfer));
        let mut rows: Vec<&Row> = self.rows.iter().filter(|row| row.stands && row.holder == Some(order)).filter(late).collect();
        rows.sort_by_key(|row| row.transfer.block_number);
        let mut received = Received::default();
        for row in rows {
            let payment = Payment { tx_hash: row.transfer.tx_hash.clone(), block_number: row.transfer.block_number };
            let counted = Counted { payment, amount: row.transfer.amount, is_confirmed: row.confirmed };
            received.add(counted, row.verdict.is_err()).unwrap();
        }
        received
    }

    /// Changes an order by one of the rules, and what it held of its link.
    fn change(&mut self, order: usize, rule: impl FnOnce(&mut Facts, &Received) -> Vec<EventType>) {
        let received = self.received(order);
        let facts = self.holdings[order].facts.as_mut().unwrap();
        let before = facts.clone();
        self.told.extend(rule(facts, &received).into_iter().map(|what| (order, what)));
        for change in changes(&before, facts).into_iter().filter(|_| facts.payment_link_id.is_some()) {
            self.link.reserved -= u64::from(matches!(change, Change::Paid | Change::Expired));
            self.link.sold += u64::from(change == Change::Paid);
        }
    }

    /// The orders that any of these transfers may change.
    fn orders_of(&self, rows: &[usize], may: fn(Result<(), Unmatched>) -> bool) -> Vec<usize> {
        let rows = rows.iter().map(|at| &self.rows[*at]).filter(|row| may(row.verdict));
        let mut orders: Vec<_> = rows.filter_map(|row| row.holder).collect();
        orders.retain(|order| self.holdings[*order].facts.is_some());
        orders.sort_unstable();
        orders.dedup();
        orders
    }

    fn open(&mut self, address: usize, asks: Asks) {
        if !self.is_free(address) || (asks.by_link && self.link.available() == Some(0)) {
            return;
        }
        let begins = self.now();
        let (chain_id, currency) = KINDS[asks.kind].clone();
        let request = CreateOrder::new("R-1", units(asks.amount).to_amount(), currency, chain_id);
        let terms = open(request, &Chains::new(vec![CHAIN.clone()]), &Settings::default()).unwrap();
        let (window, grace) = (Duration::from_secs(u64::try_from(asks.closes - begins).unwrap()), Duration::ZERO);
        self.link.reserved += u64::from(asks.by_link);
        let facts = Facts {
            id: OrderId::from(format!("ord_{}", self.holdings.len())),
            organization_id: "org_1".into(),
            terms: Terms { window, grace, ..terms },
            address: POOL[address].clone(),
            created_at: Timestamp::from_secs(begins),
            seen_at: None,
            completed_at: None,
            expired_at: None,
            paid_late_at: None,
            reverted_at: None,
            received: Units::ZERO,
            payment: None,
            required_confirmations: self.chain.confirmations,
            payment_link_id: asks.by_link.then(|| self.link.id.clone()),
            origin: None,
        };
        self.hold(address, Some(facts), Some(asks));
    }

    fn hold(&mut self, address: usize, facts: Option<Facts>, asks: Option<Asks>) {
        let begins = self.now();
        self.holdings.push(Holding { address, begins, released: None, facts });
        self.facts.push(Fact::Held(Held { address, begins, asks }));
    }

    fn let_go(&mut self, holding: usize, at: i64) {
        self.holdings[holding].released = Some(at);
        self.facts.push(Fact::LetGo(holding, at));
    }

    fn pay(&mut self, sent: Sent) {
        let (chain_id, currency) = KINDS[sent.kind].clone();
        let address = POOL[sent.address].clone();
        let transfer = Transfer {
            chain_id,
            tx_hash: format!("0x{}", self.rows.len()),
            ordinal: 0,
            block_number: 0,
            block_hash: String::new(),
            block_time: Timestamp::from_secs(0),
            currency,
            contract: address.clone(),
            from: address.clone(),
            to: address,
            amount: units(sent.amount),
        };
        let (address, verdict) = (sent.address, Err(Unmatched::NoHolder));
        self.rows.push(Row { transfer, address, seen: false, holder: None, verdict, stands: false, confirmed: false });
        self.facts.push(Fact::Sent(sent));
    }

    fn block(&mut self, seconds: i64) {
        let time = self.now() + seconds;
        self.times.push(time);
        let come = rest(self.chain.finality, self.head(), None);
        self.rest = self.rest.max(come.map_or(0, |rest| rest.number));
        let found: Vec<usize> = (0..self.rows.len()).filter(|at| !self.rows[*at].stands).collect();
        for at in &found {
            self.see(*at, time);
        }
        for order in self.orders_of(&found, |verdict| verdict.is_ok()) {
            self.change(order, |facts, received| see(facts, received, Timestamp::from_secs(time)));
        }
        self.facts.push(Fact::Block(time, found));
    }

    /// A transfer stands in the newest block. What was sent to one holder is never the next one's.
    fn see(&mut self, at: usize, time: i64) {
        let head = self.head();
        let (row, holdings) = (&mut self.rows[at], &self.holdings);
        (row.transfer.block_number, row.transfer.block_time, row.stands) = (head, Timestamp::from_secs(time), true);
        let of_address = (0..holdings.len()).rev().find(|held| holdings[*held].address == row.address && holdings[*held].begins <= time);
        if row.seen && row.holder != of_address {
            row.verdict = Err(if row.holder.is_some() { Unmatched::Late } else { Unmatched::NoHolder });
            return;
        }
        let released_at = |held: &Holding| held.released.map(Timestamp::from_secs);
        let holder = of_address.map(|held| &holdings[held]).map(|held| match &held.facts {
            None => Holder::Deposit(released_at(held)),
            Some(facts) => Holder::Order(OrderHold {
                chain_id: facts.terms.chain_id.clone(),
                currency: facts.terms.currency.clone(),
                closes_at: facts.closes_at(),
                expired: facts.expired_at.is_some(),
                released_at: released_at(held),
            }),
        });
        (row.seen, row.holder, row.verdict) = (true, of_address, attribute(&row.transfer, holder.as_ref()));
    }

    fn take_back(&mut self, blocks: usize) {
        let fork = (self.times.len() - 1).saturating_sub(blocks).max(usize::try_from(self.rest).unwrap());
        self.times.truncate(fork + 1);
        let taken: Vec<usize> =
            (0..self.rows.len()).filter(|at| self.rows[*at].stands && self.rows[*at].transfer.block_number > fork as u64).collect();
        for at in &taken {
            (self.rows[*at].stands, self.rows[*at].confirmed) = (false, false);
        }
        let (tolerance, now) = (self.tolerance, Timestamp::from_secs(self.now()));
        for order in self.orders_of(&taken, counts_or_late) {
            self.change(order, |facts, received| take_back(facts, received, tolerance, now));
        }
        self.facts.push(Fact::TakenBack(fork));
    }

    fn settle(&mut self) {
        let height = self.chain.confirmed_height(self.head(), self.rest);
        let due = |row: &Row| row.stands && !row.confirmed && height.is_some_and(|height| row.transfer.block_number <= height);
        let confirmed: Vec<usize> = (0..self.rows.len()).filter(|at| due(&self.rows[*at])).collect();
        for at in &confirmed {
            self.rows[*at].confirmed = true;
        }
        let (tolerance, now) = (self.tolerance, Timestamp::from_secs(self.now()));
        for order in self.orders_of(&confirmed, counts_or_late) {
            self.change(order, |facts, received| settle(facts, received, tolerance, now));
        }
        self.facts.push(Fact::Settled);
    }

    fn look(&mut self) {
        let (over, now) = (self.confirmed_time(), Timestamp::from_secs(self.now()));
        for order in (0..self.holdings.len()).filter(|at| self.holdings[*at].facts.is_some()).collect::<Vec<_>>() {
            let pending = self.rows.iter().any(|row| row.holder == Some(order) && row.verdict.is_ok() && row.stands && !row.confirmed);
            self.change(order, |facts, _| expire(facts, over, pending, now));
        }
        self.facts.push(Fact::Looked);
    }

    /// Orders that are over, and below whose end nothing is taken back any more, let go of their addresses.
    fn release(&mut self) {
        let (rest, rested) = (self.rest, self.times[usize::try_from(self.rest).unwrap()]);
        let moves = |at: usize, row: &Row| {
            row.holder == Some(at) && row.verdict.is_ok() && row.stands && (!row.confirmed || row.transfer.block_number > rest)
        };
        let is_over = |facts: &Facts| facts.status() != OrderStatus::Pending && facts.closes_at() < Timestamp::from_secs(rested);
        for at in 0..self.holdings.len() {
            let held = &self.holdings[at];
            if held.released.is_none() && held.facts.as_ref().is_some_and(is_over) && !self.rows.iter().any(|row| moves(at, row)) {
                self.let_go(at, rested);
            }
        }
    }

    pub(super) fn take(&mut self, step: Step) {
        self.told.clear();
        match step {
            Step::Open { address, amount, kind, seconds, by_link } => {
                let closes = self.now() + seconds;
                self.open(address, Asks { amount: AMOUNTS[amount], kind, closes, by_link });
            }
            Step::Bind(address) if self.is_free(address) => self.hold(address, None, None),
            Step::Unbind(address) => {
                let bound = |held: &Holding| held.address == address && held.facts.is_none() && held.released.is_none();
                let bound = self.holdings.iter().position(bound);
                bound.into_iter().for_each(|at| self.let_go(at, self.now()));
            }
            Step::Bind(_) => {}
            Step::Pay(sent) => self.pay(sent),
            Step::Block(seconds) => self.block(seconds),
            Step::TakeBack(blocks) => self.take_back(blocks),
            Step::Settle => self.settle(),
            Step::Look => self.look(),
            Step::Release => self.release(),
        }
    }
}
