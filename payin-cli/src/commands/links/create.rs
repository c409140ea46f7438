//! `payin links create`.

use payin_sdk::CreatePaymentLink;

use super::super::Context;
use super::super::once::Once;
use super::fields::{self, Fields};
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  payin links create --title 'T-shirt' --amount 25.00 --currency USDT=ethereum-sepolia,tron-nile --inventory-total 100
  payin links create --title 'Donation' --amount-type user_input --currency USDC=base-sepolia
  payin links create --json link.json
  payin links publish LINK_ID --slug t-shirt")]
pub struct Args {
    #[command(flatten)]
    fields: Fields,

    #[command(flatten)]
    once: Once,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let link = link(args.fields)?;
    let client = context.client()?;
    let made = args.once.send(context, &client, client.payment_links().create(&link)).await?;
    context.ui.record(&made, columns::LINK)
}

fn link(args: Fields) -> Result<CreatePaymentLink, Failure> {
    if let Some(path) = &args.json {
        return fields::read(path);
    }
    let (amount, currencies, metadata) = (args.amount()?, args.currencies(), args.metadata()?);
    let title = args.title.ok_or_else(|| Failure::usage("--title is needed, or the whole body as --json FILE"))?;
    if currencies.is_empty() {
        return Err(Failure::usage("--currency is needed, such as --currency USDT=ethereum-sepolia"));
    }
    Ok(CreatePaymentLink {
        title,
        description: args.description,
        amount,
        amount_type: args.amount_type,
        currencies,
        inventory_total: args.inventory_total,
        expires_at: args.expires_at,
        metadata,
        cta_text: args.cta_text,
        theme: args.theme,
        success_url: args.success_url,
        cancel_url: args.cancel_url,
    })
}
