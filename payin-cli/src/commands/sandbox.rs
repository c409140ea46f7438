//! `payin sandbox …`: only against a `payin-server dev`.

mod chain;
mod clock;
mod fault;
mod journal;
mod mine;
mod moment;
mod pay;
mod reorg;
mod run;

use super::Context;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Pay an order on its simulated chain
    Pay(pay::Args),
    /// Mine blocks
    Mine(mine::Args),
    /// Replace the newest blocks of a chain by others
    Reorg(reorg::Args),
    /// Show the simulated chains
    Chains,
    /// Stop or start a chain's node, stall its finality or let it move
    #[command(subcommand)]
    Chain(chain::Command),
    /// Show the clock, let time pass, stand still or run
    Clock(clock::Args),
    /// Let requests, nodes and webhooks go wrong, by rules
    #[command(subcommand)]
    Fault(fault::Command),
    /// Show what has happened, or assert that it has
    Journal(journal::Args),
    /// Play scenarios against a merchant's program: 0 it passes, 9 it does not, with the step that it fails at, 8 it is not there
    Run(Box<run::Args>),
    /// Keep the present, to return to it
    Snapshot,
    /// Return to a snapshot: data, chains and clock
    Restore(moment::Which),
    /// Return to how the sandbox began
    Reset,
}

/// Says on stderr what a call was to bring and has not, which tables have no column for.
fn note_pending(context: &Context, pending: &[String]) {
    pending.iter().for_each(|what| context.ui.note(&format!("pending: {what}")));
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Pay(args) => pay::run(context, args).await,
        Command::Mine(args) => mine::run(context, args).await,
        Command::Reorg(args) => reorg::run(context, args).await,
        Command::Chains => chain::list(context).await,
        Command::Chain(command) => chain::run(context, command).await,
        Command::Clock(args) => clock::run(context, args).await,
        Command::Fault(command) => fault::run(context, command).await,
        Command::Journal(args) => journal::run(context, args).await,
        Command::Run(args) => run::run(context, *args).await,
        Command::Snapshot => moment::snapshot(context).await,
        Command::Restore(which) => moment::restore(context, which).await,
        Command::Reset => moment::reset(context).await,
    }
}
