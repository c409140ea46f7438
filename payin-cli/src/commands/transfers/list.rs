//! `payin transfers list`.

use payin_sdk::types::order::SortOrder;
use payin_sdk::types::transfer::{BusinessType, TransferSort};
use payin_sdk::{ChainId, Currency, ListTransfers, OrderId, Timestamp, TransferStatus};

use super::super::Context;
use super::super::pages::{self, Paging};
use crate::failure::Failure;
use crate::output::columns;
use crate::text;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  payin transfers list --unmatched true               # money that counts for nothing, and why
  payin transfers list --order ord_2Xk…
  payin transfers list --all --detected-after 2025-01-01 --output csv > transfers.csv")]
pub struct Args {
    /// Only transfers that stand here: pending, confirmed or failed
    #[arg(long, value_name = "STATUS")]
    status: Option<TransferStatus>,

    /// Only this token's
    #[arg(long, value_name = "CURRENCY")]
    currency: Option<Currency>,

    /// Only on this chain
    #[arg(long, alias = "chain-id", value_name = "CHAIN")]
    chain: Option<ChainId>,

    /// Only of this transaction
    #[arg(long, value_name = "HASH")]
    tx_hash: Option<String>,

    /// Only this order's, and those that were probably meant for it
    #[arg(long, alias = "order-id", value_name = "ORDER_ID")]
    order: Option<OrderId>,

    /// Only this payer's, spelt exactly
    #[arg(long, value_name = "REFERENCE")]
    deposit_reference: Option<String>,

    /// Only those that count for an order or for a deposit
    #[arg(long, value_name = "order|deposit")]
    business_type: Option<BusinessType>,

    /// true: only those that count for nothing; false: only those that count
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    unmatched: Option<bool>,

    /// Only those seen then or later: 2025-01-20 or 2025-01-20T10:30:00Z
    #[arg(long, value_name = "TIME", value_parser = text::time)]
    detected_after: Option<Timestamp>,

    /// Only those seen before then
    #[arg(long, value_name = "TIME", value_parser = text::time)]
    detected_before: Option<Timestamp>,

    /// What to sort by: detectedAt, confirmedAt or amount [default: detectedAt]
    #[arg(long, value_name = "FIELD")]
    sort_by: Option<TransferSort>,

    /// Which end comes first: asc or desc [default: desc]
    #[arg(long, value_name = "ORDER")]
    sort_order: Option<SortOrder>,

    #[command(flatten)]
    paging: Paging,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Paging { page, limit, all } = args.paging;
    let query = ListTransfers {
        page,
        limit,
        status: args.status,
        currency: args.currency,
        chain_id: args.chain,
        tx_hash: args.tx_hash,
        order_id: args.order,
        deposit_reference: args.deposit_reference,
        business_type: args.business_type,
        unmatched: args.unmatched,
        detected_after: args.detected_after,
        detected_before: args.detected_before,
        sort_by: args.sort_by,
        sort_order: args.sort_order,
    };
    let client = context.client()?;
    let transfers = client.transfers();
    pages::show(context, all, transfers.list(&query), transfers.stream(query), columns::TRANSFERS).await
}
