//! The CryptoPay API: its paths, who may call them, its envelope and its errors. What its orders are is said in `payin_core::cryptopay`.
//! Delete this file, its folder, its line in `http.rs`, and the modules of its words and rules, and it is gone.

mod answer;
mod fields;
mod merchant;
mod orders;
mod page;
mod transactions;
mod wallets;

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post, put};
use payin_core::Error;
use payin_core::cryptopay::wish;
use payin_core::delivery::{self, Verdict};
use payin_core::door::Change;
use payin_core::order::{Facts, Settings};
use payin_types::{SecretString, Timestamp, signature};
use serde_json::{Map, Value};

use super::dialect::{Asked, Dialect, is_below};
use crate::app::{App, door};

/// What the configuration calls it.
const NAME: &str = "cryptopay";

/// The CryptoPay API.
#[derive(Debug, Clone, Copy)]
pub struct CryptoPay;

/// A path with and without a slash at its end: clients of this API send both, and a redirect would lose a body.
fn both(router: Router<Arc<App>>, path: &str, methods: MethodRouter<Arc<App>>) -> Router<Arc<App>> {
    router.route(&format!("{path}/"), methods.clone()).route(path, methods)
}

impl Dialect for CryptoPay {
    fn routes(&self) -> Router<Arc<App>> {
        let mut router = Router::new();
        for (path, methods) in [
            ("/api/payment-orders", post(orders::create).get(orders::list)),
            ("/api/payment-orders/{id}", get(orders::get)),
            ("/api/transactions", get(transactions::list)),
            ("/api/transactions/{hash}", get(transactions::get)),
            ("/api/merchant-wallets", post(wallets::add).get(wallets::list)),
            ("/api/merchant-wallets/{id}", put(wallets::update)),
            ("/order/{id}", get(page::page)),
            ("/qr/{id}", get(page::code)),
        ] {
            router = both(router, path, methods);
        }
        router
    }

    fn owns(&self, path: &str) -> bool {
        is_below(path, &["/api", "/order", "/qr"]) && !is_below(path, &["/api/v1"])
    }

    fn refusal(&self, error: &Error, asked: &Asked<'_>) -> Response {
        answer::refusal(error, asked)
    }
}

impl door::Dialect for CryptoPay {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settings(&self, deployment: &Settings) -> Settings {
        wish::settings(deployment)
    }

    fn check_metadata(&self, data: &Map<String, Value>) -> Result<(), Error> {
        wish::check_metadata(data)
    }

    fn tells(&self, _change: Change, _facts: &Facts, _head: Option<u64>) -> Option<(String, String)> {
        None
    }

    fn headers(&self, secrets: &[SecretString], _event_id: &str, body: &[u8]) -> Vec<(&'static str, String)> {
        secrets.first().map(|secret| ("X-Webhook-Signature", signature::sign_cryptopay(secret, body))).into_iter().collect()
    }

    fn verdict(&self, status: Option<u16>) -> Verdict {
        delivery::verdict(status)
    }

    fn next_attempt(&self, attempts: u64, failed_at: Timestamp) -> Option<Timestamp> {
        delivery::next_attempt(attempts, failed_at)
    }
}
