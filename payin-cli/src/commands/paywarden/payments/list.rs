//! `payin paywarden payments list`.

use payin_sdk::paywarden::{ListPayments, PaymentStatus};

use super::super::super::Context;
use super::super::super::pages::{self, Paging};
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  payin paywarden payments list --status confirmed\n  payin paywarden payments list --all --output csv")]
pub struct Args {
    /// Only payments that stand here: pending, detected, confirmed, completed, expired or failed
    #[arg(long, value_name = "STATUS")]
    status: Option<PaymentStatus>,

    #[command(flatten)]
    paging: Paging,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Paging { page, limit, all } = args.paging;
    let query = ListPayments { page, limit, status: args.status };
    let client = context.client()?;
    let payments = client.paywarden().payments();
    pages::show(context, all, payments.list(&query), payments.stream(query), columns::PAYMENTS).await
}
