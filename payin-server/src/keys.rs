//! `payin-server keys` and `webhook-secret`: what whoever runs the server hands out and takes back. It works beside a running server, and must
//! not show what is stored of a secret.

use std::time::Duration;

use payin_types::{ExposeSecret as _, Role, Timestamp};

use crate::app::{access, dialect, keys};
use crate::config::Config;
use crate::serve;

/// Makes a key and shows it, this once.
///
/// # Errors
/// If it is not clear for whom, or what the database says.
pub async fn create(config: &Config, role: Role, name: &str, organization: Option<String>) -> anyhow::Result<()> {
    let app = serve::app(config).await?;
    let secret = access::make_key(&app);
    let unit = access::CreateKey::new(&app, secret.expose_secret(), role.clone(), name, organization);
    let made = app.store.write(unit).await;
    app.store.close().await;
    let (id, organization) = made?;
    println!("{}", secret.expose_secret());
    eprintln!("This {role} key of \"{organization}\" ({id}) is shown once: only its MAC is stored.");
    Ok(())
}

/// Lists the keys of every organization, a line each.
///
/// # Errors
/// What the database says.
pub async fn list(config: &Config) -> anyhow::Result<()> {
    let app = serve::app(config).await?;
    let keys = keys::all(&app).await?;
    app.store.close().await;
    let time = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), |time| time.to_string());
    for keys::Listed { key, name, last_used_at } in keys {
        let (used, ends) = (time(last_used_at), time(key.expires_at));
        let (id, organization) = (&key.organization_id, &key.organization_name);
        println!("{}\t{}\t{id}\t{organization}\t{}\t{used}\t{ends}\t{name}", key.id, key.role, key.prefix);
    }
    Ok(())
}

/// Takes a key back.
///
/// # Errors
/// If there is none of that id, or what the database says.
pub async fn revoke(config: &Config, id: String) -> anyhow::Result<()> {
    let app = serve::app(config).await?;
    let revoked = keys::revoke(&app, None, id).await;
    app.store.close().await;
    revoked?;
    eprintln!("The key is revoked: running servers take it no more within a second.");
    Ok(())
}

/// Shows what an organization's webhooks of other APIs are signed with; with `overlap`, a new one, which takes over after it.
///
/// # Errors
/// If it is not clear whose, a replacement is under way, or what the database says.
pub async fn webhook_secret(config: &Config, organization: Option<String>, overlap: Option<Duration>) -> anyhow::Result<()> {
    let app = serve::app(config).await?;
    let told = async {
        let organization = app.store.write(access::Find { organization }).await?;
        match overlap {
            Some(overlap) => app.store.write(dialect::Replace::new(&app, organization, overlap)).await,
            None => app.store.write(dialect::Secret::new(&app, organization)).await,
        }
    };
    let told = told.await;
    app.store.close().await;
    let dialect::Told { secret, signs_from } = told?;
    println!("{}", secret.expose_secret());
    if let Some(from) = signs_from {
        eprintln!("It signs from {from} on, and until then the one before does: let your server take both.");
    }
    Ok(())
}
