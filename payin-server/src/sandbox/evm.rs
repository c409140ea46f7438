//! A simulated EVM chain: blocks, a mempool and reorganisations as plain data, answering JSON-RPC in process.
//!
//! Pure and synchronous: no clock, no randomness, no I/O. Hashes are derived from the seed and what was asked for, so that
//! the same calls always make the same chain. It must not know anything about orders, deposits or the watcher that reads it.

mod logs;
mod model;
mod render;
mod rpc;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256};

pub use model::{Block, EvmConfig, Lies, Reorg, ReorgError, Rest, TRANSFER_TOPIC, Transaction, Transfer};

use model::Token;

/// One simulated chain and the node in front of it.
#[derive(Debug, Clone)]
pub struct EvmChain {
    /// Finality and the limits of the node. May be changed at any time.
    pub config: EvmConfig,
    /// How the node misbehaves from the next call on. The chain itself stays what it is.
    pub lies: Lies,
    chain_id: u64,
    seed: u64,
    genesis: Block,
    /// The canonical chain above genesis: height n is at index n − 1.
    above: Vec<Block>,
    /// Height of every canonical block but genesis.
    heights: BTreeMap<B256, u64>,
    /// Blocks that a reorganisation took off the chain. A real node knows them by hash for a long time too.
    orphans: BTreeMap<B256, Block>,
    /// Everything ever submitted, mined or not.
    transactions: BTreeMap<B256, Transaction>,
    /// Height at which a transaction is on the canonical chain.
    mined: BTreeMap<B256, u64>,
    mempool: Vec<B256>,
    tokens: BTreeMap<Address, Token>,
    /// Safe and finalized heights while finality is stalled.
    stalled: Option<(u64, u64)>,
    /// Transactions submitted so far: a nonce, so that two equal payments have two hashes.
    submissions: u64,
    /// Reorganisations so far: salts block hashes, so that a replacing block never equals the replaced one.
    forks: u64,
}

impl EvmChain {
    pub fn new(chain_id: u64, seed: u64, genesis_time_s: u64) -> Self {
        Self {
            config: EvmConfig::default(),
            lies: Lies::default(),
            chain_id,
            seed,
            genesis: model::seal([chain_id, seed, 0], None, genesis_time_s, Vec::new()),
            above: Vec::new(),
            heights: BTreeMap::new(),
            orphans: BTreeMap::new(),
            transactions: BTreeMap::new(),
            mined: BTreeMap::new(),
            mempool: Vec::new(),
            tokens: BTreeMap::new(),
            stalled: None,
            submissions: 0,
            forks: 0,
        }
    }

    /// Makes `decimals()` and `symbol()` of a contract answer. Any other contract may emit logs too: a fake token.
    pub fn register_token(&mut self, contract: Address, symbol: &str, decimals: u8) {
        self.tokens.insert(contract, Token { symbol: symbol.to_owned(), decimals });
    }

    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The true head, whatever `lies.lag` makes the node say.
    pub fn head(&self) -> &Block {
        self.above.last().unwrap_or(&self.genesis)
    }

    /// The canonical block at a height.
    pub fn block(&self, number: u64) -> Option<&Block> {
        let Some(index) = number.checked_sub(1) else { return Some(&self.genesis) };
        self.above.get(usize::try_from(index).ok()?)
    }

    pub fn transaction(&self, hash: B256) -> Option<&Transaction> {
        self.transactions.get(&hash)
    }

    /// Height at which the transaction is on the canonical chain now.
    pub fn mined_at(&self, transaction: B256) -> Option<u64> {
        self.mined.get(&transaction).copied()
    }

    /// Transactions waiting for the next block, in their order.
    pub fn mempool(&self) -> &[B256] {
        &self.mempool
    }

    /// Puts a new transaction into the mempool. Its hash stays the same wherever it is mined.
    pub fn submit(&mut self, transaction: Transaction) -> B256 {
        let hash = model::transaction_hash([self.chain_id, self.seed, self.submissions], &transaction);
        self.submissions = self.submissions.saturating_add(1);
        self.transactions.insert(hash, transaction);
        self.mempool.push(hash);
        hash
    }

    /// Puts a transaction that a reorganisation dropped back into the mempool. False if it is unknown, waiting or mined.
    pub fn resubmit(&mut self, transaction: B256) -> bool {
        let absent =
            self.transactions.contains_key(&transaction) && !self.mined.contains_key(&transaction) && !self.mempool.contains(&transaction);
        if absent {
            self.mempool.push(transaction);
        }
        absent
    }

