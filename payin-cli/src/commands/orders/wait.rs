//! `payin orders wait`.

use std::time::Duration;

use super::super::Context;
use super::watch;
use crate::failure::Failure;
use crate::text;

#[derive(Debug, clap::Args)]
#[command(after_help = "Prints the order as it is at the end. Progress goes to stderr.")]
pub struct Args {
    /// The order's id
    #[arg(value_name = "ID")]
    id: String,

    /// How long to wait at most: seconds, or 90s, 16m, 2h [default: until the order has ended]
    #[arg(long, value_name = "SPAN", value_parser = text::seconds)]
    timeout: Option<u64>,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let client = context.client()?;
    watch::run(context, client.orders().wait(&args.id.into()), args.timeout.map(Duration::from_secs)).await
}
