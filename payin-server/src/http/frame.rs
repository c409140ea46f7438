//! What every request and answer has, whatever its path: an id, the error body of the API whose path it is, headers. It must not know any
//! use case.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use payin_core::Error;
use payin_core::error::shown;
use payin_core::quota::View;
use payin_types::ErrorCode;
use payin_types::id::base62;

use super::answer::{Reject, rejection};
use super::checkout::pages;
use super::checkout::reader::Reader;
use super::dashboard::{self, Tongue};
use super::dialect::{Apis, Asked};
use super::listen::HangUp;
use crate::app::App;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, as handlers see it.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Where the caller of a request stands within its limits: told by whoever counts, shown on the answer.
#[derive(Debug, Clone, Default)]
pub struct Standing(Arc<Mutex<Option<View>>>);

impl Standing {
    /// Says so.
    pub fn set(&self, view: View) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(view);
    }

    fn show(&self, response: &mut Response) {
        let Some(view) = *self.0.lock().unwrap_or_else(PoisonError::into_inner) else { return };
        let headers = response.headers_mut();
        headers.insert("x-ratelimit-limit", HeaderValue::from(view.limit));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(view.remaining));
        headers.insert("x-ratelimit-reset", HeaderValue::from(view.reset_at));
    }
}

/// What the frame must know.
pub struct Framed {
    /// The gateway.
    pub app: Arc<App>,
    /// The APIs spoken here, each with its own way to say no.
    pub apis: Apis,
}

/// A person who reads the answer to a request.
enum Person {
    Payer(Reader),
    Member(Tongue),
}

impl Framed {
    /// Who reads the answer to a request, where that is a person.
    fn person(&self, request: &Request) -> Option<Person> {
        let (path, headers) = (request.uri().path(), request.headers());
        if self.app.front.has_dashboard && dashboard::owns(path) {
            return Some(Person::Member(Tongue::of(request.uri(), headers)));
        }
        let is_page = pages::owns(path) && self.apis.owner(path).is_none();
        is_page.then(|| Person::Payer(Reader::of(request.uri(), headers)))
    }

    /// How a page says no, or the API whose path it is.
    fn refusal(&self, error: &Error, path: &str, asked: &Asked<'_>, person: Option<&Person>) -> Response {
        match (person, self.apis.owner(path)) {
            (Some(Person::Payer(reader)), _) => pages::refusal(error, *reader, asked.request_id),
            (Some(Person::Member(tongue)), _) => dashboard::refusal(error, *tongue, asked.method, path, asked.request_id),
            (None, Some(dialect)) => dialect.refusal(error, asked),
            (None, None) => rejection(error, asked.request_id),
        }
    }
}

/// Gives a request its id and its answer the documented form.
pub async fn frame(State(framed): State<Arc<Framed>>, mut request: Request, next: Next) -> Response {
    let app = &framed.app;
    let id = format!("req_{}", base62(app.random_id(), 22));
    request.extensions_mut().insert(RequestId(id.clone()));
    let standing = app.quotas.are_on().then(Standing::default);
    if let Some(standing) = &standing {
        request.extensions_mut().insert(standing.clone());
    }
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let person = framed.person(&request);
    // No path of ours contains NUL, and PostgreSQL refuses it in a text.
    let mut response = if path.contains("%00") { unknown(&path) } else { next.run(request).await };
    if let Some(Reject(error)) = response.extensions_mut().remove::<Reject>() {
        response = framed.refusal(&error, &path, &Asked { request_id: &id, method: &method, now: app.clock.now() }, person.as_ref());
    } else if is_error(&response) && !is_finished(&response) && response.extensions().get::<HangUp>().is_none() {
        let (error, allow) = dress(&response, &method, &path);
        response = framed.refusal(&error, &path, &Asked { request_id: &id, method: &method, now: app.clock.now() }, person.as_ref());
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    if let Some(standing) = standing {
        standing.show(&mut response);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    tracing::debug!(request.id = id, %method, path, status = response.status().as_u16(), "answered");
    response
}

fn is_error(response: &Response) -> bool {
    response.status().is_client_error() || response.status().is_server_error()
}

/// Whether an API or a page has said no in its own form; what the router says is plain text, or nothing.
fn is_finished(response: &Response) -> bool {
    let finished: [&[u8]; 2] = [b"application/json", b"text/html"];
    let content_type = response.headers().get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| finished.iter().any(|finished| value.as_bytes().starts_with(finished)))
}

/// What the router's own refusal says, and the methods that it allows instead.
fn dress(response: &Response, method: &Method, path: &str) -> (Error, Option<HeaderValue>) {
    let allow = response.headers().get(header::ALLOW).cloned();
    let error = match response.status() {
        StatusCode::METHOD_NOT_ALLOWED => {
            let allowed = allow.as_ref().and_then(|allow| allow.to_str().ok()).unwrap_or_default().replace(',', ", ");
            Error::new(
                ErrorCode::MethodNotAllowed,
                format!("{} is not allowed on {}; allowed: {allowed}", shown(method.as_str()), shown(path)),
            )
        }
        StatusCode::NOT_FOUND => not_found(path),
        status if status.is_client_error() => {
            Error::new(ErrorCode::ValidationError, "The path or query cannot be read: check its percent-encoding")
        }
        _ => Error::new(ErrorCode::InternalError, "The server met a fault and did nothing; quote the request id to its operator"),
    };
    (error, allow)
}

fn not_found(path: &str) -> Error {
    Error::new(ErrorCode::ResourceNotFound, format!("There is nothing at {}", shown(path)))
}

fn unknown(path: &str) -> Response {
    axum::response::IntoResponse::into_response(Reject(not_found(path)))
}

/// The answer to a path that does not exist.
pub async fn unknown_path(request: Request) -> Reject {
    Reject(not_found(request.uri().path()))
}
