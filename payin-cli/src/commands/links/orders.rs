//! `payin links orders`.

use payin_sdk::PaymentLinkId;
use payin_sdk::types::link::{LinkOrderStatus, ListLinkOrders};

use super::super::Context;
use super::super::pages::{self, Paging};
use super::Id;
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    id: Id,

    /// Only orders that stand here: pending, completed or expired
    #[arg(long, value_name = "STATUS")]
    status: Option<LinkOrderStatus>,

    #[command(flatten)]
    paging: Paging,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Paging { page, limit, all } = args.paging;
    let query = ListLinkOrders { page, limit, status: args.status };
    let client = context.client()?;
    let (links, id) = (client.payment_links(), PaymentLinkId::from(args.id.id));
    pages::show(context, all, links.orders(&id, &query), links.stream_orders(&id, query), columns::LINK_ORDERS).await
}
