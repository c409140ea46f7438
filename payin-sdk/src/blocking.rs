//! The client for programs without an async runtime. It has no methods of its own for the API's calls: it runs those of the async client,
//! so that the two cannot differ.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use tokio::runtime::{Handle, Runtime};

use crate::error::Error;

/// Runs the calls of a [`Client`](crate::Client) to their end, on a private runtime that lives in the threads that call it. Cheap to clone; clones
/// share their connections.
///
/// ```no_run
/// # fn main() -> Result<(), payin_sdk::Error> {
/// use payin_sdk::{CreateOrder, ListOrders, blocking};
///
/// let client = blocking::Client::new(payin_sdk::Client::from_env()?)?;
/// let order = CreateOrder::new("ORDER-2025-001", "100.00".parse().unwrap(), "USDT", "ethereum-sepolia");
/// let order = client.run(|client| client.orders().create(&order))?;
/// let paid = client.run(|client| client.orders().wait(&order.order_id))?;
/// for order in client.iter(|client| client.orders().stream(ListOrders::default()))? {
///     println!("{}", order?.order_reference);
/// }
/// # Ok(()) }
/// ```
///
/// Within an async runtime every call is an [`Error::Config`]: it would keep the runtime's thread from its other tasks.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    client: crate::Client,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl Client {
    /// Runs the calls of this client.
    ///
    /// # Errors
    /// [`Error::Config`] when the system gives no runtime.
    pub fn new(client: crate::Client) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::Config(format!("cannot set up the runtime of the blocking client: {error}")))?;
        Ok(Self { inner: Arc::new(Inner { client, runtime: Some(runtime) }) })
    }

    /// Makes a call and waits for its end: a [`Call`](crate::Call), a [`Wait`](crate::Wait), or any future of the client.
    ///
    /// # Errors
    /// Those of the call, and [`Error::Config`] within an async runtime.
    pub fn run<'c, F, T>(&'c self, call: impl FnOnce(&'c crate::Client) -> F) -> Result<T, Error>
    where
        F: IntoFuture<Output = Result<T, Error>>,
    {
        self.inner.wait_for(call(&self.inner.client).into_future())?
    }

    /// The items of a stream, each fetched when it is asked for.
    ///
    /// # Errors
    /// [`Error::Config`] within an async runtime; each item then has its own.
    pub fn iter<S, T>(&self, stream: impl FnOnce(&crate::Client) -> S) -> Result<Iter<S>, Error>
    where
        S: Stream<Item = Result<T, Error>>,
    {
        refuse_within_a_runtime()?;
        Ok(Iter { inner: Arc::clone(&self.inner), stream: Box::pin(stream(&self.inner.client)) })
    }
}

impl Inner {
    fn wait_for<F: Future>(&self, future: F) -> Result<F::Output, Error> {
        refuse_within_a_runtime()?;
        let runtime = self.runtime.as_ref().ok_or_else(|| Error::Config("the blocking client has been dropped".to_owned()))?;
        Ok(runtime.block_on(future))
    }
}

fn refuse_within_a_runtime() -> Result<(), Error> {
    let why = "the blocking client was called within an async runtime (or a thread of one, such as `spawn_blocking`'s): use the async \
               `payin_sdk::Client` there, or a thread of its own";
    if Handle::try_current().is_ok() { Err(Error::Config(why.to_owned())) } else { Ok(()) }
}

impl Drop for Inner {
    /// Does not wait for anything, so that a client may also be dropped within a runtime.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("blocking::Client").field(&self.inner.client).finish()
    }
}

/// The items of a stream: [`Client::iter`].
#[must_use = "nothing is fetched until an item is asked for"]
pub struct Iter<S> {
    inner: Arc<Inner>,
    stream: Pin<Box<S>>,
}

impl<S, T> Iterator for Iter<S>
where
    S: Stream<Item = Result<T, Error>>,
{
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.inner.wait_for(self.stream.next()).unwrap_or_else(|error| Some(Err(error)))
    }
}

impl<S> fmt::Debug for Iter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}
