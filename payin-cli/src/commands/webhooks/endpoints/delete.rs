//! `payin webhooks endpoints delete`.

use super::super::super::Context;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The endpoint's id
    #[arg(value_name = "ID")]
    id: String,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let deleted = context.client()?.webhook_endpoints().delete(&args.id.into()).await?;
    context.ui.record(&deleted, &["success"])
}
