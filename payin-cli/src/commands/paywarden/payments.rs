//! `payin paywarden payments …`.

mod create;
mod get;
mod list;
mod wait;

use super::super::Context;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create a payment, or find the one that the same command has created; prints where to pay
    Create(create::Args),
    /// Show a payment and what happened to it
    Get(get::Args),
    /// List payments
    List(list::Args),
    /// Wait until a payment is confirmed: 0 when it is, 9 when expired or out of time
    Wait(wait::Args),
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create::run(context, args).await,
        Command::Get(args) => get::run(context, args).await,
        Command::List(args) => list::run(context, args).await,
        Command::Wait(args) => wait::run(context, args).await,
    }
}
