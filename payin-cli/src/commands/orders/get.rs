//! `payin orders get`.

use super::super::Context;
use crate::failure::Failure;
use crate::output;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  payin orders get ord_2Xk…\n  payin orders get --reference ORDER-1")]
#[group(required = true, multiple = false)]
pub struct Args {
    /// The order's id
    #[arg(value_name = "ID")]
    id: Option<String>,

    /// Your own id of the order, instead of ID
    #[arg(long, value_name = "REFERENCE")]
    reference: Option<String>,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let client = context.client()?;
    let order = match (args.id, args.reference) {
        (_, Some(reference)) => client.orders().get_by_reference(&reference).await?,
        (id, None) => client.orders().get(&id.unwrap_or_default().into()).await?,
    };
    context.ui.record(&order, output::columns::ORDER)
}
