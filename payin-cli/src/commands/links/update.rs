//! `payin links update`.

use payin_sdk::UpdatePaymentLink;

use super::super::Context;
use super::Id;
use super::fields::{self, Fields};
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A published link keeps its price and currencies. To take a field away, give it as null in a JSON file.

Examples:
  payin links update LINK_ID --inventory-total 200
  echo '{\"expiresAt\": null}' | payin links update LINK_ID --json -")]
pub struct Args {
    #[command(flatten)]
    id: Id,

    #[command(flatten)]
    fields: Fields,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let changes = changes(args.fields)?;
    if changes == UpdatePaymentLink::default() {
        return Err(Failure::usage("nothing is to be changed: name a field, or give --json FILE"));
    }
    let link = context.client()?.payment_links().update(&args.id.id.into(), &changes).await?;
    context.ui.record(&link, columns::LINK)
}

fn changes(args: Fields) -> Result<UpdatePaymentLink, Failure> {
    if let Some(path) = &args.json {
        return fields::read(path);
    }
    Ok(UpdatePaymentLink {
        amount: args.amount()?,
        currencies: Some(args.currencies()).filter(|currencies| !currencies.is_empty()),
        metadata: args.metadata()?.map(Some),
        title: args.title,
        description: args.description.map(Some),
        amount_type: args.amount_type,
        inventory_total: args.inventory_total.map(Some),
        expires_at: args.expires_at.map(Some),
        cta_text: args.cta_text.map(Some),
        theme: args.theme,
        success_url: args.success_url.map(Some),
        cancel_url: args.cancel_url.map(Some),
    })
}
