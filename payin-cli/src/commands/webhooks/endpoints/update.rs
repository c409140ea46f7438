//! `payin webhooks endpoints update`.

use clap::ArgGroup;
use payin_sdk::{EventType, UpdateEndpoint};

use super::super::super::Context;
use super::Id;
use crate::failure::Failure;
use crate::output::columns;

/// What can be changed: at least one is.
const CHANGES: [&str; 5] = ["url", "events", "enabled", "description", "no_description"];

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  payin webhooks endpoints update we_2Xk… --enabled false
  payin webhooks endpoints update we_2Xk… --event order.completed,deposit.confirmed")]
#[command(group = ArgGroup::new("changes").required(true).multiple(true).args(CHANGES))]
pub struct Args {
    #[command(flatten)]
    id: Id,

    /// Where events are posted
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// An event to send, instead of those so far; give it again for more
    #[arg(long = "event", alias = "events", value_name = "EVENT", value_delimiter = ',')]
    events: Vec<EventType>,

    /// Whether events are sent; what happens meanwhile is not sent later
    #[arg(long, value_name = "true|false")]
    enabled: Option<bool>,

    /// For people
    #[arg(long, value_name = "TEXT", conflicts_with = "no_description")]
    description: Option<String>,

    /// Take the description away
    #[arg(long)]
    no_description: bool,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let description = if args.no_description { Some(None) } else { args.description.map(Some) };
    let events = Some(args.events).filter(|events| !events.is_empty());
    let changes = UpdateEndpoint { url: args.url, events, enabled: args.enabled, description };
    let endpoint = context.client()?.webhook_endpoints().update(&args.id.id.into(), &changes).await?;
    context.ui.record(&endpoint, columns::ENDPOINT)
}
