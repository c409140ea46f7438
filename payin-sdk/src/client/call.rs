//! A call that is ready to be awaited, and its answer. What a call does when it fails is decided in `retry.rs` and `attempts.rs`.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
#[cfg(feature = "paywarden")]
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;

use super::options::Options;
#[cfg(feature = "paywarden")]
use super::plan::bearer;
use super::{Client, Kind, Plan, RateLimit, attempts};
use crate::error::{Body, Error};
use crate::transport::Response;
use crate::world::World;

/// A call of the API: `.await` it. Nothing is sent before.
///
/// ```no_run
/// # async fn run(client: payin_sdk::Client, order: payin_sdk::CreateOrder) -> Result<(), payin_sdk::Error> {
/// use std::time::Duration;
///
/// let order = client.orders().create(&order).idempotency_key("checkout-17").timeout(Duration::from_secs(10)).await?;
///
/// let answer = client.orders().get(&order.order_id).retries_max(0).header("x-trace", "17").answer().await?;
/// println!("{:?}: {:?} requests are left", answer.request_id, answer.rate_limit.map(|limit| limit.remaining));
/// # Ok(()) }
/// ```
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<T> {
    client: Client,
    plan: Result<Plan, Error>,
    options: Options,
    answer: PhantomData<fn() -> T>,
}

/// The body of a successful answer, and what else is worth knowing of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Answer<T> {
    /// The body.
    pub body: T,
    /// The answer as it came: status, headers, bytes.
    pub response: Response,
    /// The request's id, for support.
    pub request_id: Option<String>,
    /// How much of its limits the key has used, where the server says.
    pub rate_limit: Option<RateLimit>,
    /// Whether this is the stored answer of an earlier call with the same idempotency key.
    pub replayed: bool,
    /// How many attempts it took.
    pub attempts: u32,
}

impl<T> Call<T> {
    pub(super) fn new(client: &Client, plan: Result<Plan, Error>) -> Self {
        Self { client: client.clone(), plan, options: Options::default(), answer: PhantomData }
    }

    /// The idempotency key of a POST, 1 to 255 printable characters; without it a fresh one is made. Other calls bear none, and neither do
    /// those of the checkout and the sandbox, which know none.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.options.idempotency_key = Some(key.into());
        self
    }

    /// How long this call may take with all its attempts and pauses, instead of the client's deadline.
    pub fn timeout(mut self, span: Duration) -> Self {
        self.options.timeout = Some(span);
        self
    }

    /// How many attempts may follow the first, instead of the client's number; 0 for none.
    pub fn retries_max(mut self, count: u32) -> Self {
        self.options.retries_max = Some(count);
        self
    }

    /// A header more. One that the client sets itself, or that cannot be sent, makes the call an [`Error::Request`].
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Err(error) = self.options.add_header(name, value)
            && self.plan.is_ok()
        {
            self.plan = Err(error);
        }
        self
    }

    /// With a token instead of the key.
    #[cfg(feature = "paywarden")]
    pub(crate) fn bearing(mut self, token: &SecretString) -> Self {
        self.plan = self.plan.and_then(|plan| Ok(Plan { bearer: Some(bearer(token.expose_secret())?), ..plan }));
        self
    }

    /// Sends the call and gives the answer without reading its body: for what this version cannot read.
    ///
    /// # Errors
    /// See [`Error`]; never [`Error::Decode`].
    pub async fn raw(self) -> Result<Answer<Bytes>, Error> {
        let (_, response, attempts) = self.send().await?;
        Ok(Answer::new(response.body.clone(), response, attempts))
    }

    async fn send(self) -> Result<(Plan, Response, u32), Error> {
        let plan = self.plan?;
        let world = self.client.inner.world.as_ref();
        let key = match (plan.kind, &self.options.idempotency_key) {
            (Kind::Once, Some(key)) => Some(key.clone()),
            (Kind::Once, None) => Some(fresh_key(world)?),
            _ => None,
        };
        let header = key.as_deref().map(key_header).transpose()?;
        let (response, attempts) = attempts::run(&self.client, &plan, key.as_deref().zip(header), &self.options).await?;
        Ok((plan, response, attempts))
    }
}

impl<T: DeserializeOwned> Call<T> {
    /// Sends the call and gives, beside the body, all that came with it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn answer(self) -> Result<Answer<T>, Error> {
        let (plan, response, attempts) = self.send().await?;
        Ok(Answer::new(decode(&plan, &response)?, response, attempts))
    }
}

impl<T> Answer<T> {
    fn new(body: T, response: Response, attempts: u32) -> Self {
        let replayed = response.header("idempotent-replayed").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let request_id = response.header("x-request-id").map(str::to_owned);
        Self { body, request_id, rate_limit: RateLimit::of(&response), replayed, attempts, response }
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
        f.debug_struct("Call").field("name", &name).field("options", &self.options).finish_non_exhaustive()
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

/// What some APIs put around what was asked for.
#[derive(serde::Deserialize)]
struct Enveloped<T> {
    success: bool,
    data: T,
}

fn decode<T: DeserializeOwned>(plan: &Plan, response: &Response) -> Result<T, Error> {
    let failed = |path: String, source| Error::Decode {
        call: plan.name(),
        path,
        request_id: response.header("x-request-id").map(str::to_owned),
        body: Body::from_bytes(&response.body),
        source,
    };
    // Some answers come in an envelope, whatever is in it.
    if serde_json::from_slice::<Enveloped<serde::de::IgnoredAny>>(&response.body).is_ok_and(|envelope| envelope.success) {
        let mut json = serde_json::Deserializer::from_slice(&response.body);
        let envelope: Enveloped<T> =
            serde_path_to_error::deserialize(&mut json).map_err(|error| failed(error.path().to_string(), error.into_inner()))?;
        return Ok(envelope.data);
    }
    let mut json = serde_json::Deserializer::from_slice(&response.body);
    let body = serde_path_to_error::deserialize(&mut json).map_err(|error| failed(error.path().to_string(), error.into_inner()))?;
    json.end().map_err(|error| failed(".".to_owned(), error))?;
    Ok(body)
}
