//! Outgoing HTTP: one POST to a merchant's webhook endpoint. It must not retry, follow redirects, judge the answer or
//! reach anything but the public internet (see [`Targets`]); a hostile receiver costs one deadline and 20 kB at most.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use url::Url;

use super::cause::{self, Cause};

mod targets;

use targets::{Guarded, Lookup, Unresolved};

pub use targets::{Refusal, Targets, is_public};

/// How much of an answer is read: enough to see a receiver's error page (Svix keeps as much), and no way to fill our
/// database or memory.
pub const ANSWER_BYTES_MAX: usize = 20_000;

/// For the connections to all addresses of a name together. Shorter than a delivery's 15 s, so that a dead first address leaves time for
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
    /// All of them, `Content-Type` included; `Host`, `Content-Length`, `Accept` and `User-Agent` are added.
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

/// The real one: hyper's own client, since one that follows redirects, keeps cookies and tries again, even if it is told not to, costs more
/// than all that a delivery needs.
#[derive(Debug, Clone)]
pub struct HyperHttp {
    client: Client<HttpsConnector<HttpConnector<Guarded>>, Full<Bytes>>,
    targets: Targets,
}

impl HyperHttp {
    /// A client that reaches what `targets` allow.
    #[must_use]
    pub fn new(targets: Targets) -> Self {
        Self::over(targets, targets::system_lookup(), super::tls())
    }

    /// The same with another source of addresses and other certificates: tests have names and certificates of their own.
    fn over(targets: Targets, lookup: Lookup, tls: ClientConfig) -> Self {
        let mut connector = HttpConnector::new_with_resolver(Guarded { targets, lookup });
        // What goes by TLS is the other connector's business.
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let mut builder = Client::builder(TokioExecutor::new());
        let client = builder.pool_timer(TokioTimer::new()).pool_idle_timeout(POOL_IDLE).build((connector, tls).into());
        Self { client, targets }
    }

    async fn send(&self, outgoing: Outgoing) -> Result<Answer, SendFault> {
        self.targets.check(&outgoing.url).map_err(SendFault::Refused)?;
        let answer = self.client.request(request(outgoing)?).await.map_err(|error| fault(&error))?;
        let (head, mut rest) = answer.into_parts();
        let retry_after = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.filter(|value| value.len() <= RETRY_AFTER_BYTES_MAX).map(str::to_owned);
        let mut body = Vec::new();
        while body.len() < ANSWER_BYTES_MAX
            && let Some(frame) = rest.frame().await
        {
            let frame = frame.map_err(|_| told(cause::broke_off()))?;
            let room = ANSWER_BYTES_MAX.saturating_sub(body.len());
            body.extend(frame.into_data().unwrap_or_default().into_iter().take(room));
        }
        // Dropped with something unread, the connection is closed and not used again.
        Ok(Answer { status: head.status.as_u16(), body, retry_after })
    }
}

fn request(outgoing: Outgoing) -> Result<Request<Full<Bytes>>, SendFault> {
    let mut headers = headers(&outgoing.headers).ok_or(SendFault::Refused(Refusal::Header))?;
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(super::USER_AGENT));
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    let mut request = Request::new(Full::new(outgoing.body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = outgoing.url.as_str().parse::<Uri>().map_err(|_| told(cause::not_http()))?;
    *request.headers_mut() = headers;
    Ok(request)
}

impl Http for HyperHttp {
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

fn fault(error: &Error) -> SendFault {
    if let Some(refusal) = cause::find::<Refusal>(error) {
        return SendFault::Refused(*refusal);
    }
    if cause::find::<Unresolved>(error).is_some() {
        return SendFault::Dns;
    }
    told(cause::of_hyper(error))
}

fn told(cause: Cause) -> SendFault {
    match cause {
        Cause::Dns => SendFault::Dns,
        Cause::Connect(why) => SendFault::Connect(why),
        Cause::Tls(why) => SendFault::Tls(why),
        Cause::Protocol(why) => SendFault::Protocol(why),
    }
}

#[cfg(test)]
mod tests;
