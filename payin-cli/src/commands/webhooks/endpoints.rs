//! `payin webhooks endpoints …`.

mod create;
mod list;
mod rotate_secret;
mod update;

use super::super::Context;
use super::super::once::Once;
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create an endpoint; its secret is shown this once
    Create(create::Args),
    /// Show an endpoint, without its secret
    Get(Id),
    /// List the endpoints
    List(list::Args),
    /// Change an endpoint: what is not named stays
    Update(update::Args),
    /// Delete an endpoint: nothing more is sent to it
    Delete(Id),
    /// Give an endpoint a new secret, shown this once
    RotateSecret(rotate_secret::Args),
    /// Send a webhook.test event to an endpoint
    Test(Test),
}

/// Which endpoint is meant.
#[derive(Debug, clap::Args)]
pub struct Id {
    /// The endpoint's id
    #[arg(value_name = "ID")]
    id: String,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "What came of it: payin webhooks events deliveries EVENT_ID")]
pub struct Test {
    #[command(flatten)]
    id: Id,

    #[command(flatten)]
    once: Once,
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create::run(context, args).await,
        Command::Get(Id { id }) => {
            let endpoint = context.client()?.webhook_endpoints().get(&id.into()).await?;
            context.ui.record(&endpoint, columns::ENDPOINT)
        }
        Command::List(args) => list::run(context, args).await,
        Command::Update(args) => update::run(context, args).await,
        Command::Delete(Id { id }) => {
            let deleted = context.client()?.webhook_endpoints().delete(&id.into()).await?;
            context.ui.record(&deleted, columns::SUCCESS)
        }
        Command::RotateSecret(args) => rotate_secret::run(context, args).await,
        Command::Test(Test { id: Id { id }, once }) => {
            let client = context.client()?;
            let queued = once.send(context, &client, client.webhook_endpoints().test(&id.into())).await?;
            context.ui.record(&queued, columns::QUEUED)
        }
    }
}
