//! `payin addresses list`.

use payin_sdk::Protocol;
use payin_sdk::types::pool::{AddressState, ListAddresses};

use super::super::Context;
use super::super::pages::{self, Paging};
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  payin addresses list --protocol evm --state quarantined")]
pub struct Args {
    /// Only this family: evm, tron or solana
    #[arg(long, value_name = "PROTOCOL")]
    protocol: Option<Protocol>,

    /// Only addresses that stand here: available, allocated, bound, cooldown, quarantined or archived
    #[arg(long, value_name = "STATE")]
    state: Option<AddressState>,

    #[command(flatten)]
    paging: Paging,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Paging { page, limit, all } = args.paging;
    let query = ListAddresses { page, limit, protocol: args.protocol, state: args.state };
    let client = context.client()?;
    let addresses = client.addresses();
    pages::show(context, all, addresses.list(&query), addresses.stream(query), columns::ADDRESSES).await
}
