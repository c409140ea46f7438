//! Putting a server together: an [`App`], its workers, its listener; started, and stopped in order. The composition root of `serve` and
//! `dev` alike.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use payin_core::Chain;
use payin_types::{ExposeSecret as _, Protocol};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use crate::app::App;
use crate::app::accounts::invitation;
use crate::app::checkout::{Front, Visits};
use crate::app::deliveries::TakeBackClaims;
use crate::app::deployment::CheckDeployment;
use crate::app::progress::EndLeases;
use crate::app::quota::Meters;
use crate::chain::evm::EvmSource;
#[cfg(feature = "solana")]
use crate::chain::solana::SolanaSource;
use crate::chain::tron::TronSource;
use crate::chain::{Nodes, Source};
use crate::config::{Config, Node};
use crate::env::{Clock, Entropy, Http, HttpRpc, HyperHttp, Rpc, SystemClock, SystemEntropy};
use crate::http::listen::{self, Limits};
use crate::seal::Seal;
use crate::store::{self, Location, open::SoleServer};
use crate::worker::chain::ChainWorker;
use crate::worker::deliver::{Deliver, LANES, Queue};
use crate::worker::driver::Driver;
use crate::worker::issuers::Issuers;
use crate::worker::maintain::Maintain;
use crate::worker::order_events::OrderEvents;
use crate::worker::reconcile::Reconcile;
use crate::worker::stock::Stock;
use crate::worker::watch::Watches;

/// How often one client without a key may ask: a checkout page that asks every two seconds, four of them behind one address.
const VISITS_A_MINUTE: u64 = 120;

/// A listener at work.
pub struct Listening {
    /// Where it listens.
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Listening {
    /// Takes no new connection and finishes requests; in between, `meanwhile` lets those go that would not end.
    ///
    /// # Errors
    /// If the listener had failed.
    pub async fn stop(self, meanwhile: impl Future<Output = ()>) -> anyhow::Result<()> {
        let _ = self.stop.send(());
        // Behind the listener: who connects again at once shall not find this server.
        meanwhile.await;
        self.task.await.context("the listener did not end well")?.context("listening")
    }
}

/// Answers whoever connects.
///
/// # Errors
/// If the listener does not listen.
pub fn listen(router: Router, listener: TcpListener, limits: Limits) -> anyhow::Result<Listening> {
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = listen::serve(listener, router, limits, async move {
        // An error means that the sender is gone, which is a stop too.
        let _ = stopped.await;
    });
    Ok(Listening { address, stop, task: spawn(serving) })
}

/// A running server.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    app: App,
    driver: Driver,
    listening: Listening,
    _sole: SoleServer,
}

impl Running {
    /// The gateway.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Stops in order: takes no new connection and finishes requests, lets workers finish their step, commits what is queued.
    ///
    /// # Errors
    /// If the listener had failed.
    pub async fn stop(self) -> anyhow::Result<()> {
        let listened = self.listening.stop(async { self.app.streams.stop() }).await;
        self.driver.stop().await;
        self.app.store.close().await;
        listened
    }
}

/// What a server is made of.
pub struct Parts {
    /// The gateway.
    pub app: App,
    /// What it answers.
    pub router: Router,
    /// Its workers.
    pub driver: Driver,
    /// The claim to its database.
    pub sole: SoleServer,
}

/// Takes an address to listen on. Who connects waits until the server is started.
///
/// # Errors
/// If the address cannot be listened on.
pub async fn bind(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// Starts.
///
/// # Errors
/// If the listener does not listen.
pub fn start(parts: Parts, listener: TcpListener, limits: Limits) -> anyhow::Result<Running> {
    let listening = listen(parts.router, listener, limits)?;
    Ok(Running { address: listening.address, app: parts.app, driver: parts.driver, listening, _sole: parts.sole })
}

#[expect(clippy::disallowed_methods, reason = "the accept loop is one task, awaited when the server stops")]
fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(task)
}

/// A chain's client over a configured node.
///
/// # Errors
/// If its URLs or headers cannot be used.
pub fn source(chain: &Chain, node: &Node, client: &reqwest::Client) -> anyhow::Result<Arc<dyn Source>> {
    let rpc = |url: &url::Url| HttpRpc::new(client.clone(), url.clone(), &node.headers).map(|rpc| Arc::new(rpc) as Arc<dyn Rpc>);
    Ok(source_over(chain, rpc(&node.url)?, rpc(&node.http)?))
}

/// A chain's client over whatever speaks its protocol: JSON-RPC, and for Tron java-tron's other interface.
#[must_use]
pub fn source_over(chain: &Chain, rpc: Arc<dyn Rpc>, http: Arc<dyn Rpc>) -> Arc<dyn Source> {
    match chain.protocol {
        Protocol::Tron => Arc::new(TronSource::new(chain.clone(), rpc, http)),
        #[cfg(feature = "solana")]
        Protocol::Solana => Arc::new(SolanaSource::new(chain.clone(), rpc)),
        _ => Arc::new(EvmSource::new(chain.clone(), rpc)),
    }
}

