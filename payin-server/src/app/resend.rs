//! Sending by hand: an event once more, or a test. Both only put it into the outbox; sending is a worker's business.

mod range;

use payin_core::{Error, event};
use payin_types::{EndpointId, ErrorCode, EventId, EventType, OrganizationId, QueuedEvent, ResendEvent, Timestamp};
use serde_json::Map;

use super::query::is_findable;
use super::{Outcome, endpoints as cases, event_log, events};
use crate::store::endpoints::Stored;
use crate::store::{Tx, Unit, deliveries, endpoints, event_log as log, events as recorded};
pub use range::ResendRange;

fn queued(event_id: EventId, to: usize) -> QueuedEvent {
    QueuedEvent { event_id, deliveries: u64::try_from(to).unwrap_or(u64::MAX), extra: Map::new() }
}

/// One that is told nothing at present cannot be told by hand either: what was queued for it would be given up.
fn check_enabled(endpoint: &Stored) -> Result<(), Error> {
    if endpoint.disabled.is_none() {
        return Ok(());
    }
    Err(Error::new(ErrorCode::InvalidState, format!("Webhook endpoint '{}' is disabled; enable it first", endpoint.id)))
}

/// Sends an endpoint an event that says nothing, whatever it subscribes to, and nobody else.
#[derive(Debug)]
pub struct Test {
    /// Which endpoint, or why the request cannot be read.
    pub endpoint: Result<String, Error>,
    /// Whose.
    pub organization_id: OrganizationId,
    /// The time.
    pub now: Timestamp,
}

impl Unit for Test {
    type Output = QueuedEvent;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<QueuedEvent> {
        let id = self.endpoint.clone()?;
        // Locked, so that two tests at once are numbered one after the other.
        let endpoint = cases::lock(tx, &self.organization_id, &id).await?;
        check_enabled(&endpoint)?;
        let happened = events::Happened {
            organization_id: &self.organization_id,
            event_type: EventType::WebhookTest,
            object_id: endpoint.id.as_str(),
            sequence: recorded::count(tx, endpoint.id.as_str()).await?.saturating_add(1),
            data: event::test_data(&endpoint.id),
            now: self.now,
        };
        let id = events::record_for(tx, happened, std::slice::from_ref(&endpoint.id)).await?;
        Ok(queued(id, 1))
    }
}

/// Sends an event once more, byte for byte: to one endpoint, or to all that have it or subscribe to it. Its delivery starts over; the log
/// of attempts goes on.
#[derive(Debug)]
pub struct Resend {
    /// To whom, or why it cannot be read.
    pub request: Result<ResendEvent, Error>,
    /// Whose.
    pub organization_id: OrganizationId,
    /// Which event.
    pub id: String,
    /// The time.
    pub now: Timestamp,
}

impl Resend {
    async fn receivers(&self, tx: &mut Tx<'_>, event: &log::Stored, only: Option<&EndpointId>) -> Outcome<Vec<EndpointId>> {
        if let Some(only) = only {
            let endpoint = cases::lock(tx, &self.organization_id, only.as_str()).await?;
            check_enabled(&endpoint)?;
            return Ok(vec![endpoint.id.clone()]);
        }
        let (told, enabled) = (deliveries::endpoints_of(tx, &event.id).await?, endpoints::subscribers(tx, &self.organization_id).await?);
        let wants = |endpoint: &Stored| told.contains(&endpoint.id) || event::subscribes(&endpoint.events, &event.event_type);
        let receivers: Vec<EndpointId> = enabled.into_iter().filter(wants).map(|endpoint| endpoint.id).collect();
        if receivers.is_empty() {
            let message = "No enabled webhook endpoint has this event or subscribes to its type; name one in endpointId";
            return Err(Error::new(ErrorCode::InvalidState, message).into());
        }
        Ok(receivers)
    }
}

impl Unit for Resend {
    type Output = QueuedEvent;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<QueuedEvent> {
        let ResendEvent { endpoint_id } = self.request.clone()?;
        let found = if is_findable(&self.id) { log::get(tx, &self.organization_id, &self.id).await? } else { None };
        let event = found.ok_or_else(|| event_log::not_found(&self.id))?;
        let receivers = self.receivers(tx, &event, endpoint_id.as_ref()).await?;
        let keys: Vec<_> = receivers.into_iter().map(|endpoint| (event.id.clone(), endpoint)).collect();
        deliveries::begin(tx, &keys, self.now).await?;
        Ok(queued(event.id, keys.len()))
    }
}
