//! People: they register, sign in, and prolong their sessions; who they are for an organization is a role like a key's. For every API that
//! knows people. What an address, a password or a session may be is a rule of `payin-core`.

mod password;
mod refresh;
mod token;

use payin_core::account::{Claims, check_email, check_name, check_password, folded};
use payin_core::{Error, access};
use payin_types::{ErrorCode, ExposeSecret as _, OrganizationId, Role, SecretString, Timestamp, UserId};

use super::{App, Outcome};
use crate::store::access::insert_organization;
use crate::store::accounts::{self, User};
use crate::store::{Tx, Unit};
pub use password::Passwords;
pub use refresh::{Refreshed, open_session, prolong};
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
        let name = asked.name.unwrap_or_else(|| asked.email.clone());
        let (field, organization) = asked.organization;
        let checked = [
            check_name("username", &name),
            check_email(&asked.email),
            check_password(asked.password.expose_secret()),
            check_name(field, &organization),
        ];
        if let Some(error) = Error::together(checked.into_iter().filter_map(Result::err).collect()) {
            return Err(error.into());
        }
        let password_hash = app.passwords.hash(asked.password, app.entropy.array()).await?;
        let now = app.clock.now();
        let id = UserId::from_random(app.random_id());
        let user = User { id, name, email: asked.email, password_hash, sessions_from: now, disabled_at: None };
        Ok(Self { user, organization, organization_id: OrganizationId::from_random(app.random_id()), now })
    }
}

impl Unit for Register {
    type Output = Session;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Session> {
        let User { id, name, email, .. } = &self.user;
        if !accounts::insert(tx, &self.user, (&folded(email), &folded(name)), self.now).await? {
            // Which of the two is taken is nobody's business.
            return Err(Error::field("email", "this e-mail address or name cannot be used; sign in, or take another").into());
        }
        insert_organization(tx, &self.organization_id, &self.organization, self.now).await?;
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

/// Signs somebody in by their address or name; without either, the only person there is. Where they belong to several organizations, for
/// the one they joined first.
///
/// # Errors
/// `INVALID_API_KEY`, the same whether it is the name or the password that is wrong; `VALIDATION_ERROR` where a name is needed.
pub async fn login(app: &App, login: Option<&str>, password: SecretString) -> Outcome<Session> {
    let mut conn = app.store.read().await?;
    let found = match login {
        Some(login) => accounts::by_login(&mut conn, &folded(login)).await?,
        None => match accounts::first(&mut conn).await? {
            several if several.len() > 1 => return Err(Error::field("email", "there are several accounts here: say which").into()),
            one => one.into_iter().next(),
        },
    };
    drop(conn);
    // Also where there is nobody, so that it takes as long.
    let hash = found.as_ref().map(|user| user.password_hash.clone());
    let is_right = app.passwords.verify(password, hash).await?;
    let user = found.filter(|user| is_right && user.disabled_at.is_none());
    let user = user.ok_or_else(|| unauthorized("The name or the password is wrong"))?;
    let organizations = accounts::organizations(&mut app.store.read().await?, &user.id).await?;
    let (organization_id, _, role) =
        organizations.into_iter().next().ok_or_else(|| unauthorized("The account belongs to no organization"))?;
    Ok(Session { user_id: user.id, name: user.name, email: user.email, organization_id, role })
}

/// The token of a session.
#[must_use]
pub fn access_token(app: &App, session: &Session) -> SecretString {
    Tokens::new(&app.seal).sign(&Claims::new(session.user_id.clone(), session.organization_id.clone(), app.clock.now()))
}

/// Whose token this is, and who they are now.
///
/// # Errors
/// `INVALID_API_KEY`.
pub async fn authenticate(app: &App, token: &str) -> Outcome<Session> {
    let refused = || unauthorized("The session is over or was never begun: sign in again");
    let claims = Tokens::new(&app.seal).read(token).ok_or_else(refused)?;
    let found = accounts::member(&mut app.store.read().await?, &claims.sub, &claims.org).await?;
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
