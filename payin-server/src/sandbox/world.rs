//! The simulated chains of a deployment under one virtual clock: payments, blocks, reorganisations. It must not reach into the database.

mod simulated;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::{Chain, Token};
use payin_types::{ChainId, Timestamp};

use crate::env::{Clock as _, Rpc, RpcFault, VirtualClock};
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
}

/// A simulated node behind the seam of real ones.
#[derive(Clone)]
pub struct SimulatedNode(Arc<Mutex<Simulated>>);

impl SimulatedNode {
    fn lock(&self) -> MutexGuard<'_, Simulated> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rpc for SimulatedNode {
    fn call<'a>(&'a self, path: &'a str, body: Bytes) -> BoxFuture<'a, Result<Bytes, RpcFault>> {
        futures_util::future::ready(self.lock().answer(path, &body).map(Bytes::from)).boxed()
    }
}

/// What a simulated payer sends.
#[derive(Debug, Clone)]
pub enum Sent {
    /// This much of a token, in its base units.
    Token(Token, u128),
    /// This much, in base units, of a contract that only calls itself so.
    Fake(u128),
}

/// The simulated chains and their clock.
pub struct World {
    nodes: BTreeMap<ChainId, (Chain, SimulatedNode)>,
    clock: Arc<VirtualClock>,
}

impl World {
    /// A node for each chain, the same for the same seed.
    #[must_use]
    pub fn new(chains: &[Chain], seed: u64, clock: Arc<VirtualClock>) -> Self {
        let genesis = u64::try_from(clock.now().secs()).unwrap_or(0).saturating_sub(1);
        let nodes = chains.iter().filter_map(|chain| {
            let simulated = Simulated::new(chain, seed, genesis)?;
            Some((chain.id.clone(), (chain.clone(), SimulatedNode(Arc::new(Mutex::new(simulated))))))
        });
        Self { nodes: nodes.collect(), clock }
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

    /// Somebody pays an address, in one transaction that waits for a block. Answers its hash, as its family writes it.
    ///
    /// # Errors
    /// [`WorldFault::NoChain`], [`WorldFault::Address`], [`WorldFault::TooMuch`].
    pub fn pay(&self, chain: &ChainId, to: &str, sent: &Sent) -> Result<String, WorldFault> {
        let (known, node) = self.nodes.get(chain).ok_or_else(|| WorldFault::NoChain(chain.clone()))?;
        node.lock().pay(known, to, sent)
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
        Ok(chosen.into_iter().map(|(id, (_, node))| (id.clone(), node.lock().head().0)).collect())
    }

    /// Lets every chain grow by what a second brings.
    pub fn tick(&self) {
        self.grow(self.nodes.values().map(|(_, node)| node), Simulated::second);
    }

    /// Blocks of one time on these chains.
    fn grow<'a>(&self, nodes: impl Iterator<Item = &'a SimulatedNode> + Clone, by: impl Fn(&mut Simulated, u64)) {
        let earliest = nodes.clone().map(|node| node.lock().next_time_s()).max();
        let time_s = earliest.unwrap_or(0).max(u64::try_from(self.clock.now().secs()).unwrap_or(0));
        for node in nodes {
            by(&mut node.lock(), time_s);
        }
        self.catch_up(time_s);
    }

    fn catch_up(&self, time_s: u64) {
        let time = Timestamp::from_secs(i64::try_from(time_s).unwrap_or(i64::MAX));
        if time > self.clock.now() {
            self.clock.advance_to(time);
        }
    }

    /// Replaces a chain's newest blocks; their transactions come back in the first new one, or are lost.
    ///
    /// # Errors
    /// [`WorldFault::NoChain`], [`WorldFault::Reorg`].
    pub fn reorg(&self, chain: &ChainId, depth: u32, drop: bool) -> Result<u64, WorldFault> {
        let mut node = self.node(chain)?.lock();
        node.reorg(u64::from(depth), drop)?;
        Ok(node.head().0)
    }

    /// Lets time pass on the clock and on every chain: enough blocks follow that what was over is confirmed to be over.
    pub fn advance(&self, by: Duration) -> Timestamp {
        let until = self.clock.now().plus(by);
        let mut latest = 0;
        for (_, node) in self.nodes.values() {
            let mut node = node.lock();
            node.advance(u64::try_from(until.secs()).unwrap_or(0));
            latest = latest.max(node.head().1);
        }
        self.clock.advance_to(until);
        self.catch_up(latest);
        self.clock.now()
    }
}
