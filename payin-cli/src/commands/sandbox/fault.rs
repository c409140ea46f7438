//! `payin sandbox fault …`.

use payin_sdk::ErrorCode;
use payin_sdk::types::sandbox::{FaultKind, FaultPlace, FaultWhen, NewFault};

use super::super::Context;
use crate::failure::Failure;

/// What is shown of a rule.
const COLUMNS: &[&str] = &["id", "at", "kind", "match", "when", "code", "count", "applied"];

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Let something go wrong
    Add(Box<Add>),
    /// Show what shall go wrong, and how often it has
    List,
    /// Let nothing go wrong any more
    Clear,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Patterns, in which * stands for any text:
  api      POST /api/v1/orders
  rpc      ethereum-sepolia eth_getLogs
  webhook  order.completed http://localhost:8080/hook

Examples:
  payin sandbox fault add api drop --match 'POST /api/v1/orders' --when after --count 1
  payin sandbox fault add api rate_limit --retry-after 2 --percent 20
  payin sandbox fault add rpc error --match 'ethereum-sepolia *' --count 3
  payin sandbox fault add webhook duplicate --match 'order.*'")]
pub struct Add {
    /// Where: api, rpc or webhook
    #[arg(value_name = "PLACE")]
    at: FaultPlace,

    /// What: error, rate_limit, latency or drop; for webhooks latency, drop, duplicate, reorder or lose
    #[arg(value_name = "KIND")]
    kind: FaultKind,

    /// Of what [default: everything]
    #[arg(long = "match", value_name = "PATTERN")]
    pattern: Option<String>,

    /// For error and drop: before or after the work is done [default: before]
    #[arg(long, value_name = "WHEN")]
    when: Option<FaultWhen>,

    /// For error in the API: which one [default: INTERNAL_ERROR]
    #[arg(long, value_name = "CODE")]
    code: Option<ErrorCode>,

    /// For rate_limit: what Retry-After says [default: there is none]
    #[arg(long, value_name = "SECONDS")]
    retry_after: Option<u64>,

    /// For latency: how long, in real milliseconds
    #[arg(long, value_name = "MS")]
    delay_ms: Option<u64>,

    /// How many times [default: until it is cleared]
    #[arg(long, value_name = "N")]
    count: Option<u64>,

    /// How often of a hundred times, as the server's seed has it [default: 100]
    #[arg(long, value_name = "N")]
    percent: Option<u8>,
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let client = context.client()?;
    match command {
        Command::Add(add) => {
            let Add { at, kind, pattern, when, code, retry_after, delay_ms, count, percent } = *add;
            let fault = NewFault { pattern, when, code, retry_after, delay_ms, count, percent, ..NewFault::new(at, kind) };
            context.ui.record(&client.sandbox().add_fault(&fault).await?, COLUMNS)
        }
        Command::List => {
            let all = client.sandbox().faults().await?;
            context.ui.list(&all, &all.faults, COLUMNS)
        }
        Command::Clear => context.ui.record(&client.sandbox().clear_faults().await?, &["cleared"]),
    }
}
