//! What anybody who knows an order's id may see of it: enough to pay it, nothing of the merchant's own.

use payin_types::PublicOrder;
use serde_json::Map;

use crate::order::Facts;
use crate::redirect;

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
