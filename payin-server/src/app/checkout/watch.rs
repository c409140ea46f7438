//! Looking on while an order is paid: for its payer's page, which has no key. An order changes with its chain, by whichever server follows
//! that, so a watch looks at the database now and then. Bounded for each client and in all: nobody's looking on may cost others.
//!
//! What concerns the socket goes by real time, also in a sandbox whose clock stands still.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use payin_core::Error;
use payin_core::checkout::public_order;
use payin_types::{ErrorCode, PublicOrder, Timestamp};

use super::{Payment, Stray, paying};
use crate::app::{App, Outcome};
use crate::env::{Clock as _, SystemClock};

/// How often a watch looks: what people take for at once.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often a silent watch says that it lives: below the 60 s after which common proxies close what is silent.
const ALIVE_EVERY: Duration = Duration::from_secs(15);
/// How long a watch lasts: longer than an order's time. Who is still there connects again, and is counted again.
const LASTS: Duration = Duration::from_secs(2 * 60 * 60);
/// Watches of one client at once: the customers of a café behind one address.
const OF_CLIENT: usize = 20;
/// Watches at once in this server: each reads a few rows a second.
const IN_ALL: usize = 500;

/// Who looks on, in this process.
#[derive(Debug, Default)]
pub struct Watchers(Mutex<HashMap<IpAddr, usize>>);

impl Watchers {
    fn seat(self: &Arc<Self>, client: IpAddr) -> Result<Seat, Error> {
        let later = |code, message: &str| Error { retry_after_s: Some(10), ..Error::new(code, message) };
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= IN_ALL {
            return Err(later(ErrorCode::ServiceUnavailable, "As many people look on as this server allows; load the page again instead"));
        }
        let of_client = open.entry(client).or_default();
        if *of_client >= OF_CLIENT {
            return Err(later(ErrorCode::RateLimitExceeded, "From your address too many look on already; load the page again instead"));
        }
        *of_client += 1;
        Ok(Seat { watchers: Arc::clone(self), client })
    }
}

/// A place among them, until it is dropped.
#[derive(Debug)]
struct Seat {
    watchers: Arc<Watchers>,
    client: IpAddr,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.watchers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_client) = open.get_mut(&self.client) {
            *of_client = of_client.saturating_sub(1);
            if *of_client == 0 {
                open.remove(&self.client);
            }
        }
    }
}

/// What a watch brings.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// The order as it is now: at first, and whenever something of it has changed that its payer is shown.
    Order(Box<PublicOrder>),
    /// Nothing for a while.
    Nothing,
    /// It is over, for this reason. The client may look on again.
    Ended(&'static str),
}

/// What a payer's page shows of an order: its chain goes on also where that changes nothing of it.
#[derive(Debug, PartialEq)]
struct Shown {
    order: Box<PublicOrder>,
    payments: Vec<Payment>,
    strays: Vec<Stray>,
}

/// One client's look at one order.
#[derive(Debug)]
pub struct Watch {
    app: Arc<App>,
    id: String,
    shown: Option<Shown>,
    alive_at: Timestamp,
    ends_at: Timestamp,
    _seat: Seat,
}

impl Watch {
    /// Begins to look on.
    ///
    /// # Errors
    /// `RESOURCE_NOT_FOUND`; `RATE_LIMIT_EXCEEDED` and `SERVICE_UNAVAILABLE` where too many look on.
    pub async fn open(app: &Arc<App>, id: String, client: IpAddr) -> Outcome<Self> {
        paying(app, &id).await?;
        let (seat, now) = (app.front.watchers.seat(client)?, SystemClock.now());
        Ok(Self { app: Arc::clone(app), id, shown: None, alive_at: now.plus(ALIVE_EVERY), ends_at: now.plus(LASTS), _seat: seat })
    }

    /// What is seen next. Waits for it.
    pub async fn next(&mut self) -> Seen {
        loop {
            if self.shown.is_some() && tokio::time::timeout(LOOK_EVERY, self.app.streams.stopping()).await.is_ok() {
                return Seen::Ended("the server is stopping");
            }
            let paying = match paying(&self.app, &self.id).await {
                Ok(paying) => paying,
                Err(failure) => {
                    tracing::warn!(%failure, "a look at an order met a fault");
                    return Seen::Ended("the server met a fault");
                }
            };
            let now = SystemClock.now();
            if now >= self.ends_at {
                return Seen::Ended("it has lasted long");
            }
            let order = Box::new(public_order(&paying.order, paying.head));
            let shown = Shown { order, payments: paying.payments, strays: paying.strays };
            if self.shown.as_ref() != Some(&shown) {
                let order = shown.order.clone();
                self.shown = Some(shown);
                self.alive_at = now.plus(ALIVE_EVERY);
                return Seen::Order(order);
            }
            if now >= self.alive_at {
                self.alive_at = now.plus(ALIVE_EVERY);
                return Seen::Nothing;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_for_each_client_and_in_all() {
        let watchers = Arc::new(Watchers::default());
        let client = |number: u32| IpAddr::V4(number.into());
        let mut seats: Vec<Seat> = (0..OF_CLIENT).map(|_| watchers.seat(client(0)).unwrap()).collect();
        assert_eq!(watchers.seat(client(0)).unwrap_err().code, ErrorCode::RateLimitExceeded);
        seats.extend((OF_CLIENT..IN_ALL).map(|number| watchers.seat(client(number as u32)).unwrap()));
        assert_eq!(watchers.seat(client(1)).unwrap_err().code, ErrorCode::ServiceUnavailable);
        drop(seats);
        assert!(watchers.0.lock().unwrap().is_empty());
    }
}
