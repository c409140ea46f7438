//! Where webhooks arrive: takes every request as it came and answers 200. It must not judge one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use http::{HeaderMap, StatusCode, Uri};
use payin_sdk::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::clock;
use crate::failure::Failure;

/// How long a delivery may take to come: a server that was busy repeats after 16 seconds.
pub const WITHIN: Duration = Duration::from_secs(20);

/// A request, as it came.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub at: Timestamp,
    pub path: String,
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

impl Delivery {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// A field of the event; empty where it cannot be read.
    pub fn field(&self, pointer: &str) -> String {
        let event: Value = serde_json::from_slice(&self.bytes).unwrap_or_default();
        event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

#[derive(Debug, Default)]
struct Inbox {
    deliveries: Mutex<Vec<Delivery>>,
    arrived: Notify,
}

/// The receiver as the suite sees it.
#[derive(Debug)]
pub struct Receiver {
    url: String,
    inbox: Arc<Inbox>,
}

/// The receiver as something that runs.
pub struct Serving {
    listener: TcpListener,
    inbox: Arc<Inbox>,
}

/// Takes an address of this machine. `public_url` is how the server reaches it, if not by this address.
pub async fn open(listen: &str, public_url: Option<&str>) -> Result<(Receiver, Serving), Failure> {
    let taken = |error: std::io::Error| Failure::usage(format!("--listen {listen}: {error}"));
    let listener = TcpListener::bind(listen).await.map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;
    let url = public_url.map_or_else(|| format!("http://{address}"), |url| url.trim_end_matches('/').to_owned());
    let inbox = Arc::new(Inbox::default());
    Ok((Receiver { url, inbox: Arc::clone(&inbox) }, Serving { listener, inbox }))
}

impl Serving {
    /// Runs for as long as it is awaited.
    pub async fn run(self) -> Failure {
        let router = Router::new().fallback(take).with_state(self.inbox);
        let ended = axum::serve(self.listener, router).await;
        Failure::internal(format!("the receiver of webhooks ended: {ended:?}"))
    }
}

impl Receiver {
    /// The URL of an endpoint that nobody else knows.
    pub fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.url)
    }

    /// The first delivery that is meant, as soon as it is there.
    pub async fn wait(&self, is_it: impl Fn(&Delivery) -> bool) -> Option<Delivery> {
        let waiting = async {
            loop {
                // Asked for before looking, so that an arrival in between is not missed.
                let arrived = self.inbox.arrived.notified();
                if let Some(found) = self.all().into_iter().find(&is_it) {
                    return found;
                }
                arrived.await;
            }
        };
        tokio::time::timeout(WITHIN, waiting).await.ok()
    }

    /// Everything so far, in the order of arrival.
    pub fn all(&self) -> Vec<Delivery> {
        self.inbox.deliveries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn take(State(inbox): State<Arc<Inbox>>, uri: Uri, headers: HeaderMap, bytes: Bytes) -> StatusCode {
    let delivery = Delivery { at: clock::now(), path: uri.path().to_owned(), headers, bytes };
    inbox.deliveries.lock().unwrap_or_else(PoisonError::into_inner).push(delivery);
    inbox.arrived.notify_waiters();
    StatusCode::OK
}