    /// Makes a block of everything in the mempool, which may be nothing. A time not after the head's becomes one second
    /// after it: block times are strictly increasing.
    pub fn mine(&mut self, time_s: u64) -> Block {
        let waiting = std::mem::take(&mut self.mempool);
        self.append(time_s, waiting)
    }

    /// Replaces the last `depth` blocks. The chain is unchanged on an error.
    pub fn reorg(&mut self, reorg: &Reorg) -> Result<Vec<Block>, ReorgError> {
        let contents = self.plan(reorg)?;
        let kept: BTreeSet<B256> = contents.iter().flatten().copied().collect();
        let depth = usize::try_from(reorg.depth).unwrap_or(usize::MAX);
        let replaced = self.above.split_off(self.above.len().saturating_sub(depth));
        let mut rest: Vec<B256> = replaced.iter().flat_map(|block| block.transactions.iter().copied()).collect();
        for transaction in &rest {
            self.mined.remove(transaction);
        }
        rest.retain(|hash| reorg.rest == Rest::ToMempool && !kept.contains(hash));
        rest.extend(self.mempool.iter().filter(|hash| !kept.contains(*hash)));
        self.mempool = rest;
        self.forks = self.forks.saturating_add(1);
        let mut blocks = Vec::new();
        for (index, transactions) in contents.into_iter().enumerate() {
            // Past the replaced blocks there is no time to keep: `append` makes it a second after the previous one.
            let time_s = replaced.get(index).map_or(0, |block| block.time_s);
            blocks.push(self.append(time_s, transactions));
        }
        for block in replaced {
            self.heights.remove(&block.hash);
            self.orphans.insert(block.hash, block);
        }
        Ok(blocks)
    }

    /// While stalled, `safe` and `finalized` stay where they are; afterwards they jump to where they would have been.
    pub fn stall_finality(&mut self, stalled: bool) {
        let now = (self.safe_number(), self.finalized_number());
        self.stalled = stalled.then_some(now);
    }

    /// Height of the `finalized` tag, as a node that does not lag sees it.
    pub fn finalized_number(&self) -> u64 {
        self.finalized_below(self.head().number)
    }

    /// Height of the `safe` tag, as a node that does not lag sees it.
    pub fn safe_number(&self) -> u64 {
        self.safe_below(self.head().number)
    }

    fn finalized_below(&self, head: u64) -> u64 {
        let depth_rule = head.saturating_sub(self.config.finality_depth);
        self.stalled.map_or(depth_rule, |(_, finalized)| finalized.min(head))
    }

    fn safe_below(&self, head: u64) -> u64 {
        let depth_rule = head.saturating_sub(self.config.safe_depth);
        self.stalled.map_or(depth_rule, |(safe, _)| safe.min(head))
    }

    fn append(&mut self, time_s: u64, transactions: Vec<B256>) -> Block {
        let block = model::seal([self.chain_id, self.seed, self.forks], Some(self.head()), time_s, transactions);
        for transaction in &block.transactions {
            self.mined.insert(*transaction, block.number);
        }
        self.heights.insert(block.hash, block.number);
        self.above.push(block.clone());
        block
    }

    /// The transactions of each replacing block, or why the request makes no sense.
    fn plan(&self, reorg: &Reorg) -> Result<Vec<Vec<B256>>, ReorgError> {
        let head = self.head().number;
        let base = head.checked_sub(reorg.depth).ok_or(ReorgError::TooDeep { depth: reorg.depth, head })?;
        let count = usize::try_from(reorg.blocks.max(reorg.depth)).map_err(|_| ReorgError::TooManyBlocks)?;
        let mut contents = vec![Vec::new(); count];
        let mut seen = BTreeSet::new();
        for (transaction, index) in &reorg.keep {
            if !self.transactions.contains_key(transaction) {
                return Err(ReorgError::UnknownTransaction(*transaction));
            }
            if self.mined_at(*transaction).is_some_and(|height| height <= base) || !seen.insert(*transaction) {
                return Err(ReorgError::MinedTwice(*transaction));
            }
            let block = usize::try_from(*index).ok().and_then(|index| contents.get_mut(index));
            block.ok_or(ReorgError::NoSuchBlock(*index))?.push(*transaction);
        }
        Ok(contents)
    }
}
