//! Bodies of the event log: what happened, and what came of telling it (source: API Reference, "List events"; the schema is ours).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{EndpointId, Event, EventId, EventType, Timestamp, open_enum};

open_enum! {
    /// Where a delivery stands.
    DeliveryStatus {
        /// Due, or waiting for its next attempt.
        Pending = "pending",
        /// Received: answered with 2xx.
        Delivered = "delivered",
        /// Given up.
        Failed = "failed",
    }
}

/// An event in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct EventRecord {
    /// The event's id, the same in every delivery.
    pub id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// To which object.
    pub object_id: String,
    /// Its place among that object's events, from 1.
    pub sequence: u64,
    /// When it happened.
    pub created_at: Timestamp,
    /// What is sent, as it was rendered.
    pub payload: Event,
    /// How its deliveries stand.
    pub deliveries: DeliveryCounts,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// How many deliveries of an event stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryCounts {
    /// Due, or waiting.
    pub pending: u64,
    /// Received.
    pub delivered: u64,
    /// Given up.
    pub failed: u64,
}

/// Query of `GET /webhooks/events`: pages, newest first, or with `after` what follows a cursor, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListEvents {
    /// Page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// Items a page, 1 to 100; default 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// What follows this cursor instead of a page, or `beginning`; neither `page`, `endpointId` nor `status` goes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Only events of this type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub event_type: Option<EventType>,
    /// Only events that go to this endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_id: Option<EndpointId>,
    /// Only events with a delivery that stands here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<DeliveryStatus>,
    /// Only events of this object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_id: Option<String>,
    /// Only events of this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_after: Option<Timestamp>,
    /// Only events before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_before: Option<Timestamp>,
}

/// Answer of `GET /webhooks/events` with `after`: oldest first, and none can appear between them later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct EventsAfter {
    /// The events.
    pub data: Vec<EventRecord>,
    /// Where reading goes on, also where there was none.
    pub next_cursor: String,
    /// Whether there are more at once.
    pub has_more: bool,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Query of `GET /webhooks/events/stream`. Without `after` and `since` the stream begins with what happens from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StreamEvents {
    /// Begin behind this cursor. The header `Last-Event-ID`, which a client that reconnects sends, goes before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Begin with the first event of this time or later, or with `beginning`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Only events of these types, separated by commas; every recorded one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<String>,
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct Delivery {
    /// The event.
    pub event_id: EventId,
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// Where that is.
    pub url: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// How many attempts were made.
    pub attempts: u64,
    /// When the next one is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// When it was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
    /// When it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<Timestamp>,
    /// The attempts, newest first, 20 at most; old ones are forgotten after a time.
    pub log: Vec<DeliveryAttempt>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What was sent, but for the body, which is the event's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptRequest {
    /// Where to.
    pub url: String,
    /// With which headers, the signature among them.
    pub headers: BTreeMap<String, String>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryAttempt {
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What was sent; absent if nothing could be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<AttemptRequest>,
    /// The status answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    /// Why there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The beginning of what was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
}

/// Answer of `GET /webhooks/events/:id/deliveries`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deliveries {
    /// One for each endpoint, oldest endpoint first.
    pub data: Vec<Delivery>,
}

/// Body of `POST /webhooks/events/:id/resend`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResendEvent {
    /// Only to this endpoint; to every endpoint that has or subscribes to it when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_id: Option<EndpointId>,
}

/// Answer of `POST /webhooks/events/:id/resend` and of `POST /webhooks/endpoints/:id/test`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct QueuedEvent {
    /// The event that is sent.
    pub event_id: EventId,
    /// To how many endpoints.
    pub deliveries: u64,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Body of `POST /webhooks/events/resend`: which events of a time are sent again, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResendEvents {
    /// Events of this time or later.
    pub created_after: Timestamp,
    /// Only events before this time; up to now when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_before: Option<Timestamp>,
    /// Only to this endpoint; to every endpoint that has or subscribes to them when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_id: Option<EndpointId>,
    /// Only events of this type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub event_type: Option<EventType>,
    /// Only deliveries that stand here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<DeliveryStatus>,
    /// Where the answer before said that more follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Answer of `POST /webhooks/events/resend`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct ResentEvents {
    /// How many events are sent again.
    pub events: u64,
    /// To how many endpoints altogether.
    pub deliveries: u64,
    /// More follows: ask again with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
