//! The addresses whose payments matter, millions of them in little memory. Where they are remembered is the caller's business.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::future::BoxFuture;
use payin_core::address::{Address, evm_bytes, solana_bytes, tron_bytes};
use payin_types::Protocol;

use super::source::SourceFault;

/// Into how many buckets a set is divided: at ten million addresses one has 150, which a binary search goes through in seven steps.
const BUCKETS: usize = 1 << 16;

/// A set of addresses of one family, which only grows: shared by all who follow a chain of the family.
#[derive(Debug)]
pub struct Watched {
    /// Of EVM and Tron.
    accounts: RwLock<Accounts>,
    /// Of Solana, in the order they came.
    wallets: RwLock<Vec<[u8; 32]>>,
}

/// Accounts of 20 bytes, each in the bucket its hash names, sorted there: 20 bytes each and little more.
#[derive(Debug)]
struct Accounts {
    /// Seeded: whoever chooses addresses cannot fill one bucket with them.
    hasher: RandomState,
    buckets: Vec<Vec<[u8; 20]>>,
}

impl Accounts {
    fn bucket(&self, account: &[u8; 20]) -> usize {
        usize::try_from(self.hasher.hash_one(account)).unwrap_or_default() % BUCKETS
    }
}

impl Default for Watched {
    fn default() -> Self {
        let accounts = Accounts { hasher: RandomState::new(), buckets: vec![Vec::new(); BUCKETS] };
        Self { accounts: RwLock::new(accounts), wallets: RwLock::default() }
    }
}

impl Watched {
    /// Adds an address of a family. One that is no address of it is passed over: nobody can have paid it.
    pub fn insert(&self, protocol: &Protocol, address: &Address) {
        match protocol {
            Protocol::Solana => self.wallets.write().unwrap_or_else(PoisonError::into_inner).extend(solana_bytes(address.as_str())),
            Protocol::Tron => self.insert_account(tron_bytes(address.as_str())),
            _ => self.insert_account(evm_bytes(address.as_str())),
        }
    }

    fn insert_account(&self, account: Option<[u8; 20]>) {
        let Some(account) = account else { return };
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        let bucket = accounts.bucket(&account);
        if let Some(bucket) = accounts.buckets.get_mut(bucket)
            && let Err(place) = bucket.binary_search(&account)
        {
            // By little at a time: doubling would leave half of the memory empty.
            if bucket.len() == bucket.capacity() {
                bucket.reserve_exact(bucket.len() / 16 + 1);
            }
            bucket.insert(place, account);
        }
    }

    /// Whether an account of an EVM chain or of Tron is watched.
    #[must_use]
    pub fn has(&self, account: &[u8; 20]) -> bool {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        accounts.buckets.get(accounts.bucket(account)).is_some_and(|bucket| bucket.binary_search(account).is_ok())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let accounts: usize = self.accounts.read().unwrap_or_else(PoisonError::into_inner).buckets.iter().map(Vec::len).sum();
        accounts.saturating_add(self.wallets.read().unwrap_or_else(PoisonError::into_inner).len())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The Solana wallets that came after the first `known` ones.
    #[must_use]
    pub fn wallets_after(&self, known: usize) -> Vec<[u8; 32]> {
        self.wallets.read().unwrap_or_else(PoisonError::into_inner).get(known..).unwrap_or_default().to_vec()
    }
}

/// Tells what is watched now.
pub trait Watch: Send + Sync {
    /// Every address that had been given out when this was called, and perhaps later ones.
    fn now(&self) -> BoxFuture<'_, Result<Arc<Watched>, SourceFault>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_watched_and_nothing_else() {
        let watched = Watched::default();
        let account = |n: u32| {
            let mut account = [0; 20];
            account[16..].copy_from_slice(&n.to_be_bytes());
            account
        };
        for n in (0..200_000).step_by(2).chain(0..1_000) {
            watched.insert_account(Some(account(n)));
        }
        assert!((0..200_000).all(|n| watched.has(&account(n)) == (n % 2 == 0 || n < 1_000)));
        let evm = Address::parse(&Protocol::Evm, "0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE").unwrap();
        watched.insert(&Protocol::Evm, &evm);
        assert!(watched.has(&evm_bytes(evm.as_str()).unwrap()));
    }

    #[test]
    fn wallets_are_listed_once_in_their_order() {
        let watched = Watched::default();
        let wallet = |byte: u8| Address::from_solana_bytes(&[byte; 32]);
        [1, 2].iter().for_each(|byte| watched.insert(&Protocol::Solana, &wallet(*byte)));
        assert_eq!(watched.wallets_after(0), [[1; 32], [2; 32]]);
        watched.insert(&Protocol::Solana, &wallet(3));
        assert_eq!((watched.wallets_after(2), watched.wallets_after(9)), (vec![[3; 32]], vec![]));
    }
}
