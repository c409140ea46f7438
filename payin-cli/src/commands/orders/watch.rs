//! Waiting for an order before somebody's eyes: a countdown and the confirmations, on stderr.
//! It must not decide when an order has ended; the server does.

use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt;
use payin_sdk::{Awaited, Order, OrderStatus, Timestamp, Wait};
use serde::Serialize;

use super::super::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Columns, columns};
use crate::{clock, text};

/// How an order of some API is shown while it is waited for.
pub trait Watched: Awaited + Serialize {
    /// Its columns.
    const COLUMNS: Columns;
    /// The command that waits for it.
    const COMMAND: &'static str;
    /// Its id.
    fn id(&self) -> &str;
    /// Where to pay.
    fn address(&self) -> &str;
    /// What to do, while nothing was seen.
    fn invitation(&self) -> Option<String>;
    /// Where it stands, in one line.
    fn line(&self, now: Timestamp, with_time: bool) -> String;
    /// The word for where it stands, and whether it was paid, once it has ended.
    fn end(&self) -> (&str, Option<bool>);
}

impl Watched for Order {
    const COLUMNS: Columns = columns::ORDER;
    const COMMAND: &'static str = "payin orders wait";

    fn id(&self) -> &str {
        self.order_id.as_str()
    }

    fn address(&self) -> &str {
        &self.address
    }

    fn invitation(&self) -> Option<String> {
        let Self { order_id, amount, currency, chain_id, address, .. } = self;
        (self.status == OrderStatus::Pending).then(|| format!("{order_id}: send {amount} {currency} on {chain_id} to {address}"))
    }

    fn line(&self, now: Timestamp, with_time: bool) -> String {
        line(self, now, with_time)
    }

    fn end(&self) -> (&str, Option<bool>) {
        let paid = match self.status {
            OrderStatus::Completed => Some(true),
            OrderStatus::Expired => Some(false),
            _ => None,
        };
        (self.status.as_str(), paid)
    }
}

/// Follows an order to its end, prints it, and fails unless it was paid.
pub async fn run<T: Watched>(context: &Context, wait: Wait<T>, timeout: Option<Duration>) -> Result<(), Failure> {
    let wait = match timeout {
        Some(timeout) => wait.timeout(timeout),
        None => wait,
    };
    let mut changes = pin!(wait.changes());
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let mut last: Option<T> = None;
    loop {
        tokio::select! {
            change = changes.try_next() => match change? {
                Some(order) => {
                    if let (None, Some(invitation)) = (&last, order.invitation()) {
                        context.ui.note(&invitation);
                    }
                    last = Some(order);
                }
                None => break,
            },
            _ = ticks.tick(), if context.ui.is_live() && last.is_some() => {}
        }
        if let Some(order) = &last {
            context.ui.progress(&order.line(clock::now(), context.ui.is_live()));
        }
    }
    let order = last.ok_or_else(|| Failure::internal("the order was never seen"))?;
    context.ui.record(&order, T::COLUMNS)?;
    let id = order.id();
    match order.end() {
        (_, Some(true)) => Ok(()),
        (_, Some(false)) => Err(Failure::new(Exit::NotAsserted, "ORDER_EXPIRED", format!("order {id} expired unpaid"))),
        (status, None) => {
            Err(Failure::new(Exit::NotAsserted, "WAIT_TIMED_OUT", format!("order {id} is still {status} when the time is over"))
                .hint(format!("it may still be paid; go on with: {} {id}", T::COMMAND)))
        }
    }
}

/// Where the order stands, in one line. The time that is left goes first, because a terminal may cut the end, and only into
/// lines that are rewritten.
fn line(order: &Order, now: Timestamp, with_time: bool) -> String {
    let mut parts = vec![format!("{}: {}", order.order_id, order.status)];
    if with_time && order.status == OrderStatus::Pending {
        parts.push(time_left(order, now));
    }
    if let Some(received) = order.received_amount.filter(|received| !received.is_zero()) {
        parts.push(format!("received {received} of {}", order.amount));
    }
    match (order.confirmations, order.required_confirmations) {
        (Some(have), Some(need)) => parts.push(format!("{have} of {need} confirmations")),
        (Some(have), None) => parts.push(format!("{have} confirmations")),
        (None, _) => {}
    }
    if let Some(hash) = &order.tx_hash {
        parts.push(format!("seen in {hash}"));
    }
    parts.join(" · ")
}

fn time_left(order: &Order, now: Timestamp) -> String {
    let until = |end: Timestamp| text::countdown(end.since(now));
    match order.grace_period_ends_at {
        _ if now < order.expires_at => format!("{} left", until(order.expires_at)),
        Some(end) if now < end => format!("window over, payments still count for {}", until(end)),
        _ => "time over, waiting for the chain to settle it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use payin_sdk::Protocol;

    use super::*;

    #[test]
    fn one_line_says_where_it_stands() {
        let time = |text: &str| format!("2025-01-20T{text}Z").parse::<Timestamp>().unwrap();
        let (created, ends) = (time("10:30:00"), time("10:40:00"));
        let amount = "100.00".parse().unwrap();
        let mut order = Order::new(
            "ord_1".into(),
            "R".to_owned(),
            amount,
            "USDT".into(),
            "sepolia".into(),
            Protocol::Evm,
            "0xA".to_owned(),
            created,
            ends,
        );
        assert_eq!(line(&order, time("10:30:48"), false), "ord_1: pending");
        assert_eq!(line(&order, time("10:30:48"), true), "ord_1: pending · 9:12 left");
        assert!(line(&order, time("10:41:00"), true).ends_with("waiting for the chain to settle it"));
        order.grace_period_ends_at = Some(time("10:45:00"));
        assert!(line(&order, time("10:41:00"), true).ends_with("window over, payments still count for 4:00"));

        order.tx_hash = Some("0xbeef".to_owned());
        order.received_amount = Some("50.00".parse().unwrap());
        (order.confirmations, order.required_confirmations) = (Some(3), Some(12));
        let seen = "received 50.00 of 100.00 · 3 of 12 confirmations · seen in 0xbeef";
        assert_eq!(line(&order, time("10:35:00"), true), format!("ord_1: pending · 5:00 left · {seen}"));
        order.status = OrderStatus::Completed;
        assert_eq!(line(&order, time("10:35:00"), true), format!("ord_1: completed · {seen}"));
    }
}
