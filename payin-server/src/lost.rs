//! `payin-server chains lost`: a person declares blocks lost that no node gives any more, after having been told what follows. It only writes
//! the word down, with its reason: the server that follows the chain goes on from there by itself.

use anyhow::{Context as _, bail, ensure};
use payin_core::Chain;
use payin_types::ChainId;

use crate::app::App;
use crate::app::ledger::DeclareLost;
use crate::app::progress::{self, Loss};
use crate::config::Config;
use crate::{resume, serve};

/// Which blocks, and why.
#[derive(Debug, Clone)]
pub struct Options {
    /// The chain.
    pub chain: ChainId,
    /// The lowest block: where the lowest hole begins.
    pub from: u64,
    /// The highest; `None`: to the end of the hole.
    pub to: Option<u64>,
    /// Why, to be kept with it.
    pub reason: String,
    /// The person need not be asked.
    pub yes: bool,
}

/// Declares blocks lost.
///
/// # Errors
/// If they are not the lower part of a hole, the person does not want it, or what is missing, or the database says.
pub async fn run(config: &Config, options: Options) -> anyhow::Result<()> {
    let app = serve::app(config).await?;
    let chain = app.chains.get(&options.chain).with_context(|| format!("chain {} is not configured", options.chain))?.clone();
    let done = declare(&app, &chain, options).await;
    app.store.close().await;
    done
}

async fn declare(app: &App, chain: &Chain, options: Options) -> anyhow::Result<()> {
    let reason = options.reason.trim().to_owned();
    ensure!(!reason.is_empty() && reason.chars().count() <= REASON_MAX, "--reason must have 1 to {REASON_MAX} characters");
    let Some((below, above)) = progress::hole(app, chain).await? else { bail!("{} has no hole: nothing is waited for", chain.id) };
    let (first, last) = (below.to_number.saturating_add(1), above.from_number.saturating_sub(1));
    let to = options.to.unwrap_or(last);
    ensure!(
        options.from == first && (first..=last).contains(&to),
        "the lowest hole of {} is blocks {first} to {last}: --from must be {first}, --to at most {last}",
        chain.id
    );
    eprintln!("{}", what_it_means(chain, (first, to, last)));
    if !options.yes {
        resume::confirm(chain.id.as_str())?;
    }
    let now = app.clock.now();
    // The lowest block above was made before it was first looked at.
    let (since, until) = (below.to_time, above.begun_at);
    let loss = Loss { from_number: first, to_number: to, since, until, reason, declared_at: now };
    app.store
        .write(DeclareLost { chain: chain.clone(), below, above, loss, now })
        .await
        .map_err(anyhow::Error::from)
        .with_context(|| format!("the hole of {} has changed meanwhile, or the database did not answer: nothing was declared", chain.id))?;
    tracing::warn!(chain.id = %chain.id, from = first, to, "blocks were declared lost");
    eprintln!("Blocks {first} to {to} of {} are declared lost. GET /chains and payin doctor keep showing them.", chain.id);
    Ok(())
}

/// What a person must know first.
fn what_it_means(chain: &Chain, (first, to, last): (u64, u64, u64)) -> String {
    let rest = if to < last {
        format!("What lies above, up to {last}, is still read and waited for.")
    } else {
        format!("Nothing on {} waits any more for what was missed.", chain.id)
    };
    format!(
        "Blocks {first} to {to} of {} have not been looked at, and will not be from now on. {rest}\n\
         - What was paid in them is not credited. Orders that were paid there and nowhere else expire, and their addresses are given to \
         others after their rest.\n\
         - The daily reconciliation passes over them. When a node has them again, payin-server reconcile --chain {} --from {first} --to {to} \
         lists every payment in them; crediting those is then for people to do.\n\
         - This cannot be taken back. Ask another provider for an archive node first: with it the hole fills by itself.",
        chain.id, chain.id
    )
}

/// The longest reason that is kept.
const REASON_MAX: usize = 500;
