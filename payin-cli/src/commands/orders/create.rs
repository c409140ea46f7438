//! `payin orders create`.

use std::time::Duration;

use payin_sdk::{Amount, CreateOrder, ErrorCode, Order};

use super::super::Context;
use super::watch;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{output, qr, text};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  payin orders create --reference ORDER-1 --amount 100.00 --currency USDT --chain ethereum-sepolia
  payin orders create --reference ORDER-2 --amount 5 --currency USDC --chain polygon-amoy --wait --qr")]
pub struct Args {
    /// Your own id of the order, unique in your organization
    #[arg(long, value_name = "REFERENCE")]
    reference: String,

    /// What is to be paid, in whole tokens, such as 100.00
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    amount: String,

    /// USDT, USDC, DAI, …
    #[arg(long, value_name = "CURRENCY")]
    currency: String,

    /// The chain, such as ethereum-sepolia
    #[arg(long, value_name = "CHAIN")]
    chain: String,

    /// Your own data, at most 10 pairs; comes back in answers and webhooks
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
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
    #[arg(long, value_name = "MINUTES")]
    window_minutes: Option<u32>,

    /// Minutes after the window in which a payment still counts, 0 to 30
    #[arg(long, value_name = "MINUTES")]
    grace_minutes: Option<u32>,

    /// Wait for the payment; exit with 9 when it does not come
    #[arg(long)]
    wait: bool,

    /// How long to wait at most: seconds, or 90s, 16m, 2h [default: until the order has ended]
    #[arg(long, value_name = "SPAN", value_parser = text::seconds, requires = "wait")]
    timeout: Option<u64>,

    /// Draw the address as a QR code
    #[arg(long)]
    qr: bool,
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
    let order = answer.body;
    context.leaves_behind(format!("the order exists; wait for it with: payin orders wait {}", order.order_id));
    if answer.replayed {
        context.ui.note("this order was created by an earlier command with the same idempotency key");
    }
    if args.qr {
        draw(context, &order);
    }
    if !args.wait {
        return context.ui.record(&order, output::ORDER);
    }
    watch::run(context, &client, &order.order_id, args.timeout.map(Duration::from_secs)).await
}

fn order(args: &Args) -> Result<CreateOrder, Failure> {
    // Said here, because a text that is no amount cannot be sent; with the code and exit code that the server would choose.
    let amount: Amount = args.amount.parse().map_err(|error| {
        Failure::new(Exit::Validation, ErrorCode::InvalidAmount.as_str(), format!("{:?} is no amount: {error}", args.amount))
    })?;
    let mut order = CreateOrder::new(args.reference.as_str(), amount, args.currency.as_str(), args.chain.as_str());
    for (key, value) in &args.metadata {
        if order.metadata.as_ref().is_some_and(|pairs| pairs.contains_key(key)) {
            return Err(Failure::usage(format!("--metadata {key:?} is given twice")));
        }
        order = order.metadata(key.as_str(), value.as_str());
    }
    order.success_url.clone_from(&args.success_url);
    order.cancel_url.clone_from(&args.cancel_url);
    order.payment_window_minutes = args.window_minutes;
    order.grace_period_minutes = args.grace_minutes;
    Ok(order)
}

fn draw(context: &Context, order: &Order) {
    match qr::draw(&order.address) {
        Some(drawing) => context.ui.draw(&format!("{drawing}\n{}", text::clean(&order.address))),
        None => context.ui.note("the address is too long for a QR code"),
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::pair;

    #[test]
    fn pairs() {
        assert_eq!(pair("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(pair("a="), Ok(("a".to_owned(), String::new())));
        assert!(pair("a").is_err() && pair("=a").is_err());
    }
}
