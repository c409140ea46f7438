//! Whoever is shut out while a request of theirs is still on its way changes nothing any more: neither who has signed out, nor whose key was
//! revoked.

use payin_tests::sandbox::{Sandbox, new_order, text};
use payin_types::Role;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const MERCHANTS: &str = "/api/v1/admin/merchants";
const ORDERS: &str = "/api/v1/orders";

/// A request whose caller was taken, and whose body the server waits for.
struct OnItsWay {
    stream: TcpStream,
    body: String,
}

impl OnItsWay {
    async fn begin(sandbox: &Sandbox, path: &str, token: &str, body: &Value) -> Self {
        let (host, body) = (sandbox.url().trim_start_matches("http://"), body.to_string());
        let mut stream = TcpStream::connect(host).await.expect("a connection");
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.expect("sent");
        let mut go_on = [0; 25];
        stream.read_exact(&mut go_on).await.expect("an answer");
        assert_eq!(String::from_utf8_lossy(&go_on), "HTTP/1.1 100 Continue\r\n\r\n");
        Self { stream, body }
    }

    async fn end(mut self) -> String {
        self.stream.write_all(self.body.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).await.expect("an answer");
        answer
    }
}

#[tokio::test]
async fn who_has_signed_out_makes_nothing() {
    let sandbox = Sandbox::frozen().await;
    let token = sandbox.admin(sandbox.key(), Role::Owner).await;
    let [taken, late] = [json!({ "name": "Taken" }), json!({ "name": "Late" })];
    let answer = OnItsWay::begin(&sandbox, MERCHANTS, &token, &taken).await.end().await;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let request = OnItsWay::begin(&sandbox, MERCHANTS, &token, &late).await;
    sandbox.ask("POST", "/api/v1/admin/logout").key(&token).send().await.ok(200);
    let answer = request.end().await;
    assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("UNAUTHORIZED") && answer.contains("sign in again"), "{answer}");
    let names = sandbox.database().value("SELECT COUNT(*) FROM organizations WHERE name = 'Late'").await;
    assert_eq!(names, "0");
    sandbox.stop().await;
}

#[tokio::test]
async fn whose_key_was_revoked_makes_nothing() {
    let sandbox = Sandbox::frozen().await;
    let own = sandbox.read("/api/v1/organizations").await;
    let keys = format!("/api/v1/organizations/{}/api-keys", text(&own["data"][0]["id"]));
    let made = sandbox.post(&keys, &json!({ "name": "CI", "role": "admin" })).await.ok(201);
    let request = OnItsWay::begin(&sandbox, ORDERS, text(&made["apiKey"]), &new_order("late", "1.00")).await;
    sandbox.ask("DELETE", &format!("/api/v1/api-keys/{}", text(&made["id"]))).send().await.ok(200);
    let answer = request.end().await;
    assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("INVALID_API_KEY") && answer.contains("revoked"), "{answer}");
    assert_eq!(sandbox.read(ORDERS).await["pagination"]["total"], 0);
    sandbox.stop().await;
}
