//! Posting events to a receiver as a server does: the same body, the same headers, signed anew for each attempt. It must not follow
//! redirects nor decide what is read next.

use std::time::Duration;

use payin_sdk::transport::{Request, ReqwestTransport, Transport};
use payin_sdk::types::id::base62;
use payin_sdk::world::{SystemWorld, World};
use payin_sdk::{LiveEvent, SecretString, Timestamp, webhook};

use super::told::Told;
use crate::clock;
use crate::exit::Exit;
use crate::failure::Failure;

/// The pauses between attempts, in seconds: the server's own quick retries.
const PAUSES_S: [u64; 5] = [1, 2, 4, 8, 16];
/// How long a receiver may take (the server's own limit).
const TIMEOUT: Duration = Duration::from_secs(15);

/// Whom events are posted to.
pub struct Receiver {
    url: String,
    transport: ReqwestTransport,
    world: SystemWorld,
}

impl Receiver {
    /// At a URL: `https`, or `http` on this machine, or on another one where that is allowed.
    pub fn at(url: &str, allow_http: bool) -> Result<Self, Failure> {
        let uses_tls = url.starts_with("https://");
        if !uses_tls && !url.starts_with("http://") {
            return Err(Failure::usage(format!("{url:?} is no URL to post to; write http://localhost:PORT/PATH or https://…")));
        }
        if !uses_tls && !allow_http && !payin_sdk::transport::is_this_machine(url) {
            return Err(Failure::usage(
                "the receiver's URL begins with http:// and leads to another machine, so that events could be read on the way",
            )
            .hint("use https://, or --allow-http in a network that you trust whole"));
        }
        Ok(Self { url: url.to_owned(), transport: ReqwestTransport::new(url)?, world: SystemWorld::new() })
    }

    /// Posts an event until it is received. The outer error is ours (nobody reads what is told), the inner one the receiver's.
    pub async fn deliver(
        &self,
        event: &LiveEvent,
        secret: &SecretString,
        mut tell: impl FnMut(Told<'_>) -> Result<(), Failure>,
    ) -> Result<Result<(), Failure>, Failure> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let delivery_id = self.delivery_id()?;
            let begun = self.world.elapsed();
            let sent = self.transport.send(self.request(event, secret, &delivery_id, clock::now())?).await;
            let took = self.world.elapsed().saturating_sub(begun);
            let (status, failure) = match sent {
                Ok(response) => (Some(response.status), None),
                Err(error) => (None, Some(error.kind.to_string())),
            };
            let is_received = status.is_some_and(|status| (200..300).contains(&status));
            // 410 means that it wants no more, as it does to the server.
            let again = PAUSES_S.get(attempt - 1).copied().filter(|_| !is_received && status != Some(410));
            let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            tell(Told { status, failure, attempt, duration_ms, delivery_id: &delivery_id, again_in_seconds: again })?;
            match again {
                _ if is_received => return Ok(Ok(())),
                Some(seconds) => self.world.sleep(Duration::from_secs(seconds)).await,
                None => return Ok(Err(self.lost(event, attempt))),
            }
        }
    }

    fn lost(&self, event: &LiveEvent, attempts: usize) -> Failure {
        let id = event.event.id.as_str();
        Failure::new(Exit::NotAsserted, "NOT_DELIVERED", format!("{} did not receive {id} in {attempts} attempt(s)", self.url))
            .hint("mend the receiver and listen again: this event comes first; --since passes over what you no longer want")
    }

    fn delivery_id(&self) -> Result<String, Failure> {
        let random = self.world.random().map_err(|error| Failure::internal(error.to_string()))?;
        Ok(format!("dlv_{}_{}", clock::now().millis(), base62(random & u128::from(u64::MAX), 11)))
    }

    fn request(&self, event: &LiveEvent, secret: &SecretString, delivery_id: &str, now: Timestamp) -> Result<Request, Failure> {
        let (id, event_type) = (event.event.id.as_str(), event.event.event_type.as_str());
        let others = [
            ("Content-Type", "application/json"),
            ("User-Agent", "PayIn-Webhook/1.0"),
            ("X-PayIn-Event-Type", event_type),
            ("X-PayIn-Event-Id", id),
            ("X-PayIn-Delivery-Id", delivery_id),
        ];
        let signed = webhook::sign(secret, id, now, &event.body);
        let headers = others.iter().map(|(name, value)| (*name, *value)).chain(signed.iter().map(|(name, value)| (*name, value.as_str())));
        let mut request = Request::post(self.url.clone(), event.body.clone(), TIMEOUT);
        for (name, value) in headers {
            request.add_header(name, value).map_err(|error| Failure::internal(format!("{name} cannot be sent: {error}")))?;
        }
        Ok(request)
    }
}
