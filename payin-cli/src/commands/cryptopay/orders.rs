//! `payin cryptopay orders …`, and how a payment order is shown while it is waited for.

mod create;

use std::time::Duration;

use payin_sdk::Timestamp;
use payin_sdk::cryptopay::{PageQuery, PaymentOrder, PaymentOrderStatus};

use super::super::Context;
use super::super::pages::{self, Paging};
use crate::commands::orders::watch::{self, Watched};
use crate::failure::Failure;
use crate::output::{Columns, columns};
use crate::text;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create an order, or find the one that the same command has created; prints where to pay
    Create(create::Args),
    /// Show an order
    Get(Get),
    /// List orders
    List(Paging),
    /// Wait until an order is confirmed: 0 when it is, 9 when expired or out of time
    Wait(Wait),
}

#[derive(Debug, clap::Args)]
pub struct Get {
    /// The order's id, ORD-…, or its number
    #[arg(value_name = "ID")]
    id: String,
}

#[derive(Debug, clap::Args)]
pub struct Wait {
    /// The order's id, ORD-…, or its number
    #[arg(value_name = "ID")]
    id: String,

    /// How long to wait at most: seconds, or 90s, 16m, 2h [default: until the order has ended]
    #[arg(long, value_name = "SPAN", value_parser = text::seconds)]
    timeout: Option<u64>,
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let client = context.cryptopay()?;
    let cryptopay = client.cryptopay();
    match command {
        Command::Create(args) => create::run(context, args).await,
        Command::Get(args) => context.ui.record(&cryptopay.orders().get(&args.id).await?, columns::PAYMENT_ORDER),
        Command::List(Paging { page, limit, all }) => {
            let query = PageQuery { page, page_size: limit };
            pages::show(context, all, cryptopay.orders().list(query), cryptopay.orders().stream(), columns::PAYMENT_ORDERS).await
        }
        Command::Wait(args) => watch::run(context, cryptopay.orders().wait(&args.id), args.timeout.map(Duration::from_secs)).await,
    }
}

impl Watched for PaymentOrder {
    const COLUMNS: Columns = columns::PAYMENT_ORDER;
    const COMMAND: &'static str = "payin cryptopay orders wait";

    fn id(&self) -> &str {
        &self.order_id
    }

    fn address(&self) -> &str {
        &self.receiving_address
    }

    fn invitation(&self) -> Option<String> {
        let Self { order_id, amount, currency, blockchain, receiving_address, .. } = self;
        let waits = self.status == PaymentOrderStatus::Pending && self.transaction.is_none();
        waits.then(|| format!("{order_id}: send {amount} {currency} on {blockchain} to {receiving_address}"))
    }

    fn line(&self, now: Timestamp, with_time: bool) -> String {
        let mut parts = vec![format!("{}: {}", self.order_id, self.status)];
        if with_time && self.status == PaymentOrderStatus::Pending && now < self.expires_at {
            parts.push(format!("{} left", text::countdown(self.expires_at.since(now))));
        }
        let received = self.amount_received.filter(|received| !received.is_zero());
        parts.extend(received.map(|received| format!("received {received} of {}", self.amount)));
        parts.extend(self.transaction.as_ref().map(|transaction| {
            let (have, need) = (transaction.confirmations, transaction.required_confirmations);
            format!("{have} of {need} confirmations · seen in {}", transaction.transaction_hash)
        }));
        parts.join(" · ")
    }

    fn end(&self) -> (&str, Option<bool>) {
        let paid = match self.status {
            PaymentOrderStatus::Confirmed => Some(true),
            PaymentOrderStatus::Expired => Some(false),
            _ => None,
        };
        (self.status.as_str(), paid)
    }
}
