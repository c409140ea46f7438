//! The chains offered, and how following them goes: what was written down, and what this process knows of nodes. It asks no chain anything
//! and changes nothing. What a difference tells of somebody else's transfer is not shown.

use payin_core::Chain;
use payin_core::address::Address;
use payin_core::finality::Confirmed;
use payin_core::followed::{Progress, status};
use payin_core::reconcile::{Difference, What};
use payin_types::followed::{
    BlockRange, ChainDifference, ChainReconciliation, ChainToken, ConfirmedBy, DifferenceKind, FollowedChain, FollowedChains, LostBlocks,
    ScannedBlocks,
};
use payin_types::{OrganizationId, Protocol};
use serde_json::Map;

use super::App;
use crate::store::reconciliations::{self, Reconciliation};
use crate::store::scans::{self, Loss, Scan};
use crate::store::stopped::{self, Stopped};
use crate::store::{Conn, Fault, chains, pool};

/// Differences shown.
const DIFFERENCES_MAX: usize = 20;

/// Every chain, as one organization may see it.
///
/// # Errors
/// What the database says.
pub async fn list(app: &App, organization: &OrganizationId) -> Result<FollowedChains, Fault> {
    let mut conn = app.store.read().await?;
    let mut data = Vec::new();
    for chain in app.chains.iter() {
        data.push(one(app, &mut conn, organization, chain).await?);
    }
    Ok(FollowedChains { data })
}

async fn one(app: &App, conn: &mut Conn, organization: &OrganizationId, chain: &Chain) -> Result<FollowedChain, Fault> {
    let id = chain.id.as_str();
    let cursor = chains::get(conn, id).await?;
    let scans = scans::all(conn, id).await?;
    let last_reconciliation = match reconciliations::get(conn, id).await? {
        Some(found) => Some(reconciliation(conn, organization, &chain.protocol, found).await?),
        None => None,
    };
    let (now, trouble) = (app.clock.now(), app.health.trouble(&chain.id));
    let holes = holes(&scans);
    let unseen = holes.iter().map(|hole| hole.to_number.saturating_sub(hole.from_number).saturating_add(1)).sum();
    let progress =
        cursor.as_ref().map(|cursor| Progress { head: cursor.head_number, head_time: cursor.head_time, halted: cursor.halted.as_deref() });
    let (status, message) = status(chain, progress, trouble.as_deref(), unseen, now);
    Ok(FollowedChain {
        chain_id: chain.id.clone(),
        protocol: chain.protocol.clone(),
        environment: chain.environment.clone(),
        tokens: tokens(chain, &stopped::all(conn, id).await?),
        required_confirmations: chain.confirmations,
        confirmed_by: match chain.confirmed {
            Confirmed::ByCount => ConfirmedBy::Count,
            Confirmed::AtRest => ConfirmedBy::Finalized,
        },
        final_above: chain.final_above.map(payin_core::Units::to_amount),
        agreed_above: chain.agreed_above.map(payin_core::Units::to_amount),
        status,
        message,
        lag_seconds: cursor.as_ref().map(|cursor| now.since(cursor.head_time).as_secs()),
        head_number: cursor.as_ref().map(|cursor| cursor.head_number),
        head_time: cursor.as_ref().map(|cursor| cursor.head_time),
        finalized_number: cursor.as_ref().map(|cursor| cursor.finalized_number),
        moved_at: cursor.as_ref().map(|cursor| cursor.updated_at),
        head_hash: cursor.map(|cursor| cursor.head_hash),
        scans: scans.iter().map(scanned).collect(),
        holes,
        lost: scans::losses(conn, id).await?.into_iter().map(lost).collect(),
        nodes: app.health.nodes_of(&chain.id),
        last_reconciliation,
        extra: Map::new(),
    })
}

fn tokens(chain: &Chain, stopped: &[Stopped]) -> Vec<ChainToken> {
    let token = |token: &payin_core::Token| ChainToken {
        currency: token.currency.clone(),
        contract_address: token.contract.as_str().to_owned(),
        decimals: token.decimals,
        stopped: stopped.iter().find(|stopped| stopped.currency == token.currency).map(|stopped| stopped.reason.clone()),
    };
    chain.tokens.iter().map(token).collect()
}

fn lost(loss: Loss) -> LostBlocks {
    let Loss { from_number, to_number, reason, declared_at, .. } = loss;
    LostBlocks { from_number, to_number, reason, declared_at }
}

fn scanned(scan: &Scan) -> ScannedBlocks {
    ScannedBlocks { from_number: scan.from_number, to_number: scan.to_number, begun_at: scan.begun_at, scanned_at: scan.scanned_at }
}

/// What lies between blocks that have been looked at.
fn holes(scans: &[Scan]) -> Vec<BlockRange> {
    let between = scans.iter().zip(scans.iter().skip(1));
    let hole = |(below, above): (&Scan, &Scan)| BlockRange {
        from_number: below.to_number.saturating_add(1),
        to_number: above.from_number.saturating_sub(1),
    };
    // Two rows that touch are about to become one.
    between.map(hole).filter(|hole| hole.from_number <= hole.to_number).collect()
}

/// What a comparison found, with those differences that are the organization's own.
async fn reconciliation(
    conn: &mut Conn,
    organization: &OrganizationId,
    protocol: &Protocol,
    found: Reconciliation,
) -> Result<ChainReconciliation, Fault> {
    let kept: Vec<Difference> = serde_json::from_str(&found.differences).map_err(|error| Fault::Corrupt(error.to_string()))?;
    let mut differences = Vec::new();
    for difference in kept {
        let to = Address::from_canonical(difference.to.clone());
        if differences.len() < DIFFERENCES_MAX && pool::is_of(conn, organization, protocol, &to).await? {
            differences.push(shown(difference));
        }
    }
    Ok(ChainReconciliation {
        from_number: found.from_number,
        to_number: found.to_number,
        transfers: found.transfers,
        difference_count: found.difference_count,
        differences,
        reconciled_at: found.reconciled_at,
    })
}

fn shown(difference: Difference) -> ChainDifference {
    ChainDifference {
        kind: match difference.what {
            What::NotRecorded => DifferenceKind::NotRecorded,
            What::NotOnChain => DifferenceKind::NotOnChain,
            What::Different => DifferenceKind::Different,
        },
        detail: difference.detail,
        tx_hash: difference.tx_hash,
        block_number: difference.block_number,
        transfer_id: difference.transfer_id,
    }
}
