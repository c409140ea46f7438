//! What is asked of the server: endpoints, and events for one of them alone.

use anyhow::bail;
use serde_json::{Value, json};

use crate::http::Target;

#[derive(Clone)]
pub struct Api {
    client: reqwest::Client,
    base: String,
    key: String,
}

impl Api {
    pub fn new(target: &Target) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { client, base: format!("http://{}/api/v1", target.address), key: target.api_key.to_str()?.to_owned() })
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.client.post(format!("{}{path}", self.base)).header("x-api-key", &self.key).json(body);
        let answer = request.send().await?;
        let (status, body) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            bail!("{path}: {status} {body}");
        }
        Ok(serde_json::from_str(&body)?)
    }

    /// A new endpoint; answers its id.
    pub async fn endpoint(&self, url: &str) -> anyhow::Result<String> {
        let made = self.post("/webhooks/endpoints", &json!({ "url": url, "events": ["*"] })).await?;
        Ok(made.get("id").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// An event for this endpoint alone.
    pub async fn test(&self, endpoint: &str) -> anyhow::Result<()> {
        self.post(&format!("/webhooks/endpoints/{endpoint}/test"), &json!({})).await.map(drop)
    }
}
