//! Events as they happen, for as long as the caller likes: connects, reads, and where the stream is cut connects again behind the last
//! event that was read to its end. It must not keep anything beyond that event's cursor: what must survive a crash is the caller's to keep.

mod frames;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::{Stream, StreamExt, stream};

use payin_types::Event;
use payin_types::event_log::StreamEvents;

use crate::client::{Client, OpenedStream};
use crate::error::{Body, Error};
use crate::transport::{TransportError, TransportErrorKind};
use frames::{Frame, Frames};

/// How long a stream may be silent: the server says something every 12 s.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// The first pause before connecting again where the server names none, doubled with every failure.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
/// The longest pause that is taken of our own or the stream's accord: a laptop that is opened again shall not wait for longer.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// The shortest, whatever the stream asks for.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// An event of the stream.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LiveEvent {
    /// Where reading goes on behind it: keep it once the event is dealt with, and give it to [`StreamEvents::after`] the next time.
    pub cursor: String,
    /// The body that webhook endpoints are sent, byte for byte.
    pub body: Bytes,
    /// What it says.
    pub event: Event,
}

/// What [`Live::next`] has heard.
#[derive(Debug)]
#[non_exhaustive]
pub enum Heard {
    /// The stream is open.
    Connected,
    /// Something has happened.
    Event(Box<LiveEvent>),
    /// Nothing that was asked for has happened up to this cursor, which may be kept.
    At(String),
    /// The stream was cut, or cannot be opened now; it is tried again after this time.
    Cut {
        /// Why.
        why: Error,
        /// When.
        again_in: Duration,
    },
}

/// Reading events as they happen: [`WebhookEvents::live`](crate::WebhookEvents::live).
///
/// What can pass (the network, a server that is replaced, a limit) is told as [`Heard::Cut`] and tried again, without end unless
/// [`Live::patience`] says otherwise. What cannot (a key that is refused, a cursor of another database: [`Error::is_cursor_unknown`]) is an
/// error. An event is given once, unless the program is started anew from an older cursor: know events by [`Event::id`].
pub struct Live {
    client: Client,
    query: StreamEvents,
    cursor: Option<String>,
    patience: Option<Duration>,
    retry: Duration,
    open: Option<Reading>,
    failures: u32,
    failing_since: Option<Duration>,
    again_at: Option<Duration>,
}

struct Reading {
    stream: OpenedStream,
    frames: Frames,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("query", &self.query).field("cursor", &self.cursor).finish_non_exhaustive()
    }
}

impl Live {
    pub(crate) fn new(client: Client, query: StreamEvents) -> Self {
        Self {
            client,
            query,
            cursor: None,
            patience: None,
            retry: PAUSE_FIRST,
            open: None,
            failures: 0,
            failing_since: None,
            again_at: None,
        }
    }

    /// For how long failures that may pass are sat out, one after the other, before the last of them is the error.
    #[must_use]
    pub fn patience(mut self, span: Duration) -> Self {
        self.patience = Some(span);
        self
    }

    /// Behind what reading goes on: the cursor of the last event given, or of the stream's beginning.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// The events alone. Where it is cut is not told.
    pub fn events(self) -> impl Stream<Item = Result<LiveEvent, Error>> + Send {
        stream::try_unfold(self, async |mut live: Self| {
            loop {
                if let Heard::Event(event) = live.next().await? {
                    return Ok(Some((*event, live)));
                }
            }
        })
    }

    /// Waits for what comes next. Dropping the future loses nothing.
    ///
    /// # Errors
    /// What cannot pass; what has not passed for longer than [`Live::patience`]; [`Error::Decode`] for an event that this version cannot
    /// read, from which reading does not go on.
    pub async fn next(&mut self) -> Result<Heard, Error> {
        loop {
            if self.open.is_none() {
                return match self.connect().await {
                    Ok(()) => Ok(Heard::Connected),
                    Err(error) => self.endure(error),
                };
            }
            match self.frame().await {
                Ok(Frame::Retry(pause)) => self.retry = pause.clamp(PAUSE_MIN, PAUSE_MAX),
                Ok(Frame::At(cursor)) => {
                    self.succeeded();
                    self.cursor = Some(cursor.clone());
                    return Ok(Heard::At(cursor));
                }
                // A proxy that repeats what it had passed on.
                Ok(Frame::Event { id, .. }) if self.cursor.as_ref() == Some(&id) => {}
                Ok(Frame::Event { id, data }) => {
                    let event = self.read(id, data.into())?;
                    self.succeeded();
                    self.cursor = Some(event.cursor.clone());
                    return Ok(Heard::Event(Box::new(event)));
                }
                Err(error) => {
                    self.open = None;
                    return self.endure(error);
                }
            }
        }
    }

