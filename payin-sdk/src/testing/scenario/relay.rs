//! Stands between the sandbox and the merchant: what the sandbox sends is verified, signed anew with the merchant's own secret at the time
//! that it is for the merchant, and handed on, byte for byte; the merchant's answer goes back. So a merchant needs to know neither the
//! sandbox's secret nor its clock. It must not change a body, and sends nothing of its own accord.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use payin_types::{CreateEndpoint, EndpointId, EventId, EventType, RotateSecret, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};

use super::super::genuine;
use super::super::listen::{self, Answer, Listener};
use super::{Merchant, NotPlayed};
use crate::client::Client;
use crate::error::Error;
use crate::transport::{Request, Transport, TransportError};
use crate::webhook::{PAYIN_SIGNATURE, STANDARD_ID, STANDARD_SIGNATURE, STANDARD_TIMESTAMP, Verifier, sign_payin, sign_standard};
use crate::world::World;

/// As long as the gateway waits for a handler.
const TIMEOUT: Duration = Duration::from_secs(15);
/// What is said of an endpoint of a scenario, by which it is found again.
pub(super) const DESCRIPTION: &str = "a scenario's";
/// What the gateway is told of a merchant that does not answer.
const NO_ANSWER: u16 = 502;

/// The way to the merchant's webhook endpoint.
pub(super) struct Post {
    transport: Arc<dyn Transport>,
    world: Arc<dyn World>,
    url: String,
    secret: SecretString,
    /// The other one of a rotation, which the merchant does not know.
    other: SecretString,
}

/// A webhook to be posted.
pub(super) struct Letter {
    pub(super) id: EventId,
    pub(super) event_type: EventType,
    pub(super) body: Bytes,
}

/// What signs a letter, and when.
pub(super) struct Seal<'s> {
    secrets: &'s [SecretString],
    at: Timestamp,
}

impl Post {
    pub(super) fn new(client: &Client, transport: Arc<dyn Transport>, merchant: &Merchant) -> Result<Self, Error> {
        let other = SecretString::from(client.new_idempotency_key()?);
        let (url, secret) = (merchant.webhooks.clone(), merchant.secret.clone());
        Ok(Self { transport, world: Arc::clone(&client.inner.world), url, secret, other })
    }

    fn now(&self) -> Timestamp {
        self.world.now()
    }

    /// Posts a letter with the merchant's secret and no other. Answers the status.
    pub(super) async fn rightly(&self, letter: &Letter, ago: Duration) -> Result<u16, TransportError> {
        let secrets = std::slice::from_ref(&self.secret);
        self.send(letter, Some(Seal { secrets, at: self.now().minus(ago) })).await
    }

    /// Posts a letter with a secret that is not the merchant's.
    pub(super) async fn wrongly(&self, letter: &Letter) -> Result<u16, TransportError> {
        let secrets = std::slice::from_ref(&self.other);
        self.send(letter, Some(Seal { secrets, at: self.now() })).await
    }

    /// Posts a letter as during a rotation, with the new secret's signature before the one that the merchant knows.
    async fn doubly(&self, letter: &Letter) -> Result<u16, TransportError> {
        let secrets = &[self.other.clone(), self.secret.clone()];
        self.send(letter, Some(Seal { secrets, at: self.now() })).await
    }

    /// Posts a letter under a seal, or under none. Answers the status.
    pub(super) async fn send(&self, letter: &Letter, seal: Option<Seal<'_>>) -> Result<u16, TransportError> {
        let mut headers = vec![
            ("Content-Type", "application/json".to_owned()),
            ("X-PayIn-Event-Type", letter.event_type.to_string()),
            ("X-PayIn-Event-Id", letter.id.to_string()),
        ];
        if let Some(Seal { secrets, at }) = seal {
            headers.extend([
                (PAYIN_SIGNATURE, sign_payin(secrets, at, &letter.body)),
                (STANDARD_ID, letter.id.to_string()),
                (STANDARD_TIMESTAMP, at.secs().to_string()),
                (STANDARD_SIGNATURE, sign_standard(secrets, letter.id.as_str(), at, &letter.body)),
            ]);
        }
        let mut request = Request::post(self.url.clone(), letter.body.clone(), TIMEOUT);
        for (name, value) in &headers {
            // An id or a type that cannot stand in a header is the scenario's own making; the body has it all the same.
            let _ = request.add_header(name, value);
        }
        Ok(self.transport.send(request).await?.status)
    }
}

