//! Waits for an order to end, by asking again and again. It must not look at `expiresAt`: only the server knows when an
//! order has ended, and its clock may be a virtual one.

use std::future::IntoFuture;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::{Stream, TryStreamExt, stream};

use payin_types::{Order, OrderId, OrderStatus};

use crate::client::Client;
use crate::error::Error;

/// Between two looks at the order. At the documented limit of 100 requests a minute, three orders can be waited for at once.
const PAUSE: Duration = Duration::from_secs(2);

/// For how long looks may fail, one after the other, each with its own attempts, before the waiting fails: long enough for a
/// server to be replaced.
const PATIENCE: Duration = Duration::from_secs(120);

/// The least that a look may take, also when hardly any of the time allowed is left.
const LOOK_MIN: Duration = Duration::from_secs(1);

/// How waiting for an order came out.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Waited {
    /// Paid and confirmed.
    Completed(Order),
    /// The window and the grace period passed without a sufficient payment.
    Expired(Order),
    /// The time allowed passed first. The order may still be paid.
    TimedOut(Order),
}

impl Waited {
    /// The order as last seen.
    #[must_use]
    pub fn order(&self) -> &Order {
        match self {
            Self::Completed(order) | Self::Expired(order) | Self::TimedOut(order) => order,
        }
    }
}

/// Waiting for an order: `.await` it, or take its [`Wait::changes`].
///
/// ```no_run
/// # async fn run(client: payin_sdk::Client, id: payin_sdk::OrderId) -> Result<(), payin_sdk::Error> {
/// use std::time::Duration;
/// use payin_sdk::Waited;
///
/// let paid = matches!(client.orders().wait(&id).timeout(Duration::from_secs(900)).await?, Waited::Completed(_));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "waiting begins when it is awaited"]
pub struct Wait {
    client: Client,
    id: OrderId,
    timeout: Option<Duration>,
    pause: Duration,
}

impl Wait {
    pub(crate) fn new(client: Client, id: OrderId) -> Self {
        Self { client, id, timeout: None, pause: PAUSE }
    }

    /// How long to wait at most; without it until the order has ended.
    pub fn timeout(mut self, span: Duration) -> Self {
        self.timeout = Some(span);
        self
    }

    /// How long to pause between two looks; default 2 s.
    pub fn poll_every(mut self, span: Duration) -> Self {
        self.pause = span;
        self
    }

    /// The order as it is and then each time it has changed. Ends after the order has ended or the timeout has passed.
    /// Failures that may pass, such as a server that starts again, are sat out for two minutes.
    pub fn changes(self) -> impl Stream<Item = Result<Order, Error>> + Send + use<> {
        let ends = self.timeout.map(|timeout| self.client.inner.world.elapsed().saturating_add(timeout));
        let start = Watch { wait: self, ends, looked: false, last: None, failing_since: None };
        stream::try_unfold(start, async |mut watch: Watch| Ok(watch.next().await?.map(|order| (order, watch))))
    }
}

impl IntoFuture for Wait {
    type Output = Result<Waited, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let nothing = || Error::Request("the order was never seen".to_owned());
            let mut changes = pin!(self.changes());
            let mut last = None;
            while let Some(order) = changes.try_next().await? {
                last = Some(order);
            }
            let order = last.ok_or_else(nothing)?;
            Ok(match order.status {
                OrderStatus::Completed => Waited::Completed(order),
                OrderStatus::Expired => Waited::Expired(order),
                _ => Waited::TimedOut(order),
            })
        })
    }
}

struct Watch {
    wait: Wait,
    ends: Option<Duration>,
    looked: bool,
    last: Option<Order>,
    failing_since: Option<Duration>,
}

impl Watch {
    /// The order, once it differs from what it was; `None` when there is nothing more to wait for.
    async fn next(&mut self) -> Result<Option<Order>, Error> {
        let inner = self.wait.client.inner.clone();
        if self.last.as_ref().is_some_and(|order| matches!(order.status, OrderStatus::Completed | OrderStatus::Expired)) {
            return Ok(None);
        }
        loop {
            let left = || self.ends.map_or(Duration::MAX, |ends| ends.saturating_sub(inner.world.elapsed()));
            if self.looked {
                if left().is_zero() {
                    return Ok(None);
                }
                inner.world.sleep(left().min(self.wait.pause)).await;
            }
            // The last look, after the time allowed has passed, gets a moment too.
            let timeout = left().clamp(LOOK_MIN, inner.policy.deadline.max(LOOK_MIN));
            self.looked = true;
            match self.wait.client.orders().get(&self.wait.id).timeout(timeout).await {
                Ok(order) => {
                    self.failing_since = None;
                    if self.last.as_ref() != Some(&order) {
                        self.last = Some(order.clone());
                        return Ok(Some(order));
                    }
                }
                Err(error) => self.endure(error, inner.world.elapsed())?,
            }
        }
    }

    /// Keeps a failure that may pass to itself, unless patience or the time allowed is over.
    fn endure(&mut self, error: Error, now: Duration) -> Result<(), Error> {
        let since = *self.failing_since.get_or_insert(now);
        let out_of_time = self.ends.is_some_and(|ends| ends <= now);
        if error.is_transient() && now.saturating_sub(since) < PATIENCE && !out_of_time { Ok(()) } else { Err(error) }
    }
}
