//! Sending webhooks: claim what is due, commit, send, record. Nothing is sent while a transaction is open, and nothing is sent unsigned.
//! A lane serves one endpoint at a time, and an endpoint is served by one lane: one that hangs keeps only its own events waiting.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use payin_core::delivery::ATTEMPT_TIMEOUT;
use payin_types::id::base62;
use payin_types::{EndpointId, Timestamp, signature};

use super::{Did, StepFault, Worker};
use crate::app::App;
use crate::app::deliveries::{self, Attempt, Claim, Due, Record};
use crate::env::{Answer, Http, Outgoing, SendFault};

/// How many endpoints are served at once.
pub const LANES: usize = 16;
/// How often to look when nothing is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The endpoints that a lane is serving.
#[derive(Debug, Default)]
pub struct Busy(Mutex<HashSet<EndpointId>>);

impl Busy {
    fn take(self: &Arc<Self>, among: Vec<EndpointId>) -> Option<Taken> {
        let mut busy = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let endpoint = among.into_iter().find(|endpoint| !busy.contains(endpoint))?;
        busy.insert(endpoint.clone());
        Some(Taken { busy: Arc::clone(self), endpoint })
    }
}

/// An endpoint that a lane has taken, until this is dropped.
struct Taken {
    busy: Arc<Busy>,
    endpoint: EndpointId,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.busy.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.endpoint);
    }
}

/// One lane.
pub struct Deliver {
    app: App,
    http: Arc<dyn Http>,
    busy: Arc<Busy>,
}

impl Deliver {
    /// A lane that sends over `http` and shares the endpoints with the other lanes.
    #[must_use]
    pub fn new(app: App, http: Arc<dyn Http>, busy: Arc<Busy>) -> Self {
        Self { app, http, busy }
    }

    async fn one(&self) -> Result<Did, StepFault> {
        let now = self.app.clock.now();
        let look_again = now.plus(LOOK_EVERY);
        let Some(taken) = self.busy.take(deliveries::due_endpoints(&self.app, now).await?) else {
            let next = deliveries::next_due(&self.app).await?.filter(|due| *due > now);
            return Ok(Did::Idle { until: next.map_or(look_again, |due| due.min(look_again)) });
        };
        let due = self.app.store.write(Claim { endpoint: taken.endpoint.clone(), now }).await?;
        for result in join_all(due.into_iter().map(|due| self.attempt(due))).await {
            result?;
        }
        Ok(Did::Work)
    }

    async fn attempt(&self, due: Due) -> Result<(), StepFault> {
        let started_at = self.app.clock.now();
        let result = match self.outgoing(&due, started_at) {
            Ok(request) => self.http.post(request).await.map_err(|fault: SendFault| fault.to_string()),
            Err(problem) => Err(problem),
        };
        let now = self.app.clock.now();
        let status = result.as_ref().ok().map(|answer| answer.status);
        let failure = result.as_ref().err().cloned();
        tracing::info!(event.id = %due.event_id, endpoint.id = %due.endpoint_id, status, failure, attempt = due.attempts + 1, "a webhook was sent");
        let attempt = Attempt {
            started_at,
            duration_ms: u64::try_from(now.since(started_at).as_millis()).unwrap_or(u64::MAX),
            status,
            failure,
            // NUL is the one character PostgreSQL does not take in a text.
            response: result.ok().map(|Answer { body, .. }| String::from_utf8_lossy(&body).replace('\0', "\u{fffd}")),
        };
        let verdict = deliveries::verdict(&due, status)?;
        Ok(self.app.store.write(Record { due, attempt, verdict, now }).await?)
    }

    /// The request, signed now: the body is the same on every attempt, the signature's time is not.
    fn outgoing(&self, due: &Due, now: Timestamp) -> Result<Outgoing, String> {
        let secrets = deliveries::secrets(&self.app, due).map_err(|fault| fault.to_string())?;
        let body = due.body.as_bytes();
        if let Some(dialect) = deliveries::dialect(due).map_err(|fault| fault.to_string())? {
            return request(due, dialect.headers(&secrets, due.event_id.as_str(), body));
        }
        let random: [u8; 8] = self.app.entropy.array();
        let delivery = format!("dlv_{}_{}", now.millis(), base62(u128::from(u64::from_be_bytes(random)), 11));
        let headers = vec![
            ("User-Agent", "PayIn-Webhook/1.0".to_owned()),
            ("X-PayIn-Signature", signature::sign_payin(&secrets, now, body)),
            ("X-PayIn-Event-Type", due.event_type.as_str().to_owned()),
            ("X-PayIn-Event-Id", due.event_id.as_str().to_owned()),
            ("X-PayIn-Delivery-Id", delivery),
            ("webhook-id", due.event_id.as_str().to_owned()),
            ("webhook-timestamp", now.secs().to_string()),
            ("webhook-signature", signature::sign_standard(&secrets, due.event_id.as_str(), now, body)),
        ];
        request(due, headers)
    }
}

fn request(due: &Due, headers: Vec<(&'static str, String)>) -> Result<Outgoing, String> {
    let content = ("Content-Type", "application/json".to_owned());
    Ok(Outgoing {
        url: due.url.parse().map_err(|_| "the endpoint's URL cannot be read".to_owned())?,
        headers: [content].into_iter().chain(headers).map(|(name, value)| (name.to_owned(), value)).collect(),
        body: due.body.clone().into(),
        timeout: ATTEMPT_TIMEOUT,
    })
}

impl Worker for Deliver {
    fn name(&self) -> String {
        "deliver".to_owned()
    }

    fn step(&mut self) -> BoxFuture<'_, Result<Did, StepFault>> {
        self.one().boxed()
    }
}
