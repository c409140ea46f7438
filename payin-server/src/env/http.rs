//! Outgoing HTTP: one POST to a merchant's webhook endpoint. It must not retry, follow redirects, judge the answer or
//! reach anything but the public internet (see [`Targets`]); a hostile receiver costs one deadline and 20 kB at most.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::cause::{self, Cause};
use super::{SetupFault, build, client_builder};

mod targets;

use targets::{Guarded, Lookup};

pub use targets::{Refusal, Targets, is_public};

/// How much of an answer is read: enough to see a receiver's error page (Svix keeps as much), and no way to fill our
/// database or memory.
pub const ANSWER_BYTES_MAX: usize = 20_000;

/// For all addresses of a name together. Shorter than a delivery's 15 s, so that a dead first address leaves time for
/// the next one, and so that "no connection" is told apart from "no answer".
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Shorter than the usual 60 s of servers: a connection they are just about to close is not worth having.
const POOL_IDLE: Duration = Duration::from_secs(30);

/// A date has 29 characters (RFC 9110, 5.6.7); what is longer than this says nothing.
const RETRY_AFTER_BYTES_MAX: usize = 64;

/// Sends what merchants asked to be sent.
pub trait Http: Send + Sync {
    /// One attempt. Any status is an answer, 3xx and 5xx too; a fault means that there was none.
    fn post(&self, request: Outgoing) -> BoxFuture<'_, Result<Answer, SendFault>>;
}

/// One POST, signed and ready.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Where to; checked against [`Targets`] on every attempt.
    pub url: Url,
    /// All of them, `Content-Type` included; `Host`, `Content-Length` and `User-Agent` are added.
    pub headers: Vec<(String, String)>,
    /// The stored bytes that were signed.
    pub body: Bytes,
    /// For everything: name, connection, TLS, answer and the part of its body that is read.
    pub timeout: Duration,
}

/// What the receiver said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The first [`ANSWER_BYTES_MAX`] bytes, as they came: not necessarily text.
    pub body: Vec<u8>,
    /// `Retry-After` as it was written: seconds or a date, unchecked.
    pub retry_after: Option<String>,
}

/// Why there was no answer, in words for the endpoint's owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendFault {
    /// We do not call this target.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// The name has no address.
    #[error("the host name does not resolve")]
    Dns,
    /// Nobody listens, or a network on the way does not let us.
    #[error("no connection: {0}")]
    Connect(String),
    /// The certificate, or the handshake.
    #[error("TLS: {0}")]
    Tls(String),
    /// No complete answer in time. It may have been received and acted on.
    #[error("no complete answer within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// Something answered, but not in HTTP, or it broke off.
    #[error("{0}")]
    Protocol(String),
}

/// The real one.
#[derive(Debug, Clone)]
pub struct ReqwestHttp {
    client: reqwest::Client,
    targets: Targets,
}

impl ReqwestHttp {
    /// A client that reaches what `targets` allow.
    ///
    /// # Errors
    /// If TLS cannot be set up on this machine.
    pub fn new(targets: Targets) -> Result<Self, SetupFault> {
        Self::over(targets, targets::system_lookup(), |builder| builder)
    }

    /// The same with another source of addresses, and more set on the client: tests have names and certificates of their own.
    fn over(targets: Targets, lookup: Lookup, set: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder) -> Result<Self, SetupFault> {
        let resolver = Arc::new(Guarded { targets, lookup });
        let builder = || {
            let builder = client_builder().dns_resolver(Arc::clone(&resolver));
            set(builder.connect_timeout(CONNECT_TIMEOUT).pool_idle_timeout(POOL_IDLE))
        };
        Ok(Self { client: build(builder)?, targets })
    }

    async fn send(&self, request: Outgoing) -> Result<Answer, SendFault> {
        self.targets.check(&request.url).map_err(SendFault::Refused)?;
        let headers = headers(&request.headers).ok_or(SendFault::Refused(Refusal::Header))?;
        let call = self.client.post(request.url).headers(headers).body(request.body);
        let mut response = call.send().await.map_err(|error| fault(&error))?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(http::header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()).filter(|value| value.len() <= RETRY_AFTER_BYTES_MAX);
        let retry_after = retry_after.map(str::to_owned);
        let mut body = Vec::new();
        while body.len() < ANSWER_BYTES_MAX
            && let Some(chunk) = response.chunk().await.map_err(|error| fault(&error))?
        {
            let room = ANSWER_BYTES_MAX.saturating_sub(body.len());
            body.extend(chunk.into_iter().take(room));
        }
        // Dropped with something unread, the connection is closed and not used again.
        Ok(Answer { status, body, retry_after })
    }
}

impl Http for ReqwestHttp {
    fn post(&self, request: Outgoing) -> BoxFuture<'_, Result<Answer, SendFault>> {
        let timeout = request.timeout;
        async move {
            let sent = tokio::time::timeout(timeout, self.send(request)).await;
            sent.unwrap_or(Err(SendFault::Timeout(timeout)))
        }
        .boxed()
    }
}

/// Header names and values as HTTP writes them; nothing if one cannot be (line breaks above all).
pub(super) fn headers(pairs: &[(String, String)]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for (name, value) in pairs {
        let name = HeaderName::try_from(name).ok()?;
        headers.append(name, HeaderValue::try_from(value).ok()?);
    }
    Some(headers)
}

fn fault(error: &reqwest::Error) -> SendFault {
    if let Some(refusal) = cause::find::<Refusal>(error) {
        return SendFault::Refused(*refusal);
    }
    match cause::of(error) {
        Cause::Dns => SendFault::Dns,
        Cause::Connect(why) => SendFault::Connect(why),
        Cause::Tls(why) => SendFault::Tls(why),
        Cause::Protocol(why) => SendFault::Protocol(why),
    }
}

#[cfg(test)]
mod tests;
