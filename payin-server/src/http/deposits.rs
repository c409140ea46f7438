//! `/deposits`. What a deposit is, is decided in `payin-core`; here is only how it is asked for.

use axum::extract::{Path, Request};
use axum::http::Uri;
use axum::response::Response;
use payin_core::access::Permission;

use super::answer::{Reject, json};
use super::body::{BODY_MAX, parse, query};
use super::call::Caller;
use crate::app::deposits;

/// `POST /deposits/references`
pub async fn bind(caller: Caller, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::CreateDeposits)?;
    let body = caller.body(request, BODY_MAX).await?;
    let unit = deposits::Bind::new(&caller.app, caller.key.organization_id.clone(), parse(&body));
    caller.once(unit, &body, 201, false).await
}

/// `GET /deposits/references/{reference}`
pub async fn get(caller: Caller, Path(reference): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    Ok(json(200, &deposits::get(&caller.app, &caller.key.organization_id, &reference).await?))
}

/// `GET /deposits/references`
pub async fn references(caller: Caller, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    Ok(json(200, &deposits::references(&caller.app, &caller.key.organization_id, query(&uri)?).await?))
}

/// `DELETE /deposits/references/{reference}`
pub async fn unbind(caller: Caller, Path(reference): Path<String>, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::CreateDeposits)?;
    let query = query(&uri).map_err(|reject| reject.0);
    let unit = deposits::Unbind::new(&caller.app, caller.key.organization_id.clone(), reference, query);
    Ok(json(200, &caller.app.store.write(unit).await?))
}

/// `GET /deposits`
pub async fn list(caller: Caller, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    Ok(json(200, &deposits::list(&caller.app, &caller.key.organization_id, query(&uri)?).await?))
}

/// `GET /deposits/{id}`
pub async fn get_deposit(caller: Caller, Path(id): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    Ok(json(200, &deposits::get_deposit(&caller.app, &caller.key.organization_id, &id).await?))
}
