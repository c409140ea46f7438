//! Signing in: by a password and, where somebody has one, their second factor. At the dashboard one after the other; at the doors of APIs, whose
//! documents have no place for it, behind a comma of the password. It must not say whether a name or its password is wrong.

use std::net::IpAddr;

use payin_core::account::{halfway_holds, is_same};
use payin_core::{Error, totp};
use payin_types::{ErrorCode, ExposeSecret as _, SecretString, Timestamp, UserId};

use super::attempts::Attempt;
use super::browser::Enter;
use super::second_factor::{Proof, is_on, wrong_code};
use super::{Session, folded, unauthorized};
use crate::app::query::is_findable;
use crate::app::{App, Outcome};
use crate::store::accounts::{self, User};
use crate::store::{Tx, Unit};

/// Who has shown their password; of nobody it is the same refusal.
struct Shown<'a> {
    user: User,
    attempt: Attempt<'a>,
    /// What stood behind the password's last comma, of somebody who has a second factor.
    code: Option<String>,
    has_second_factor: bool,
}

/// What somebody with a second factor has sent at an API: the password, a comma, a code. A password may have commas of its own.
fn parted(whole: &SecretString) -> (SecretString, Option<String>) {
    match whole.expose_secret().rsplit_once(',').filter(|(_, code)| totp::Shown::read(code).is_some()) {
        Some((password, code)) => (SecretString::from(password.to_owned()), Some(code.to_owned())),
        None => (whole.clone(), None),
    }
}

/// Finds who it is by their address or name, or without either the only person there is, and compares the password. `is_whole`: whether a code
/// may stand behind it.
async fn shown<'a>(app: &'a App, login: Option<&str>, password: SecretString, from: IpAddr, is_whole: bool) -> Outcome<Shown<'a>> {
    let attempt = app.passwords.attempts.begin(&folded(login.unwrap_or_default()), from, app.clock.now())?;
    let mut conn = app.store.read().await?;
    let found = match login {
        Some(login) if !is_findable(login) => None,
        Some(login) => accounts::by_login(&mut conn, &folded(login)).await?,
        None => match accounts::first(&mut conn).await? {
            several if several.len() > 1 => return Err(Error::field("email", "there are several accounts here: say which").into()),
            one => one.into_iter().next(),
        },
    };
    let has_second_factor = match &found {
        Some(user) => is_on(&mut conn, &user.id).await?,
        None => false,
    };
    drop(conn);
    let (password, code) = if has_second_factor && is_whole { parted(&password) } else { (password, None) };
    // Also where there is nobody, so that it takes as long.
    let hash = found.as_ref().map(|user| user.password_hash.clone());
    let is_right = app.passwords.verify(password, hash).await?;
    let user = found.filter(|user| is_right && user.disabled_at.is_none());
    let user = user.ok_or_else(|| unauthorized("The name or the password is wrong"))?;
    Ok(Shown { user, attempt, code, has_second_factor })
}

/// Who somebody is where they belong: of several organizations, for the one they joined first.
async fn session(app: &App, user: User) -> Outcome<Session> {
    let organizations = accounts::organizations(&mut app.store.read().await?, &user.id).await?;
    let first = organizations.into_iter().next();
    let (organization_id, _, role) = first.ok_or_else(|| unauthorized("The account belongs to no organization"))?;
    Ok(Session { user_id: user.id, name: user.name, email: user.email, organization_id, role })
}

struct UseUp(Proof);

impl Unit for UseUp {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        if self.0.use_up(tx).await? { Ok(()) } else { Err(wrong_code(ErrorCode::InvalidApiKey).into()) }
    }
}

