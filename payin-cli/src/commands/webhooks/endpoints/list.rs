//! `payin webhooks endpoints list`.

use payin_sdk::types::endpoint::ListEndpoints;

use super::super::super::{Context, position};
use crate::failure::Failure;
use crate::output::{self, Format};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which page, from 1
    #[arg(long, value_name = "N")]
    page: Option<u64>,

    /// Endpoints a page, 1 to 100 [default: 20]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let query = ListEndpoints { page: args.page, limit: args.limit };
    let page = context.client()?.webhook_endpoints().list(&query).await?;
    context.ui.list(&page, &page.data, output::ENDPOINT)?;
    if context.ui.format == Format::Table {
        context.ui.note(&position(&page.pagination));
    }
    Ok(())
}
