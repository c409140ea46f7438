//! `payin orders …`.

mod create;
mod get;
mod list;
mod wait;
mod watch;

use super::Context;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create an order; prints where to pay
    Create(create::Args),
    /// Show an order
    Get(get::Args),
    /// List orders
    List(list::Args),
    /// Wait until an order is paid: 0 when completed, 9 when expired or out of time
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
