//! `payin sandbox chain …` and `payin sandbox chains`.

use payin_sdk::ChainId;
use payin_sdk::types::sandbox::ControlChain;

use super::super::Context;
use crate::failure::Failure;

/// What is shown of a chain.
const COLUMNS: &[&str] = &["chainId", "head", "stopped", "finalityStalled", "waiting", "confirmedAfter", "finalAfter"];

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Let its node answer nobody; the chain goes on, unseen
    Stop(Which),
    /// Let its node answer again
    Start(Which),
    /// Let nothing more on it become final
    Stall(Which),
    /// Let it become final again
    Unstall(Which),
}

#[derive(Debug, clap::Args)]
pub struct Which {
    /// The chain
    #[arg(value_name = "CHAIN")]
    chain: ChainId,
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let (chain, stopped, stalled) = match command {
        Command::Stop(which) => (which.chain, Some(true), None),
        Command::Start(which) => (which.chain, Some(false), None),
        Command::Stall(which) => (which.chain, None, Some(true)),
        Command::Unstall(which) => (which.chain, None, Some(false)),
    };
    let control = ControlChain { chain_id: chain, stopped, finality_stalled: stalled };
    let state = context.client()?.sandbox().control(&control).await?;
    context.ui.record(&state, COLUMNS)
}

pub async fn list(context: &Context) -> Result<(), Failure> {
    let all = context.client()?.sandbox().chains().await?;
    context.ui.list(&all, &all.chains, COLUMNS)
}
