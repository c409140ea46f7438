//! Webhook endpoints that are made, changed and deleted. What arrives at one is looked at in `webhooks.rs`.

use serde_json::{Value, json};

use super::super::check::checks;
use super::super::suite::Suite;
use super::super::wire::Ask;

checks! {
    CREATE: "endpoints.create" [Admin, Write] "A new endpoint is 201, enabled, with the secret that signs for it", "API Reference: webhooks";
    GET: "endpoints.get" [Admin, Write] "Read again, and in the list, it is the same without its secret", "API Reference: webhooks";
    UPDATE: "endpoints.update" [Admin, Write] "What is changed is changed, and what is not said stays", "API Reference: webhooks";
    SECRET: "endpoints.short-secret" [Admin, Write] "A secret that could be guessed is refused", "openapi.yaml: schemas/CreateWebhookEndpoint";
    EVENTS: "endpoints.bad-events" [Admin, Write] "An event that does not exist cannot be subscribed to", "openapi.yaml: schemas/CreateWebhookEndpoint";
    DELETE: "endpoints.delete" [Admin, Write] "A deleted endpoint is 404", "API Reference: webhooks";
}

/// What hardly ever happens, so that nothing of others is sent anywhere.
const EVENT: &str = "address_pool.low";

/// The URL of an endpoint that gets nothing.
fn url(suite: &Suite<'_>) -> String {
    match &suite.receiver {
        Ok(receiver) => receiver.url("unused"),
        Err(_) => "https://conformance.invalid/unused".to_owned(),
    }
}

pub async fn run(suite: &mut Suite<'_>) {
    let body = json!({ "url": url(suite), "events": [EVENT], "description": suite.fresh() });
    let with = |name: &str, value: Value| {
        let mut body = body.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.insert(name.to_owned(), value);
        }
        Ask::of("createWebhookEndpoint").json(&body)
    };
    suite.check(SECRET, async |suite: &mut Suite| suite.ask(with("secret", json!("short"))).await?.refused(400, "VALIDATION_ERROR")).await;
    suite
        .check(EVENTS, async |suite: &mut Suite| {
            suite.ask(with("events", json!(["conformance.none"]))).await?.refused(400, "VALIDATION_ERROR")?;
            suite.ask(with("events", json!([]))).await?.refused(400, "VALIDATION_ERROR")
        })
        .await;
    let made = suite
        .check(CREATE, async |suite: &mut Suite| {
            let made = suite.ask(Ask::of("createWebhookEndpoint").json(&body)).await?.ok(201)?;
            for name in ["url", "events", "description"] {
                made.has(&format!("/{name}"), body.get(name).unwrap_or(&Value::Null))?;
            }
            made.has("/enabled", &json!(true))?;
            made.field("/secret")?;
            Ok((made.field("/id")?, made))
        })
        .await;
    let Some((id, made)) = made else { return };
    suite
        .check(GET, async |suite: &mut Suite| {
            let mut expected = made.body.clone();
            expected.as_object_mut().and_then(|fields| fields.remove("secret"));
            suite.ask(Ask::of("getWebhookEndpoint").at(&id)).await?.ok(200)?.has("", &expected)?;
            let page = suite.ask(Ask::of("listWebhookEndpoints").query("limit", 100)).await?.ok(200)?;
            if page.rows()?.contains(&expected) { Ok(()) } else { Err(page.wrong(format!("{expected} among them"))) }
        })
        .await;
    suite
        .check(UPDATE, async |suite: &mut Suite| {
            let changed = suite.ask(Ask::of("updateWebhookEndpoint").at(&id).json(&json!({ "enabled": false }))).await?.ok(200)?;
            changed.has("/enabled", &json!(false))?;
            changed.has("/url", body.get("url").unwrap_or(&Value::Null))
        })
        .await;
    suite
        .check(DELETE, async |suite: &mut Suite| {
            suite.ask(Ask::of("deleteWebhookEndpoint").at(&id)).await?.ok(200)?.has("/success", &json!(true))?;
            suite.ask(Ask::of("getWebhookEndpoint").at(&id)).await?.refused(404, "RESOURCE_NOT_FOUND")
        })
        .await;
}
