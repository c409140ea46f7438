//! `payin webhooks endpoints create`.

use std::path::PathBuf;

use payin_sdk::types::ExposeSecret;
use payin_sdk::{CreateEndpoint, EventType};

use super::super::super::Context;
use super::super::super::once::Once;
use super::super::scheme;
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  payin webhooks endpoints create --url https://shop.example/webhooks --event order.completed --event order.expired")]
pub struct Args {
    /// Where events are posted
    #[arg(long, value_name = "URL")]
    url: String,

    /// An event to send, such as order.completed; give it again for more [default: all of the documents]
    #[arg(long = "event", alias = "events", value_name = "EVENT", value_delimiter = ',')]
    events: Vec<EventType>,

    /// A file with the secret to sign with, 16 characters or more [default: the server makes one]
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,

    /// For people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    #[command(flatten)]
    once: Once,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let client = context.client()?;
    let secret = args.secret_file.as_deref().map(scheme::secret).transpose()?.map(|secret| secret.expose_secret().to_owned());
    let events = if args.events.is_empty() { vec![EventType::All] } else { args.events };
    let new = CreateEndpoint { url: args.url, events, secret, description: args.description };
    let endpoint = args.once.send(context, &client, client.webhook_endpoints().create(&new)).await?;
    context.ui.record(&endpoint, columns::ENDPOINT)
}
