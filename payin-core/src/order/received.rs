//! What an order's transfers come to, and what that makes of the order: seen, completed, paid late, taken back, expired. Which transfers count
//! is decided in `transfer.rs`, when each was seen; what is written down, and when these are called, is the ledger's business.

use payin_types::{EventType, Timestamp};

use super::{Facts, Payment, is_paid, may_expire};
use crate::Units;
use crate::transfer::{is_dust, is_noticed};

/// What has come for an order, and stands on the chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// The sum of the confirmed payments that count.
    pub sum: Units,
    /// The sum of all payments that count.
    pub seen: Units,
    /// The sum of the confirmed payments that would count, had they not come too late.
    pub late: Units,
    /// All that count, in the order of the chain.
    pub standing: Vec<Counted>,
}

/// A payment that counts, or came too late to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Where it stands.
    pub payment: Payment,
    /// How much.
    pub amount: Units,
    /// Whether it is confirmed.
    pub is_confirmed: bool,
}

impl Received {
    /// Takes in the next payment of the chain. `None` if a sum overflows: then nothing of this may be used.
    #[must_use]
    pub fn add(&mut self, counted: Counted, is_late: bool) -> Option<()> {
        let confirmed = if counted.is_confirmed { counted.amount } else { Units::ZERO };
        if is_late {
            self.late = self.late.checked_add(confirmed)?;
        } else {
            self.seen = self.seen.checked_add(counted.amount)?;
            self.sum = self.sum.checked_add(confirmed)?;
            self.standing.push(counted);
        }
        Some(())
    }
}

/// A payment stands in a block. Answers what is told.
#[must_use]
pub fn see(facts: &mut Facts, received: &Received, now: Timestamp) -> Vec<EventType> {
    let first = facts.seen_at.is_none() && is_noticed(received.seen, facts.terms.units);
    if first {
        facts.seen_at = Some(now);
    }
    refresh(facts, received);
    first.then_some(EventType::OrderPaymentDetected).into_iter().collect()
}

/// Payments were confirmed. Answers what is told.
#[must_use]
pub fn settle(facts: &mut Facts, received: &Received, tolerance: Units, now: Timestamp) -> Vec<EventType> {
    refresh(facts, received);
    let mut what = Vec::new();
    if is_paid(facts.received, facts.terms.units, tolerance) && facts.expired_at.is_none() {
        if facts.completed_at.is_none() || facts.reverted_at.is_some() {
            what.push(EventType::OrderCompleted);
        }
        facts.completed_at.get_or_insert(now);
        facts.reverted_at = None;
        // A tolerance lets so little pass that it was not noticed.
        facts.seen_at.get_or_insert(now);
        if facts.payment.is_none() {
            refresh(facts, received);
        }
    }
    if facts.completed_at.is_none() && facts.paid_late_at.is_none() && is_noticed(received.late, facts.terms.units) {
        facts.paid_late_at = Some(now);
        // Told when the order has expired: a payment in time may still be on its way to being confirmed.
        what.extend(facts.expired_at.map(|_| EventType::OrderPaidLate));
    }
    what
}

/// Its chain took payments back. An order that was completed stays so, says that its payment was taken back, and tells; so does one that is
/// no longer paid late. One that was neither waits again. Answers what is told.
#[must_use]
pub fn take_back(facts: &mut Facts, received: &Received, tolerance: Units, now: Timestamp) -> Vec<EventType> {
    if facts.completed_at.is_none() && !is_noticed(received.seen, facts.terms.units) {
        facts.seen_at = None;
    }
    let unpaid = !is_paid(received.sum, facts.terms.units, tolerance);
    let mut what = Vec::new();
    if facts.completed_at.is_some() && facts.reverted_at.is_none() && unpaid {
        facts.reverted_at = Some(now);
        what.push(EventType::OrderReverted);
    }
    if facts.paid_late_at.is_some() && !is_noticed(received.late, facts.terms.units) {
        facts.paid_late_at = None;
        // Who was told of it may have sent it back already, out of another pocket.
        what.extend(facts.expired_at.map(|_| EventType::OrderReverted));
    }
    refresh(facts, received);
    what
}

/// Its time may be over, by the time of its chain's confirmed blocks. Answers what is told: nothing where it does not expire.
#[must_use]
pub fn expire(facts: &mut Facts, confirmed_chain_time: Option<Timestamp>, payments_pending: bool, now: Timestamp) -> Vec<EventType> {
    let open = facts.completed_at.is_none() && facts.expired_at.is_none();
    if !open || !may_expire(facts.closes_at(), confirmed_chain_time, payments_pending) {
        return Vec::new();
    }
    facts.expired_at = Some(now);
    let late = facts.paid_late_at.map(|_| EventType::OrderPaidLate);
    [EventType::OrderExpired].into_iter().chain(late).collect()
}

/// Brings an order's sum and payment up to its transfers.
fn refresh(facts: &mut Facts, received: &Received) {
    facts.received = received.sum;
    // Dust is not shown in place of a payment, and not at all until it comes to one.
    let real = received.standing.iter().any(|counted| !is_dust(counted.amount));
    let noticed = facts.completed_at.is_some() || is_noticed(received.seen, facts.terms.units);
    let shown: Vec<_> = received.standing.iter().filter(|counted| noticed && !(real && is_dust(counted.amount))).collect();
    let latest = |confirmed: bool| shown.iter().rev().find(|counted| !confirmed || counted.is_confirmed).map(|found| found.payment.clone());
    let completing = facts.payment.as_ref().filter(|_| facts.completed_at.is_some());
    facts.payment = match completing {
        // A completed order keeps showing the payment that completed it while that stands, in whichever block; and when nothing stands
        // any more, as what was taken back.
        Some(kept) => {
            let again = received.standing.iter().find(|counted| counted.payment.tx_hash == kept.tx_hash).map(|found| found.payment.clone());
            again.or_else(|| latest(true)).or_else(|| latest(false)).or_else(|| Some(kept.clone()))
        }
        None => latest(true).or_else(|| latest(false)),
    };
}
