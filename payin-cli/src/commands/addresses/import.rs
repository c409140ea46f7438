//! `payin addresses import`: a file of any length, a piece at a time. It must not judge addresses: the server does.

mod chunks;

use std::io::BufRead;
use std::path::PathBuf;

use clap::ArgGroup;
use payin_sdk::types::pool::{ImportMode, ImportSummary};
use payin_sdk::{Client, ImportAddresses, ImportedAddresses, Protocol};
use serde_json::{Value, json};

use self::chunks::{Chunk, Chunks};
use super::super::once::Once;
use super::super::{Context, input};
use super::{lines, refuse_secret};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
One address a line, or CSV with a header that has a column `address`. Never put private keys into the file.
Each piece of --chunk lines is imported whole or, if one of its lines is bad, not at all. After an error mend
the lines and run the same command again: addresses that are there already are skipped.

Examples:
  payin addresses import addresses.csv --protocol evm
  payin addresses import addresses.csv --protocol evm --dry-run
  payin addresses import addresses.csv --protocol evm --from-line 45001
  cast wallet address … | payin addresses import - --protocol evm
  payin addresses import --protocol tron --xpub-file account.xpub --count 500")]
#[command(group = ArgGroup::new("source").required(true).args(["file", "xpub", "xpub_file"]))]
pub struct Args {
    /// The file, or - for standard input
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// Derive from this extended public key of an account, instead of a file
    #[arg(long, value_name = "XPUB")]
    xpub: Option<String>,

    /// A file with the extended public key
    #[arg(long, value_name = "FILE")]
    xpub_file: Option<PathBuf>,

    /// The family of the addresses: evm, tron or solana
    #[arg(long, value_name = "PROTOCOL")]
    protocol: Protocol,

    /// Where they come from: self_managed or hd_wallet [default: self_managed, with an xpub hd_wallet]
    #[arg(long, value_name = "MODE")]
    mode: Option<ImportMode>,

    /// How many addresses to derive now [default: as the server says]
    #[arg(long, value_name = "N", conflicts_with = "file")]
    count: Option<u32>,

    /// The first index to derive [default: where the last derivation ended]
    #[arg(long, value_name = "N", conflicts_with = "file")]
    start_index: Option<u32>,

    /// How many lines are sent at once
    #[arg(long, value_name = "LINES", default_value_t = 5000, value_parser = clap::value_parser!(u64).range(1..=50_000))]
    chunk: u64,

    /// Begin with this line of the file; a header is read all the same
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    from_line: u64,

    /// Read the file and count, send nothing
    #[arg(long, requires = "file")]
    dry_run: bool,

    #[command(flatten)]
    once: Once,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Some(path) = &args.file else { return derive(context, args).await };
    let mut chunks = Chunks::new(lines::open(path)?, args.chunk, args.from_line);
    if args.dry_run {
        return count(context, chunks);
    }
    let client = context.client()?;
    let base = match &args.once.idempotency_key {
        Some(key) => key.clone(),
        None => client.new_idempotency_key()?,
    };
    let mut total = Total::default();
    // On a thread of its own, so that whoever waits for a pipe can be interrupted.
    while let Some((chunk, rest)) = read(chunks).await? {
        chunks = rest;
        context.leaves_behind(go_on(chunk.first));
        let key = format!("{base}-{}", chunk.first);
        let imported = send(&client, &args, &chunk, key).await.map_err(|failure| within(failure, &chunk, &total))?;
        total.add(imported, &chunk);
        if total.chunks > 1 || context.ui.is_live() {
            context.ui.progress(&format!("line {}: {} imported, {} there already", chunk.last, total.imported, total.skipped));
        }
    }
    match total.summary {
        Some(summary) => {
            let Total { imported, skipped, last, .. } = total;
            let told = json!({ "success": true, "imported": imported, "skipped": skipped, "lines": last, "summary": summary });
            context.ui.record(&told, columns::IMPORT)
        }
        None => Err(empty()),
    }
}

/// What all pieces came to.
#[derive(Debug, Default)]
struct Total {
    imported: u64,
    skipped: u64,
    chunks: u64,
    last: u64,
    summary: Option<ImportSummary>,
}

