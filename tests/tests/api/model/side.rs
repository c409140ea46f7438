//! A real server beside the model: asked in the model's names, its answers read in them. It must not know what an answer should be.

use payin_tests::sandbox::{Reply, Sandbox, text};
use serde_json::{Value, json};

use super::{Answer, Call, keys};

/// What the model does not say, wherever it stands: names of requests and transactions, words for people, times that depend on when a
/// worker looked.
const OPEN: [&str; 14] = [
    "requestId",
    "message",
    "error",
    "details",
    "txHash",
    "blockNumber",
    "confirmations",
    "detectedAt",
    "completedAt",
    "expiredAt",
    "confirmedAt",
    "lastDepositAt",
    "lastUsedAt",
    "keyPrefix",
];
/// In these the two engines may differ.
const DIFFERING: [&str; 11] = [
    "requestId",
    "txHash",
    "confirmations",
    "detectedAt",
    "completedAt",
    "expiredAt",
    "confirmedAt",
    "lastDepositAt",
    "keyPrefix",
    "prefix",
    "checkoutUrl",
];

/// A real server, and what it calls the things that the model has names for.
pub struct Side {
    pub sandbox: Sandbox,
    pub names: Vec<(String, String)>,
}

impl Side {
    pub fn new(sandbox: Sandbox) -> Self {
        Self { sandbox, names: Vec::new() }
    }

    pub fn to_real(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, real)| text.replace(name, real))
    }

    pub fn to_names(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, real)| text.replace(real, name))
    }

    pub async fn ask(&mut self, call: &Call, key: Option<&str>, answer: &Answer) -> Reply {
        let mut ask = self.sandbox.ask(call.method, &self.to_real(&call.path));
        ask = match call.by.as_deref() {
            None => ask,
            Some("") => ask.no_key(),
            Some(key) => ask.key(&self.to_real(key)),
        };
        if let Some(body) = &call.body {
            ask = ask.raw_json(self.to_real(&body.to_string()));
        }
        if let Some(key) = key {
            ask = ask.header("Idempotency-Key", key);
        }
        let reply = ask.send().await;
        for (field, name) in &answer.names {
            let value = if field.starts_with('/') { reply.json.pointer(field).unwrap_or(&Value::Null) } else { &reply.json[*field] };
            if let (Some(real), false) = (value.as_str(), self.names.iter().any(|(known, _)| known == name)) {
                self.names.push((name.clone(), real.to_owned()));
            }
        }
        reply
    }

    /// An answer's text as it must be on every engine, byte for byte.
    pub fn comparable(&self, reply: &Reply) -> (u16, String) {
        (reply.status, DIFFERING.iter().fold(self.to_names(&reply.text), |text, field| blank(&text, field)))
    }

    /// Names its organization and key, and lets links have the whole pool. Answers both as it shows them.
    pub async fn get_known(&mut self) -> (Value, Value) {
        let whole = self.sandbox.ask("PUT", "/api/v1/config/pool_reserve_percent").json(&json!({ "value": 0 })).send().await;
        whole.ok(200);
        let organization = self.sandbox.read("/api/v1/organizations").await["data"][0].clone();
        let id = text(&organization["id"]).to_owned();
        let keys = format!("/api/v1/organizations/{id}/api-keys");
        for other in self.sandbox.read(&keys).await["data"].as_array().expect("a page").iter().filter(|key| key["role"] != "owner") {
            self.sandbox.ask("DELETE", &format!("/api/v1/api-keys/{}", text(&other["id"]))).send().await.ok(200);
        }
        let key = self.sandbox.read(&keys).await["data"][0].clone();
        self.names.push((keys::ORGANIZATION.to_owned(), id));
        self.names.push((keys::name(0), text(&key["id"]).to_owned()));
        (organization, key)
    }

    pub async fn wait(&self, order: &str, status: &str) {
        self.sandbox.order_with_status(&json!(self.to_real(order)), status).await;
    }
}

/// The text of a JSON body with every value of a field replaced.
fn blank(text: &str, field: &str) -> String {
    let key = format!("\"{field}\":");
    let mut parts = text.split(&key);
    let mut blanked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // Such values are numbers, or texts without quotes in them.
        let end = part.find([',', '}']).unwrap_or(part.len());
        blanked.push_str(&key);
        blanked.push('_');
        blanked.push_str(&part[end..]);
    }
    blanked
}

pub fn without(value: &Value, open: &[&str]) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(key, _)| !OPEN.contains(&key.as_str()) && !open.contains(&key.as_str()));
            kept.map(|(key, value)| (key.clone(), without(value, open))).collect()
        }
        Value::Array(items) => items.iter().map(|item| without(item, open)).collect(),
        other => other.clone(),
    }
}
