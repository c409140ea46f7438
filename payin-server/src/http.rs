//! The APIs over HTTP: routes, who may call them, and the shape of answers. Use cases live in `app`; no SQL, no chain here. The native API's
//! files stand beside each other; every other API has a folder of its own.

pub mod answer;
pub mod asset;
pub mod body;
pub mod call;
pub mod chains;
pub mod checkout;
pub mod cookie;
pub mod cryptopay;
pub mod dashboard;
pub mod deposits;
pub mod dialect;
pub mod docs;
pub mod endpoints;
pub mod event_stream;
pub mod events;
pub mod frame;
pub mod health;
pub mod keys;
pub mod links;
pub mod listen;
pub mod me;
pub mod orders;
pub mod page;
pub mod paywarden;
pub mod pool;
pub mod qr;
pub mod sandbox;
pub mod settings;
pub mod transfers;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, post};

use crate::app::App;
use dialect::{Apis, Dialect};

/// Every API beside the native one that this server can speak, a line each.
fn dialects() -> Vec<Arc<dyn Dialect>> {
    vec![
        Arc::new(paywarden::PayWarden), //
        Arc::new(cryptopay::CryptoPay),
    ]
}

/// Everything the server answers in these APIs. With a sandbox, its own API too.
pub fn router(app: App, apis: &Apis, sandbox: Option<Arc<dyn sandbox::Sandbox>>) -> Router {
    // Several layers take it for each request: one count instead of one for each of its parts.
    let app = Arc::new(app);
    let mut router = Router::new()
        .route("/health", get(health::alive))
        .route("/health/ready", get(health::ready))
        .merge(docs::router())
        .merge(checkout::pages::router())
        .merge(apis.routes())
        .with_state(Arc::clone(&app));
    if app.front.has_dashboard {
        router = router.merge(dashboard::router(&app, sandbox.clone()).with_state(Arc::clone(&app)));
    }
    if apis.has_native() {
        router = router.nest("/api/v1", native().with_state(Arc::clone(&app)));
    }
    if let Some(sandbox) = &sandbox {
        router = router.nest("/api/v1/sandbox", sandbox::router(Arc::clone(&app), Arc::clone(sandbox)));
    }
    let framed = Arc::new(frame::Framed { app, apis: apis.clone() });
    // Around the whole router, not around each route: `Allow` is added outside of a route's own layers.
    let mut routes = Router::new().fallback_service(router.fallback(frame::unknown_path));
    if let Some(sandbox) = sandbox {
        routes = routes.layer(axum::middleware::from_fn_with_state(sandbox, sandbox::disturbed));
    }
    routes.layer(axum::middleware::from_fn_with_state(framed, frame::frame))
}

/// The native API, below `/api/v1`.
fn native() -> Router<Arc<App>> {
    Router::new()
        .route("/orders", post(orders::create).get(orders::list))
        .route("/orders/stats", get(orders::stats))
        .route("/orders/{id}", get(orders::get))
        .route("/orders/{id}/explain", get(orders::explain))
        .route("/orders/by-reference/{reference}", get(orders::get_by_reference))
        .route("/deposits", get(deposits::list))
        .route("/deposits/{id}", get(deposits::get_deposit))
        .route("/deposits/references", post(deposits::bind).get(deposits::references))
        .route("/deposits/references/{reference}", get(deposits::get).delete(deposits::unbind))
        .route("/transfers", get(transfers::list))
        .route("/transfers/{id}", get(transfers::get))
        .route("/address-pool/import", post(pool::import))
        .route("/address-pool/status", get(pool::status))
        .route("/address-pool/addresses", get(pool::addresses))
        .route("/address-pool/addresses/{address}/archive", post(pool::archive))
        .route("/address-pool/addresses/{address}/restore", post(pool::restore))
        .route("/webhooks/endpoints", post(endpoints::create).get(endpoints::list))
        .route("/webhooks/endpoints/{id}", get(endpoints::get).put(endpoints::update).delete(endpoints::delete))
        .route("/webhooks/endpoints/{id}/rotate-secret", post(endpoints::rotate_secret))
        .route("/webhooks/endpoints/{id}/test", post(endpoints::test))
        .route("/webhooks/events", get(events::list))
        .route("/webhooks/events/stream", get(event_stream::stream))
        .route("/webhooks/events/resend", post(events::resend_range))
        .route("/webhooks/events/{id}", get(events::get))
        .route("/webhooks/events/{id}/deliveries", get(events::deliveries))
        .route("/webhooks/events/{id}/resend", post(events::resend))
        .route("/payment-links", post(links::create).get(links::list))
        .route("/payment-links/stats", get(links::stats))
        .route("/payment-links/{id}", get(links::get).put(links::update).delete(links::delete))
        .route("/payment-links/{id}/orders", get(links::orders))
        .route("/payment-links/{id}/publish", post(links::publish))
        .route("/payment-links/{id}/unpublish", post(links::unpublish))
        .route("/payment-links/{id}/archive", post(links::archive))
        .route("/payment-links/{id}/restore", post(links::restore))
        .route("/checkout/{slug}", get(checkout::link))
        .route("/checkout/{slug}/orders", post(checkout::open))
        .route("/checkout/orders/{id}", get(checkout::order))
        .route("/config", get(settings::list))
        .route("/config/{key}", get(settings::get).put(settings::put))
        .route("/organizations", get(keys::organizations))
        .route("/organizations/{id}/api-keys", post(keys::create).get(keys::list))
        .route("/api-keys/{id}", delete(keys::revoke))
        .route("/chains", get(chains::list))
        .route("/me", get(me::me))
}
