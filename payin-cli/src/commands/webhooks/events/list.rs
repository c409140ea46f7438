//! `payin webhooks events list`.

use payin_sdk::{DeliveryStatus, EndpointId, EventType, ListEvents, Timestamp};

use super::super::super::Context;
use super::super::super::pages::{self, Paging};
use crate::failure::Failure;
use crate::output::columns;
use crate::text;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  payin webhooks events list --status failed
  payin webhooks events list --object-id ord_2Xk…")]
pub struct Args {
    /// Only events of this type, such as order.completed
    #[arg(long = "type", value_name = "EVENT")]
    event_type: Option<EventType>,

    /// Only events that are sent to this endpoint
    #[arg(long, value_name = "ENDPOINT_ID")]
    endpoint_id: Option<EndpointId>,

    /// Only events with a delivery that stands here: pending, delivered or failed
    #[arg(long, value_name = "STATUS")]
    status: Option<DeliveryStatus>,

    /// Only events of this order, deposit, transfer or link
    #[arg(long, value_name = "ID")]
    object_id: Option<String>,

    /// Only events that happened then or later: 2025-01-20 or 2025-01-20T10:30:00Z
    #[arg(long, value_name = "TIME", value_parser = text::time)]
    created_after: Option<Timestamp>,

    /// Only events that happened before then
    #[arg(long, value_name = "TIME", value_parser = text::time)]
    created_before: Option<Timestamp>,

    #[command(flatten)]
    paging: Paging,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Paging { page, limit, all } = args.paging;
    let query = ListEvents {
        page,
        limit,
        event_type: args.event_type,
        endpoint_id: args.endpoint_id,
        status: args.status,
        object_id: args.object_id,
        created_after: args.created_after,
        created_before: args.created_before,
        ..ListEvents::default()
    };
    let client = context.client()?;
    let events = client.webhook_events();
    pages::show(context, all, events.list(&query), events.stream(query), columns::EVENTS).await
}
