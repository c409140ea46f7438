//! The pages that payers see, below `/checkout`: what all of them have in common. They are rendered here, work without a script, and show
//! nothing of a merchant's own. Nothing runs or is loaded that this server does not serve itself, and nobody frames them.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use payin_core::Error;
use payin_types::{BindingId, ErrorCode, OrderId, PublicPaymentLink, Timestamp};

use super::reader::Reader;
use super::words::{LANGUAGES, Words};
use super::{Visitor, deposit_page, link_page, order_page, stream};
use crate::app::App;
use crate::http::answer::Reject;
use crate::http::asset::{self, File};
use crate::http::dialect::is_below;

/// What a page may do. Its script adds nothing to it: there is none in the page itself, and no style.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

static FILES: [File; 2] = [
    File::new(
        "/checkout/assets/page.css",
        "text/css; charset=utf-8",
        POLICY,
        concat!(include_str!("../../../assets/tokens.css"), include_str!("../../../assets/checkout/page.css")).as_bytes(),
    ),
    File::new("/checkout/assets/page.js", "text/javascript; charset=utf-8", POLICY, include_bytes!("../../../assets/checkout/page.js")),
];

/// The pages, whatever APIs are spoken.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/checkout/{name}", get(show).post(open)).merge(stream::router()).merge(asset::router(&FILES))
}

/// Whether there are only pages at a path: then it is a page that says no there.
#[must_use]
pub fn owns(path: &str) -> bool {
    is_below(path, &["/checkout"]) && !path.ends_with("/stream")
}

/// An order or an address for deposits by its id, or a payment link by its slug, in which no `_` can be.
async fn show(visitor: Visitor, reader: Reader, Path(name): Path<String>) -> Result<Response, Reject> {
    if name.starts_with(OrderId::PREFIX) {
        order_page::show(&visitor, reader, &name).await
    } else if name.starts_with(BindingId::PREFIX) {
        deposit_page::show(&visitor, reader, &name).await
    } else {
        link_page::show(&visitor, reader, &name).await
    }
}

/// A link's page as its owner looks at it beforehand.
pub(in crate::http) fn preview(app: &App, reader: Reader, link: PublicPaymentLink) -> Response {
    link_page::preview(app, reader, link)
}

/// A payer goes on from a link's page.
async fn open(visitor: Visitor, reader: Reader, Path(slug): Path<String>, request: Request) -> Result<Response, Reject> {
    check_own(&visitor.app, request.headers())?;
    link_page::open(&visitor, reader, &slug, request).await
}

/// Refuses what another site's page, also one of a sister site, has sent in its visitor's name. Where the browser does not say whence (it does over HTTPS), its `Origin`
/// tells.
pub(in crate::http) fn check_own(app: &App, headers: &HeaderMap) -> Result<(), Error> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host_of = |url: &str| url.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default().to_owned());
    let is_own = match (text(HeaderName::from_static("sec-fetch-site")), text(header::ORIGIN)) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, None) => true,
        (None, Some(origin)) => {
            let origin = host_of(origin);
            origin.is_some() && (origin.as_deref() == text(header::HOST) || origin == app.front.public_url.as_deref().and_then(host_of))
        }
    };
    let foreign = || Error::new(ErrorCode::InsufficientPermissions, "The form was sent from another site");
    if is_own { Ok(()) } else { Err(foreign()) }
}

/// What every page has around its own.
pub struct Frame {
    /// The language.
    pub t: &'static Words,
    /// What keeps the language in links.
    pub query: String,
    /// How a payment link wants its pages to look; as the payer's device does where nobody says.
    pub theme: Option<&'static str>,
    /// Every language.
    pub languages: [&'static Words; 2],
}

impl Frame {
    /// For a reader.
    #[must_use]
    pub fn new(reader: Reader, theme: Option<&'static str>) -> Self {
        Self { t: reader.words, query: reader.query(), theme, languages: LANGUAGES }
    }
}

/// A moment, as programs and as people without a script read it.
pub struct Moment {
    pub millis: i64,
    pub iso: String,
    pub text: String,
}

impl Moment {
    /// In UTC, to the minute.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        let iso = at.to_string();
        let text = match (iso.get(..10), iso.get(11..16)) {
            (Some(date), Some(time)) => format!("{date} {time} UTC"),
            _ => iso.clone(),
        };
        Self { millis: at.millis(), iso, text }
    }
}

/// An answer that is a page.
pub fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, headers(), html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn headers() -> [(HeaderName, HeaderValue); 8] {
    [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::VARY, "Accept-Language"),
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)))
}

#[derive(Template)]
#[template(path = "checkout/problem.html")]
struct Problem<'a> {
    frame: Frame,
    title: &'a str,
    text: &'a str,
    /// Where something went wrong, what to name to whoever helps.
    request_id: Option<&'a str>,
}

/// A page that says no.
pub fn refusal(error: &Error, reader: Reader, request_id: &str) -> Response {
    let (t, status) = (reader.words, StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    let (title, text) = match status {
        StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST | StatusCode::METHOD_NOT_ALLOWED => (t.not_found_title, t.not_found),
        StatusCode::TOO_MANY_REQUESTS => (t.too_often_title, t.too_often),
        StatusCode::FORBIDDEN => (t.foreign_title, t.foreign),
        _ => (t.trouble_title, t.trouble),
    };
    let request_id = (title == t.trouble_title).then_some(request_id);
    let mut response = page(status, &Problem { frame: Frame::new(reader, None), title, text, request_id });
    if let Some(seconds) = error.retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A page that says that there is nothing, in words of its own.
pub fn closed(status: StatusCode, reader: Reader, title: &str, text: &str) -> Response {
    page(status, &Problem { frame: Frame::new(reader, None), title, text, request_id: None })
}
