//! A merchant's webhook endpoint: an HTTP server that keeps every request as it came and answers as the test says.

use super::DEADLINE;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// A request, as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// 0 for the first that was completely read.
    pub order: usize,
    /// When it was completely read.
    pub at: Instant,
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    /// The raw bytes: what a signature is over.
    pub body: Bytes,
}

impl Received {
    /// A header's value; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header of visible characters"))
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&self.body)))
    }
}

/// What the endpoint says to one request: `Answer::status(500).after(Duration::from_secs(1))`.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    delay: Duration,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Answer {
    pub fn status(status: u16) -> Self {
        Self { status, delay: Duration::ZERO, headers: Vec::new(), body: Bytes::new() }
    }

    /// The request is taken and no answer comes, until the sender gives up.
    pub fn never() -> Self {
        Self::status(200).after(Duration::from_secs(24 * 60 * 60))
    }

    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

/// A running receiver; closed when dropped. It belongs to the runtime that started it.
#[derive(Debug)]
pub struct Receiver {
    shared: Arc<Shared>,
    url: String,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    book: Mutex<Book>,
    arrived: Notify,
}

#[derive(Debug)]
struct Book {
    received: Vec<Received>,
    /// How many of them `next` has handed out.
    taken: usize,
    script: VecDeque<Answer>,
    otherwise: Answer,
}

impl Receiver {
    /// Answers 200 until told otherwise.
    pub async fn start() -> Self {
        let book = Book { received: Vec::new(), taken: 0, script: VecDeque::new(), otherwise: Answer::status(200) };
        let shared = Arc::new(Shared { book: Mutex::new(book), arrived: Notify::new() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound address"));
        let router = Router::new().fallback(receive).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("the receiver serves");
        });
        Self { shared, url, server }
    }

    /// `http://127.0.0.1:PORT`, no slash at the end; every path and method is taken.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What to say to all requests that have no answer of their own.
    pub fn answer(&self, answer: Answer) {
        self.shared.book().otherwise = answer;
    }

    /// What to say to the next requests, one answer each, in the order of their arrival.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.book().script.extend(answers);
    }

    /// The next request that nobody has taken yet, by order of arrival.
    pub async fn next(&self) -> Received {
        self.next_within(DEADLINE).await
    }

    pub async fn next_within(&self, deadline: Duration) -> Received {
        match self.take_within(deadline).await {
            Some(received) => received,
            None => panic!("no request came within {deadline:?}; {} came before", self.received().len()),
        }
    }

    /// Panics if a request comes (or came, and nobody took it). For real time; under a virtual clock look at `received`.
    pub async fn quiet_for(&self, time: Duration) {
        if let Some(received) = self.take_within(time).await {
            panic!("no request should have come, but one did: {received:?}");
        }
    }

    /// All so far, taken or not.
    pub fn received(&self) -> Vec<Received> {
        self.shared.book().received.clone()
    }

    async fn take_within(&self, deadline: Duration) -> Option<Received> {
        let until = tokio::time::Instant::now() + deadline;
        loop {
            // Asked for before looking, so that an arrival in between is not missed.
            let arrived = self.shared.arrived.notified();
            {
                let mut book = self.shared.book();
                if let Some(received) = book.received.get(book.taken).cloned() {
                    book.taken += 1;
                    return Some(received);
                }
            }
            tokio::time::timeout_at(until, arrived).await.ok()?;
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("no panic while the book was open")
    }
}

async fn receive(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // A sender that goes away in the middle has sent nothing.
    let Ok(body) = to_bytes(body, 64 << 20).await else {
        return Response::new(Body::empty());
    };
    let answer = {
        let mut book = shared.book();
        let order = book.received.len();
        let (method, uri, headers) = (parts.method, parts.uri, parts.headers);
        book.received.push(Received { order, at: Instant::now(), method, uri, headers, body });
        book.script.pop_front().unwrap_or_else(|| book.otherwise.clone())
    };
    shared.arrived.notify_waiters();
    tokio::time::sleep(answer.delay).await;
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).expect("a valid answer")
}