    fn read(&self, id: String, body: Bytes) -> Result<LiveEvent, Error> {
        match serde_json::from_slice(&body) {
            Ok(event) => Ok(LiveEvent { cursor: id, body, event }),
            Err(source) => Err(Error::Decode {
                call: Client::STREAM.to_owned(),
                path: ".".to_owned(),
                request_id: self.open.as_ref().and_then(|open| open.stream.request_id.clone()),
                body: Body::from_bytes(&body),
                source,
            }),
        }
    }

    async fn connect(&mut self) -> Result<(), Error> {
        let world = &self.client.inner.world;
        if let Some(at) = self.again_at {
            world.sleep(at.saturating_sub(world.elapsed())).await;
            self.again_at = None;
        }
        let stream = self.client.open_stream(&self.query, self.cursor.as_deref()).await?;
        self.open = Some(Reading { stream, frames: Frames::default() });
        Ok(())
    }

    /// The next frame of the open stream.
    async fn frame(&mut self) -> Result<Frame, Error> {
        let broken = |why: String| failed(TransportError::new(TransportErrorKind::Broken, why));
        let world = &self.client.inner.world;
        let Some(Reading { stream, frames }) = &mut self.open else { return Err(broken("the stream is not open".to_owned())) };
        loop {
            if let Some(frame) = frames.next() {
                return Ok(frame);
            }
            let bytes = match select(stream.body.next(), world.sleep(SILENCE_MAX)).await {
                Either::Left((Some(Ok(bytes)), _)) => bytes,
                Either::Left((Some(Err(error)), _)) => return Err(failed(error)),
                Either::Left((None, _)) => return Err(broken("the server ended the stream".to_owned())),
                Either::Right(_) => {
                    let why = format!("nothing was heard for {} s", SILENCE_MAX.as_secs());
                    return Err(failed(TransportError::new(TransportErrorKind::Timeout, why)));
                }
            };
            frames.push(&bytes).map_err(|error| broken(error.to_string()))?;
        }
    }

    fn succeeded(&mut self) {
        self.failures = 0;
        self.failing_since = None;
    }

    /// Keeps a failure that may pass to itself, unless patience is over.
    fn endure(&mut self, error: Error) -> Result<Heard, Error> {
        let world = &self.client.inner.world;
        let now = world.elapsed();
        let since = *self.failing_since.get_or_insert(now);
        if !error.is_transient() || self.patience.is_some_and(|patience| now.saturating_sub(since) >= patience) {
            return Err(error);
        }
        let random = world.random().map_or(0, |bits| u64::try_from(bits & u128::from(u32::MAX)).unwrap_or(0));
        let asked = error.api().and_then(|error| error.retry_after).unwrap_or_default();
        let again_in = asked.max(pause(self.retry, self.failures, random));
        self.failures = self.failures.saturating_add(1);
        self.again_at = Some(now.saturating_add(again_in));
        Ok(Heard::Cut { why: error, again_in })
    }
}

fn failed(source: TransportError) -> Error {
    Error::Transport { call: Client::STREAM.to_owned(), attempts: 1, source }
}

/// What the server asked for, doubled with every failure, and up to half of it more: readers that were cut together do not come back
/// together.
fn pause(first: Duration, failures: u32, random: u64) -> Duration {
    let full = first.saturating_mul(2_u32.saturating_pow(failures)).min(PAUSE_MAX);
    let spread = u64::try_from(full.as_millis() / 2).unwrap_or(u64::MAX);
    full.saturating_add(Duration::from_millis(random % (spread.saturating_add(1))))
}

#[cfg(test)]
mod tests;
