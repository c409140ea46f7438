//! A set of accounts of 20 bytes, millions of them in little memory, that says fast who is not in it. Whose they are it must not know.

use std::hash::{BuildHasher, RandomState};

/// Into how many buckets a set is divided: at ten million accounts one has 150, which a binary search goes through in seven steps.
const BUCKETS: usize = 1 << 16;
/// So many accounts share a word of the filter at most, on the average: with three bits each, of a hundred others three pass.
const IN_A_WORD: usize = 8;
/// The words that a filter begins with, a power of two: 8 KiB.
const WORDS: usize = 1 << 10;

/// Accounts, each in the bucket its hash names, sorted there: 20 bytes each and little more.
#[derive(Debug)]
pub(super) struct Accounts {
    /// Seeded: whoever chooses addresses cannot fill one bucket with them.
    hasher: RandomState,
    buckets: Vec<Vec<[u8; 20]>>,
    filter: Filter,
    count: usize,
}

/// What nearly everyone who is looked up fails at, and nobody who is in the set: each account has set its three bits of one word. A byte
/// or two an account, and read at one place, where a bucket lies so far from the last one that it costs several waits for memory.
#[derive(Debug)]
struct Filter(Vec<u64>);

/// Which bucket; the low bits of a hash.
fn bucket(hash: u64) -> usize {
    usize::try_from(hash).unwrap_or_default() % BUCKETS
}

impl Filter {
    /// Which word: by bits of the hash that name neither bucket nor bits.
    fn word(&self, hash: u64) -> usize {
        usize::try_from(hash >> 16).unwrap_or_default() & self.0.len().saturating_sub(1)
    }

    /// Which bits of it: by the highest 18.
    fn bits(hash: u64) -> u64 {
        (1 << (hash >> 58)) | (1 << ((hash >> 52) & 63)) | (1 << ((hash >> 46) & 63))
    }

    fn add(&mut self, hash: u64) {
        let word = self.word(hash);
        if let Some(word) = self.0.get_mut(word) {
            *word |= Self::bits(hash);
        }
    }

    fn passes(&self, hash: u64) -> bool {
        self.0.get(self.word(hash)).is_some_and(|word| word & Self::bits(hash) == Self::bits(hash))
    }
}

impl Default for Accounts {
    fn default() -> Self {
        Self { hasher: RandomState::new(), buckets: vec![Vec::new(); BUCKETS], filter: Filter(vec![0; WORDS]), count: 0 }
    }
}

impl Accounts {
    pub(super) fn insert(&mut self, account: [u8; 20]) {
        let hash = self.hasher.hash_one(account);
        let Some(bucket) = self.buckets.get_mut(bucket(hash)) else { return };
        let Err(place) = bucket.binary_search(&account) else { return };
        // By little at a time: doubling would leave half of the memory empty.
        if bucket.len() == bucket.capacity() {
            bucket.reserve_exact(bucket.len() / 16 + 1);
        }
        bucket.insert(place, account);
        self.count = self.count.saturating_add(1);
        if self.count / IN_A_WORD < self.filter.0.len() {
            self.filter.add(hash);
        } else {
            self.widen();
        }
    }

    /// Twice the words, and all accounts anew: most of a second at eight million, and then not before there are twice as many.
    fn widen(&mut self) {
        self.filter = Filter(vec![0; self.filter.0.len().saturating_mul(2)]);
        for account in self.buckets.iter().flatten() {
            self.filter.add(self.hasher.hash_one(account));
        }
    }

    pub(super) fn has(&self, account: &[u8; 20]) -> bool {
        let hash = self.hasher.hash_one(account);
        self.filter.passes(hash) && self.buckets.get(bucket(hash)).is_some_and(|bucket| bucket.binary_search(account).is_ok())
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(n: u32) -> [u8; 20] {
        let mut account = [0; 20];
        account[16..].copy_from_slice(&n.to_be_bytes());
        account
    }

    #[test]
    fn what_is_added_is_there_and_nothing_else() {
        let mut accounts = Accounts::default();
        for n in (0..200_000).step_by(2).chain(0..1_000) {
            accounts.insert(account(n));
            // Also where the filter has just become a wider one.
            assert!(accounts.has(&account(n)) && accounts.has(&account(0)));
        }
        assert!((0..200_000).all(|n| accounts.has(&account(n)) == (n % 2 == 0 || n < 1_000)));
        assert_eq!(accounts.len(), 100_500);
    }

    /// What makes it fast: whatever the number of accounts, nearly all others are told by the filter, which stays small.
    #[test]
    fn few_others_pass_the_filter() {
        let mut accounts = Accounts::default();
        for n in 0..100_000 {
            accounts.insert(account(n));
            if n.is_multiple_of(8_191) || n == 99_999 {
                let passing = (1_000_000..1_010_000).filter(|n| accounts.filter.passes(accounts.hasher.hash_one(account(*n)))).count();
                assert!(passing < 800, "{passing} of 10000 at {n}");
            }
        }
        assert!(accounts.filter.0.len() * 8 <= 2 * accounts.len(), "{}", accounts.filter.0.len());
    }
}
