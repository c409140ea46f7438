//! `/webhooks/events`: the log of what was told to whom, and telling it again.

use axum::extract::{Path, Request};
use axum::http::Uri;
use axum::response::Response;
use payin_core::access::Permission;
use payin_types::ListEvents;

use super::answer::{Reject, json};
use super::body::{BODY_MAX, parse, parse_optional, query};
use super::call::Caller;
use crate::app::{event_log, resend};

/// `GET /webhooks/events`
pub async fn list(caller: Caller, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let (mut query, organization): (ListEvents, _) = (query(&uri)?, &caller.key.organization_id);
    Ok(match query.after.take() {
        Some(after) => json(200, &event_log::after(&caller.app, organization, &after, query).await?),
        None => json(200, &event_log::list(&caller.app, organization, query).await?),
    })
}

/// `GET /webhooks/events/{id}`
pub async fn get(caller: Caller, Path(id): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    Ok(json(200, &event_log::get(&caller.app, &caller.key.organization_id, &id).await?))
}

/// `GET /webhooks/events/{id}/deliveries`
pub async fn deliveries(caller: Caller, Path(id): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    Ok(json(200, &event_log::deliveries(&caller.app, &caller.key.organization_id, &id).await?))
}

/// `POST /webhooks/events/resend`
pub async fn resend_range(caller: Caller, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let body = caller.body(request, BODY_MAX).await?;
    let unit =
        resend::ResendRange { request: parse(&body), organization_id: caller.key.organization_id.clone(), now: caller.app.clock.now() };
    caller.once(unit, &body, 202, false).await
}

/// `POST /webhooks/events/{id}/resend`
pub async fn resend(caller: Caller, Path(id): Path<String>, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let body = caller.optional_body(request, BODY_MAX).await?;
    let organization_id = caller.key.organization_id.clone();
    let unit = resend::Resend { request: parse_optional(&body), organization_id, id, now: caller.app.clock.now() };
    caller.once(unit, &body, 202, false).await
}
