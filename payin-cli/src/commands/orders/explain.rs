//! `payin orders explain`: reads an order and what arrived for it, and lets `story.rs` say it in words.

mod story;

use payin_sdk::ListTransfers;
use serde_json::json;

use super::super::Context;
use crate::clock;
use crate::failure::Failure;
use crate::output::Format;
use crate::text::clean;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  payin orders explain ord_2Xk…\n  payin orders explain --reference ORDER-1 --output json")]
#[group(required = true, multiple = false)]
pub struct Args {
    /// The order's id
    #[arg(value_name = "ID")]
    id: Option<String>,

    /// Your own id of the order, instead of ID
    #[arg(long, alias = "order-reference", value_name = "REFERENCE")]
    reference: Option<String>,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let client = context.client()?;
    let order = match (args.id, args.reference) {
        (_, Some(reference)) => client.orders().get_by_reference(&reference).await?,
        (id, None) => client.orders().get(&id.unwrap_or_default().into()).await?,
    };
    // By the server's clock, which is a virtual one in a sandbox.
    let now = client.health().await.map_or_else(|_| clock::now(), |health| health.timestamp);
    let query = ListTransfers { order_id: Some(order.order_id.clone()), limit: Some(100), ..ListTransfers::default() };
    let page = client.transfers().list(&query).await?;
    let mut words = story::tell(&order, &page.data, now);
    if page.pagination.has_more {
        words.push(format!("These are the latest 100 of {} transfers.", page.pagination.total));
    }
    if context.ui.format == Format::Table {
        return context.ui.answer(&words.iter().map(|sentence| clean(sentence) + "\n").collect::<String>());
    }
    let told = json!({
        "orderId": order.order_id,
        "status": order.status,
        "explanation": words,
        "order": order,
        "transfers": page.data,
    });
    context.ui.record(&told, &["orderId", "status", "explanation"])
}
