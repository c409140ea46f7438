//! `payin addresses import`.

use std::path::PathBuf;

use payin_sdk::types::pool::ImportMode;
use payin_sdk::{ImportAddresses, Protocol};

use super::super::{Context, input};
use crate::failure::Failure;
use crate::output;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
One address a line, or CSV with a header that has a column `address`. Never put private keys into the file.

Examples:
  payin addresses import addresses.csv --protocol evm
  cast wallet address … | payin addresses import - --protocol evm")]
pub struct Args {
    /// The file, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The family of the addresses: evm, tron or solana
    #[arg(long, value_name = "PROTOCOL")]
    protocol: Protocol,

    /// Where they come from: self_managed or hd_wallet [default: self_managed]
    #[arg(long, value_name = "MODE")]
    mode: Option<ImportMode>,

    /// Makes the command safe to repeat [default: a fresh one]
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let client = context.client()?;
    let text = input::read_text(&args.file)?;
    // Spreadsheets write a byte order mark, which is no part of the first address.
    let addresses = text.trim_start_matches('\u{feff}').to_owned();
    let call = client.addresses().import(&ImportAddresses { mode: args.mode, ..ImportAddresses::new(args.protocol, addresses) });
    let imported = match args.idempotency_key {
        Some(key) => call.idempotency_key(key).await?,
        None => call.await?,
    };
    context.ui.record(&imported, output::IMPORT)
}
