//! What anybody who knows an order's id may see of it: enough to pay it, and how far that has come, nothing of the merchant's own.

mod network;
mod request;

use payin_types::{PublicOrder, Timestamp};
use serde_json::Map;

use crate::Units;
use crate::order::{Facts, is_paid};
use crate::redirect;
use crate::transfer::is_noticed;
pub use network::{network, token_standard};
pub use request::{Call, Transfer, call, uri};

/// An order as its payer may see it, given its chain's newest block.
#[must_use]
pub fn public_order(facts: &Facts, head: Option<u64>) -> PublicOrder {
    let order = facts.to_wire(head);
    PublicOrder {
        order_id: order.order_id,
        status: order.status,
        amount: order.amount,
        currency: order.currency,
        chain_id: order.chain_id,
        protocol: order.protocol,
        address: order.address,
        received_amount: facts.received.to_amount(),
        remaining_amount: facts.remaining().to_amount(),
        paid_late: order.paid_late,
        created_at: order.created_at,
        expires_at: order.expires_at,
        grace_period_ends_at: facts.closes_at(),
        detected_at: order.detected_at,
        completed_at: order.completed_at,
        expired_at: order.expired_at,
        tx_hash: order.tx_hash,
        confirmations: order.confirmations,
        required_confirmations: facts.required_confirmations,
        redirect_url: redirect::target(facts),
        extra: Map::new(),
    }
}

/// Where an order stands, in the eyes of whoever pays it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing has come, and there is time to send.
    Open,
    /// Something has come, not enough, and there is time to send the rest.
    Short,
    /// The time to send is over; what a block takes in now still counts.
    Grace,
    /// All time is over; the chain's last blocks are still looked at.
    Closing,
    /// Enough has come, and waits for confirmations.
    Confirming,
    /// Paid.
    Paid,
    /// It was paid, and the chain took the payment back.
    TakenBack,
    /// Over, and not paid.
    Expired,
    /// Over, and money came after.
    Late,
}

/// How far paying an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Where it stands.
    pub stage: Stage,
    /// What has come, confirmed or not.
    pub arrived: Units,
    /// What is still to be sent.
    pub missing: Units,
    /// What has come beyond the amount.
    pub excess: Units,
}

/// How far paying an order has come. `pending`: the sum of what counts once it is confirmed.
#[must_use]
pub fn progress(order: &Facts, pending: Units, tolerance: Units, now: Timestamp) -> Progress {
    let (arrived, amount) = (order.received.saturating_add(pending), order.terms.units);
    let stage = match (order.completed_at, order.expired_at) {
        (Some(_), _) if order.reverted_at.is_some() => Stage::TakenBack,
        (Some(_), _) => Stage::Paid,
        (None, Some(_)) if order.is_paid_late() => Stage::Late,
        (None, Some(_)) => Stage::Expired,
        (None, None) if is_paid(arrived, amount, tolerance) => Stage::Confirming,
        (None, None) if now >= order.closes_at() => Stage::Closing,
        (None, None) if now >= order.window_ends_at() => Stage::Grace,
        // Dust is nobody's payment: it must not change what a payer is about to send.
        (None, None) if !is_noticed(arrived, amount) => Stage::Open,
        (None, None) => Stage::Short,
    };
    let missing = if stage == Stage::Open { amount } else { amount.saturating_sub(arrived) };
    Progress { stage, arrived, missing, excess: arrived.saturating_sub(amount) }
}

#[cfg(test)]
mod tests;
