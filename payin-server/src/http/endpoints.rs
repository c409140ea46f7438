//! `/webhooks/endpoints`.

use axum::extract::{Path, Request};
use axum::http::Uri;
use axum::response::Response;
use payin_core::access::Permission;
use serde::Deserialize;

use super::answer::{Reject, json};
use super::call::{BODY_MAX, Caller, body, parse, query};
use crate::app::endpoints;

/// Which page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Paging {
    page: Option<u64>,
    limit: Option<u64>,
}

/// `POST /webhooks/endpoints`
pub async fn create(caller: Caller, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let body = body(request, BODY_MAX).await?;
    let unit = endpoints::Create::new(&caller.app, caller.key.organization_id.clone(), parse(&body));
    caller.once(unit, &body, 201, true).await
}

/// `GET /webhooks/endpoints`
pub async fn list(caller: Caller, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let Paging { page, limit } = query(&uri)?;
    Ok(json(200, &endpoints::list(&caller.app, &caller.key.organization_id, page, limit).await?))
}

/// `DELETE /webhooks/endpoints/{id}`
pub async fn delete(caller: Caller, Path(id): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let unit = endpoints::Delete { organization_id: caller.key.organization_id.clone(), id, now: caller.app.clock.now() };
    Ok(json(200, &caller.app.store.write(unit).await?))
}
