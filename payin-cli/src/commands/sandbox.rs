//! `payin sandbox …`: only against a `payin-server dev`.

mod clock;
mod mine;
mod pay;
mod reorg;

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
    /// Show the clock, or let time pass
    Clock(clock::Args),
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Pay(args) => pay::run(context, args).await,
        Command::Mine(args) => mine::run(context, args).await,
        Command::Reorg(args) => reorg::run(context, args).await,
        Command::Clock(args) => clock::run(context, args).await,
    }
}
