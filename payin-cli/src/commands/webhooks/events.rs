//! `payin webhooks events …`.

mod list;
mod resend;

use super::super::Context;
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List events, newest first
    List(list::Args),
    /// Show an event, with what is sent of it
    Get(Id),
    /// Show how the deliveries of an event stand, one for each endpoint
    Deliveries(Id),
    /// Send an event again, at once, or all events of a time
    Resend(resend::Args),
}

/// Which event is meant.
#[derive(Debug, clap::Args)]
pub struct Id {
    /// The event's id
    #[arg(value_name = "ID")]
    id: String,
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let client = context.client()?;
    let events = client.webhook_events();
    match command {
        Command::List(args) => list::run(context, args).await,
        Command::Get(Id { id }) => context.ui.record(&events.get(&id.into()).await?, columns::EVENT),
        Command::Deliveries(Id { id }) => {
            let deliveries = events.deliveries(&id.into()).await?;
            context.ui.list(&deliveries, &deliveries.data, columns::DELIVERIES)?;
            for delivery in &deliveries.data {
                // The latest attempt that did not get through says what is wrong.
                if let Some(attempt) = delivery.log.iter().max_by_key(|attempt| attempt.started_at) {
                    let status = attempt.status_code.map(|code| format!("HTTP {code}"));
                    let came = [status, attempt.failure.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ");
                    context.ui.note(&format!("{}: latest attempt {}: {came}", delivery.endpoint_id, attempt.started_at));
                }
            }
            Ok(())
        }
        Command::Resend(args) => resend::run(context, args).await,
    }
}
