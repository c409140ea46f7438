//! `payin orgs …`.

use payin_sdk::types::organization::ListPaging;

use super::Context;
use super::pages::{self, Paging};
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the organizations that the key may see
    List(Paging),
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let Command::List(Paging { page, limit, all }) = command;
    let query = ListPaging { page, limit };
    let client = context.client()?;
    let organizations = client.organizations();
    pages::show(context, all, organizations.list(&query), organizations.stream(query), columns::ORGANIZATIONS).await
}
