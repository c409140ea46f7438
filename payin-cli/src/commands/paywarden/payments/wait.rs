//! `payin paywarden payments wait`, and how a payment is shown meanwhile.

use std::time::Duration;

use payin_sdk::Timestamp;
use payin_sdk::paywarden::{Payment, PaymentStatus};

use super::super::super::Context;
use crate::commands::orders::watch::{self, Watched};
use crate::failure::Failure;
use crate::output::{Columns, columns};
use crate::text;

#[derive(Debug, clap::Args)]
#[command(after_help = "Prints the payment as it is at the end. Progress goes to stderr.")]
pub struct Args {
    /// The payment's id
    #[arg(value_name = "ID")]
    id: String,

    /// How long to wait at most: seconds, or 90s, 16m, 2h [default: until the payment has ended]
    #[arg(long, value_name = "SPAN", value_parser = text::seconds)]
    timeout: Option<u64>,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let client = context.client()?;
    watch::run(context, client.paywarden().payments().wait(&args.id.into()), args.timeout.map(Duration::from_secs)).await
}

impl Watched for Payment {
    const COLUMNS: Columns = columns::PAYMENT;
    const COMMAND: &'static str = "payin paywarden payments wait";

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn address(&self) -> &str {
        &self.address
    }

    fn invitation(&self) -> Option<String> {
        let Self { id, amount, currency, address, .. } = self;
        (self.status == PaymentStatus::Pending).then(|| format!("{id}: send {amount} {currency} on Tron to {address}"))
    }

    fn line(&self, now: Timestamp, with_time: bool) -> String {
        let mut parts = vec![format!("{}: {}", self.id, self.status)];
        if with_time && self.status == PaymentStatus::Pending && now < self.expires_at {
            parts.push(format!("{} left", text::countdown(self.expires_at.since(now))));
        }
        let received = self.amount_received.filter(|received| !received.is_zero());
        parts.extend(received.map(|received| format!("received {received} of {}", self.amount)));
        parts.extend(self.confirmations.map(|have| format!("{have} confirmations")));
        parts.extend(self.tx_hash.as_ref().map(|hash| format!("seen in {hash}")));
        parts.join(" · ")
    }

    fn end(&self) -> (&str, Option<bool>) {
        let paid = match self.status {
            PaymentStatus::Confirmed | PaymentStatus::Completed | PaymentStatus::Failed => Some(true),
            PaymentStatus::Expired => Some(false),
            _ => None,
        };
        (self.status.as_str(), paid)
    }
}
