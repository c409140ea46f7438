//! `payin keys …`.

mod create;
mod list;

use payin_sdk::{Client, OrganizationId};

use super::Context;
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create an API key; it is shown this once
    Create(create::Args),
    /// List the API keys, without their secrets
    List(list::Args),
    /// Revoke an API key: from now on it is not taken
    Delete {
        /// The key's id, not the key itself
        #[arg(value_name = "KEY_ID")]
        id: String,
    },
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create::run(context, args).await,
        Command::List(args) => list::run(context, args).await,
        Command::Delete { id } => {
            let deleted = context.client()?.api_keys().revoke(&id.into()).await?;
            context.ui.record(&deleted, columns::SUCCESS)
        }
    }
}

/// The organization that is meant: the one asked for, else the key's own.
async fn organization(client: &Client, asked: Option<String>) -> Result<OrganizationId, Failure> {
    match asked {
        Some(id) => Ok(id.into()),
        None => Ok(client.me().await?.organization.id),
    }
}
