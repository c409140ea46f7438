//! `payin-bench`: orders per second of our server beside two bare floors, and what chains cost it, in one run on one machine.
//! Composition only: what is measured is in `run`, how in `load`, against what in `floor`, and the text in `report`.

mod chain;
mod database;
mod deliver;
mod floor;
mod http;
mod load;
mod pool;
mod prism;
mod reads;
mod report;
mod run;
mod server;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures `POST /orders` of payin-server beside two bare floor servers
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the servers, measure them in interleaved rounds, print medians and ratios
    Run(run::Options),
    /// Measure reading beside a bare floor on the same databases, a small and a large one
    Reads(reads::Options),
    /// Measure what following a chain costs: decoding beside a bare decoder, memory, and how soon a payment is seen
    Chain(chain::Options),
    /// Measure delivering webhooks beside a bare loop that signs the same bodies, and beside dead endpoints
    Deliver(deliver::Options),
    /// Measure the sandbox beside Prism, another mock server, serving the same openapi.yaml
    Prism(prism::Options),
    /// The floor of delivering: a bare loop that signs and sends
    #[command(hide = true)]
    FloorDeliver(deliver::FloorOptions),
    /// The floor of reading: the same queries and answers, nothing else
    #[command(hide = true)]
    FloorReads(floor::reads::Options),
    /// The naive floor: one transaction per request
    #[command(hide = true)]
    FloorNaive(floor::Options),
    /// The group-commit floor: one transaction for all waiting requests
    #[command(hide = true)]
    FloorGroup(floor::Options),
}

fn main() -> ExitCode {
    if let Err(error) = start() {
        // The chain of reasons; a backtrace through the runtime would hide it.
        eprintln!("payin-bench: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn start() -> anyhow::Result<()> {
    // Clients are not made without one, though nothing here is encrypted. The error is that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match Cli::parse().command {
        // One thread drives all connections: it spends less of the machine that the servers share with it.
        Command::Run(options) => tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run::run(options)),
        Command::Reads(options) => tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(reads::run(options)),
        Command::Chain(options) => tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(chain::run(options)),
        Command::Deliver(options) => tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(deliver::run(options)),
        Command::Prism(options) => tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(prism::run(options)),
        Command::FloorDeliver(options) => floor_runtime()?.block_on(deliver::floor(options)),
        Command::FloorReads(options) => floor_runtime()?.block_on(floor::reads::serve(options)),
        Command::FloorNaive(options) => floor_runtime()?.block_on(floor::serve(floor::Kind::Naive, options)),
        Command::FloorGroup(options) => floor_runtime()?.block_on(floor::serve(floor::Kind::Group, options)),
    }
}

/// As `#[tokio::main]` gives it, to our server too.
fn floor_runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
