//! `/payments` and `/checkout/:id/status`. What a payment is, is decided in `payin-core`; here is only how it is asked for.

use axum::extract::{Path, Request};
use axum::http::Uri;
use axum::response::Response;
use payin_core::access::Permission;
use payin_core::{Error, paywarden as rules};
use payin_types::paywarden::{CreatePayment, FlatPage, ListPayments};

use super::merchant::Merchant;
use crate::app::App;
use crate::app::dialect::{self, Wish, merchants};
use crate::http::answer::{Reject, json};
use crate::http::body::{BODY_MAX, parse, query};
use crate::http::call::Caller;
use crate::http::checkout::Visitor;

const WEBHOOK_URL: &str = "webhook_url";

fn wish(request: CreatePayment, app: &App) -> Result<Wish, Error> {
    let (order, fingerprint) = (rules::order(&request, &app.chains)?, rules::fingerprint(&request));
    Ok(Wish { order, fingerprint, webhook: request.webhook_url.map(|url| (WEBHOOK_URL, url)), ends_at: None, is_numbered: false })
}

/// An order that brings no URL along is told of where its merchant says.
async fn webhook(caller: &Caller) -> Result<Option<(&'static str, String)>, Reject> {
    let url = merchants::webhook_url(&caller.app, &caller.key.organization_id).await?;
    Ok(url.map(|url| (WEBHOOK_URL, url)))
}

/// `POST /payments`
pub async fn create(Merchant(caller): Merchant, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::CreateOrders)?;
    let body = caller.body(request, BODY_MAX).await?;
    let (app, organization) = (&caller.app, caller.key.organization_id.clone());
    let mut wish = parse(&body).and_then(|request| wish(request, app));
    if let Ok(wish) = &mut wish
        && wish.webhook.is_none()
    {
        wish.webhook = webhook(&caller).await?;
    }
    let opened = app.store.write(dialect::Open::new(app, &rules::PayWarden, organization, wish)).await?;
    let (public_url, order) = (app.front.public_url.as_deref(), opened.order);
    if opened.is_new {
        return Ok(json(201, &rules::created(&order.shown.facts, public_url)));
    }
    Ok(json(200, &rules::payment(&order.shown.facts, order.heard, order.shown.head, public_url)))
}

/// `GET /payments/{id}`
pub async fn get(Merchant(caller): Merchant, Path(id): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    let (app, organization) = (&caller.app, &caller.key.organization_id);
    let order = dialect::get(app, rules::NAME, organization, &id).await?;
    let public_url = app.front.public_url.as_deref();
    Ok(json(200, &rules::payment_with_timeline(&order.shown.facts, order.heard, order.shown.head, public_url)))
}

/// `GET /payments`
pub async fn list(Merchant(caller): Merchant, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    let ListPayments { page, limit, status } = query(&uri)?;
    let stage = status.as_ref().map(rules::stage).transpose()?;
    let (app, organization) = (&caller.app, &caller.key.organization_id);
    let listed = dialect::list(app, rules::NAME, organization, stage, (page, limit)).await?;
    let public_url = app.front.public_url.as_deref();
    let payment = |order: &dialect::Through| rules::payment(&order.shown.facts, order.heard, order.shown.head, public_url);
    let data = listed.orders.iter().map(payment).collect();
    Ok(json(200, &FlatPage { data, total: listed.total, page: listed.page, limit: listed.limit }))
}

/// `GET /checkout/{id}/status`, for the payer.
pub async fn checkout(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Reject> {
    let order = dialect::find(&visitor.app, rules::NAME, &id).await?;
    Ok(json(200, &rules::checkout(&order.shown.facts, order.heard, order.shown.head)))
}
