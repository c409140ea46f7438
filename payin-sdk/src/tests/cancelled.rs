//! Calls that are dropped while their session is renewed: what the server has already replaced must not be lost.

use std::future::IntoFuture as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ::http::HeaderMap;
use payin_types::{ExposeSecret as _, SecretString};
use serde_json::json;
use tokio::sync::Notify;

use super::script::Scene;
use crate::cryptopay::{PageQuery, Tokens};
use crate::transport::{Request, Response, Sending, Transport};

/// A server that takes each refresh token once, and answers a renewal only when it is told to.
#[derive(Clone, Default)]
struct Server {
    renewals: Arc<AtomicUsize>,
    /// Rung when the token has been replaced, and before anybody hears of it.
    replaced: Arc<Notify>,
    answer: Arc<Notify>,
}

impl Transport for Server {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(async move {
            let said = |status, body: serde_json::Value| Ok(Response::new(status, HeaderMap::new(), body.to_string()));
            if request.url.ends_with("/api/auth/token/refresh/") {
                let used_before = self.renewals.fetch_add(1, Ordering::SeqCst) > 0;
                self.replaced.notify_one();
                self.answer.notified().await;
                if used_before {
                    return said(401, json!({ "success": false, "error": { "code": "UNAUTHORIZED", "message": "the session is over" } }));
                }
                return said(200, json!({ "access": "access-2", "refresh": "refresh-2" }));
            }
            if request.headers["authorization"] == "Bearer access-2" {
                return said(200, json!({ "count": 0, "next": null, "previous": null, "results": [] }));
            }
            said(401, json!({ "success": false, "error": { "code": "UNAUTHORIZED", "message": "the token is over" } }))
        })
    }
}

#[tokio::test]
async fn a_session_survives_the_call_that_renewed_it() {
    let server = Server::default();
    let tokens = Tokens { access: SecretString::from("access-1"), refresh: SecretString::from("refresh-1") };
    let client = Scene::default().builder().transport(server.clone()).session(tokens).build().unwrap();
    let shop = client.cryptopay();
    let wallets = shop.wallets();
    let mut call = wallets.list(PageQuery::default()).into_future();
    tokio::select! {
        _ = &mut call => panic!("nobody has answered yet"),
        () = server.replaced.notified() => {}
    }
    drop(call);
    server.answer.notify_one();
    // Who asks next takes what the dropped call got.
    assert_eq!(wallets.list(PageQuery::default()).await.unwrap().count, 0);
    assert_eq!(server.renewals.load(Ordering::SeqCst), 1, "the first token is not used again");
    assert_eq!(shop.tokens().unwrap().refresh.expose_secret(), "refresh-2");
}
