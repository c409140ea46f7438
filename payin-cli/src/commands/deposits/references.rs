//! `payin deposits references`.

use payin_sdk::ListDepositReferences;

use super::super::Context;
use super::super::pages::{self, Paging};
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  payin deposits references --search customer\n  payin deposits references --all --output csv")]
pub struct Args {
    /// Only references that contain this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,

    #[command(flatten)]
    paging: Paging,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Paging { page, limit, all } = args.paging;
    let query = ListDepositReferences { page, limit, search: args.search };
    let client = context.client()?;
    let deposits = client.deposits();
    pages::show(context, all, deposits.references(&query), deposits.stream_references(query), columns::DEPOSIT_REFERENCES).await
}
