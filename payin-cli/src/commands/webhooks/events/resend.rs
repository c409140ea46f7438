//! `payin webhooks events resend`: one event by its id, or all of a time.

use payin_sdk::{DeliveryStatus, EndpointId, EventType, ResendEvent, ResendEvents, Timestamp};

use super::super::super::Context;
use super::super::super::once::Once;
use crate::failure::Failure;
use crate::output::columns;
use crate::text;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Receivers know an event by its id: one that has it does nothing twice.

Examples:
  payin webhooks events resend evt_order_completed_ord_2Xk…
  payin webhooks events resend --since 2025-01-20 --until 2025-01-21 --endpoint-id we_3k9… --failed")]
pub struct Args {
    /// The event's id; or name a time with --since
    #[arg(value_name = "ID", required_unless_present = "since", conflicts_with = "since")]
    id: Option<String>,

    /// All events that happened then or later: 2025-01-20 or 2025-01-20T10:30:00Z
    #[arg(long, value_name = "TIME", value_parser = text::time)]
    since: Option<Timestamp>,

    /// Only events that happened before then [default: now]
    #[arg(long, value_name = "TIME", value_parser = text::time, requires = "since")]
    until: Option<Timestamp>,

    /// Only events of this type, such as order.completed
    #[arg(long = "type", value_name = "EVENT", requires = "since")]
    event_type: Option<EventType>,

    /// Only deliveries that were given up
    #[arg(long, requires = "since")]
    failed: bool,

    /// Only to this endpoint [default: to every one that has or subscribes to it]
    #[arg(long, visible_alias = "endpoint", value_name = "ENDPOINT_ID")]
    endpoint_id: Option<EndpointId>,

    #[command(flatten)]
    once: Once,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let client = context.client()?;
    let events = client.webhook_events();
    let (Some(created_after), None) = (args.since, &args.id) else {
        let body = ResendEvent { endpoint_id: args.endpoint_id };
        let id = args.id.unwrap_or_default().into();
        let queued = args.once.send(context, &client, events.resend(&id, &body)).await?;
        return context.ui.record(&queued, columns::QUEUED);
    };
    let mut body = ResendEvents {
        created_after,
        created_before: args.until,
        endpoint_id: args.endpoint_id,
        event_type: args.event_type,
        status: args.failed.then_some(DeliveryStatus::Failed),
        cursor: None,
    };
    // Each piece is a request of its own, and so has a key of its own.
    let key = match args.once.idempotency_key {
        Some(key) => key,
        None => client.new_idempotency_key()?,
    };
    let (mut total, mut piece) = (None, 0_u32);
    loop {
        let once = Once { idempotency_key: Some(if piece == 0 { key.clone() } else { format!("{key}.{piece}") }) };
        let mut resent = once.send(context, &client, events.resend_range(&body)).await?;
        let before: (u64, u64) = total.unwrap_or_default();
        resent.events = resent.events.saturating_add(before.0);
        resent.deliveries = resent.deliveries.saturating_add(before.1);
        total = Some((resent.events, resent.deliveries));
        body.cursor = resent.next_cursor.take();
        if body.cursor.is_none() {
            return context.ui.record(&resent, columns::RESENT);
        }
        piece = piece.saturating_add(1);
    }
}
