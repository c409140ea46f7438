//! Events as they happen: a feed reads along the order of events, page by page as its reader takes them, so that a slow reader costs one
//! page. It remembers nothing that must survive: where a reader stands is the reader's to keep.
//!
//! What concerns the socket (beats, looking at the key again) goes by real time, also in a sandbox whose clock stands still.

mod streams;

use std::sync::Arc;
use std::time::Duration;

use payin_core::access::{Permission, allows};
use payin_core::{Cursor, Error, event};
use payin_types::event_log::StreamEvents;
use payin_types::{ErrorCode, EventId, EventType, OrganizationId, Timestamp};
use tokio::sync::watch;

use super::access::{self, Key};
use super::{App, Outcome};
use crate::env::{Clock as _, SystemClock};
use crate::store::event_positions::{self, Filter};
use crate::store::{Fault, Tx, Unit};
pub use streams::Streams;
use streams::{Seat, State};

/// How often a silent stream says that it lives: below the 60 s after which common proxies close what is silent, and below the 30 s after
/// which a client of ours believes that it was cut.
const ALIVE_EVERY: Duration = Duration::from_secs(12);
/// How often the key is looked at again: how long a revoked key may go on reading.
const LOOK_AT_KEY_EVERY: Duration = Duration::from_secs(5);
/// Events read at once: what a stream whose reader does not read holds in memory.
const PAGE: usize = 32;
/// For how long, by the gateway's clock, events that only a stream asked for are recorded after it was last open: a laptop over a holiday.
const LISTENED_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How often that is written down again.
const LISTEN_AGAIN_AFTER: Duration = Duration::from_secs(60 * 60);

/// An event as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Where reading goes on behind it.
    pub cursor: Cursor,
    /// Its id.
    pub id: EventId,
    /// What happened.
    pub event_type: EventType,
    /// What is sent to endpoints, byte for byte.
    pub body: String,
}

/// What a feed brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beat {
    /// What happened next.
    Events(Vec<Told>),
    /// Nothing for a while; reading would go on here.
    Alive(Cursor),
    /// It is over, for this reason. The reader may connect again.
    Ended(&'static str),
}

/// One reader's way along the order of events.
#[derive(Debug)]
pub struct Feed {
    app: Arc<App>,
    key: Arc<Key>,
    filter: Filter,
    at: Cursor,
    state: watch::Receiver<State>,
    alive_at: Timestamp,
    look_at_key_at: Timestamp,
    listen_again_at: Timestamp,
    _seat: Seat,
}

/// Which types a stream is asked for: those that take one of them back come with it, as for endpoints.
fn types(query: &StreamEvents) -> Result<Vec<EventType>, Error> {
    let Some(words) = &query.types else { return Ok(Vec::new()) };
    let mut asked = Vec::new();
    for word in words.split(',') {
        super::query::known("types", Some(word), EventType::known)?;
        asked.push(EventType::from(word));
    }
    Ok(event::covered(&asked))
}

/// Where reading begins, and whether behind something that was read before.
async fn start(app: &App, organization: &OrganizationId, query: &StreamEvents, last_event_id: Option<&str>) -> Outcome<(Cursor, bool)> {
    if query.after.is_some() && query.since.is_some() {
        return Err(Error::field("since", "cannot be given together with after").into());
    }
    let mut conn = app.store.read().await?;
    let end = end(&mut conn).await?;
    let given = last_event_id.map(|id| ("Last-Event-ID", id)).or(query.after.as_deref().map(|after| ("after", after)));
    if let Some((name, text)) = given {
        let cursor = text.parse::<Cursor>().map_err(|problem| Error::field(name, problem))?;
        cursor.check(end)?;
        return Ok((cursor, true));
    }
    let position = match query.since.as_deref() {
        None => end.position,
        Some(BEGINNING) => 0,
        Some(time) => {
            let problem = |_| Error::field("since", "must be an RFC 3339 time such as 2025-01-20T10:30:00.000Z, or beginning");
            let first = event_positions::first_since(&mut conn, organization, time.parse().map_err(problem)?).await?;
            first.map_or(end.position, |first| first.saturating_sub(1))
        }
    };
    Ok((Cursor { position, ..end }, false))
}

