//! Why an order is paid or is not: facts in, findings out, each with a word for programs, a sentence for people and what it rests on. It
//! decides nothing: whatever it says has been decided by `order.rs`, `transfer.rs` and `finality.rs`, and must say the same as they.

mod chain;
mod payments;
mod words;

use payin_types::explanation::{Evidence, ExplainedTransfer, Explanation, Finding, FindingCode};
use payin_types::{OrderStatus, Timestamp};
use serde_json::Map;

use crate::order::Facts;
use crate::record::{Depth, Record};
use crate::transfer::{Unmatched, is_dust};
use crate::{Chain, Units};
use words::{amount, span};

/// How far an order's chain has been followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// The newest block taken in: its height.
    pub head: u64,
    /// Its time.
    pub head_time: Timestamp,
    /// The newest block that will not be taken back.
    pub at_rest: u64,
    /// Time of the newest block whose payments are confirmed.
    pub confirmed_time: Option<Timestamp>,
    /// When the newest block was taken in, by our clock.
    pub moved_at: Timestamp,
    /// Why the chain is not followed any more.
    pub halted: Option<String>,
    /// From this time of the chain on there are blocks that were not looked at yet.
    pub gap_since: Option<Timestamp>,
}

/// Blocks that no node could give: a person declared them lost, and nothing was looked for in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The lowest.
    pub from: u64,
    /// The highest.
    pub to: u64,
    /// Of which time of the chain they are at least.
    pub since: Timestamp,
    /// And at most.
    pub until: Timestamp,
    /// The person's words.
    pub reason: String,
}

/// Everything that is known of an order and what came for it.
#[derive(Debug, Clone)]
pub struct Known<'a> {
    /// The order.
    pub order: &'a Facts,
    /// How much less than the amount still completes it.
    pub tolerance: Units,
    /// Its chain; `None`: this deployment does not offer it any more.
    pub chain: Option<&'a Chain>,
    /// How far that has been followed; `None`: never.
    pub followed: Option<&'a Followed>,
    /// What went wrong when it was last followed.
    pub trouble: Option<&'a str>,
    /// The blocks of its chain that were declared lost.
    pub lost: &'a [Lost],
    /// What came for the order: all, or the largest; each with how deep its own chain has it.
    pub transfers: &'a [(Record, Depth)],
    /// How many more came.
    pub left_out: u64,
    /// The sum of all that will count once it is confirmed.
    pub pending: Units,
    /// The time.
    pub now: Timestamp,
}

/// Says why an order is paid or is not.
#[must_use]
pub fn explain(known: &Known<'_>) -> Explanation {
    let order = known.order;
    let mut findings = match order.status() {
        OrderStatus::Completed => known.completed(),
        OrderStatus::Expired => known.expired(),
        _ => known.open(),
    };
    findings.extend(known.small());
    let wire = order.to_wire(None);
    Explanation {
        summary: known.summary(&findings),
        findings,
        chain: chain::shown(known),
        order_id: wire.order_id,
        order_reference: wire.order_reference,
        status: wire.status,
        amount: wire.amount,
        currency: wire.currency,
        address: wire.address,
        received_amount: order.received.to_amount(),
        pending_amount: known.pending.to_amount(),
        explained_at: known.now,
        extra: Map::new(),
    }
}

fn finding(code: FindingCode, message: String, evidence: Evidence) -> Finding {
    Finding { code, message, evidence }
}

