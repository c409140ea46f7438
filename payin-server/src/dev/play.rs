//! What the sandbox API does to the simulated world: payments, blocks, reorganisations, time. Each answers once everything due has happened,
//! at that moment. It must not touch the database.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::Error;
use payin_types::sandbox::{
    Advance, Advanced, Asserted, Assertion, ChainHead, Cleared, ClockState, ControlChain, FaultPlace, FaultRule, FaultRules, Journal,
    JournalKind, Mine, Mined, NewFault, Paid, Pay, PayDeposit, PaymentKind, ReadJournal, Reorg, Reorganised, SimulatedChain,
    SimulatedChains, Snapshot,
};
use payin_types::{DepositReference, ErrorCode, Order, OrderStatus};

use super::hands::Hands;
use super::life::Luck;
use super::lives::{Moments, Present, START};
use super::payment::{self, Payment};
use super::post::FaultyPost;
use crate::app::App;
use crate::env::{Clock as _, SystemClock};
use crate::http::sandbox::{Disturbance, Sandbox, Wrong};
use crate::sandbox::faults::Effect;
use crate::sandbox::world::Fate;
use crate::sandbox::{self, Faults, Filter, World, WorldFault};

/// Entries of the journal in one answer: usually, and at most.
const ENTRIES: (u32, u32) = (100, 1_000);
/// What an assertion that does not hold shows of what came instead.
const SHOWN: usize = 10;

/// The world as the sandbox API offers it.
pub(super) struct Play {
    pub(super) app: App,
    pub(super) world: Arc<World>,
    pub(super) hands: Arc<Hands>,
    pub(super) faults: Arc<Faults>,
    pub(super) journal: Arc<sandbox::Journal>,
    /// Lets go of webhooks that were held back.
    pub(super) post: Arc<FaultyPost>,
    pub(super) luck: Luck,
    pub(super) moments: Arc<Moments>,
}

impl From<WorldFault> for Error {
    fn from(fault: WorldFault) -> Self {
        match fault {
            WorldFault::NoChain(_) => Self::new(ErrorCode::InvalidChain, fault.to_string()),
            WorldFault::Address(_) => Self::field("orderId", fault.to_string()),
            WorldFault::TooMuch => Self::new(ErrorCode::InvalidAmount, fault.to_string()),
            WorldFault::Reorg(_) => Self::field("depth", fault.to_string()),
            WorldFault::Unlike(_) => Self::field("kind", fault.to_string()),
            WorldFault::Transaction(field, ..) => Self::field(field, fault.to_string()),
        }
    }
}

fn within(field: &str, value: u64, most: u64) -> Result<(), Error> {
    if (1..=most).contains(&value) { Ok(()) } else { Err(Error::field(field, format!("must be 1 to {most}, is {value}"))) }
}

impl Play {
    /// Sends a payment, transaction by transaction, each in a block of its own if blocks are made at all.
    fn send(&self, payment: &Payment, mine: bool) -> Result<Paid, Error> {
        let mut hashes = Vec::new();
        for transaction in &payment.transactions {
            hashes.push(self.world.pay(&payment.chain_id, &payment.to, transaction)?);
            if mine {
                self.world.mine(Some(&payment.chain_id), 1)?;
            }
        }
        let tx_hash = hashes.first().cloned().unwrap_or_default();
        let tx_hashes = if hashes.len() > 1 { hashes } else { Vec::new() };
        Ok(Paid { chain_id: payment.chain_id.clone(), tx_hash, tx_hashes, pending: Vec::new() })
    }

    async fn pay_order(&self, order: &Order, pay: &Pay) -> Result<Paid, Error> {
        let kind = payment::known(pay.kind.clone())?;
        // Paying what is over is refused, unless that is what is to be tried.
        match order.status {
            OrderStatus::Expired if kind != PaymentKind::Late => {
                return Err(Error::new(ErrorCode::OrderExpired, format!("Order {} has expired; create a new one", order.order_id)));
            }
            OrderStatus::Completed if payment::is_all_that_is_due(&kind) && pay.amount.is_none() => {
                return Err(Error::new(ErrorCode::OrderAlreadyPaid, format!("Order {} is already paid", order.order_id)));
            }
            _ => {}
        }
        let payment = payment::of_order(&self.world, order, pay.amount, &kind)?;
        let _turn = self.hands.take().await;
        if kind == PaymentKind::Late {
            let closes = order.grace_period_ends_at.unwrap_or(order.expires_at);
            self.hands.advance(closes.since(self.world.clock().now()) + Duration::from_secs(60)).await;
        }
        let paid = self.send(&payment, pay.mine.unwrap_or(true))?;
        Ok(Paid { pending: self.hands.settle().await, ..paid })
    }

