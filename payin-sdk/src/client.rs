//! The client: what all calls share. It must not know single resources; those stand in files of their own.

mod attempts;
mod base;
mod builder;
mod call;
mod options;
mod plan;
mod rate_limit;
mod retry;
#[cfg(feature = "cryptopay")]
mod session;

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;

use crate::transport::Transport;
use crate::world::World;

pub(crate) use attempts::OpenedStream;
pub(crate) use base::is_loopback;
pub use builder::{Builder, Environment};
pub use call::{Answer, Call};
pub(crate) use plan::{Kind, Plan};
pub use rate_limit::RateLimit;
#[cfg(feature = "cryptopay")]
pub(crate) use session::Session;
#[cfg(feature = "cryptopay")]
pub use session::{KeepError, Keeper, Tokens, Turn, Turning};

/// A client of the API. Cheap to clone; clones share their connections.
///
/// ```no_run
/// # async fn run() -> Result<(), payin_sdk::Error> {
/// use payin_sdk::{Client, Environment};
///
/// let client = Client::builder().api_key("pk_test_…").environment(Environment::Testnet).build()?;
/// println!("{}", client.me().await?.organization.name);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) base: base::Base,
    /// The key; `None` for a client that has signed in instead.
    pub(crate) api_key: Option<HeaderValue>,
    /// The session that one API's calls are made with, instead of the key.
    #[cfg(feature = "cryptopay")]
    pub(crate) session: Option<Session>,
    pub(crate) user_agent: HeaderValue,
    pub(crate) policy: retry::Policy,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) world: Arc<dyn World>,
}

impl Client {
    /// Begins a client.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A client from `PAYIN_API_KEY` and `PAYIN_BASE_URL`. Without a base URL, keys that begin with `pk_live_` mean production
    /// and those with `pk_test_` testnet.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) when the key is missing or what is set cannot be used.
    pub fn from_env() -> Result<Self, crate::Error> {
        let mut builder = Self::builder();
        if let Some(key) = crate::world::variable("PAYIN_API_KEY") {
            builder = builder.api_key(key);
        }
        if let Some(url) = crate::world::variable("PAYIN_BASE_URL") {
            builder = builder.base_url(url);
        }
        builder.build()
    }

    /// The API's root, with `/api/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.inner.base.api()
    }

    /// The tokens of the session, if there is one.
    #[cfg(feature = "cryptopay")]
    pub(crate) fn session_tokens(&self) -> Option<Tokens> {
        self.inner.session.as_ref().map(Session::tokens)
    }

    /// The same client with a session.
    #[cfg(feature = "cryptopay")]
    pub(crate) fn with_session(self, session: Session) -> Self {
        let inner = &self.inner;
        Self {
            inner: Arc::new(Inner {
                base: inner.base.clone(),
                api_key: inner.api_key.clone(),
                session: Some(session),
                user_agent: inner.user_agent.clone(),
                policy: inner.policy,
                transport: Arc::clone(&inner.transport),
                world: Arc::clone(&inner.world),
            }),
        }
    }

    /// A fresh idempotency key, to be stored before the call that will bear it.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) when the system gives no random bits.
    pub fn new_idempotency_key(&self) -> Result<String, crate::Error> {
        call::fresh_key(self.inner.world.as_ref())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.base_url()).field("policy", &self.inner.policy).finish_non_exhaustive()
    }
}
