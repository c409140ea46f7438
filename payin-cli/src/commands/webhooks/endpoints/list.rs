//! `payin webhooks endpoints list`.

use payin_sdk::types::endpoint::ListEndpoints;

use super::super::super::Context;
use super::super::super::pages::{self, Paging};
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    paging: Paging,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Paging { page, limit, all } = args.paging;
    let query = ListEndpoints { page, limit };
    let client = context.client()?;
    let endpoints = client.webhook_endpoints();
    pages::show(context, all, endpoints.list(&query), endpoints.stream(query), columns::ENDPOINTS).await
}
