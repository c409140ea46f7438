//! `payin sandbox mine`.

use payin_sdk::ChainId;
use payin_sdk::types::sandbox::Mine;

use super::super::Context;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this chain [default: every simulated one]
    #[arg(long, value_name = "CHAIN")]
    chain: Option<ChainId>,

    /// How many blocks, 1 to 1000 [default: 1]
    #[arg(long, value_name = "N")]
    blocks: Option<u32>,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let mined = context.client()?.sandbox().mine(&Mine { chain_id: args.chain, blocks: args.blocks }).await?;
    super::note_pending(context, &mined.pending);
    context.ui.list(&mined, &mined.chains, &["chainId", "head"])
}