impl Total {
    fn add(&mut self, answer: ImportedAddresses, chunk: &Chunk) {
        self.imported = self.imported.saturating_add(answer.imported);
        self.skipped = self.skipped.saturating_add(answer.skipped);
        self.chunks = self.chunks.saturating_add(1);
        self.last = chunk.last;
        let mut summary = answer.summary;
        if let Some(before) = self.summary.as_ref().and_then(|summary| summary.derivation_range) {
            let range = summary.derivation_range.get_or_insert(before);
            (range.start, range.end) = (range.start.min(before.start), range.end.max(before.end));
        }
        self.summary = Some(summary);
    }
}

type Input = Chunks<Box<dyn BufRead + Send>>;

async fn read(mut chunks: Input) -> Result<Option<(Chunk, Input)>, Failure> {
    let read = tokio::task::spawn_blocking(move || chunks.next().map(|chunk| Some((chunk?, chunks))));
    read.await.map_err(|error| Failure::internal(format!("cannot read: {error}")))?
}

async fn send(client: &Client, args: &Args, chunk: &Chunk, key: String) -> Result<ImportedAddresses, Failure> {
    let addresses = ImportAddresses { mode: args.mode.clone(), ..ImportAddresses::new(args.protocol.clone(), chunk.text.as_str()) };
    Ok(client.addresses().import(&addresses).idempotency_key(key).await?)
}

/// The failure of a piece, told of the file: its lines have the file's numbers.
fn within(failure: Failure, chunk: &Chunk, total: &Total) -> Failure {
    let Failure::Told(mut report) = failure else { return failure };
    for entry in report.details.as_mut().and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(line) = entry.get("line").and_then(Value::as_u64) {
            entry["line"] = chunk.line_of(line).into();
        }
    }
    let before = if total.chunks > 0 { ", those before are imported" } else { "" };
    report.message = format!("lines {} to {} failed{before}: {}", chunk.first, chunk.last, report.message);
    // Going on does nothing twice, because what is there is skipped: nobody needs the key of one piece.
    report.idempotency_key = None;
    report.hint = Some(match report.exit {
        Exit::Validation => format!("mend them and run the same command again: what is there is skipped; {}", go_on(chunk.first)),
        _ => [report.hint.filter(|_| report.exit == Exit::Auth), Some(go_on(chunk.first))]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("; "),
    });
    Failure::Told(report)
}

fn go_on(line: u64) -> String {
    format!("to go on from there: the same command with --from-line {line}")
}

pub fn empty() -> Failure {
    Failure::new(Exit::Validation, "VALIDATION_ERROR", "there is no address: give one a line, or CSV with a column named address")
}

/// Reads to the end and tells what there is.
fn count(context: &Context, mut chunks: Input) -> Result<(), Failure> {
    let (mut pieces, mut addresses, mut lines) = (0u64, 0u64, 0);
    while let Some(chunk) = chunks.next()? {
        (pieces, addresses, lines) = (pieces.saturating_add(1), addresses.saturating_add(chunk.addresses), chunk.last);
    }
    if pieces == 0 {
        return Err(empty());
    }
    let told = json!({ "dryRun": true, "addresses": addresses, "lines": lines, "chunks": pieces, "header": chunks.has_header() });
    context.ui.record(&told, &["dryRun", "addresses", "lines", "chunks", "header"])
}

async fn derive(context: &Context, args: Args) -> Result<(), Failure> {
    let xpub = match (args.xpub, &args.xpub_file) {
        (Some(xpub), _) => xpub,
        (None, Some(path)) => input::read_text(path)?,
        (None, None) => return Err(Failure::usage("name a FILE or an --xpub")),
    };
    let xpub = xpub.trim();
    refuse_secret(xpub)?;
    let addresses = ImportAddresses {
        protocol: args.protocol,
        mode: Some(args.mode.unwrap_or(ImportMode::HdWallet)),
        addresses: None,
        xpub: Some(xpub.to_owned()),
        count: args.count,
        start_index: args.start_index,
    };
    let client = context.client()?;
    let imported = args.once.send(context, &client, client.addresses().import(&addresses)).await?;
    context.ui.record(&imported, columns::IMPORT)
}
