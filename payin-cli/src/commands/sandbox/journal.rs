//! `payin sandbox journal` and `payin sandbox journal assert`.

use payin_sdk::types::sandbox::{Assertion, JournalKind, ReadJournal};

use super::super::Context;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  payin sandbox journal --kind request
  payin sandbox journal assert --kind delivery --match 'order.completed * 200' --count 1")]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    filter: Filter,

    /// How many entries at most, 1 to 1000 [default: 100]
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Ask whether something happened; if it did not, what came instead is told, and the exit code is 9
    Assert {
        #[command(flatten)]
        filter: Filter,

        /// Exactly so many times [default: at least once]
        #[arg(long, value_name = "N")]
        count: Option<u64>,
    },
}

#[derive(Debug, clap::Args)]
struct Filter {
    /// Only of this kind: request, delivery or chain
    #[arg(long, value_name = "KIND")]
    kind: Option<JournalKind>,

    /// Only what fits this, outcome included; * stands for any text
    #[arg(long = "match", value_name = "PATTERN")]
    pattern: Option<String>,

    /// Only what came after this number
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let client = context.client()?;
    match args.command {
        None => {
            let Filter { kind, pattern, after } = args.filter;
            let journal = client.sandbox().journal(&ReadJournal { kind, pattern, after, limit: args.limit }).await?;
            context.ui.list(&journal, &journal.entries, &["seq", "at", "kind", "what", "outcome", "fault"])
        }
        Some(Command::Assert { filter: Filter { kind, pattern, after }, count }) => {
            let asserted = client.sandbox().assert(&Assertion { kind, pattern, after, count }).await?;
            context.ui.record(&asserted, &["count"])
        }
    }
}
