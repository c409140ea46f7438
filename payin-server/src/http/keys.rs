//! `/organizations` and `/api-keys`.

use axum::extract::{Path, Request};
use axum::http::Uri;
use axum::response::Response;
use payin_core::access::Permission;
use payin_types::Deleted;

use super::answer::{Reject, json};
use super::body::{BODY_MAX, parse, query};
use super::call::Caller;
use crate::app::keys;

/// `GET /organizations`
pub async fn organizations(caller: Caller, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    Ok(json(200, &keys::organizations(&caller.app, &caller.key, &query(&uri)?).await?))
}

/// `POST /organizations/{id}/api-keys`
pub async fn create(caller: Caller, Path(organization): Path<String>, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let body = caller.body(request, BODY_MAX).await?;
    let unit = keys::Create::new(&caller.app, &caller.key, organization, parse(&body));
    caller.once(unit, &body, 201, true).await
}

/// `GET /organizations/{id}/api-keys`
pub async fn list(caller: Caller, Path(organization): Path<String>, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    Ok(json(200, &keys::list(&caller.app, &caller.key.organization_id, &organization, &query(&uri)?).await?))
}

/// `DELETE /api-keys/{keyId}`
pub async fn revoke(caller: Caller, Path(id): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    keys::revoke(&caller.app, Some(&caller.key), id).await?;
    Ok(json(200, &Deleted { success: true }))
}
