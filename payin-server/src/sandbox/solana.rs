//! A simulated Solana chain: slots, blocks, token accounts and forks as plain data, answering JSON-RPC in process as agave does.
//!
//! Pure and synchronous: no clock, no randomness, no I/O. Hashes and signatures are derived from the seed and what was asked
//! for, so that the same calls always make the same chain. It must not know anything about orders or the watcher that reads it,
//! and derives no addresses: whose token account an address is, its caller says.

mod accounts;
mod history;
mod instruction;
mod key;
mod message;
mod model;
mod parsed;
mod render;
mod rpc;
mod runtime;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use instruction::{Instruction, Move, Named};
pub use key::{Key, NotBase58, Signature};
pub use message::Transaction;
pub use model::{Block, Commitment, Fork, ForkError, Lies, Omits, Refusal, Slots, SolanaConfig};
pub use runtime::{Failure, Mint, TokenAccount};

use message::Message;
use model::{Balance, Executed, Submitted};
use runtime::{Account, Accounts, Changes};

/// One simulated chain and the node in front of it.
#[derive(Debug, Clone)]
pub struct SolanaChain {
    /// How the chain becomes final. May be changed at any time.
    pub config: SolanaConfig,
    /// How the node misbehaves from the next call on. The chain itself stays what it is.
    pub lies: Lies,
    /// What `getGenesisHash` answers: which cluster this claims to be.
    genesis_hash: Key,
    seed: u64,
    genesis: Block,
    /// The canonical chain above genesis.
    above: Vec<Block>,
    /// The slot of the next block; those between it and the head's are skipped.
    next_slot: u64,
    /// Everything ever submitted, in a block or not.
    submitted: BTreeMap<Signature, Submitted>,
    /// The slot in which a transaction is on the canonical chain.
    landed: BTreeMap<Signature, u64>,
    mempool: Vec<Signature>,
    /// As they are after the head.
    accounts: Accounts,
    /// The confirmed and finalized slots while finality is stalled.
    stalled: Option<(u64, u64)>,
    /// Forks so far: salts blockhashes.
    forks: u64,
}

impl SolanaChain {
    pub fn new(genesis_hash: Key, seed: u64, genesis_time_s: u64) -> Self {
        let none = Key([0; 32]);
        let blockhash = model::blockhash([seed, 0], genesis_hash, 0, genesis_time_s, &[]);
        let (slot, parent_slot, height, previous_blockhash) = (0, 0, 0, none);
        let genesis = Block { slot, parent_slot, height, blockhash, previous_blockhash, time_s: genesis_time_s, transactions: Vec::new() };
        Self {
            config: SolanaConfig::default(),
            lies: Lies::default(),
            genesis_hash,
            seed,
            genesis,
            above: Vec::new(),
            next_slot: 1,
            submitted: BTreeMap::new(),
            landed: BTreeMap::new(),
            mempool: Vec::new(),
            accounts: Accounts::new(),
            stalled: None,
            forks: 0,
        }
    }

    /// A token, there since before the first block. Any other may be made too: a fake one.
    pub fn register_mint(&mut self, key: Key, mint: Mint) {
        self.accounts.insert(key, Account::Mint(mint, 0));
    }

    /// A token account with money in it, there since before the first block.
    pub fn register_account(&mut self, key: Key, account: TokenAccount) {
        self.accounts.insert(key, Account::Token(account));
    }

    /// The newest block, whatever `lies.lag` makes the node say.
    pub fn head(&self) -> &Block {
        self.above.last().unwrap_or(&self.genesis)
    }

    /// The block in a slot; nothing in a skipped one.
    pub fn block(&self, slot: u64) -> Option<&Block> {
        if slot == 0 {
            return Some(&self.genesis);
        }
        let place = self.above.binary_search_by_key(&slot, |block| block.slot).ok()?;
        self.above.get(place)
    }

