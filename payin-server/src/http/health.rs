//! `/health` and `/health/ready`: for load balancers and people, without a key.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use payin_types::health::Health;

use super::answer::json;
use crate::app::{App, health};

fn answer(app: &App, healthy: bool) -> Health {
    Health {
        status: if healthy { "healthy" } else { "unhealthy" }.to_owned(),
        timestamp: app.clock.now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        checks: BTreeMap::new(),
    }
}

/// `GET /health`: the process runs.
pub async fn alive(State(app): State<Arc<App>>) -> Response {
    json(200, &answer(&app, true))
}

/// `GET /health/ready`: it can do its work.
pub async fn ready(State(app): State<Arc<App>>) -> Response {
    let (ready, checks) = health::ready(&app).await;
    json(if ready { 200 } else { 503 }, &Health { checks, ..answer(&app, ready) })
}
