//! `payin cryptopay …`: the CryptoPay API, by the same output rules and exit codes as the native one.

mod login;
mod orders;
mod transactions;
mod wallets;
mod webhooks;

use super::Context;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Sign in with a name and a password, and keep the session
    Login(login::Args),
    /// Create payment orders, look at them, wait until they are paid
    #[command(subcommand)]
    Orders(orders::Command),
    /// See what arrived
    #[command(subcommand)]
    Transactions(transactions::Command),
    /// Say where to be paid
    #[command(subcommand)]
    Wallets(wallets::Command),
    /// Say where events are posted
    #[command(subcommand)]
    Webhooks(webhooks::Command),
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Login(args) => login::run(context, args).await,
        Command::Orders(command) => orders::run(context, command).await,
        Command::Transactions(command) => transactions::run(context, command).await,
        Command::Wallets(command) => wallets::run(context, command).await,
        Command::Webhooks(command) => webhooks::run(context, command).await,
    }
}
