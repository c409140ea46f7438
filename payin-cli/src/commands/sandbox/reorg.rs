//! `payin sandbox reorg`.

use payin_sdk::ChainId;
use payin_sdk::types::sandbox::Reorg;

use super::super::Context;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  payin sandbox reorg --chain ethereum-sepolia --depth 3
  payin sandbox reorg --chain ethereum-sepolia --depth 3 --lose 0xabc…
  payin sandbox reorg --chain ethereum-sepolia --depth 1 --bring-back 0xabc…")]
pub struct Args {
    /// The chain
    #[arg(long, value_name = "CHAIN")]
    chain: ChainId,

    /// How many of the newest blocks are replaced
    #[arg(long, value_name = "N")]
    depth: u32,

    /// Lose their transactions rather than include them again
    #[arg(long)]
    drop: bool,

    /// Lose this transaction of theirs, while the others come back; may be given again
    #[arg(long, value_name = "TX", conflicts_with = "drop")]
    lose: Vec<String>,

    /// Let this transaction, lost before, come back; may be given again
    #[arg(long, value_name = "TX")]
    bring_back: Vec<String>,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Args { chain, depth, drop, lose, bring_back } = args;
    let reorg = Reorg { drop: drop.then_some(true), lose, bring_back, ..Reorg::new(chain, depth) };
    let head = context.client()?.sandbox().reorg(&reorg).await?;
    super::note_pending(context, &head.pending);
    context.ui.record(&head, &["chainId", "head"])
}
