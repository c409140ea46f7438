//! A server that gives the SDK one answer to everything, in a world whose time passes only in sleeps. What is made of the answer is the
//! targets' business.

use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, future, stream};
use http::{HeaderMap, HeaderName, HeaderValue};
use payin_sdk::transport::{Incoming, Opening, Request, Response, Sending, Transport};
use payin_sdk::world::{NoRandomness, Sleep, World};
use payin_sdk::{Client, Timestamp};

/// The key that clients bear, which nothing may show.
pub const KEY: &str = "pk_test_0123456789SECRET";

/// The answer: a line with its status, lines with its headers, an empty line, its body.
#[derive(Clone)]
pub struct Server {
    /// The status.
    pub status: u16,
    headers: HeaderMap,
    body: Bytes,
    /// In how many bytes at a time a body comes that has no end.
    piece: usize,
}

impl Server {
    /// Of an input.
    #[must_use]
    pub fn of(input: &[u8]) -> Option<Self> {
        let at = input.windows(2).position(|two| two == b"\n\n")?;
        let mut lines = std::str::from_utf8(input.get(..at)?).ok()?.lines();
        let status = lines.next()?.parse().ok().filter(|status| (100..1000).contains(status))?;
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value.trim()).ok()?))
        };
        Some(Self { status, headers: lines.filter_map(header).collect(), body: Bytes::copy_from_slice(input.get(at + 2..)?), piece: 1 })
    }

    /// A stream of events, cut into pieces of this size.
    #[must_use]
    pub fn streams(body: &[u8], piece: usize) -> Self {
        let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))]);
        Self { status: 200, headers, body: Bytes::copy_from_slice(body), piece }
    }

    /// A client of it.
    ///
    /// # Panics
    /// If the SDK takes no transport.
    #[must_use]
    pub fn client(&self) -> Client {
        let builder = Client::builder().api_key(KEY).base_url("https://api.test").transport(self.clone()).world(Slept::default());
        builder.build().expect("a client")
    }
}

impl Transport for Server {
    fn send(&self, _request: Request) -> Sending<'_> {
        future::ready(Ok(Response::new(self.status, self.headers.clone(), self.body.clone()))).boxed()
    }

    fn open(&self, _request: Request) -> Opening<'_> {
        let pieces: Vec<Bytes> = self.body.chunks(self.piece).map(Bytes::copy_from_slice).collect();
        let body = stream::iter(pieces.into_iter().map(Ok)).boxed();
        future::ready(Ok(Incoming::new(self.status, self.headers.clone(), body))).boxed()
    }
}

/// How long was slept.
#[derive(Default)]
struct Slept(Mutex<Duration>);

impl Slept {
    fn add(&self, span: Duration) -> Duration {
        let mut slept = self.0.lock().expect("no panic while it counted");
        *slept = slept.saturating_add(span);
        *slept
    }
}

impl World for Slept {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_767_225_600).plus(self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        self.add(Duration::ZERO)
    }

    fn sleep(&self, span: Duration) -> Sleep {
        self.add(span);
        future::ready(()).boxed()
    }

    fn random(&self) -> Result<u128, NoRandomness> {
        Ok(7)
    }
}
