//! `payin sandbox clock` and `payin sandbox clock advance`.

use payin_sdk::types::sandbox::Advance;

use super::super::Context;
use crate::failure::Failure;
use crate::text;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  payin sandbox clock\n  payin sandbox clock advance 16m")]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Let time pass
    Advance {
        /// How much: seconds, or 90s, 16m, 2h, 1d
        #[arg(value_name = "SPAN", value_parser = text::seconds)]
        span: u64,
    },
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let client = context.client()?;
    let state = match args.command {
        None => client.sandbox().clock().await?,
        Some(Command::Advance { span }) => client.sandbox().advance(&Advance { seconds: span }).await?,
    };
    context.ui.record(&state, &["now", "frozen"])
}
