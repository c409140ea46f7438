//! The merchants' way to a server: the SDK over the router, in process. Requests and answers can be lost on it, and every exchange is kept,
//! for the judge.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use http_body_util::BodyExt as _;
use payin_sdk::transport::{Request, Response, Sending, Transport, TransportError, TransportErrorKind};
use tower::ServiceExt as _;

/// What becomes of the next exchange.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Loss {
    #[default]
    Nothing,
    /// It does not arrive.
    Request,
    /// It arrives, and its answer is lost.
    Answer,
}

/// A request and its answer, also one that its asker never saw.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub key: String,
    pub method: String,
    pub path: String,
    pub idempotency_key: Option<String>,
    pub request: Vec<u8>,
    pub status: u16,
    pub answer: Vec<u8>,
}

#[derive(Default)]
struct State {
    router: Option<Router>,
    loss: Loss,
    exchanges: Vec<Exchange>,
}

/// The way. Cheap to clone.
#[derive(Clone, Default)]
pub struct Line(Arc<Mutex<State>>);

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leads to this server from now on; to nobody without one.
    pub fn lead_to(&self, router: Option<Router>) {
        self.state().router = router;
    }

    pub fn lose(&self, loss: Loss) {
        self.state().loss = loss;
    }

    /// What was exchanged since it was last asked.
    #[must_use]
    pub fn taken(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.state().exchanges)
    }

    async fn exchange(&self, request: Request) -> Result<Response, TransportError> {
        let lost = |kind, why: &str| TransportError::new(kind, why.to_owned());
        let (router, loss) = {
            let mut state = self.state();
            (state.router.clone(), std::mem::take(&mut state.loss))
        };
        let router = router.ok_or_else(|| lost(TransportErrorKind::Connect, "nobody listens"))?;
        if loss == Loss::Request {
            return Err(lost(TransportErrorKind::Connect, "the request is lost"));
        }
        let path = request.url.strip_prefix("http://localhost").unwrap_or(&request.url).to_owned();
        let mut asked = http::Request::builder().method(request.method.clone()).uri(&path);
        let headers = asked.headers_mut().expect("headers");
        headers.extend(request.headers.clone());
        headers.insert("host", "localhost".parse().expect("a name"));
        let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let asked = asked.body(Body::from(request.body.clone())).expect("a request");
        let answer = router.oneshot(asked).await.expect("a router does not fail");
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        self.state().exchanges.push(Exchange {
            key: header("authorization").or_else(|| header("x-api-key")).unwrap_or_default(),
            method: request.method.to_string(),
            path,
            idempotency_key: header("idempotency-key"),
            request: request.body.to_vec(),
            status: parts.status.as_u16(),
            answer: body.to_vec(),
        });
        if loss == Loss::Answer {
            return Err(lost(TransportErrorKind::Broken, "the answer is lost"));
        }
        Ok(Response::new(parts.status.as_u16(), parts.headers, body))
    }
}

impl Transport for Line {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(self.exchange(request))
    }
}

/// What an idempotency key was used for: the asker's key, the method, the path, and it.
type Place = (String, String, String, String);

/// The first settled answer of an idempotency key.
#[derive(Debug)]
struct First {
    request: Vec<u8>,
    status: u16,
    answer: Vec<u8>,
}

/// Every answer that an idempotency key was given, by what it was given for.
#[derive(Debug, Default)]
pub struct Answers(BTreeMap<Place, First>);

impl Answers {
    /// Compares an answer with the first one of its key. Answers what is wrong.
    pub fn judge(&mut self, exchange: &Exchange) -> Option<String> {
        let key = exchange.idempotency_key.clone()?;
        let settled = matches!(exchange.status, 200..=299 | 400 | 404 | 422) || exchange.status == 409 && !exchange.says("IDEMPOTENCY_");
        if !settled {
            return None;
        }
        let place = (exchange.key.clone(), exchange.method.clone(), exchange.path.clone(), key);
        let first = self.0.entry(place).or_insert_with(|| First {
            request: exchange.request.clone(),
            status: exchange.status,
            answer: exchange.answer.clone(),
        });
        if first.request == exchange.request {
            let same = (first.status, &first.answer) == (exchange.status, &exchange.answer);
            let both =
                || format!("one key: {} {} and then {} {}", first.status, text(&first.answer), exchange.status, text(&exchange.answer));
            return (!same).then(both);
        }
        // Another body must be told as a conflict.
        (exchange.status < 300 && first.status < 300).then(|| format!("one key, two bodies, and both were done: {}", exchange.path))
    }
}

impl Exchange {
    #[must_use]
    pub fn says(&self, word: &str) -> bool {
        text(&self.answer).contains(word)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
