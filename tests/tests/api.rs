//! The API over real HTTP, against the sandbox in this process. Every answer is judged by `openapi.yaml` on its way.

mod bad_orders;
mod bad_pool;
mod bad_requests;
mod chains;
mod checkout;
mod cryptopay;
mod dashboard;
mod deposits;
mod docs;
mod explain;
mod families;
mod fill_pool;
mod idempotency;
mod keys;
mod limits;
mod lists;
mod matrix;
mod model;
mod organizations;
mod pages;
mod paywarden;
mod play;
mod read_only;
mod routes;
mod seeds;
mod shut_out;
pub mod stream;
mod tenancy;
mod webhooks;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use payin_tests::sandbox::{Reply, Sandbox};

/// A request that must be refused and change nothing.
struct Bad {
    /// What is bad about it.
    what: String,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
    /// What the message must have in it: the value or the field.
    says: &'static str,
}

impl Bad {
    fn new(what: &str, body: impl Into<Vec<u8>>, code: &'static str, says: &'static str) -> Self {
        Self { what: what.to_owned(), body: body.into(), status: 400, code, says }
    }
}

/// Posts each and looks that it was refused as it should be, and that nothing changed. Says all that went wrong, not
/// only the first.
async fn refuse_all(sandbox: &Sandbox, path: &str, all: Vec<Bad>) {
    let before = sandbox.counts().await;
    let mut wrong = Vec::new();
    for bad in all {
        let attempt = async {
            let reply = sandbox.ask("POST", path).raw_json(bad.body).send().await;
            reply.refused(bad.status, bad.code, bad.says);
            assert_no_placeholder(&reply);
            assert_eq!(sandbox.counts().await, before, "something changed");
        };
        if let Err(panic) = AssertUnwindSafe(attempt).catch_unwind().await {
            let said = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            wrong.push(format!("{}: {said}", bad.what));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A message for people has no control characters and is not a debugger's.
fn assert_no_placeholder(reply: &Reply) {
    let message = reply.json["message"].as_str().expect("a message");
    assert!(!message.is_empty() && message.len() < 1000 && !message.chars().any(char::is_control), "{message:?}");
}
