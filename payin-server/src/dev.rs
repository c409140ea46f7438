//! The sandbox server: the real gateway over simulated chains and a virtual clock, seeded so that it can be used at once.
//! Nothing of it runs in `serve`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::order::Settings;
use payin_core::{Chain, Chains, Error, Token, Units, chains};
use payin_types::sandbox::{Advance, ChainHead, ClockState, Mine, Mined, Paid, Pay, PaymentKind, Reorg};
use payin_types::{
    Environment, ErrorCode, ExposeSecret as _, ImportAddresses, Order, OrderStatus, Protocol, Role, SecretString, Timestamp,
};
use secrecy::SecretBox;
use serde::Serialize;
use tokio::sync::Notify;

use crate::app::{App, access, pool, progress};
use crate::chain::Watch;
use crate::env::{Clock, Entropy, ReqwestHttp, SeededEntropy, SystemClock, SystemEntropy, Targets, VirtualClock};
use crate::http::listen::Limits;
use crate::http::sandbox::Sandbox;
use crate::sandbox::world::Sent;
use crate::sandbox::{World, WorldFault};
use crate::seal::Seal;
use crate::serve::{self, Parts, Running};
use crate::store::{self, Location};
use crate::worker::chain::PoolWatch;
use crate::worker::driver::Driver;
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
}

/// What a sandbox says of itself when it is ready.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ready {
    /// Its URL, without `/api/v1`.
    pub url: String,
    /// An owner's key.
    pub api_key: String,
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

/// The EVM chains of the testnet environment; USDT on polygon-amoy exists in the sandbox only.
fn sandbox_chains() -> Vec<Chain> {
    let mut chains: Vec<Chain> =
        chains::known().into_iter().filter(|chain| chain.environment == Environment::Testnet && chain.protocol == Protocol::Evm).collect();
    for chain in &mut chains {
        for currency in ["USDT", "USDC"] {
            if chain.token(&currency.into()).is_none() {
                let byte = if currency == "USDT" { 0x07 } else { 0x0c };
                let contract = payin_core::address::Address::from_evm_bytes(&[byte; 20]);
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
        keys: Arc::default(),
        health: Arc::default(),
    };
    // The simulated chains begin anew with every start: where they stood before means nothing.
    app.store.write(ForgetChains).await?;
    let api_key = seed(&app, options.api_key).await?;
    let wake = Arc::new(Notify::new());
    let world = Arc::new(World::new(&chains, options.seed.unwrap_or_default(), clock));
    world.mine(None, 1)?;
    let driver = workers(&app, &world, &wake, options.frozen)?;
    followed(&app, &chains).await?;
    let sandbox = Arc::new(Play { world, wake });
    let router = crate::http::router(app.clone(), Some(sandbox));
    // Everybody who plays comes from one address.
    let limits = Limits { connections_per_ip: Limits::default().connections, ..Limits::default() };
    let running = serve::start(Parts { app, router, driver, sole }, &options.listen, limits).await?;
    let ready = Ready {
        url: format!("http://{}", running.address),
        api_key,
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
    let events = Arc::new(Notify::new());
    let holder = serve::holder_name(&SystemEntropy);
    let watch: Arc<dyn Watch> = Arc::new(PoolWatch::new(app.clone(), Protocol::Evm));
    for chain in world.chains() {
        let node = Arc::new(world.node(&chain.id)?.clone());
        let worker = serve::chain_worker(app, chain.clone(), node, Arc::clone(&watch), &holder, &events);
        driver.start(Box::new(worker), wake);
    }
    serve::start_workers(&mut driver, app, Arc::new(ReqwestHttp::new(TARGETS)?), &events);
    if !frozen {
        let due = app.clock.now().plus(BLOCK_EVERY);
        driver.start(Box::new(BlockTimer { world: Arc::clone(world), clock: Arc::clone(&app.clock), due }), &Arc::default());
    }
    Ok(driver)
}

/// Makes the sandbox usable: an organization with an owner's key and a filled pool.
async fn seed(app: &App, api_key: Option<SecretString>) -> anyhow::Result<String> {
    let secret = api_key.unwrap_or_else(|| access::make_key(app)).expose_secret().to_owned();
    let organization = match access::authenticate(app, &secret).await {
        Ok(key) => key.organization_id,
        Err(_) => app.store.write(access::CreateKey::new(app, &secret, Role::Owner, "sandbox", Some("Sandbox".to_owned()))).await?.0,
    };
    let free = pool::status(app, &organization).await?.get(&Protocol::Evm).map_or(0, |counts| counts.available);
    if free == 0 {
        let address = |_| payin_core::address::Address::from_evm_bytes(&app.entropy.array()).as_str().to_owned();
        let addresses = (0..POOL).map(address).collect::<Vec<_>>().join("\n");
        let request = ImportAddresses::new(Protocol::Evm, addresses);
        app.store.write(pool::Import::new(app, organization, Ok(request))).await?;
    }
    Ok(secret)
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
                self.world.mine(None, 1).map_err(|fault| StepFault::Refused(fault.to_string()))?;
                self.due = self.clock.now().plus(BLOCK_EVERY);
            }
            Ok(Did::Idle { until: self.due })
        }
        .boxed()
    }
}

/// The world as the sandbox API offers it.
struct Play {
    world: Arc<World>,
    wake: Arc<Notify>,
}

