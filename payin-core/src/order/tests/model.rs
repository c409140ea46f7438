//! The rules of orders against a plain count of all that happened: after every step, what the rules have kept (`model/kept.rs`) equals what
//! is found by counting from the beginning (`model/recount.rs`), and what was told is what changed.

mod kept;
mod recount;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use payin_types::EventType;
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::RngAlgorithm;

use crate::dialect::{Heard, Stage};
use crate::order::*;
use crate::transfer::Unmatched;
use kept::{Kept, units};
use recount::{Decided, Recount, Sent, Verdict};

/// Few, so that they come to be used again.
const ADDRESSES: usize = 3;
/// In millionths: dust, the least that is none, and parts that add up.
const AMOUNTS: [u64; 5] = [4_000, 10_000, 500_000, 1_000_000, 1_500_000];
const LINK_TOTAL: u64 = 3;

#[derive(Debug, Clone)]
enum Step {
    Open {
        address: usize,
        amount: usize,
        kind: usize,
        seconds: i64,
        by_link: bool,
    },
    Bind(usize),
    Unbind(usize),
    Pay(Sent),
    Block(i64),
    /// So many blocks are taken back, as far as they may be.
    TakeBack(usize),
    Settle,
    Look,
    Release,
}

fn step() -> impl Strategy<Value = Step> {
    let pay = (0..ADDRESSES, 0..AMOUNTS.len(), prop_oneof![4 => Just(0), 1 => 1usize..3]);
    prop_oneof![
        3 => (0..ADDRESSES, 0..AMOUNTS.len(), prop_oneof![4 => Just(0), 1 => Just(1)], 3i64..20, any::<bool>())
            .prop_map(|(address, amount, kind, seconds, by_link)| Step::Open { address, amount, kind, seconds, by_link }),
        1 => (0..ADDRESSES).prop_map(Step::Bind),
        1 => (0..ADDRESSES).prop_map(Step::Unbind),
        8 => pay.prop_map(|(address, amount, kind)| Step::Pay(Sent { address, amount: AMOUNTS[amount], kind })),
        10 => (0i64..5).prop_map(Step::Block),
        2 => (1usize..5).prop_map(Step::TakeBack),
        8 => Just(Step::Settle),
        4 => Just(Step::Look),
        3 => Just(Step::Release),
    ]
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Stands {
    seen: bool,
    completed: bool,
    expired: bool,
    reverted: bool,
    late: bool,
}

impl Stands {
    fn counted(all: &Recount, order: usize) -> Self {
        let (seen, reverted, holder) = (all.seen(order), all.reverted(order), &all.holders[order]);
        Self { seen, completed: holder.completed, expired: holder.expired, reverted, late: holder.late }
    }

    fn kept(facts: &Facts) -> Self {
        let [seen, completed, expired, reverted, late] =
            [facts.seen_at, facts.completed_at, facts.expired_at, facts.reverted_at, facts.paid_late_at].map(|at| at.is_some());
        Self { seen, completed, expired, reverted, late }
    }

    fn is_paid(self) -> bool {
        self.completed && !self.reverted
    }

    fn is_paid_late(self) -> bool {
        self.late && self.expired
    }

    fn stage(self) -> Stage {
        match self {
            Self { completed: true, reverted: false, .. } => Stage::Paid,
            Self { completed: true, .. } => Stage::Seen,
            Self { expired: true, .. } => Stage::Expired,
            Self { seen: true, .. } => Stage::Seen,
            _ => Stage::Open,
        }
    }

    /// What is told where an order stood elsewhere before.
    fn told(self, before: Self) -> Vec<EventType> {
        let begins = |is: fn(Self) -> bool| is(self) && !is(before);
        let ends = |is: fn(Self) -> bool| !is(self) && is(before);
        let mut told: Vec<EventType> = [
            (begins(|it| it.seen) && !begins(|it| it.completed), EventType::OrderPaymentDetected),
            (begins(Self::is_paid), EventType::OrderCompleted),
            (begins(|it| it.expired), EventType::OrderExpired),
            (begins(|it| it.reverted) || ends(Self::is_paid_late), EventType::OrderReverted),
            (begins(Self::is_paid_late), EventType::OrderPaidLate),
        ]
        .into_iter()
        .filter_map(|(happened, what)| happened.then_some(what))
        .collect();
        told.sort();
        told
    }
}

/// Everything that was kept is what was counted. `before`: where the orders stood.
fn compare(kept: &Kept, counted: &Recount, before: &mut Vec<Stands>) {
    for (row, transfer) in kept.rows.iter().zip(&counted.transfers) {
        let verdict = match row.verdict {
            Ok(()) => Verdict::Counts,
            Err(Unmatched::Late) => Verdict::Late,
            Err(Unmatched::WrongChain | Unmatched::WrongCurrency) => Verdict::Wrong,
            Err(Unmatched::NoHolder) => Verdict::Nobody,
        };
        assert_eq!((verdict, row.confirmed), (transfer.verdict, transfer.confirmed), "{:?}", row.transfer);
    }
    before.resize(kept.holdings.len(), Stands::default());
    for (at, facts) in kept.holdings.iter().enumerate().filter_map(|(at, held)| Some((at, held.facts.as_ref()?))) {
        let stands = Stands::counted(counted, at);
        assert_eq!(Stands::kept(facts), stands, "{facts:?}");
        let status = match (stands.completed, stands.expired) {
            (true, false) => OrderStatus::Completed,
            (false, true) => OrderStatus::Expired,
            (false, false) => OrderStatus::Pending,
            (true, true) => panic!("completed and expired: {facts:?}"),
        };
        assert_eq!(
            (facts.status(), facts.is_paid_late(), Stage::of(facts, Heard::default())),
            (status, stands.is_paid_late(), stands.stage())
        );
        assert_eq!((facts.received, facts.terms.units), (units(counted.received(at)), units(counted.asks(at).amount)), "{facts:?}");
        assert_eq!(facts.remaining(), units(counted.asks(at).amount.saturating_sub(counted.received(at))), "{facts:?}");
        let shown = counted.holders[at].shown.map(|transfer| kept.rows[transfer].transfer.tx_hash.as_str());
        assert_eq!(facts.payment.as_ref().map(|payment| payment.tx_hash.as_str()), shown, "{facts:?}");
        let mut told: Vec<EventType> = kept.told.iter().filter(|(order, _)| *order == at).map(|(_, what)| what.clone()).collect();
        told.sort();
        assert_eq!(told, stands.told(before[at]), "{:?} to {stands:?}", before[at]);
        before[at] = stands;
    }
    let (sold, held) = counted.of_link();
    assert_eq!((kept.link.sold, kept.link.reserved, kept.link.available()), (sold, held, Some(LINK_TOTAL - sold - held)));
}

const STEPS: usize = 30;
const CASES: u32 = 7_000;

fn decided() -> impl Strategy<Value = Decided> {
    (1usize..4, any::<bool>(), 1usize..6, prop_oneof![Just(0), Just(4_000), Just(600_000)])
        .prop_map(|(required, counts_at_rest, rests_below, tolerance)| Decided { required, counts_at_rest, rests_below, tolerance })
}

/// What was met, and how long it took.
#[derive(Debug, Default)]
struct Met {
    steps: u64,
    took: Duration,
    told: BTreeMap<EventType, u64>,
}

/// How fast it goes is printed, without what proptest does to choose the steps.
#[test]
#[expect(clippy::disallowed_methods, reason = "how long it takes is a figure for people; nothing is decided by it")]
fn what_is_kept_is_what_is_counted_from_the_beginning() {
    let met = RefCell::new(Met::default());
    // Unoptimised, the usual generator takes longer than all the rest.
    let config = ProptestConfig { cases: CASES, rng_algorithm: RngAlgorithm::XorShift, ..ProptestConfig::default() };
    proptest!(config, |(decided in decided(), all in vec(step(), STEPS))| {
        let begun = Instant::now();
        let (mut kept, mut before) = (Kept::new(decided), Vec::new());
        for step in all {
            kept.take(step);
            compare(&kept, &Recount::of(&kept.facts, decided), &mut before);
            let mut met = met.borrow_mut();
            met.steps += 1;
            for (_, what) in &kept.told {
                *met.told.entry(what.clone()).or_default() += 1;
            }
        }
        met.borrow_mut().took += begun.elapsed();
    });
    let Met { steps, took, told } = met.into_inner();
    println!("{steps} steps, {} a second; told of: {told:?}", u128::from(steps) * 1_000_000 / took.as_micros().max(1));
    // A model in which nothing happens would find nothing.
    for what in [
        EventType::OrderPaymentDetected,
        EventType::OrderCompleted,
        EventType::OrderExpired,
        EventType::OrderReverted,
        EventType::OrderPaidLate,
    ] {
        assert!(told.get(&what).is_some_and(|times| *times >= 10), "{what}: {told:?}");
    }
}
