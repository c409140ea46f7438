//! The token accounts of the watched wallets, one for each pinned mint, derived once and kept. No node is asked here.

use std::collections::HashMap;

use payin_core::solana::token_account;

use super::decode::{Mint, Place};
use crate::chain::watch::Watched;

/// What is known so far; it only grows.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    /// How many wallets have been taken in.
    wallets: usize,
    places: HashMap<[u8; 32], Place>,
}

impl Accounts {
    /// Takes in the wallets that are new.
    pub(super) fn learn(&mut self, watched: &Watched, mints: &[Mint]) {
        let new = watched.wallets_after(self.wallets);
        self.wallets = self.wallets.saturating_add(new.len());
        for wallet in new {
            for (mint, pinned) in mints.iter().enumerate() {
                let account = token_account(&wallet, pinned.program, &pinned.bytes);
                self.places.extend(account.map(|account| (account, Place { wallet, mint })));
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn at(&self, account: &[u8; 32]) -> Option<Place> {
        self.places.get(account).copied()
    }

    /// All of them, always in the same order.
    pub(super) fn all(&self) -> Vec<([u8; 32], Place)> {
        let mut all: Vec<_> = self.places.iter().map(|(account, place)| (*account, *place)).collect();
        all.sort_unstable_by_key(|(account, _)| *account);
        all
    }
}
