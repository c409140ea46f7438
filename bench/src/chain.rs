//! What following a chain costs: how many logs are read in a second beside a bare decoder, how much memory watched addresses take, and
//! how soon after its block a payment is seen. All in one run.

mod decode;
mod node;
mod visible;
mod watched;

use std::path::PathBuf;

use anyhow::bail;

#[derive(clap::Args)]
pub struct Options {
    /// Watched addresses while logs are read
    #[arg(long, default_value_t = 1_000_000)]
    watched: u32,
    /// Watched addresses while their memory is measured
    #[arg(long, default_value_t = 10_000_000)]
    crowd: u32,
    /// How often each decoder is measured
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Blocks with a payment each, one a second
    #[arg(long, default_value_t = 60)]
    blocks: usize,
    /// The EVM node [default: PAYIN_TEST_ANVIL, as scripts/setup exports it]; without one the last part is left out
    #[arg(long, value_name = "FILE", env = "PAYIN_TEST_ANVIL")]
    anvil: Option<PathBuf>,
    /// payin-server [default: beside this program]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
}

pub async fn run(options: Options) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        bail!("build with --release: a debug build measures the debug build");
    }
    // Memory first, while nothing that was freed is still the process's.
    println!("{}", watched::measure(options.crowd)?);
    println!("{}", decode::measure(options.watched, options.rounds)?);
    match &options.anvil {
        Some(anvil) => println!("{}", visible::measure(anvil, options.server.clone(), options.blocks).await?),
        None => eprintln!("no --anvil: how soon payments are seen is not measured"),
    }
    Ok(())
}

/// Whether a figure is as issue 4 asks.
fn verdict(reached: bool) -> &'static str {
    if reached { "reached" } else { "MISSED" }
}
