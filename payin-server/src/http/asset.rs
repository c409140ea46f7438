//! Files that are in the binary and the same for everybody: style sheets, scripts, the contract. Nothing is fetched from elsewhere, so that
//! they work where there is no network. It must not know the gateway.

use std::sync::OnceLock;

use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// A file.
pub struct File {
    path: &'static str,
    content_type: &'static str,
    policy: &'static str,
    bytes: &'static [u8],
    tag: OnceLock<String>,
}

impl File {
    /// What stands at a path, and what a page there may do.
    #[must_use]
    pub const fn new(path: &'static str, content_type: &'static str, policy: &'static str, bytes: &'static [u8]) -> Self {
        Self { path, content_type, policy, bytes, tag: OnceLock::new() }
    }

    /// Changes when the bytes do.
    fn tag(&self) -> &str {
        self.tag.get_or_init(|| format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(self.bytes))))
    }

    fn answer(&self, request: &HeaderMap) -> Response {
        let constant = |name: HeaderName, value: &'static str| (name, HeaderValue::from_static(value));
        let headers = [
            constant(header::CONTENT_TYPE, self.content_type),
            // To be kept, and to be asked for again each time: a new version of the server may have another one.
            constant(header::CACHE_CONTROL, "no-cache"),
            constant(header::CONTENT_SECURITY_POLICY, self.policy),
            constant(header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            constant(header::REFERRER_POLICY, "no-referrer"),
        ];
        let mut response = if knows(request, self.tag()) {
            (StatusCode::NOT_MODIFIED, headers).into_response()
        } else {
            (headers, self.bytes).into_response()
        };
        if let Ok(tag) = HeaderValue::from_str(self.tag()) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// Whether the caller has these very bytes already (RFC 9110, 13.1.2).
fn knows(request: &HeaderMap, tag: &str) -> bool {
    let given = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|value| value.split(',')).map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

/// Files at their paths.
pub fn router<S: Clone + Send + Sync + 'static>(files: &'static [File]) -> Router<S> {
    files
        .iter()
        .fold(Router::new(), |router, file| router.route(file.path, get(move |request: HeaderMap| async move { file.answer(&request) })))
}
