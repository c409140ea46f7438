//! One life of a server: the real gateway over the real database, its router, and its workers, which step when they are told to. It ends
//! without warning.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt as _;
use payin_core::order::Settings;
use payin_core::{Chain, Chains, chains};
use payin_server::app::checkout::Front;
use payin_server::app::deliveries::TakeBackClaims;
use payin_server::app::progress::EndLeases;
use payin_server::app::{App, quota};
use payin_server::chain::Nodes;
use payin_server::env::{Clock, Http, Rpc, SeededEntropy, Targets};
use payin_server::http::dialect::Apis;
use payin_server::seal::Seal;
use payin_server::serve::source_over;
use payin_server::store::{self, Location};
use payin_server::worker::chain::ChainWorker;
use payin_server::worker::deliver::{Deliver, Queue};
use payin_server::worker::issuers::Issuers;
use payin_server::worker::maintain::Maintain;
use payin_server::worker::order_events::OrderEvents;
use payin_server::worker::reconcile::Reconcile;
use payin_server::worker::stock::Stock;
use payin_server::worker::watch::Watches;
use payin_server::worker::{Did, StepFault, Worker};
use payin_types::{Environment, Protocol};
use secrecy::SecretBox;

use crate::chain::SimChain;
use crate::chain::node::Road;
use crate::clock::SimClock;
use crate::coverage::Coverage;
use crate::gate::Gate;
use crate::receiver::Receiver;

/// Lanes that deliver: two, so that one can be held up.
const LANES: usize = 2;
/// The chains of every world, one of each family and one more.
pub const CHAINS: &[&str] = &["ethereum-sepolia", "base-sepolia", "tron-nile", "solana-devnet"];

type Running = Pin<Box<dyn Future<Output = (Box<dyn Worker>, Result<Did, StepFault>)> + Send>>;

/// A worker, at rest or held up in a step.
pub struct Slot {
    pub name: String,
    worker: Option<Box<dyn Worker>>,
    parked: Option<Running>,
}

/// What came of a step.
pub enum Stepped {
    Did,
    Idle,
    Failed(StepFault),
    /// It is held up at the gate.
    Parked,
}

/// A server at work.
pub struct Server {
    pub app: App,
    pub router: Router,
    pub clock: Arc<SimClock>,
    pub gate: Arc<Gate>,
    pub slots: Vec<Slot>,
}

/// What a server stands on.
pub struct Ground<'a> {
    pub location: Location,
    pub chains: &'a [Arc<SimChain>],
    pub receiver: &'a Arc<Receiver>,
    pub coverage: &'a Coverage,
    pub clock: Arc<SimClock>,
    pub seed: u64,
    /// Whether nobody else uses the database.
    pub sole: bool,
}

/// The chains that are offered, with the same tokens on each of Ethereum's kind.
#[must_use]
pub fn offered() -> Vec<Chain> {
    let known = chains::known();
    let find = |id: &&str| known.iter().find(|chain| chain.id.as_str() == *id).expect("a known chain").clone();
    let mut chains: Vec<Chain> = CHAINS.iter().map(find).collect();
    for chain in chains.iter_mut().filter(|chain| chain.protocol == Protocol::Evm) {
        for (currency, byte) in [("USDT", 0x07), ("USDC", 0x0c)] {
            if chain.token(&currency.into()).is_none() {
                let contract = payin_core::address::Address::from_evm_bytes(&[byte; 20]);
                chain.tokens.push(payin_core::Token { currency: currency.into(), contract, decimals: 6 });
            }
        }
    }
    let thousand = payin_core::Units::from_base_units(1_000, 0);
    chains[0].final_above = thousand;
    chains[1].agreed_above = thousand;
    chains
}

impl Server {
    /// Begins where the database is.
    pub async fn start(ground: Ground<'_>) -> Self {
        let Ground { location, chains, receiver, coverage, clock, seed, sole } = ground;
        let app = App {
            store: Arc::new(store::open(&location, None).await.expect("the database")),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy: Arc::new(SeededEntropy::new(seed)),
            seal: Arc::new(Seal::new(&[SecretBox::new(Box::new([0x5e; 32]))])),
            environment: Environment::Testnet,
            chains: Arc::new(Chains::new(chains.iter().map(|chain| chain.known.clone()).collect())),
            orders: Settings::default(),
            cooldown: Duration::from_secs(30 * 60),
            targets: Targets { allow_private: true, allow_http: true },
            deliveries: Arc::default(),
            keys: Arc::default(),
            front: Arc::new(Front { public_url: Some("http://pay.test".to_owned()), open_registration: true, ..Front::default() }),
            quotas: Arc::new(quota::Meters::new(None)),
            passwords: Arc::default(),
            health: Arc::default(),
            streams: Arc::default(),
        };
        if sole {
            app.store.write(EndLeases).await.expect("the leases end");
            app.store.write(TakeBackClaims { now: app.clock.now() }).await.expect("the claims end");
        }
        let gate = Arc::new(Gate::default());
        let workers = workers(&app, chains, receiver, (&gate, coverage), seed);
        let slots = workers.into_iter().map(|worker| Slot { name: worker.name(), worker: Some(worker), parked: None }).collect();
        let router = payin_server::http::router(app.clone(), &Apis::all(), None);
        Self { app, router, clock, gate, slots }
    }

