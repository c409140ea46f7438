//! `payin sandbox reorg`.

use payin_sdk::ChainId;
use payin_sdk::types::sandbox::Reorg;

use super::super::Context;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
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
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let reorg = Reorg { chain_id: args.chain, depth: args.depth, drop: args.drop.then_some(true) };
    let head = context.client()?.sandbox().reorg(&reorg).await?;
    context.ui.record(&head, &["chainId", "head"])
}
