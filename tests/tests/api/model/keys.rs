//! Organizations and their API keys as the documents tell of them: a key is shown once, listed until it is revoked, and refused from then on.

use serde_json::{Value, json};

use super::{Answer, Call, Dice, Model, page};

/// The model's name of the sandbox's organization.
pub const ORGANIZATION: &str = "{organization}";

pub struct Keys {
    organization: Value,
    /// In the order of their creation, each with whether it was revoked.
    all: Vec<(Value, bool)>,
}

impl Keys {
    /// What there is at first, as the server shows it: one key.
    pub fn new(mut organization: Value, mut first: Value) -> Self {
        organization["id"] = json!(ORGANIZATION);
        (first["id"], first["organizationId"]) = (json!(name(0)), json!(ORGANIZATION));
        Self { organization, all: vec![(first, false)] }
    }
}

pub fn name(key: usize) -> String {
    format!("{{key:{key}}}")
}

fn secret(key: usize) -> String {
    format!("{{api-key:{key}}}")
}

fn path() -> String {
    format!("/api/v1/organizations/{ORGANIZATION}/api-keys")
}

pub fn call(model: &Model, dice: &mut Dice) -> Call {
    let count = model.keys.all.len();
    match dice.below(8) {
        0..3 => Call::post(&path(), create(dice)),
        3 => Call::get(format!("{}?page={}&limit={}", path(), 1 + dice.below(2), 1 + dice.below(4))),
        4 => Call::get(format!("/api/v1/organizations?page={}", 1 + dice.below(2))),
        5 => Call::post("/api/v1/organizations/org_none/api-keys", json!({ "name": "x" })),
        // The first is the one that asks.
        6 if count > 1 => Call::delete(format!("/api/v1/api-keys/{}", name(1 + dice.below(count - 1)))),
        7 if count > 1 => Call { by: Some(secret(1 + dice.below(count - 1))), ..Call::get("/api/v1/me") },
        _ => Call::delete("/api/v1/api-keys/key_none".to_owned()),
    }
}

fn create(dice: &mut Dice) -> Value {
    let mut body = json!({ "name": format!("Größe {}", dice.below(9)) });
    if dice.once_in(2) {
        body["role"] = json!(dice.pick(&["owner", "admin", "member", "viewer", "king"]));
    }
    if dice.once_in(6) {
        body["name"] = json!("");
    }
    body
}

pub fn answer(model: &mut Model, call: &Call) -> Answer {
    let (now, keys) = (model.time(), &mut model.keys);
    let not_found = || Answer::refused(404, "RESOURCE_NOT_FOUND");
    if call.path == "/api/v1/me" {
        let at = (0..keys.all.len()).find(|at| call.by.as_deref() == Some(&secret(*at))).expect("a key of the model");
        let (key, revoked) = &keys.all[at];
        if *revoked {
            return Answer::refused(401, "INVALID_API_KEY");
        }
        let open = &["organization", "key", "environment", "createdAt", "permissions", "rateLimits"];
        return Answer::new(200, json!({ "role": key["role"] })).leaving_open(open);
    }
    if call.method == "DELETE" {
        let found = keys.all.iter_mut().find(|(key, revoked)| !revoked && call.path == format!("/api/v1/api-keys/{}", text(key)));
        let Some((_, revoked)) = found else { return not_found() };
        *revoked = true;
        return Answer::new(200, json!({ "success": true }));
    }
    if let Some(body) = &call.body {
        if call.path != path() {
            return not_found();
        }
        if body["name"] == "" || body["role"] == "king" {
            return Answer::refused(400, "VALIDATION_ERROR");
        }
        let (at, role) = (keys.all.len(), body.get("role").cloned().unwrap_or_else(|| json!("member")));
        let mut shown = json!({
            "id": name(at), "organizationId": ORGANIZATION, "name": body["name"], "role": role, "isActive": true, "createdAt": now,
        });
        keys.all.push((shown.clone(), false));
        shown["apiKey"] = json!(secret(at));
        return Answer::new(201, shown).naming("id", name(at)).naming("apiKey", secret(at));
    }
    let number = |name: &str, otherwise| {
        let value = call.path.split_once(&format!("{name}=")).and_then(|(_, text)| text.split('&').next());
        value.map_or(otherwise, |text| text.parse().expect("a number"))
    };
    if !call.path.contains("/api-keys") {
        return Answer::new(200, page(std::slice::from_ref(&keys.organization), number("page", 1), 20));
    }
    let newest: Vec<Value> = keys.all.iter().rev().filter(|(_, revoked)| !revoked).map(|(key, _)| key.clone()).collect();
    // When a key was last used is written by a worker.
    Answer::new(200, page(&newest, number("page", 1), number("limit", 20))).by_workers(true)
}

fn text(key: &Value) -> &str {
    key["id"].as_str().unwrap_or_default()
}