    /// Whether a step is held up.
    #[must_use]
    pub fn is_parked(&self) -> bool {
        self.slots.iter().any(|slot| slot.parked.is_some())
    }

    /// Lets a worker step. One that is held up stays so.
    pub async fn step(&mut self, slot: usize) -> Stepped {
        let Some(mut worker) = self.slots[slot].worker.take() else { return Stepped::Parked };
        let running: Running = Box::pin(async move {
            let stepped = AssertUnwindSafe(worker.step()).catch_unwind().await;
            (worker, stepped.unwrap_or(Err(StepFault::Panicked)))
        });
        self.run(slot, running).await
    }

    /// The step that is held up goes on.
    pub async fn let_go(&mut self) -> Option<(usize, Stepped)> {
        let slot = self.slots.iter().position(|slot| slot.parked.is_some())?;
        let running = self.slots[slot].parked.take()?;
        self.gate.let_go();
        Some((slot, self.run(slot, running).await))
    }

    async fn run(&mut self, slot: usize, mut running: Running) -> Stepped {
        let done = tokio::select! {
            biased;
            done = &mut running => Some(done),
            () = self.gate.arrived() => None,
        };
        let Some((worker, result)) = done else {
            self.slots[slot].parked = Some(running);
            return Stepped::Parked;
        };
        self.slots[slot].worker = Some(worker);
        match result {
            Ok(Did::Work) => Stepped::Did,
            Ok(Did::Idle { .. }) => Stepped::Idle,
            Err(fault) => Stepped::Failed(fault),
        }
    }

    /// Ends as a process is asked to end: what it holds it lets go of.
    pub async fn stop(mut self) {
        self.app.streams.stop();
        for slot in &mut self.slots {
            slot.parked = None;
            if let Some(worker) = &mut slot.worker {
                let _ = worker.stop().await;
            }
        }
        self.app.store.close().await;
    }
}

fn workers(
    app: &App,
    chains: &[Arc<SimChain>],
    receiver: &Arc<Receiver>,
    (gate, coverage): (&Arc<Gate>, &Coverage),
    seed: u64,
) -> Vec<Box<dyn Worker>> {
    let events = Arc::clone(app.store.outbox());
    let holder = format!("server {seed:016x}");
    let watches = Watches::new(app);
    let mut workers: Vec<Box<dyn Worker>> = Vec::new();
    for chain in chains {
        let road = |node: usize| -> Arc<dyn Rpc> {
            Arc::new(Road { chain: Arc::clone(chain), node, gate: Arc::clone(gate), coverage: coverage.clone() })
        };
        let sources = [0, 1].map(|node| source_over(&chain.known, road(node), road(node)));
        let nodes = Arc::new(Nodes::new(sources.to_vec()));
        let (known, watch) = (chain.known.clone(), watches.of(&chain.known.protocol));
        let follow =
            ChainWorker::new(app.clone(), known.clone(), Arc::clone(&nodes), Arc::clone(&watch), holder.clone(), Arc::clone(&events));
        workers.push(Box::new(follow));
        workers.push(Box::new(Reconcile::new(app.clone(), known.clone(), Arc::clone(&nodes), watch, holder.clone())));
        workers.push(Box::new(Issuers::new(app.clone(), known, nodes, holder.clone())));
    }
    let queue = Arc::new(Queue::default());
    for _ in 0..LANES {
        let post: Arc<dyn Http> = Arc::new(crate::receiver::Road { receiver: Arc::clone(receiver), gate: Arc::clone(gate) });
        workers.push(Box::new(Deliver::new(app.clone(), post, Arc::clone(&queue), Arc::clone(&events))));
    }
    workers.push(Box::new(Maintain::new(app.clone())));
    workers.push(Box::new(Stock::new(app.clone(), Arc::clone(&events))));
    workers.push(Box::new(OrderEvents::new(app.clone(), Arc::clone(&app.clock), app.entropy.as_ref())));
    workers
}
