//! The default transport: reqwest over rustls with the ring provider, given explicitly, or over the system's TLS. The process's default
//! provider is neither used nor set. It must not follow redirects: a redirected POST would lose its body, a redirected key its secrecy.

#[cfg(feature = "rustls")]
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use http::HeaderMap;

use super::{Incoming, Opening, Request, Response, Sending, Transport, TransportError, TransportErrorKind};
use crate::client::is_loopback;
use crate::error::Error;

/// The longest answer that is read. The longest real one, a page of 100 orders with 8 KiB of metadata each, is about 1 MiB.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long to wait for a connection; shorter than an attempt, so that an unreachable host is told from a slow one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends requests with reqwest. Connections are kept and used again.
#[derive(Debug, Clone)]
pub struct ReqwestTransport {
    http: reqwest::Client,
}

impl ReqwestTransport {
    /// For an API at `base_url`. The system's trusted certificates are loaded only where the URL is `https`.
    ///
    /// # Errors
    /// [`Error::Config`] when TLS cannot be set up, as on a system without trusted certificates.
    pub fn new(base_url: &str) -> Result<Self, Error> {
        let url = url::Url::parse(base_url).map_err(|error| Error::Config(format!("the base URL is no URL: {error}")))?;
        let mut builder = with_tls(reqwest::Client::builder(), url.scheme() == "https")?
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT);
        if is_loopback(&url) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| Error::Config(format!("cannot set up HTTP: {}", error.without_url())))?;
        Ok(Self { http })
    }

    async fn exchange(&self, request: Request) -> Result<Response, TransportError> {
        let Request { method, url, headers, body, timeout } = request;
        let sent = self.http.request(method, url).headers(headers).body(body).timeout(timeout).send().await;
        let mut response = sent.map_err(classify)?;
        let status = response.status().as_u16();
        let headers: HeaderMap = std::mem::take(response.headers_mut());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(classify)? {
            if body.len().saturating_add(chunk.len()) > ANSWER_BYTES_MAX {
                return Err(TransportError::new(TransportErrorKind::Broken, format!("the answer is longer than {ANSWER_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response::new(status, headers, body))
    }
}

impl ReqwestTransport {
    async fn begin(&self, request: Request) -> Result<Incoming, TransportError> {
        let Request { method, url, headers, body, timeout } = request;
        let sending = self.http.request(method, url).headers(headers).body(body).send();
        // Of the beginning only: reqwest's own timeout would also end the body.
        let late = |_| TransportError::new(TransportErrorKind::Timeout, "no answer began in time");
        let mut response = tokio::time::timeout(timeout, sending).await.map_err(late)?.map_err(classify)?;
        let status = response.status().as_u16();
        let headers: HeaderMap = std::mem::take(response.headers_mut());
        let body = stream::try_unfold(response, async |mut response: reqwest::Response| {
            Ok(response.chunk().await.map_err(classify)?.map(|chunk| (chunk, response)))
        });
        Ok(Incoming::new(status, headers, Box::pin(body)))
    }
}

impl Transport for ReqwestTransport {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(self.exchange(request))
    }

    fn open(&self, request: Request) -> Opening<'_> {
        Box::pin(self.begin(request))
    }
}

fn classify(error: reqwest::Error) -> TransportError {
    let kind = match () {
        () if error.is_connect() => TransportErrorKind::Connect,
        () if error.is_timeout() => TransportErrorKind::Timeout,
        () => TransportErrorKind::Broken,
    };
    // The URL holds references, which may be a customer's.
    TransportError::new(kind, error.without_url())
}

#[cfg(feature = "rustls")]
fn with_tls(builder: reqwest::ClientBuilder, is_https: bool) -> Result<reqwest::ClientBuilder, Error> {
    Ok(builder.tls_backend_preconfigured(rustls_config(is_https)?))
}

#[cfg(all(feature = "native-tls", not(feature = "rustls")))]
fn with_tls(builder: reqwest::ClientBuilder, _is_https: bool) -> Result<reqwest::ClientBuilder, Error> {
    Ok(builder.tls_backend_native())
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
fn with_tls(builder: reqwest::ClientBuilder, is_https: bool) -> Result<reqwest::ClientBuilder, Error> {
    let why = "payin-sdk was built without TLS: enable its feature `rustls` or `native-tls`, or give a transport";
    if is_https { Err(Error::Config(why.to_owned())) } else { Ok(builder) }
}

#[cfg(feature = "rustls")]
fn rustls_config(with_roots: bool) -> Result<rustls::ClientConfig, Error> {
    let config = |error: rustls::Error| Error::Config(format!("cannot set up TLS: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().map_err(config)?;
    if !with_roots {
        return Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth());
    }
    let verifier = rustls_platform_verifier::Verifier::new(provider)
        .map_err(|error| Error::Config(format!("cannot set up TLS: {error} (is the package ca-certificates installed?)")))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}
