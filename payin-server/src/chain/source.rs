//! What every family's chain client offers: pulled, never pushed. A source answers from one consistent view or not at all.

use std::time::Duration;

use futures_util::future::BoxFuture;
use payin_core::Block;
use payin_core::address::Address;
use payin_core::finality::Rest;
use payin_core::transfer::Transfer;
use payin_types::Currency;

use super::watch::Watch;
use crate::env::RpcFault;

/// Where a chain stands, by one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heads {
    /// The newest block.
    pub latest: Block,
    /// The block the chain's own `finalized` tag names; `None` where it has none or does not answer.
    pub finalized: Option<Rest>,
}

/// Blocks with the transfers in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The hash of the block that the first one read names as the one below it.
    pub below: String,
    /// The newest block read.
    pub last: Block,
    /// Transfers of pinned tokens to watched addresses, in the order of the chain.
    pub transfers: Vec<Transfer>,
}

/// What issuers have done to their tokens, by the tokens' own word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Issued {
    /// Tokens that nobody can pay with at present, or ever again.
    pub stopped: Vec<Stopped>,
    /// Addresses that can no longer dispose of a token.
    pub frozen: Vec<Frozen>,
}

/// A token that its issuer has stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Which.
    pub currency: Currency,
    /// What its contract says.
    pub reason: String,
}

/// An address that cannot dispose of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// Which.
    pub address: Address,
    /// Of which token.
    pub currency: Currency,
    /// What the token says.
    pub reason: String,
}

/// Why a source did not answer.
#[derive(Debug, thiserror::Error)]
pub enum SourceFault {
    /// No answer, or not of the protocol. Tried again later; nothing moves meanwhile.
    #[error("the node did not answer: {0}")]
    Unavailable(String),
    /// The node answers nobody, or not us, so often.
    #[error("the node limits how often it is asked")]
    Limited {
        /// When it may be asked again, if it said so.
        retry_after: Option<Duration>,
    },
    /// The node's answers contradict each other: it lags, lies, or changed its mind in between. Tried again later.
    #[error("the node contradicts itself: {0}")]
    Inconsistent(String),
    /// The node is not of this chain, or its tokens are not what is configured: nothing it says is used.
    #[error("the node and the configuration do not go together: {0}")]
    Mismatch(String),
    /// What the node answered makes us panic: a bug of ours, and another node may answer otherwise.
    #[error("{0}")]
    Breaks(String),
    /// What is watched could not be learned.
    #[error("{0}")]
    Watch(String),
}

impl From<RpcFault> for SourceFault {
    fn from(fault: RpcFault) -> Self {
        match fault {
            RpcFault::Status { status: 429, retry_after } => {
                let seconds = retry_after.and_then(|text| text.trim().parse().ok());
                Self::Limited { retry_after: seconds.map(Duration::from_secs) }
            }
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// A chain, as a node shows it.
pub trait Source: Send + Sync {
    /// Makes sure that the node is of the configured chain and that its tokens are as configured.
    fn check(&self) -> BoxFuture<'_, Result<(), SourceFault>>;

    /// Where the chain stands.
    fn heads(&self) -> BoxFuture<'_, Result<Heads, SourceFault>>;

    /// A block of the chain the node believes in; `None` if it has none of that height (a slot, on Solana, which may have been skipped).
    fn block(&self, number: u64) -> BoxFuture<'_, Result<Option<Block>, SourceFault>>;

    /// Whether heights may be without a block, as Solana's slots are that their leaders skip. [`block`](Self::block) answers `None` then only
    /// if the node's chain goes on without one: what we had there is gone. Elsewhere it means that the node lags.
    fn skips(&self) -> bool {
        false
    }

    /// What the node's chain has above a block, up to its newest one and `max` at most, oldest first. Whether they hang together and on
    /// that block is for the caller to see.
    fn above<'a>(&'a self, tip: &'a Block, latest: &'a Block, max: usize) -> BoxFuture<'a, Result<Vec<Block>, SourceFault>>;

    /// The transfers in exactly these blocks, which hang together, in the order of the chain.
    ///
    /// What is watched is asked after the blocks have been fetched: an address given out before a block was made is then known.
    fn transfers<'a>(&'a self, blocks: &'a [Block], watch: &'a dyn Watch) -> BoxFuture<'a, Result<Vec<Transfer>, SourceFault>>;

    /// The blocks from one height up to another, all of them final, or as many of them as the node gives at a time. They hang together;
    /// whether they do with what the caller has below and above is for the caller to see.
    fn range<'a>(&'a self, from: u64, to: u64, watch: &'a dyn Watch) -> BoxFuture<'a, Result<Read, SourceFault>>;

    /// What the chain's tokens say of themselves and of these addresses, at present.
    fn issued<'a>(&'a self, addresses: &'a [Address]) -> BoxFuture<'a, Result<Issued, SourceFault>>;
}
