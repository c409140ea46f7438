//! `payin orders …`.

mod create;
mod explain;
mod get;
mod list;
mod stats;
pub mod then;
mod wait;
pub mod watch;

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
    /// Count orders, and what the paid ones received
    Stats(stats::Args),
    /// Say in words why an order is paid, or is not
    Explain(explain::Args),
    /// Wait until an order is paid: 0 when completed, 9 when expired or out of time
    Wait(wait::Args),
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create::run(context, args).await,
        Command::Get(args) => get::run(context, args).await,
        Command::List(args) => list::run(context, args).await,
        Command::Stats(args) => stats::run(context, args).await,
        Command::Explain(args) => explain::run(context, args).await,
        Command::Wait(args) => wait::run(context, args).await,
    }
}