/// The word for the place before the first event.
pub(super) const BEGINNING: &str = "beginning";

/// Where the order of events ends.
pub(super) async fn end(conn: &mut crate::store::Conn) -> Outcome<Cursor> {
    let starting = || Error {
        retry_after_s: Some(1),
        ..Error::new(ErrorCode::ServiceUnavailable, "The server has just started and does not know the order of events yet; try again")
    };
    Ok(event_positions::end(conn).await?.cursor.ok_or_else(starting)?)
}

impl Feed {
    /// Begins to read.
    ///
    /// # Errors
    /// `VALIDATION_ERROR`; `CURSOR_UNKNOWN`, also where events that were asked for were not recorded behind the cursor; `RATE_LIMIT_EXCEEDED`
    /// and `SERVICE_UNAVAILABLE` where too many streams are open.
    pub async fn open(app: &Arc<App>, key: &Arc<Key>, query: &StreamEvents, last_event_id: Option<&str>) -> Outcome<Self> {
        let types = types(query)?;
        // Before the end is read: what moves it from here on is noticed.
        let state = app.streams.subscribe();
        let seat = app.streams.seat(&key.organization_id, &key.id)?;
        let (at, goes_on) = start(app, &key.organization_id, query, last_event_id).await?;
        let filter =
            Filter { organization_id: key.organization_id.clone(), types, object_id: None, created_after: None, created_before: None };
        let (real, now) = (SystemClock.now(), app.clock.now());
        let feed = Self {
            app: Arc::clone(app),
            key: Arc::clone(key),
            filter,
            at,
            state,
            alive_at: real.plus(ALIVE_EVERY),
            look_at_key_at: real.plus(LOOK_AT_KEY_EVERY),
            listen_again_at: now.plus(LISTEN_AGAIN_AFTER),
            _seat: seat,
        };
        feed.listen(goes_on).await?;
        Ok(feed)
    }

    /// Where it stands.
    #[must_use]
    pub fn at(&self) -> Cursor {
        self.at
    }

    /// Writes down that events which nobody else may want are listened for. Where reading goes on, refuses if there may be some behind that
    /// place which nobody recorded.
    async fn listen(&self, goes_on: bool) -> Outcome<()> {
        let unusual = |event_type: &&EventType| !event::is_default(event_type) && event::may_be_subscribed(event_type);
        let mut types: Vec<EventType> = self.filter.types.iter().filter(unusual).cloned().collect();
        if types.is_empty() {
            return Ok(());
        }
        // Two streams that begin at once take the rows in the same order.
        types.sort();
        let (organization_id, now) = (self.filter.organization_id.clone(), self.app.clock.now());
        let end = end(&mut self.app.store.read().await?).await?.position;
        let listen = Listen { organization_id, types, end, goes_on_at: goes_on.then_some(self.at.position), now };
        self.app.store.write(listen).await
    }

    /// What comes next. Waits for it.
    pub async fn next(&mut self) -> Beat {
        loop {
            match self.step().await {
                Ok(Some(beat)) => return beat,
                Ok(None) => {}
                Err(failure) => {
                    tracing::warn!(%failure, "a stream of events met a fault");
                    return Beat::Ended("the server met a fault");
                }
            }
        }
    }

