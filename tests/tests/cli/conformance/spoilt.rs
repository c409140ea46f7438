//! A server that is wrong in one way: the sandbox, behind a proxy that spoils one thing of what passes through it. It must not know what
//! should notice.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use payin_tests::nodes::http_client;
use serde_json::Value;
use tokio::task::JoinHandle;

/// A request on its way through.
pub struct Asked {
    pub method: Method,
    /// With its query.
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The sandbox's own key.
    pub own_key: String,
}

/// An answer on its way back.
pub struct Answered {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A webhook on its way to the endpoint.
pub struct Sent {
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Whether this event has come before.
    pub again: bool,
}

/// What is spoilt.
#[derive(Clone, Copy)]
pub enum Spoil {
    Request(fn(&mut Asked)),
    Answer(fn(&Asked, &mut Answered)),
    Webhook(fn(&mut Sent)),
}

impl Asked {
    /// Whether this is what is asked, by the beginning of its path.
    pub fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path.starts_with(path)
    }

    pub fn key(&mut self, key: &str) {
        self.headers.insert("x-api-key", key.parse().expect("a key"));
    }

    pub fn change(&mut self, change: impl FnOnce(&mut Value)) {
        self.body = changed(&self.body, change);
    }
}

impl Answered {
    pub fn set(&mut self, name: &'static str, value: &'static str) {
        self.headers.insert(name, HeaderValue::from_static(value));
    }

    pub fn change(&mut self, change: impl FnOnce(&mut Value)) {
        self.body = changed(&self.body, change);
    }

    /// Without a field of the body's top.
    pub fn without(&mut self, field: &str) {
        self.change(|body| drop(body.as_object_mut().and_then(|fields| fields.remove(field))));
    }

    pub fn replace(&mut self, from: &str, to: &str) {
        self.body = String::from_utf8_lossy(&self.body).replace(from, to).into();
    }
}

/// JSON with something changed in it; what is no JSON stays.
fn changed(body: &Bytes, change: impl FnOnce(&mut Value)) -> Bytes {
    let Ok(mut json) = serde_json::from_slice(body) else { return body.clone() };
    change(&mut json);
    json.to_string().into()
}

/// The proxy; closed when dropped.
pub struct Spoilt {
    pub url: String,
    /// What was asked, in words.
    asked: Arc<Mutex<Vec<(Method, String)>>>,
    task: JoinHandle<()>,
}

struct Road {
    client: reqwest::Client,
    /// Where the sandbox is.
    to: String,
    own: String,
    own_key: String,
    spoil: Spoil,
    events: Mutex<HashSet<String>>,
    asked: Arc<Mutex<Vec<(Method, String)>>>,
}

/// Below this path webhooks come through, with the place where they are to go.
const HOOKS: &str = "/hooks/";

impl Spoilt {
    pub async fn start(to: &str, own_key: &str, spoil: Spoil) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound address"));
        let (to, own, own_key) = (to.to_owned(), url.clone(), own_key.to_owned());
        let asked = Arc::default();
        let road = Road { client: http_client(), to, own, own_key, spoil, events: Mutex::default(), asked: Arc::clone(&asked) };
        let router = Router::new().fallback(pass).with_state(Arc::new(road));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("the proxy serves") });
        Self { url, asked, task }
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.lock().expect("no panic before").len()
    }

    /// What it was asked that may change something.
    pub fn changes(&self) -> Vec<String> {
        let asked = self.asked.lock().expect("no panic before");
        asked.iter().filter(|(method, _)| method != Method::GET).map(|(method, path)| format!("{method} {path}")).collect()
    }
}

impl Drop for Spoilt {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(State(road): State<Arc<Road>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a body");
    let path = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let (mut headers, method) = (parts.headers, parts.method);
    for name in ["host", "content-length", "transfer-encoding", "connection"] {
        headers.remove(name);
    }
    if let Some(endpoint) = path.strip_prefix(HOOKS) {
        return road.webhook(endpoint, headers, body).await;
    }
    road.asked.lock().expect("no panic before").push((method.clone(), path.clone()));
    let mut asked = Asked { method, path, headers, body, own_key: road.own_key.clone() };
    if asked.is("POST", "/api/v1/webhooks/endpoints") {
        // Endpoints are reached through here, so that webhooks can be spoilt, too.
        let through = format!("{}{HOOKS}", road.own);
        asked.body = String::from_utf8_lossy(&asked.body).replace("\"http://", &format!("\"{through}")).into();
    }
    if let Spoil::Request(spoil) = road.spoil {
        spoil(&mut asked);
    }
    road.ask(&asked).await
}

impl Road {
    async fn ask(&self, asked: &Asked) -> Response {
        let request = self.client.request(asked.method.clone(), format!("{}{}", self.to, asked.path));
        let answer = request.headers(asked.headers.clone()).body(asked.body.clone()).send().await.expect("the sandbox answers");
        let (status, mut headers) = (answer.status().as_u16(), answer.headers().clone());
        for name in ["content-length", "transfer-encoding", "connection"] {
            headers.remove(name);
        }
        if headers.get("content-type").is_some_and(|media| media.as_bytes().starts_with(b"text/event-stream")) {
            return respond(status, headers, Body::from_stream(answer.bytes_stream()));
        }
        let body = answer.bytes().await.expect("the sandbox's whole answer");
        let body = String::from_utf8_lossy(&body).replace(&format!("{}{HOOKS}", self.own), "http://").into();
        let mut answered = Answered { status, headers, body };
        if let Spoil::Answer(spoil) = self.spoil {
            spoil(asked, &mut answered);
        }
        respond(answered.status, answered.headers, Body::from(answered.body))
    }

    async fn webhook(&self, endpoint: &str, headers: HeaderMap, body: Bytes) -> Response {
        let id = headers.get("webhook-id").map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned()).unwrap_or_default();
        let again = !self.events.lock().expect("no panic before").insert(id);
        let mut sent = Sent { headers, body, again };
        if let Spoil::Webhook(spoil) = self.spoil {
            spoil(&mut sent);
        }
        let sending = self.client.post(format!("http://{endpoint}")).headers(sent.headers).body(sent.body).send();
        // A receiver that has gone has not received it.
        let status = sending.await.map_or(502, |answer| answer.status().as_u16());
        respond(status, HeaderMap::new(), Body::empty())
    }
}

fn respond(status: u16, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status.try_into().expect("a status");
    *response.headers_mut() = headers;
    response
}
