//! What whoever runs the server does about people: shuts somebody out, lets them in again, gives them another password, takes a lost second factor away. Each ends all that
//! was begun before. Keys know no people: they are ended by themselves.

use payin_core::Error;
use payin_core::account::{check_password, folded};
use payin_types::{ErrorCode, ExposeSecret as _, SecretString, Timestamp, UserId};

use crate::app::{App, Outcome};
use crate::store::{Tx, Unit, accounts, second_factors};

/// What is done.
enum Deed {
    Disable,
    Enable,
    SetPassword(String),
    ForgetSecondFactor,
}

/// Does something about a person.
pub struct Operate {
    login: String,
    deed: Deed,
    now: Timestamp,
}

impl Operate {
    /// Shuts a person out, by their address or name.
    #[must_use]
    pub fn disable(app: &App, login: &str) -> Self {
        Self { login: folded(login), deed: Deed::Disable, now: app.clock.now() }
    }

    /// Lets a person in again.
    #[must_use]
    pub fn enable(app: &App, login: &str) -> Self {
        Self { login: folded(login), deed: Deed::Enable, now: app.clock.now() }
    }

    /// Gives a person another password, which is hashed here.
    ///
    /// # Errors
    /// `VALIDATION_ERROR`.
    pub async fn set_password(app: &App, login: &str, password: SecretString) -> Outcome<Self> {
        check_password(password.expose_secret())?;
        let hash = app.passwords.hash(password, app.entropy.array()).await?;
        Ok(Self { login: folded(login), deed: Deed::SetPassword(hash), now: app.clock.now() })
    }

    /// Takes a person's second factor away: from then on their password is enough.
    #[must_use]
    pub fn forget_second_factor(app: &App, login: &str) -> Self {
        Self { login: folded(login), deed: Deed::ForgetSecondFactor, now: app.clock.now() }
    }
}

impl Unit for Operate {
    /// Who it is, and their address.
    type Output = (UserId, String);

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<(UserId, String)> {
        let user = accounts::by_login(tx, &self.login).await?;
        let user = user.ok_or_else(|| {
            let message = format!("Nobody signs in as '{}'", payin_core::error::shown(&self.login));
            Error::new(ErrorCode::ResourceNotFound, message)
        })?;
        match &self.deed {
            Deed::Disable => accounts::disable(tx, &user.id, self.now).await?,
            Deed::Enable => accounts::enable(tx, &user.id).await?,
            Deed::SetPassword(hash) => accounts::set_password(tx, &user, hash, self.now).await?,
            Deed::ForgetSecondFactor => {
                second_factors::remove(tx, &user.id).await?;
                accounts::end_sessions(tx, &user.id, self.now).await?;
            }
        }
        accounts::forget_refreshes(tx, &user.id).await?;
        Ok((user.id, user.email))
    }
}
