//! `payin-server reconcile`: reads blocks again and holds them against the database, for a person who wants to know. It changes nothing.

use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use payin_types::ChainId;

use crate::app::{self, progress};
use crate::chain::Watch;
use crate::config::Config;
use crate::env::HttpRpc;
use crate::serve;
use crate::worker::watch::PoolWatch;

/// What to compare.
#[derive(Debug, Clone)]
pub struct Options {
    /// The chain.
    pub chain: ChainId,
    /// The lowest block; `None`: the lowest that was looked at.
    pub from: Option<u64>,
    /// The highest; `None`: the newest final one.
    pub to: Option<u64>,
    /// Which of the configured nodes to ask, from 1; `None`: the last, which is asked least otherwise.
    pub node: Option<usize>,
}

/// Compares, shows progress on stderr and every difference on stdout.
///
/// # Errors
/// If there is a difference; or what is missing, or the node or the database says.
pub async fn run(config: Config, options: Options) -> anyhow::Result<()> {
    let app = serve::app(&config).await?;
    let source = config.chains.into_iter().find(|source| source.chain.id == options.chain);
    let source = source.with_context(|| format!("chain {} is not configured", options.chain))?;
    let chain = source.chain.clone();
    let count = source.nodes.len();
    let index = options.node.unwrap_or(count);
    let node = index.checked_sub(1).and_then(|index| source.nodes.get(index));
    let node = node.with_context(|| format!("--node must be 1 to {count}"))?;
    let node = serve::source(&chain, node, &HttpRpc::client()?)?;
    node.check().await?;
    let cursor = progress::cursor(&app, &chain).await?.with_context(|| format!("{} was never followed", chain.id))?;
    let lowest = progress::scans(&app, &chain).await?.first().map(|scan| scan.from_number);
    let (from, to) = (options.from.or(lowest).unwrap_or(cursor.head_number), options.to.unwrap_or(cursor.finalized_number));
    ensure!(to <= cursor.finalized_number, "block {to} is not final yet: {} is final up to {}", chain.id, cursor.finalized_number);
    ensure!(from <= to, "there is no block from {from} to {to}");
    let watch: Arc<dyn Watch> = Arc::new(PoolWatch::new(app.clone(), chain.protocol.clone()));
    let (mut next, mut transfers, mut differences) = (from, 0, 0);
    while next <= to {
        let read = node.range(next, to, watch.as_ref()).await?;
        let upto = read.last.number;
        for difference in app::reconcile::compare(&app, &chain, (next, upto), &read.transfers).await? {
            differences += 1;
            println!("block {}\t{} #{}\t{}", difference.block_number, difference.tx_hash, difference.ordinal, difference.detail);
        }
        transfers += read.transfers.len();
        eprintln!("{} compared up to block {upto} of {to}: {transfers} transfers, {differences} differences", chain.id);
        next = upto.saturating_add(1);
    }
    app.store.close().await;
    if differences > 0 {
        bail!("chain and database differ in {differences} transfers");
    }
    Ok(())
}
