//! The client's seam to the network: a request is data, an answer is data, a transport turns one into the other, once. An answer without
//! an end, a stream, is read as it comes.
//! It must not retry, follow redirects or look into bodies.

mod over_reqwest;

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, Method};

pub use over_reqwest::ReqwestTransport;

/// Whether a URL leads to this very machine: what goes there in clear is read by nobody on the way.
#[must_use]
pub fn is_this_machine(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| crate::client::is_loopback(&url))
}

/// An answer under way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response, TransportError>> + Send + 'a>>;

/// A stream being opened.
pub type Opening<'a> = Pin<Box<dyn Future<Output = Result<Incoming, TransportError>> + Send + 'a>>;

/// A body as it comes.
pub type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, TransportError>> + Send>>;

/// Sends one request and gives the whole answer, whatever its status.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request` once, within `request.timeout`. Redirects are answers like any other.
    fn send(&self, request: Request) -> Sending<'_>;

    /// Sends `request` once and gives the beginning of the answer within `request.timeout`; its body, which may have no end, is read
    /// later. A transport that cannot do so need not say anything: [`Live`](crate::Live) streams then end with this error.
    fn open(&self, request: Request) -> Opening<'_> {
        drop(request);
        let error = TransportError::new(TransportErrorKind::Unsupported, "it does not implement Transport::open");
        Box::pin(std::future::ready(Err(error)))
    }
}

/// The beginning of an answer, and its body as it comes.
#[non_exhaustive]
pub struct Incoming {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body. Dropping it ends the request.
    pub body: Chunks,
}

impl Incoming {
    /// An answer from its parts.
    #[must_use]
    pub fn new(status: u16, headers: HeaderMap, body: Chunks) -> Self {
        Self { status, headers, body }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("status", &self.status).field("headers", &self.headers).finish_non_exhaustive()
    }
}

/// A request as data.
#[derive(Clone)]
#[non_exhaustive]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The absolute URL.
    pub url: String,
    /// The headers; the key's is marked sensitive, so that `Debug` hides it.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
    /// How long this attempt may take.
    pub timeout: Duration,
}

impl Request {
    /// A POST with a body.
    #[must_use]
    pub fn post(url: String, body: Bytes, timeout: Duration) -> Self {
        Self { body, ..Self::new(Method::POST, url, timeout) }
    }

    /// Adds a header.
    ///
    /// # Errors
    /// If its name or value has characters that no header may have.
    pub fn add_header(&mut self, name: &str, value: &str) -> Result<(), http::Error> {
        self.headers.append(http::HeaderName::try_from(name)?, http::HeaderValue::try_from(value)?);
        Ok(())
    }

    /// A request without headers and body.
    #[must_use]
    pub fn new(method: Method, url: String, timeout: Duration) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: Bytes::new(), timeout }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &self.headers)
            .field("body", &format_args!("[{} bytes]", self.body.len()))
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// An answer as data.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Response {
    /// An answer from its parts.
    #[must_use]
    pub fn new(status: u16, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        Self { status, headers, body: body.into() }
    }

    /// The text of a header, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &format_args!("[{} bytes]", self.body.len()))
            .finish()
    }
}

/// What kept an answer from arriving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// No connection was made: the server has not seen the request.
    Connect,
    /// The attempt took too long. The server may have seen the request.
    Timeout,
    /// The connection broke. The server may have seen the request.
    Broken,
    /// The transport cannot do this. Nothing was sent.
    Unsupported,
}

impl fmt::Display for TransportErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "cannot connect",
            Self::Timeout => "no answer in time",
            Self::Broken => "the connection broke before the answer was complete",
            Self::Unsupported => "the transport reads no streams",
        })
    }
}

/// An attempt that brought no answer.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct TransportError {
    /// What kept the answer from arriving.
    pub kind: TransportErrorKind,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl TransportError {
    /// Of a kind, with its cause.
    #[must_use]
    pub fn new(kind: TransportErrorKind, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind, source: Some(source.into()) }
    }
}
