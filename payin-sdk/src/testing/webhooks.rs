//! A merchant's webhook endpoint as a value: it is registered at a sandbox, verifies what comes, and hands it out in order.
//! It must not believe what is not genuine.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use payin_types::{CreateEndpoint, Endpoint, Event, EventType, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Notify;

use super::listen::{Answer, Listener, Request};
use super::{SandboxError, genuine};
use crate::client::Client;
use crate::webhook::{TOLERANCE, Verifier, WebhookError};

/// How long [`Webhooks::next`] waits, in real time: what a call of the sandbox was to bring has come before its answer.
const WITHIN: Duration = Duration::from_secs(5);
/// What a handler answers that has taken an event.
const TAKEN: u16 = 204;
/// What a handler answers to what is not genuine.
const NOT_GENUINE: u16 = 401;

/// The webhooks of a sandbox: an endpoint of its own on this machine, at a free port. It verifies each with its secret and answers 204, or
/// as it was told; what is not genuine is answered 401.
pub struct Webhooks {
    listener: Listener,
    shared: Arc<Shared>,
    secret: SecretString,
    endpoint: Endpoint,
    client: Client,
}

struct Shared {
    verifier: Verifier,
    book: Mutex<Book>,
    arrived: Notify,
}

#[derive(Default)]
struct Book {
    received: Vec<Result<(Event, Timestamp), Arc<WebhookError>>>,
    /// How many of them were handed out.
    taken: usize,
    /// What the next ones are answered with.
    failures: VecDeque<u16>,
}

impl Webhooks {
    /// Opens the endpoint and registers it.
    pub(super) async fn open(client: &Client, events: Vec<EventType>) -> Result<Self, SandboxError> {
        let secret = SecretString::from(client.new_idempotency_key()?);
        let verifier = Verifier::new(secret.clone());
        let shared = Arc::new(Shared { verifier, book: Mutex::default(), arrived: Notify::new() });
        let answer: Answer = {
            let shared = Arc::clone(&shared);
            Arc::new(move |request| futures_util::future::ready(shared.receive(&request)).boxed())
        };
        let listener = Listener::open(answer).await.map_err(SandboxError::Listen)?;
        let url = format!("{}/webhooks", listener.url());
        let description = Some("a test's".to_owned());
        let wish = CreateEndpoint { url, events, secret: Some(secret.expose_secret().to_owned()), description };
        let endpoint = client.webhook_endpoints().create(&wish).await?;
        Ok(Self { listener, shared, secret, endpoint, client: client.clone() })
    }

    /// The next event that was not handed out yet, in the order in which they came; each delivery counts, also a second one of one event.
    ///
    /// # Errors
    /// [`SandboxError::NoWebhook`] if none comes within 5 s of real time, [`SandboxError::NotGenuine`] for one that is not.
    pub async fn next(&self) -> Result<Event, SandboxError> {
        let waiting = async {
            loop {
                // Asked for before looking, so that an arrival in between is not missed.
                let arrived = self.shared.arrived.notified();
                if let Some(next) = self.shared.take() {
                    return next;
                }
                arrived.await;
            }
        };
        let Ok(next) = tokio::time::timeout(WITHIN, waiting).await else {
            let came = self.shared.book().received.len();
            return Err(SandboxError::NoWebhook { within: WITHIN, came });
        };
        let (event, signed_at) = next.map_err(SandboxError::NotGenuine)?;
        let now = self.client.sandbox().clock().await?.now;
        if signed_at > now.plus(TOLERANCE) {
            return Err(SandboxError::FromTheFuture { signed_at, now });
        }
        Ok(event)
    }

    /// Every genuine event so far, handed out or not, in the order in which they came.
    #[must_use]
    pub fn received(&self) -> Vec<Event> {
        self.shared.book().received.iter().filter_map(|came| came.as_ref().ok()).map(|(event, _)| event.clone()).collect()
    }

    /// Answers so many of the next deliveries with this status instead; they are tried again as the sandbox's clock advances. They are handed
    /// out like the others.
    pub fn fail(&self, count: usize, status: u16) {
        self.shared.book().failures.extend(std::iter::repeat_n(status, count));
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        self.listener.url()
    }

    /// What its deliveries are signed with: to forge and to verify.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// As the gateway knows it, without its secret.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Result<(Event, Timestamp), Arc<WebhookError>>> {
        let mut book = self.book();
        let next = book.received.get(book.taken).cloned()?;
        book.taken = book.taken.saturating_add(1);
        Some(next)
    }

    fn receive(&self, request: &Request) -> u16 {
        let came = genuine::read(request, &self.verifier).map_err(Arc::new);
        let mut book = self.book();
        let status = match &came {
            Ok(_) => book.failures.pop_front().unwrap_or(TAKEN),
            Err(_) => NOT_GENUINE,
        };
        book.received.push(came);
        drop(book);
        self.arrived.notify_waiters();
        status
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").field("url", &self.url()).field("endpoint", &self.endpoint.id).finish_non_exhaustive()
    }
}