    /// How the sandbox began is kept, so that it can return there. Where it cannot be kept, returning is refused.
    pub(super) async fn keep_start(&self) -> anyhow::Result<()> {
        match self.keep(true).await {
            Err(error) if error.code != ErrorCode::InvalidState => anyhow::bail!(error.message),
            _ => Ok(()),
        }
    }

    async fn keep(&self, is_start: bool) -> Result<Snapshot, Error> {
        let _turn = self.hands.take().await;
        let still = self.hands.hold();
        self.hands.settle().await;
        let frozen = !still.was_running;
        let present = Present { app: &self.app, world: &self.world, journal: &self.journal, luck: &self.luck, frozen };
        self.moments.keep(is_start, &present).await
    }

    fn filter(query: &ReadJournal) -> Filter {
        Filter { kind: query.kind.clone(), pattern: query.pattern.clone(), after: query.after.unwrap_or_default() }
    }
}

impl Sandbox for Play {
    fn pay<'a>(&'a self, order: &'a Order, pay: Pay) -> BoxFuture<'a, Result<Paid, Error>> {
        async move { self.pay_order(order, &pay).await }.boxed()
    }

    fn pay_deposit<'a>(&'a self, reference: &'a DepositReference, pay: PayDeposit) -> BoxFuture<'a, Result<Paid, Error>> {
        async move {
            let payment = payment::of_deposit(&self.world, reference, &pay)?;
            let _turn = self.hands.take().await;
            let paid = self.send(&payment, pay.mine.unwrap_or(true))?;
            Ok(Paid { pending: self.hands.settle().await, ..paid })
        }
        .boxed()
    }

