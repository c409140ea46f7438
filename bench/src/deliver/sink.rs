//! A receiver as cheap as they come, on a thread of its own: it reads each request, notes when it came, and answers 200. Beside it, two
//! addresses at which nothing good happens.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::bail;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use payin_types::Timestamp;
use tokio::net::TcpListener;

#[derive(Default)]
struct Book {
    came: AtomicUsize,
    span: Mutex<Option<(Instant, Instant)>>,
    /// When the first attempt of an event came, and the event's body.
    bodies: Mutex<Vec<(Duration, Bytes)>>,
}

pub struct Sink {
    pub url: String,
    /// Takes connections and drops them.
    pub resets: String,
    /// Where nobody listens.
    pub refuses: String,
    book: Arc<Book>,
}

/// Bodies that are kept, to find out how long they were on their way: no more than a run at a fixed rate has.
const KEPT_MAX: usize = 50_000;

async fn receive(request: Request<Incoming>, book: Arc<Book>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == "/hang" {
        std::future::pending::<()>().await;
    }
    let is_test = request.headers().get("x-payin-event-type").is_some_and(|value| value == "webhook.test");
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let now = Instant::now();
    {
        let mut span = book.span.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = span.map_or(now, |(begun, _)| begun);
        *span = Some((begun, now));
    }
    if is_test {
        let mut bodies = book.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        if bodies.len() < KEPT_MAX {
            bodies.push((SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(), body));
        }
    }
    book.came.fetch_add(1, Ordering::Relaxed);
    Ok(Response::new(Full::default()))
}

async fn serve(listener: TcpListener, book: Arc<Book>) {
    while let Ok((stream, _)) = listener.accept().await {
        // Without it an answer may wait for more to send.
        let _ = stream.set_nodelay(true);
        let book = Arc::clone(&book);
        tokio::spawn(async move {
            let service = service_fn(move |request| receive(request, Arc::clone(&book)));
            // A sender that goes away is no concern of ours.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn reset(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        drop(stream);
    }
}

fn bind() -> anyhow::Result<(std::net::TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

impl Sink {
    pub fn start() -> anyhow::Result<Self> {
        let book = Arc::new(Book::default());
        let ((answers, address), (resets, reset_address), (refuses, refused)) = (bind()?, bind()?, bind()?);
        drop(refuses);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let shared = Arc::clone(&book);
        std::thread::spawn(move || {
            runtime.block_on(async {
                let (Ok(answers), Ok(resets)) = (TcpListener::from_std(answers), TcpListener::from_std(resets)) else { return };
                tokio::join!(serve(answers, shared), reset(resets));
            });
        });
        let url = |address: SocketAddr| format!("http://{address}");
        Ok(Self { url: url(address), resets: url(reset_address), refuses: url(refused), book })
    }

    pub fn forget(&self) {
        self.book.came.store(0, Ordering::Relaxed);
        *self.book.span.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.book.bodies.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// So many a second, from the first to the last of them.
    pub async fn rate_of(&self, count: usize) -> anyhow::Result<f64> {
        let begun = Instant::now();
        while self.book.came.load(Ordering::Relaxed) < count {
            if begun.elapsed() > Duration::from_secs(120) {
                bail!("only {} of {count} came within two minutes", self.book.came.load(Ordering::Relaxed));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let span = *self.book.span.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((first, last)) = span else { bail!("nothing came") };
        Ok(count as f64 / last.duration_since(first).as_secs_f64())
    }

    /// How long each event was on its way, in milliseconds.
    pub fn waits(&self) -> Vec<f64> {
        let bodies = self.book.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = |(came, body): &(Duration, Bytes)| {
            let event: serde_json::Value = serde_json::from_slice(body).ok()?;
            let at: Timestamp = event.get("created_at")?.as_str()?.parse().ok()?;
            Some(came.as_secs_f64() * 1000.0 - at.millis() as f64)
        };
        bodies.iter().filter_map(wait).collect()
    }
}
