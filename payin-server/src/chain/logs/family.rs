//! The whole of what differs between the families whose nodes keep logs. Whoever adds one writes this and nothing else.

use alloy::primitives::B256;
use futures_util::future::BoxFuture;

use super::node::{Node, Place};
use super::wire::{Header, Receipt};
use crate::chain::SourceFault;

/// Which of a block's receipts are wanted.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// All: there may be logs that nobody has told of.
    All,
    /// Those of these transactions.
    Of(&'a [B256]),
}

/// What is particular about a family.
pub trait Family: Send + Sync {
    /// Whether this can be a block of the family at all.
    fn is_sound(&self, header: &Header) -> bool;

    /// Whether a block's header proves that none of our tokens was moved in it. Where a family's headers prove nothing, never.
    fn rules_out(&self, header: &Header, node: &Node) -> bool;

    /// What has to be true of a node before it is believed, besides its chain id and the tokens' decimals.
    fn check<'a>(&'a self, node: &'a Node) -> BoxFuture<'a, Result<(), SourceFault>>;

    /// Receipts of exactly this block, at least the wanted ones. One that the node lacks makes it [`SourceFault::Inconsistent`]: what
    /// became of the transaction is not known then.
    fn receipts<'a>(&'a self, node: &'a Node, block: &'a Header, wanted: Wanted<'a>) -> BoxFuture<'a, Result<Vec<Receipt>, SourceFault>>;

    /// Another interface of the same node, for when JSON-RPC does not answer: blocks come from there, and what is in them from receipts.
    fn otherwise(&self) -> Option<&dyn Otherwise> {
        None
    }
}

/// Blocks by another interface than JSON-RPC.
pub trait Otherwise: Send + Sync {
    /// The block at a place, if there is one.
    fn header(&self, place: Place) -> BoxFuture<'_, Result<Option<Header>, SourceFault>>;
}
