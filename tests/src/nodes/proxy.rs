//! A bad road to a node: an HTTP/1.1 proxy in front of a JSON-RPC endpoint that is slow, breaks off, refuses, answers nonsense, forgets
//! the newest blocks or asks another node. What goes wrong with a call is drawn from a seed, or told by the test; [`Proxy::heal`] ends it.
//! It never makes up what no node would say: whatever a client gets through it is a true answer of some node, or none.

mod view;
mod weather;
mod wire;

pub use weather::{Fault, Weather};

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::http_client;
use crate::dice::Dice;
use view::View;
use weather::Sky;

/// A running proxy; closed when dropped. It belongs to the runtime that started it.
pub struct Proxy {
    url: String,
    road: Arc<Road>,
    task: JoinHandle<()>,
}

struct Road {
    client: reqwest::Client,
    now: Mutex<Now>,
}

struct Now {
    sky: Sky,
    /// Where the node is.
    node: String,
    /// Where another one is that some calls are answered by.
    other: Option<String>,
    /// How many of the newest blocks are always missing.
    behind: u64,
    /// The last answer given.
    last: Option<String>,
    calls: u64,
    faults: BTreeMap<&'static str, u64>,
}

impl Proxy {
    /// In front of the node at `url`, doing nothing to its answers yet.
    pub async fn start(url: &str, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let own = format!("http://{}", listener.local_addr().expect("a bound address"));
        let sky = Sky::clear(Dice::new(seed));
        let now = Now { sky, node: url.to_owned(), other: None, behind: 0, last: None, calls: 0, faults: BTreeMap::new() };
        let road = Arc::new(Road { client: http_client(), now: Mutex::new(now) });
        let shared = Arc::clone(&road);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(converse(client, Arc::clone(&shared)));
            }
        });
        Self { url: own, road, task }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on this is drawn for each call.
    pub fn weather(&self, weather: Weather) {
        self.road.now().sky.becomes(weather);
    }

    /// These happen to the next calls, one each, before anything is drawn.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.road.now().sky.script(faults);
    }

    /// The newest `blocks` blocks do not exist here, by whatever they are asked for.
    pub fn lag(&self, blocks: u64) {
        self.road.now().behind = blocks;
    }

    /// Another node, which [`Fault::Other`] asks instead: on a fork, say.
    pub fn beside(&self, url: Option<&str>) {
        self.road.now().other = url.map(str::to_owned);
    }

    /// Nothing goes wrong any more, and the node is the one it was started with.
    pub fn heal(&self) {
        let mut now = self.road.now();
        now.sky.becomes(Weather::CLEAR);
        (now.other, now.behind) = (None, 0);
    }

    /// How many calls there were, and how many of each fault.
    pub fn told(&self) -> (u64, BTreeMap<&'static str, u64>) {
        let now = self.road.now();
        (now.calls, now.faults.clone())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Road {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().expect("no panic while the weather changed")
    }

    /// What happens to the next call, which node it is for, and how many of that node's newest blocks are hidden from it.
    fn next(&self) -> (Option<Fault>, String, u64) {
        let mut now = self.now();
        now.calls += 1;
        let mut fault = now.sky.next();
        if now.other.is_none() && matches!(fault, Some(Fault::Other)) {
            fault = None;
        }
        if let Some(fault) = &fault {
            *now.faults.entry(fault.name()).or_default() += 1;
        }
        let hidden = match fault {
            Some(Fault::Behind(blocks)) => blocks.max(now.behind),
            _ => now.behind,
        };
        let node = match (&fault, &now.other) {
            (Some(Fault::Other), Some(other)) => other.clone(),
            _ => now.node.clone(),
        };
        (fault, node, hidden)
    }

    async fn answer(&self, body: &[u8], node: &str, hidden: u64) -> Option<Value> {
        let calls: Value = serde_json::from_slice(body).ok()?;
        let view = View::of(&self.client, node, hidden).await?;
        match calls {
            Value::Array(calls) => {
                let mut answers = Vec::new();
                for call in calls {
                    answers.push(view.answer(call).await?);
                }
                Some(Value::Array(answers))
            }
            call => view.answer(call).await,
        }
    }
}

/// One connection, call after call, until either side ends it.
async fn converse(mut client: TcpStream, road: Arc<Road>) {
    client.set_nodelay(true).expect("a connected socket");
    let mut read = Vec::new();
    while let Some(body) = wire::request(&mut client, &mut read).await {
        let (fault, node, hidden) = road.next();
        if let Some(Fault::Slow(millis)) = fault {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        if matches!(fault, Some(Fault::ResetBefore)) {
            return wire::reset(client);
        }
        if let Some((head, page)) = fault.as_ref().and_then(Fault::page) {
            if wire::respond(&mut client, head, page.as_bytes()).await.is_err() {
                return;
            }
            continue;
        }
        // The node itself is gone, or speaks no JSON: so is the road.
        let Some(answer) = road.answer(&body, &node, hidden).await else { return };
        let mut answer = answer.to_string();
        let before = road.now().last.replace(answer.clone());
        if matches!(fault, Some(Fault::WrongId)) {
            answer = before.unwrap_or_default();
        }
        let sent = match fault {
            Some(Fault::ResetAmid) => {
                let _ = wire::half(&mut client, answer.as_bytes()).await;
                return wire::reset(client);
            }
            Some(Fault::Truncated) => wire::respond(&mut client, wire::OK, &answer.as_bytes()[..answer.len() / 2]).await,
            _ => wire::respond(&mut client, wire::OK, answer.as_bytes()).await,
        };
        if sent.is_err() {
            return;
        }
    }
}
