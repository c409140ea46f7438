//! Outgoing webhooks of a sandbox: what its fault rules say of each, the journal's word on what came of it, and which have no answer yet. No
//! secret of theirs is kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_types::Timestamp;
use payin_types::sandbox::{FaultPlace, JournalKind};
use url::Url;

use crate::env::{Answer, Clock as _, Http, Outgoing, SendFault, SystemClock};
use crate::sandbox::faults::{Applied, Effect};
use crate::sandbox::{Faults, Journal};

/// Webhooks held back, at most: beyond it they go out as they come.
const HELD_MAX: usize = 1_000;

/// The post.
pub(super) struct FaultyPost {
    http: Arc<dyn Http>,
    faults: Arc<Faults>,
    journal: Arc<Journal>,
    /// Held back until another one has gone to the same URL.
    held: Mutex<HashMap<Url, Vec<(Outgoing, u64)>>>,
    open: Mutex<Open>,
}

/// Those that were sent and have no answer yet, by number, and since when, in real time.
#[derive(Default)]
struct Open {
    numbered: u64,
    sent: BTreeMap<u64, (String, Timestamp)>,
}

/// One of [`Open`], until it has an answer or nobody waits for one.
struct Sent<'a>(&'a FaultyPost, u64);

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        self.0.open().sent.remove(&self.1);
    }
}

impl FaultyPost {
    pub(super) fn new(http: Arc<dyn Http>, faults: Arc<Faults>, journal: Arc<Journal>) -> Self {
        Self { http, faults, journal, held: Mutex::default(), open: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn opened(&self, what: &str) -> Sent<'_> {
        let mut open = self.open();
        open.numbered = open.numbered.saturating_add(1);
        let number = open.numbered;
        open.sent.insert(number, (what.to_owned(), SystemClock.now()));
        Sent(self, number)
    }

    /// What was sent and has no answer yet, the oldest first, in words: the event, the URL, and for how long it was waited.
    pub(super) fn unanswered(&self) -> Vec<String> {
        let now = SystemClock.now();
        let words = |(what, since): &(String, Timestamp)| format!("{what}: no answer yet, after {} s", now.since(*since).as_secs());
        self.open().sent.values().map(words).collect()
    }

    /// What is held back goes out.
    pub(super) async fn let_go(&self) {
        let held = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        for (request, fault) in held.into_values().flatten() {
            let what = what(&request);
            let _ = self.send(what, request, Some(fault)).await;
        }
    }

    /// Sends it, and notes what came of it.
    async fn send(&self, what: String, request: Outgoing, fault: Option<u64>) -> Result<Answer, SendFault> {
        let id = id(&request);
        let open = self.opened(&what);
        let answer = self.http.post(request).await;
        drop(open);
        let outcome = answer.as_ref().map_or_else(ToString::to_string, |answer| answer.status.to_string());
        self.note(what, outcome, id, fault);
        answer
    }

    fn note(&self, what: String, outcome: String, id: Option<String>, fault: Option<u64>) {
        self.journal.note(JournalKind::Delivery, what, outcome, id, fault);
    }

    async fn with(&self, what: String, request: Outgoing, Applied { id: rule, effect }: Applied) -> Result<Answer, SendFault> {
        let event = id(&request);
        match effect {
            Effect::Latency(span) => {
                let open = self.opened(&format!("{what}, held up by rule {rule}"));
                SystemClock.sleep_until(SystemClock.now().plus(span)).await;
                drop(open);
                self.send(what, request, Some(rule)).await
            }
            Effect::Duplicate => {
                let _ = self.send(what.clone(), request.clone(), Some(rule)).await;
                self.send(what, request, Some(rule)).await
            }
            Effect::Reorder if self.hold(&request, rule) => {
                self.note(what, "held back".to_owned(), event, Some(rule));
                Ok(received())
            }
            Effect::Lose => {
                self.note(what, "lost".to_owned(), event, Some(rule));
                Ok(received())
            }
            Effect::Drop(is_done) => {
                if is_done {
                    let _ = self.send(what, request, Some(rule)).await;
                } else {
                    self.note(what, "dropped".to_owned(), event, Some(rule));
                }
                Err(SendFault::Protocol("the connection was closed without an answer".to_owned()))
            }
            _ => self.send(what, request, Some(rule)).await,
        }
    }

    fn hold(&self, request: &Outgoing, rule: u64) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = held.values().map(Vec::len).sum::<usize>() < HELD_MAX;
        if has_room {
            held.entry(request.url.clone()).or_default().push((request.clone(), rule));
        }
        has_room
    }

    fn take_held(&self, url: &Url) -> Vec<(Outgoing, u64)> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(url).unwrap_or_default()
    }
}

impl Http for FaultyPost {
    fn post(&self, request: Outgoing) -> BoxFuture<'_, Result<Answer, SendFault>> {
        async move {
            let said = what(&request);
            if let Some(applied) = self.faults.apply(&FaultPlace::Webhook, &said) {
                return self.with(said, request, applied).await;
            }
            let url = request.url.clone();
            let answer = self.send(said, request, None).await;
            for (late, rule) in self.take_held(&url) {
                let _ = self.send(what(&late), late, Some(rule)).await;
            }
            answer
        }
        .boxed()
    }
}

/// What a server hears whose webhook seems to have arrived.
fn received() -> Answer {
    Answer { status: 200, body: Vec::new(), retry_after: None }
}

/// The event's type and the URL, without what may be secret in it.
fn what(request: &Outgoing) -> String {
    format!("{} {}", event(request), shown(&request.url))
}

/// A URL without what may be secret in it.
pub(super) fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

/// Each API has its own header for the event's type, or says it in the body.
fn event(request: &Outgoing) -> String {
    let header = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-payin-event-type"));
    header.map_or_else(|| field(request, &["event", "type", "event_type"]), |(_, value)| value.clone())
}

fn id(request: &Outgoing) -> Option<String> {
    let header = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("webhook-id"));
    header.map(|(_, value)| value.clone())
}

fn field(request: &Outgoing, names: &[&str]) -> String {
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let found = names.iter().find_map(|name| body.get(*name).and_then(serde_json::Value::as_str));
    found.unwrap_or("webhook").to_owned()
}
