//! The top of the command line. Each command's own arguments stand beside the command.

use clap::{Parser, Subcommand};

use crate::commands::{
    addresses, chains, completions, config, conformance, cryptopay, deposits, doctor, keys, links, listen, login, logout, man, orders,
    orgs, paywarden, sandbox, transfers, trigger, webhooks, whoami,
};
use crate::output::Format;

/// The heading of options that every command has.
const GLOBAL: &str = "Global options";

/// Take stablecoin payments from the command line.
#[derive(Debug, Parser)]
#[command(name = "payin", version, after_help = AFTER)]
pub struct Args {
    /// How answers are written: table, json, ndjson or csv [default: table on a terminal, json when piped]
    #[arg(short, long, global = true, value_enum, value_name = "FORMAT", hide_possible_values = true, help_heading = GLOBAL)]
    pub output: Option<Format>,

    /// Show no progress and no remarks, only answers and errors
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub quiet: bool,

    #[command(flatten)]
    pub access: Access,

    #[command(subcommand)]
    pub command: Command,
}

/// Which server is asked, and with which key.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Access {
    /// The API's URL, with or without /api/v1; goes before PAYIN_BASE_URL
    #[arg(long, global = true, value_name = "URL", help_heading = GLOBAL)]
    pub base_url: Option<String>,

    /// Use the key that `payin login --profile NAME` has kept; goes before PAYIN_PROFILE
    #[arg(long, global = true, value_name = "NAME", help_heading = GLOBAL)]
    pub profile: Option<String>,

    /// Allow an http:// URL of another machine, where everybody on the way can read the key
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub allow_http: bool,
}

const AFTER: &str = "\
Environment:
  PAYIN_API_KEY   the API key; no flag takes it, because other users can read flags
                  (but conformance, for the key of a sandbox).
                  It goes before every profile
  PAYIN_BASE_URL  the API's URL; without it pk_live_ keys mean production
                  and pk_test_ keys testnet
  PAYIN_PROFILE   the profile whose key is used, as `payin login` has kept it

Examples:
  payin login
  payin orders create --reference ORDER-1 --amount 25.00 --currency USDT --chain ethereum-sepolia
  payin orders explain --reference ORDER-1
  payin doctor

Exit codes:
  0 ok · 1 other API error · 2 usage · 3 not found · 4 auth or permission
  5 conflict · 6 validation · 7 rate limited · 8 network, or outcome unknown
  9 not as asserted (wait, verify, listen, sandbox run, conformance)
  130 interrupted, by Ctrl-C or SIGTERM

Answers go to stdout and nothing else does.
Errors go to stderr, as JSON when the output is JSON.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create orders, look at them, wait for their payment, find out why one is not paid
    #[command(subcommand)]
    Orders(orders::Command),
    /// Bind payers to addresses of their own, and see what arrives there
    #[command(subcommand)]
    Deposits(deposits::Command),
    /// See every transfer to the pool's addresses, also what counts for nothing
    #[command(subcommand)]
    Transfers(transfers::Command),
    /// Pages on which anybody can pay, by their link
    #[command(subcommand)]
    Links(links::Command),
    /// The CryptoPay API: orders, transactions, wallets and webhooks on EVM chains
    #[command(subcommand)]
    Cryptopay(cryptopay::Command),
    /// The PayWarden API: payments in USDT on Tron
    #[command(subcommand)]
    Paywarden(paywarden::Command),
    /// Fill the address pool and look at it
    #[command(subcommand)]
    Addresses(addresses::Command),
    /// Webhook endpoints and events; verify and sign webhooks offline
    #[command(subcommand)]
    Webhooks(webhooks::Command),
    /// Print events as they happen, or forward them, signed, to a receiver on this machine
    Listen(listen::Args),
    /// Make an event happen on a `payin-server dev`
    Trigger(trigger::Args),
    /// The organization's settings
    #[command(subcommand)]
    Config(config::Command),
    /// The organizations that the key may see
    #[command(subcommand)]
    Orgs(orgs::Command),
    /// The organization's API keys
    #[command(subcommand)]
    Keys(keys::Command),
    /// Simulate payments, blocks and time on a `payin-server dev`
    #[command(subcommand)]
    Sandbox(sandbox::Command),
    /// Chains: what is accepted on each, and how far it has been followed
    #[command(subcommand)]
    Chains(chains::Command),
    /// Look for what is wrong: key, server, clock, chains, pool, webhooks, limits
    Doctor(doctor::Args),
    /// Hold a server against the contract: every operation, error, header, page, repetition and signature
    Conformance(conformance::Args),
    /// Keep an API key on this machine, so that it need not stand in the environment
    Login(login::Args),
    /// Forget a key that `login` has kept
    Logout(logout::Args),
    /// Show whose key this is
    Whoami(whoami::Args),
    /// Write a completion script for a shell
    Completions(completions::Args),
    /// Write the manual page
    Man(man::Args),
}