    fn mine(&self, mine: Mine) -> BoxFuture<'_, Result<Mined, Error>> {
        async move {
            let blocks = mine.blocks.unwrap_or(1);
            within("blocks", u64::from(blocks), 1000)?;
            let _turn = self.hands.take().await;
            let grown = self.world.mine(mine.chain_id.as_ref(), blocks)?;
            let pending = self.hands.settle().await;
            Ok(Mined { chains: grown.into_iter().map(|(chain_id, head)| ChainHead { chain_id, head }).collect(), pending })
        }
        .boxed()
    }

    fn reorg(&self, reorg: Reorg) -> BoxFuture<'_, Result<Reorganised, Error>> {
        async move {
            within("depth", u64::from(reorg.depth), 1000)?;
            let drop = reorg.drop.unwrap_or(false);
            if drop && !reorg.lose.is_empty() {
                return Err(Error::field("lose", "is for a reorganisation that does not drop all; say one of both"));
            }
            let fate = Fate { drop, lose: reorg.lose, bring_back: reorg.bring_back };
            let _turn = self.hands.take().await;
            let head = self.world.reorg(&reorg.chain_id, reorg.depth, &fate)?;
            let pending = self.hands.settle().await;
            Ok(Reorganised { chain_id: reorg.chain_id, head, pending })
        }
        .boxed()
    }

    fn chains(&self) -> SimulatedChains {
        SimulatedChains { chains: self.world.states() }
    }

    fn control(&self, control: ControlChain) -> BoxFuture<'_, Result<SimulatedChain, Error>> {
        async move {
            let _turn = self.hands.take().await;
            let state = self.world.control(&control.chain_id, control.stopped, control.finality_stalled)?;
            self.hands.wake(&control.chain_id);
            self.hands.settle().await;
            Ok(state)
        }
        .boxed()
    }

    fn clock(&self) -> ClockState {
        ClockState { now: self.world.clock().now(), frozen: self.world.clock().is_frozen() }
    }

    fn freeze(&self) -> BoxFuture<'_, ClockState> {
        async move {
            let _turn = self.hands.take().await;
            self.world.clock().freeze();
            self.hands.settle().await;
            self.clock()
        }
        .boxed()
    }

    fn run(&self) -> BoxFuture<'_, ClockState> {
        async move {
            let _turn = self.hands.take().await;
            self.world.clock().resume();
            self.clock()
        }
        .boxed()
    }

    fn advance(&self, advance: Advance) -> BoxFuture<'_, Result<Advanced, Error>> {
        async move {
            within("seconds", advance.seconds, 31_536_000)?;
            let _turn = self.hands.take().await;
            let pending = self.hands.advance(Duration::from_secs(advance.seconds)).await;
            let ClockState { now, frozen } = self.clock();
            Ok(Advanced { now, frozen, pending })
        }
        .boxed()
    }

    fn add_fault(&self, fault: NewFault) -> Result<FaultRule, Error> {
        self.faults.add(fault).map_err(|(field, problem)| Error::field(field, payin_core::error::shown_up_to(&problem, 240)))
    }

    fn faults(&self) -> FaultRules {
        FaultRules { faults: self.faults.list() }
    }

    fn clear_faults(&self) -> BoxFuture<'_, Cleared> {
        async move {
            let cleared = self.faults.clear();
            self.post.let_go().await;
            let _turn = self.hands.take().await;
            self.hands.settle().await;
            Cleared { cleared: u64::try_from(cleared).unwrap_or(u64::MAX) }
        }
        .boxed()
    }

    fn journal(&self, query: &ReadJournal) -> Result<Journal, Error> {
        let limit = query.limit.unwrap_or(ENTRIES.0);
        within("limit", u64::from(limit), u64::from(ENTRIES.1))?;
        let entries = self.journal.read(&Self::filter(query), usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Journal { entries, forgotten: self.journal.forgotten() })
    }

    fn assert(&self, assertion: &Assertion) -> Result<Asserted, Error> {
        let Assertion { kind, pattern, after, count } = assertion;
        let after = after.unwrap_or_default();
        let filter = Filter { kind: kind.clone(), pattern: pattern.clone(), after };
        let found = u64::try_from(self.journal.count(&filter)).unwrap_or(u64::MAX);
        if count.map_or(found > 0, |count| found == count) {
            return Ok(Asserted { count: found });
        }
        let expected = count.map_or("at least 1".to_owned(), |count| count.to_string());
        let asked = pattern.as_deref().unwrap_or("*");
        let came = self.journal.newest(&Filter { pattern: None, ..filter }, SHOWN);
        let came = came.iter().map(|entry| format!("#{} {} {} {}", entry.seq, entry.kind, entry.what, entry.outcome).trim_end().to_owned());
        let came = came.collect::<Vec<_>>().join("; ");
        let instead = if came.is_empty() { "nothing came".to_owned() } else { format!("the newest are: {came}") };
        let message = format!("Asserted were {expected} of '{}', there are {found}; {instead}", payin_core::error::shown(asked));
        Err(Error::new(ErrorCode::NotAsAsserted, message))
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Snapshot, Error>> {
        self.keep(false).boxed()
    }

    fn moment(&self, id: Option<&str>) -> Result<Snapshot, Error> {
        self.moments.find(id.unwrap_or(START)).map(|(snapshot, _)| snapshot)
    }

    fn disturb<'a>(&'a self, asked: &'a str) -> BoxFuture<'a, Option<Disturbance>> {
        async move {
            let applied = self.faults.apply(&FaultPlace::Api, asked)?;
            let wrong = match applied.effect {
                Effect::Latency(span) => {
                    SystemClock.sleep_until(SystemClock.now().plus(span)).await;
                    None
                }
                Effect::Error(code, is_done) => Some(Wrong { error: Some((code, None)), is_done }),
                Effect::RateLimit(after) => Some(Wrong { error: Some((ErrorCode::RateLimitExceeded, after)), is_done: false }),
                Effect::Drop(is_done) => Some(Wrong { error: None, is_done }),
                Effect::Duplicate | Effect::Reorder | Effect::Lose => None,
            };
            Some(Disturbance { rule: applied.id, wrong })
        }
        .boxed()
    }

    fn answered(&self, asked: String, outcome: String, request_id: Option<String>, disturbance: Option<&Disturbance>) {
        self.journal.note(JournalKind::Request, asked, outcome, request_id, disturbance.map(|disturbance| disturbance.rule));
    }
}
