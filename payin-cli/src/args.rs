//! The top of the command line. Each command's own arguments stand beside the command.

use clap::{Parser, Subcommand};

use crate::commands::{addresses, completions, orders, sandbox, webhooks, whoami};
use crate::output::Format;

/// Take stablecoin payments from the command line.
#[derive(Debug, Parser)]
#[command(name = "payin", version, after_help = AFTER)]
pub struct Args {
    /// How answers are written [default: table on a terminal, json when piped]
    #[arg(short, long, global = true, value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,

    /// Show no progress and no remarks, only answers and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// The API's URL, with or without /api/v1; goes before PAYIN_BASE_URL
    #[arg(long, global = true, value_name = "URL")]
    pub base_url: Option<String>,

    #[command(subcommand)]
    pub command: Command,
}

const AFTER: &str = "\
Environment:
  PAYIN_API_KEY   the API key; no flag takes it, because other users can read flags
  PAYIN_BASE_URL  the API's URL; without it pk_live_ keys mean production
                  and pk_test_ keys testnet

Exit codes:
  0 ok · 1 other API error · 2 usage · 3 not found · 4 auth or permission
  5 conflict · 6 validation · 7 rate limited · 8 network, or outcome unknown
  9 not as asserted (wait, verify) · 130 interrupted

Answers go to stdout and nothing else does.
Errors go to stderr, as JSON when the output is JSON.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create orders, look at them, wait for their payment
    #[command(subcommand)]
    Orders(orders::Command),
    /// Fill the address pool and look at it
    #[command(subcommand)]
    Addresses(addresses::Command),
    /// Webhook endpoints; verify and sign webhooks offline
    #[command(subcommand)]
    Webhooks(webhooks::Command),
    /// Simulate payments, blocks and time on a `payin-server dev`
    #[command(subcommand)]
    Sandbox(sandbox::Command),
    /// Show whose key this is
    Whoami(whoami::Args),
    /// Write a completion script for a shell
    Completions(completions::Args),
}
