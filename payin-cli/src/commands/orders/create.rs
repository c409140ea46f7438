//! `payin orders create`.

use payin_sdk::CreateOrder;

use super::super::{Context, fields};
use super::then::Then;
use crate::failure::Failure;
use crate::text;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  payin orders create --reference ORDER-1 --amount 100.00 --currency USDT --chain ethereum-sepolia
  payin orders create --reference ORDER-2 --amount 5 --currency USDC --chain polygon-amoy --wait --qr")]
pub struct Args {
    /// Your own id of the order, unique in your organization
    #[arg(long, alias = "order-reference", value_name = "REFERENCE")]
    reference: String,

    /// What is to be paid, in whole tokens, such as 100.00
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    amount: String,

    /// USDT, USDC, DAI, …
    #[arg(long, value_name = "CURRENCY")]
    currency: String,

    /// The chain, such as ethereum-sepolia
    #[arg(long, alias = "chain-id", value_name = "CHAIN")]
    chain: String,

    /// Your own data, at most 10 pairs; comes back in answers and webhooks
    #[arg(long, value_name = "KEY=VALUE", value_parser = text::pair)]
    metadata: Vec<(String, String)>,

    /// Where the payer goes after payment
    #[arg(long, value_name = "URL")]
    success_url: Option<String>,

    /// Where the payer goes when the order has expired
    #[arg(long, value_name = "URL")]
    cancel_url: Option<String>,

    /// Makes the command safe to repeat: the same key never creates two orders [default: a fresh one]
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,

    /// Minutes in which the payer should send, 1 to 60
    #[arg(long, alias = "payment-window-minutes", value_name = "MINUTES")]
    window_minutes: Option<u32>,

    /// Minutes after the window in which a payment still counts, 0 to 30
    #[arg(long, alias = "grace-period-minutes", value_name = "MINUTES")]
    grace_minutes: Option<u32>,

    #[command(flatten)]
    then: Then,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let new = order(&args)?;
    let client = context.client()?;
    let key = match args.idempotency_key {
        Some(key) => key,
        None => client.new_idempotency_key()?,
    };
    context.leaves_behind(format!("the order may exist; the same command with --idempotency-key {key} creates it at most once"));
    let answer = client.orders().create(&new).idempotency_key(key).answer().await?;
    if answer.replayed {
        context.ui.note("this order was created by an earlier command with the same idempotency key");
    }
    let order = answer.body;
    args.then.run(context, &order, client.orders().wait(&order.order_id)).await
}

fn order(args: &Args) -> Result<CreateOrder, Failure> {
    let amount = fields::amount(&args.amount)?;
    let mut order = CreateOrder::new(args.reference.as_str(), amount, args.currency.as_str(), args.chain.as_str());
    order.metadata = fields::metadata(args.metadata.clone())?;
    order.success_url.clone_from(&args.success_url);
    order.cancel_url.clone_from(&args.cancel_url);
    order.payment_window_minutes = args.window_minutes;
    order.grace_period_minutes = args.grace_minutes;
    Ok(order)
}
