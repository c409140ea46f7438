//! The addresses whose payments matter. Where they are remembered is the caller's business.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::source::SourceFault;

/// A set of addresses, canonical. Rust's own hash set is seeded, so that an attacker who chooses addresses cannot make it slow.
#[derive(Debug, Clone, Default)]
pub struct Watched(HashSet<[u8; 20]>);

impl Watched {
    /// Adds an EVM address.
    pub fn insert_evm(&mut self, address: [u8; 20]) {
        self.0.insert(address);
    }

    /// Whether an EVM address is watched.
    #[must_use]
    pub fn has_evm(&self, address: &[u8; 20]) -> bool {
        self.0.contains(address)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Tells what is watched now.
pub trait Watch: Send + Sync {
    /// Every address that had been given out when this was called.
    fn now(&self) -> BoxFuture<'_, Result<Arc<Watched>, SourceFault>>;
}
