//! `payin webhooks …`.

mod chaos;
mod endpoints;
mod events;
mod scheme;
mod sign;
mod verify;

use super::Context;
use crate::failure::Failure;

pub use scheme::secret as secret_in;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Where events are sent
    #[command(subcommand)]
    Endpoints(endpoints::Command),
    /// What happened, and what came of telling it
    #[command(subcommand)]
    Events(events::Command),
    /// Check a webhook's signature, offline: 0 genuine, 9 not, with the reason
    Verify(verify::Args),
    /// Sign a body as a server would, offline, to test a handler
    Sign(sign::Args),
    /// Try a handler with deliveries as they should not be: 0 it does right, 9 it does not, with what it gets wrong
    Test(chaos::Args),
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Endpoints(command) => endpoints::run(context, command).await,
        Command::Events(command) => events::run(context, command).await,
        Command::Verify(args) => verify::run(context, args),
        Command::Sign(args) => sign::run(context, args),
        Command::Test(args) => chaos::run(context, args).await,
    }
}
