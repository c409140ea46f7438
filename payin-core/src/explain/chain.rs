//! What an order's chain has to do with it: how far it has been followed, and what keeps it from being followed. Nothing of payments.

use payin_types::explanation::{Evidence, ExplainedChain, Finding, FindingCode};
use serde_json::Map;

use super::words::span;
use super::{Followed, Known, Lost, finding};
use crate::order::stale_after;

/// What holds whenever a chain is not followed as it should be.
const MEANWHILE: &str = "Meanwhile nothing on it is confirmed, and no order on it expires";

/// How far the order's chain has been followed.
pub(super) fn shown(known: &Known<'_>) -> ExplainedChain {
    let followed = known.followed;
    ExplainedChain {
        chain_id: known.order.terms.chain_id.clone(),
        head_number: followed.map(|followed| followed.head),
        head_time: followed.map(|followed| followed.head_time),
        lag_seconds: followed.map(|followed| known.now.since(followed.head_time).as_secs()),
        finalized_number: followed.map(|followed| followed.at_rest),
        confirmed_time: followed.and_then(|followed| followed.confirmed_time),
        moved_at: followed.map(|followed| followed.moved_at),
        extra: Map::new(),
    }
}

/// `block 7 of 2026-…, 5 s ago`.
pub(super) fn head(known: &Known<'_>, followed: &Followed) -> String {
    let behind = span(known.now.since(followed.head_time));
    format!("block {} of {}, which is {behind} ago; it was taken in at {}", followed.head, followed.head_time, followed.moved_at)
}

/// What keeps the chain from being followed, the worst first.
pub(super) fn trouble(known: &Known<'_>) -> Vec<Finding> {
    let id = &known.order.terms.chain_id;
    let (Some(chain), Some(followed)) = (known.chain, known.followed) else {
        let message = format!("{id} is not followed by this deployment at the moment, so no payment can be seen. {MEANWHILE}.");
        return vec![finding(FindingCode::ChainUnfollowed, message, Evidence::default())];
    };
    if let Some(reason) = &followed.halted {
        let message = format!("{id} is not followed any more until a person has looked: {reason}. {MEANWHILE}.");
        return vec![finding(FindingCode::ChainHalted, message, Evidence { since: Some(followed.moved_at), ..Evidence::default() })];
    }
    let mut findings = Vec::new();
    if known.now.since(followed.head_time) > stale_after(chain) {
        let message = format!("The newest block known of {id} is {}. {MEANWHILE}.", head(known, followed));
        findings.push(finding(FindingCode::ChainStale, message, Evidence { since: Some(followed.head_time), ..Evidence::default() }));
    }
    if let Some(trouble) = known.trouble {
        let message = format!("Following {id} fails at the moment ({trouble}); it is tried again and again. {MEANWHILE}.");
        findings.push(finding(FindingCode::ChainDegraded, message, Evidence { since: Some(followed.moved_at), ..Evidence::default() }));
    }
    if let Some(since) = followed.gap_since {
        let message =
            format!("Blocks of {id} after {since} have not been looked at yet and may hold a payment. No order expires for want of it.");
        findings.push(finding(FindingCode::ChainGap, message, Evidence { since: Some(since), ..Evidence::default() }));
    }
    findings
}

/// The blocks in which a payment in time may lie that nobody ever looked at.
pub(super) fn lost(known: &Known<'_>) -> Vec<Finding> {
    let (order, closes_at) = (known.order, known.order.closes_at());
    let of_its_time = known.lost.iter().filter(|lost| lost.since <= closes_at && lost.until >= order.created_at);
    let tell = |lost: &Lost| {
        let message = format!(
            "Blocks {} to {} of {}, which are of its time, were declared lost and never looked at: a payment in them is not known here. The \
             reason given: {}",
            lost.from, lost.to, order.terms.chain_id, lost.reason
        );
        finding(FindingCode::BlocksLost, message, Evidence { since: Some(lost.since), until: Some(lost.until), ..Evidence::default() })
    };
    of_its_time.map(tell).collect()
}
