//! `payin paywarden payments create`.

use std::time::Duration;

use payin_sdk::paywarden::CreatePayment;

use super::super::super::{Context, fields};
use crate::commands::orders::watch;
use crate::failure::Failure;
use crate::output::columns;
use crate::{qr, text};

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

    /// Wait for the payment; exit with 9 when it does not come
    #[arg(long)]
    wait: bool,

    /// How long to wait at most: seconds, or 90s, 16m, 2h [default: until the payment has ended]
    #[arg(long, value_name = "SPAN", value_parser = text::seconds, requires = "wait")]
    timeout: Option<u64>,

    /// Draw the address as a QR code
    #[arg(long)]
    qr: bool,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let mut new = CreatePayment::new(args.external_id.as_str(), fields::amount(&args.amount)?);
    new.webhook_url = args.webhook_url;
    new.metadata = fields::metadata(args.metadata)?;
    let client = context.client()?;
    context.leaves_behind("the payment may exist; the same command finds it, or creates it");
    let payment = client.paywarden().payments().create(&new).await?;
    context.leaves_behind(format!("the payment exists; wait for it with: payin paywarden payments wait {}", payment.id));
    if args.qr {
        qr::show(&context.ui, &payment.address);
    }
    if !args.wait {
        return context.ui.record(&payment, columns::PAYMENT);
    }
    watch::run(context, client.paywarden().payments().wait(&payment.id), args.timeout.map(Duration::from_secs)).await
}
