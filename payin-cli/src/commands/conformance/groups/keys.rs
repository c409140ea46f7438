//! A viewer's key that is made, tried and revoked: what a weaker role may not do.

use payin_sdk::SecretString;
use serde_json::json;

use super::super::check::{Broken, checks};
use super::super::contract::SANDBOX;
use super::super::suite::Suite;
use super::super::wire::{Ask, Key};

checks! {
    CREATE: "keys.create" [Admin, Write] "A new key is 201, with its secret, and has the role that was asked for", "API Reference: API keys";
    LISTED: "keys.listed" [Admin, Write] "It is listed, and its secret is not", "API Reference: API keys";
    ROLE: "keys.role" [Admin, Write] "It is taken, and is a viewer", "API Reference: roles";
    VIEWER: "auth.roles" [Admin, Write] "Whatever a viewer may not do is 403 INSUFFICIENT_PERMISSIONS", "API Reference: roles";
    REVOKE: "keys.revoke" [Admin, Write] "A key that was revoked is 401 INVALID_API_KEY at once", "API Reference: API keys";
    UNKNOWN: "keys.unknown" [Admin, Write] "A key that does not exist cannot be revoked", "API Reference: API keys";
}

pub async fn run(suite: &mut Suite<'_>) {
    let name = suite.fresh();
    let made = suite
        .check(CREATE, async |suite: &mut Suite| {
            let me = suite.ask(Ask::of("listOrganizations")).await?.ok(200)?;
            let organization = super::pool::organization(&me)?;
            let body = json!({ "name": name, "role": "viewer" });
            let key = suite.ask(Ask::of("createApiKey").at(&organization).json(&body)).await?.ok(201)?;
            key.has("/name", &json!(name))?;
            key.has("/role", &json!("viewer"))?;
            Ok((organization, key.field("/id")?, SecretString::from(key.field("/apiKey")?)))
        })
        .await;
    suite
        .check(UNKNOWN, async |suite: &mut Suite| {
            suite.ask(Ask::of("deleteApiKey").at("key_conformance")).await?.refused(404, "RESOURCE_NOT_FOUND")
        })
        .await;
    let Some((organization, id, secret)) = made else { return };
    suite
        .check(LISTED, async |suite: &mut Suite| {
            let page = suite.ask(Ask::of("listApiKeys").at(&organization).query("limit", 100)).await?.ok(200)?;
            match page.rows()?.iter().find(|key| key.get("id") == Some(&json!(id))) {
                None => Err(page.wrong(format!("the key {id} among them"))),
                Some(key) if key.get("apiKey").is_some() => Err(page.wrong("no apiKey")),
                Some(_) => Ok(()),
            }
        })
        .await;
    suite
        .check(ROLE, async |suite: &mut Suite| {
            suite.ask(Ask::of("whoAmI").key(Key::Of(secret.clone()))).await?.ok(200)?.has("/role", &json!("viewer"))
        })
        .await;
    suite.check(VIEWER, async |suite: &mut Suite| forbidden(suite, &secret).await).await;
    suite
        .check(REVOKE, async |suite: &mut Suite| {
            suite.ask(Ask::of("deleteApiKey").at(&id)).await?.ok(200)?;
            suite.ask(Ask::of("listOrders").key(Key::Of(secret.clone()))).await?.refused(401, "INVALID_API_KEY")
        })
        .await;
}

/// Everything that `openapi.yaml` does not give to a viewer, with a body that would do nothing either.
async fn forbidden(suite: &mut Suite<'_>, secret: &SecretString) -> Result<(), Broken> {
    for operation in suite.operations.clone() {
        let is_open = operation.roles.is_empty() || operation.roles.iter().any(|role| role == "viewer");
        if is_open || operation.tag == SANDBOX {
            continue;
        }
        let ask = Ask::of(operation.id).key(Key::Of(secret.clone())).at("conformance");
        let ask = if operation.method == "GET" || operation.method == "DELETE" { ask } else { ask.json(&json!({})) };
        suite.ask(ask).await?.refused(403, "INSUFFICIENT_PERMISSIONS")?;
    }
    Ok(())
}
