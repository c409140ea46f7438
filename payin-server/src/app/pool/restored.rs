//! After a backup was restored: addresses that were handed out since it was made look free in it, and their payers may yet pay. None of them
//! is handed out again. It must not judge which of them were.

use std::sync::Arc;

use payin_core::xpub::Xpub;
use payin_types::Timestamp;

use super::stock::{check_genuine, derive};
use crate::app::{App, Outcome};
use crate::seal::Seal;
use crate::store::pool::{self, xpubs};
use crate::store::{Fault, Tx, Unit, event_positions};

/// The database is an old one again.
pub struct Restored {
    derived_since: u32,
    now: Timestamp,
    seal: Arc<Seal>,
}

/// What was put away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PutAway {
    /// How many addresses: they are watched, and handed out to nobody.
    pub addresses: u64,
    /// How many of them were derived for it, because they may have been derived before.
    pub derived: u64,
}

impl Restored {
    /// As many addresses as this may have been derived from each extended public key since the backup was made.
    #[must_use]
    pub fn new(app: &App, derived_since: u32) -> Self {
        Self { derived_since, now: app.clock.now(), seal: Arc::clone(&app.seal) }
    }
}

impl Unit for Restored {
    type Output = PutAway;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<PutAway> {
        let mut derived: u64 = 0;
        for key in xpubs::lock_all(tx).await? {
            check_genuine(&self.seal, &key)?;
            let xpub = Xpub::parse(&key.protocol, &key.xpub).map_err(|error| Fault::Corrupt(format!("the key {}: {error}", key.id)))?;
            let (new, _) = derive(tx, &self.seal, (&key, &xpub), (key.next_index, self.derived_since), self.now).await?;
            derived = derived.saturating_add(new);
        }
        let addresses = pool::archive_free(tx, self.now).await?;
        // Cursors of streams go on behind events that are not there any more: they are told so, and begin anew.
        event_positions::forget(tx).await?;
        Ok(PutAway { addresses, derived })
    }
}
