//! `payin deposits …`.

mod bind;
mod get;
mod list;
mod references;
mod show;
mod unbind;

use super::Context;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Bind a payer's reference to an address; prints where to pay
    Bind(bind::Args),
    /// Show a reference: its addresses and what it has received
    Get(get::Args),
    /// List references
    References(references::Args),
    /// List deposits
    List(list::Args),
    /// Show a deposit
    Show(show::Args),
    /// Let a reference go of its addresses; what arrives there afterwards is credited to nobody
    Unbind(unbind::Args),
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Bind(args) => bind::run(context, args).await,
        Command::Get(args) => get::run(context, args).await,
        Command::References(args) => references::run(context, args).await,
        Command::List(args) => list::run(context, args).await,
        Command::Show(args) => show::run(context, args).await,
        Command::Unbind(args) => unbind::run(context, args).await,
    }
}
