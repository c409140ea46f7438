//! Waits for an order to end, whichever API shows it, by asking again and again. It must not look at `expiresAt`: only the server knows when an
//! order has ended, and its clock may be a virtual one.

use std::future::IntoFuture;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::{Stream, TryStreamExt, stream};

use payin_types::{Order, OrderId, OrderStatus};

use crate::client::{Call, Client};
use crate::error::Error;

/// Between two looks at the order. At the documented limit of 100 requests a minute, three orders can be waited for at once.
const PAUSE: Duration = Duration::from_secs(2);

/// For how long looks may fail, one after the other, each with its own attempts, before the waiting fails: long enough for a
/// server to be replaced.
const PATIENCE: Duration = Duration::from_secs(120);

/// The least that a look may take, also when hardly any of the time allowed is left.
const LOOK_MIN: Duration = Duration::from_secs(1);

/// What can be waited for: an order as some API shows it. Only this crate says what that is.
pub trait Awaited: sealed::Awaited {}

impl<T: sealed::Awaited> Awaited for T {}

pub(crate) mod sealed {
    use payin_types::OrderId;
    use serde::de::DeserializeOwned;

    use crate::client::{Call, Client};

    /// How an order is looked at, and when it has ended.
    pub trait Awaited: DeserializeOwned + Clone + PartialEq + Send + Sync + 'static {
        /// The call that shows it.
        fn look(client: &Client, id: &OrderId) -> Call<Self>;
        /// Whether it was paid, once it has ended.
        fn is_paid(&self) -> Option<bool>;
    }
}

impl sealed::Awaited for Order {
    fn look(client: &Client, id: &OrderId) -> Call<Self> {
        client.orders().get(id)
    }

    fn is_paid(&self) -> Option<bool> {
        match self.status {
            OrderStatus::Completed => Some(true),
            OrderStatus::Expired => Some(false),
            _ => None,
        }
    }
}

/// How waiting for an order came out.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Waited<T = Order> {
    /// Paid and confirmed.
    Completed(T),
    /// The window and the grace period passed without a sufficient payment.
    Expired(T),
    /// The time allowed passed first. The order may still be paid.
    TimedOut(T),
}

impl<T> Waited<T> {
    /// The order as last seen.
    #[must_use]
    pub fn order(&self) -> &T {
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
pub struct Wait<T = Order> {
    client: Client,
    id: OrderId,
    timeout: Option<Duration>,
    pause: Duration,
    order: PhantomData<fn() -> T>,
}

impl<T: Awaited> Wait<T> {
    pub(crate) fn new(client: Client, id: OrderId) -> Self {
        Self { client, id, timeout: None, pause: PAUSE, order: PhantomData }
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
    pub fn changes(self) -> impl Stream<Item = Result<T, Error>> + Send + use<T> {
        let ends = self.timeout.map(|timeout| self.client.inner.world.elapsed().saturating_add(timeout));
        let start = Watch { wait: self, ends, looked: false, last: None, failing_since: None };
        stream::try_unfold(start, async |mut watch: Watch<T>| Ok(watch.next().await?.map(|order| (order, watch))))
    }
}

impl<T: Awaited> IntoFuture for Wait<T> {
    type Output = Result<Waited<T>, Error>;
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
            Ok(match order.is_paid() {
                Some(true) => Waited::Completed(order),
                Some(false) => Waited::Expired(order),
                None => Waited::TimedOut(order),
            })
        })
    }
}

struct Watch<T> {
    wait: Wait<T>,
    ends: Option<Duration>,
    looked: bool,
    last: Option<T>,
    failing_since: Option<Duration>,
}

impl<T: Awaited> Watch<T> {
    /// The order, once it differs from what it was; `None` when there is nothing more to wait for.
    async fn next(&mut self) -> Result<Option<T>, Error> {
        let inner = self.wait.client.inner.clone();
        if self.last.as_ref().is_some_and(|order| order.is_paid().is_some()) {
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
            match T::look(&self.wait.client, &self.wait.id).timeout(timeout).await {
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
