//! `payin transfers get`.

use super::super::Context;
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The transfer's id
    #[arg(value_name = "ID")]
    transfer_id: String,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let transfer = context.client()?.transfers().get(&args.transfer_id.into()).await?;
    context.ui.record(&transfer, columns::TRANSFER)
}
