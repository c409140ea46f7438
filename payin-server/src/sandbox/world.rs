//! The simulated chains of a deployment under one virtual clock: payments, blocks, reorganisations. It must not reach into the database.

mod simulated;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::finality::Confirmed;
use payin_core::{Chain, Token};
use payin_types::sandbox::{FaultPlace, JournalKind, SimulatedChain};
use payin_types::{ChainId, Timestamp};

use super::faults::{Effect, Faults};
use super::journal::Journal;
use super::json_rpc;
use crate::env::{Clock as _, Rpc, RpcFault, SystemClock, VirtualClock};
use simulated::Simulated;

/// Why the world cannot do that.
#[derive(Debug, thiserror::Error)]
pub enum WorldFault {
    /// No such simulated chain.
    #[error("there is no simulated chain '{0}'")]
    NoChain(ChainId),
    /// The address is not of the chain's family.
    #[error("'{0}' cannot be paid on that simulated chain")]
    Address(String),
    /// More than an account of that chain can hold.
    #[error("no account of that simulated chain can hold so much")]
    TooMuch,
    /// The chain refuses the reorganisation.
    #[error("{0}")]
    Reorg(String),
    /// Nothing like this happens on that chain.
    #[error("{0}")]
    Unlike(&'static str),
    /// A transaction that is not where it is said to be, by the field of [`Fate`] that says so.
    #[error("{1} {2}")]
    Transaction(&'static str, String, &'static str),
}

/// A simulated node behind the seam of real ones.
#[derive(Clone)]
pub struct SimulatedNode {
    id: ChainId,
    node: Arc<Mutex<Node>>,
    faults: Arc<Faults>,
}

/// A chain, and what was said of its node.
#[derive(Clone)]
struct Node {
    chain: Simulated,
    /// It answers nobody. The chain goes on.
    stopped: bool,
    /// Nothing more on it becomes final.
    stalled: bool,
}

impl SimulatedNode {
    fn lock(&self) -> MutexGuard<'_, Node> {
        self.node.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, path: &str, body: &[u8]) -> Result<Bytes, RpcFault> {
        let mut node = self.lock();
        if node.stopped {
            return Err(RpcFault::Transport("the simulated node is stopped".to_owned()));
        }
        node.chain.answer(path, body).map(Bytes::from)
    }

    /// What a rule says of a call.
    async fn spoil(&self, path: &str, body: &[u8]) -> Result<(), RpcFault> {
        if self.faults.is_empty() {
            return Ok(());
        }
        let called = if path.is_empty() { json_rpc::method(body) } else { path.to_owned() };
        let Some(applied) = self.faults.apply(&FaultPlace::Rpc, &format!("{} {called}", self.id)) else { return Ok(()) };
        match applied.effect {
            Effect::Latency(span) => {
                SystemClock.sleep_until(SystemClock.now().plus(span)).await;
                Ok(())
            }
            Effect::RateLimit(after) => Err(RpcFault::Status { status: 429, retry_after: after.map(|seconds| seconds.to_string()) }),
            Effect::Error(..) => Err(RpcFault::Status { status: 500, retry_after: None }),
            _ => Err(RpcFault::Transport("the simulated node closed the connection".to_owned())),
        }
    }
}

impl Rpc for SimulatedNode {
    fn call<'a>(&'a self, path: &'a str, body: Bytes) -> BoxFuture<'a, Result<Bytes, RpcFault>> {
        async move {
            self.spoil(path, &body).await?;
            self.answer(path, &body)
        }
        .boxed()
    }
}

/// What a simulated payer sends.
#[derive(Debug, Clone)]
pub enum Sent {
    /// This much of a token, in its base units.
    Token(Token, u128),
    /// This much, in base units, of a contract that only calls itself so.
    Fake(u128),
    /// This much arrives, and so much is kept by the token.
    Taxed(Token, u128, u128),
}

/// What becomes of the transactions of replaced blocks.
#[derive(Debug, Clone, Default)]
pub struct Fate {
    /// All of them are lost.
    pub drop: bool,
    /// These are lost.
    pub lose: Vec<String>,
    /// These were lost before, and come back.
    pub bring_back: Vec<String>,
}

/// The simulated chains and their clock.
pub struct World {
    nodes: BTreeMap<ChainId, (Chain, SimulatedNode)>,
    clock: Arc<VirtualClock>,
    journal: Arc<Journal>,
}

