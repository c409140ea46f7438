//! `payin cryptopay transactions …`.

use payin_sdk::cryptopay::PageQuery;

use super::super::Context;
use super::super::pages::{self, Paging};
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show a transaction
    Get(Get),
    /// List transactions, newest first
    List(Paging),
}

#[derive(Debug, clap::Args)]
pub struct Get {
    /// The transaction's hash
    #[arg(value_name = "HASH")]
    hash: String,
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let client = context.cryptopay()?;
    let transactions = client.cryptopay().transactions();
    match command {
        Command::Get(args) => context.ui.record(&transactions.get(&args.hash).await?, columns::TRANSACTION),
        Command::List(Paging { page, limit, all }) => {
            let query = PageQuery { page, page_size: limit };
            pages::show(context, all, transactions.list(query), transactions.stream(), columns::TRANSACTION).await
        }
    }
}
