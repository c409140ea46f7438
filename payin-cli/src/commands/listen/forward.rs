//! Posting events to a receiver as a server does: the same body, the same headers, signed anew for each attempt. It must not follow
//! redirects nor decide what is read next.

use std::time::Duration;

use payin_sdk::transport::{Request, ReqwestTransport, Transport};
use payin_sdk::types::id::base62;
use payin_sdk::world::{SystemWorld, World};
use payin_sdk::{Event, SecretString, Timestamp, webhook};

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
    transport: Box<dyn Transport>,
    world: Box<dyn World>,
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
        Ok(Self { url: url.to_owned(), transport: Box::new(ReqwestTransport::new(url)?), world: Box::new(SystemWorld::new()) })
    }

    /// Posts an event, whose body is sent byte for byte, until it is received. The outer error is ours (nobody reads what is told), the inner one the receiver's.
    pub async fn deliver(
        &self,
        (event, body): (&Event, &[u8]),
        secret: &SecretString,
        mut tell: impl FnMut(Told<'_>) -> Result<(), Failure>,
    ) -> Result<Result<(), Failure>, Failure> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let delivery_id = self.delivery_id()?;
            let begun = self.world.elapsed();
            let sent = self.transport.send(self.request((event, body), secret, &delivery_id, clock::now())?).await;
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

    fn lost(&self, event: &Event, attempts: usize) -> Failure {
        let id = event.id.as_str();
        Failure::new(Exit::NotAsserted, "NOT_DELIVERED", format!("{} did not receive {id} in {attempts} attempt(s)", self.url))
            .hint("mend the receiver and listen again: this event comes first; --since passes over what you no longer want")
    }

    fn delivery_id(&self) -> Result<String, Failure> {
        let random = self.world.random().map_err(|error| Failure::internal(error.to_string()))?;
        Ok(format!("dlv_{}_{}", clock::now().millis(), base62(random & u128::from(u64::MAX), 11)))
    }

    fn request(
        &self,
        (event, body): (&Event, &[u8]),
        secret: &SecretString,
        delivery_id: &str,
        now: Timestamp,
    ) -> Result<Request, Failure> {
        let (id, event_type) = (event.id.as_str(), event.event_type.as_str());
        let others = [
            ("Content-Type", "application/json"),
            ("User-Agent", "PayIn-Webhook/1.0"),
            ("X-PayIn-Event-Type", event_type),
            ("X-PayIn-Event-Id", id),
            ("X-PayIn-Delivery-Id", delivery_id),
        ];
        let signed = webhook::sign(secret, id, now, body);
        let headers = others.iter().map(|(name, value)| (*name, *value)).chain(signed.iter().map(|(name, value)| (*name, value.as_str())));
        let mut request = Request::post(self.url.clone(), body.to_vec().into(), TIMEOUT);
        for (name, value) in headers {
            request.add_header(name, value).map_err(|error| Failure::internal(format!("{name} cannot be sent: {error}")))?;
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::{Arc, Mutex};

    use payin_sdk::transport::{Response, Sending, TransportError, TransportErrorKind};
    use payin_sdk::world::{NoRandomness, Sleep};

    use super::*;

    /// Answers each request with the next of these statuses, and then with none; remembers what was sent, and how long was waited.
    #[derive(Clone, Default)]
    struct Shop {
        statuses: Arc<Mutex<Vec<u16>>>,
        sent: Arc<Mutex<Vec<Request>>>,
        waited: Arc<Mutex<Vec<u64>>>,
    }

    impl Transport for Shop {
        fn send(&self, request: Request) -> Sending<'_> {
            self.sent.lock().unwrap().push(request);
            let mut statuses = self.statuses.lock().unwrap();
            let answer = if statuses.is_empty() {
                Err(TransportError::new(TransportErrorKind::Connect, "refused"))
            } else {
                Ok(Response::new(statuses.remove(0), Default::default(), ""))
            };
            Box::pin(std::future::ready(answer))
        }
    }

    impl World for Shop {
        fn now(&self) -> Timestamp {
            Timestamp::from_secs(1)
        }

        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }

        fn sleep(&self, span: Duration) -> Sleep {
            self.waited.lock().unwrap().push(span.as_secs());
            Box::pin(std::future::ready(()))
        }

        fn random(&self) -> Result<u128, NoRandomness> {
            let sent = self.sent.lock().unwrap().len();
            Ok(u128::try_from(sent).unwrap())
        }
    }

    const BODY: &str = r#"{"id":"evt_1","type":"order.completed","created_at":"2025-01-20T10:30:00Z","data":{}}"#;

    /// What comes of it, the attempts that were told, and the shop.
    async fn deliver(statuses: &[u16]) -> (Result<(), Failure>, Vec<Option<u16>>, Shop) {
        let shop = Shop { statuses: Arc::new(Mutex::new(statuses.to_vec())), ..Shop::default() };
        let receiver =
            Receiver { url: "http://localhost/hook".to_owned(), transport: Box::new(shop.clone()), world: Box::new(shop.clone()) };
        let event: Event = serde_json::from_str(BODY).unwrap();
        let mut told = Vec::new();
        let tell = |attempt: Told<'_>| {
            told.push(attempt.status);
            Ok(())
        };
        let outcome = receiver.deliver((&event, BODY.as_bytes()), &"a secret of ours".to_owned().into(), tell).await;
        (outcome.unwrap_or_else(|_| panic!("it is told")), told, shop)
    }

    #[tokio::test]
    async fn after_six_attempts_delivery_is_promised_no_more() {
        for (statuses, told) in [(vec![500; 6], vec![Some(500); 6]), (vec![], vec![None; 6])] {
            let (outcome, attempts, shop) = deliver(&statuses).await;
            let Err(Failure::Told(lost)) = outcome else { panic!("it was never received") };
            assert_eq!((lost.exit, lost.code.as_str()), (Exit::NotAsserted, "NOT_DELIVERED"));
            assert!(lost.message.contains("did not receive evt_1 in 6 attempt(s)"), "{}", lost.message);
            assert_eq!((attempts, shop.waited.lock().unwrap().clone()), (told, vec![1, 2, 4, 8, 16]));
            let sent = shop.sent.lock().unwrap();
            assert!(sent.iter().all(|request| request.body == BODY && request.headers["X-PayIn-Event-Id"] == "evt_1"));
            let ids: BTreeSet<_> = sent.iter().map(|request| request.headers["X-PayIn-Delivery-Id"].to_str().unwrap()).collect();
            assert_eq!(ids.len(), 6);
        }
    }

    #[tokio::test]
    async fn the_sixth_attempt_counts_and_410_ends_it_at_once() {
        let (outcome, attempts, _) = deliver(&[500, 301, 429, 404, 500, 204]).await;
        assert!(outcome.is_ok());
        assert_eq!(attempts.len(), 6);
        let (outcome, attempts, shop) = deliver(&[410, 200]).await;
        assert!(matches!(outcome, Err(Failure::Told(lost)) if lost.code == "NOT_DELIVERED"), "it wants no more");
        assert_eq!((attempts, shop.waited.lock().unwrap().len()), (vec![Some(410)], 0));
    }
}
