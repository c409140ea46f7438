//! `payin deposits list`.

use payin_sdk::types::deposit::DepositSort;
use payin_sdk::types::order::SortOrder;
use payin_sdk::{ChainId, Currency, DepositStatus, ListDeposits, Timestamp};

use super::super::Context;
use super::super::pages::{self, Paging};
use crate::failure::Failure;
use crate::output::columns;
use crate::text;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  payin deposits list --deposit-reference CUSTOMER-7
  payin deposits list --status confirmed --detected-after 2025-01-01 --all --output csv > deposits.csv")]
pub struct Args {
    /// Only this payer's, spelt exactly
    #[arg(long, visible_alias = "reference", value_name = "REFERENCE")]
    deposit_reference: Option<String>,

    /// Only deposits that stand here: pending, confirmed or completed
    #[arg(long, value_name = "STATUS")]
    status: Option<DepositStatus>,

    /// Only deposits of this token
    #[arg(long, value_name = "CURRENCY")]
    currency: Option<Currency>,

    /// Only deposits on this chain
    #[arg(long, alias = "chain-id", value_name = "CHAIN")]
    chain: Option<ChainId>,

    /// Only deposits seen then or later: 2025-01-20 or 2025-01-20T10:30:00Z
    #[arg(long, value_name = "TIME", value_parser = text::time)]
    detected_after: Option<Timestamp>,

    /// Only deposits seen before then
    #[arg(long, value_name = "TIME", value_parser = text::time)]
    detected_before: Option<Timestamp>,

    /// What to sort by: detectedAt, confirmedAt or amount [default: detectedAt]
    #[arg(long, value_name = "FIELD")]
    sort_by: Option<DepositSort>,

    /// Which end comes first: asc or desc [default: desc]
    #[arg(long, value_name = "ORDER")]
    sort_order: Option<SortOrder>,

    #[command(flatten)]
    paging: Paging,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Paging { page, limit, all } = args.paging;
    let query = ListDeposits {
        page,
        limit,
        deposit_reference: args.deposit_reference,
        status: args.status,
        currency: args.currency,
        chain_id: args.chain,
        detected_after: args.detected_after,
        detected_before: args.detected_before,
        sort_by: args.sort_by,
        sort_order: args.sort_order,
    };
    let client = context.client()?;
    let deposits = client.deposits();
    pages::show(context, all, deposits.list(&query), deposits.stream(query), columns::DEPOSITS).await
}
