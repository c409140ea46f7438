//! A block, as far as following a chain needs it: its place, its parent, its time. What is in it is somebody else's business.

use payin_types::Timestamp;

/// A block of any family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its height.
    pub number: u64,
    /// Its hash.
    pub hash: String,
    /// Its parent's hash.
    pub parent_hash: String,
    /// Its time, by the chain's clock.
    pub time: Timestamp,
}
