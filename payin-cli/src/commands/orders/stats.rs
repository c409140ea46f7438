//! `payin orders stats`.

use payin_sdk::types::order::OrderStatsQuery;
use payin_sdk::{ChainId, Currency, Timestamp};

use super::super::Context;
use crate::failure::Failure;
use crate::output::columns;
use crate::text;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  payin orders stats --created-after 2025-01-01 --created-before 2025-02-01")]
pub struct Args {
    /// Only orders in this currency
    #[arg(long, value_name = "CURRENCY")]
    currency: Option<Currency>,

    /// Only orders on this chain
    #[arg(long, alias = "chain-id", value_name = "CHAIN")]
    chain: Option<ChainId>,

    /// Only orders created then or later: 2025-01-20 or 2025-01-20T10:30:00Z
    #[arg(long, value_name = "TIME", value_parser = text::time)]
    created_after: Option<Timestamp>,

    /// Only orders created before then
    #[arg(long, value_name = "TIME", value_parser = text::time)]
    created_before: Option<Timestamp>,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let query = OrderStatsQuery {
        currency: args.currency,
        chain_id: args.chain,
        created_after: args.created_after,
        created_before: args.created_before,
    };
    let stats = context.client()?.orders().stats(&query).await?;
    context.ui.record(&stats, columns::ORDER_STATS)
}
