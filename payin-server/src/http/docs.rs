//! `/openapi.yaml` and `/docs`: the contract, for programs and for people. It must not know the gateway: what it shows is the same for
//! everybody.

use axum::Router;

use super::asset::{self, File};

/// Nothing but what this server itself serves may run, be shown or be asked. The viewer's style sheet has its icons within it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const fn file(path: &'static str, content_type: &'static str, bytes: &'static [u8]) -> File {
    File::new(path, content_type, POLICY, bytes)
}

static FILES: [File; 6] = [
    file("/openapi.yaml", "application/yaml", include_bytes!("../../../openapi.yaml")),
    file("/docs", "text/html; charset=utf-8", include_bytes!("../../assets/docs/index.html")),
    file("/docs/page.css", "text/css; charset=utf-8", include_bytes!("../../assets/docs/page.css")),
    file("/docs/start.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/docs/start.js")),
    file("/docs/swagger-ui.css", "text/css; charset=utf-8", include_bytes!("../../assets/docs/swagger-ui.css")),
    file("/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/docs/swagger-ui-bundle.js")),
];

/// The description and the page that shows it.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    asset::router(&FILES)
}
