//! `payin cryptopay webhooks …`.

use payin_sdk::cryptopay::{CreateWebhookEndpoint, PageQuery, UpdateWebhookEndpoint, WebhookEventType};

use super::super::Context;
use super::super::pages::{self, Paging};
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create a webhook endpoint; its secret is shown this once
    Create(Create),
    /// List webhook endpoints, newest first
    List(Paging),
    /// Change a webhook endpoint
    Update(Update),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  payin cryptopay webhooks create --url https://shop.example/hooks --event payment.confirmed")]
pub struct Create {
    /// Where events are posted
    #[arg(long, value_name = "URL")]
    url: String,

    /// Which: payment.pending, payment.confirmed, payment.failed, order.expired [default: all]
    #[arg(long = "event", value_name = "EVENT", value_delimiter = ',')]
    events: Vec<WebhookEventType>,
}

#[derive(Debug, clap::Args)]
pub struct Update {
    /// The endpoint's id
    #[arg(value_name = "ID")]
    id: String,

    /// Where events are posted
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// Which
    #[arg(long = "event", value_name = "EVENT", value_delimiter = ',')]
    events: Vec<WebhookEventType>,

    /// Whether they are posted: true or false
    #[arg(long, value_name = "BOOL")]
    active: Option<bool>,
}

fn named(events: Vec<WebhookEventType>) -> Option<Vec<WebhookEventType>> {
    (!events.is_empty()).then_some(events)
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let client = context.cryptopay()?;
    let endpoints = client.cryptopay().webhook_endpoints();
    match command {
        Command::Create(Create { url, events }) => {
            let endpoint = CreateWebhookEndpoint { events: named(events), ..CreateWebhookEndpoint::new(url) };
            context.leaves_behind("the endpoint may exist; see: payin cryptopay webhooks list");
            context.ui.record(&endpoints.create(&endpoint).await?, columns::CRYPTOPAY_ENDPOINT)
        }
        Command::List(Paging { page, limit, all }) => {
            let query = PageQuery { page, page_size: limit };
            pages::show(context, all, endpoints.list(query), endpoints.stream(), columns::CRYPTOPAY_ENDPOINT).await
        }
        Command::Update(Update { id, url, events, active }) => {
            let change = UpdateWebhookEndpoint { url, events: named(events), is_active: active };
            context.ui.record(&endpoints.update(&id.into(), &change).await?, columns::CRYPTOPAY_ENDPOINT)
        }
    }
}
