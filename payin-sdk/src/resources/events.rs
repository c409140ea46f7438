//! The log of events, and what came of telling them (source: API Reference, "List events"). Reading what arrives at an endpoint is
//! `webhook.rs`.

use futures_util::Stream;

use payin_types::event_log::Deliveries;
use payin_types::{
    EventId, EventRecord, EventsAfter, ListEvents, Page, QueuedEvent, ResendEvent, ResendEvents, ResentEvents, StreamEvents,
};

use crate::client::{Call, Client, Kind};
use crate::error::Error;
use crate::live::Live;
use crate::pages;

const EVENTS: &str = "/webhooks/events";

/// The events of the key's organization: [`Client::webhook_events`].
#[derive(Debug, Clone, Copy)]
pub struct WebhookEvents<'c> {
    client: &'c Client,
}

impl Client {
    /// Events: read, list, as they happen, deliveries, resend.
    #[must_use]
    pub fn webhook_events(&self) -> WebhookEvents<'_> {
        WebhookEvents { client: self }
    }
}

impl WebhookEvents<'_> {
    /// One page of events, newest first.
    pub fn list(&self, query: &ListEvents) -> Call<Page<EventRecord>> {
        self.client.read(EVENTS, &[], query)
    }

    /// All events that match, newest first, page by page as they are asked for. None comes twice, and none is missed that was there
    /// at the start; from a page on, one may be missed where others leave the filter meanwhile.
    pub fn stream(&self, query: ListEvents) -> impl Stream<Item = Result<EventRecord, Error>> + Send + use<> {
        pages::stream(self.client, EVENTS, &[], query)
    }

    /// What follows a cursor, oldest first, and the cursor to go on from: none appears before it later. Begin with `beginning`.
    ///
    /// Errors: `CursorUnknown` (410) where it is of another database.
    pub fn after(&self, cursor: &str, query: &ListEvents) -> Call<EventsAfter> {
        self.client.read(EVENTS, &[], &ListEvents { after: Some(cursor.to_owned()), ..query.clone() })
    }

    /// Events as they happen, from now on or from where the query says, over one request that stays open. See [`Live`].
    ///
    /// ```no_run
    /// # async fn run(client: payin_sdk::Client) -> Result<(), payin_sdk::Error> {
    /// use payin_sdk::{Heard, StreamEvents};
    ///
    /// let mut live = client.webhook_events().live(StreamEvents::default());
    /// loop {
    ///     if let Heard::Event(event) = live.next().await? {
    ///         println!("{} {}", event.cursor, event.event.event_type);
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn live(&self, query: StreamEvents) -> Live {
        Live::new(self.client.clone(), query)
    }

    /// An event, with what is sent of it.
    ///
    /// Errors: `ResourceNotFound` (404).
    pub fn get(&self, id: &EventId) -> Call<EventRecord> {
        self.client.read("/webhooks/events/{id}", &[id.as_str()], &())
    }

    /// How the deliveries of an event stand, one for each endpoint, with their latest attempts.
    ///
    /// Errors: `ResourceNotFound` (404).
    pub fn deliveries(&self, id: &EventId) -> Call<Deliveries> {
        self.client.read("/webhooks/events/{id}/deliveries", &[id.as_str()], &())
    }

    /// Sends an event again, at once; to one endpoint, or to every one that has or subscribes to it. Receivers know it by its id.
    ///
    /// Errors: `ResourceNotFound` (404), `InvalidState` (409) where there is nobody to send it to.
    pub fn resend(&self, id: &EventId, body: &ResendEvent) -> Call<QueuedEvent> {
        self.client.post(Kind::Once, "/webhooks/events/{id}/resend", &[id.as_str()], body)
    }

    /// Sends the events of a time again, the oldest first, a bounded number of them: while the answer has a `next_cursor`, more follows.
    /// Receivers know them by their ids.
    ///
    /// Errors: `ResourceNotFound` (404) for an endpoint that is not there, `InvalidState` (409) for one that is disabled.
    pub fn resend_range(&self, body: &ResendEvents) -> Call<ResentEvents> {
        self.client.post(Kind::Once, "/webhooks/events/resend", &[], body)
    }
}
