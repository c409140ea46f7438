//! The sandbox server: the real gateway over simulated chains and a virtual clock, seeded so that it can be used at once.
//! Nothing of it runs in `serve`.

mod ground;
mod hands;
mod life;
mod lives;
mod payment;
mod play;
mod post;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use payin_core::quota;
use payin_types::{Environment, Role, SecretString};
use serde::Serialize;

use crate::app::pool;
use crate::env::Targets;
use crate::http::dialect::Apis;
use crate::http::listen::Limits;
use crate::serve::{self, Listening};
use crate::store::{self, Location, open::SoleServer};
use ground::sandbox_chains;
use life::{Ground, Life, Secrets};
use lives::{Lives, Moments};

/// A merchant's program under test listens anywhere.
const TARGETS: Targets = Targets { allow_private: true, allow_http: true };

/// How a sandbox is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen.
    pub listen: String,
    /// Where the data is; `None`: a temporary file.
    pub database: Option<Location>,
    /// The key to be taken; `None`: one is made.
    pub api_key: Option<SecretString>,
    /// What makes ids, keys and chains the same again; `None`: they differ every time.
    pub seed: Option<u64>,
    /// Whether time stands still until it is moved.
    pub frozen: bool,
    /// How many requests a key may make; `None`: as many as it likes.
    pub rate_limits: Option<quota::Limits>,
    /// Which APIs are spoken.
    pub apis: Apis,
}

/// What a sandbox says of itself when it is ready.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ready {
    /// Its URL, without `/api/v1`.
    pub url: String,
    /// An owner's key.
    pub api_key: String,
    /// A key of each role, the owner's among them.
    pub keys: BTreeMap<String, String>,
    /// Whose keys these are.
    pub organization_id: String,
    /// How many addresses are free in its pool, by family.
    pub pool: BTreeMap<String, u64>,
    /// What the webhooks of other APIs than the native one are signed with; absent where none is spoken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_secret: Option<String>,
    /// Where and how its owner signs in by hand.
    pub dashboard: SignIn,
    /// `testnet`
    pub environment: Environment,
    /// The simulated chains.
    pub chains: Vec<String>,
}

/// How somebody signs in at the dashboard.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignIn {
    /// Where.
    pub url: String,
    /// As whom.
    pub email: String,
    /// Another one at each start.
    pub password: String,
}

/// A running sandbox.
pub struct Dev {
    /// What it says of itself.
    pub ready: Ready,
    listening: Listening,
    lives: Arc<Lives>,
    _sole: SoleServer,
    /// Removed with everything in it when the sandbox ends.
    _folder: Option<tempfile::TempDir>,
}

impl Dev {
    /// Stops it.
    ///
    /// # Errors
    /// If it did not end well.
    pub async fn stop(self) -> anyhow::Result<()> {
        let lives = self.lives;
        let listened = self.listening.stop(lives.stop_streams()).await;
        lives.end().await;
        listened
    }
}

/// Starts a sandbox.
///
/// # Errors
/// If its database or address cannot be had.
pub async fn start(options: Options) -> anyhow::Result<Dev> {
    let folder = if options.database.is_none() { Some(tempfile::tempdir().context("a temporary folder")?) } else { None };
    let database = match (&options.database, &folder) {
        (Some(location), _) => location.clone(),
        (None, Some(folder)) => Location::Sqlite(folder.path().join("payin.db")),
        (None, None) => anyhow::bail!("a sandbox has a database"),
    };
    let sole = store::claim_sole(&database)?;
    store::migrate(&database).await.context("the database's schema")?;
    let listener = serve::bind(&options.listen).await?;
    let public_url = format!("http://{}", listener.local_addr()?);
    let chains = sandbox_chains();
    let moments = Arc::new(Moments::new(&database)?);
    let ground = Ground { options, database, chains, public_url };
    let mut life = Life::begin(&ground, None, &moments).await?;
    life.play.keep_start().await?;
    let Secrets { api_key, webhook_secret, password, roles, organization } = life.secrets.take().context("a first life has its secrets")?;
    let keys = roles.into_iter().chain([(Role::Owner, api_key.clone())]).map(|(role, key)| (role.to_string(), key)).collect();
    let pool = pool::status(&life.app, &organization).await?;
    let pool = pool.into_iter().map(|(protocol, counts)| (protocol.to_string(), counts.available)).collect();
    let chains = ground.chains.iter().map(|chain| chain.id.as_str().to_owned()).collect();
    let lives = Arc::new(Lives::new(ground, moments, life));
    // Everybody who plays comes from one address.
    let limits = Limits { connections_per_ip: Limits::default().connections, ..Limits::default() };
    let listening = serve::listen(lives.router(), listener, limits)?;
    let url = format!("http://{}", listening.address);
    let dashboard = SignIn { url: format!("{url}/dashboard"), email: ground::OWNER.to_owned(), password };
    let organization_id = organization.as_str().to_owned();
    let ready = Ready { url, api_key, keys, organization_id, pool, webhook_secret, dashboard, environment: Environment::Testnet, chains };
    Ok(Dev { ready, listening, lives, _sole: sole, _folder: folder })
}
