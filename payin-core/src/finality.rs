//! When a chain's word counts: confirmations, and finality after which nothing is taken back. Heights only; it must not know what is paid.

use payin_types::known_bad::{Mistake, makes};
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

/// Up to where a chain has come to rest, by a node's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// The height.
    pub number: u64,
    /// The hash of the block there; empty where it is known by counting only.
    pub hash: String,
}

/// How many blocks confirm a block, itself included; none if it lies above the head.
#[must_use]
pub fn confirmations(head: u64, block: u64) -> u64 {
    head.checked_sub(block).map_or(0, |above| above.saturating_add(1))
}

/// When a payment counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// With the chain's documented number of confirmations.
    ByCount,
    /// When its block has come to rest: on chains whose blocks mean little before (Tron's solidified, Solana's finalized ones).
    AtRest,
}

/// The highest block whose payments count; `None` if there is none yet.
#[must_use]
pub fn confirmed_height(confirmed: Confirmed, head: u64, required: u64, at_rest: u64) -> Option<u64> {
    match confirmed {
        Confirmed::ByCount if makes(Mistake::CountsAtOnce) => Some(head),
        Confirmed::ByCount => head.checked_sub(required.max(1).saturating_sub(1)),
        Confirmed::AtRest => (at_rest > 0).then(|| at_rest.min(head)),
    }
}

/// Up to where the chain has come to rest, given what the node's tag says. Never falls back to counting where the chain has a tag: a
/// chain whose finality stalls makes nothing final.
#[must_use]
pub fn rest(finality: Finality, head: u64, tag: Option<Rest>) -> Option<Rest> {
    match finality {
        Finality::Tag => tag,
        Finality::Depth(depth) => head.checked_sub(depth).map(|number| Rest { number, hash: String::new() }),
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
        let by_count = |head, required| confirmed_height(Confirmed::ByCount, head, required, 0);
        assert_eq!((by_count(111, 12), by_count(10, 12), by_count(10, 0)), (Some(100), None, Some(10)));
    }

    #[test]
    fn where_rest_decides_counting_does_not() {
        let at_rest = |head, rest| confirmed_height(Confirmed::AtRest, head, 1, rest);
        assert_eq!((at_rest(111, 90), at_rest(111, 0), at_rest(80, 90)), (Some(90), None, Some(80)));
    }

    #[test]
    fn a_missing_tag_makes_nothing_final() {
        let tag = Rest { number: 90, hash: "0x1".to_owned() };
        assert_eq!(rest(Finality::Tag, 100, None), None);
        assert_eq!(rest(Finality::Tag, 100, Some(tag.clone())), Some(tag.clone()));
        assert_eq!(rest(Finality::Depth(20), 100, Some(tag)).map(|rest| rest.number), Some(80));
        assert_eq!(rest(Finality::Depth(20), 10, None), None);
    }
}
