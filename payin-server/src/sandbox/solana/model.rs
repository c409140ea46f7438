//! What the simulated chain is made of beside transactions: blocks, settings, lies, forks, and how hashes are made up.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::key::{Key, Signature};
use super::message::{Message, Transaction};
use super::runtime::{Changes, Failure, Outcome, TokenAccount};

/// How sure a node is of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Commitment {
    Processed,
    Confirmed,
    Finalized,
}

impl Commitment {
    pub(super) const ALL: [(&str, Self); 3] =
        [("processed", Self::Processed), ("confirmed", Self::Confirmed), ("finalized", Self::Finalized)];

    pub(super) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, commitment)| *commitment == self).map_or("", |(word, _)| word)
    }
}

/// How the chain becomes final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SolanaConfig {
    /// `confirmed` is the newest block at least this many slots below the head.
    pub confirmed_depth: u64,
    /// `finalized` is the newest block at least this many slots below the head.
    pub finalized_depth: u64,
}

impl Default for SolanaConfig {
    /// A vote is counted in the slot after; a block is rooted when 31 have been built on it (agave's MAX_LOCKOUT_HISTORY).
    fn default() -> Self {
        Self { confirmed_depth: 1, finalized_depth: 31 }
    }
}

/// Misbehaviour of the node, as plain data. The default is an honest node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lies {
    /// What `getSignaturesForAddress` leaves out. Blocks and transactions stay true.
    pub omits: Omits,
    /// Blocks are answered as if nothing had happened in them.
    pub empty_blocks: bool,
    /// The node is this many slots behind, and says so when asked for its health.
    pub lag: u64,
    /// Blocks below this slot are forgotten.
    pub first_available: u64,
    /// The next n calls fail (each entry of a batch is a call).
    pub fail_next: u32,
    /// How they fail.
    pub failure: Refusal,
}

/// Signatures that are kept from those who ask for an address's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Omits {
    #[default]
    Nothing,
    These(BTreeSet<Signature>),
    Everything,
}

impl Omits {
    pub(super) fn has(&self, signature: &Signature) -> bool {
        match self {
            Self::Nothing => false,
            Self::These(signatures) => signatures.contains(signature),
            Self::Everything => true,
        }
    }
}

/// Why a node that could answer does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Refusal {
    /// −32005, "Node is unhealthy".
    #[default]
    Unhealthy,
    /// 429 in the body, as the public endpoints put it.
    RateLimited,
}

/// A change of the chain's end: its newest blocks are dropped for others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// How many blocks are dropped. Genesis cannot be.
    pub depth: u64,
    /// How many follow instead; fewer than `depth` means `depth`. They keep the times of those that they replace.
    pub blocks: u64,
    /// Where those are.
    pub slots: Slots,
    /// What the new blocks hold, in order: a transaction and the index of its new block (0 is the lowest). It may come from a
    /// dropped block, from the mempool, or have been lost earlier.
    pub keep: Vec<(Signature, u64)>,
    /// The dropped blocks' other transactions wait for another block; else they are lost.
    pub resubmit: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slots {
    /// The usual fork: other leaders' slots, after those of the dropped blocks, which are now skipped.
    After,
    /// The same slots with other blocks, as after a restart of the cluster.
    Same,
}

/// Why a fork was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ForkError {
    #[error("cannot drop {depth} blocks of a chain of {blocks} above genesis")]
    TooDeep { depth: u64, blocks: u64 },
    #[error("more new blocks than fit into memory")]
    TooManyBlocks,
    #[error("there is no new block with index {0}")]
    NoSuchBlock(u64),
    #[error("transaction {0} was never submitted")]
    Unknown(Signature),
    #[error("transaction {0} would be on the chain twice")]
    Twice(Signature),
}

/// A block of the canonical chain.
#[derive(Debug, Clone)]
pub struct Block {
    pub slot: u64,
    pub parent_slot: u64,
    /// How many blocks are below.
    pub height: u64,
    pub blockhash: Key,
    pub previous_blockhash: Key,
    pub time_s: u64,
    pub(super) transactions: Vec<Executed>,
}

impl Block {
    /// The signatures of its transactions, in their order.
    pub fn signatures(&self) -> impl DoubleEndedIterator<Item = Signature> + '_ {
        self.transactions.iter().map(|executed| executed.submitted.signature())
    }
}

/// A transaction that was sent, whether it is in a block or not.
#[derive(Debug, Clone)]
pub(super) struct Submitted {
    pub(super) transaction: Transaction,
    pub(super) message: Message,
    pub(super) signatures: Vec<Signature>,
}

impl Submitted {
    /// There is always one: the payer signs.
    pub(super) fn signature(&self) -> Signature {
        self.signatures.first().copied().unwrap_or(Signature([0; 64]))
    }
}

/// A transaction in a block, and what it did there.
#[derive(Debug, Clone)]
pub(super) struct Executed {
    pub(super) submitted: Submitted,
    pub(super) failure: Option<Failure>,
    pub(super) inner: Vec<(u8, Vec<(super::Instruction, u32)>)>,
    pub(super) before: Vec<Balance>,
    pub(super) after: Vec<Balance>,
    /// What the accounts that it changed were before.
    pub(super) undo: Changes,
}

impl Executed {
    pub(super) fn new(submitted: Submitted, outcome: Outcome, [before, after]: [Vec<Balance>; 2], undo: Changes) -> Self {
        Self { submitted, failure: outcome.failure, inner: outcome.inner, before, after, undo }
    }
}

/// A token account that a transaction names, at its beginning or end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Balance {
    pub(super) index: u8,
    pub(super) account: TokenAccount,
    pub(super) decimals: u8,
}

/// A blockhash. `salt` is the seed and the number of forks: a new block never equals the one that it replaces.
pub(super) fn blockhash(salt: [u64; 2], previous: Key, slot: u64, time_s: u64, signatures: &[Signature]) -> Key {
    let mut hasher = salted(b"payin sandbox solana block", &[salt[0], salt[1], slot, time_s]);
    hasher.update(previous.0);
    for signature in signatures {
        hasher.update(signature.0);
    }
    Key(hasher.finalize().into())
}

/// The signatures of a message. `salt` is the seed and the number of earlier submissions: two equal payments have two signatures.
pub(super) fn signatures(salt: [u64; 2], message: &Message) -> Vec<Signature> {
    let [signers, ..] = message.header();
    let bytes = message.bytes(&[]);
    let half = |signer: u8, half: u64| -> [u8; 32] {
        let mut hasher = salted(b"payin sandbox solana signature", &[salt[0], salt[1], u64::from(signer), half]);
        hasher.update(&bytes);
        hasher.finalize().into()
    };
    (0..signers).map(|signer| concat(half(signer, 0), half(signer, 1))).collect()
}

fn concat(first: [u8; 32], second: [u8; 32]) -> Signature {
    let mut bytes = [0; 64];
    for (place, byte) in bytes.iter_mut().zip(first.into_iter().chain(second)) {
        *place = byte;
    }
    Signature(bytes)
}

fn salted(purpose: &[u8], salt: &[u64]) -> Sha256 {
    let mut hasher = Sha256::new();
    hasher.update(purpose);
    for word in salt {
        hasher.update(word.to_be_bytes());
    }
    hasher
}
