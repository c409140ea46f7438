//! `payin listen`: events as they happen, printed, or forwarded to a receiver that cannot be reached from outside.

mod forward;
mod kept;
mod told;

use std::path::PathBuf;

use payin_sdk::types::ExposeSecret;
use payin_sdk::{EventType, Heard, Live, LiveEvent, SecretString, StreamEvents};

use super::Context;
use super::webhooks::secret_in;
use crate::failure::Failure;
use crate::text;
use forward::Receiver;
use kept::{Cursor, Folder};
use told::Told;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each event is posted as the server would post it: the same body and headers, signed with a secret of
this machine (shown at the start), or with yours. It counts as received when it is answered with 2xx;
otherwise it is tried again after 1, 2, 4, 8 and 16 seconds. What is received is remembered, so that
listening again to the same server for the same receiver and types goes on behind it: nothing is lost
to Ctrl-C, to a crash, or to a night's sleep. What was not known to be received is posted again, with
the same id.

Ends with 9 where an event was not received in the end; it is the first to be posted the next time.

Examples:
  payin listen --forward-to http://localhost:8080/webhooks
  payin listen --events order.completed,order.expired --since 2025-01-20 --output ndjson
  payin listen --forward-to http://localhost:8080/webhooks --secret-file ci-secret.txt")]
pub struct Args {
    /// Where events are posted [default: they are printed]
    #[arg(long, value_name = "URL")]
    forward_to: Option<String>,

    /// Only events of these types, separated by commas; '*' for the documents' own [default: every one that is recorded]
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    events: Vec<EventType>,

    /// Begin with the events of this time or day, or with 'beginning' [default: where it was left, else now]
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<String>,

    /// Sign with the secret in this file, instead of the one that is kept on this machine
    #[arg(long, value_name = "FILE", requires = "forward_to")]
    secret_file: Option<PathBuf>,

    /// Print the secret that events are signed with, and end
    #[arg(long, conflicts_with = "secret_file")]
    print_secret: bool,
}

/// A time, a day, or the beginning, as the API takes it.
fn since(text: &str) -> Result<String, String> {
    if text == "beginning" { Ok(text.to_owned()) } else { text::time(text).map(|time| time.to_string()) }
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let folder = Folder::at(context.variables.folder()?, context.variables.profile(&context.access));
    if args.print_secret {
        return context.ui.answer(&format!("{}\n", folder.secret()?.expose_secret()));
    }
    let client = context.client()?;
    let mut query = StreamEvents { since: args.since, ..StreamEvents::default() };
    if !args.events.is_empty() {
        query.types = Some(args.events.iter().map(EventType::as_str).collect::<Vec<_>>().join(","));
    }
    let Some(url) = args.forward_to else {
        return print(context, client.webhook_events().live(query)).await;
    };
    let receiver = Receiver::at(&url, context.access.allow_http)?;
    let types: Vec<&str> = args.events.iter().map(EventType::as_str).collect();
    let mut cursor = folder.cursor(&client.base_url(), &url, &types)?;
    if query.since.is_none() {
        query.after = cursor.last().map(str::to_owned);
    }
    if let Some(last) = &query.after {
        context.ui.note(&format!("going on behind {last}"));
    }
    let secret = secret(context, &folder, args.secret_file)?;
    context.ui.note(&format!("listening to {}, forwarding to {url}", client.base_url()));
    forward(context, client.webhook_events().live(query), &receiver, &secret, &mut cursor).await
}

fn secret(context: &Context, folder: &Folder, file: Option<PathBuf>) -> Result<SecretString, Failure> {
    if let Some(path) = file {
        context.ui.note(&format!("signed with the secret in {}", path.display()));
        return secret_in(&path);
    }
    let secret = folder.secret()?;
    context.ui.note(&format!("signed with {} (it stays the same on this machine)", secret.expose_secret()));
    Ok(secret)
}

/// The next event; what else is heard is told, and where reading would go on is handed out.
async fn next(context: &Context, live: &mut Live, mut at: impl FnMut(&str) -> Result<(), Failure>) -> Result<LiveEvent, Failure> {
    loop {
        match live.next().await? {
            Heard::Event(event) => return Ok(*event),
            Heard::At(cursor) => at(&cursor)?,
            Heard::Connected => context.ui.note("connected"),
            Heard::Cut { why, again_in } => {
                context.ui.note(&format!("{why}; connecting again in {:?}", std::time::Duration::from_secs(again_in.as_secs().max(1))));
            }
            _ => {}
        }
    }
}

async fn print(context: &Context, mut live: Live) -> Result<(), Failure> {
    let mut lines = told::Lines::new(&context.ui);
    loop {
        let event = next(context, &mut live, |_| Ok(())).await?;
        lines.event(&event)?;
    }
}

async fn forward(
    context: &Context,
    mut live: Live,
    receiver: &Receiver,
    secret: &SecretString,
    cursor: &mut Cursor,
) -> Result<(), Failure> {
    let mut lines = told::Lines::new(&context.ui);
    loop {
        let stopped = cursor.last().map_or_else(|| "nothing was received yet".to_owned(), |last| format!("stopped behind {last}"));
        context.leaves_behind(format!("{stopped}; listen again to go on from there"));
        // Everything before it has been received: one event is dealt with before the next is read.
        let event = next(context, &mut live, |at| cursor.keep(at)).await?;
        let outcome = receiver.deliver((&event.event, &event.body), secret, |told: Told<'_>| lines.answer(&event, &told)).await?;
        outcome?;
        cursor.keep(&event.cursor)?;
    }
}
