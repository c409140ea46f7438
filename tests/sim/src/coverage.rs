//! What has happened, by name and how often: a world in which something never happens proves nothing about it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts of one world, shared by all who notice something.
#[derive(Debug, Clone, Default)]
pub struct Coverage(Arc<Mutex<BTreeMap<String, u64>>>);

impl Coverage {
    pub fn hit(&self, name: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name.into()).or_default() += 1;
    }

    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What must have happened in a run of many worlds, besides every kind of act.
const MUST: &[&str] = &[
    "a clock is ahead",
    "a clock is behind",
    "a node parts",
    "a server is paused",
    "a lease is lost",
    "a step fails for a node",
    "a step goes on",
    "a step is held up",
    "answer lost",
    "request lost",
    "crash between, After",
    "crash in a call, Before",
    "crash in a call, Torn",
    "crash in a call, After",
    "crash in a step, Before",
    "crash in a step, Torn",
    "crash in a step, Between",
    "crash in a step, After",
    "deep reorganisation",
    "reorganisation",
    "finality stalls",
    "dust",
    "node down",
    "node has parted",
    "node hides",
    "node lags",
    "node limits",
    "node times out",
    "node is broken",
    "node says HTML",
    "node says half",
    "node says null",
    "node is too large",
    "one of two servers is killed",
    "a backup is made",
    "a backup is restored",
    "restart",
    "two servers",
    "receiver down",
    "receiver fails",
    "receiver is gone",
    "receiver loses its answer",
    "secret rotated",
    "forged webhook refused",
    "replayed webhook refused",
    "webhook delivered",
    "webhook sent again",
    "webhook given up",
    // How orders go.
    "order: nothing → pending",
    "order: pending → seen",
    "order: seen → pending",
    "order: seen → completed",
    "order: pending → expired",
    "order: completed → reverted",
    "order: reverted → completed",
    "order: expired → expired, paid late",
    // What becomes of transfers.
    "transfer: order",
    "transfer: deposit",
    "transfer: orphan",
    "transfer: late",
    "transfer: wrong_currency",
    "transfer: wrong_chain",
    "transfer: no_holder",
    // Events.
    "event order.created",
    "event order.payment_detected",
    "event order.completed",
    "event order.expired",
    "event order.reverted",
    "event order.paid_late",
    "event deposit.pending",
    "event deposit.confirmed",
    "event deposit.completed",
    "event deposit.reverted",
    "event deposit.address_bound",
    "event deposit.address_unbound",
    "event transfer.detected",
    "event transfer.confirmed",
    "event transfer.unmatched",
    "event payment_link.order_completed",
    "event payment_link.order_expired",
    "event address_pool.low",
    "event address_pool.imported",
    "event webhook_endpoint.disabled",
    // Error codes.
    "code INVALID_API_KEY",
    "code INVALID_AMOUNT",
    "code INVALID_CHAIN",
    "code INVALID_CURRENCY",
    "code VALIDATION_ERROR",
    "code RESOURCE_NOT_FOUND",
    "code DEPOSIT_REFERENCE_NOT_FOUND",
    "code DUPLICATE_ORDER_REFERENCE",
    "code DUPLICATE_DEPOSIT_REFERENCE",
    "code IDEMPOTENCY_KEY_CONFLICT",
    "code NO_AVAILABLE_ADDRESSES",
    "code CHAIN_UNAVAILABLE",
    "code SOLD_OUT",
];

/// What never happened and must have.
#[must_use]
pub fn missing(counts: &BTreeMap<String, u64>) -> Vec<String> {
    let acts = crate::act::KINDS.iter().map(|(kind, ..)| format!("act {kind:?}"));
    let forgeries = crate::chain::attack::FORGERIES.iter().map(|forgery| format!("forgery: {forgery}"));
    let must = MUST.iter().map(|name| (*name).to_owned());
    acts.chain(forgeries).chain(must).filter(|name| !counts.contains_key(name)).collect()
}
