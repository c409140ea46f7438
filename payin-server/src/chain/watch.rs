//! The addresses whose payments matter, millions of them in little memory. Where they are remembered is the caller's business.

mod accounts;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use futures_util::future::BoxFuture;
use payin_core::address::{Address, evm_bytes, solana_bytes, tron_bytes};
use payin_types::Protocol;

use accounts::Accounts;

use super::source::SourceFault;

/// A set of addresses of one family, which only grows: shared by all who follow a chain of the family.
#[derive(Debug, Default)]
pub struct Watched {
    /// Of EVM and Tron.
    accounts: RwLock<Accounts>,
    /// Of Solana, in the order they came.
    wallets: RwLock<Vec<[u8; 32]>>,
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
        if let Some(account) = account {
            self.accounts.write().unwrap_or_else(PoisonError::into_inner).insert(account);
        }
    }

    /// Whether an account of an EVM chain or of Tron is watched.
    #[must_use]
    pub fn has(&self, account: &[u8; 20]) -> bool {
        self.accounts().has(account)
    }

    /// The accounts of EVM chains and of Tron as they are now, for whoever looks for many. None is added while this is held: not for long.
    #[must_use]
    pub fn accounts(&self) -> AccountsNow<'_> {
        AccountsNow(self.accounts.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let accounts = self.accounts().0.len();
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

/// Accounts that are watched, at one moment.
#[derive(Debug)]
pub struct AccountsNow<'a>(RwLockReadGuard<'a, Accounts>);

impl AccountsNow<'_> {
    /// Whether this is one of them.
    #[must_use]
    pub fn has(&self, account: &[u8; 20]) -> bool {
        self.0.has(account)
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
        let evm = Address::parse(&Protocol::Evm, "0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE").unwrap();
        let account = evm_bytes(evm.as_str()).unwrap();
        assert!(watched.is_empty() && !watched.has(&account));
        (0..2).for_each(|_| watched.insert(&Protocol::Evm, &evm));
        assert!(watched.len() == 1 && watched.has(&account) && watched.accounts().has(&account) && !watched.has(&[0; 20]));
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
