//! Requests and answers as they go over the wire: statuses, headers and bytes, none of them read by the SDK's types. It must not judge
//! what is in an answer.

use std::borrow::Cow;
use std::time::Duration;

use http::{HeaderMap, Method};
use payin_sdk::SecretString;
use payin_sdk::transport::{Incoming, Request, ReqwestTransport, Response, Transport, TransportError};
use payin_sdk::types::ExposeSecret;
use serde_json::Value;

use super::check::{Broken, Wrong};
use super::contract::{Operation, brief};
use crate::failure::Failure;

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// With which key something is asked.
#[derive(Debug, Clone, Default)]
pub enum Key {
    #[default]
    Own,
    None,
    /// Another one.
    Of(SecretString),
    /// The own one, as a bearer token.
    Bearer,
    /// The own one and another one as bearer token.
    Both(SecretString),
}

/// A request on its way.
#[derive(Debug, Clone)]
pub struct Ask {
    pub target: Target,
    pub key: Key,
    pub body: Option<Vec<u8>>,
    arguments: Vec<String>,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
}

/// What is asked.
#[derive(Debug, Clone)]
pub enum Target {
    /// An operation by its id in `openapi.yaml`.
    Operation(Cow<'static, str>),
    /// What no operation has.
    Nothing(&'static str, &'static str),
}

impl Ask {
    fn new(target: Target) -> Self {
        Self { target, key: Key::Own, body: None, arguments: Vec::new(), query: Vec::new(), headers: Vec::new() }
    }

    pub fn of(operation: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Target::Operation(operation.into()))
    }

    pub fn nothing(method: &'static str, path: &'static str) -> Self {
        Self::new(Target::Nothing(method, path))
    }

    /// What stands in the path, in the order of the parameters there.
    pub fn at(mut self, argument: &str) -> Self {
        self.arguments.push(escape(argument));
        self
    }

    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn idempotent(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    pub fn json(self, body: &Value) -> Self {
        self.text(body.to_string())
    }

    /// A body that says that it is JSON.
    pub fn text(self, body: impl Into<Vec<u8>>) -> Self {
        self.header("Content-Type", "application/json").bytes(body)
    }

    /// A body that says nothing of itself.
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub fn key(mut self, key: Key) -> Self {
        self.key = key;
        self
    }

    /// The path with its query.
    fn path(&self, template: &str) -> String {
        let mut arguments = self.arguments.iter();
        let mut fill = |segment: &str| match segment.starts_with('{').then(|| arguments.next()).flatten() {
            Some(argument) => argument.clone(),
            None => segment.to_owned(),
        };
        let filled: Vec<String> = template.split('/').map(&mut fill).collect();
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{mark}{}", filled.join("/"), query.join("&"))
    }
}

/// With everything percent-encoded that could mean something else in a path or a query.
fn escape(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes().map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What was asked, for people: `GET /api/v1/orders?limit=2`.
    pub at: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    /// The body; `null` where it is not JSON.
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn request_id(&self) -> Option<String> {
        self.header("X-Request-Id").map(str::to_owned)
    }

    /// What is wrong with this answer.
    pub fn wrong(&self, expected: impl Into<String>) -> Broken {
        let got = format!("{}: {} {}", self.at, self.status, brief(&String::from_utf8_lossy(&self.bytes)));
        Broken::Wrong(Wrong { expected: expected.into(), got, request_id: self.request_id() })
    }

    /// The answer, if it has this status.
    pub fn ok(self, status: u16) -> Result<Self, Broken> {
        if self.status == status {
            return Ok(self);
        }
        match self.code() {
            // Not the server's fault, and nothing is learnt about it.
            "NO_AVAILABLE_ADDRESSES" => Err(Broken::Skipped("the address pool has no free address".to_owned())),
            "CHAIN_UNAVAILABLE" => Err(Broken::Skipped("the server cannot watch the chain just now".to_owned())),
            _ => Err(self.wrong(format!("status {status}"))),
        }
    }

    /// That it was refused with this status and code.
    pub fn refused(&self, status: u16, code: &str) -> Result<(), Broken> {
        if self.status == status && self.code() == code { Ok(()) } else { Err(self.wrong(format!("{status} {code}"))) }
    }

    pub fn code(&self) -> &str {
        self.body.get("code").and_then(Value::as_str).unwrap_or_default()
    }

    /// A text within the body, by its JSON pointer.
    pub fn field(&self, pointer: &str) -> Result<String, Broken> {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.map(str::to_owned).ok_or_else(|| self.wrong(format!("a text at {pointer}")))
    }

    /// That a place in the body holds this.
    pub fn has(&self, pointer: &str, value: &Value) -> Result<(), Broken> {
        let found = self.body.pointer(pointer).unwrap_or(&Value::Null);
        if found == value { Ok(()) } else { Err(self.differs(pointer, value, found)) }
    }

    fn differs(&self, pointer: &str, expected: &Value, got: &Value) -> Broken {
        let got = format!("{}: {got} at {pointer}", self.at);
        Broken::Wrong(Wrong { expected: format!("{expected} at {pointer}"), got, request_id: self.request_id() })
    }

    /// The rows of a page.
    pub fn rows(&self) -> Result<&Vec<Value>, Broken> {
        self.body.get("data").and_then(Value::as_array).ok_or_else(|| self.wrong("a list at /data"))
    }

    /// Of each row of a page, one of its texts.
    pub fn column(&self, name: &str) -> Result<Vec<String>, Broken> {
        let text = |row: &Value| row.get(name).and_then(Value::as_str).map(str::to_owned);
        self.rows()?.iter().map(text).collect::<Option<_>>().ok_or_else(|| self.wrong(format!("a text at /data/…/{name}")))
    }
}

/// The way to the server.
pub struct Wire {
    root: String,
    key: SecretString,
    transport: ReqwestTransport,
}

impl Wire {
    /// `api` ends with `/api/v1`, as [`payin_sdk::Client::base_url`] says it.
    pub fn new(api: &str, key: SecretString) -> Result<Self, Failure> {
        let transport = ReqwestTransport::new(api)?;
        Ok(Self { root: api.trim_end_matches("/api/v1").to_owned(), key, transport })
    }