impl Known<'_> {
    fn asked(&self) -> Units {
        self.order.terms.units
    }

    /// A sum in the order's currency.
    fn sum(&self, units: Units) -> String {
        amount(units, &self.order.terms.currency)
    }

    /// What is missing, were all that has been seen confirmed.
    fn missing(&self) -> Units {
        self.asked().saturating_sub(self.order.received.saturating_add(self.pending))
    }

    /// The transfers that are worth a word of their own.
    fn real(&self) -> impl Iterator<Item = &(Record, Depth)> {
        self.transfers.iter().filter(|(record, _)| !self.is_small(record))
    }

    /// Dust, unless dust is what the order asks for.
    fn is_small(&self, record: &Record) -> bool {
        is_dust(record.transfer.amount) && record.transfer.amount < self.asked()
    }

    fn counting(&self, confirmed: bool) -> Vec<&(Record, Depth)> {
        let counts =
            |record: &Record| record.unmatched.is_none() && record.orphaned_at.is_none() && record.confirmed_at.is_some() == confirmed;
        self.transfers.iter().filter(|(record, _)| counts(record)).collect()
    }

    /// Transfers as evidence.
    fn shown<'a>(&self, transfers: impl IntoIterator<Item = &'a (Record, Depth)>) -> Vec<ExplainedTransfer> {
        let closes_at = self.order.closes_at();
        let show = |(record, depth): &(Record, Depth)| {
            let (wire, time) = (record.to_wire(*depth), record.transfer.block_time);
            let is_late = record.unmatched == Some(Unmatched::Late) && time > closes_at;
            ExplainedTransfer {
                transfer_id: wire.transfer_id,
                tx_hash: wire.tx_hash,
                chain_id: wire.chain_id,
                currency: wire.currency,
                amount: wire.amount,
                from_address: wire.from_address,
                block_number: wire.block_number,
                block_time: time,
                confirmations: wire.confirmations,
                required_confirmations: wire.required_confirmations,
                status: wire.status,
                unmatched_reason: wire.unmatched_reason,
                late_by_seconds: is_late.then(|| time.since(closes_at).as_secs()),
                extra: Map::new(),
            }
        };
        transfers.into_iter().map(show).collect()
    }

    fn completed(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        findings.push(self.reverted().unwrap_or_else(|| self.paid()));
        findings.extend(self.overpaid());
        findings.extend(self.waiting());
        findings.extend(self.strays());
        findings
    }

    fn expired(&self) -> Vec<Finding> {
        let (order, closes_at, lost) = (self.order, self.order.closes_at(), chain::lost(self));
        let looked_at = if lost.is_empty() { "" } else { " that were looked at" };
        let message = format!(
            "It expired at {}: up to the end of its grace period at {closes_at} the confirmed blocks of {}{looked_at} held {} of the {} it \
             asks for.",
            order.expired_at.unwrap_or(closes_at),
            order.terms.chain_id,
            self.sum(order.received),
            self.sum(self.asked()),
        );
        let evidence = Evidence {
            missing_amount: Some(self.missing().to_amount()),
            since: order.expired_at,
            until: Some(closes_at),
            transfers: self.shown(self.counting(true)),
            ..Evidence::default()
        };
        let mut findings = vec![finding(FindingCode::ExpiredUnpaid, message, evidence)];
        findings.extend(lost);
        findings.extend(self.strays());
        findings
    }

    fn open(&self) -> Vec<Finding> {
        let mut findings = chain::trouble(self);
        findings.extend(self.waiting());
        findings.extend(self.short());
        findings.extend(self.strays());
        findings.extend(self.nothing_seen());
        findings.extend(chain::lost(self));
        findings.push(self.window());
        findings
    }

    /// Whether there is still time.
    fn window(&self) -> Finding {
        let (order, now) = (self.order, self.now);
        let (ends, closes) = (order.window_ends_at(), order.closes_at());
        let decides = format!("What decides is the time of the block, which may be {closes} at the latest.");
        let (code, until, message) = if now < ends {
            (FindingCode::WindowOpen, ends, format!("The payer has until {ends} to send, {} from now. {decides}", span(ends.since(now))))
        } else if now <= closes {
            let left = span(closes.since(now));
            (
                FindingCode::GracePeriod,
                closes,
                format!("The payment window ended at {ends}; for {left} more a payment still counts. {decides}"),
            )
        } else {
            let reached = self.followed.and_then(|followed| followed.confirmed_time);
            let reached = reached.map_or_else(|| "have not begun".to_owned(), |time| format!("have come to {time}"));
            let waits = "no payment in time is to be missed, so it expires only when they are past that";
            let message = format!("Its time was over at {closes}. The confirmed blocks of {} {reached}: {waits}.", order.terms.chain_id);
            (FindingCode::WindowOver, closes, message)
        };
        finding(code, message, Evidence { until: Some(until), ..Evidence::default() })
    }

    /// What came in pieces too small to speak of one by one, and what is not shown at all.
    fn small(&self) -> Vec<Finding> {
        /// Dust is evidence enough in a few specimens.
        const SPECIMENS: usize = 5;
        let mut findings = Vec::new();
        let dust: Vec<_> = self.transfers.iter().filter(|(record, _)| self.is_small(record)).collect();
        if !dust.is_empty() {
            let message = format!(
                "{} of less than {} each came; they count where they match, and no event is sent for them.",
                words::count(dust.len(), "transfer"),
                Units::HUNDREDTH.to_amount()
            );
            let left_out = u64::try_from(dust.len().saturating_sub(SPECIMENS)).ok().filter(|more| *more > 0);
            let transfers = self.shown(dust.into_iter().take(SPECIMENS));
            findings.push(finding(FindingCode::Dust, message, Evidence { left_out, transfers, ..Evidence::default() }));
        }
        if self.left_out > 0 {
            let message = format!("{} more came, none of them larger than those shown; the list of transfers has them all.", self.left_out);
            findings.push(finding(FindingCode::MoreTransfers, message, Evidence { left_out: Some(self.left_out), ..Evidence::default() }));
        }
        findings
    }

    fn summary(&self, findings: &[Finding]) -> String {
        let order = self.order;
        let has = |code: FindingCode| findings.iter().any(|finding| finding.code == code);
        let received = format!("{} of {}", self.sum(order.received), self.sum(self.asked()));
        match order.status() {
            OrderStatus::Completed if order.reverted_at.is_some() => {
                format!("It was paid, and its chain took a payment back: {received} stand.")
            }
            OrderStatus::Completed => format!("It is paid: {received} came and are confirmed."),
            OrderStatus::Expired if has(FindingCode::Late) => format!("It expired unpaid, with {received}; money came too late."),
            OrderStatus::Expired => format!("It expired unpaid, with {received}."),
            _ => {
                let first = findings.first().map_or_else(|| "it waits".to_owned(), |first| self.phrase(&first.code));
                format!("It is not paid yet: {first}.")
            }
        }
    }

    /// The first finding of an open order in a few words.
    fn phrase(&self, code: &FindingCode) -> String {
        let chain = &self.order.terms.chain_id;
        match code {
            FindingCode::ChainUnfollowed => format!("{chain} is not followed"),
            FindingCode::ChainHalted => format!("{chain} is halted until a person has looked"),
            FindingCode::ChainStale => format!("{chain} is behind"),
            FindingCode::ChainDegraded => format!("{chain} cannot be followed at the moment"),
            FindingCode::ChainGap => format!("blocks of {chain} are still to be looked at"),
            FindingCode::Confirming => "a payment was seen and waits for confirmations".to_owned(),
            FindingCode::Resting => "a payment was seen and waits until its block has come to rest".to_owned(),
            FindingCode::Agreeing => "a payment was seen and waits for a second node's word".to_owned(),
            FindingCode::Short => format!("{} are missing", self.sum(self.missing())),
            FindingCode::WrongToken => "what came is another token".to_owned(),
            FindingCode::WrongChain => "what came is on another chain".to_owned(),
            FindingCode::Late => "what came is too late".to_owned(),
            FindingCode::TakenBack => "what came was taken back by its chain".to_owned(),
            _ => "no payment has been seen".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
