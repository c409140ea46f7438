//! `payin links list`.

use payin_sdk::ListPaymentLinks;
use payin_sdk::types::link::LinkStatus;

use super::super::Context;
use super::super::pages::{self, Paging};
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only links that stand here: draft or published
    #[arg(long, value_name = "STATUS")]
    status: Option<LinkStatus>,

    /// Only links whose title, description or URL contains this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,

    /// Only links that were put away
    #[arg(long)]
    archived: bool,

    /// Also links that were put away
    #[arg(long)]
    include_archived: bool,

    #[command(flatten)]
    paging: Paging,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Paging { page, limit, all } = args.paging;
    let query = ListPaymentLinks {
        page,
        limit,
        status: args.status,
        search: args.search,
        archived: args.archived.then_some(true),
        include_archived: args.include_archived.then_some(true),
    };
    let client = context.client()?;
    let links = client.payment_links();
    pages::show(context, all, links.list(&query), links.stream(query), columns::LINKS).await
}
