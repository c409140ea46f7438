//! Prolonging a session: each refresh token is used once and replaced. One that comes a second time was stolen, or its successor was; then
//! nothing of its family is taken any more, access tokens included. The person's other sessions go on: a copy that somebody keeps sending must not
//! sign them out again and again.

use payin_core::Error;
use payin_core::account::REFRESH_LIFETIME;
use payin_types::id::base62;
use payin_types::{OrganizationId, SecretString, Timestamp, UserId};

use super::{Session, unauthorized};
use crate::app::{App, Outcome};
use crate::store::accounts::{self, Refresh};
use crate::store::{Tx, Unit};

/// 256 random bits, and the MAC by which they are kept.
fn fresh(app: &App) -> (SecretString, String) {
    let halves: [u128; 2] = [u128::from_be_bytes(app.entropy.array()), u128::from_be_bytes(app.entropy.array())];
    let text: String = halves.map(|half| base62(half, 22)).concat();
    let mac = app.seal.refresh_macs(&text).into_iter().next().unwrap_or_default();
    (SecretString::from(text), mac)
}

struct Begin {
    mac: String,
    refresh: Refresh,
    now: Timestamp,
}

impl Unit for Begin {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        accounts::forget_expired(tx, self.now).await?;
        Ok(accounts::insert_refresh(tx, &self.mac, &self.refresh, self.now).await?)
    }
}

/// A session that was begun.
pub struct Opened {
    /// What it is prolonged with the next time.
    pub refresh: SecretString,
    /// What its access tokens are known by.
    pub family: String,
}

/// Begins a session that can be prolonged.
///
/// # Errors
/// What the database says.
pub async fn open_session(app: &App, user: UserId) -> Outcome<Opened> {
    let (token, mac) = fresh(app);
    let now = app.clock.now();
    let family = base62(app.random_id(), 22);
    let refresh =
        Refresh { family: family.clone(), user_id: user, expires_at: now.plus(REFRESH_LIFETIME), used_at: None, revoked_at: None };
    app.store.write(Begin { mac, refresh, now }).await?;
    Ok(Opened { refresh: token, family })
}

/// A prolonged session.
#[derive(Debug)]
pub struct Refreshed {
    /// Whose.
    pub session: Session,
    /// What it is prolonged with the next time.
    pub refresh: SecretString,
    /// What its access tokens are known by.
    pub family: String,
}

/// What became of a refresh token.
enum Used {
    By(UserId, String),
    /// It was used before, and its family is ended.
    Again,
    Unknown,
}

struct Use {
    macs: Vec<String>,
    next_mac: String,
    now: Timestamp,
}

impl Unit for Use {
    type Output = Used;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Used> {
        for mac in &self.macs {
            let Some(refresh) = accounts::lock_refresh(tx, mac).await? else { continue };
            if refresh.used_at.is_some() || refresh.revoked_at.is_some() {
                accounts::end_family(tx, &refresh.family, self.now).await?;
                return Ok(Used::Again);
            }
            if refresh.expires_at <= self.now {
                return Ok(Used::Unknown);
            }
            accounts::used(tx, &refresh, mac, self.now).await?;
            let next = Refresh { expires_at: self.now.plus(REFRESH_LIFETIME), ..Refresh::clone(&refresh) };
            accounts::insert_refresh(tx, &self.next_mac, &next, self.now).await?;
            return Ok(Used::By(refresh.user_id.clone(), refresh.family.clone()));
        }
        Ok(Used::Unknown)
    }
}

/// Prolongs a session.
///
/// # Errors
/// `INVALID_API_KEY` for a token that is none of ours, is over, or was used before: the last ends all that came from it.
pub async fn prolong(app: &App, token: &str) -> Outcome<Refreshed> {
    let refused = || -> Error { unauthorized("The refresh token is over, was used before, or is none of this server's: sign in again") };
    let (refresh, next_mac) = fresh(app);
    let used = app.store.write(Use { macs: app.seal.refresh_macs(token), next_mac, now: app.clock.now() }).await?;
    let (user, family) = match used {
        Used::By(user, family) => (user, family),
        Used::Again => {
            tracing::warn!("a refresh token came a second time: its family is ended");
            return Err(refused().into());
        }
        Used::Unknown => return Err(refused().into()),
    };
    let mut conn = app.store.read().await?;
    let organizations = accounts::organizations(&mut conn, &user).await?;
    let first: Option<OrganizationId> = organizations.into_iter().next().map(|(organization, _, _)| organization);
    let organization_id = first.ok_or_else(refused)?;
    let member = accounts::member(&mut conn, &user, &organization_id).await?;
    let (user, role) = member.filter(|(user, _)| user.disabled_at.is_none()).ok_or_else(refused)?;
    let session = Session { user_id: user.id, name: user.name, email: user.email, organization_id, role };
    Ok(Refreshed { session, refresh, family })
}
