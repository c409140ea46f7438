//! `payin sandbox pay`.

use payin_sdk::types::sandbox::{Pay, PaymentKind};
use payin_sdk::{Amount, ErrorCode};

use super::super::Context;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  payin sandbox pay ord_2Xk…\n  payin sandbox pay ord_2Xk… --kind under")]
pub struct Args {
    /// The order's id
    #[arg(value_name = "ORDER")]
    order: String,

    /// How much, in whole tokens [default: as the kind says]
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    amount: Option<String>,

    /// How the payer behaves: exact, under, over, late, fake_token or wrong_token [default: exact]
    #[arg(long, value_name = "KIND")]
    kind: Option<PaymentKind>,

    /// Leave the payment waiting; mine it later with `payin sandbox mine`
    #[arg(long)]
    no_mine: bool,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let invalid = |error| Failure::new(Exit::Validation, ErrorCode::InvalidAmount.as_str(), format!("this is no amount: {error}"));
    let amount = args.amount.as_deref().map(str::parse::<Amount>).transpose().map_err(invalid)?;
    let pay = Pay { order_id: args.order.into(), amount, kind: args.kind, mine: args.no_mine.then_some(false) };
    let paid = context.client()?.sandbox().pay(&pay).await?;
    context.ui.record(&paid, &["chainId", "txHash"])
}