/// Signs somebody in at an API. Where they have a second factor, a code of it stands behind the password, after a comma.
///
/// # Errors
/// `INVALID_API_KEY`, the same whether it is the name or the password that is wrong; `VALIDATION_ERROR` where a name is needed;
/// `RATE_LIMIT_EXCEEDED` where it was tried in vain too often, or too many sign in at once.
pub async fn login(app: &App, login: Option<&str>, password: SecretString, from: IpAddr) -> Outcome<Session> {
    let Shown { user, attempt, code, has_second_factor } = shown(app, login, password, from, true).await?;
    if has_second_factor {
        let code = code.ok_or_else(|| {
            unauthorized("This account has two-step sign-in: send the password, a comma and a code of the app, or use an API key")
        })?;
        app.store.write(UseUp(Proof::of(app, &user.id, &code).await?)).await?;
    }
    attempt.succeeded();
    session(app, user).await
}

/// What a right password has come to at the dashboard.
#[derive(Debug)]
pub enum Entry {
    /// They are in, and this is what their browser's cookie is to bear.
    Whole(SecretString),
    /// They have a second factor: it is shown next, with this.
    Half(SecretString),
}

/// Signs somebody in at the dashboard, as far as their password goes.
///
/// # Errors
/// As [`login`].
pub async fn enter(app: &App, login: &str, password: SecretString, from: IpAddr) -> Outcome<Entry> {
    let Shown { user, attempt, has_second_factor, .. } = shown(app, Some(login), password, from, false).await?;
    if has_second_factor {
        attempt.went_half();
        return Ok(Entry::Half(Halfway { user: user.id, at: app.clock.now() }.ticket(app)));
    }
    attempt.succeeded();
    let session = session(app, user).await?;
    Ok(Entry::Whole(super::browser::enter(app, &session.user_id, &session.organization_id).await?))
}

/// Somebody who has shown their password, at a time.
struct Halfway {
    user: UserId,
    at: Timestamp,
}

impl Halfway {
    fn ticket(&self, app: &App) -> SecretString {
        let at = self.at.millis().to_string();
        let mac = app.seal.halfway_macs(self.user.as_str(), &at).into_iter().next().unwrap_or_default();
        SecretString::from(format!("{}.{at}.{mac}", self.user))
    }

    /// What a ticket says, if it is one of ours.
    fn read(app: &App, ticket: &str) -> Option<Self> {
        let (rest, mac) = ticket.rsplit_once('.')?;
        let (user, at) = rest.rsplit_once('.')?;
        let is_ours = app.seal.halfway_macs(user, at).iter().any(|own| is_same(own, mac));
        let at = at.parse().ok().filter(|_| is_ours)?;
        Some(Self { user: UserId::from(user), at: Timestamp::from_millis(at) })
    }
}

struct EnterWith {
    proof: Proof,
    enter: Enter,
}

impl Unit for EnterWith {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        if !self.proof.use_up(tx).await? {
            return Err(wrong_code(ErrorCode::InvalidApiKey).into());
        }
        self.enter.run(tx).await
    }
}

/// Signs somebody in who has shown their password a moment ago, and shows their second factor now. Answers what their browser's cookie is to bear.
///
/// # Errors
/// `INVALID_API_KEY` if the code is wrong or was used; `INVALID_STATE` if the password was shown too long ago; `RATE_LIMIT_EXCEEDED`.
pub async fn finish(app: &App, ticket: &str, code: &str, from: IpAddr) -> Outcome<SecretString> {
    let over = || Error::new(ErrorCode::InvalidState, "The password was shown too long ago: sign in again");
    let now = app.clock.now();
    let halfway = Halfway::read(app, ticket).ok_or_else(over)?;
    let user = accounts::get(&mut app.store.read().await?, &halfway.user).await?;
    let user = user.filter(|user| halfway_holds(halfway.at, user.sessions_from, now)).ok_or_else(over)?;
    let attempt = app.passwords.attempts.begin(&folded(&user.email), from, now)?;
    let proof = Proof::of(app, &user.id, code).await?;
    let session = session(app, user).await?;
    let (enter, token) = Enter::new(app, &session.user_id, &session.organization_id);
    app.store.write(EnterWith { proof, enter }).await?;
    attempt.succeeded();
    Ok(token)
}
