//! `payin orders list`.

use payin_sdk::types::order::{OrderSort, SortOrder};
use payin_sdk::{ChainId, Currency, ListOrders, OrderStatus, Timestamp};

use super::super::Context;
use super::super::pages::{self, Paging};
use crate::failure::Failure;
use crate::output::columns;
use crate::text;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  payin orders list --status pending --chain ethereum-sepolia
  payin orders list --all --created-after 2025-01-01 --output csv > orders.csv")]
pub struct Args {
    /// Only orders that stand here: pending, completed or expired
    #[arg(long, value_name = "STATUS")]
    status: Option<OrderStatus>,

    /// Only orders in this currency
    #[arg(long, value_name = "CURRENCY")]
    currency: Option<Currency>,

    /// Only orders on this chain
    #[arg(long, alias = "chain-id", value_name = "CHAIN")]
    chain: Option<ChainId>,

    /// Only orders whose reference contains this text
    #[arg(long, alias = "order-reference", value_name = "TEXT")]
    reference: Option<String>,

    /// Only orders created then or later: 2025-01-20 or 2025-01-20T10:30:00Z
    #[arg(long, value_name = "TIME", value_parser = text::time)]
    created_after: Option<Timestamp>,

    /// Only orders created before then
    #[arg(long, value_name = "TIME", value_parser = text::time)]
    created_before: Option<Timestamp>,

    /// What to sort by: createdAt, updatedAt or amount [default: createdAt]
    #[arg(long, value_name = "FIELD")]
    sort_by: Option<OrderSort>,

    /// Which end comes first: asc or desc [default: desc]
    #[arg(long, value_name = "ORDER")]
    sort_order: Option<SortOrder>,

    #[command(flatten)]
    paging: Paging,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Paging { page, limit, all } = args.paging;
    let query = ListOrders {
        page,
        limit,
        status: args.status,
        currency: args.currency,
        chain_id: args.chain,
        order_reference: args.reference,
        created_after: args.created_after,
        created_before: args.created_before,
        sort_by: args.sort_by,
        sort_order: args.sort_order,
    };
    let client = context.client()?;
    let orders = client.orders();
    pages::show(context, all, orders.list(&query), orders.stream(query), columns::ORDERS).await
}
