//! What nodes say of blocks, and what is made of their receipts. Only what following needs, so that the families' own fields do not matter.

use alloy::primitives::{B256, Bloom, Log as Event};
use payin_core::Block;
use payin_types::Timestamp;
use serde::Deserialize;

/// A node's word on a block.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// Its height.
    #[serde(with = "alloy::serde::quantity")]
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// The hash of the block below.
    pub parent_hash: B256,
    /// When it was made, in seconds.
    #[serde(with = "alloy::serde::quantity")]
    pub timestamp: u64,
    /// Which contracts and topics its logs may have.
    pub logs_bloom: Option<Bloom>,
    /// Its transactions, in their order.
    pub transactions: Vec<B256>,
}

impl Header {
    /// The block as the follower knows it.
    #[must_use]
    pub fn block(&self) -> Block {
        Block {
            number: self.number,
            hash: self.hash.to_string(),
            parent_hash: self.parent_hash.to_string(),
            time: Timestamp::from_secs(i64::try_from(self.timestamp).unwrap_or(i64::MAX)),
        }
    }
}

/// What became of a transaction: made by a family only where its node says so of exactly the block that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The transaction.
    pub transaction: B256,
    /// Whether it took effect. Where a node does not say, there is no receipt.
    pub succeeded: bool,
    /// Its events in their order.
    pub events: Vec<Event>,
}