/// The chains at a moment.
#[derive(Clone)]
pub struct Chains(BTreeMap<ChainId, Node>);

impl World {
    /// A node for each chain, the same for the same seed.
    #[must_use]
    pub fn new(chains: &[Chain], seed: u64, clock: Arc<VirtualClock>, faults: &Arc<Faults>, journal: Arc<Journal>) -> Self {
        let genesis = u64::try_from(clock.now().secs()).unwrap_or(0).saturating_sub(1);
        let nodes = chains.iter().filter_map(|chain| {
            let node = Node { chain: Simulated::new(chain, seed, genesis)?, stopped: false, stalled: false };
            let node = SimulatedNode { id: chain.id.clone(), node: Arc::new(Mutex::new(node)), faults: Arc::clone(faults) };
            Some((chain.id.clone(), (chain.clone(), node)))
        });
        Self { nodes: nodes.collect(), clock, journal }
    }

    fn note(&self, chain: &ChainId, what: &str, outcome: String, id: Option<String>) {
        self.journal.note(JournalKind::Chain, format!("{chain} {what}"), outcome, id, None);
    }

    /// The chains as they are.
    #[must_use]
    pub fn copy(&self) -> Chains {
        Chains(self.nodes.iter().map(|(id, (_, node))| (id.clone(), node.lock().clone())).collect())
    }

    /// The chains become what they were.
    pub fn restore(&self, chains: &Chains) {
        for (id, (_, node)) in &self.nodes {
            if let Some(chain) = chains.0.get(id) {
                node.lock().clone_from(chain);
            }
        }
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<VirtualClock> {
        &self.clock
    }

    /// The simulated chains.
    pub fn chains(&self) -> impl Iterator<Item = &Chain> {
        self.nodes.values().map(|(chain, _)| chain)
    }

    /// A chain's node.
    ///
    /// # Errors
    /// [`WorldFault::NoChain`].
    pub fn node(&self, chain: &ChainId) -> Result<&SimulatedNode, WorldFault> {
        self.nodes.get(chain).map(|(_, node)| node).ok_or_else(|| WorldFault::NoChain(chain.clone()))
    }

    /// Somebody pays an address, several times perhaps, in one transaction that waits for a block. Answers its hash, as its family writes it.
    ///
    /// # Errors
    /// [`WorldFault::NoChain`], [`WorldFault::Address`], [`WorldFault::TooMuch`], [`WorldFault::Unlike`].
    pub fn pay(&self, chain: &ChainId, to: &str, sent: &[Sent]) -> Result<String, WorldFault> {
        let (known, node) = self.nodes.get(chain).ok_or_else(|| WorldFault::NoChain(chain.clone()))?;
        let hash = node.lock().chain.pay(known, to, sent)?;
        self.note(chain, "payment", format!("to {to}"), Some(hash.clone()));
        Ok(hash)
    }

    /// Makes blocks on a chain, or on all. The chains' time is the virtual clock's; it moves on where blocks need more of it.
    ///
    /// # Errors
    /// [`WorldFault::NoChain`].
    pub fn mine(&self, chain: Option<&ChainId>, blocks: u32) -> Result<Vec<(ChainId, u64)>, WorldFault> {
        if let Some(id) = chain {
            self.node(id)?;
        }
        let chosen: Vec<_> = self.nodes.iter().filter(|(id, _)| chain.is_none_or(|chain| &chain == id)).collect();
        for _ in 0..blocks {
            self.grow(chosen.iter().map(|(_, (_, node))| node), Simulated::mine);
        }
        Ok(chosen.into_iter().map(|(id, (_, node))| (id.clone(), node.lock().chain.head().0)).collect())
    }

    /// Lets every chain grow by what a second brings.
    pub fn tick(&self) {
        self.grow(self.nodes.values().map(|(_, node)| node), Simulated::second);
    }

    /// Blocks of one time on these chains.
    fn grow<'a>(&self, nodes: impl Iterator<Item = &'a SimulatedNode> + Clone, by: impl Fn(&mut Simulated, u64)) {
        let earliest = nodes.clone().map(|node| node.lock().chain.next_time_s()).max();
        let time_s = earliest.unwrap_or(0).max(u64::try_from(self.clock.now().secs()).unwrap_or(0));
        self.catch_up(time_s);
        for node in nodes {
            self.change(node, |chain| by(chain, time_s));
        }
    }

