//! `/webhooks/endpoints`. What an endpoint may be is decided in `payin-core`; here is only how it is asked for.

use axum::extract::{Path, Request};
use axum::http::Uri;
use axum::response::Response;
use payin_core::access::Permission;
use serde::Deserialize;

use super::answer::{Reject, json};
use super::body::{BODY_MAX, parse, parse_optional, query};
use super::call::Caller;
use crate::app::{endpoints, resend};

/// Which page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Paging {
    page: Option<u64>,
    limit: Option<u64>,
}

/// A body that says nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// `POST /webhooks/endpoints`
pub async fn create(caller: Caller, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let body = caller.body(request, BODY_MAX).await?;
    let unit = endpoints::Create::new(&caller.app, caller.key.organization_id.clone(), parse(&body));
    caller.once(unit, &body, 201, true).await
}

/// `GET /webhooks/endpoints`
pub async fn list(caller: Caller, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let Paging { page, limit } = query(&uri)?;
    Ok(json(200, &endpoints::list(&caller.app, &caller.key.organization_id, page, limit).await?))
}

/// `GET /webhooks/endpoints/{id}`
pub async fn get(caller: Caller, Path(id): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    Ok(json(200, &endpoints::get(&caller.app, &caller.key.organization_id, &id).await?))
}

/// `PUT /webhooks/endpoints/{id}`
pub async fn update(caller: Caller, Path(id): Path<String>, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let body = caller.body(request, BODY_MAX).await?;
    let unit = endpoints::Update {
        request: parse(&body),
        organization_id: caller.key.organization_id.clone(),
        id,
        now: caller.app.clock.now(),
        targets: caller.app.targets,
    };
    Ok(json(200, &caller.app.store.write(unit).await?))
}

/// `POST /webhooks/endpoints/{id}/rotate-secret`
pub async fn rotate_secret(caller: Caller, Path(id): Path<String>, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let body = caller.optional_body(request, BODY_MAX).await?;
    let unit = endpoints::Rotate::new(&caller.app, caller.key.organization_id.clone(), id, parse_optional(&body));
    caller.once(unit, &body, 200, true).await
}

/// `POST /webhooks/endpoints/{id}/test`
pub async fn test(caller: Caller, Path(id): Path<String>, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let body = caller.optional_body(request, BODY_MAX).await?;
    let request = parse_optional::<Nothing>(&body).map(|Nothing {}| id);
    let unit = resend::Test { endpoint: request, organization_id: caller.key.organization_id.clone(), now: caller.app.clock.now() };
    caller.once(unit, &body, 202, false).await
}

/// `DELETE /webhooks/endpoints/{id}`
pub async fn delete(caller: Caller, Path(id): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let unit = endpoints::Delete { organization_id: caller.key.organization_id.clone(), id, now: caller.app.clock.now() };
    Ok(json(200, &caller.app.store.write(unit).await?))
}