/// The endpoint that the sandbox knows.
pub(super) struct Relay {
    shared: Arc<Shared>,
    client: Client,
    endpoint: EndpointId,
    _listener: Listener,
}

struct Shared {
    post: Post,
    book: Mutex<Book>,
}

struct Book {
    /// What the sandbox signs with, the newest last.
    secrets: Vec<SecretString>,
    came: Vec<Arc<Letter>>,
    /// What came that was not the sandbox's.
    complaint: Option<String>,
}

impl Relay {
    pub(super) async fn open(client: &Client, post: Post, events: Vec<EventType>) -> Result<Self, NotPlayed> {
        let secret = SecretString::from(client.new_idempotency_key()?);
        let book = Book { secrets: vec![secret.clone()], came: Vec::new(), complaint: None };
        let shared = Arc::new(Shared { post, book: Mutex::new(book) });
        let answer: Answer = {
            let shared = Arc::clone(&shared);
            Arc::new(move |request| {
                let shared = Arc::clone(&shared);
                async move { shared.hand_on(&request).await }.boxed()
            })
        };
        let listener = Listener::open(answer).await.map_err(NotPlayed::Listen)?;
        let (url, description) = (format!("{}/webhooks", listener.url()), Some(DESCRIPTION.to_owned()));
        let wish = CreateEndpoint { url, events, secret: Some(secret.expose_secret().to_owned()), description };
        let endpoint = client.webhook_endpoints().create(&wish).await?.id;
        Ok(Self { shared, client: client.clone(), endpoint, _listener: listener })
    }

    pub(super) fn post(&self) -> &Post {
        &self.shared.post
    }

    /// The latest webhook of a type.
    pub(super) fn latest(&self, event_type: &EventType) -> Option<Arc<Letter>> {
        self.shared.book().came.iter().rfind(|letter| letter.event_type == *event_type).cloned()
    }

    /// What came that was not signed by the sandbox.
    pub(super) fn complaint(&self) -> Option<String> {
        self.shared.book().complaint.clone()
    }

    /// Replaces the secret that the sandbox signs with; for a time it signs with both.
    pub(super) async fn rotate(&self) -> Result<(), Error> {
        let secret = self.client.new_idempotency_key()?;
        self.shared.book().secrets.push(SecretString::from(secret.clone()));
        let rotation = RotateSecret { secret: Some(secret), old_secret_valid_hours: None };
        self.client.webhook_endpoints().rotate_secret(&self.endpoint, &rotation).await?;
        Ok(())
    }

    /// The sandbox forgets it.
    pub(super) async fn close(self) -> Result<(), Error> {
        self.client.webhook_endpoints().delete(&self.endpoint).await?;
        Ok(())
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn hand_on(&self, request: &listen::Request) -> u16 {
        let secrets = self.book().secrets.clone();
        let verifier = secrets
            .iter()
            .skip(1)
            .fold(Verifier::new(secrets.first().cloned().unwrap_or_default()), |verifier, secret| verifier.or_secret(secret.clone()));
        let event = match genuine::read(request, &verifier) {
            Ok((event, _)) => event,
            Err(error) => {
                self.book().complaint = Some(error.to_string());
                return 401;
            }
        };
        let letter = Arc::new(Letter { id: event.id, event_type: event.event_type, body: request.body.clone() });
        self.book().came.push(Arc::clone(&letter));
        let signatures = request.headers.get(PAYIN_SIGNATURE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_rotating = signatures.matches("v1=").count() > 1;
        let answered = if is_rotating { self.post.doubly(&letter).await } else { self.post.rightly(&letter, Duration::ZERO).await };
        answered.unwrap_or(NO_ANSWER)
    }
}
