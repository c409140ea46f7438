//! What came for an order, and what each of it is to it.

use std::time::Duration;

use payin_types::explanation::{Evidence, Finding, FindingCode};

use super::words::{amount, count, span, transactions};
use super::{Known, chain, finding};
use crate::Units;
use crate::finality::{Confirmed, confirmations};
use crate::order::is_paid;
use crate::record::{Depth, Record};
use crate::transfer::Unmatched;

/// Whose money it is that counts for nothing.
const YOURS: &str = "It is on your own address: credit it by hand, or send it back.";

impl Known<'_> {
    pub(super) fn paid(&self) -> Finding {
        let (order, counting) = (self.order, self.counting(true));
        let allowed = if order.received < self.asked() { ", which the tolerance lets pass," } else { "" };
        let message = format!(
            "{} of the {} it asks for{allowed} came {} and are confirmed; it was completed at {}.",
            self.sum(order.received),
            self.sum(self.asked()),
            transactions(&counting),
            order.completed_at.unwrap_or(self.now),
        );
        let evidence = Evidence { since: order.completed_at, transfers: self.shown(counting), ..Evidence::default() };
        finding(FindingCode::Paid, message, evidence)
    }

    pub(super) fn reverted(&self) -> Option<Finding> {
        let since = self.order.reverted_at?;
        let message = format!(
            "Its chain took a confirmed payment back at {since}: {} of the {} it asks for stand now. Should the payment return, it is \
             completed again.",
            self.sum(self.order.received),
            self.sum(self.asked()),
        );
        let taken = self.real().filter(|(record, _)| record.orphaned_at.is_some() && record.unmatched.is_none());
        let missing_amount = Some(self.missing().to_amount());
        let evidence = Evidence { since: Some(since), missing_amount, transfers: self.shown(taken), ..Evidence::default() };
        Some(finding(FindingCode::Reverted, message, evidence))
    }

    pub(super) fn overpaid(&self) -> Option<Finding> {
        let excess = self.order.received.saturating_sub(self.asked());
        let message = format!("{} more than it asks for came. {YOURS}", self.sum(excess));
        let evidence = Evidence { excess_amount: Some(excess.to_amount()), ..Evidence::default() };
        (!excess.is_zero()).then(|| finding(FindingCode::Overpaid, message, evidence))
    }

    /// Payments that count once they are confirmed.
    pub(super) fn waiting(&self) -> Option<Finding> {
        let waiting = self.counting(false);
        // The newest is confirmed last.
        let newest = waiting.iter().map(|(record, _)| record.transfer.block_number).max()?;
        let (chain, followed) = (self.chain?, self.followed?);
        let came = format!("{} came {}", self.sum(self.pending), transactions(&waiting));
        let largest = waiting.iter().map(|(record, _)| record.transfer.amount).max()?;
        let transfers = self.shown(waiting);
        let (have, need) = (confirmations(followed.head, newest), self.order.required_confirmations);
        let is_large = |least: Option<Units>| least.is_some_and(|least| largest >= least);
        let rests = chain.confirmed == Confirmed::AtRest || is_large(chain.final_above);
        if rests && newest > followed.at_rest {
            let message = format!(
                "{came}. {} counts when its block has come to rest: the newest is in block {newest}, and {} has come to rest up to block {}.",
                if chain.confirmed == Confirmed::AtRest { "A payment" } else { "So large a payment" },
                chain.id,
                followed.at_rest
            );
            let evidence = Evidence { confirmations: Some(have), transfers, ..Evidence::default() };
            return Some(finding(FindingCode::Resting, message, evidence));
        }
        if (rests || have >= need) && is_large(chain.agreed_above) {
            let message = format!("{came}. So large a payment counts once a second node of {} has said the same of it.", chain.id);
            let evidence = Evidence { confirmations: Some(have), transfers, ..Evidence::default() };
            return Some(finding(FindingCode::Agreeing, message, evidence));
        }
        let wait = Duration::from_millis(need.saturating_sub(have).saturating_mul(chain.block_ms));
        let message =
            format!("{came}, with {have} of {need} confirmations. At the pace of {} that takes about {} more.", chain.id, span(wait));
        let evidence = Evidence {
            confirmations: Some(have),
            required_confirmations: Some(need),
            expected_at: Some(self.now.plus(wait)),
            transfers,
            ..Evidence::default()
        };
        Some(finding(FindingCode::Confirming, message, evidence))
    }

    pub(super) fn short(&self) -> Option<Finding> {
        let came = self.order.received.saturating_add(self.pending);
        if came.is_zero() || is_paid(came, self.asked(), self.tolerance) {
            return None;
        }
        let message =
            format!("{} of the {} it asks for came: {} are missing.", self.sum(came), self.sum(self.asked()), self.sum(self.missing()));
        let mut counting = self.counting(true);
        counting.extend(self.counting(false));
        let missing_amount = Some(self.missing().to_amount());
        Some(finding(FindingCode::Short, message, Evidence { missing_amount, transfers: self.shown(counting), ..Evidence::default() }))
    }

    pub(super) fn nothing_seen(&self) -> Option<Finding> {
        let followed = self.followed?;
        if !self.order.received.saturating_add(self.pending).is_zero() {
            return None;
        }
        let terms = &self.order.terms;
        let message = format!(
            "No payment of {} to {} has been seen. {} has been followed up to {}.",
            terms.currency,
            self.order.address,
            terms.chain_id,
            chain::head(self, followed)
        );
        Some(finding(FindingCode::NothingSeen, message, Evidence { since: Some(self.order.created_at), ..Evidence::default() }))
    }

    /// What came and counts for nothing.
    pub(super) fn strays(&self) -> Vec<Finding> {
        let stray = |reason| {
            self.real().filter(move |(record, _)| record.unmatched == Some(reason) && record.orphaned_at.is_none()).collect::<Vec<_>>()
        };
        let (id, currency) = (&self.order.terms.chain_id, &self.order.terms.currency);
        let mut findings = Vec::new();
        let mut tell = |code, found: Vec<&(Record, Depth)>, why: &dyn Fn(&str) -> String| {
            if !found.is_empty() {
                let message = why(&what(&found));
                findings.push(finding(code, message, Evidence { transfers: self.shown(found), ..Evidence::default() }));
            }
        };
        tell(FindingCode::WrongToken, stray(Unmatched::WrongCurrency), &|what| format!("{what}: the order asks for {currency}. {YOURS}"));
        tell(FindingCode::WrongChain, stray(Unmatched::WrongChain), &|what| format!("{what}: the order is to be paid on {id}. {YOURS}"));
        let late = stray(Unmatched::Late);
        let by = late.iter().map(|(record, _)| record.transfer.block_time.since(self.order.closes_at())).max().unwrap_or_default();
        let by = if by.is_zero() { "after the order was over".to_owned() } else { format!("{} after its grace period", span(by)) };
        tell(FindingCode::Late, late, &|what| format!("{what}: too late, {by}. {YOURS}"));
        // What a completed order lost is told before.
        let is_told = |record: &Record| self.order.reverted_at.is_some() && record.unmatched.is_none();
        let back = self.real().filter(|(record, _)| record.orphaned_at.is_some() && !is_told(record)).collect();
        let why = "its chain has taken it back, so it is not there. Should it return, it is looked at anew";
        tell(FindingCode::TakenBack, back, &|what| format!("{what}: {why}."));
        findings
    }
}

/// `12.50 USDC came on base in transaction 0x1`, or how many did.
fn what(found: &[&(Record, Depth)]) -> String {
    match found {
        [one] => {
            let transfer = &one.0.transfer;
            format!("{} came on {} {}", amount(transfer.amount, &transfer.currency), transfer.chain_id, transactions(found))
        }
        many => format!("{} came {}", count(many.len(), "transfer"), transactions(found)),
    }
}
