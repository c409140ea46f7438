//! `/transfers`.

use axum::extract::Path;
use axum::http::Uri;
use axum::response::Response;
use payin_core::access::Permission;

use super::answer::{Reject, json};
use super::body::query;
use super::call::Caller;
use crate::app::transfers;

/// `GET /transfers`
pub async fn list(caller: Caller, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    Ok(json(200, &transfers::list(&caller.app, &caller.key.organization_id, query(&uri)?).await?))
}

/// `GET /transfers/{id}`
pub async fn get(caller: Caller, Path(id): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    Ok(json(200, &transfers::get(&caller.app, &caller.key.organization_id, &id).await?))
}
