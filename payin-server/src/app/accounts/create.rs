//! People whom the server's operator makes: the first owner of a server, say. For an organization by name, which is made if there is none.

use payin_core::Error;
use payin_core::account::folded;
use payin_types::{OrganizationId, Role, SecretString, Timestamp, UserId};

use super::new_user;
use crate::app::access::Founding;
use crate::app::{App, Outcome};
use crate::store::accounts::{self, User};
use crate::store::{Tx, Unit};

/// Somebody who is to sign in.
pub struct NewUser {
    /// What they are called, and may sign in by; their address, where nothing is said.
    pub name: Option<String>,
    /// Their e-mail address, by which they sign in.
    pub email: String,
    /// Their password.
    pub password: SecretString,
    /// The organization's name; `None`: the only one, or the first one, which is made.
    pub organization: Option<String>,
    /// Who they are there.
    pub role: Role,
}

/// Makes an account that belongs to an organization.
pub struct CreateUser {
    user: User,
    founding: Founding,
    role: Role,
    now: Timestamp,
}

impl CreateUser {
    /// Checks what is asked for, and hashes the password.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` naming the field.
    pub async fn new(app: &App, asked: NewUser) -> Outcome<Self> {
        let organization = asked.organization.as_deref().map(|name| ("organization", name));
        let user = new_user(app, asked.name, asked.email, asked.password, organization).await?;
        let founding = Founding::new(app, asked.organization);
        Ok(Self { user, founding, role: asked.role, now: app.clock.now() })
    }
}

impl Unit for CreateUser {
    /// Who it is, and the organization's id and name.
    type Output = (UserId, OrganizationId, String);

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<(UserId, OrganizationId, String)> {
        let User { id, name, email, .. } = &self.user;
        let (organization, called) = self.founding.run(tx).await?;
        if !accounts::insert(tx, &self.user, (&folded(email), &folded(name)), self.now).await? {
            // Who asks may read the database: they are told which of the two it is.
            let is_email = accounts::by_login(tx, &folded(email)).await?.is_some_and(|other| folded(&other.email) == folded(email));
            let (field, text) = if is_email { ("email", email) } else { ("name", name) };
            return Err(Error::field(field, format!("'{text}' is another account's already: take another")).into());
        }
        accounts::join(tx, id, &organization, &self.role, self.now).await?;
        Ok((id.clone(), organization, called))
    }
}
