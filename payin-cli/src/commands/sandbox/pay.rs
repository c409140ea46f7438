//! `payin sandbox pay`.

use clap::ArgGroup;
use payin_sdk::types::sandbox::{Pay, PayDeposit, PaymentKind};
use payin_sdk::{ChainId, Currency};

use super::super::{Context, fields};
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  payin sandbox pay ord_2Xk…
  payin sandbox pay ord_2Xk… --kind under
  payin sandbox pay --deposit-reference CUSTOMER-7 --amount 12.50")]
#[command(group = ArgGroup::new("payee").required(true).args(["order", "deposit_reference"]))]
pub struct Args {
    /// The order's id
    #[arg(value_name = "ORDER")]
    order: Option<String>,

    /// Pay this reference's address, instead of an order
    #[arg(long, value_name = "REFERENCE", requires = "amount")]
    deposit_reference: Option<String>,

    /// How much, in whole tokens [default: as the kind says]
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    amount: Option<String>,

    /// How the payer behaves: exact, under, over, late, in_parts, twice, two_in_one, fee_on_transfer, wrong_token, wrong_chain or fake_token
    /// [default: exact]; a reference is paid neither under, over nor late
    #[arg(long, value_name = "KIND")]
    kind: Option<PaymentKind>,

    /// On which chain the reference is paid [default: the one it was bound on]
    #[arg(long, alias = "chain-id", value_name = "CHAIN", conflicts_with = "order")]
    chain: Option<ChainId>,

    /// With which token the reference is paid [default: the one it was bound for]
    #[arg(long, value_name = "CURRENCY", conflicts_with = "order")]
    currency: Option<Currency>,

    /// Leave the payment waiting; mine it later with `payin sandbox mine`
    #[arg(long)]
    no_mine: bool,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let amount = args.amount.as_deref().map(fields::amount).transpose()?;
    let mine = args.no_mine.then_some(false);
    let client = context.client()?;
    let paid = match (args.order, args.deposit_reference, amount) {
        (Some(order), _, amount) => client.sandbox().pay(&Pay { order_id: order.into(), amount, kind: args.kind, mine }).await?,
        (None, Some(reference), Some(amount)) => {
            let pay =
                PayDeposit { chain_id: args.chain, currency: args.currency, kind: args.kind, mine, ..PayDeposit::new(reference, amount) };
            client.sandbox().pay_deposit(&pay).await?
        }
        (None, ..) => return Err(Failure::usage("name an order, or a --deposit-reference and an --amount")),
    };
    super::note_pending(context, &paid.pending);
    context.ui.record(&paid, &["chainId", "txHash"])
}