    /// Lets a chain grow, and notes which blocks have transactions.
    fn change(&self, node: &SimulatedNode, grow: impl FnOnce(&mut Simulated)) {
        let mut locked = node.lock();
        let (before, _) = locked.chain.head();
        grow(&mut locked.chain);
        let mined = locked.chain.mined_above(before);
        drop(locked);
        for (number, transactions) in mined {
            self.note(&node.id, &format!("block {number}"), transactions.join(" "), None);
        }
    }

    fn catch_up(&self, time_s: u64) {
        let time = Timestamp::from_secs(i64::try_from(time_s).unwrap_or(i64::MAX));
        if time > self.clock.now() {
            self.clock.advance_to(time);
        }
    }

    /// Replaces a chain's newest blocks.
    ///
    /// # Errors
    /// [`WorldFault::NoChain`], [`WorldFault::Reorg`], [`WorldFault::Transaction`].
    pub fn reorg(&self, chain: &ChainId, depth: u32, fate: &Fate) -> Result<u64, WorldFault> {
        let mut node = self.node(chain)?.lock();
        let lost = node.chain.reorg(u64::from(depth), fate)?;
        let (head, _) = node.chain.head();
        drop(node);
        let outcome = if lost.is_empty() { "nothing lost".to_owned() } else { format!("lost {}", lost.join(" ")) };
        self.note(chain, &format!("reorg {depth}"), outcome, None);
        Ok(head)
    }

    /// Stops or starts a chain's node, stalls its finality or lets it move again.
    ///
    /// # Errors
    /// [`WorldFault::NoChain`].
    pub fn control(&self, chain: &ChainId, stopped: Option<bool>, stalled: Option<bool>) -> Result<SimulatedChain, WorldFault> {
        let (known, found) = self.nodes.get(chain).ok_or_else(|| WorldFault::NoChain(chain.clone()))?;
        let mut node = found.lock();
        let mut done = Vec::new();
        if let Some(stopped) = stopped.filter(|stopped| *stopped != node.stopped) {
            node.stopped = stopped;
            done.push(if stopped { "stopped" } else { "started" });
        }
        if let Some(stalled) = stalled.filter(|stalled| *stalled != node.stalled) {
            node.stalled = stalled;
            node.chain.stall(stalled);
            done.push(if stalled { "finality stalled" } else { "finality moves" });
        }
        drop(node);
        for what in done {
            self.note(chain, what, String::new(), None);
        }
        Ok(state(known, &found.lock()))
    }

    /// The chains as they are.
    #[must_use]
    pub fn states(&self) -> Vec<SimulatedChain> {
        self.nodes.values().map(|(chain, node)| state(chain, &node.lock())).collect()
    }

    /// Lets time pass on the clock, and on the chains that are to grow, which is asked with how far each has fallen behind: enough blocks
    /// follow there that what was over is confirmed to be over.
    pub fn advance_to(&self, until: Timestamp, grows: impl Fn(&ChainId, Duration) -> bool) {
        self.clock.advance_to(until);
        let until_s = u64::try_from(until.secs()).unwrap_or(0);
        let mut latest = 0;
        for (_, node) in self.nodes.values() {
            let behind = until_s.saturating_sub(node.lock().chain.head().1);
            if grows(&node.id, Duration::from_secs(behind)) {
                self.change(node, |chain| chain.advance(until_s));
            }
            latest = latest.max(node.lock().chain.head().1);
        }
        self.catch_up(latest);
    }

    /// By when a chain is done with what happened on it at a time: it is final, and what was over is known to be over.
    #[must_use]
    pub fn settles_within(&self, chain: &str) -> Duration {
        let node = self.nodes.iter().find(|(id, _)| id.as_str() == chain).map(|(_, (_, node))| node);
        Duration::from_secs(node.map_or(0, |node| node.lock().chain.settles_within_s()))
    }
}

fn state(chain: &Chain, node: &Node) -> SimulatedChain {
    let final_after = node.chain.final_after();
    SimulatedChain {
        chain_id: chain.id.clone(),
        head: node.chain.head().0,
        stopped: node.stopped,
        finality_stalled: node.stalled,
        waiting: node.chain.waiting(),
        confirmed_after: match chain.confirmed {
            Confirmed::ByCount => chain.confirmations.max(1),
            Confirmed::AtRest => final_after,
        },
        final_after,
    }
}
