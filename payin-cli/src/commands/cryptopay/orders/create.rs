//! `payin cryptopay orders create`.

use payin_sdk::Timestamp;
use payin_sdk::cryptopay::CreatePaymentOrder;
use serde_json::Value;

use super::super::super::{Context, fields};
use crate::commands::orders::then::Then;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  payin cryptopay orders create --nonce 1704110400000 --amount 100.00 --currency USDC --blockchain base
  payin cryptopay orders create --nonce 2 --amount 5 --currency USDC --blockchain base --order-info '{\"product\":\"Plan\"}' --wait")]
pub struct Args {
    /// A number that you use once: the same command again finds the order instead of making another
    #[arg(long, value_name = "NUMBER")]
    nonce: u64,

    /// What is to be paid, in whole tokens, such as 100.00
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    amount: String,

    /// The token, such as USDC
    #[arg(long, value_name = "TOKEN")]
    currency: String,

    /// The chain: ethereum, base, polygon, bsc or arbitrum
    #[arg(long, value_name = "NAME")]
    blockchain: String,

    /// Your own data, as JSON
    #[arg(long, value_name = "JSON", default_value = "{}")]
    order_info: String,

    /// Where the order's events are posted
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,

    /// Where your customer goes after payment
    #[arg(long, value_name = "URL")]
    redirect_url: Option<String>,

    /// When the time to pay ends, such as 2030-01-01T12:00:00Z [default: the server's usual time]
    #[arg(long, value_name = "TIME")]
    expires_at: Option<Timestamp>,

    #[command(flatten)]
    then: Then,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let amount = fields::amount(&args.amount)?;
    let mut new = CreatePaymentOrder::new(args.nonce, amount, args.currency.as_str(), args.blockchain, &Value::Null);
    new.order_info = args.order_info;
    (new.webhook_url, new.redirect_url, new.expires_at) = (args.webhook_url, args.redirect_url, args.expires_at);
    let client = context.cryptopay()?;
    context.leaves_behind("the order may exist; the same command finds it, or creates it");
    let order = client.cryptopay().orders().create(&new).await?;
    args.then.run(context, &order, client.cryptopay().orders().wait(&order.order_id)).await
}
