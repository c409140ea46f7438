//! The sandbox server: the real gateway over simulated chains and a virtual clock, seeded so that it can be used at once.
//! Nothing of it runs in `serve`.

mod play;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::address::Address;
use payin_core::order::Settings;
use payin_core::{Chain, Chains, Token, chains, quota};
use payin_types::{Environment, ExposeSecret as _, ImportAddresses, OrganizationId, Protocol, Role, SecretString, Timestamp};
use play::Play;
use secrecy::SecretBox;
use serde::Serialize;
use tokio::sync::Notify;

use crate::app::checkout::Front;
use crate::app::quota::Meters;
use crate::app::{App, access, dialect, pool, progress};
use crate::chain::Nodes;
use crate::env::{Clock, Entropy, ReqwestHttp, Rpc, SeededEntropy, SystemClock, SystemEntropy, Targets, VirtualClock};
use crate::http::dialect::{Apis, NATIVE};
use crate::http::listen::Limits;
use crate::sandbox::World;
use crate::seal::Seal;
use crate::serve::{self, Parts, Running};
use crate::store::{self, Location};
use crate::worker::chain::ChainWorker;
use crate::worker::driver::Driver;
use crate::worker::watch::Watches;
use crate::worker::{Did, StepFault, Worker};

/// Free addresses in a new sandbox.
const POOL: usize = 256;
/// A merchant's program under test listens anywhere.
const TARGETS: Targets = Targets { allow_private: true, allow_http: true };
/// How often the simulated chains make a block.
const BLOCK_EVERY: Duration = Duration::from_secs(1);

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
    /// What the webhooks of other APIs than the native one are signed with; absent where none is spoken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_secret: Option<String>,
    /// `testnet`
    pub environment: Environment,
    /// The simulated chains.
    pub chains: Vec<String>,
}

/// A running sandbox.
pub struct Dev {
    /// What it says of itself.
    pub ready: Ready,
    running: Running,
    /// Removed with everything in it when the sandbox ends.
    _folder: Option<tempfile::TempDir>,
}

impl Dev {
    /// Stops it.
    ///
    /// # Errors
    /// If it did not end well.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.running.stop().await
    }
}

/// The families that are simulated: those that this server can follow.
const FAMILIES: &[Protocol] =
    if cfg!(feature = "solana") { &[Protocol::Evm, Protocol::Tron, Protocol::Solana] } else { &[Protocol::Evm, Protocol::Tron] };

/// The chains of the testnet environment that are simulated; USDT on polygon-amoy exists in the sandbox only.
fn sandbox_chains() -> Vec<Chain> {
    let simulated = |chain: &Chain| chain.environment == Environment::Testnet && FAMILIES.contains(&chain.protocol);
    let mut chains: Vec<Chain> = chains::known().into_iter().filter(simulated).collect();
    for chain in chains.iter_mut().filter(|chain| chain.protocol == Protocol::Evm) {
        for currency in ["USDT", "USDC"] {
            if chain.token(&currency.into()).is_none() {
                let byte = if currency == "USDT" { 0x07 } else { 0x0c };
                let contract = Address::from_evm_bytes(&[byte; 20]);
                chain.tokens.push(Token {
                    currency: currency.into(),
                    contract,
                    decimals: if chain.id.as_str().starts_with("bsc") { 18 } else { 6 },
                });
            }
        }
    }
    chains
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
    // Ids begin with the time they were made at: the same world begins at the same time.
    let stands_at = options.seed.map_or_else(|| SystemClock.now(), |_| Timestamp::from_secs(1_737_369_000));
    let clock = Arc::new(if options.frozen { VirtualClock::frozen(stands_at) } else { VirtualClock::running(SystemClock.now()) });
    let chains = sandbox_chains();
    let listener = serve::bind(&options.listen).await?;
    let public_url = Some(format!("http://{}", listener.local_addr()?));
    let app = App {
        store: Arc::new(store::open(&database, None).await.context("the database")?),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        entropy: options.seed.map_or_else(|| Arc::new(SystemEntropy) as Arc<dyn Entropy>, |seed| Arc::new(SeededEntropy::new(seed))),
        // A sandbox has nothing to hide; with a key of its own a database file could not be opened again.
        seal: Arc::new(Seal::new(&[SecretBox::new(Box::new([0x5a; 32]))])),
        environment: Environment::Testnet,
        chains: Arc::new(Chains::new(chains.clone())),
        orders: Settings::default(),
        cooldown: Duration::from_secs(30 * 60),
        targets: TARGETS,
        deliveries: Arc::default(),
        keys: Arc::default(),
        front: Arc::new(Front { public_url, open_registration: true, ..Front::default() }),
        quotas: Arc::new(Meters::new(options.rate_limits)),
        passwords: Arc::default(),
        health: Arc::default(),
        streams: Arc::default(),
    };
    // The simulated chains begin anew with every start: where they stood before means nothing.
    app.store.write(ForgetChains).await?;
    let (api_key, organization) = seed(&app, options.api_key).await?;
    let webhook_secret = match options.apis.names().as_slice() {
        [NATIVE] => None,
        _ => Some(app.store.write(dialect::Secret::new(&app, organization)).await?.secret.expose_secret().to_owned()),
    };
    let wake = Arc::new(Notify::new());
    let world = Arc::new(World::new(&chains, options.seed.unwrap_or_default(), clock));
    world.mine(None, 1)?;
    let driver = workers(&app, &world, &wake, options.frozen)?;
    followed(&app, &chains).await?;
    let sandbox = Arc::new(Play { app: app.clone(), world, wake });
    let router = crate::http::router(app.clone(), &options.apis, Some(sandbox));
    // Everybody who plays comes from one address.
    let limits = Limits { connections_per_ip: Limits::default().connections, ..Limits::default() };
    let running = serve::start(Parts { app, router, driver, sole }, listener, limits)?;
    let ready = Ready {
        url: format!("http://{}", running.address),
        api_key,
        webhook_secret,
        environment: Environment::Testnet,
        chains: chains.iter().map(|chain| chain.id.as_str().to_owned()).collect(),
    };
    Ok(Dev { ready, running, _folder: folder })
}

