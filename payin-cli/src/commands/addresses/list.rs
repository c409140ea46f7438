//! `payin addresses list`.

use std::pin::pin;

use futures_util::TryStreamExt;
use payin_sdk::Protocol;
use payin_sdk::types::pool::{AddressState, ListAddresses};

use super::super::{Context, position};
use crate::failure::Failure;
use crate::output::{self, Format};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this family: evm, tron or solana
    #[arg(long, value_name = "PROTOCOL")]
    protocol: Option<Protocol>,

    /// Only addresses that stand here: available, allocated, bound, cooldown or quarantined
    #[arg(long, value_name = "STATE")]
    state: Option<AddressState>,

    /// Which page, from 1
    #[arg(long, value_name = "N", conflicts_with = "all")]
    page: Option<u64>,

    /// Addresses a page, 1 to 100 [default: 20]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,

    /// All pages, written as they come; as ndjson where json is the format
    #[arg(long)]
    all: bool,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let client = context.client()?;
    let query = ListAddresses { page: args.page, limit: args.limit, protocol: args.protocol, state: args.state };
    if args.all {
        let mut addresses = pin!(client.addresses().stream(query));
        return context.ui.stream(async || Ok(addresses.try_next().await?), output::ADDRESSES).await;
    }
    let page = client.addresses().list(&query).await?;
    context.ui.list(&page, &page.data, output::ADDRESSES)?;
    if context.ui.format == Format::Table {
        context.ui.note(&position(&page.pagination));
    }
    Ok(())
}
