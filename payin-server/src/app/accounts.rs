//! People: they register, sign in, prolong their sessions and end them; who they are for an organization is a role like a key's. For every
//! API that knows people. What an address, a password or a session may be is a rule of `payin-core`.

mod attempts;
pub mod browser;
mod create;
pub mod invitation;
pub mod members;
pub mod operator;
mod password;
mod refresh;
pub mod second_factor;
pub mod sign_in;
mod token;

use payin_core::account::{Claims, check_email, check_name, check_password, folded};
use payin_core::{Error, access};
use payin_types::id::base62;
use payin_types::{ErrorCode, ExposeSecret as _, OrganizationId, Role, SecretString, Timestamp, UserId};

use super::{App, Outcome};
use crate::store::access::insert_organization;
use crate::store::accounts::{self, User};
use crate::store::{Tx, Unit};
pub use create::{CreateUser, NewUser};
pub use password::Passwords;
pub use refresh::{Opened, Refreshed, open_session, prolong};
pub use sign_in::login;
pub use token::Tokens;

fn unauthorized(message: &str) -> Error {
    Error::new(ErrorCode::InvalidApiKey, message)
}

/// Somebody who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub user_id: UserId,
    /// What they are called.
    pub name: String,
    /// Their e-mail address.
    pub email: String,
    /// For which organization.
    pub organization_id: OrganizationId,
    /// Who they are there.
    pub role: Role,
}

/// What somebody registers with.
#[derive(Debug, Clone)]
pub struct Registration {
    /// What they are called, and sign in by; their address, where they are not asked.
    pub name: Option<String>,
    /// Their e-mail address.
    pub email: String,
    /// Their password.
    pub password: SecretString,
    /// What their API calls the name of their organization, and that name.
    pub organization: (&'static str, String),
}

/// Whether anybody who reaches the server may register.
///
/// # Errors
/// `INSUFFICIENT_PERMISSIONS`.
pub fn check_open(app: &App) -> Result<(), Error> {
    if app.front.open_registration {
        return Ok(());
    }
    let message = "Registration is closed on this server: ask whoever runs it for an API key, or to open it (open_registration = true)";
    Err(Error::new(ErrorCode::InsufficientPermissions, message))
}

/// Makes an account, and with it an organization that it owns.
pub struct Register {
    user: User,
    organization: String,
    organization_id: OrganizationId,
    now: Timestamp,
}

impl Register {
    /// Checks what is asked for, and hashes the password: that is done before anything is written.
    ///
    /// # Errors
    /// `VALIDATION_ERROR`.
    pub async fn new(app: &App, asked: Registration) -> Outcome<Self> {
        let (field, organization) = asked.organization;
        let user = new_user(app, asked.name, asked.email, asked.password, Some((field, organization.as_str()))).await?;
        let organization_id = OrganizationId::from_random(app.random_id());
        Ok(Self { user, organization, organization_id, now: app.clock.now() })
    }
}

/// Checks what somebody is to be called and sign in by, with the name of an organization that is made for them, and hashes the password.
async fn new_user(
    app: &App,
    name: Option<String>,
    email: String,
    password: SecretString,
    organization: Option<(&'static str, &str)>,
) -> Outcome<User> {
    let name = name.unwrap_or_else(|| email.clone());
    let checked = [check_name("username", &name), check_email(&email), check_password(password.expose_secret())];
    let organization = organization.map(|(field, organization)| check_name(field, organization));
    if let Some(error) = Error::together(checked.into_iter().chain(organization).filter_map(Result::err).collect()) {
        return Err(error.into());
    }
    let password_hash = app.passwords.hash(password, app.entropy.array()).await?;
    let id = UserId::from_random(app.random_id());
    // Nothing was handed out before there was an account, and whoever makes it may have another clock than the server.
    Ok(User { id, name, email, password_hash, sessions_from: Timestamp::default(), disabled_at: None })
}

impl Unit for Register {
    type Output = Session;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Session> {
        let User { id, name, email, .. } = &self.user;
        if !accounts::insert(tx, &self.user, (&folded(email), &folded(name)), self.now).await? {
            // Which of the two is taken is nobody's business.
            return Err(Error::field("email", "this e-mail address or name cannot be used; sign in, or take another").into());
        }
        insert_organization(tx, &self.organization_id, &self.organization, None, self.now).await?;
        accounts::join(tx, id, &self.organization_id, &Role::Owner, self.now).await?;
        Ok(Session {
            user_id: id.clone(),
            name: name.clone(),
            email: email.clone(),
            organization_id: self.organization_id.clone(),
            role: Role::Owner,
        })
    }
}

/// The token of a session; `family` where it can be prolonged.
#[must_use]
pub fn access_token(app: &App, session: &Session, family: Option<&str>) -> SecretString {
    let id = base62(app.random_id(), 22);
    let claims = Claims::new(session.user_id.clone(), session.organization_id.clone(), id, app.clock.now());
    Tokens::new(&app.seal).sign(&claims.of_family(family))
}

struct EndToken {
    claims: Claims,
    now: Timestamp,
}

impl Unit for EndToken {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        Ok(accounts::end_token(tx, &self.claims.jti, Timestamp::from_secs(self.claims.exp), self.now).await?)
    }
}

/// Ends a session's token before its time, on every server at once. One that is none of ours is nothing to end.
///
/// # Errors
/// What the database says.
pub async fn end(app: &App, token: &str) -> Outcome<()> {
    let Some(claims) = Tokens::new(&app.seal).read(token) else { return Ok(()) };
    app.store.write(EndToken { claims, now: app.clock.now() }).await
}

/// Whose token this is, and who they are now.
///
/// # Errors
/// `INVALID_API_KEY`.
pub async fn authenticate(app: &App, token: &str) -> Outcome<Session> {
    let refused = || unauthorized("The session is over or was never begun: sign in again");
    let claims = Tokens::new(&app.seal).read(token).ok_or_else(refused)?;
    let mut conn = app.store.read().await?;
    if accounts::is_ended(&mut conn, &claims.jti, claims.fam.as_deref()).await? {
        return Err(refused().into());
    }
    let found = accounts::member(&mut conn, &claims.sub, &claims.org).await?;
    let (user, role) =
        found.filter(|(user, _)| user.disabled_at.is_none() && claims.holds(user.sessions_from, app.clock.now())).ok_or_else(refused)?;
    Ok(Session { user_id: user.id, name: user.name, email: user.email, organization_id: claims.org, role })
}

/// Refuses what a person's role does not allow.
///
/// # Errors
/// `INSUFFICIENT_PERMISSIONS`.
pub fn check(session: &Session, permission: access::Permission) -> Result<(), Error> {
    access::check(&session.role, permission)
}
