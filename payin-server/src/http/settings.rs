//! `/config`: what an organization may set for itself.

use axum::extract::{Path, Request};
use axum::http::Uri;
use axum::response::Response;
use payin_core::access::Permission;
use serde::Deserialize;

use super::answer::{Reject, json};
use super::body::{BODY_MAX, parse, query};
use super::call::Caller;
use crate::app::settings;

/// No parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// `GET /config`
pub async fn list(caller: Caller, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let Nothing {} = query(&uri)?;
    Ok(json(200, &settings::list(&caller.app, &caller.key.organization_id).await?))
}

/// `GET /config/{key}`
pub async fn get(caller: Caller, Path(name): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    Ok(json(200, &settings::get(&caller.app, &caller.key.organization_id, &name).await?))
}

/// `PUT /config/{key}`
pub async fn put(caller: Caller, Path(name): Path<String>, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let body = caller.body(request, BODY_MAX).await?;
    let unit = settings::Put::new(&caller.app, caller.key.organization_id.clone(), name, parse(&body)?);
    Ok(json(200, &caller.app.store.write(unit).await?))
}
