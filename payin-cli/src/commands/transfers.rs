//! `payin transfers …`.

mod get;
mod list;

use super::Context;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List transfers, those that count for nothing included
    List(Box<list::Args>),
    /// Show a transfer
    Get(get::Args),
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::List(args) => list::run(context, *args).await,
        Command::Get(args) => get::run(context, args).await,
    }
}
