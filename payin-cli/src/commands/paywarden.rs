//! `payin paywarden …`: the PayWarden API, by the same output rules and exit codes as the native one.

mod payments;

use super::Context;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create payments, look at them, wait until they are paid
    #[command(subcommand)]
    Payments(payments::Command),
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Payments(command) => payments::run(context, command).await,
    }
}
