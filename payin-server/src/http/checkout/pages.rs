//! The pages that payers see, below `/checkout`: what all of them have in common. They are rendered here, work without a script, and show
//! nothing of a merchant's own. Nothing runs or is loaded that this server does not serve itself, and nobody frames them.

use std::sync::{Arc, LazyLock};

use askama::Template;
use axum::Router;
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use payin_core::Error;
use payin_types::{BindingId, ErrorCode, OrderId, PublicPaymentLink};
use sha2::{Digest as _, Sha256};

use super::reader::Reader;
use super::words::{LANGUAGES, Words};
use super::{Visitor, deposit_page, link_page, order_page, stream};
use crate::app::App;
use crate::http::answer::Reject;
use crate::http::asset::{self, File};
use crate::http::dialect::is_below;
use crate::http::page::{self, Head, POLICY, style_sheet};

static FILES: [File; 1] =
    [File::new("/checkout/assets/page.js", "text/javascript; charset=utf-8", POLICY, include_bytes!("../../../assets/checkout/page.js"))];

/// Stands in every page: a payer looks at one or two, and waits for the first.
const STYLE: &str = style_sheet!("/assets/checkout/page.css");

/// What these pages may do: as all pages, but that their one style is known by what it says, and no other is taken.
static PAGE_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = format!("style-src 'sha256-{}'", STANDARD.encode(Sha256::digest(STYLE)));
    HeaderValue::from_str(&POLICY.replace("style-src 'self'", &style)).unwrap_or(HeaderValue::from_static(POLICY))
});

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

/// A link's page as its owner looks at it beforehand, with the way back to where they came from.
pub(in crate::http) fn preview(app: &App, reader: Reader, link: PublicPaymentLink, back: String) -> Response {
    link_page::preview(app, reader, link, back)
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
    /// Where the same is to be had in another language: the query before it.
    pub again: &'static str,
    pub head: Head,
}

impl Frame {
    /// For a reader.
    #[must_use]
    pub fn new(reader: Reader, theme: Option<&'static str>) -> Self {
        Self {
            t: reader.words,
            query: reader.query(),
            theme,
            languages: LANGUAGES,
            again: "?",
            head: Head { place: "/checkout", style: Some(STYLE), scheme: theme.unwrap_or("light dark") },
        }
    }
}

/// An answer that is a page, in its reader's language.
pub fn page(status: StatusCode, template: &impl Template) -> Response {
    let mut response = page::page(status, template, "Accept-Language");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY.clone());
    response
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
