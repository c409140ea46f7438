//! `payin deposits bind`.

use payin_sdk::BindDeposit;

use super::super::once::Once;
use super::super::{Context, fields};
use crate::failure::Failure;
use crate::output::columns;
use crate::{qr, text};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The address is good for every token that is offered on the chain's family, and until it is unbound.

Examples:
  payin deposits bind --deposit-reference CUSTOMER-7 --currency USDT --chain ethereum-sepolia
  payin deposits bind --deposit-reference CUSTOMER-7 --currency USDT --chain tron-nile --metadata tier=gold")]
pub struct Args {
    /// Your own id of the payer; unique with the chain in your organization
    #[arg(long, visible_alias = "reference", value_name = "REFERENCE")]
    deposit_reference: String,

    /// What the payer is expected to send: USDT, USDC, DAI, …
    #[arg(long, value_name = "CURRENCY")]
    currency: String,

    /// The chain, such as ethereum-sepolia
    #[arg(long, alias = "chain-id", value_name = "CHAIN")]
    chain: String,

    /// Your own data, at most 10 pairs; merged into what the reference has already
    #[arg(long, value_name = "KEY=VALUE", value_parser = text::pair)]
    metadata: Vec<(String, String)>,

    /// Draw the address as a QR code
    #[arg(long)]
    qr: bool,

    #[command(flatten)]
    once: Once,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let mut binding = BindDeposit::new(args.deposit_reference, args.currency.as_str(), args.chain.as_str());
    binding.metadata = fields::metadata(args.metadata)?;
    let client = context.client()?;
    let bound = args.once.send(context, &client, client.deposits().bind(&binding)).await?;
    if args.qr {
        qr::show(&context.ui, &bound.address);
    }
    context.ui.record(&bound, columns::BOUND_DEPOSIT)
}