    /// The slot in which the transaction is on the canonical chain now.
    pub fn landed_at(&self, signature: &Signature) -> Option<u64> {
        self.landed.get(signature).copied()
    }

    /// Whether the transaction was ever sent.
    pub fn knows(&self, signature: &Signature) -> bool {
        self.submitted.contains_key(signature)
    }

    /// Transactions waiting for the next block, in their order.
    pub fn mempool(&self) -> &[Signature] {
        &self.mempool
    }

    /// A token account as it is after the head.
    pub fn token_account(&self, key: &Key) -> Option<TokenAccount> {
        match self.accounts.get(key) {
            Some(Account::Token(account)) => Some(*account),
            _ => None,
        }
    }

    /// Sends a transaction. Its signature stays the same in whatever block it lands.
    pub fn submit(&mut self, transaction: Transaction) -> Signature {
        let message = Message::new(&transaction, self.head().blockhash);
        let submissions = u64::try_from(self.submitted.len()).unwrap_or(u64::MAX);
        let signatures = model::signatures([self.seed, submissions], &message);
        let submitted = Submitted { transaction, message, signatures };
        let signature = submitted.signature();
        self.submitted.insert(signature, submitted);
        self.mempool.push(signature);
        signature
    }

    /// The next slots have no block: their leaders are offline.
    pub fn skip(&mut self, slots: u64) {
        self.next_slot = self.next_slot.saturating_add(slots);
    }

    /// Makes a block of everything that was sent, which may be nothing. Its time is never before its parent's: slots are
    /// shorter than seconds.
    pub fn mine(&mut self, time_s: u64) -> &Block {
        let waiting = std::mem::take(&mut self.mempool);
        self.append(self.next_slot, time_s, waiting);
        self.head()
    }

    /// Drops the newest blocks for others. The chain is unchanged on an error.
    ///
    /// # Errors
    /// [`ForkError`].
    pub fn fork(&mut self, fork: &Fork) -> Result<(), ForkError> {
        let contents = self.plan(fork)?;
        let kept: BTreeSet<Signature> = contents.iter().flatten().copied().collect();
        let first_free = self.next_slot;
        let depth = usize::try_from(fork.depth).unwrap_or(usize::MAX);
        let dropped = self.above.split_off(self.above.len().saturating_sub(depth));
        for executed in dropped.iter().rev().flat_map(|block| block.transactions.iter().rev()) {
            apply(&mut self.accounts, &executed.undo);
        }
        let mut rest: Vec<Signature> = dropped.iter().flat_map(Block::signatures).collect();
        for signature in &rest {
            self.landed.remove(signature);
        }
        rest.retain(|signature| fork.resubmit && !kept.contains(signature));
        rest.extend(self.mempool.iter().filter(|signature| !kept.contains(*signature)));
        self.mempool = rest;
        self.forks = self.forks.saturating_add(1);
        let mut slots = dropped.iter().map(|block| block.slot);
        let mut times = dropped.iter().map(|block| block.time_s);
        self.next_slot = if fork.slots == Slots::After { first_free } else { self.head().slot.saturating_add(1) };
        for signatures in contents {
            let slot = slots.next().filter(|_| fork.slots == Slots::Same).unwrap_or(self.next_slot);
            self.append(slot, times.next().unwrap_or(0), signatures);
        }
        self.next_slot = self.next_slot.max(first_free);
        Ok(())
    }

    /// While stalled, `confirmed` and `finalized` stay where they are; afterwards they jump to where they would have been.
    pub fn stall(&mut self, stalled: bool) {
        let now = (self.slot(Commitment::Confirmed), self.slot(Commitment::Finalized));
        self.stalled = stalled.then_some(now);
    }

