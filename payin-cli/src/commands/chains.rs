//! `payin chains …`.

use super::Context;
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the chains that the deployment offers, and how following them goes
    #[command(after_help = "What is wrong with a chain, and what to do about it, says `payin doctor`.")]
    List,
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let Command::List = command;
    let chains = context.client()?.chains().list().await?;
    context.ui.list(&chains, &chains.data, columns::CHAINS)
}
