//! When a chain's word counts: confirmations, and finality after which nothing is taken back. Heights only; it must not know what is paid.

use serde::Deserialize;

/// How a chain comes to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finality {
    /// At the chain's own `finalized` tag.
    Tag,
    /// That many blocks below the head.
    Depth(u64),
}

/// What a node last said of its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heights {
    /// The newest block taken in.
    pub head: u64,
    /// The newest block that will never be taken back, as far as taken in.
    pub finalized: u64,
}

/// How many blocks confirm a block, itself included; none if it lies above the head.
#[must_use]
pub fn confirmations(head: u64, block: u64) -> u64 {
    head.checked_sub(block).map_or(0, |above| above.saturating_add(1))
}

/// The highest block with `required` confirmations; `None` if there is none yet.
#[must_use]
pub fn confirmed_height(head: u64, required: u64) -> Option<u64> {
    head.checked_sub(required.max(1).saturating_sub(1))
}

/// The height up to which the chain has come to rest, given what the node's tag says. Never falls back to counting where the chain
/// has a tag: a chain whose finality stalls makes nothing final.
#[must_use]
pub fn finalized_height(finality: Finality, head: u64, tag: Option<u64>) -> Option<u64> {
    match finality {
        Finality::Tag => tag.map(|tag| tag.min(head)),
        Finality::Depth(depth) => head.checked_sub(depth),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_confirms_itself() {
        assert_eq!(confirmations(100, 100), 1);
        assert_eq!(confirmations(111, 100), 12);
        assert_eq!(confirmations(99, 100), 0);
        assert_eq!(confirmed_height(111, 12), Some(100));
        assert_eq!(confirmed_height(10, 12), None);
        assert_eq!(confirmed_height(10, 0), Some(10));
    }

    #[test]
    fn a_missing_tag_makes_nothing_final() {
        assert_eq!(finalized_height(Finality::Tag, 100, None), None);
        assert_eq!(finalized_height(Finality::Tag, 100, Some(120)), Some(100));
        assert_eq!(finalized_height(Finality::Depth(20), 100, None), Some(80));
    }
}
