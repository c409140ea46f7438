//! `payin links publish`.

use payin_sdk::types::link::PublishPaymentLink;

use super::super::Context;
use super::super::once::Once;
use super::Id;
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    id: Id,

    /// The last part of the link's URL, which stays once it is set [default: the server makes one]
    #[arg(long, value_name = "SLUG")]
    slug: Option<String>,

    #[command(flatten)]
    once: Once,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let client = context.client()?;
    let call = client.payment_links().publish(&args.id.id.into(), &PublishPaymentLink { slug: args.slug });
    context.ui.record(&args.once.send(context, &client, call).await?, columns::LINK)
}
