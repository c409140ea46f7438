//! The JSON-RPC transport under each chain client: bytes there, bytes back. It must not look into the JSON further than
//! to tell an answer from an error page, must not retry, and must never show its URL, which bears the provider's key.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode};
use url::Url;

use super::{SetupFault, cause};

/// For one call, connecting included. 15 s: nodes answer within two, or are overloaded and would answer too late to be
/// of use; a chain client then asks for less, or another node.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// 32 MiB: the largest honest answers (all receipts of a full block, a page of 10,000 logs) are below 10 MB.
pub const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Carries one request (or batch) to a node.
pub trait Rpc: Send + Sync {
    /// One attempt, at a path below the node's own: "" for its JSON-RPC, `/wallet/…` for java-tron's other interface. `Ok` is what the
    /// node said, be it a result or an error of its protocol.
    fn call<'a>(&'a self, path: &'a str, body: Bytes) -> BoxFuture<'a, Result<Bytes, RpcFault>>;
}

/// Why the node gave no answer. Safe to log: neither URL nor host, nor anything the node wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RpcFault {
    /// Nothing within [`CALL_TIMEOUT`].
    #[error("no answer within {} s", CALL_TIMEOUT.as_secs())]
    Timeout,
    /// An HTTP status in place of a JSON-RPC answer: rate limits (429), keys (401, 403), outages (5xx).
    #[error("HTTP status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// `Retry-After` as it was written, unchecked.
        retry_after: Option<String>,
    },
    /// No connection, or one that broke.
    #[error("{0}")]
    Transport(String),
    /// More than [`ANSWER_BYTES_MAX`]: ask for less.
    #[error("the answer is larger than {ANSWER_BYTES_MAX} bytes")]
    TooLarge,
}

/// A node behind a URL.
#[derive(Clone)]
pub struct HttpRpc {
    client: reqwest::Client,
    url: Url,
    headers: HeaderMap,
    timeout: Duration,
    answer_bytes_max: usize,
}

/// The URL and the headers bear keys.
impl fmt::Debug for HttpRpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpRpc(..)")
    }
}

impl HttpRpc {
    /// A client to share among the nodes: it holds the connections and the machine's CA certificates, which take
    /// some 10 ms and a megabyte to load.
    ///
    /// # Errors
    /// If TLS cannot be set up on this machine.
    pub fn client() -> Result<reqwest::Client, SetupFault> {
        // Connecting has a third of a call's time, so that a node with a dead address still has time for another.
        let timed = reqwest::Client::builder().connect_timeout(CALL_TIMEOUT / 3).pool_idle_timeout(Duration::from_secs(30));
        // No redirects, which lead past every check made on the URL; no proxy from the environment, which would resolve names for us; no
        // retry below the caller: one attempt is one attempt. Decompression is not compiled in.
        let plain = timed.redirect(reqwest::redirect::Policy::none()).no_proxy().retry(reqwest::retry::never());
        let client = plain.user_agent(super::USER_AGENT).tls_backend_preconfigured(super::tls()).build();
        client.map_err(|error| SetupFault(cause::text(&error)))
    }

    /// A node at `url`, which the operator configured: private addresses and plain `http` are his business.
    ///
    /// # Errors
    /// If the URL is not `http` or `https`, or a header cannot be written as HTTP.
    pub fn new(client: reqwest::Client, url: Url, headers: &[(String, String)]) -> Result<Self, SetupFault> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(SetupFault("an RPC URL must begin with http:// or https://".to_owned()));
        }
        let headers = super::http::headers(headers);
        let mut headers = headers.ok_or_else(|| SetupFault("an RPC header is not allowed in HTTP".to_owned()))?;
        for value in headers.values_mut() {
            value.set_sensitive(true);
        }
        headers.entry(http::header::CONTENT_TYPE).or_insert(http::HeaderValue::from_static("application/json"));
        Ok(Self { client, url, headers, timeout: CALL_TIMEOUT, answer_bytes_max: ANSWER_BYTES_MAX })
    }

    async fn send(&self, path: &str, body: Bytes) -> Result<Bytes, RpcFault> {
        let mut url = self.url.clone();
        if !path.is_empty() {
            url.set_path(&format!("{}{path}", self.url.path().trim_end_matches('/')));
        }
        let call = self.client.post(url).headers(self.headers.clone()).body(body);
        let response = call.send().await.map_err(|error| fault(&error))?;
        let status = response.status();
        if status.is_success() {
            return self.read(response).await;
        }
        let retry_after = response.headers().get(http::header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
        // Some providers send 400 along with a JSON-RPC error ("query returns more than 10000 results"): the node has
        // answered, and the chain client acts on what it says.
        let may_be_an_answer = matches!(status, StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND)
            || status == StatusCode::PAYLOAD_TOO_LARGE
            || status == StatusCode::UNPROCESSABLE_ENTITY;
        if may_be_an_answer
            && let Ok(body) = self.read(response).await
            && is_json_rpc(&body)
        {
            return Ok(body);
        }
        Err(RpcFault::Status { status: status.as_u16(), retry_after })
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Bytes, RpcFault> {
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        if announced > self.answer_bytes_max {
            return Err(RpcFault::TooLarge);
        }
        let mut body = BytesMut::with_capacity(announced);
        while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error))? {
            if body.len().saturating_add(chunk.len()) > self.answer_bytes_max {
                return Err(RpcFault::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

impl Rpc for HttpRpc {
    fn call<'a>(&'a self, path: &'a str, body: Bytes) -> BoxFuture<'a, Result<Bytes, RpcFault>> {
        async move {
            let sent = tokio::time::timeout(self.timeout, self.send(path, body)).await;
            sent.unwrap_or(Err(RpcFault::Timeout))
        }
        .boxed()
    }
}

fn fault(error: &reqwest::Error) -> RpcFault {
    RpcFault::Transport(cause::of(error).to_string())
}

/// Whether this is a JSON-RPC message and not an error page or another API's error.
fn is_json_rpc(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Message {
        #[expect(dead_code, reason = "only its presence matters")]
        jsonrpc: String,
    }
    serde_json::from_slice::<Message>(body).is_ok() || serde_json::from_slice::<Vec<Message>>(body).is_ok()
}

#[cfg(test)]
mod tests;
