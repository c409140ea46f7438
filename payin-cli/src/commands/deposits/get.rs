//! `payin deposits get`.

use super::super::Context;
use crate::failure::Failure;
use crate::output::{Format, columns};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  payin deposits get CUSTOMER-7")]
pub struct Args {
    /// Your own id of the payer
    #[arg(value_name = "REFERENCE")]
    deposit_reference: String,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let reference = context.client()?.deposits().reference(&args.deposit_reference).await?;
    if context.ui.format != Format::Table {
        return context.ui.record(&reference, columns::DEPOSIT_REFERENCE);
    }
    // For eyes: the addresses below, one a line.
    let addresses = reference.addresses.clone();
    let mut told = serde_json::to_value(&reference).unwrap_or_default();
    if let Some(fields) = told.as_object_mut() {
        fields.remove("addresses");
    }
    context.ui.record(&told, columns::DEPOSIT_REFERENCE)?;
    context.ui.answer("\n")?;
    context.ui.list(&addresses, &addresses, columns::DEPOSIT_ADDRESSES)
}
