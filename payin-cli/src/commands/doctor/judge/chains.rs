//! How each chain is followed, and what to do where it is not. Judges what the server says of it; asks nobody.

use std::time::Duration;

use payin_sdk::types::followed::{ChainNode, ChainReconciliation, ChainToken, LostBlocks};
use payin_sdk::{ChainStatus, FollowedChain, FollowedChains, Timestamp};

use super::Finding;

const AREA: &str = "chains";

/// Chains are compared with the database once a day: what was last compared longer ago than this was due twice.
const COMPARED_WITHIN: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// Every chain, each in a line, and what else there is to say of it.
pub fn all(chains: &FollowedChains, now: Timestamp) -> Vec<Finding> {
    chains.data.iter().flat_map(|chain| one(chain, now)).collect()
}

fn one(chain: &FollowedChain, now: Timestamp) -> Vec<Finding> {
    let mut findings = vec![followed(chain)];
    findings.extend(holes(chain));
    findings.extend(chain.lost.iter().map(|lost| lost_blocks(chain, lost)));
    findings.extend(chain.tokens.iter().filter_map(|token| stopped(chain, token)));
    findings.extend(nodes(chain));
    findings.extend(chain.last_reconciliation.as_ref().and_then(|last| compared(chain, last, now)));
    findings
}

fn followed(chain: &FollowedChain) -> Finding {
    let told = format!("{}: {}", chain.chain_id, chain.message);
    match chain.status {
        ChainStatus::Following => Finding::ok(AREA, told),
        ChainStatus::Behind => {
            let advice = "whoever runs the server: does its node answer, and has it new blocks? More nodes can be configured. What was \
                          missed is caught up afterwards, and no order expires meanwhile";
            Finding::fail(AREA, told, advice)
        }
        ChainStatus::Halted => {
            let advice = "whoever runs the server: look at the chain and the nodes, then `payin-server chains halted` and `chains resume`";
            Finding::fail(AREA, told, advice)
        }
        ChainStatus::NotFollowed => {
            Finding::fail(AREA, told, "whoever runs the server: is `payin-server serve` running, and does the chain's node answer?")
        }
        // Degraded, or a word of a newer server.
        _ => {
            let advice = "payments wait, and none is lost; whoever runs the server sees more in its log, and can configure more nodes";
            Finding::warn(AREA, told, advice)
        }
    }
}

fn holes(chain: &FollowedChain) -> Option<Finding> {
    let (first, last) = (chain.holes.first()?, chain.holes.last()?);
    let blocks = chain.holes.iter().map(|hole| hole.to_number.saturating_sub(hole.from_number).saturating_add(1)).sum::<u64>();
    let told = format!(
        "{}: {blocks} blocks between {} and {} have not been looked at yet and may hold payments",
        chain.chain_id, first.from_number, last.to_number
    );
    Some(Finding::warn(AREA, told, "they are read beside the newest ones; no order expires for want of them. Look again later"))
}

fn lost_blocks(chain: &FollowedChain, lost: &LostBlocks) -> Finding {
    let LostBlocks { from_number, to_number, reason, declared_at, .. } = lost;
    let id = &chain.chain_id;
    let told =
        format!("{id}: blocks {from_number} to {to_number} were declared lost at {declared_at}: {reason}. Payments in them were not seen");
    let advice = format!(
        "whoever runs the server: when a node has them, `payin-server reconcile --chain {id} --from {from_number} --to {to_number}` lists \
         the payments in them"
    );
    Finding::warn(AREA, told, advice)
}

fn stopped(chain: &FollowedChain, token: &ChainToken) -> Option<Finding> {
    let reason = token.stopped.as_ref()?;
    let told = format!("{}: {} was stopped by its issuer: {reason}", chain.chain_id, token.currency);
    Some(Finding::fail(AREA, told, "no order is taken in it until it goes on, which is noticed by itself; offer another token or chain"))
}

/// Nodes of a chain that has several: with one, what is wrong with it is what is wrong with the chain.
fn nodes(chain: &FollowedChain) -> Vec<Finding> {
    let nodes = chain.nodes.as_deref().filter(|nodes| nodes.len() > 1).unwrap_or_default();
    let finding = |node: &ChainNode| {
        let fault = node.fault.as_deref().unwrap_or("no reason is given");
        let told = format!("{}: node {} of {} does not do: {fault}", chain.chain_id, node.number, nodes.len());
        Finding::warn(AREA, told, "the others are asked instead; whoever runs the server should see to it")
    };
    nodes.iter().filter(|node| !node.answers).map(finding).collect()
}

