//! Browsers in which somebody is signed in: what their cookie bears is random, and only its MAC is kept. They are signed out by themselves
//! after a while, by whoever signs out, by a new password, and when the person may not sign in any more. It must not know what a page is.

use std::net::IpAddr;

use payin_core::Error;
use payin_core::account::{BROWSER_IDLE, BROWSER_LIFETIME, browser_holds, check_password, is_same};
use payin_types::id::base62;
use payin_types::{ErrorCode, ExposeSecret as _, OrganizationId, Role, SecretString, Timestamp, UserId};

use super::attempts::Attempt;
use super::{Session, unauthorized};
use crate::app::{App, Outcome};
use crate::store::accounts::User;
use crate::store::{Tx, Unit, accounts, browsers};

/// How exactly it is known when a browser was last used, so that not every page is a write.
const NOTED_EVERY_S: u64 = 60;

/// A browser in which somebody is signed in.
#[derive(Debug, Clone)]
pub struct Browser {
    /// Who, and for which organization at present.
    pub session: Session,
    /// That organization's name.
    pub organization: String,
    /// Every organization that they are a member of, with its name.
    pub organizations: Vec<(OrganizationId, String, Role)>,
    mac: String,
}

/// 256 random bits, as a cookie or a link bears them.
pub(super) fn random_token(app: &App) -> SecretString {
    let halves: [u128; 2] = [u128::from_be_bytes(app.entropy.array()), u128::from_be_bytes(app.entropy.array())];
    SecretString::from(halves.map(|half| base62(half, 22)).concat())
}

/// A browser's session that is to begin, and what its cookie is to bear.
pub(super) struct Enter {
    mac: String,
    user: UserId,
    organization: OrganizationId,
    now: Timestamp,
}

impl Enter {
    pub(super) fn new(app: &App, user: &UserId, organization: &OrganizationId) -> (Self, SecretString) {
        let token = random_token(app);
        let mac = app.seal.browser_macs(token.expose_secret()).into_iter().next().unwrap_or_default();
        (Self { mac, user: user.clone(), organization: organization.clone(), now: app.clock.now() }, token)
    }
}

impl Unit for Enter {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        browsers::forget(tx, self.now.minus(BROWSER_IDLE), self.now.minus(BROWSER_LIFETIME)).await?;
        let (user_id, organization_id) = (self.user.clone(), self.organization.clone());
        let browser = browsers::Browser { user_id, organization_id, created_at: self.now, seen_at: self.now };
        Ok(browsers::insert(tx, &self.mac, &browser).await?)
    }
}

/// Signs somebody in who has shown who they are. Answers what their browser's cookie is to bear.
///
/// # Errors
/// What the database says.
pub async fn enter(app: &App, user: &UserId, organization: &OrganizationId) -> Outcome<SecretString> {
    let (begin, token) = Enter::new(app, user, organization);
    app.store.write(begin).await?;
    Ok(token)
}

struct Seen {
    mac: String,
    now: Timestamp,
}

impl Unit for Seen {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        Ok(browsers::seen(tx, &self.mac, self.now).await?)
    }
}

/// Who is signed in where a cookie bears this, as they are now.
///
/// # Errors
/// `INVALID_API_KEY` if nobody is, any more.
pub async fn recall(app: &App, token: &str) -> Outcome<Browser> {
    let (over, now) = (|| unauthorized("Nobody is signed in here, or not any more: sign in again"), app.clock.now());
    let mut conn = app.store.read().await?;
    let mut found = None;
    for mac in app.seal.browser_macs(token) {
        if let Some(browser) = browsers::get(&mut conn, &mac).await? {
            found = Some((mac, browser));
            break;
        }
    }
    let (mac, browser) = found.ok_or_else(over)?;
    let user = accounts::get(&mut conn, &browser.user_id).await?.ok_or_else(over)?;
    if !browser_holds(browser.created_at, browser.seen_at, user.sessions_from, now) {
        return Err(over().into());
    }
    let organizations = accounts::organizations(&mut conn, &user.id).await?;
    drop(conn);
    let looked_at = organizations.iter().find(|(id, ..)| *id == browser.organization_id).or_else(|| organizations.first());
    let (organization_id, organization, role) = looked_at.cloned().ok_or_else(over)?;
    if now.since(browser.seen_at).as_secs() >= NOTED_EVERY_S {
        app.store.write(Seen { mac: mac.clone(), now }).await?;
    }
    let session = Session { user_id: user.id, name: user.name, email: user.email, organization_id, role };
    Ok(Browser { session, organization, organizations, mac })
}

