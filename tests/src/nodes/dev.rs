//! `payin-server dev` as a program of its own, as merchants start it beside theirs. Its time stands still, so that a test says when
//! blocks come. What a test asks it is judged by `openapi.yaml`.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use super::program::{Command, Program};
use super::{DEADLINE, http_client};
use crate::sandbox::{CHAIN, contract, text};

/// A running sandbox; ends when dropped.
pub struct DevServer {
    client: reqwest::Client,
    url: String,
    key: String,
    _program: Program,
}

impl DevServer {
    pub async fn start() -> Self {
        let mut command = Command::payin_server();
        command.args(["dev", "--listen", "127.0.0.1:0", "--clock", "virtual"]);
        let mut program = command.start();
        let ready = program.next_json().await;
        Self { client: http_client(), url: text(&ready["url"]).to_owned(), key: text(&ready["apiKey"]).to_owned(), _program: program }
    }

    /// A program that finds the sandbox by the variables that all clients read.
    #[must_use]
    pub fn client(&self, mut command: Command) -> Command {
        command.env("PAYIN_BASE_URL", &self.url).env("PAYIN_API_KEY", &self.key);
        command
    }

    /// The body of a POST that must succeed.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// The body of a GET that must succeed, as soon as it is as the test waits for.
    pub async fn read_when(&self, path: &str, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let answer = self.ask(Method::GET, path, None).await;
            if is_it(&answer) {
                return answer;
            }
            assert!(begun.elapsed() < DEADLINE, "{path} is not {what} within {DEADLINE:?}: {answer:#}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.url)).header("X-API-Key", &self.key);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{method} {path}: no answer: {error:?}"));
        let (status, headers) = (response.status(), response.headers().clone());
        let answer: Value = response.json().await.unwrap_or_else(|error| panic!("{method} {path}: {status}: not JSON: {error:?}"));
        assert!(status.is_success(), "{method} {path}: {status}: {answer:#}");
        if let Err(why) = contract().check_response(method.as_str(), path, status.as_u16(), &headers, &answer) {
            panic!("the contract is broken: {why}\n{answer:#}");
        }
        answer
    }

    /// Pays an order in full, and mines until that counts.
    pub async fn pay(&self, order_id: &Value) {
        self.post("/api/v1/sandbox/pay", &json!({ "orderId": order_id })).await;
        self.post("/api/v1/sandbox/mine", &json!({ "chainId": CHAIN, "blocks": 3 })).await;
    }
}
