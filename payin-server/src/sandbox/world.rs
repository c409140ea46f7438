//! The simulated chains of a deployment under one virtual clock: payments, blocks, reorganisations. It must not reach into the database.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use alloy::primitives::{Address as EvmAddress, B256, U256, hex};
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::address::account_bytes;
use payin_core::{Chain, Token};
use payin_types::{ChainId, Protocol, Timestamp};

use super::evm::{EvmChain, EvmConfig, Reorg, Rest, Transaction, Transfer};
use super::tron::TronNode;
use crate::env::{Clock as _, Rpc, RpcFault, VirtualClock};

/// How far above the confirmations finality lies, in blocks.
const FINAL_ABOVE: u64 = 5;
/// Who pays in a sandbox.
const PAYER: EvmAddress = EvmAddress::repeat_byte(0x5a);
/// A token that calls itself like a real one.
const FAKE_TOKEN: EvmAddress = EvmAddress::repeat_byte(0xfa);

/// Why the world cannot do that.
#[derive(Debug, thiserror::Error)]
pub enum WorldFault {
    /// No such simulated chain.
    #[error("there is no simulated chain '{0}'")]
    NoChain(ChainId),
    /// The address is not of the chain's family.
    #[error("'{0}' cannot be paid on that simulated chain")]
    Address(String),
    /// The chain refuses the reorganisation.
    #[error("{0}")]
    Reorg(String),
}

/// A simulated node behind the seam of real ones.
#[derive(Clone)]
pub struct SimulatedNode {
    chain: Arc<Mutex<EvmChain>>,
    /// Where the node is java-tron: its manners in front of the chain.
    tron: Option<Arc<Mutex<TronNode>>>,
}

impl SimulatedNode {
    fn lock(&self) -> MutexGuard<'_, EvmChain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, path: &str, body: &[u8]) -> Result<Vec<u8>, RpcFault> {
        let mut chain = self.lock();
        if let Some(tron) = &self.tron {
            return tron.lock().unwrap_or_else(PoisonError::into_inner).handle(path, body, &mut |call| chain.handle(call));
        }
        let request = serde_json::from_slice(body).map_err(|error| RpcFault::Transport(error.to_string()))?;
        Ok(chain.handle(&request).to_string().into_bytes())
    }
}

impl Rpc for SimulatedNode {
    fn call<'a>(&'a self, path: &'a str, body: Bytes) -> BoxFuture<'a, Result<Bytes, RpcFault>> {
        futures_util::future::ready(self.answer(path, &body).map(Bytes::from)).boxed()
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
    /// A node for each chain of EVM and Tron, the same for the same seed.
    #[must_use]
    pub fn new(chains: &[Chain], seed: u64, clock: Arc<VirtualClock>) -> Self {
        let genesis = u64::try_from(clock.now().secs()).unwrap_or(0).saturating_sub(1);
        let simulated = chains.iter().filter(|chain| matches!(chain.protocol, Protocol::Evm | Protocol::Tron));
        let nodes = simulated.map(|chain| {
            let id = chain.numeric_id.unwrap_or_default();
            let tron = (chain.protocol == Protocol::Tron).then(|| Arc::new(Mutex::new(TronNode::new(id))));
            let mut node = EvmChain::new(id, seed, genesis);
            let depth = chain.confirmations.saturating_add(FINAL_ABOVE);
            node.config = EvmConfig { finality_depth: depth, safe_depth: depth / 2, ..node.config };
            for token in &chain.tokens {
                if let Some(bytes) = account_bytes(&chain.protocol, token.contract.as_str()) {
                    node.register_token(EvmAddress::from(bytes), token.currency.as_str(), u8::try_from(token.decimals).unwrap_or(u8::MAX));
                }
            }
            (chain.id.clone(), (chain.clone(), SimulatedNode { chain: Arc::new(Mutex::new(node)), tron }))
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
    /// [`WorldFault::NoChain`], [`WorldFault::Address`].
    pub fn pay(&self, chain: &ChainId, to: &str, sent: &Sent) -> Result<String, WorldFault> {
        let (known, node) = self.nodes.get(chain).ok_or_else(|| WorldFault::NoChain(chain.clone()))?;
        let account = |text: &str| account_bytes(&known.protocol, text).map(EvmAddress::from);
        let address = |text: &str| account(text).ok_or_else(|| WorldFault::Address(text.to_owned()));
        let (contract, value) = match sent {
            Sent::Token(token, value) => (address(token.contract.as_str())?, *value),
            Sent::Fake(value) => (FAKE_TOKEN, *value),
        };
        let transfer = Transfer { contract, from: PAYER, to: address(to)?, value: U256::from(value) };
        let hash = node.lock().submit(Transaction::transfers([transfer]));
        Ok(if node.tron.is_some() { hex::encode(hash) } else { hash.to_string() })
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
            let heads = chosen.iter().map(|(_, (_, node))| node.lock().head().time_s);
            let time_s = heads.max().map_or(0, |head| head.saturating_add(1)).max(u64::try_from(self.clock.now().secs()).unwrap_or(0));
            for (_, (_, node)) in &chosen {
                node.lock().mine(time_s);
            }
            self.catch_up(time_s);
        }
        Ok(chosen.into_iter().map(|(id, (_, node))| (id.clone(), node.lock().head().number)).collect())
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
        let (head, depth) = (node.head().number, u64::from(depth));
        let replaced = (head.saturating_add(1).saturating_sub(depth)..=head)
            .filter_map(|number| node.block(number).map(|block| block.transactions.clone()));
        let transactions: Vec<B256> = replaced.flatten().collect();
        let keep = if drop { Vec::new() } else { transactions.into_iter().map(|transaction| (transaction, 0)).collect() };
        node.reorg(&Reorg { depth, blocks: depth, keep, rest: Rest::Dropped }).map_err(|error| WorldFault::Reorg(error.to_string()))?;
        Ok(node.head().number)
    }

    /// Lets time pass on the clock and on every chain: enough blocks follow that what was over is confirmed to be over.
    pub fn advance(&self, by: Duration) -> Timestamp {
        let until = self.clock.now().plus(by);
        for (chain, node) in self.nodes.values() {
            let mut node = node.lock();
            let blocks = chain.confirmations.saturating_add(FINAL_ABOVE).saturating_add(1);
            let until_s = u64::try_from(until.secs()).unwrap_or(0);
            // A block is a second younger than its parent: no more of them than fit, or time would pass further than was asked.
            let fit = until_s.saturating_sub(node.head().time_s);
            for left in (0..blocks.min(fit)).rev() {
                node.mine(until_s.saturating_sub(left));
            }
        }
        let latest = self.nodes.values().map(|(_, node)| node.lock().head().time_s).max().unwrap_or(0);
        self.clock.advance_to(until);
        self.catch_up(latest);
        self.clock.now()
    }
}