    pub async fn send(&self, ask: &Ask, operation: Option<&Operation>) -> Result<Answer, Broken> {
        let (at, request) = self.request(ask, operation)?;
        let response = self.transport.send(request).await.map_err(|error| unanswered(&at, &error))?;
        let Response { status, headers, body, .. } = response;
        let json = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Answer { at, status, headers, bytes: body.to_vec(), body: json })
    }

    /// The beginning of an answer that need not end.
    pub async fn open(&self, ask: &Ask, operation: Option<&Operation>) -> Result<(String, Incoming), Broken> {
        let (at, request) = self.request(ask, operation)?;
        let incoming = self.transport.open(request).await.map_err(|error| unanswered(&at, &error))?;
        Ok((at, incoming))
    }

    fn request(&self, ask: &Ask, operation: Option<&Operation>) -> Result<(String, Request), Broken> {
        let (method, template) = match (&ask.target, operation) {
            (Target::Operation(_), Some(operation)) => (operation.method.as_str(), operation.path.as_str()),
            (Target::Operation(id), None) => return Err(Broken::Skipped(format!("openapi.yaml has no operation {id}"))),
            (Target::Nothing(method, path), _) => (*method, *path),
        };
        let path = ask.path(template);
        let at = format!("{method} {path}");
        let unsendable = |error: String| Broken::Skipped(format!("{at} cannot be sent: {error}"));
        let method = Method::from_bytes(method.as_bytes()).map_err(|error| unsendable(error.to_string()))?;
        let mut request = Request::new(method, format!("{}{path}", self.root), TIMEOUT);
        let bearer = |key: &SecretString| ("Authorization", format!("Bearer {}", key.expose_secret()));
        let plain = |key: &SecretString| ("X-API-Key", key.expose_secret().to_owned());
        let keys = match &ask.key {
            Key::None => Vec::new(),
            Key::Own => vec![plain(&self.key)],
            Key::Of(key) => vec![plain(key)],
            Key::Bearer => vec![bearer(&self.key)],
            Key::Both(other) => vec![plain(&self.key), bearer(other)],
        };
        let headers = ask.headers.iter().map(|(name, value)| (name.as_str(), value.clone()));
        for (name, value) in keys.into_iter().chain(headers) {
            request.add_header(name, &value).map_err(|error| unsendable(error.to_string()))?;
        }
        request.body = ask.body.clone().unwrap_or_default().into();
        Ok((at, request))
    }
}

fn unanswered(at: &str, error: &TransportError) -> Broken {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Broken::wrong("an answer", format!("{at}: {error}{cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_filled_and_escaped() {
        let ask = Ask::of("x").at("a/b ü").query("search", "50% & more").query("limit", 2);
        assert_eq!(ask.path("/orders/{orderId}/explain"), "/orders/a%2Fb%20%C3%BC/explain?search=50%25%20%26%20more&limit=2");
        assert_eq!(Ask::of("x").path("/orders/{orderId}"), "/orders/{orderId}");
    }
}
