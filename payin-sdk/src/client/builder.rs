//! Sets a client up. It reads no environment (that is `Client::from_env`) and sends nothing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::base::Base;
use super::retry::Policy;
use super::{Client, Inner};
use crate::error::Error;
use crate::transport::{ReqwestTransport, Transport};
use crate::world::{SystemWorld, World};

/// A deployment of the API with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Environment {
    /// The vendor's, with real money: <https://app.payin.com/api/v1>.
    Production,
    /// The vendor's, with test tokens: <https://testnet.payin.com/api/v1>.
    Testnet,
    /// `payin-server dev` on this machine: <http://localhost:3000/api/v1>.
    Local,
}

impl Environment {
    /// Where its API is.
    #[must_use]
    pub fn base_url(self) -> &'static str {
        match self {
            Self::Production => "https://app.payin.com/api/v1",
            Self::Testnet => "https://testnet.payin.com/api/v1",
            Self::Local => "http://localhost:3000/api/v1",
        }
    }

    fn of_key(key: &str) -> Option<Self> {
        match key {
            key if key.starts_with("pk_live_") => Some(Self::Production),
            key if key.starts_with("pk_test_") => Some(Self::Testnet),
            _ => None,
        }
    }
}

/// Sets up a [`Client`]. Only the key is needed.
#[derive(Default)]
#[must_use]
pub struct Builder {
    api_key: Option<SecretString>,
    /// Whether it may do without a key: it signs in, or has.
    keyless: bool,
    #[cfg(feature = "cryptopay")]
    session: Option<super::Session>,
    base_url: Option<String>,
    allow_http: bool,
    user_agent: Option<String>,
    policy: Policy,
    transport: Option<Arc<dyn Transport>>,
    world: Option<Arc<dyn World>>,
}

impl Builder {
    /// The API key.
    pub fn api_key(mut self, key: impl Into<SecretString>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// A deployment by name. Without it and without [`Builder::base_url`] the key tells: `pk_live_` means production,
    /// `pk_test_` testnet.
    pub fn environment(self, environment: Environment) -> Self {
        self.base_url(environment.base_url())
    }

    /// A deployment by URL, with or without `/api/v1`.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Allows a base URL with `http://` to another machine, where everybody on the way can read the key: only for networks that you trust
    /// whole, such as that between two containers. `http://` to this machine is always allowed.
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }

    /// How long one attempt may take; default 30 s.
    pub fn attempt_timeout(mut self, span: Duration) -> Self {
        self.policy.attempt_timeout = span;
        self
    }

    /// How long a call may take with all its attempts and pauses; default 60 s.
    pub fn deadline(mut self, span: Duration) -> Self {
        self.policy.deadline = span;
        self
    }

    /// How many attempts may follow the first; default 5, 0 for none.
    pub fn retries_max(mut self, count: u32) -> Self {
        self.policy.retries_max = count;
        self
    }

    /// What your program calls itself, such as `shop/1.2`; stands before the SDK's name in `User-Agent`.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = Some(name.into());
        self
    }

    /// What sends requests, instead of reqwest.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Where time and randomness come from, instead of the system.
    pub fn world(mut self, world: impl World) -> Self {
        self.world = Some(Arc::new(world));
        self
    }

    /// Without a key, unless one was given.
    #[cfg(any(feature = "cryptopay", feature = "paywarden"))]
    pub(crate) fn without_key(mut self) -> Self {
        self.keyless = true;
        self
    }

    /// With a session, and so without a key, unless one was given.
    #[cfg(feature = "cryptopay")]
    pub(crate) fn with_session(self, session: super::Session) -> Self {
        Self { session: Some(session), ..self.without_key() }
    }

    /// The client.
    ///
    /// # Errors
    /// [`Error::Config`] says what is missing or cannot be used. The key is never quoted.
    pub fn build(self) -> Result<Client, Error> {
        if self.api_key.is_none() && !self.keyless {
            return Err(Error::Config("no API key: set PAYIN_API_KEY or call `api_key`".to_owned()));
        }
        let key = self.api_key.as_ref().map(|key| key.expose_secret());
        if key.is_some_and(|key| key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(Error::Config("the API key is empty, or has white space or other characters that no key has".to_owned()));
        }
        let base = match (self.base_url, key.and_then(Environment::of_key)) {
            (Some(url), _) => Base::parse(&url)?,
            (None, Some(environment)) => Base::parse(environment.base_url())?,
            (None, None) => {
                let why = "no base URL, and the key begins neither with pk_live_ nor with pk_test_: set PAYIN_BASE_URL or call `base_url`";
                return Err(Error::Config(why.to_owned()));
            }
        };
        if base.is_in_clear() && !self.allow_http {
            let why = "the base URL begins with http://, so that the key could be read on the way: use https://, or call `allow_http`";
            return Err(Error::Config(why.to_owned()));
        }
        let header = |key: &str| {
            let mut value = HeaderValue::from_str(key).map_err(|_| Error::Config("the API key cannot stand in a header".to_owned()))?;
            value.set_sensitive(true);
            Ok::<_, Error>(value)
        };
        let api_key = key.map(header).transpose()?;
        let transport = match self.transport {
            Some(transport) => transport,
            None => Arc::new(ReqwestTransport::new(base.root())?),
        };
        let world = self.world.unwrap_or_else(|| Arc::new(SystemWorld::new()));
        let user_agent = user_agent(self.user_agent.as_deref())?;
        Ok(Client {
            inner: Arc::new(Inner {
                base,
                api_key,
                #[cfg(feature = "cryptopay")]
                session: self.session,
                user_agent,
                policy: self.policy,
                transport,
                world,
            }),
        })
    }
}

fn user_agent(name: Option<&str>) -> Result<HeaderValue, Error> {
    let own = concat!("payin-sdk/", env!("CARGO_PKG_VERSION"));
    let text = name.map_or_else(|| own.to_owned(), |name| format!("{name} {own}"));
    HeaderValue::from_str(&text).map_err(|_| Error::Config("the user agent cannot stand in a header".to_owned()))
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("api_key", &self.api_key.as_ref().map(|_| "[redacted]"))
            .field("policy", &self.policy)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}