/// The workers that every server has, with so many lanes. `events` wakes a lane when there may be some to deliver.
pub fn start_workers(driver: &mut Driver, app: &App, http: Arc<dyn Http>, events: &Arc<Notify>, lanes: usize) {
    let queue = Arc::new(Queue::default());
    for _ in 0..lanes {
        driver.start(Box::new(Deliver::new(app.clone(), Arc::clone(&http), Arc::clone(&queue), Arc::clone(events))), events);
    }
    driver.start(Box::new(Maintain::new(app.clone())), &Arc::default());
    driver.start(Box::new(Stock::new(app.clone(), Arc::clone(events))), &Arc::default());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let order = OrderEvents::new(app.clone(), Arc::clone(&clock), &SystemEntropy);
    // Not the lanes' bell: that wakes one of hundreds.
    driver.start_by(clock, Box::new(order), app.store.events());
}

/// A name for this server among those that share its database.
#[must_use]
pub fn holder_name(entropy: &dyn Entropy) -> String {
    format!("server {:032x}", u128::from_be_bytes(entropy.array()))
}

/// The gateway of a configuration, its database open and of this version.
///
/// # Errors
/// If the database cannot be opened or migrated.
pub async fn app(config: &Config) -> anyhow::Result<App> {
    if let Location::Sqlite(path) = &config.database
        && !path.exists()
    {
        tracing::warn!(database = %path.display(), "there is no database there: a new one is made");
    }
    store::migrate(&config.database).await.context("the database's schema")?;
    let app = App {
        store: Arc::new(store::open(&config.database, None).await.context("the database")?),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        seal: Arc::new(Seal::new(&config.master_keys)),
        environment: config.environment.clone(),
        chains: Arc::new(payin_core::Chains::new(config.chains.iter().map(|source| source.chain.clone()).collect())),
        orders: config.orders,
        cooldown: config.cooldown,
        targets: config.targets,
        deliveries: Arc::new(config.deliveries.clone()),
        keys: Arc::default(),
        front: Arc::new(Front {
            public_url: config.public_url.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            open_registration: config.open_registration,
            has_dashboard: config.dashboard,
            visits: Visits::at_most(VISITS_A_MINUTE),
            watchers: Arc::default(),
        }),
        quotas: Arc::new(Meters::new(config.rate_limits).agreed(config.agreed_limits.clone())),
        passwords: Arc::default(),
        health: Arc::default(),
        streams: Arc::default(),
    };
    app.store.write(CheckDeployment::new(&app)).await?;
    Ok(app)
}

/// On a new server: says in the log how its first owner is made. Whoever reads it may be that.
async fn offer_setup(app: &App, public_url: Option<&str>, listen: SocketAddr) -> anyhow::Result<()> {
    let Some(token) = invitation::offer_setup(app).await? else { return Ok(()) };
    let at = public_url.map_or_else(|| format!("http://{listen}"), str::to_owned);
    let url = format!("{at}/dashboard/invitation?invitation={}", token.expose_secret());
    tracing::info!(url, "nobody can sign in yet: open this link within three days to make the first owner; it can be used once");
    Ok(())
}

/// Starts a production server.
///
/// # Errors
/// If its database, address or outgoing HTTP cannot be had.
pub async fn serve(config: Config) -> anyhow::Result<Running> {
    let sole = store::claim_sole(&config.database)?;
    let app = app(&config).await?;
    if matches!(config.database, Location::Sqlite(_)) {
        // The claim above says that nobody else is left: a killed server's chains, and what it was sending, are taken over at once.
        app.store.write(EndLeases).await?;
        app.store.write(TakeBackClaims { now: app.clock.now() }).await?;
    }
    let events = Arc::clone(app.store.outbox());
    let mut driver = Driver::new(Arc::clone(&app.clock));
    let holder = holder_name(app.entropy.as_ref());
    let watches = Watches::new(&app);
    let client = HttpRpc::client()?;
    for source in config.chains {
        let nodes = source.nodes.iter().map(|node| self::source(&source.chain, node, &client)).collect::<anyhow::Result<_>>()?;
        let watch = watches.of(&source.chain.protocol);
        let (chain, nodes, holder) = (source.chain, Arc::new(Nodes::new(nodes)), holder.clone());
        let reconcile = Reconcile::new(app.clone(), chain.clone(), Arc::clone(&nodes), Arc::clone(&watch), holder.clone());
        let issuers = Issuers::new(app.clone(), chain.clone(), Arc::clone(&nodes), holder.clone());
        let follow = ChainWorker::new(app.clone(), chain, nodes, watch, holder, Arc::clone(&events));
        driver.start(Box::new(follow), &Arc::default());
        driver.start(Box::new(reconcile), &Arc::default());
        driver.start(Box::new(issuers), &Arc::default());
    }
    start_workers(&mut driver, &app, Arc::new(HyperHttp::new(config.targets)), &events, LANES);
    let listener = bind(&config.listen).await?;
    if config.dashboard {
        offer_setup(&app, config.public_url.as_deref(), listener.local_addr()?).await?;
    }
    let router = crate::http::router(app.clone(), &config.apis, None);
    // Behind the proxy that ends TLS every connection comes from one address; a cap by address would only shed customers.
    let limits = Limits { connections_per_ip: Limits::default().connections, ..Limits::default() };
    start(Parts { app, router, driver, sole }, listener, limits)
}
