//! `payin deposits unbind`.

use payin_sdk::ChainId;

use super::super::Context;
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  payin deposits unbind CUSTOMER-7
  payin deposits unbind CUSTOMER-7 --chain ethereum-sepolia")]
pub struct Args {
    /// Your own id of the payer
    #[arg(value_name = "REFERENCE")]
    deposit_reference: String,

    /// Only the address on this chain [default: all of them]
    #[arg(long, alias = "chain-id", value_name = "CHAIN")]
    chain: Option<ChainId>,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let client = context.client()?;
    let unbound = match args.chain {
        Some(chain) => client.deposits().unbind_chain(&args.deposit_reference, &chain).await?,
        None => client.deposits().unbind(&args.deposit_reference).await?,
    };
    context.ui.record(&unbound, columns::UNBOUND)
}
