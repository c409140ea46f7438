//! `/webhooks/events/stream`: events as they happen, as Server-Sent Events (source: WHATWG HTML, "Server-sent events"). What comes next, and
//! when, is `app/event_stream.rs`; here it gets its form.

use std::convert::Infallible;
use std::fmt::Write as _;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use payin_core::access::Permission;
use payin_core::{Cursor, Error};

use super::answer::Reject;
use super::body::query;
use super::call::Caller;
use crate::app::event_stream::{Beat, Feed};

/// How long a reader shall wait before it connects again, in milliseconds: a server that is replaced is there again by then.
pub const RETRY_MS: u64 = 1_000;

/// `GET /webhooks/events/stream`
pub async fn stream(caller: Caller, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let last = last_event_id(request.headers())?;
    let feed = Feed::open(&caller.app, &caller.key, &query(request.uri())?, last).await?;
    let telling = Telling { told: feed.at(), feed, begun: false };
    let body = Body::from_stream(stream::unfold(Some(telling), |telling| async move {
        let mut telling = telling?;
        let (text, goes_on) = telling.next().await;
        Some((Ok::<_, Infallible>(Bytes::from(text)), goes_on.then_some(telling)))
    }));
    Ok(event_stream(body))
}

/// An answer that goes on.
pub fn event_stream(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // nginx would otherwise hold back what comes until its buffer is full.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, body).into_response()
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let mut values = headers.get_all("last-event-id").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().ok().filter(|_| values.next().is_none());
    text.map(Some).ok_or_else(|| Error::field("Last-Event-ID", "must be one cursor, as it was given"))
}

struct Telling {
    feed: Feed,
    /// The last cursor that the reader was told.
    told: Cursor,
    begun: bool,
}

impl Telling {
    /// The next lines, and whether there will be more.
    async fn next(&mut self) -> (String, bool) {
        if !self.begun {
            self.begun = true;
            // An id without data is no event, but a reader remembers it: one that is cut before the first event goes on from here.
            return (format!("retry: {RETRY_MS}\nid: {}\n\n", self.told), true);
        }
        match self.feed.next().await {
            Beat::Events(events) => {
                let mut text = String::new();
                for event in &events {
                    // A text takes all that is written to it.
                    let _ = write!(text, "id: {}\nevent: {}\ndata: {}\n\n", event.cursor, event.event_type, event.body);
                    self.told = event.cursor;
                }
                (text, true)
            }
            Beat::Alive(at) if at == self.told => (": alive\n\n".to_owned(), true),
            Beat::Alive(at) => {
                // What was passed over as unwanted need not be passed over again.
                self.told = at;
                (format!(": alive\nid: {at}\n\n"), true)
            }
            Beat::Ended(why) => (format!(": {why}\nretry: {RETRY_MS}\n\n"), false),
        }
    }
}
