//! What every page has, a payer's or a merchant's: its head, its headers, and how it is sent. Nothing runs or is loaded that this server does not serve
//! itself, nobody frames it, no index has it. It must not know what a page is about.

use askama::Template;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use payin_types::Timestamp;

/// What a page may do. Its script adds nothing to it: there is none in the page itself, and no style.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; form-action 'self'; \
                          base-uri 'none'; frame-ancestors 'none'";

/// The text of the style sheet of some pages: the tokens, light and then dark, and behind them what is made of them. The dark ones stand in one file and twice
/// in the sheet: for whoever likes it dark, and for a page that is dark whoever looks.
macro_rules! style_sheet {
    ($path:literal) => {
        concat!(
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/tokens.css")),
            "@media (prefers-color-scheme: dark) {\n:root:not([data-theme=light]) {\n",
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/tokens-dark.css")),
            "}\n}\n[data-theme=dark] {\n",
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/tokens-dark.css")),
            "}\n",
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), $path)),
        )
    };
}
pub(in crate::http) use style_sheet;

/// What the head of a page says.
pub struct Head {
    /// Below which path its script is, and its style sheet.
    pub place: &'static str,
    /// The style sheet where it stands in the page: then a browser has all that it needs before it shows anything.
    pub style: Option<&'static str>,
    /// `light`, `dark`, or both as its reader's device is.
    pub scheme: &'static str,
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
        Self::up_to(at, 16)
    }

    /// In UTC, to the second.
    #[must_use]
    pub fn exact(at: Timestamp) -> Self {
        Self::up_to(at, 19)
    }

    fn up_to(at: Timestamp, end: usize) -> Self {
        let iso = at.to_string();
        let text = match (iso.get(..10), iso.get(11..end)) {
            (Some(date), Some(time)) => format!("{date} {time} UTC"),
            _ => iso.clone(),
        };
        Self { millis: at.millis(), iso, text }
    }
}

/// An answer that is a page. `vary`: by which headers of a request it is another one.
pub fn page(status: StatusCode, template: &impl Template, vary: &'static str) -> Response {
    match template.render() {
        Ok(html) => (status, headers(vary), html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn headers(vary: &'static str) -> [(HeaderName, HeaderValue); 8] {
    [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::VARY, vary),
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)))
}
