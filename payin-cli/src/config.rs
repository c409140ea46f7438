//! Which server is asked with which key or session: flags, then the environment, then the profile. The only place where this program reads
//! the environment.

use std::path::PathBuf;

use payin_sdk::cryptopay::Tokens;
use payin_sdk::types::ExposeSecret;
use payin_sdk::{Builder, Client, Environment, SecretString};

use crate::args::Access;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::profiles::{Kept, Profiles, Secret};

/// How often a failed call is tried again: three pauses are 3.5 s at most, which a person at a terminal sits through.
const RETRIES_MAX: u32 = 3;

/// The profile where none is named.
const DEFAULT: &str = "default";

/// What the environment says.
#[derive(Debug, Default)]
pub struct Variables {
    api_key: Option<SecretString>,
    base_url: Option<String>,
    profile: Option<String>,
    folder: Option<PathBuf>,
}

impl Variables {
    pub fn read() -> Self {
        let folder = variable("XDG_CONFIG_HOME").or_else(|| variable("APPDATA")).map(PathBuf::from);
        Self {
            api_key: variable("PAYIN_API_KEY").map(SecretString::from),
            base_url: variable("PAYIN_BASE_URL"),
            profile: variable("PAYIN_PROFILE"),
            folder: folder.or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".config"))),
        }
    }

    /// The profiles of whoever runs this.
    pub fn profiles(&self) -> Result<Profiles, Failure> {
        let homeless = || Failure::usage("there is no home folder for profiles: set HOME, or PAYIN_API_KEY");
        Ok(Profiles::at(self.home().ok_or_else(homeless)?))
    }

    /// Where this program keeps what it must remember.
    pub fn folder(&self) -> Result<PathBuf, Failure> {
        self.home().ok_or_else(|| Failure::usage("there is no home folder to remember anything in: set HOME or XDG_CONFIG_HOME"))
    }

    fn home(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join("payin"))
    }

    /// The name of the profile that is meant.
    pub fn profile<'a>(&'a self, access: &'a Access) -> &'a str {
        access.profile.as_deref().or(self.profile.as_deref()).unwrap_or(DEFAULT)
    }

    /// The URL that flag or environment name.
    pub fn base_url<'a>(&'a self, access: &'a Access) -> Option<&'a str> {
        access.base_url.as_deref().or(self.base_url.as_deref())
    }

    pub fn has_key(&self) -> bool {
        self.api_key.is_some()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one file that reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A key, and where it is to be sent.
#[derive(Debug)]
pub struct Credentials {
    pub api_key: SecretString,
    /// Where the key was found, for people.
    pub source: String,
    pub base_url: Option<String>,
    pub allow_http: bool,
}

/// A session of the CryptoPay API, and where it goes on.
#[derive(Debug)]
pub struct Session {
    tokens: Tokens,
    kept: Kept,
    base_url: Option<String>,
    allow_http: bool,
}

/// What calls are made with.
#[derive(Debug)]
pub enum Login {
    Key(Credentials),
    Session(Box<Session>),
}

/// The credentials in force, for the APIs that take a key.
pub fn credentials(access: &Access, variables: &Variables) -> Result<Credentials, Failure> {
    match login(access, variables)? {
        Login::Key(credentials) => Ok(credentials),
        Login::Session(session) => {
            let name = &session.kept.name;
            Err(Failure::new(Exit::Auth, "NO_API_KEY", format!("profile {name:?} is for a session of the CryptoPay API, and has no key"))
                .hint("payin cryptopay … goes on with it; for other commands log in with a key, under another profile: payin login --profile NAME"))
        }
    }
}

/// The key or session in force. The environment's key goes before the profile, and never to the profile's server.
pub fn login(access: &Access, variables: &Variables) -> Result<Login, Failure> {
    let base_url = variables.base_url(access).map(str::to_owned);
    if let Some(key) = &variables.api_key {
        let (api_key, source) = (key.clone(), "PAYIN_API_KEY".to_owned());
        return Ok(Login::Key(Credentials { api_key, source, base_url, allow_http: access.allow_http }));
    }
    let name = variables.profile(access);
    let named = access.profile.is_some() || variables.profile.is_some();
    let profiles = match variables.profiles() {
        Ok(profiles) => profiles,
        Err(_) if !named => return Err(Failure::no_key()),
        Err(failure) => return Err(failure),
    };
    let Some(profile) = profiles.get(name)? else {
        return Err(if named {
            Failure::new(Exit::Auth, "NO_PROFILE", format!("there is no profile {name:?}"))
                .hint(format!("make it with: payin login --profile {name}"))
        } else {
            Failure::no_key()
        });
    };
    let (base_url, allow_http) = (base_url.or_else(|| profile.base_url.clone()), access.allow_http || profile.allow_http);
    Ok(match profiles.secret(name, &profile)? {
        Secret::Key(api_key) => {
            Login::Key(Credentials { api_key, source: format!("profile {name:?} ({})", profile.place()), base_url, allow_http })
        }
        Secret::Session(tokens) => {
            Login::Session(Box::new(Session { tokens, kept: Kept { profiles, name: name.to_owned(), profile }, base_url, allow_http }))
        }
    })
}

/// A client that is not set up yet, of a server.
pub fn builder(base_url: Option<&str>, allow_http: bool) -> Builder {
    let builder =
        Client::builder().allow_http(allow_http).retries_max(RETRIES_MAX).user_agent(concat!("payin-cli/", env!("CARGO_PKG_VERSION")));
    match base_url {
        Some(url) => builder.base_url(url),
        None => builder,
    }
}

/// The client for credentials. A key of another environment than its server's is refused before it is sent there.
pub fn client(credentials: &Credentials) -> Result<Client, Failure> {
    let builder = builder(credentials.base_url.as_deref(), credentials.allow_http).api_key(credentials.api_key.clone());
    let client = builder.build().map_err(in_clear)?;
    match mismatch(credentials.api_key.expose_secret(), &client.base_url()) {
        Some(message) => Err(Failure::new(Exit::Auth, "WRONG_ENVIRONMENT", message)
            .hint("take a key of that environment, or the other URL: --base-url, PAYIN_BASE_URL, or payin login again")),
        None => Ok(client),
    }
}

/// The client for a key or session, of the API that takes either.
pub fn client_of(login: Login) -> Result<Client, Failure> {
    match login {
        Login::Key(credentials) => client(&credentials),
        Login::Session(session) => {
            let Session { tokens, kept, base_url, allow_http } = *session;
            builder(base_url.as_deref(), allow_http).shared_session(tokens, kept).build().map_err(in_clear)
        }
    }
}

/// Says what to do where a key or password could be read on the way.
pub fn in_clear(error: payin_sdk::Error) -> Failure {
    let is_in_clear = error.to_string().contains("allow_http");
    let failure = match &error {
        payin_sdk::Error::Config(_) if is_in_clear => Failure::new(
            Exit::Usage,
            "CONFIG",
            "the base URL begins with http:// and leads to another machine, so that the key could be read on the way",
        ),
        _ => return error.into(),
    };
    failure.hint("use https://, or --allow-http in a network that you trust whole")
}

fn mismatch(key: &str, base_url: &str) -> Option<&'static str> {
    if key.starts_with("pk_test_") && base_url == Environment::Production.base_url() {
        Some("this is a testnet key (pk_test_…), but the base URL is production's")
    } else if key.starts_with("pk_live_") && base_url == Environment::Testnet.base_url() {
        Some("this is a production key (pk_live_…), but the base URL is the testnet's")
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
