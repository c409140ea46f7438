//! What all pages of the dashboard have around their own: headers, the way around, who is signed in; and the pages that say no. Nothing runs
//! or is loaded that this server does not serve itself, nobody frames them, and no index has them.

use std::convert::Infallible;
use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use payin_core::Error;
use payin_types::ErrorCode;

use super::said;
use super::words::{LANGUAGES, Words};
use crate::app::App;
use crate::http::checkout::reader::Reader;
use crate::http::cookie::{Cookie, values};
use crate::http::page::{self, Head};

/// Keeps the language that somebody chose.
pub const LANGUAGE: Cookie = Cookie { name: "payin_language", path: "/dashboard", same_site: "Lax" };

/// What heads say: the looks are those of the reader's device. One style sheet is kept for all the pages that somebody looks at.
pub const HEAD: Head = Head { place: "/dashboard", style: None, scheme: "light dark" };

/// A year.
const LANGUAGE_FOR_S: u64 = 365 * 24 * 60 * 60;

/// The language that somebody reads: as they say in the query, as they said before, or as their browser says.
#[derive(Clone, Copy)]
pub struct Tongue(pub &'static Words);

impl Tongue {
    /// Of whoever made a request.
    #[must_use]
    pub fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let reader = Reader::of(uri, headers);
        let kept = values(headers, LANGUAGE.name).next().filter(|_| reader.query().is_empty());
        Self(kept.and_then(Words::of).or_else(|| Words::of(reader.words.code())).unwrap_or(LANGUAGES[0]))
    }
}

/// Around a page.
pub struct Frame {
    /// The language.
    pub t: &'static Words,
    /// Every language.
    pub languages: [&'static Words; 2],
    /// Where the same is to be had in another language: a path or nothing, and the query before it.
    pub again: String,
    pub head: Head,
    /// Whoever is signed in.
    pub office: Option<Office>,
}

impl Frame {
    /// Around a page for whoever it is.
    #[must_use]
    pub fn plain(t: &'static Words) -> Self {
        Self { t, languages: LANGUAGES, again: "?".to_owned(), head: HEAD, office: None }
    }
}

/// Whoever is signed in, and where they may go.
pub struct Office {
    pub name: String,
    pub role: String,
    pub organization: String,
    /// Those that they are members of: id, name, whether it is looked at.
    pub organizations: Vec<(String, String, bool)>,
    pub ways: Vec<Way>,
    /// What every form bears.
    pub form_token: String,
    pub is_sandbox: bool,
    pub is_test: bool,
}

/// A way to a page.
pub struct Way {
    pub href: &'static str,
    pub label: &'static str,
    pub is_here: bool,
}

/// An answer that is a page, for whoever has asked. What another site has opened has no hold on it.
pub fn page(status: StatusCode, template: &impl Template) -> Response {
    let mut response = page::page(status, template, "Accept-Language, Cookie");
    let alone = HeaderName::from_static("cross-origin-opener-policy");
    response.headers_mut().insert(alone, HeaderValue::from_static("same-origin"));
    response
}

/// Leads to another page, which is asked for with GET.
pub fn lead_to(path: &str) -> Response {
    let to = HeaderValue::from_str(path).unwrap_or_else(|_| HeaderValue::from_static("/dashboard"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))]).into_response()
}

#[derive(Template)]
#[template(path = "dashboard/problem.html")]
struct Problem<'a> {
    frame: Frame,
    title: &'a str,
    text: &'a str,
    /// Why.
    detail: Option<String>,
    /// Where something went wrong, what to name to whoever helps.
    request_id: Option<&'a str>,
}

/// A page that says no; where nobody is signed in, the way to sign in.
pub fn refusal(error: &Error, tongue: Tongue, method: &Method, path: &str, request_id: &str) -> Response {
    let t = tongue.0;
    if error.code == ErrorCode::InvalidApiKey && method.is_safe() {
        let to: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
        return lead_to(&format!("/dashboard/sign-in?to={to}"));
    }
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (title, text) = match status {
        StatusCode::UNAUTHORIZED => (t.signed_out_title, t.signed_out),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => (t.not_found_title, t.not_found),
        StatusCode::TOO_MANY_REQUESTS => (t.too_often_title, t.too_often),
        StatusCode::FORBIDDEN => (t.forbidden_title, t.forbidden),
        status if status.is_client_error() => (t.refused_title, t.refused),
        _ => (t.trouble_title, t.trouble),
    };
    let detail = (title == t.refused_title).then(|| said::refusal(t, error));
    let request_id = (title == t.trouble_title).then_some(request_id);
    let mut response = page(status, &Problem { frame: Frame::plain(t), title, text, detail, request_id });
    if let Some(seconds) = error.retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

impl<S: Sync> FromRequestParts<S> for Tongue {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.uri, &parts.headers))
    }
}

/// Has a browser keep the language that somebody chose.
pub async fn keep_language(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let chosen = Reader::of(request.uri(), request.headers());
    let mut response = next.run(request).await;
    if !chosen.query().is_empty()
        && let Err(fault) = LANGUAGE.set(&mut response, &app, chosen.words.code(), LANGUAGE_FOR_S)
    {
        tracing::error!(%fault, "a language cannot be kept");
    }
    response
}
