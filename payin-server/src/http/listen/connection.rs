//! One connection: its deadlines, and the bodies that pass over it. It must not outlive its deadlines, whatever the
//! peer does, and must not cut a handler that is working.
//!
//! hyper's own `header_read_timeout` starts when a connection turns idle and is not restarted by the first byte, so
//! that one number would have to serve as idle and as header limit. Hence one guard here for both, and hyper's is off.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::IntoResponse;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until};
use tower::ServiceExt;

use super::Limits;

/// Bytes of headers a request may have (431 above): an API key, an idempotency key and a browser's cookies fit many
/// times over. It is also the read buffer of a connection, so it bounds the memory of an unfinished request.
const HEADER_BYTES_MAX: usize = 32 * 1024;

/// Runs one connection to its end: closed by the peer, overdue, or stopped.
pub(super) async fn run(stream: TcpStream, peer: SocketAddr, router: Router, limits: Limits, mut stop: watch::Receiver<()>) {
    // Answers are written whole; waiting for more to fill a packet (Nagle) only adds latency.
    let _ = stream.set_nodelay(true);
    let vitals = Arc::new(Vitals::new(limits));
    let service = service_fn(|request| answer(request, peer, router.clone(), Arc::clone(&vitals)));
    let wire = TokioIo::new(Wire { stream, vitals: Arc::clone(&vitals) });
    let mut connection = pin!(
        hyper::server::conn::http1::Builder::new().header_read_timeout(None).max_buf_size(HEADER_BYTES_MAX).serve_connection(wire, service)
    );
    let mut overdue = pin!(vitals.overdue());
    let mut stopping = false;
    loop {
        tokio::select! {
            // The connection first: it changes what the guard behind it has to wait for.
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(peer = %peer, error = %error, "connection ended badly");
                }
                return;
            }
            () = overdue.as_mut() => {
                tracing::debug!(peer = %peer, "connection closed: the peer was too slow");
                return;
            }
            _ = stop.changed(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Instead of an answer: the connection is closed without one.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("closed without an answer")]
pub struct HangUp;

impl IntoResponse for HangUp {
    fn into_response(self) -> axum::response::Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

async fn answer(request: Request<Incoming>, peer: SocketAddr, router: Router, vitals: Arc<Vitals>) -> Result<Response<Reply>, HangUp> {
    vitals.working();
    let mut request =
        request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(Upload::new(body, now() + vitals.limits.body)) });
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = router.oneshot(request).await.unwrap_or_else(|never| match never {});
    if response.extensions().get::<HangUp>().is_some() {
        return Err(HangUp);
    }
    Ok(response.map(|body| Reply { body, vitals }))
}

#[expect(clippy::disallowed_methods, reason = "sockets are bound by real time, also where the clock is virtual")]
fn now() -> Instant {
    Instant::now()
}

/// What the connection waits for, and until when. Changed only while hyper polls the connection, read right after it
/// in the same task, so the lock is never contended; it is there because handlers may run anywhere.
struct Vitals {
    limits: Limits,
    state: Mutex<State>,
}

struct State {
    /// No request has begun: the next byte starts one.
    idle: bool,
    /// The peer has to have sent what it owes by then. `None` while the handler works.
    read_by: Option<Instant>,
    /// The peer has to have taken something by then. `None` unless a write is blocked.
    write_by: Option<Instant>,
}

impl Vitals {
    /// A fresh connection owes its headers from the start; idling is for those who have had an answer.
    fn new(limits: Limits) -> Self {
        let state = State { idle: false, read_by: Some(now() + limits.header), write_by: None };
        Self { limits, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heard(&self) {
        let mut state = self.state();
        if state.idle {
            state.idle = false;
            state.read_by = Some(now() + self.limits.header);
        }
    }

    fn working(&self) {
        let mut state = self.state();
        state.idle = false;
        state.read_by = None;
    }

    /// A peer that sent the start of its next request before this moment may take `idle` + `header` for the rest.
    fn answered(&self) {
        let mut state = self.state();
        state.idle = true;
        state.read_by = Some(now() + self.limits.idle);
    }

    fn wrote<T>(&self, outcome: &Poll<T>) {
        let mut state = self.state();
        match outcome {
            Poll::Ready(_) => state.write_by = None,
            Poll::Pending if state.write_by.is_none() => state.write_by = Some(now() + self.limits.write),
            Poll::Pending => {}
        }
    }

    fn due(&self) -> Option<Instant> {
        let state = self.state();
        [state.read_by, state.write_by].into_iter().flatten().min()
    }

    /// Ready when the peer is late. The timer is set back only to an earlier moment; when it runs out for something
    /// that has arrived meanwhile it is set to what is due now. So a busy connection touches the timer wheel once a
    /// minute and not twice per request.
    async fn overdue(&self) {
        let mut timer = pin!(sleep_until(now() + self.limits.header));
        poll_fn(|cx| {
            loop {
                let due = self.due();
                if let Some(due) = due
                    && due < timer.deadline()
                {
                    timer.as_mut().reset(due);
                }
                ready!(timer.as_mut().poll(cx));
                match due {
                    Some(due) if due <= timer.deadline() => return Poll::Ready(()),
                    Some(due) => timer.as_mut().reset(due),
                    None => timer.as_mut().reset(now() + self.limits.idle),
                }
            }
        })
        .await;
    }
}

/// The socket, telling the vitals what passes.
struct Wire {
    stream: TcpStream,
    vitals: Arc<Vitals>,
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.vitals.heard();
        }
        outcome
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.vitals.wrote(&outcome);
        outcome
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.vitals.wrote(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The peer did not send the whole body within [`Limits::body`].
#[derive(Debug, thiserror::Error)]
#[error("the request's body did not arrive in time")]
pub struct BodyTooSlow;

/// A request's body that ends in [`BodyTooSlow`] at its deadline, however steadily it drips.
struct Upload {
    body: Incoming,
    due: Instant,
    /// Made at the first wait: most bodies arrive together with their headers.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Upload {
    fn new(body: Incoming, due: Instant) -> Self {
        Self { body, due, timer: None }
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let upload = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut upload.body).poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let due = upload.due;
        let timer = upload.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Some(Err(BodyTooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A response's body that says when hyper is done with it.
struct Reply {
    body: Body,
    vitals: Arc<Vitals>,
}

impl http_body::Body for Reply {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.vitals.answered();
    }
}
