//! `/openapi.yaml` and `/docs`: the contract, for programs and for people. Everything is in the binary and nothing is fetched from elsewhere, so
//! that they work where there is no network. It must not know the gateway: what it shows is the same for everybody.

use std::sync::OnceLock;

use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Nothing but what this server itself serves may run, be shown or be asked. The viewer's style sheet has its icons within it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct File {
    path: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    tag: OnceLock<String>,
}

impl File {
    const fn new(path: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Self {
        Self { path, content_type, bytes, tag: OnceLock::new() }
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
            constant(header::CONTENT_SECURITY_POLICY, POLICY),
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

static FILES: [File; 6] = [
    File::new("/openapi.yaml", "application/yaml", include_bytes!("../../../openapi.yaml")),
    File::new("/docs", "text/html; charset=utf-8", include_bytes!("../../assets/docs/index.html")),
    File::new("/docs/page.css", "text/css; charset=utf-8", include_bytes!("../../assets/docs/page.css")),
    File::new("/docs/start.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/docs/start.js")),
    File::new("/docs/swagger-ui.css", "text/css; charset=utf-8", include_bytes!("../../assets/docs/swagger-ui.css")),
    File::new("/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/docs/swagger-ui-bundle.js")),
];

/// The description and the page that shows it.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES
        .iter()
        .fold(Router::new(), |router, file| router.route(file.path, get(move |request: HeaderMap| async move { file.answer(&request) })))
}
