//! `payin paywarden payments get`.

use super::super::super::Context;
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  payin paywarden payments get ord_2Xk…")]
pub struct Args {
    /// The payment's id
    #[arg(value_name = "ID")]
    id: String,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let payment = context.client()?.paywarden().payments().get(&args.id.into()).await?;
    context.ui.record(&payment, columns::PAYMENT)
}
