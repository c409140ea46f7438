//! `payin addresses …`.

mod import;
mod list;
mod status;

use super::Context;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Import addresses from a CSV file: all of them, or none if a line is bad
    Import(import::Args),
    /// Count the addresses of each family
    Status(status::Args),
    /// List the addresses
    List(list::Args),
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Import(args) => import::run(context, args).await,
        Command::Status(args) => status::run(context, args).await,
        Command::List(args) => list::run(context, args).await,
    }
}
