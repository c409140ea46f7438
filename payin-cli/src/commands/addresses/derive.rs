//! `payin addresses derive`: the addresses that a server would derive, without one. Whoever compares the first few with the wallet's own
//! knows that the money will arrive there, before any does.

use std::path::PathBuf;

use payin_sdk::Protocol;
use payin_sdk::types::xpub::{Xpub, XpubError};
use serde_json::json;

use super::super::{Context, input};
use super::refuse_secret;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::columns;
use crate::text;

/// BIP-32: what lies above is derived with the private key only.
const INDICES: u64 = 1 << 31;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The key is that of an account, such as m/44'/60'/0' (EVM) or m/44'/195'/0' (Tron); the addresses are those at 0/index below it.
One line for each address, as ndjson where json is the format.

Example:
  payin addresses derive --protocol tron --xpub-file account.xpub --count 5")]
pub struct Args {
    /// The family of the addresses: evm or tron
    #[arg(long, value_name = "PROTOCOL", value_parser = text::protocol)]
    protocol: Protocol,

    /// A file with the account's extended public key; - for standard input
    #[arg(long, value_name = "FILE")]
    xpub_file: PathBuf,

    /// The first index
    #[arg(long, value_name = "INDEX", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..INDICES))]
    from: u64,

    /// How many addresses
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=INDICES))]
    count: u64,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let text = input::read_text(&args.xpub_file)?;
    refuse_secret(text.trim())?;
    let xpub = Xpub::parse(&args.protocol, text.trim()).map_err(refused)?;
    let end = args.from.saturating_add(args.count);
    if end > INDICES {
        return Err(Failure::usage(format!("the last index is {}: from {} there are not {} more", INDICES - 1, args.from, args.count)));
    }
    let mut indices = args.from..end;
    let next = async || {
        // An index in 2¹²⁷ has no address; the server passes over it too.
        let derived = indices.by_ref().find_map(|index| Some((index, xpub.address(u32::try_from(index).ok()?)?)));
        Ok(derived.map(|(index, address)| json!({ "index": index, "path": format!("0/{index}"), "address": address.as_str() })))
    };
    context.ui.stream(next, columns::DERIVED).await
}

fn refused(error: XpubError) -> Failure {
    Failure::new(Exit::Validation, "VALIDATION_ERROR", error.to_string())
}
