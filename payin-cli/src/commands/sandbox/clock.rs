//! `payin sandbox clock`, `clock advance`, `clock freeze`, `clock run`.

use payin_sdk::types::sandbox::Advance;

use super::super::Context;
use crate::failure::Failure;
use crate::text;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  payin sandbox clock\n  payin sandbox clock freeze\n  payin sandbox clock advance 16m")]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Let time pass, and wait until all that was due has happened; what has not is listed as pending
    Advance {
        /// How much: seconds, or 90s, 16m, 2h, 1d
        #[arg(value_name = "SPAN", value_parser = text::seconds)]
        span: u64,
    },
    /// Let time stand still; blocks come on demand
    Freeze,
    /// Let time run along with the real one; blocks come every second
    Run,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let client = context.client()?;
    let state = match args.command {
        None => client.sandbox().clock().await?,
        Some(Command::Freeze) => client.sandbox().freeze().await?,
        Some(Command::Run) => client.sandbox().run().await?,
        Some(Command::Advance { span }) => {
            let advanced = client.sandbox().advance(&Advance { seconds: span }).await?;
            return context.ui.record(&advanced, &["now", "frozen", "pending"]);
        }
    };
    context.ui.record(&state, &["now", "frozen"])
}
