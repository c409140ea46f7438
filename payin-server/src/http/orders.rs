//! `/orders`. What an order is, is decided in `payin-core`; here is only how it is asked for.

use axum::extract::{Path, Request};
use axum::http::Uri;
use axum::response::Response;
use payin_core::access::Permission;

use super::answer::{Reject, json};
use super::body::{BODY_MAX, parse, query};
use super::call::Caller;
use crate::app::orders;

/// `POST /orders`
pub async fn create(caller: Caller, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::CreateOrders)?;
    let body = caller.body(request, BODY_MAX).await?;
    let unit = orders::Create::new(&caller.app, caller.key.organization_id.clone(), parse(&body));
    caller.once_together(unit, &body, 201).await
}

/// `GET /orders/{id}`
pub async fn get(caller: Caller, Path(id): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    Ok(json(200, &orders::get(&caller.app, &caller.key.organization_id, &id).await?))
}

/// `GET /orders/{id}/explain`
pub async fn explain(caller: Caller, Path(id): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    Ok(json(200, &orders::explain(&caller.app, &caller.key.organization_id, &id).await?))
}

/// `GET /orders/by-reference/{reference}`
pub async fn get_by_reference(caller: Caller, Path(reference): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    Ok(json(200, &orders::get_by_reference(&caller.app, &caller.key.organization_id, &reference).await?))
}

/// `GET /orders/stats`
pub async fn stats(caller: Caller, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    Ok(json(200, &orders::stats(&caller.app, &caller.key.organization_id, query(&uri)?).await?))
}

/// `GET /orders`
pub async fn list(caller: Caller, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    Ok(json(200, &orders::list(&caller.app, &caller.key.organization_id, query(&uri)?).await?))
}