    async fn step(&mut self) -> Outcome<Option<Beat>> {
        let real = SystemClock.now();
        if real >= self.look_at_key_at {
            if !self.is_allowed().await? {
                return Ok(Some(Beat::Ended("the key is no longer taken")));
            }
            self.look_at_key_at = real.plus(LOOK_AT_KEY_EVERY);
            if self.app.clock.now() >= self.listen_again_at {
                self.listen(false).await?;
                self.listen_again_at = self.app.clock.now().plus(LISTEN_AGAIN_AFTER);
            }
        }
        let State { end, stopping } = *self.state.borrow_and_update();
        if stopping {
            return Ok(Some(Beat::Ended("the server is stopping")));
        }
        if let Some(end) = end.filter(|end| end.epoch == self.at.epoch && end.position > self.at.position) {
            let events = self.page(end).await?;
            if !events.is_empty() {
                self.alive_at = SystemClock.now().plus(ALIVE_EVERY);
                return Ok(Some(Beat::Events(events)));
            }
            return Ok(None);
        }
        let wait = self.alive_at.min(self.look_at_key_at).since(real);
        match tokio::time::timeout(wait, self.state.changed()).await {
            Ok(Ok(())) => Ok(None),
            Ok(Err(_)) => Ok(Some(Beat::Ended("the server is stopping"))),
            Err(_) if SystemClock.now() >= self.alive_at => {
                self.alive_at = SystemClock.now().plus(ALIVE_EVERY);
                Ok(Some(Beat::Alive(self.at)))
            }
            Err(_) => Ok(None),
        }
    }

    /// The next events up to the end of the order. Where none of them is wanted, reading goes on behind all of them.
    async fn page(&mut self, end: Cursor) -> Result<Vec<Told>, Fault> {
        let mut conn = self.app.store.read().await?;
        let found = event_positions::between(&mut conn, &self.filter, self.at.position, end.position, PAGE).await?;
        let last = found.last().filter(|_| found.len() == PAGE).map_or(end.position, |(position, _)| *position);
        self.at.position = last;
        let told = |(position, stored): (u64, crate::store::event_log::Stored)| {
            // The form of the stream ends a line where one ends: rendered JSON has none.
            if stored.body.contains(['\n', '\r']) {
                return Err(Fault::Corrupt(format!("the body of {} has a line break", stored.id)));
            }
            Ok(Told { cursor: Cursor { position, ..end }, id: stored.id, event_type: stored.event_type, body: stored.body })
        };
        found.into_iter().map(told).collect()
    }

    async fn is_allowed(&self) -> Result<bool, Fault> {
        let role = access::role_now(&self.app, &self.key.id).await?;
        Ok(role.is_some_and(|role| allows(&role, Permission::ManageSettings)))
    }
}

#[derive(Debug)]
struct Listen {
    organization_id: OrganizationId,
    types: Vec<EventType>,
    end: u64,
    /// What reading goes on behind.
    goes_on_at: Option<u64>,
    now: Timestamp,
}

impl Unit for Listen {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        let (organization, end, now, until) = (&self.organization_id, self.end, self.now, self.now.plus(LISTENED_FOR));
        for event_type in &self.types {
            let listening = event_positions::Listening { organization, event_type, end, now, until };
            let whole_from = event_positions::listen(tx, listening).await?;
            if self.goes_on_at.is_some_and(|at| at < whole_from) {
                let message = format!(
                    "Nobody asked for '{event_type}' for a while since that cursor was given, and what happened then was not recorded. \
                     Read from a time (since) what was, or from now on without a cursor, and look at the objects themselves for the rest"
                );
                return Err(Error::new(ErrorCode::CursorUnknown, message).into());
            }
        }
        Ok(())
    }
}

/// Draws positions for events that have none.
#[derive(Debug)]
pub struct Order {
    /// What tells this database's order from others', should it have nothing yet.
    pub epoch: u32,
}

/// Positions drawn at once: a transaction of some milliseconds.
const DRAWN_AT_ONCE: i64 = 1_000;

impl Unit for Order {
    type Output = Option<u64>;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Option<u64>> {
        event_positions::begin(tx, self.epoch).await?;
        Ok(event_positions::draw(tx, DRAWN_AT_ONCE).await?)
    }
}

/// Where the order of events stands.
///
/// # Errors
/// What the database says.
pub async fn standing(app: &App) -> Result<event_positions::End, Fault> {
    event_positions::end(&mut app.store.read().await?).await
}
