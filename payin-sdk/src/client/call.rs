//! A call that is ready to be awaited, and its options. What a call does when it fails is decided in `retry.rs` and `attempts.rs`.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Client, attempts, base};
use crate::error::{Body, Error};
use crate::transport::Response;
use crate::world::World;

/// What a call does to the server, hence what may be done when it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Changes nothing.
    Read,
    /// Creates something, at most once for an idempotency key.
    Create,
    /// Removes something: doing it twice is doing it once.
    Delete,
    /// Does something that counts each time, and knows no idempotency key (the sandbox).
    Act,
}

/// A request that has not been sent.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) method: Method,
    /// The path with its parameters unfilled: what may be shown.
    pub(crate) route: &'static str,
    pub(crate) url: String,
    pub(crate) body: Bytes,
}

impl Plan {
    /// Method and route: what may be shown of a call.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.route)
    }

    /// Health is asked without a key, is not tried again, and is a success also where it says 503.
    pub(crate) fn is_health(&self) -> bool {
        self.route.starts_with("/health")
    }
}

/// A call of the API: `.await` it. Nothing is sent before.
///
/// ```no_run
/// # async fn run(client: payin_sdk::Client, order: payin_sdk::CreateOrder) -> Result<(), payin_sdk::Error> {
/// use std::time::Duration;
///
/// let order = client.orders().create(&order).idempotency_key("checkout-17").timeout(Duration::from_secs(10)).await?;
/// # Ok(()) }
/// ```
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<T> {
    client: Client,
    plan: Result<Plan, Error>,
    idempotency_key: Option<String>,
    timeout: Option<Duration>,
    answer: PhantomData<fn() -> T>,
}

/// The body of a successful answer, and what else is worth knowing of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Answer<T> {
    /// The body.
    pub body: T,
    /// The request's id, for support.
    pub request_id: Option<String>,
    /// Whether this is the stored answer of an earlier call with the same idempotency key.
    pub replayed: bool,
    /// How many attempts it took.
    pub attempts: u32,
}

impl<T: DeserializeOwned> Call<T> {
    /// The idempotency key of a creating call, 1 to 255 printable characters; without it a fresh one is made. Calls that
    /// create nothing bear none.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// How long this call may take with all its attempts and pauses, instead of the client's deadline.
    pub fn timeout(mut self, span: Duration) -> Self {
        self.timeout = Some(span);
        self
    }

    /// Sends the call and gives, beside the body, the request's id and whether it was replayed.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn answer(self) -> Result<Answer<T>, Error> {
        let plan = self.plan?;
        let world = self.client.inner.world.as_ref();
        let key = match (plan.kind, self.idempotency_key) {
            (Kind::Create, Some(key)) => Some(key),
            (Kind::Create, None) => Some(fresh_key(world)?),
            _ => None,
        };
        let header = key.as_deref().map(key_header).transpose()?;
        let (response, attempts) = attempts::run(&self.client, &plan, key.as_deref().zip(header), self.timeout).await?;
        let body = decode(&plan, &response)?;
        let replayed = response.header("idempotent-replayed").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Ok(Answer { body, request_id: response.header("x-request-id").map(str::to_owned), replayed, attempts })
    }
}

impl<T: DeserializeOwned + Send + 'static> IntoFuture for Call<T> {
    type Output = Result<T, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.answer().await.map(|answer| answer.body) })
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.plan.as_ref().map(Plan::name);
        f.debug_struct("Call").field("name", &name).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl Client {
    fn call<T>(&self, plan: Result<Plan, Error>) -> Call<T> {
        Call { client: self.clone(), plan, idempotency_key: None, timeout: None, answer: PhantomData }
    }

    pub(crate) fn read<T>(&self, route: &'static str, args: &[&str], query: &impl Serialize) -> Call<T> {
        let plan = self.inner.base.url(route, args).and_then(|mut url| {
            base::add_query(&mut url, query)?;
            Ok(Plan { kind: Kind::Read, method: Method::GET, route, url, body: Bytes::new() })
        });
        self.call(plan)
    }

    pub(crate) fn post<T>(&self, kind: Kind, route: &'static str, body: &impl Serialize) -> Call<T> {
        let plan = self.inner.base.url(route, &[]).and_then(|url| {
            let body = serde_json::to_vec(body).map_err(|error| Error::Request(format!("the body cannot be written: {error}")))?;
            Ok(Plan { kind, method: Method::POST, route, url, body: body.into() })
        });
        self.call(plan)
    }

    pub(crate) fn delete<T>(&self, route: &'static str, args: &[&str]) -> Call<T> {
        let plan = self.inner.base.url(route, args);
        self.call(plan.map(|url| Plan { kind: Kind::Delete, method: Method::DELETE, route, url, body: Bytes::new() }))
    }
}

/// A key that nobody else has: a version 4 UUID.
pub(crate) fn fresh_key(world: &dyn World) -> Result<String, Error> {
    let random = world.random().map_err(|error| Error::Config(error.to_string()))?;
    let bits = random & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let part = |shift: u32, digits: u32| bits >> shift & ((1 << (4 * digits)) - 1);
    Ok(format!("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", part(96, 8), part(80, 4), part(64, 4), part(48, 4), part(0, 12)))
}

fn key_header(key: &str) -> Result<HeaderValue, Error> {
    let printable = key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let value = HeaderValue::from_str(key).ok().filter(|_| printable && (1..=255).contains(&key.len()));
    value.ok_or_else(|| Error::Request("an idempotency key is 1 to 255 printable ASCII characters".to_owned()))
}

fn decode<T: DeserializeOwned>(plan: &Plan, response: &Response) -> Result<T, Error> {
    let failed = |path: String, source| Error::Decode {
        call: plan.name(),
        path,
        request_id: response.header("x-request-id").map(str::to_owned),
        body: Body::from_bytes(&response.body),
        source,
    };
    let mut json = serde_json::Deserializer::from_slice(&response.body);
    let body = serde_path_to_error::deserialize(&mut json).map_err(|error| failed(error.path().to_string(), error.into_inner()))?;
    json.end().map_err(|error| failed(".".to_owned(), error))?;
    Ok(body)
}
