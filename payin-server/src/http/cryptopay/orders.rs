//! `/payment-orders/`. What a payment order is, is decided in `payin-core`; here is only how it is asked for.

use axum::extract::{Path, Request};
use axum::http::Uri;
use axum::response::Response;
use payin_core::Error;
use payin_core::access::Permission;
use payin_core::cryptopay::{self as rules, CryptoPay, NAME, Named, pages, wish};
use payin_types::cryptopay::{CreatePaymentOrder, PaymentOrder};
use payin_types::{Amount, Currency, ErrorCode, Timestamp};

use super::answer::enveloped;
use super::fields::{Field, optional, parse_fields, required};
use super::merchant::Merchant;
use crate::app::dialect::{self, Through, Wish};
use crate::app::{App, Failure, Fault};
use crate::http::answer::{Reject, json};
use crate::http::body::{BODY_MAX, query};

const PATH: &str = "/api/payment-orders/";

const FIELDS: &[Field] = &[
    required::<Amount>("amount"),
    required::<Currency>("currency"),
    required::<String>("blockchain"),
    required::<String>("order_info"),
    required::<u64>("nonce"),
    optional::<String>("webhook_url"),
    optional::<String>("redirect_url"),
    optional::<Timestamp>("expires_at"),
];

fn wished(request: CreatePaymentOrder, app: &App) -> Result<Wish, Error> {
    let (order, fingerprint) = (wish::order(&request, &app.chains)?, wish::fingerprint(&request));
    let webhook = request.webhook_url.map(|url| ("webhook_url", url));
    let ends_at = request.expires_at.map(|time| ("expires_at", time));
    Ok(Wish { order, fingerprint, webhook, ends_at, is_numbered: true })
}

fn shown(app: &App, order: &Through) -> Result<PaymentOrder, Reject> {
    let facts = &order.shown.facts;
    let number = order.number.ok_or_else(|| Fault::Corrupt(format!("order {} has no number", facts.id)))?;
    Ok(rules::payment_order(facts, number, order.shown.head, app.front.public_url.as_deref()))
}

/// `POST /payment-orders/`
pub async fn create(Merchant(caller): Merchant, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::CreateOrders)?;
    let body = caller.body(request, BODY_MAX).await?;
    let (app, organization) = (&caller.app, caller.key.organization_id.clone());
    let wish = parse_fields(&body, FIELDS).and_then(|request| wished(request, app));
    let opened = app.store.write(dialect::Open::new(app, &CryptoPay, organization, wish)).await?;
    let order = shown(app, &opened.order)?;
    Ok(if opened.is_new {
        enveloped(app, 201, order, "Payment order created")
    } else {
        enveloped(app, 200, order, "Payment order created before")
    })
}

/// What is not there is not there under the name that was asked for: other APIs have other names for it.
pub fn nothing_as_named(failure: Failure, not_found: impl FnOnce() -> Error) -> Failure {
    match failure {
        Failure::Refused(error) if error.code == ErrorCode::ResourceNotFound => Failure::Refused(not_found()),
        failure => failure,
    }
}

/// `GET /payment-orders/{id}/`, by number or `ORD-…`.
pub async fn get(Merchant(caller): Merchant, Path(id): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    let (app, organization) = (&caller.app, &caller.key.organization_id);
    let not_found = || Error::not_found("Payment order", &id);
    let found = match rules::named(&id).ok_or_else(not_found)? {
        Named::Number(number) => dialect::get_by_number(app, NAME, organization, number).await,
        Named::Id(id) => dialect::get(app, NAME, organization, id.as_str()).await,
    };
    let order = found.map_err(|failure| nothing_as_named(failure, not_found))?;
    Ok(enveloped(app, 200, shown(app, &order)?, "Payment order"))
}

/// `GET /payment-orders/`
pub async fn list(Merchant(caller): Merchant, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    let page = pages::page(query(&uri)?)?;
    let (app, organization) = (&caller.app, &caller.key.organization_id);
    let listed = dialect::list(app, NAME, organization, None, (Some(page.number), Some(page.size))).await?;
    let orders: Vec<PaymentOrder> = listed.orders.iter().map(|order| shown(app, order)).collect::<Result<_, _>>()?;
    Ok(json(200, &page.of(PATH, orders, listed.total)?))
}
