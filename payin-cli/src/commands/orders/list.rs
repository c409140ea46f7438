//! `payin orders list`.

use std::pin::pin;

use futures_util::TryStreamExt;
use payin_sdk::types::order::{OrderSort, SortOrder};
use payin_sdk::{ChainId, Currency, ListOrders, OrderStatus, Timestamp};

use super::super::Context;
use crate::failure::Failure;
use crate::output::{self, Format};

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
    #[arg(long, value_name = "CHAIN")]
    chain: Option<ChainId>,

    /// Only orders whose reference contains this text
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,

    /// Only orders created then or later: 2025-01-20 or 2025-01-20T10:30:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    created_after: Option<Timestamp>,

    /// Only orders created before then
    #[arg(long, value_name = "TIME", value_parser = time)]
    created_before: Option<Timestamp>,

    /// What to sort by: createdAt, updatedAt or amount [default: createdAt]
    #[arg(long, value_name = "FIELD")]
    sort_by: Option<OrderSort>,

    /// Which end comes first: asc or desc [default: desc]
    #[arg(long, value_name = "ORDER")]
    sort_order: Option<SortOrder>,

    /// Which page, from 1
    #[arg(long, value_name = "N", conflicts_with = "all")]
    page: Option<u64>,

    /// Orders a page, 1 to 100 [default: 20]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,

    /// All pages, written as they come; as ndjson where json is the format
    #[arg(long)]
    all: bool,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let all = args.all;
    let query = ListOrders {
        page: args.page,
        limit: args.limit,
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
    if all {
        let mut orders = pin!(client.orders().stream(query));
        return context.ui.stream(async || Ok(orders.try_next().await?), output::ORDERS).await;
    }
    let page = client.orders().list(&query).await?;
    context.ui.list(&page, &page.data, output::ORDERS)?;
    if context.ui.format == Format::Table {
        context.ui.note(&super::super::position(&page.pagination));
    }
    Ok(())
}

/// A time, or a day for its first moment in UTC.
fn time(text: &str) -> Result<Timestamp, String> {
    let midnight = format!("{text}T00:00:00Z");
    text.parse().or_else(|error: payin_sdk::types::time::TimestampError| midnight.parse().map_err(|_| error.to_string()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_day_is_its_first_moment() {
        assert_eq!(super::time("2025-01-20").unwrap().to_string(), "2025-01-20T00:00:00.000Z");
        assert_eq!(super::time("2025-01-20T10:30:00+01:00").unwrap().to_string(), "2025-01-20T09:30:00.000Z");
        assert!(super::time("yesterday").is_err());
    }
}
