//! The PayWarden API: its paths, who may call them, its errors. What its orders and webhooks are is said in `payin_core::paywarden`. Delete
//! this file, its folder and its line in `http.rs`, and the modules of its words and rules with theirs, and it is gone.

mod admin;
mod answer;
mod health;
mod merchant;
mod merchants;
mod payments;
mod stats;
mod wallet;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use payin_core::{Error, paywarden as rules};

use super::dialect::{Asked, Dialect, is_below};
use crate::app::App;

/// The PayWarden API.
#[derive(Debug, Clone, Copy)]
pub struct PayWarden;

impl Dialect for PayWarden {
    fn name(&self) -> &'static str {
        rules::NAME
    }

    fn routes(&self) -> Router<Arc<App>> {
        Router::new()
            .route("/api/v1/payments", post(payments::create).get(payments::list))
            .route("/api/v1/payments/{id}", get(payments::get))
            .route("/api/v1/checkout/{id}/status", get(payments::checkout))
            .route("/checkout/{id}/status", get(payments::checkout))
            .route("/api/v1/wallet/init", post(wallet::init))
            .route("/api/v1/health", get(health::health))
            .route("/api/v1/admin/login", post(admin::log_in))
            .route("/api/v1/admin/logout", post(admin::log_out))
            .route("/api/v1/admin/stats", get(stats::stats))
            .route("/api/v1/admin/stats/daily", get(stats::daily))
            .route("/api/v1/admin/merchants", post(merchants::create).get(merchants::list))
            .route("/api/v1/admin/merchants/{id}", get(merchants::get).patch(merchants::update).delete(merchants::close))
            .route("/api/v1/admin/merchants/{id}/rotate-key", post(merchants::rotate_key))
            .route("/api/v1/admin/webhooks", get(webhooks::list))
            .route("/api/v1/admin/webhooks/{id}/retry", post(webhooks::retry))
    }

    fn owns(&self, path: &str) -> bool {
        let is_status = |root: &str| {
            let rest = path.strip_prefix(root).and_then(|rest| rest.strip_suffix("/status"));
            rest.is_some_and(|id| !id.is_empty() && !id.contains('/'))
        };
        is_below(path, &["/api/v1/payments", "/api/v1/wallet", "/api/v1/health", "/api/v1/admin"])
            || is_status("/api/v1/checkout/")
            || is_status("/checkout/")
    }

    fn refusal(&self, error: &Error, asked: &Asked<'_>) -> Response {
        answer::refusal(error, asked)
    }
}
