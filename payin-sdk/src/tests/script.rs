//! A transport that answers from a script and remembers what it was sent, and a world whose time passes only in sleeps.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue};
use payin_types::Timestamp;
use serde_json::{Value, json};

use crate::Client;
use crate::transport::{Request, Response, Sending, Transport, TransportError, TransportErrorKind};
use crate::world::{NoRandomness, Sleep, World};

pub(super) const KEY: &str = "pk_test_0123456789SECRET";

/// 2025-01-20T10:30:00Z.
pub(super) const NOW_S: i64 = 1_737_369_000;

#[derive(Clone, Default)]
pub(super) struct Scene {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    steps: VecDeque<Step>,
    requests: Vec<Request>,
    slept: Vec<Duration>,
    elapsed: Duration,
    random: u128,
}

pub(super) struct Step {
    takes: Duration,
    answer: Result<Response, TransportErrorKind>,
}

impl Step {
    pub(super) fn takes(mut self, span: Duration) -> Self {
        self.takes = span;
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        let headers = &mut self.answer.as_mut().unwrap().headers;
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }
}

pub(super) fn answer(status: u16, body: &Value) -> Step {
    text(status, &body.to_string())
}

pub(super) fn text(status: u16, body: &str) -> Step {
    Step { takes: Duration::ZERO, answer: Ok(Response::new(status, HeaderMap::new(), body.to_owned())) }
}

pub(super) fn broken(kind: TransportErrorKind) -> Step {
    Step { takes: Duration::ZERO, answer: Err(kind) }
}

pub(super) fn problem(status: u16, code: &str) -> Step {
    answer(status, &json!({"error": "No", "message": "because", "code": code, "statusCode": status, "requestId": "req_7"}))
}

pub(super) fn order(status: &str) -> Value {
    json!({
        "orderId": "ord_1", "orderReference": "R-1", "amount": "100.00", "currency": "USDT", "chainId": "ethereum-sepolia",
        "protocol": "evm", "address": "0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb0", "status": status, "metadata": {},
        "createdAt": "2025-01-20T10:30:00.000Z", "expiresAt": "2025-01-20T10:40:00.000Z"
    })
}

impl Scene {
    pub(super) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        let scene = Self::default();
        scene.state.lock().unwrap().steps.extend(steps);
        scene
    }

    pub(super) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    pub(super) fn builder(&self) -> crate::Builder {
        Client::builder().api_key(KEY).base_url("https://api.test").transport(self.clone()).world(self.clone())
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    pub(super) fn sent(&self) -> usize {
        self.state.lock().unwrap().requests.len()
    }

    pub(super) fn slept(&self) -> Vec<Duration> {
        self.state.lock().unwrap().slept.clone()
    }

    pub(super) fn urls(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.url).collect()
    }

    /// The values that a header had, request by request; empty text where it had none.
    pub(super) fn headers(&self, name: &str) -> Vec<String> {
        let value = |request: &Request| request.headers.get(name).map_or(String::new(), |value| value.to_str().unwrap().to_owned());
        self.requests().iter().map(value).collect()
    }
}

impl Transport for Scene {
    fn send(&self, request: Request) -> Sending<'_> {
        let mut state = self.state.lock().unwrap();
        let step = state.steps.pop_front().expect("the script has no more answers");
        state.elapsed += step.takes.min(request.timeout);
        state.requests.push(request);
        let answer = step.answer.map_err(|kind| TransportError::new(kind, "scripted"));
        Box::pin(std::future::ready(answer))
    }
}

impl World for Scene {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(NOW_S).plus(self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        self.state.lock().unwrap().elapsed
    }

    fn sleep(&self, span: Duration) -> Sleep {
        let mut state = self.state.lock().unwrap();
        state.elapsed += span;
        state.slept.push(span);
        Box::pin(std::future::ready(()))
    }

    fn random(&self) -> Result<u128, NoRandomness> {
        let mut state = self.state.lock().unwrap();
        state.random += 0x1_0000_0000_0000_0000_0000_0000_0000;
        Ok(state.random)
    }
}
