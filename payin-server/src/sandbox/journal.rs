//! What has happened in a sandbox, in order, the newest of it. It keeps what it is told, which bears nothing secret; it must not know where
//! that comes from.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use payin_types::sandbox::{JournalEntry, JournalKind};

use super::pattern::fits;
use crate::env::{Clock as _, VirtualClock};

/// Entries kept.
const KEPT: usize = 10_000;

/// The journal.
pub struct Journal {
    clock: Arc<VirtualClock>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    last: u64,
    entries: VecDeque<JournalEntry>,
}

/// Which entries are meant.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of this kind.
    pub kind: Option<JournalKind>,
    /// Only what fits this.
    pub pattern: Option<String>,
    /// Only what came after this number.
    pub after: u64,
}

impl Filter {
    fn takes(&self, entry: &JournalEntry) -> bool {
        entry.seq > self.after
            && self.kind.as_ref().is_none_or(|kind| *kind == entry.kind)
            && fits(self.pattern.as_deref(), &format!("{} {}", entry.what, entry.outcome))
    }
}

impl Journal {
    /// Empty, by a clock.
    #[must_use]
    pub fn new(clock: Arc<VirtualClock>) -> Self {
        Self { clock, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that something happened, now.
    pub fn note(&self, kind: JournalKind, what: String, outcome: String, id: Option<String>, fault: Option<u64>) {
        let mut kept = self.kept();
        kept.last = kept.last.saturating_add(1);
        let entry = JournalEntry { seq: kept.last, at: self.clock.now(), kind, what, outcome, id, fault };
        kept.entries.push_back(entry);
        if kept.entries.len() > KEPT {
            kept.entries.pop_front();
        }
    }

    /// The oldest entries that are meant, so many at most.
    #[must_use]
    pub fn read(&self, filter: &Filter, most: usize) -> Vec<JournalEntry> {
        self.kept().entries.iter().filter(|entry| filter.takes(entry)).take(most).cloned().collect()
    }

    /// The newest entries that are meant, so many at most, the oldest first.
    #[must_use]
    pub fn newest(&self, filter: &Filter, most: usize) -> Vec<JournalEntry> {
        let mut found: Vec<_> = self.kept().entries.iter().rev().filter(|entry| filter.takes(entry)).take(most).cloned().collect();
        found.reverse();
        found
    }

    /// How many entries are meant.
    #[must_use]
    pub fn count(&self, filter: &Filter) -> usize {
        self.kept().entries.iter().filter(|entry| filter.takes(entry)).count()
    }

    /// How many were forgotten.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        let kept = self.kept();
        kept.last.saturating_sub(u64::try_from(kept.entries.len()).unwrap_or(u64::MAX))
    }

    /// Everything, and the number that comes next.
    #[must_use]
    pub fn copy(&self) -> (u64, VecDeque<JournalEntry>) {
        let kept = self.kept();
        (kept.last, kept.entries.clone())
    }

    /// What was copied, instead of what is there.
    pub fn restore(&self, (last, entries): (u64, VecDeque<JournalEntry>)) {
        *self.kept() = Kept { last, entries };
    }
}

#[cfg(test)]
mod tests {
    use payin_types::Timestamp;

    use super::*;

    #[test]
    fn the_newest_entries_are_kept_and_found() {
        let journal = Journal::new(Arc::new(VirtualClock::frozen(Timestamp::from_secs(7))));
        let note = |kind, what: &str, outcome: String| journal.note(kind, what.to_owned(), outcome, None, None);
        for number in 0..KEPT {
            note(JournalKind::Request, "GET /x", number.to_string());
        }
        note(JournalKind::Chain, "x block 1", String::new());
        assert_eq!(journal.forgotten(), 1);
        let all = Filter::default();
        assert_eq!((journal.count(&all), journal.read(&all, 1)[0].seq, journal.newest(&all, 2)[0].outcome.as_str()), (KEPT, 2, "9999"));
        let only = Filter { kind: Some(JournalKind::Request), pattern: Some("GET /x 99*".to_owned()), after: 9_991 };
        assert_eq!((journal.count(&only), journal.read(&only, 3).len(), journal.read(&only, 1)[0].seq), (9, 3, 9_992));
        assert_eq!(journal.read(&all, 1)[0].at, Timestamp::from_secs(7));
    }
}
