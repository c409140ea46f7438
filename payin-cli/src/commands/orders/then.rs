//! What may follow the creation of an order, whichever API it came through: its address as a QR code, and waiting for the payment.

use std::time::Duration;

use payin_sdk::Wait;

use super::super::Context;
use super::watch::{self, Watched};
use crate::failure::Failure;
use crate::{qr, text};

#[derive(Debug, clap::Args)]
pub struct Then {
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

impl Then {
    pub async fn run<T: Watched>(self, context: &Context, order: &T, wait: Wait<T>) -> Result<(), Failure> {
        context.leaves_behind(format!("the order exists; wait for it with: {} {}", T::COMMAND, order.id()));
        if self.qr {
            qr::show(&context.ui, order.address());
        }
        if !self.wait {
            return context.ui.record(order, T::COLUMNS);
        }
        watch::run(context, wait, self.timeout.map(Duration::from_secs)).await
    }
}
