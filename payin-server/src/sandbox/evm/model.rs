//! What the simulated chain is made of, and how hashes are derived. No behaviour of a node.

use std::fmt;

use alloy::primitives::{Address, B256, Log, U256, b256};
use sha2::{Digest, Sha256};

/// keccak256("Transfer(address,address,uint256)").
pub const TRANSFER_TOPIC: B256 = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// An ERC-20 transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    pub contract: Address,
    pub from: Address,
    pub to: Address,
    /// In the token's smallest unit.
    pub value: U256,
}

impl Transfer {
    /// The log that an honest ERC-20 contract emits.
    pub fn log(&self) -> Log {
        let topics = vec![TRANSFER_TOPIC, self.from.into_word(), self.to.into_word()];
        Log::new_unchecked(self.contract, topics, self.value.to_be_bytes::<32>().to_vec().into())
    }
}

/// What a transaction does: logs, if it succeeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Emitted in this order. Usually made by `Transaction::transfers`; forged ones (ERC-721, odd data) may be put here.
    pub logs: Vec<Log>,
    /// A failed transaction is mined and has a receipt of status 0 without logs.
    pub success: bool,
}

impl Transaction {
    /// A successful transaction that emits these transfers in this order.
    pub fn transfers(transfers: impl IntoIterator<Item = Transfer>) -> Self {
        Self { logs: transfers.into_iter().map(|transfer| transfer.log()).collect(), success: true }
    }

    /// The same, but reverted by the EVM.
    pub fn failed(mut self) -> Self {
        self.success = false;
        self
    }

    /// The logs that are really emitted.
    pub(super) fn emitted(&self) -> &[Log] {
        if self.success { &self.logs } else { &[] }
    }
}

/// A block, canonical or orphaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub number: u64,
    pub hash: B256,
    /// Zero for genesis.
    pub parent_hash: B256,
    pub time_s: u64,
    /// Transaction hashes in their order.
    pub transactions: Vec<B256>,
}

/// How the chain becomes final and what its node refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvmConfig {
    /// `finalized` = head − this.
    pub finality_depth: u64,
    /// `safe` = head − this.
    pub safe_depth: u64,
    /// `eth_getLogs` refuses `toBlock` − `fromBlock` above this (so one block more than this passes, as java-tron and bsc count).
    pub logs_range_max: u64,
    /// `eth_getLogs` refuses to answer more logs than this, except for a single block.
    pub logs_results_max: usize,
}

impl Default for EvmConfig {
    /// Ethereum's usual two epochs of 32 slots, and the limits of Infura.
    fn default() -> Self {
        Self { finality_depth: 64, safe_depth: 32, logs_range_max: 10_000, logs_results_max: 10_000 }
    }
}

/// Misbehaviour of the node, as plain data. The default is an honest node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lies {
    /// `eth_getLogs` answers `[]`, even for blocks that the node does not know. Receipts and blooms stay true.
    pub drop_logs: bool,
    /// The node is this many blocks behind: everything above is unknown to it, by number, by hash and by transaction.
    pub lag: u64,
    /// The next n calls answer −32005 "limit exceeded" (each entry of a batch is a call).
    pub fail_next: u32,
}

/// A reorganisation of the chain's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reorg {
    /// How many blocks are replaced. Genesis cannot be.
    pub depth: u64,
    /// How many blocks replace them; fewer than `depth` means `depth`. Each keeps the time of the block it replaces, and
    /// those beyond follow one second apart.
    pub blocks: u64,
    /// What the new blocks hold, in order: a transaction and the index of its new block (0 is the lowest). It may come
    /// from a replaced block, from the mempool, or have been dropped earlier.
    pub keep: Vec<(B256, u64)>,
    /// What happens to the replaced blocks' other transactions.
    pub rest: Rest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    Dropped,
    ToMempool,
}

/// Why a reorganisation was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReorgError {
    TooDeep { depth: u64, head: u64 },
    TooManyBlocks,
    NoSuchBlock(u64),
    UnknownTransaction(B256),
    MinedTwice(B256),
}

impl fmt::Display for ReorgError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDeep { depth, head } => write!(f, "cannot replace {depth} blocks of a chain of height {head}"),
            Self::TooManyBlocks => write!(f, "more new blocks than fit into memory"),
            Self::NoSuchBlock(index) => write!(f, "there is no new block with index {index}"),
            Self::UnknownTransaction(hash) => write!(f, "transaction {hash} was never submitted"),
            Self::MinedTwice(hash) => write!(f, "transaction {hash} would be on the chain twice"),
        }
    }
}

impl std::error::Error for ReorgError {}

#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) symbol: String,
    pub(super) decimals: u8,
}

/// Makes a block after `parent`. `salt` is chain id, seed and number of reorganisations.
pub(super) fn seal(salt: [u64; 3], parent: Option<&Block>, time_s: u64, transactions: Vec<B256>) -> Block {
    let number = parent.map_or(0, |parent| parent.number.saturating_add(1));
    let time_s = parent.map_or(time_s, |parent| time_s.max(parent.time_s.saturating_add(1)));
    let parent_hash = parent.map_or(B256::ZERO, |parent| parent.hash);
    let mut hasher = salted(b"payin sandbox block", salt);
    hasher.update(parent_hash);
    hasher.update(number.to_be_bytes());
    hasher.update(time_s.to_be_bytes());
    for transaction in &transactions {
        hasher.update(transaction);
    }
    Block { number, hash: finish(hasher), parent_hash, time_s, transactions }
}

/// `salt` is chain id, seed and number of earlier submissions.
pub(super) fn transaction_hash(salt: [u64; 3], transaction: &Transaction) -> B256 {
    let mut hasher = salted(b"payin sandbox transaction", salt);
    hasher.update([u8::from(transaction.success)]);
    for log in &transaction.logs {
        // Topics and data could be confused with each other without their lengths.
        hasher.update(log.address);
        hasher.update(log.topics().len().to_be_bytes());
        for topic in log.topics() {
            hasher.update(topic);
        }
        hasher.update(log.data.data.len().to_be_bytes());
        hasher.update(&log.data.data);
    }
    finish(hasher)
}

fn salted(purpose: &[u8], salt: [u64; 3]) -> Sha256 {
    let mut hasher = Sha256::new();
    hasher.update(purpose);
    for word in salt {
        hasher.update(word.to_be_bytes());
    }
    hasher
}

fn finish(hasher: Sha256) -> B256 {
    B256::from(<[u8; 32]>::from(hasher.finalize()))
}
