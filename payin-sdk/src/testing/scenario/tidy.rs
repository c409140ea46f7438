//! Makes a sandbox as every scenario wants to find it, whatever the one before has left, also one that was broken off: nothing goes wrong, all
//! chains go on, what was paid is final, no endpoint of a scenario is left, and addresses are free. And lets time pass there. It must not touch what is the merchant's.

use std::time::Duration;

use payin_types::endpoint::ListEndpoints;
use payin_types::sandbox::{Advance, ControlChain, Mine, SimulatedChain};

use super::relay::DESCRIPTION;
use crate::client::Client;
use crate::error::Error;

/// As far as time passes in one call. At its end every chain makes the blocks that settle what was over, so short ones cost.
const PIECE: Duration = Duration::from_secs(60);
/// So many blocks make a payment final on every chain of a sandbox: Solana's 32 are the most.
const FINAL_ANYWHERE: u32 = 32;
/// How long addresses are waited for at a time.
const PAUSE: Duration = Duration::from_secs(600);
/// How often. A window and its grace last a quarter of an hour, and a released address rests for half an hour: after an hour those that
/// come back have come.
const PAUSES: usize = 6;

/// Time passes in pieces, each of which a busy machine gets done within the 25 s of an advance, where payments and orders let it pass second by
/// second. One long advance makes the same world. Answers what was due and is not done, as soon as there is any.
pub(super) async fn pass(client: &Client, seconds: u64) -> Result<Vec<String>, Error> {
    let mut left = seconds;
    while left > 0 {
        let piece = left.min(PIECE.as_secs());
        let pending = client.sandbox().advance(&Advance { seconds: piece }).await?.pending;
        if !pending.is_empty() {
            return Ok(pending);
        }
        left = left.saturating_sub(piece);
    }
    Ok(Vec::new())
}

/// What went wrong goes wrong no more, and what stood still goes on.
pub(super) async fn world(client: &Client) -> Result<(), Error> {
    client.sandbox().clear_faults().await?;
    for chain in client.sandbox().chains().await?.chains.into_iter().filter(|chain| chain.stopped || chain.finality_stalled) {
        let control = ControlChain { chain_id: chain.chain_id, stopped: Some(false), finality_stalled: Some(false) };
        client.sandbox().control(&control).await?;
    }
    Ok(())
}

/// What was paid before becomes final, and is told of to whoever hears of it, before anybody counts.
pub(super) async fn payments(client: &Client, chain: Option<&SimulatedChain>) -> Result<(), Error> {
    let chain_id = chain.map(|chain| chain.chain_id.clone());
    let blocks = chain.and_then(|chain| u32::try_from(chain.final_after).ok()).unwrap_or(FINAL_ANYWHERE);
    client.sandbox().mine(&Mine { chain_id, blocks: Some(blocks) }).await?;
    Ok(())
}

/// Endpoints of scenarios that came to no end: nobody listens there any more.
pub(super) async fn endpoints(client: &Client) -> Result<(), Error> {
    let list = ListEndpoints { page: None, limit: Some(100) };
    let found = client.webhook_endpoints().list(&list).await?.data;
    for endpoint in found.iter().filter(|endpoint| endpoint.description.as_deref() == Some(DESCRIPTION)) {
        client.webhook_endpoints().delete(&endpoint.id).await?;
    }
    Ok(())
}

/// Where no address of a family is free, time passes until those that orders hold have come back.
pub(super) async fn addresses(client: &Client) -> Result<(), Error> {
    for _ in 0..PAUSES {
        let status = client.addresses().status().await?;
        let comes_back = |counts: &&payin_types::pool::PoolCounts| counts.allocated > 0 || counts.cooling_down > 0;
        if !status.values().filter(comes_back).any(|counts| counts.available == 0) {
            break;
        }
        pass(client, PAUSE.as_secs()).await?;
    }
    Ok(())
}
