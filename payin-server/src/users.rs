//! `payin-server users`: people who may sign in, as whoever runs the server makes them, shuts them out, lets them in again, gives them
//! another password and takes a lost second factor away. It works beside a running server.

use std::io::{BufRead as _, IsTerminal as _};

use anyhow::{Context as _, ensure};
use payin_types::id::base62;
use payin_types::{ExposeSecret as _, Role, SecretString};

use crate::app::accounts::operator::Operate;
use crate::app::accounts::{CreateUser, NewUser};
use crate::app::{App, Outcome};
use crate::config::Config;
use crate::serve;

/// Digits of a password that is made: 128 random bits in base62.
const GENERATED_DIGITS: usize = 22;

/// Who is to sign in.
#[derive(Debug)]
pub struct Options {
    /// Their e-mail address.
    pub email: String,
    /// What they are called; their address, where nothing is said.
    pub name: Option<String>,
    /// The organization's name.
    pub organization: Option<String>,
    /// Who they are there.
    pub role: Role,
    /// Whether their password is made instead of read.
    pub generate_password: bool,
}

/// Makes the account. Only a password that was made is on stdout.
///
/// # Errors
/// If no password can be read, or the account cannot be made.
pub async fn create(config: &Config, options: Options) -> anyhow::Result<()> {
    let read = if options.generate_password { None } else { Some(read_password()?) };
    let app = serve::app(config).await?;
    let password = read.unwrap_or_else(|| SecretString::from(base62(app.random_id(), GENERATED_DIGITS)));
    let made = make(&app, &options, password.clone()).await;
    app.store.close().await;
    let told = made?;
    if options.generate_password {
        println!("{}", password.expose_secret());
        eprintln!("The password is shown once: only its hash is stored.");
    }
    eprintln!("{told}");
    Ok(())
}

/// What is done about somebody who has an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// They may not sign in any more, and are signed out.
    Disable,
    /// They may again.
    Enable,
    /// They get another password, and are signed out; `generated`: one that is made.
    SetPassword {
        /// Whether it is made instead of read.
        generated: bool,
    },
    /// Their two-step sign-in is turned off, and they are signed out.
    ResetTotp,
}

/// Does it, for whoever signs in by an address or name.
///
/// # Errors
/// If nobody does, no password can be read, or what the database says.
pub async fn operate(config: &Config, login: &str, deed: Deed) -> anyhow::Result<()> {
    let read = if deed == (Deed::SetPassword { generated: false }) { Some(read_password()?) } else { None };
    let app = serve::app(config).await?;
    let password = read.unwrap_or_else(|| SecretString::from(base62(app.random_id(), GENERATED_DIGITS)));
    let done = async {
        let unit = match deed {
            Deed::Disable => Operate::disable(&app, login),
            Deed::Enable => Operate::enable(&app, login),
            Deed::SetPassword { .. } => Operate::set_password(&app, login, password.clone()).await?,
            Deed::ResetTotp => Operate::forget_second_factor(&app, login),
        };
        app.store.write(unit).await
    };
    let done = done.await;
    app.store.close().await;
    let (id, email) = done?;
    match deed {
        Deed::Disable => {
            eprintln!("{email} ({id}) may not sign in any more. API keys that they may know are not ended: payin-server keys list")
        }
        Deed::Enable => eprintln!("{email} ({id}) may sign in."),
        Deed::SetPassword { generated } => {
            if generated {
                println!("{}", password.expose_secret());
            }
            eprintln!("{email} ({id}) has another password, and is signed out everywhere.");
        }
        Deed::ResetTotp => eprintln!("{email} ({id}) signs in with the password alone, and is signed out everywhere."),
    }
    Ok(())
}

async fn make(app: &App, options: &Options, password: SecretString) -> Outcome<String> {
    let Options { email, name, organization, role, .. } = options;
    let asked = NewUser { name: name.clone(), email: email.clone(), password, organization: organization.clone(), role: role.clone() };
    let (id, organization, called) = app.store.write(CreateUser::new(app, asked).await?).await?;
    Ok(format!("{email} ({id}) may sign in, as {role} of \"{called}\" ({organization})."))
}

fn read_password() -> anyhow::Result<SecretString> {
    let text = if std::io::stdin().is_terminal() {
        let first = rpassword::prompt_password("Password (not shown): ").context("cannot read the password")?;
        let again = rpassword::prompt_password("The same again: ").context("cannot read the password")?;
        ensure!(first == again, "the two passwords differ: nothing was done");
        first
    } else {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).context("cannot read the password")?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    ensure!(!text.is_empty(), "no password was given: type it at the prompt, pipe it in, or say --generate-password");
    Ok(SecretString::from(text))
}
