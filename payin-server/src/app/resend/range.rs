//! Sending the events of a time again, to those that have them or subscribe to them: what brings a merchant back who was away. A bounded
//! number of events at a time; it only puts them into the outbox.

use payin_core::{Error, event};
use payin_types::{DeliveryStatus, EndpointId, EventType, OrganizationId, ResendEvents, ResentEvents, Timestamp};
use serde_json::Map;

use super::check_enabled;
use crate::app::query::{check_text, known};
use crate::app::{Outcome, endpoints as cases};
use crate::store::deliveries::{self, Key};
use crate::store::endpoints::Stored;
use crate::store::resending::{self, After, Told};
use crate::store::{Tx, Unit, endpoints};

/// How many events are looked at in one transaction: more would keep others waiting for it.
const EVENTS_MAX: usize = 1000;
/// How many deliveries one statement starts over.
const ROWS_MAX: usize = 1000;

/// Sends events of a time again, byte for byte. Their deliveries start over; the log of attempts goes on.
#[derive(Debug)]
pub struct ResendRange {
    /// Which events, or why it cannot be read.
    pub request: Result<ResendEvents, Error>,
    /// Whose.
    pub organization_id: OrganizationId,
    /// The time.
    pub now: Timestamp,
}

/// A cursor names the last event that was looked at.
fn render(last: &Told) -> String {
    format!("{}.{}", last.created_at.millis(), last.id)
}

fn read(cursor: &str) -> Option<After> {
    let (millis, id) = cursor.split_once('.')?;
    check_text("cursor", Some(id)).ok()?;
    Some(After { created_at: Timestamp::from_millis(millis.parse().ok()?), id: id.to_owned() })
}

fn check(request: &ResendEvents) -> Result<After, Error> {
    let happens = |word: &str| EventType::known(word).filter(|event_type| event_type != &EventType::All);
    known("type", request.event_type.as_ref().map(EventType::as_str), happens)?;
    known("status", request.status.as_ref().map(DeliveryStatus::as_str), DeliveryStatus::known)?;
    check_text("endpointId", request.endpoint_id.as_ref().map(EndpointId::as_str))?;
    if request.created_before.is_some_and(|before| before <= request.created_after) {
        return Err(Error::field("createdBefore", "must be later than createdAfter"));
    }
    match &request.cursor {
        None => Ok(After { created_at: request.created_after, id: String::new() }),
        Some(cursor) => {
            let after = read(cursor).filter(|after| after.created_at >= request.created_after);
            after.ok_or_else(|| Error::field("cursor", "must be the nextCursor of an earlier answer to the same request"))
        }
    }
}

impl Unit for ResendRange {
    type Output = ResentEvents;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<ResentEvents> {
        let request = self.request.clone()?;
        let after = check(&request)?;
        let enabled: Vec<Stored> = match &request.endpoint_id {
            Some(only) => {
                let endpoint = cases::lock(tx, &self.organization_id, only.as_str()).await?;
                check_enabled(&endpoint)?;
                vec![Stored::clone(&endpoint)]
            }
            None => endpoints::subscribers(tx, &self.organization_id).await?,
        };
        let before = request.created_before.unwrap_or_else(|| self.now.plus(std::time::Duration::from_millis(1)));
        let (of, event_type) = (&self.organization_id, request.event_type.as_ref());
        let events = resending::events(tx, of, event_type, (&after, before), EVENTS_MAX).await?;
        let told = resending::deliveries(tx, &events).await?;
        let wants = |endpoint: &Stored, event: &Told| {
            let stands = told.get(&event.id).and_then(|deliveries| deliveries.get(&endpoint.id));
            match &request.status {
                Some(status) => stands == Some(status),
                None => stands.is_some() || event::subscribes(&endpoint.events, &event.event_type),
            }
        };
        let (mut sent, mut keys): (u64, Vec<Key>) = (0, Vec::new());
        for event in &events {
            let before = keys.len();
            keys.extend(enabled.iter().filter(|endpoint| wants(endpoint, event)).map(|endpoint| (event.id.clone(), endpoint.id.clone())));
            sent = sent.saturating_add(u64::from(keys.len() > before));
        }
        for some in keys.chunks(ROWS_MAX) {
            deliveries::begin(tx, some, self.now).await?;
        }
        Ok(ResentEvents {
            events: sent,
            deliveries: u64::try_from(keys.len()).unwrap_or(u64::MAX),
            next_cursor: events.last().filter(|_| events.len() >= EVENTS_MAX).map(render),
            extra: Map::new(),
        })
    }
}
