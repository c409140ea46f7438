//! A small HTTP server on a port of its own, for what is sent to a test. It must not know what is sent, nor what is to be answered.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use crate::webhook::BODY_BYTES_MAX;

/// A request, as it came.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) headers: HeaderMap,
    /// The bytes that a signature is over.
    pub(super) body: Bytes,
}

/// Says the status that a request is answered with.
pub(super) type Answer = Arc<dyn Fn(Request) -> BoxFuture<'static, u16> + Send + Sync>;

/// A server that takes every path; closed when dropped, with its connections.
#[derive(Debug)]
pub(super) struct Listener {
    url: String,
    accepting: AbortHandle,
}

impl Listener {
    /// On this machine, at a free port.
    #[expect(clippy::disallowed_methods, reason = "the server must accept while its owner waits for what comes; it ends with its owner")]
    pub(super) async fn open(answer: Answer) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let accepting = tokio::spawn(accept(listener, answer)).abort_handle();
        Ok(Self { url, accepting })
    }

    /// `http://127.0.0.1:PORT`
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, answer: Answer) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        connections.spawn(serve(socket, Arc::clone(&answer)));
        while connections.try_join_next().is_some() {}
    }
}

/// A connection to its end; whoever breaks it off is told nothing.
async fn serve(socket: TcpStream, answer: Answer) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let answer = Arc::clone(&answer);
        async move {
            let (parts, body) = request.into_parts();
            let status = match Limited::new(body, BODY_BYTES_MAX).collect().await {
                Ok(body) => answer(Request { headers: parts.headers, body: body.to_bytes() }).await,
                Err(_) => 413,
            };
            let mut response = hyper::Response::new(Full::<Bytes>::default());
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
            Ok::<_, Infallible>(response)
        }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
}
