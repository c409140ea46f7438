//! `payin addresses check`: whether addresses could be paid, without a server. What an address is the SDK says, by the same rule as the
//! server.

use std::io::BufRead;
use std::path::PathBuf;

use clap::ArgGroup;
use payin_sdk::Protocol;
use payin_sdk::types::address::Address;
use payin_sdk::types::xpub::{self, LEAKED, looks_secret};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::Context;
use super::import::empty;
use super::lines::{self, Lines, column_of_addresses, fields};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Format, columns};
use crate::text;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
One line for each address, as ndjson where json is the format; the exit code is 6 if one of them is bad.
A token's contract is an address too: only the server knows which are.

Examples:
  payin addresses check 0x9858EfFD232B4033E47d90003D41EC34EcaEda94
  payin addresses check --file addresses.csv --protocol tron
  cut -d, -f2 customers.csv | payin addresses check --file - --output csv > checked.csv")]
#[command(group = ArgGroup::new("source").required(true).args(["addresses", "file"]))]
pub struct Args {
    /// The addresses
    #[arg(value_name = "ADDRESS")]
    addresses: Vec<String>,

    /// A file with one a line, or CSV with a column `address`; - for standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Their family: evm, tron or solana [default: each one's, by its form]
    #[arg(long, value_name = "PROTOCOL", value_parser = text::protocol)]
    protocol: Option<Protocol>,
}

/// What is told of an address.
#[derive(Debug, Serialize)]
struct Checked {
    line: u64,
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<Protocol>,
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    canonical: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Checked {
    /// A table has no room for an address, its canonical form and what is wrong with it.
    fn for_eyes(self) -> Value {
        let Self { line, address, canonical, error, .. } = self;
        json!({ "line": line, "result": canonical.unwrap_or_else(|| format!("{address} is bad: {}", error.unwrap_or_default())) })
    }
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let mut source = match &args.file {
        Some(path) => Source::Text { lines: Lines::new(lines::open(path)?), column: None },
        None => Source::Arguments(args.addresses.into_iter().zip(1..)),
    };
    let (mut all, mut bad) = (0u64, 0u64);
    let mut next = async || {
        let checked = source.next()?.map(|(line, fields, at)| check(args.protocol.as_ref(), line, &fields, at));
        all = all.saturating_add(u64::from(checked.is_some()));
        bad = bad.saturating_add(u64::from(checked.as_ref().is_some_and(|checked| !checked.valid)));
        Ok(checked)
    };
    match context.ui.format {
        Format::Table => context.ui.stream(async || Ok(next().await?.map(Checked::for_eyes)), &["line", "result"]).await?,
        _ => context.ui.stream(next, columns::CHECKED).await?,
    }
    match (all, bad) {
        (0, _) => Err(empty()),
        (_, 0) => Ok(()),
        _ => Err(Failure::new(Exit::Validation, "VALIDATION_ERROR", format!("{bad} of {all} cannot be paid: each says why"))),
    }
}

/// Where the addresses stand.
enum Source<A, R> {
    Arguments(A),
    Text {
        lines: Lines<R>,
        /// Which field of a line is the address, once the first line has been read.
        column: Option<usize>,
    },
}

impl<A: Iterator<Item = (String, u64)>, R: BufRead> Source<A, R> {
    /// The next address: the number of its line, the line's fields, and which of them it is.
    fn next(&mut self) -> Result<Option<(u64, Vec<String>, usize)>, Failure> {
        let (lines, column) = match self {
            Self::Arguments(rest) => return Ok(rest.next().map(|(text, number)| (number, vec![text], 0))),
            Self::Text { lines, column } => (lines, column),
        };
        while let Some(line) = lines.next()? {
            if line.trim().is_empty() {
                continue;
            }
            if column.is_none() {
                let header = column_of_addresses(&line);
                *column = Some(header.unwrap_or(0));
                if header.is_some() {
                    continue;
                }
            }
            let fields = fields(&line).into_iter().map(str::to_owned).collect();
            return Ok(Some((lines.number, fields, column.unwrap_or(0))));
        }
        Ok(None)
    }
}

fn check(protocol: Option<&Protocol>, line: u64, fields: &[String], at: usize) -> Checked {
    let given = fields.get(at).map_or("", |field| field.trim());
    let family = protocol.cloned().or_else(|| family(given));
    let read = match &family {
        Some(family) => Address::parse(family, given).map_err(|error| error.to_string()),
        None => {
            Err("this is no address of EVM (0x and 40 digits), Tron (34 characters from T) or Solana (the base58 of 32 bytes)".to_owned())
        }
    };
    let (address, canonical, error) = match read {
        Ok(address) => (given.to_owned(), Some(address.as_str().to_owned()), None),
        // Not repeated: what is written here is kept in logs and histories.
        Err(_) if fields.iter().any(|field| looks_secret(field)) => ("[hidden]".to_owned(), None, Some(LEAKED.to_owned())),
        Err(_) if xpub::check(given).is_ok() => {
            (given.to_owned(), None, Some("this is an extended public key: payin addresses derive shows its addresses".to_owned()))
        }
        Err(error) => (given.to_owned(), None, Some(error)),
    };
    Checked { line, valid: canonical.is_some(), protocol: family.filter(|_| error.as_deref() != Some(LEAKED)), address, canonical, error }
}

/// Whose form it has, so that a mistyped one is told what is wrong with it.
fn family(text: &str) -> Option<Protocol> {
    let is_hex = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    // 32 bytes take 32 to 44 digits of base58; with 34 they would begin with seven bytes of zeros.
    match text.len() {
        _ if text.starts_with("0x") || text.starts_with("0X") || is_hex => Some(Protocol::Evm),
        33..=35 if text.starts_with('T') => Some(Protocol::Tron),
        32..=44 if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) => Some(Protocol::Solana),
        _ => None,
    }
}
