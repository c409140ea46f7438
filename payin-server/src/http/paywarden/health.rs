//! `/api/v1/health`: whether payments can be taken, for monitors, without a key.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use payin_core::paywarden as rules;
use payin_types::paywarden::GatewayHealth;

use crate::app::{App, health};
use crate::http::answer::json;

/// `GET /health`
pub async fn health(State(app): State<Arc<App>>) -> Response {
    let (ready, _) = health::ready(&app).await;
    let followed = rules::network(&app.chains).is_ok_and(|chain| app.health.trouble(&chain.id).is_none());
    let status = if ready && followed { "ok" } else { "degraded" };
    json(if ready { 200 } else { 503 }, &GatewayHealth { status: status.to_owned() })
}
