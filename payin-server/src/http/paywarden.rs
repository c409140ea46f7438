//! The PayWarden API: its paths, who may call them, its errors, the headers of its webhooks. What its orders are is said in
//! `payin_core::paywarden`. Delete this file, its folder, its line in `http.rs`, and the modules of its words and rules, and it is gone.

mod answer;
mod health;
mod merchant;
mod payments;
mod wallet;

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use payin_core::delivery::Verdict;
use payin_core::door::Change;
use payin_core::order::{Facts, Settings};
use payin_core::{Error, paywarden as rules};
use payin_types::{SecretString, Timestamp, signature};
use serde_json::{Map, Value};

use super::dialect::{Asked, Dialect, is_below};
use crate::app::{App, door};

/// What the configuration calls it.
const NAME: &str = "paywarden";

/// The PayWarden API.
#[derive(Debug, Clone, Copy)]
pub struct PayWarden;

impl Dialect for PayWarden {
    fn routes(&self) -> Router<Arc<App>> {
        Router::new()
            .route("/api/v1/payments", post(payments::create).get(payments::list))
            .route("/api/v1/payments/{id}", get(payments::get))
            .route("/api/v1/checkout/{id}/status", get(payments::checkout))
            .route("/checkout/{id}/status", get(payments::checkout))
            .route("/api/v1/wallet/init", post(wallet::init))
            .route("/api/v1/health", get(health::health))
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

impl door::Dialect for PayWarden {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settings(&self, deployment: &Settings) -> Settings {
        rules::settings(deployment)
    }

    fn check_metadata(&self, data: &Map<String, Value>) -> Result<(), Error> {
        rules::check_metadata(data)
    }

    fn tells(&self, change: Change, facts: &Facts, head: Option<u64>) -> Option<(String, String)> {
        Some((rules::event_type(change).as_str().to_owned(), rules::event_body(change, facts, head)))
    }

    fn headers(&self, secrets: &[SecretString], event_id: &str, body: &[u8]) -> Vec<(&'static str, String)> {
        let signature = secrets.first().map(|secret| ("X-PayWarden-Signature", signature::sign_paywarden(secret, body)));
        signature.into_iter().chain([("X-Idempotency-Key", rules::idempotency_key(event_id))]).collect()
    }

    fn verdict(&self, status: Option<u16>) -> Verdict {
        rules::verdict(status)
    }

    fn next_attempt(&self, attempts: u64, failed_at: Timestamp) -> Option<Timestamp> {
        rules::next_attempt(attempts, failed_at)
    }
}
