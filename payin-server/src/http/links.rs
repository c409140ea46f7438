//! `/payment-links`, for their owners. What payers meet is in `http/checkout.rs`.

use axum::extract::{Path, Request};
use axum::http::Uri;
use axum::response::Response;
use payin_core::access::Permission;
use payin_types::Deleted;
use payin_types::link::PublishPaymentLink;

use super::answer::{Reject, json};
use super::body::{BODY_MAX, parse, query};
use super::call::Caller;
use crate::app::links::{self, Change, Create, Deed};

/// `POST /payment-links`
pub async fn create(caller: Caller, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::CreateOrders)?;
    let body = caller.body(request, BODY_MAX).await?;
    let unit = Create::new(&caller.app, caller.key.organization_id.clone(), parse(&body));
    caller.once(unit, &body, 201, false).await
}

/// `GET /payment-links`
pub async fn list(caller: Caller, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    Ok(json(200, &links::list(&caller.app, &caller.key.organization_id, query(&uri)?).await?))
}

/// `GET /payment-links/stats`
pub async fn stats(caller: Caller) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    Ok(json(200, &links::stats(&caller.app, &caller.key.organization_id).await?))
}

/// `GET /payment-links/{id}`
pub async fn get(caller: Caller, Path(id): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    Ok(json(200, &links::get(&caller.app, &caller.key.organization_id, &id).await?))
}

/// `GET /payment-links/{id}/orders`
pub async fn orders(caller: Caller, Path(id): Path<String>, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    Ok(json(200, &links::orders(&caller.app, &caller.key.organization_id, &id, query(&uri)?).await?))
}

fn change(caller: &Caller, id: String, deed: Deed) -> Change {
    Change::new(&caller.app, caller.key.organization_id.clone(), id, deed)
}

/// `PUT /payment-links/{id}`
pub async fn update(caller: Caller, Path(id): Path<String>, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::CreateOrders)?;
    let unit = change(&caller, id, Deed::Update(parse(&caller.body(request, BODY_MAX).await?)));
    Ok(json(200, &caller.app.store.write(unit).await?))
}

/// `DELETE /payment-links/{id}`
pub async fn delete(caller: Caller, Path(id): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::CreateOrders)?;
    caller.app.store.write(change(&caller, id, Deed::Delete)).await?;
    Ok(json(200, &Deleted { success: true }))
}

/// `POST /payment-links/{id}/publish`; the body may be absent.
pub async fn publish(caller: Caller, Path(id): Path<String>, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::CreateOrders)?;
    let body = caller.optional_body(request, BODY_MAX).await?;
    let asked = if body.is_empty() { Ok(PublishPaymentLink::default()) } else { parse(&body) };
    caller.once(change(&caller, id, Deed::Publish(asked)), &body, 200, false).await
}

async fn step(caller: Caller, id: String, deed: Deed) -> Result<Response, Reject> {
    caller.may(Permission::CreateOrders)?;
    let unit = change(&caller, id, deed);
    caller.once(unit, &[], 200, false).await
}

/// `POST /payment-links/{id}/unpublish`
pub async fn unpublish(caller: Caller, Path(id): Path<String>) -> Result<Response, Reject> {
    step(caller, id, Deed::Unpublish).await
}

/// `POST /payment-links/{id}/archive`
pub async fn archive(caller: Caller, Path(id): Path<String>) -> Result<Response, Reject> {
    step(caller, id, Deed::Archive).await
}

/// `POST /payment-links/{id}/restore`
pub async fn restore(caller: Caller, Path(id): Path<String>) -> Result<Response, Reject> {
    step(caller, id, Deed::Restore).await
}