impl From<WorldFault> for Error {
    fn from(fault: WorldFault) -> Self {
        match fault {
            WorldFault::NoChain(_) => Self::new(ErrorCode::InvalidChain, fault.to_string()),
            WorldFault::Address(_) => Self::field("orderId", fault.to_string()),
            WorldFault::Reorg(_) => Self::field("depth", fault.to_string()),
        }
    }
}

impl Play {
    fn changed(&self) {
        self.wake.notify_waiters();
    }

    fn pay_now(&self, order: &Order, pay: &Pay) -> Result<Paid, Error> {
        let kind = pay.kind.clone().unwrap_or(PaymentKind::Exact);
        if PaymentKind::known(kind.as_str()).is_none() {
            return Err(Error::field("kind", format!("'{}' is no way to pay", payin_core::error::shown(kind.as_str()))));
        }
        // Paying what is over is refused, unless that is what is to be tried.
        match order.status {
            OrderStatus::Expired if kind != PaymentKind::Late => {
                return Err(Error::new(ErrorCode::OrderExpired, format!("Order {} has expired; create a new one", order.order_id)));
            }
            OrderStatus::Completed if kind == PaymentKind::Exact && pay.amount.is_none() => {
                return Err(Error::new(ErrorCode::OrderAlreadyPaid, format!("Order {} is already paid", order.order_id)));
            }
            _ => {}
        }
        let chain =
            self.world.chains().find(|chain| chain.id == order.chain_id).ok_or_else(|| WorldFault::NoChain(order.chain_id.clone()))?;
        let sent = sent(chain, order, pay, &kind)?;
        if kind == PaymentKind::Late {
            let closes = order.grace_period_ends_at.unwrap_or(order.expires_at);
            self.world.advance(closes.since(self.world.clock().now()) + Duration::from_secs(60));
        }
        let tx_hash = self.world.pay(&chain.id, &order.address, &sent)?;
        if pay.mine.unwrap_or(true) {
            self.world.mine(Some(&chain.id), 1)?;
        }
        self.changed();
        Ok(Paid { chain_id: chain.id.clone(), tx_hash })
    }
}

/// What a payer of this kind sends.
fn sent(chain: &Chain, order: &Order, pay: &Pay, kind: &PaymentKind) -> Result<Sent, Error> {
    let units = |amount| Units::from_amount(amount).ok_or_else(|| Error::new(ErrorCode::InvalidAmount, "The amount is too large"));
    let token =
        chain.token(&order.currency).ok_or_else(|| Error::new(ErrorCode::InvalidCurrency, "The order's currency is not on its chain"))?;
    let remaining = units(order.amount)?.saturating_sub(order.received_amount.map_or(Ok(Units::ZERO), units)?);
    let remaining = if remaining.is_zero() { units(order.amount)? } else { remaining };
    let amount = match (pay.amount, kind) {
        (Some(amount), _) => units(amount)?,
        (None, PaymentKind::Under) => remaining.half(),
        (None, PaymentKind::Over) => remaining.checked_add(remaining.half()).unwrap_or(remaining),
        (None, _) => remaining,
    };
    let base_units = |token: &Token| {
        let base = amount.to_base_units(token.decimals).filter(|base| *base > 0);
        base.ok_or_else(|| {
            Error::new(
                ErrorCode::InvalidAmount,
                format!("{} has {} decimals and cannot express that amount", token.currency, token.decimals),
            )
        })
    };
    match kind {
        PaymentKind::FakeToken => Ok(Sent::Fake(base_units(token)?)),
        PaymentKind::WrongToken => {
            let other = chain.tokens.iter().find(|other| other.currency != order.currency);
            let other = other.ok_or_else(|| Error::new(ErrorCode::InvalidCurrency, "The chain has no other token"))?;
            Ok(Sent::Token(other.clone(), base_units(other)?))
        }
        _ => Ok(Sent::Token(token.clone(), base_units(token)?)),
    }
}

fn within(field: &str, value: u64, most: u64) -> Result<(), Error> {
    if (1..=most).contains(&value) { Ok(()) } else { Err(Error::field(field, format!("must be 1 to {most}, is {value}"))) }
}

impl Sandbox for Play {
    fn pay<'a>(&'a self, order: &'a Order, pay: Pay) -> BoxFuture<'a, Result<Paid, Error>> {
        futures_util::future::ready(self.pay_now(order, &pay)).boxed()
    }

    fn mine(&self, mine: Mine) -> Result<Mined, Error> {
        let blocks = mine.blocks.unwrap_or(1);
        within("blocks", u64::from(blocks), 1000)?;
        let grown = self.world.mine(mine.chain_id.as_ref(), blocks)?;
        self.changed();
        Ok(Mined { chains: grown.into_iter().map(|(chain_id, head)| ChainHead { chain_id, head }).collect() })
    }

    fn reorg(&self, reorg: Reorg) -> Result<ChainHead, Error> {
        within("depth", u64::from(reorg.depth), 1000)?;
        let head = self.world.reorg(&reorg.chain_id, reorg.depth, reorg.drop.unwrap_or(false))?;
        self.changed();
        Ok(ChainHead { chain_id: reorg.chain_id, head })
    }

    fn clock(&self) -> ClockState {
        ClockState { now: self.world.clock().now(), frozen: self.world.clock().is_frozen() }
    }

    fn advance(&self, advance: Advance) -> Result<ClockState, Error> {
        within("seconds", advance.seconds, 31_536_000)?;
        self.world.advance(Duration::from_secs(advance.seconds));
        self.changed();
        Ok(self.clock())
    }
}
