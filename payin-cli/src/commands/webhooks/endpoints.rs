//! `payin webhooks endpoints …`.

mod create;
mod delete;
mod list;

use super::super::Context;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create an endpoint; its secret is shown this once
    Create(create::Args),
    /// List the endpoints
    List(list::Args),
    /// Delete an endpoint: nothing more is sent to it
    Delete(delete::Args),
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create::run(context, args).await,
        Command::List(args) => list::run(context, args).await,
        Command::Delete(args) => delete::run(context, args).await,
    }
}
