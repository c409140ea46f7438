//! `payin keys list`.

use payin_sdk::types::organization::ListPaging;

use super::super::Context;
use super::super::pages::{self, Paging};
use super::organization;
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The organization [default: that of the key in use]
    #[arg(long, value_name = "ID")]
    organization: Option<String>,

    #[command(flatten)]
    paging: Paging,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Paging { page, limit, all } = args.paging;
    let client = context.client()?;
    let organization = organization(&client, args.organization).await?;
    let query = ListPaging { page, limit };
    let keys = client.api_keys();
    pages::show(context, all, keys.list(&organization, &query), keys.stream(&organization, query), columns::KEYS).await
}
