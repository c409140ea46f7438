//! The CryptoPay API: its paths, who may call them, its envelope and its errors. What its orders and webhooks are is said in
//! `payin_core::cryptopay`. Delete this file, its folder and its line in `http.rs`, and the modules of its words and rules with theirs,
//! and it is gone.

mod answer;
mod endpoints;
mod fields;
mod merchant;
mod orders;
mod page;
mod sessions;
mod transactions;
mod wallets;

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post, put};
use payin_core::{Error, cryptopay as rules};

use super::dialect::{Asked, Dialect, is_below};
use crate::app::App;

/// The CryptoPay API.
#[derive(Debug, Clone, Copy)]
pub struct CryptoPay;

/// A path with and without a slash at its end: clients of this API send both, and a redirect would lose a body.
fn both(router: Router<Arc<App>>, path: &str, methods: MethodRouter<Arc<App>>) -> Router<Arc<App>> {
    router.route(&format!("{path}/"), methods.clone()).route(path, methods)
}

impl Dialect for CryptoPay {
    fn name(&self) -> &'static str {
        rules::NAME
    }

    fn routes(&self) -> Router<Arc<App>> {
        let mut router = Router::new();
        for (path, methods) in [
            ("/api/auth/register", post(sessions::register)),
            ("/api/auth/login", post(sessions::log_in)),
            ("/api/auth/token/refresh", post(sessions::refresh)),
            ("/api/payment-orders", post(orders::create).get(orders::list)),
            ("/api/payment-orders/{id}", get(orders::get)),
            ("/api/transactions", get(transactions::list)),
            ("/api/transactions/{hash}", get(transactions::get)),
            ("/api/merchant-wallets", post(wallets::add).get(wallets::list)),
            ("/api/merchant-wallets/{id}", put(wallets::update)),
            ("/api/webhook-endpoints", post(endpoints::create).get(endpoints::list)),
            ("/api/webhook-endpoints/{id}", put(endpoints::update)),
            ("/order/{id}", get(page::page)),
            ("/qr/{id}", get(page::code)),
        ] {
            router = both(router, path, methods);
        }
        router
    }

    fn owns(&self, path: &str) -> bool {
        // Versions, those to come too, are the native API's.
        let version = path.strip_prefix("/api/v").and_then(|rest| rest.split('/').next());
        let is_version = version.is_some_and(|version| !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()));
        is_below(path, &["/api", "/order", "/qr"]) && !is_version
    }

    fn refusal(&self, error: &Error, asked: &Asked<'_>) -> Response {
        answer::refusal(error, asked)
    }
}
