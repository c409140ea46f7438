//! Somebody's second factor: codes that an app makes (`payin_core::totp`), set up, shown, turned off. Its secret is sealed under the master key,
//! recovery codes are kept as MACs, and whatever is shown is used up in the transaction of its effect. It must not decide who needs one: everybody
//! decides for themselves.

use std::net::IpAddr;

use payin_core::totp::{self, RECOVERY_BYTES, RECOVERY_CODES, SECRET_BYTES, Shown};
use payin_core::{Error, account};
use payin_types::{ErrorCode, SecretString, Timestamp, UserId};

use super::browser::{Browser, Enter, shown_password};
use crate::app::{App, Fault, Outcome};
use crate::store::{Conn, Tx, Unit, accounts, second_factors};

/// Where a secret is sealed: for one person.
fn place(user: &UserId) -> String {
    format!("second factor {user}")
}

fn open(app: &App, user: &UserId, sealed: &str) -> Result<Vec<u8>, Fault> {
    let written = app.seal.open(&place(user), sealed)?;
    totp::read(&written).ok_or_else(|| Fault::Corrupt(format!("the second factor of {user} is no secret")))
}

/// Whether somebody's is asked for.
pub(super) async fn is_on(conn: &mut Conn, user: &UserId) -> Result<bool, Fault> {
    Ok(second_factors::get(conn, user).await?.is_some_and(|factor| factor.confirmed_at.is_some()))
}

/// What somebody has shown, to be used up.
pub(super) struct Proof {
    user: UserId,
    means: Means,
}

enum Means {
    /// A code of a step, of the secret that is sealed so.
    Code { sealed: String, step: i64 },
    /// A recovery code.
    Recovery { macs: Vec<String> },
    /// Nothing that could be right.
    Nothing,
}

/// What is said of a code that is wrong, or was used before: the two are not told apart.
pub(super) fn wrong_code(code: ErrorCode) -> Error {
    Error::new(code, "The code is wrong, or has been used: wait for the next one")
}

impl Proof {
    /// Of what somebody shows. That it is wrong is told when it is used up, as that it was used.
    pub(super) async fn of(app: &App, user: &UserId, text: &str) -> Outcome<Self> {
        let means = match Shown::read(text) {
            None => Means::Nothing,
            Some(Shown::Recovery(code)) => Means::Recovery { macs: app.seal.recovery_macs(user.as_str(), &code) },
            Some(Shown::Code(code)) => match second_factors::get(&mut app.store.read().await?, user).await? {
                Some(factor) => {
                    let secret = open(app, user, &factor.sealed)?;
                    let step = totp::step_of(&secret, &code, factor.used_step, app.clock.now());
                    step.map_or(Means::Nothing, |step| Means::Code { sealed: factor.sealed, step })
                }
                None => Means::Nothing,
            },
        };
        Ok(Self { user: user.clone(), means })
    }