    /// The newest block's slot at a commitment, as the node tells it.
    pub fn slot(&self, commitment: Commitment) -> u64 {
        let head = self.head().slot.saturating_sub(self.lies.lag);
        let (depth, frozen) = match commitment {
            Commitment::Processed => (0, None),
            Commitment::Confirmed => (self.config.confirmed_depth, self.stalled.map(|(confirmed, _)| confirmed)),
            Commitment::Finalized => (self.config.finalized_depth, self.stalled.map(|(_, finalized)| finalized)),
        };
        let most = head.saturating_sub(depth);
        self.newest(frozen.map_or(most, |frozen| frozen.min(most))).slot
    }

    /// The newest block at or below a slot.
    fn newest(&self, slot: u64) -> &Block {
        let after = self.above.partition_point(|block| block.slot <= slot);
        after.checked_sub(1).and_then(|place| self.above.get(place)).unwrap_or(&self.genesis)
    }

    fn append(&mut self, slot: u64, time_s: u64, signatures: Vec<Signature>) {
        let parent = self.head();
        let (parent_slot, previous_blockhash) = (parent.slot, parent.blockhash);
        let (height, time_s) = (parent.height.saturating_add(1), time_s.max(parent.time_s));
        let blockhash = model::blockhash([self.seed, self.forks], previous_blockhash, slot, time_s, &signatures);
        let mut transactions = Vec::new();
        for signature in signatures {
            let Some(submitted) = self.submitted.get(&signature).cloned() else { continue };
            self.landed.insert(signature, slot);
            transactions.push(self.execute(submitted));
        }
        self.above.push(Block { slot, parent_slot, height, blockhash, previous_blockhash, time_s, transactions });
        self.next_slot = slot.saturating_add(1);
    }

    fn execute(&mut self, submitted: Submitted) -> Executed {
        let outcome = runtime::run(&self.accounts, &submitted.transaction);
        let before = self.balances(&submitted.message);
        let undo = apply(&mut self.accounts, &outcome.changes);
        let after = self.balances(&submitted.message);
        Executed::new(submitted, outcome, [before, after], undo)
    }

    /// The token accounts that a message names.
    fn balances(&self, message: &Message) -> Vec<Balance> {
        let named = (0_u8..).zip(&message.keys);
        let balances = named.filter_map(|(index, named)| {
            let account = self.token_account(&named.key)?;
            let decimals = match self.accounts.get(&account.mint)? {
                Account::Mint(mint, _) => mint.decimals,
                Account::Token(_) => return None,
            };
            Some(Balance { index, account, decimals })
        });
        balances.collect()
    }

    /// The transactions of each new block, or why the request makes no sense.
    fn plan(&self, fork: &Fork) -> Result<Vec<Vec<Signature>>, ForkError> {
        let blocks = self.head().height;
        let base = blocks.checked_sub(fork.depth).ok_or(ForkError::TooDeep { depth: fork.depth, blocks })?;
        let count = usize::try_from(fork.blocks.max(fork.depth)).map_err(|_| ForkError::TooManyBlocks)?;
        let mut contents = vec![Vec::new(); count];
        let mut seen = BTreeSet::new();
        for (signature, index) in &fork.keep {
            if !self.submitted.contains_key(signature) {
                return Err(ForkError::Unknown(*signature));
            }
            let stays = self.landed_at(signature).and_then(|slot| self.block(slot)).is_some_and(|block| block.height <= base);
            if stays || !seen.insert(*signature) {
                return Err(ForkError::Twice(*signature));
            }
            let block = usize::try_from(*index).ok().and_then(|index| contents.get_mut(index));
            block.ok_or(ForkError::NoSuchBlock(*index))?.push(*signature);
        }
        Ok(contents)
    }
}

/// Changes accounts. Answers what undoes it.
fn apply(accounts: &mut Accounts, changes: &Changes) -> Changes {
    let change = |(key, account): (&Key, &Option<Account>)| {
        let before = match account {
            Some(account) => accounts.insert(*key, *account),
            None => accounts.remove(key),
        };
        (*key, before)
    };
    changes.iter().map(change).collect()
}
