//! `payin deposits show`.

use super::super::Context;
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The deposit's id
    #[arg(value_name = "DEPOSIT_ID")]
    deposit_id: String,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let deposit = context.client()?.deposits().get(&args.deposit_id.into()).await?;
    context.ui.record(&deposit, columns::DEPOSIT)
}