/// Waits until every chain is followed: before that no order is taken on it.
async fn followed(app: &App, chains: &[Chain]) -> anyhow::Result<()> {
    for chain in chains {
        while progress::cursor(app, chain).await?.is_none() {
            let soon = SystemClock.now().plus(Duration::from_millis(2));
            SystemClock.sleep_until(soon).await;
        }
    }
    Ok(())
}

fn workers(app: &App, world: &Arc<World>, wake: &Arc<Notify>, frozen: bool) -> anyhow::Result<Driver> {
    let mut driver = Driver::new(Arc::clone(&app.clock));
    let events = Arc::clone(app.store.outbox());
    let holder = serve::holder_name(&SystemEntropy);
    let watches = Watches::new(app);
    for chain in world.chains() {
        let node: Arc<dyn Rpc> = Arc::new(world.node(&chain.id)?.clone());
        let nodes = Arc::new(Nodes::new(vec![serve::source_over(chain, Arc::clone(&node), node)]));
        let (watch, holder, events) = (watches.of(&chain.protocol), holder.clone(), Arc::clone(&events));
        let worker = ChainWorker::new(app.clone(), chain.clone(), nodes, watch, holder, events);
        driver.start(Box::new(worker), wake);
    }
    serve::start_workers(&mut driver, app, Arc::new(ReqwestHttp::new(TARGETS)?), &events);
    if !frozen {
        let due = app.clock.now().plus(BLOCK_EVERY);
        driver.start(Box::new(BlockTimer { world: Arc::clone(world), clock: Arc::clone(&app.clock), due }), &Arc::default());
    }
    Ok(driver)
}

/// Makes the sandbox usable: an organization with an owner's key and a filled pool. Answers the key and the organization.
async fn seed(app: &App, api_key: Option<SecretString>) -> anyhow::Result<(String, OrganizationId)> {
    let secret = api_key.unwrap_or_else(|| access::make_key(app)).expose_secret().to_owned();
    let organization = match access::authenticate(app, &secret).await {
        Ok(key) => key.organization_id.clone(),
        Err(_) => app.store.write(access::CreateKey::new(app, &secret, Role::Owner, "sandbox", Some("Sandbox".to_owned()))).await?.0,
    };
    for protocol in FAMILIES {
        let free = pool::status(app, &organization).await?.get(protocol).map_or(0, |counts| counts.available);
        if free == 0 {
            let addresses = std::iter::repeat_with(|| address(protocol, app.entropy.as_ref())).flatten().take(POOL);
            let addresses = addresses.map(|address| address.as_str().to_owned()).collect::<Vec<_>>().join("\n");
            let request = ImportAddresses::new(protocol.clone(), addresses);
            app.store.write(pool::Import::new(app, organization.clone(), Ok(request))).await?;
        }
    }
    Ok((secret, organization))
}

/// Anybody's address. On Solana about every second number is one that somebody could have the key of.
fn address(protocol: &Protocol, entropy: &dyn Entropy) -> Option<Address> {
    match protocol {
        Protocol::Solana => {
            let any = Address::from_solana_bytes(&entropy.array());
            Address::parse(protocol, any.as_str()).ok()
        }
        _ => Address::from_account_bytes(protocol, &entropy.array()),
    }
}

struct ForgetChains;

impl store::Unit for ForgetChains {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut store::Tx<'_>) -> crate::app::Outcome<()> {
        store::chains::forget_all(tx).await?;
        // A sandbox is the sole server of its database, also of one that was killed.
        Ok(store::leases::end_all(tx).await?)
    }
}

/// Makes blocks as time passes.
struct BlockTimer {
    world: Arc<World>,
    clock: Arc<dyn Clock>,
    due: Timestamp,
}

impl Worker for BlockTimer {
    fn name(&self) -> String {
        "blocks".to_owned()
    }

    fn step(&mut self) -> BoxFuture<'_, Result<Did, StepFault>> {
        async move {
            if self.clock.now() >= self.due {
                self.world.tick();
                self.due = self.clock.now().plus(BLOCK_EVERY);
            }
            Ok(Did::Idle { until: self.due })
        }
        .boxed()
    }
}
