//! `/address-pool`.

use axum::extract::Request;
use axum::http::Uri;
use axum::response::Response;
use payin_core::access::Permission;

use super::answer::{Reject, json};
use super::call::{Caller, IMPORT_BODY_MAX, body, parse, query};
use crate::app::pool;

/// `POST /address-pool/import`
pub async fn import(caller: Caller, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let body = body(request, IMPORT_BODY_MAX).await?;
    let unit = pool::Import::new(&caller.app, caller.key.organization_id.clone(), parse(&body));
    caller.once(unit, &body, 200, false).await
}

/// `GET /address-pool/status`
pub async fn status(caller: Caller) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    Ok(json(200, &pool::status(&caller.app, &caller.key.organization_id).await?))
}

/// `GET /address-pool/addresses`
pub async fn addresses(caller: Caller, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    Ok(json(200, &pool::list(&caller.app, &caller.key.organization_id, query(&uri)?).await?))
}
