//! `payin links …`.

mod create;
mod fields;
mod list;
mod orders;
mod publish;
mod update;

use super::Context;
use super::once::Once;
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create a link; it is a draft until it is published
    Create(create::Args),
    /// Show a link
    Get(Id),
    /// List links, last changed first
    List(list::Args),
    /// Change a link: what is not named stays
    Update(update::Args),
    /// Publish a link: from now on anybody who has its URL can pay
    Publish(publish::Args),
    /// Make a link a draft again; orders that wait for payment stay payable
    Unpublish(Act),
    /// Put a link away: not payable, and not listed unless asked for
    Archive(Act),
    /// Take a link back that was put away
    Restore(Act),
    /// Delete a link; its orders stay
    Delete(Id),
    /// List a link's orders, newest first
    Orders(orders::Args),
    /// What all links together have brought
    Stats,
}

/// Which link is meant.
#[derive(Debug, clap::Args)]
pub struct Id {
    /// The link's id
    #[arg(value_name = "ID")]
    id: String,
}

/// What is done to a link without further words.
#[derive(Debug, clap::Args)]
pub struct Act {
    #[command(flatten)]
    id: Id,

    #[command(flatten)]
    once: Once,
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let client = context.client()?;
    let links = client.payment_links();
    let (call, once) = match command {
        Command::Create(args) => return create::run(context, args).await,
        Command::Get(Id { id }) => return context.ui.record(&links.get(&id.into()).await?, columns::LINK),
        Command::List(args) => return list::run(context, args).await,
        Command::Update(args) => return update::run(context, args).await,
        Command::Publish(args) => return publish::run(context, args).await,
        Command::Delete(Id { id }) => return context.ui.record(&links.delete(&id.into()).await?, columns::SUCCESS),
        Command::Orders(args) => return orders::run(context, args).await,
        Command::Stats => return context.ui.record(&links.stats().await?, columns::LINK_STATS),
        Command::Unpublish(Act { id: Id { id }, once }) => (links.unpublish(&id.into()), once),
        Command::Archive(Act { id: Id { id }, once }) => (links.archive(&id.into()), once),
        Command::Restore(Act { id: Id { id }, once }) => (links.restore(&id.into()), once),
    };
    context.ui.record(&once.send(context, &client, call).await?, columns::LINK)
}