    /// Uses it up: of several who show the same one it is taken. Answers false for what is wrong, or was used before.
    pub(super) async fn use_up(&self, tx: &mut Tx<'_>) -> Result<bool, Fault> {
        match &self.means {
            Means::Code { sealed, step } => second_factors::use_step(tx, &self.user, sealed, *step).await,
            Means::Recovery { macs } => {
                for mac in macs {
                    if second_factors::use_recovery(tx, &self.user, mac).await? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Means::Nothing => Ok(false),
        }
    }
}

/// How somebody's second factor stands.
pub enum Standing {
    /// There is none.
    Off,
    /// It is being set up.
    Begun {
        /// The secret, as it is typed into an app.
        secret: SecretString,
        /// What an app reads out of a QR code.
        uri: SecretString,
    },
    /// It is asked for; so many recovery codes are left.
    On(u64),
}

/// How it stands for whoever is signed in.
///
/// # Errors
/// What the database says, or a secret that cannot be opened.
pub async fn standing(app: &App, browser: &Browser) -> Outcome<Standing> {
    let session = &browser.session;
    let mut conn = app.store.read().await?;
    let Some(factor) = second_factors::get(&mut conn, &session.user_id).await? else { return Ok(Standing::Off) };
    if factor.confirmed_at.is_some() {
        return Ok(Standing::On(second_factors::recovery_left(&mut conn, &session.user_id).await?));
    }
    let secret = open(app, &session.user_id, &factor.sealed)?;
    // Apps tell several servers apart by it.
    let host =
        app.front.public_url.as_deref().and_then(|url| url.split_once("://")).map_or("", |(_, rest)| rest.split('/').next().unwrap_or(""));
    let uri = totp::uri(format!("PayIn {host}").trim_end(), &session.email, &secret);
    Ok(Standing::Begun { secret: totp::written(&secret).into(), uri: uri.into() })
}

struct Begin {
    user: UserId,
    sealed: String,
    now: Timestamp,
}

impl Unit for Begin {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        if second_factors::begin(tx, &self.user, &self.sealed, self.now).await? {
            return Ok(());
        }
        Err(Error::new(ErrorCode::InvalidState, "Two-step sign-in is on: turn it off first").into())
    }
}

/// Begins to set one up, for whoever shows their password again. It is not asked for before a code of it was shown.
///
/// # Errors
/// `INSUFFICIENT_PERMISSIONS` if the password is wrong, `INVALID_STATE` if there is one, `RATE_LIMIT_EXCEEDED`.
pub async fn begin(app: &App, browser: &Browser, from: IpAddr, password: SecretString) -> Outcome<()> {
    let (user, attempt) = shown_password(app, browser, from, password).await?;
    // Whoever has the password does not wash away with it what was guessed of codes.
    attempt.went_half();
    let secret: [u8; SECRET_BYTES] = app.entropy.array();
    let sealed = app.seal.seal(&place(&user.id), &totp::written(&secret), app.entropy.array());
    app.store.write(Begin { user: user.id, sealed, now: app.clock.now() }).await
}

struct Confirm {
    user: UserId,
    sealed: String,
    step: i64,
    recovery_macs: Vec<String>,
    enter: Enter,
    now: Timestamp,
}

impl Unit for Confirm {
    type Output = bool;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<bool> {
        if !second_factors::confirm(tx, &self.user, &self.sealed, self.step, self.now).await? {
            return Ok(false);
        }
        for mac in &self.recovery_macs {
            second_factors::insert_recovery(tx, &self.user, mac, self.now).await?;
        }
        // Whoever knows the password alone may have signed in before.
        accounts::end_sessions(tx, &self.user, self.now).await?;
        self.enter.run(tx).await?;
        Ok(true)
    }
}

/// A second factor that is on from now on.
#[derive(Debug)]
pub struct Confirmed {
    /// Each lets somebody in once who has lost their phone. They are shown now and never again.
    pub recovery_codes: Vec<SecretString>,
    /// What this browser's cookie is to bear: whatever was begun before is ended.
    pub token: SecretString,
}

/// Turns on what was set up, for whoever shows a code of it.
///
/// # Errors
/// `INSUFFICIENT_PERMISSIONS` if the code is wrong, `INVALID_STATE` if nothing is being set up, `RATE_LIMIT_EXCEEDED`.
pub async fn confirm(app: &App, browser: &Browser, from: IpAddr, text: &str) -> Outcome<Confirmed> {
    let (user, now) = (&browser.session.user_id, app.clock.now());
    let attempt = app.passwords.attempts.begin(&account::folded(&browser.session.email), from, now)?;
    let begun = second_factors::get(&mut app.store.read().await?, user).await?.filter(|factor| factor.confirmed_at.is_none());
    let begun = begun.ok_or_else(|| Error::new(ErrorCode::InvalidState, "Nothing is being set up: begin again"))?;
    let step = match Shown::read(text) {
        Some(Shown::Code(code)) => totp::step_of(&open(app, user, &begun.sealed)?, &code, begun.used_step, now),
        _ => None,
    };
    let wrong =
        || Error::new(ErrorCode::InsufficientPermissions, "The code is wrong: the app's clock or the key may be. Nothing was changed");
    let step = step.ok_or_else(wrong)?;
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| totp::recovery_code(app.entropy.array::<RECOVERY_BYTES>())).collect();
    let mac = |code: &String| match Shown::read(code) {
        Some(Shown::Recovery(code)) => app.seal.recovery_macs(user.as_str(), &code).into_iter().next(),
        _ => None,
    };
    let recovery_macs = codes.iter().filter_map(mac).collect();
    let (enter, token) = Enter::new(app, user, &browser.session.organization_id);
    if !app.store.write(Confirm { user: user.clone(), sealed: begun.sealed, step, recovery_macs, enter, now }).await? {
        return Err(wrong().into());
    }
    attempt.succeeded();
    Ok(Confirmed { recovery_codes: codes.into_iter().map(SecretString::from).collect(), token })
}

struct TurnOff {
    proof: Proof,
}

impl Unit for TurnOff {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        if !self.proof.use_up(tx).await? {
            return Err(wrong_code(ErrorCode::InsufficientPermissions).into());
        }
        Ok(second_factors::remove(tx, &self.proof.user).await?)
    }
}

/// Turns it off, for whoever shows their password and a code of it.
///
/// # Errors
/// `INSUFFICIENT_PERMISSIONS` if one of them is wrong, `RATE_LIMIT_EXCEEDED`.
pub async fn turn_off(app: &App, browser: &Browser, from: IpAddr, password: SecretString, code: &str) -> Outcome<()> {
    let (user, attempt) = shown_password(app, browser, from, password).await?;
    app.store.write(TurnOff { proof: Proof::of(app, &user.id, code).await? }).await?;
    attempt.succeeded();
    Ok(())
}
