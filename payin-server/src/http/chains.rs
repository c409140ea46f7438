//! `/chains`: what is offered, and how following it goes. Every role may ask.

use axum::http::Uri;
use axum::response::Response;
use payin_core::access::Permission;
use serde::Deserialize;

use super::answer::{Reject, json};
use super::body::query;
use super::call::Caller;
use crate::app::chains;

/// No parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// `GET /chains`
pub async fn list(caller: Caller, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    let Nothing {} = query(&uri)?;
    Ok(json(200, &chains::list(&caller.app, &caller.key.organization_id).await?))
}
