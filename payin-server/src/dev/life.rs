//! One life of a sandbox: its gateway, workers, world and clock, from the beginning or from a moment that was kept. It ends with everything
//! that it had in memory, so that nothing of it reaches into the next.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::order::Settings;
use payin_core::{Chain, Chains};
use payin_types::{Environment, ExposeSecret as _, OrganizationId, Role, Timestamp};
use secrecy::SecretBox;

use super::ground::{ForgetChains, seed, seed_owner, seed_roles};
use super::hands::Hands;
use super::lives::{Moment, Moments};
use super::play::Play;
use super::post::FaultyPost;
use super::{Options, TARGETS};
use crate::app::accounts::Passwords;
use crate::app::checkout::Front;
use crate::app::deliveries::TakeBackClaims;
use crate::app::progress::{self, EndLeases};
use crate::app::quota::Meters;
use crate::app::{App, dialect};
use crate::chain::Nodes;
use crate::env::{Clock, Entropy, Http, HyperHttp, Rpc, SeededEntropy, SystemClock, SystemEntropy, VirtualClock};
use crate::http::dialect::NATIVE;
use crate::http::sandbox::Sandbox;
use crate::sandbox::{Faults, Journal, World};
use crate::seal::Seal;
use crate::serve;
use crate::store::{self, Location};
use crate::worker::chain::ChainWorker;
use crate::worker::deliver::LANES;
use crate::worker::driver::Driver;
use crate::worker::rest::Rest;
use crate::worker::watch::Watches;
use crate::worker::{Did, StepFault, Worker};

/// How often the simulated chains make a block.
const BLOCK_EVERY: Duration = Duration::from_secs(1);

/// What every life of a sandbox has in common.
pub(super) struct Ground {
    pub(super) options: Options,
    pub(super) database: Location,
    pub(super) chains: Vec<Chain>,
    pub(super) public_url: String,
}

/// A life.
pub(super) struct Life {
    pub(super) app: App,
    pub(super) router: Router,
    pub(super) play: Arc<Play>,
    /// Only of the first life.
    pub(super) secrets: Option<Secrets>,
    driver: Driver,
}

/// What a sandbox says when it is ready.
pub(super) struct Secrets {
    /// The owner's key.
    pub(super) api_key: String,
    /// What the webhooks of other APIs are signed with.
    pub(super) webhook_secret: Option<String>,
    /// What the owner signs in with.
    pub(super) password: String,
    /// The other roles' keys.
    pub(super) roles: Vec<(Role, String)>,
    /// Whose all of it is.
    pub(super) organization: OrganizationId,
}

/// The randomness of each part, so that what is drawn depends on no race between them; nothing where no seed was asked for.
#[derive(Clone, Default)]
pub(super) struct Luck(Vec<Arc<SeededEntropy>>);

impl Luck {
    /// As a seed has it at the beginning, for so many parts.
    fn new(seed: Option<u64>, parts: u64) -> Self {
        let of = |seed: u64| (0..parts).map(move |part| Arc::new(SeededEntropy::new(seed.wrapping_add(part.wrapping_mul(1_000_003)))));
        Self(seed.into_iter().flat_map(of).collect())
    }

    /// The same, to be drawn from independently.
    pub(super) fn copy(&self) -> Self {
        Self(self.0.iter().map(|entropy| Arc::new(entropy.copy())).collect())
    }

    fn of(&self, part: usize) -> Arc<dyn Entropy> {
        self.0.get(part).map_or_else(|| Arc::new(SystemEntropy) as Arc<dyn Entropy>, |entropy| Arc::clone(entropy) as Arc<dyn Entropy>)
    }
}