struct LookAt {
    mac: String,
    organization: OrganizationId,
}

impl Unit for LookAt {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        Ok(browsers::look_at(tx, &self.mac, &self.organization).await?)
    }
}

/// Looks at another organization of theirs.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` for one that they are no member of.
pub async fn look_at(app: &App, browser: &Browser, organization: &str) -> Outcome<()> {
    let found = browser.organizations.iter().find(|(id, ..)| id.as_str() == organization);
    let (organization, ..) = found.ok_or_else(|| Error::not_found("Organization", organization))?;
    app.store.write(LookAt { mac: browser.mac.clone(), organization: organization.clone() }).await
}

struct Leave {
    mac: String,
}

impl Unit for Leave {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        Ok(browsers::end(tx, &self.mac).await?)
    }
}

/// Signs out.
///
/// # Errors
/// What the database says.
pub async fn leave(app: &App, browser: &Browser) -> Outcome<()> {
    app.store.write(Leave { mac: browser.mac.clone() }).await
}

/// What forms of a browser's pages bear, so that no other site's page can send one.
#[must_use]
pub fn form_token(app: &App, token: &str) -> String {
    app.seal.form_macs(token).into_iter().next().unwrap_or_default()
}

/// Whether a form came from a page of this browser.
#[must_use]
pub fn is_form_token(app: &App, token: &str, given: &str) -> bool {
    app.seal.form_macs(token).iter().any(|mac| is_same(mac, given))
}

struct SetPassword {
    before: User,
    password_hash: String,
    now: Timestamp,
}

impl Unit for SetPassword {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        accounts::set_password(tx, &self.before, &self.password_hash, self.now).await?;
        Ok(accounts::forget_refreshes(tx, &self.before.id).await?)
    }
}

/// Whoever is signed in, once they have shown their password again.
///
/// # Errors
/// `INSUFFICIENT_PERMISSIONS` if it is wrong, `RATE_LIMIT_EXCEEDED`.
pub(super) async fn shown_password<'a>(
    app: &'a App,
    browser: &Browser,
    from: IpAddr,
    password: SecretString,
) -> Outcome<(User, Attempt<'a>)> {
    let attempt = app.passwords.attempts.begin(&super::folded(&browser.session.email), from, app.clock.now())?;
    let user = accounts::get(&mut app.store.read().await?, &browser.session.user_id).await?;
    let user = user.ok_or_else(|| unauthorized("The account is gone"))?;
    if !app.passwords.verify(password, Some(user.password_hash.clone())).await? {
        return Err(Error::new(ErrorCode::InsufficientPermissions, "The present password is another one: nothing was changed").into());
    }
    Ok((user, attempt))
}

/// Gives somebody another password, who knows the one that they have. Everything that was begun with that one is ended, this browser's
/// session too.
///
/// # Errors
/// `INSUFFICIENT_PERMISSIONS` if the password is wrong, `VALIDATION_ERROR` for one that cannot be taken, `RATE_LIMIT_EXCEEDED`.
pub async fn change_password(app: &App, browser: &Browser, from: IpAddr, old: SecretString, new: SecretString) -> Outcome<()> {
    check_password(new.expose_secret())?;
    let (user, attempt) = shown_password(app, browser, from, old).await?;
    // Whoever has the password does not wash away with it what was guessed of codes.
    attempt.went_half();
    let password_hash = app.passwords.hash(new, app.entropy.array()).await?;
    app.store.write(SetPassword { before: user, password_hash, now: app.clock.now() }).await
}
