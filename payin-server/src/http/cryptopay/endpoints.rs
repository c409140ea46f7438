//! `/webhook-endpoints/`: where this API's events go, besides what an order says. A secret is shown once.

use axum::extract::{Path, Request};
use axum::http::Uri;
use axum::response::Response;
use payin_core::access::Permission;
use payin_core::cryptopay::{NAME, hooks, pages};
use payin_types::Endpoint;
use payin_types::cryptopay::{CreateWebhookEndpoint, UpdateWebhookEndpoint, WebhookEndpoint, WebhookEventType};
use serde_json::Map;

use super::answer::enveloped;
use super::fields::{Field, optional, optional_secret, parse_fields, required};
use super::merchant::Merchant;
use crate::app::dialect::endpoints::{self, Change, Create, New, Update};
use crate::http::answer::{Reject, json};
use crate::http::body::{BODY_MAX, query};

const PATH: &str = "/api/webhook-endpoints/";

const NEW: &[Field] = &[required::<String>("url"), optional::<Vec<String>>("events"), optional_secret("secret")];
const CHANGE: &[Field] = &[optional::<String>("url"), optional::<Vec<String>>("events"), optional::<bool>("is_active")];

fn shown(endpoint: Endpoint) -> WebhookEndpoint {
    WebhookEndpoint {
        id: endpoint.id,
        url: endpoint.url,
        events: endpoint.events.iter().map(|event| WebhookEventType::from(event.as_str())).collect(),
        secret: endpoint.secret,
        is_active: endpoint.enabled,
        created_at: endpoint.created_at,
        updated_at: endpoint.updated_at,
        extra: Map::new(),
    }
}

/// `POST /webhook-endpoints/`
pub async fn create(Merchant(caller): Merchant, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let body = caller.body(request, BODY_MAX).await?;
    let app = &caller.app;
    let new = parse_fields(&body, NEW)
        .and_then(|CreateWebhookEndpoint { url, events, secret }| hooks::events(events).map(|events| New { url, events, secret }));
    let endpoint = app.store.write(Create::new(app, NAME, caller.key.organization_id.clone(), new)).await?;
    Ok(enveloped(app, 201, shown(endpoint), "Webhook endpoint created"))
}

/// `GET /webhook-endpoints/`
pub async fn list(Merchant(caller): Merchant, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let page = pages::page(query(&uri)?)?;
    let (found, total) = endpoints::list(&caller.app, NAME, &caller.key.organization_id, (page.number, page.size)).await?;
    let endpoints: Vec<WebhookEndpoint> = found.into_iter().map(shown).collect();
    Ok(json(200, &page.of(PATH, endpoints, total)?))
}

/// `PUT /webhook-endpoints/{id}/`
pub async fn update(Merchant(caller): Merchant, Path(id): Path<String>, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let body = caller.body(request, BODY_MAX).await?;
    let app = &caller.app;
    let change = parse_fields(&body, CHANGE).and_then(|UpdateWebhookEndpoint { url, events, is_active }| {
        let events = events.map(|events| hooks::events(Some(events))).transpose()?;
        Ok(Change { url, events, is_active })
    });
    let unit = Update::new(app, NAME, caller.key.organization_id.clone(), id, change);
    Ok(enveloped(app, 200, shown(app.store.write(unit).await?), "Webhook endpoint updated"))
}