impl Life {
    /// Begins, where a moment left off if there is one; then the database is as it was then.
    pub(super) async fn begin(ground: &Ground, from: Option<&Moment>, moments: &Arc<Moments>) -> anyhow::Result<Self> {
        let Ground { options, database, chains, public_url } = ground;
        // The chains, the other workers, and whoever asks.
        let parts = u64::try_from(chains.len()).unwrap_or(u64::MAX).saturating_add(2);
        let luck = from.map_or_else(|| Luck::new(options.seed, parts), |moment| moment.luck.copy());
        let clock = Arc::new(clock(options, from));
        let app = App {
            store: Arc::new(store::open(database, None).await.context("the database")?),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy: luck.of(0),
            // A sandbox has nothing to hide; with a key of its own a database file could not be opened again.
            seal: Arc::new(Seal::new(&[SecretBox::new(Box::new([0x5a; 32]))])),
            environment: Environment::Testnet,
            chains: Arc::new(Chains::new(chains.clone())),
            orders: Settings::default(),
            cooldown: Duration::from_secs(30 * 60),
            targets: TARGETS,
            deliveries: Arc::default(),
            keys: Arc::default(),
            front: Arc::new(Front {
                public_url: Some(public_url.clone()),
                open_registration: true,
                has_dashboard: true,
                ..Front::default()
            }),
            quotas: Arc::new(Meters::new(options.rate_limits)),
            passwords: Arc::new(Passwords::counting(options.rate_limits.is_some())),
            health: Arc::default(),
            streams: Arc::default(),
        };
        let chance = options.seed.unwrap_or_else(|| u64::from_be_bytes(app.entropy.array()));
        let (faults, journal) = (Arc::new(Faults::new(chance)), Arc::new(Journal::new(Arc::clone(&clock))));
        let world = Arc::new(World::new(chains, options.seed.unwrap_or_default(), clock, &faults, Arc::clone(&journal)));
        let mut secrets = None;
        if let Some(moment) = from {
            // A sandbox is the sole server of its database: whoever held anything is gone.
            app.store.write(EndLeases).await?;
            app.store.write(TakeBackClaims { now: app.clock.now() }).await?;
            world.restore(&moment.chains);
            journal.restore(moment.journal.clone());
        } else {
            app.store.write(ForgetChains).await?;
            let (api_key, organization) = seed(&app, options.api_key.clone()).await?;
            let webhook_secret = match options.apis.names().as_slice() {
                [NATIVE] => None,
                _ => Some(app.store.write(dialect::Secret::new(&app, organization.clone())).await?.secret.expose_secret().to_owned()),
            };
            let password = seed_owner(&app, organization.clone()).await?;
            let roles = seed_roles(&app, &organization).await?;
            secrets = Some(Secrets { api_key, webhook_secret, password, roles, organization });
            world.mine(None, 1)?;
        }
        let post = Arc::new(FaultyPost::new(Arc::new(HyperHttp::new(TARGETS)), Arc::clone(&faults), Arc::clone(&journal)));
        // Of webhooks that go out at the same moment any may arrive first. Where a world is to be the same again, one follows another.
        let lanes = options.seed.map_or(LANES, |_| 1);
        let (driver, hands) = workers(&app, &world, &post, &luck, lanes)?;
        followed(&app, chains).await?;
        let (hands, moments) = (Arc::new(hands), Arc::clone(moments));
        let play = Arc::new(Play { app: app.clone(), world, hands, faults, journal, post, luck, moments });
        let router = crate::http::router(app.clone(), &options.apis, Some(Arc::clone(&play) as Arc<dyn Sandbox>));
        Ok(Self { app, router, play, secrets, driver })
    }

    /// Ends: whoever works for it stops, and its database is closed.
    pub(super) async fn end(self) {
        self.app.streams.stop();
        self.driver.stop().await;
        self.app.store.close().await;
    }
}

fn clock(options: &Options, from: Option<&Moment>) -> VirtualClock {
    // Ids begin with the time they were made at: the same world begins at the same time.
    let stands_at = options.seed.map_or_else(|| SystemClock.now(), |_| Timestamp::from_secs(1_737_369_000));
    match from {
        Some(moment) if moment.frozen => VirtualClock::frozen(moment.at),
        Some(moment) => VirtualClock::running(moment.at),
        None if options.frozen => VirtualClock::frozen(stands_at),
        None => VirtualClock::running(SystemClock.now()),
    }
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

/// Starts the workers, and takes their clock into hands.
fn workers(app: &App, world: &Arc<World>, post: &Arc<FaultyPost>, luck: &Luck, lanes: usize) -> anyhow::Result<(Driver, Hands)> {
    let rest = Arc::new(Rest::default());
    let mut driver = Driver::new(Arc::clone(&app.clock)).watched_by(&rest);
    let events = Arc::clone(app.store.outbox());
    let holder = serve::holder_name(&SystemEntropy);
    let watches = Watches::new(app);
    let mut followed = Vec::new();
    let mut apps = (1..).map(|part| App { entropy: luck.of(part), ..app.clone() });
    let mut own = || apps.next().unwrap_or_else(|| app.clone());
    for chain in world.chains() {
        let node: Arc<dyn Rpc> = Arc::new(world.node(&chain.id)?.clone());
        let nodes = Arc::new(Nodes::new(vec![serve::source_over(chain, Arc::clone(&node), node)]));
        followed.push((chain.id.clone(), Arc::clone(&nodes)));
        let (watch, holder, events) = (watches.of(&chain.protocol), holder.clone(), Arc::clone(&events));
        driver.start(Box::new(ChainWorker::new(own(), chain.clone(), nodes, watch, holder, events)), &Arc::default());
    }
    serve::start_workers(&mut driver, &own(), Arc::clone(post) as Arc<dyn Http>, &events, lanes);
    driver.start(Box::new(BlockTimer { world: Arc::clone(world), due: app.clock.now().plus(BLOCK_EVERY) }), &Arc::default());
    Ok((driver, Hands::new(app.clone(), Arc::clone(world), rest, followed, Arc::clone(post))))
}

/// Makes blocks as time passes.
struct BlockTimer {
    world: Arc<World>,
    due: Timestamp,
}

impl Worker for BlockTimer {
    fn name(&self) -> String {
        "blocks".to_owned()
    }

    fn step(&mut self) -> BoxFuture<'_, Result<Did, StepFault>> {
        let clock = self.world.clock();
        let (now, is_due) = (clock.now(), clock.now() >= self.due);
        if is_due {
            self.due = now.plus(BLOCK_EVERY);
        }
        // Where time stands still, blocks are made by whoever lets it pass.
        let did = if is_due && !clock.is_frozen() {
            self.world.tick();
            Did::Work
        } else {
            Did::Idle { until: self.due }
        };
        futures_util::future::ready(Ok(did)).boxed()
    }
}