fn compared(chain: &FollowedChain, last: &ChainReconciliation, now: Timestamp) -> Option<Finding> {
    let ChainReconciliation { from_number, to_number, difference_count, reconciled_at, .. } = last;
    let id = &chain.chain_id;
    if *difference_count > 0 {
        let first = last.differences.first().map(|first| format!("; the first: {} ({})", first.detail, first.tx_hash)).unwrap_or_default();
        let told = format!(
            "{id}: chain and database differ in {difference_count} transfers between blocks {from_number} and {to_number}, as of \
             {reconciled_at}{first}"
        );
        let advice = format!("whoever runs the server: `payin-server reconcile --chain {id} --from {from_number} --to {to_number}`");
        return Some(Finding::fail(AREA, told, advice));
    }
    if now.since(*reconciled_at) > COMPARED_WITHIN {
        let told = format!("{id}: chain and database were last compared at {reconciled_at}, up to block {to_number}");
        let advice =
            format!("this happens daily while the chain comes to rest and has no holes; by hand: `payin-server reconcile --chain {id}`");
        return Some(Finding::warn(AREA, told, advice));
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Verdict;
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_737_369_000);

    fn judged(change: Value) -> Vec<(Verdict, String, String)> {
        let mut chain = json!({
            "chainId": "base-sepolia", "protocol": "evm", "environment": "testnet", "tokens": [], "requiredConfirmations": 3,
            "confirmedBy": "count", "status": "following", "message": "It is followed.", "scans": [], "holes": [],
            "nodes": [{ "number": 1, "answers": true }, { "number": 2, "answers": true }],
            "lastReconciliation": {
                "fromNumber": 1, "toNumber": 9, "transfers": 2, "differenceCount": 0, "differences": [],
                "reconciledAt": NOW.minus(COMPARED_WITHIN)
            }
        });
        for (key, value) in change.as_object().unwrap() {
            chain[key] = value.clone();
        }
        let chains = serde_json::from_value(json!({ "data": [chain] })).unwrap();
        let findings = all(&chains, NOW).into_iter();
        findings.map(|finding| (finding.verdict, finding.told, finding.advice.unwrap_or_default())).collect()
    }

    #[test]
    fn what_is_well_is_one_line() {
        assert_eq!(judged(json!({})), [(Verdict::Ok, "base-sepolia: It is followed.".to_owned(), String::new())]);
        assert_eq!(judged(json!({ "nodes": null, "lastReconciliation": null })).len(), 1);
        // With one node its fault is the chain's.
        assert_eq!(judged(json!({ "nodes": [{ "number": 1, "answers": false, "fault": "x" }] })).len(), 1);
    }

    #[test]
    fn what_is_not_well_comes_with_advice() {
        let difference = json!({ "kind": "not_recorded", "detail": "5 USDT were not recorded", "txHash": "0x1", "blockNumber": 7 });
        let compared = |count: u64, ago: Duration| {
            json!({ "lastReconciliation": { "fromNumber": 1, "toNumber": 9, "transfers": 2, "differenceCount": count,
                "differences": [difference], "reconciledAt": NOW.minus(ago) } })
        };
        for (change, verdict, says, advice) in [
            (json!({ "status": "behind" }), Verdict::Fail, "followed", "caught up"),
            (json!({ "status": "halted" }), Verdict::Fail, "followed", "chains resume"),
            (json!({ "status": "not_followed" }), Verdict::Fail, "followed", "running"),
            (json!({ "status": "degraded" }), Verdict::Warn, "followed", "none is lost"),
            (json!({ "status": "sleepy" }), Verdict::Warn, "followed", "none is lost"),
            (
                json!({ "holes": [{ "fromNumber": 3, "toNumber": 4 }, { "fromNumber": 8, "toNumber": 8 }] }),
                Verdict::Warn,
                "3 blocks between 3 and 8",
                "later",
            ),
            (
                json!({ "nodes": [{ "number": 1, "answers": true }, { "number": 2, "answers": false, "fault": "HTTP 500" }] }),
                Verdict::Warn,
                "node 2 of 2 does not do: HTTP 500",
                "others",
            ),
            (
                json!({ "lost": [{ "fromNumber": 3, "toNumber": 4, "reason": "pruned", "declaredAt": NOW }] }),
                Verdict::Warn,
                "blocks 3 to 4 were declared lost",
                "reconcile --chain base-sepolia --from 3 --to 4",
            ),
            (
                json!({ "tokens": [{ "currency": "USDT", "contractAddress": "0x1", "decimals": 6, "stopped": "it is paused" }] }),
                Verdict::Fail,
                "USDT was stopped by its issuer: it is paused",
                "another token",
            ),
            (
                compared(2, Duration::ZERO),
                Verdict::Fail,
                "differ in 2 transfers",
                "payin-server reconcile --chain base-sepolia --from 1 --to 9",
            ),
            (compared(0, COMPARED_WITHIN + Duration::from_secs(1)), Verdict::Warn, "last compared", "daily"),
        ] {
            let (found, told, advised) = judged(change).pop().unwrap();
            assert_eq!(found, verdict, "{told}");
            assert!(told.contains(says) && advised.contains(advice), "{told} → {advised}");
        }
        assert!(judged(compared(1, Duration::ZERO))[1].1.ends_with("the first: 5 USDT were not recorded (0x1)"));
    }
}
