//! The real world for tests: an EVM node, a database, an HTTP receiver, our own programs. Everything is started by the
//! test that wants it, on a free loopback port, and ends with it. Nothing here is skipped when it is missing: a test
//! that cannot have its node fails and says so.

pub mod abi;
pub mod anvil;
pub mod canary;
pub mod dev;
pub mod postgres;
pub mod program;
pub mod proxy;
pub mod receiver;
pub mod solana;
pub mod tron;

use std::sync::Once;
use std::time::Duration;

/// How long a test waits for something that should come at once. Generous: CI has two cores, and all tests share them.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A value that `scripts/test` exports.
///
/// # Panics
/// If it is not set.
pub fn from_scripts_test(name: &str) -> String {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => value,
        _ => panic!("{name} is not set: run the tests with scripts/test, which installs and starts what they need"),
    }
}

/// A plain HTTP client: no redirects, no proxy from the environment, a deadline per request.
pub fn http_client() -> reqwest::Client {
    static TLS: Once = Once::new();
    // reqwest is built without a TLS provider of its own and panics if the process has none, even for http:// addresses.
    TLS.call_once(|| {
        // Fails only if somebody else was first, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60))
        .build()
        .expect("an HTTP client")
}
