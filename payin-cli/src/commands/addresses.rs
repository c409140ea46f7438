//! `payin addresses …`.

mod check;
mod derive;
mod import;
mod lines;
mod list;
mod status;

use payin_sdk::types::xpub::{LEAKED, looks_secret};

use super::Context;
use super::once::Once;
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Import addresses from a file of any length, or derive them from an extended public key
    Import(import::Args),
    /// Say of each address whether it could be paid, without a server
    Check(check::Args),
    /// Show the addresses that a server would derive from an extended public key, to compare them with the wallet's
    Derive(derive::Args),
    /// Count the addresses of each family
    Status(status::Args),
    /// List the addresses
    List(list::Args),
    /// Put an address away: it is not handed out any more, but still watched
    Archive {
        /// The address
        #[arg(value_name = "ADDRESS")]
        address: String,
        #[command(flatten)]
        once: Once,
    },
    /// Take an address back that was put away or kept back
    Restore {
        /// The address
        #[arg(value_name = "ADDRESS")]
        address: String,
        #[command(flatten)]
        once: Once,
    },
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Import(args) => import::run(context, args).await,
        Command::Check(args) => check::run(context, args).await,
        Command::Derive(args) => derive::run(context, args).await,
        Command::Status(args) => status::run(context, args).await,
        Command::List(args) => list::run(context, args).await,
        Command::Archive { address, once } => {
            let client = context.client()?;
            let address = once.send(context, &client, client.addresses().archive(&address)).await?;
            context.ui.record(&address, columns::ADDRESSES)
        }
        Command::Restore { address, once } => {
            let client = context.client()?;
            let address = once.send(context, &client, client.addresses().restore(&address)).await?;
            context.ui.record(&address, columns::ADDRESSES)
        }
    }
}

/// What can spend must not leave this machine, not even to be refused.
fn refuse_secret(text: &str) -> Result<(), Failure> {
    if looks_secret(text) {
        let hint = "export the account's public key (xpub…) from the wallet";
        return Err(Failure::usage(format!("{LEAKED} (nothing was sent)")).hint(hint));
    }
    Ok(())
}
