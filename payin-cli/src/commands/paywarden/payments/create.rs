//! `payin paywarden payments create`.

use payin_sdk::paywarden::CreatePayment;

use super::super::super::{Context, fields};
use crate::commands::orders::then::Then;
use crate::failure::Failure;
use crate::text;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  payin paywarden payments create --external-id order_123 --amount 99.00
  payin paywarden payments create --external-id order_124 --amount 5 --webhook-url https://shop.example/hooks --wait")]
pub struct Args {
    /// Your own id of the order: the same command again finds the payment instead of making another
    #[arg(long, value_name = "ID")]
    external_id: String,

    /// What is to be paid, in USDT, such as 99.00
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    amount: String,

    /// Where the payment's events are posted
    #[arg(long, alias = "callback-url", value_name = "URL")]
    webhook_url: Option<String>,

    /// Your own data; comes back in answers and webhooks
    #[arg(long, value_name = "KEY=VALUE", value_parser = text::pair)]
    metadata: Vec<(String, String)>,

    #[command(flatten)]
    then: Then,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let mut new = CreatePayment::new(args.external_id.as_str(), fields::amount(&args.amount)?);
    new.webhook_url = args.webhook_url;
    new.metadata = fields::metadata(args.metadata)?;
    let client = context.client()?;
    context.leaves_behind("the payment may exist; the same command finds it, or creates it");
    let payment = client.paywarden().payments().create(&new).await?;
    args.then.run(context, &payment, client.paywarden().payments().wait(&payment.id)).await
}
