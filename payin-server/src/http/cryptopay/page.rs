//! What this API's documents call an order's page, and its address as a QR code. The page is the one of all APIs' orders; whoever knows the
//! order's id may see both.

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use payin_core::Error;
use payin_core::cryptopay::{self as rules, NAME, Named};

use super::orders::nothing_as_named;
use crate::app::dialect::{self, Through};
use crate::app::{App, Fault};
use crate::http::answer::Reject;
use crate::http::checkout::Visitor;
use crate::http::qr;

/// An image may show what it has within it: nothing runs, nothing is loaded.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// An order by what its payer has of it: its id, which cannot be guessed. Its number is its merchant's.
async fn find(app: &App, id: &str) -> Result<Through, Reject> {
    let not_found = || Error::not_found("Payment order", id);
    match rules::named(id) {
        Some(Named::Id(id)) => Ok(dialect::find(app, NAME, id.as_str()).await.map_err(|failure| nothing_as_named(failure, not_found))?),
        _ => Err(not_found().into()),
    }
}

/// `GET /order/{id}`: leads to the page.
pub async fn page(visitor: Visitor, Path(id): Path<String>, uri: Uri) -> Result<Response, Reject> {
    let found = find(&visitor.app, &id).await?;
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let to = format!("/checkout/{}{query}", found.shown.facts.id);
    let to = HeaderValue::from_str(&to).map_err(|error| Fault::Corrupt(error.to_string()))?;
    Ok((StatusCode::FOUND, [(header::LOCATION, to), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))]).into_response())
}

/// `GET /qr/{id}`: the address as a QR code.
pub async fn code(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Reject> {
    let found = find(&visitor.app, &id).await?;
    let image = qr::svg(found.shown.facts.address.as_str(), None)?;
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    Ok((headers, image).into_response())
}
