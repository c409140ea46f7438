//! Housekeeping: what is past its time is forgotten. It must not touch money.

use payin_types::{ApiKeyId, Timestamp};

use super::{App, Outcome};
use crate::store::{Tx, Unit, access, event_log, idempotency};

/// Forgets a bounded number of idempotency records. Answers how many went.
#[derive(Debug)]
pub struct Forget {
    /// Records of this time or older are past their time.
    pub cutoff: Timestamp,
}

impl Unit for Forget {
    type Output = u64;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<u64> {
        Ok(idempotency::forget(tx, self.cutoff).await?)
    }
}

/// Forgets a bounded number of attempts at deliveries. Answers how many went.
#[derive(Debug)]
pub struct ForgetAttempts {
    /// Attempts that began at this time or before are past their time.
    pub cutoff: Timestamp,
}

impl Unit for ForgetAttempts {
    type Output = u64;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<u64> {
        Ok(event_log::forget_attempts(tx, self.cutoff).await?)
    }
}

/// Writes down when keys were last used.
#[derive(Debug)]
struct Used(Vec<(ApiKeyId, Timestamp)>);

impl Unit for Used {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        for (key, at) in &self.0 {
            access::used(tx, key, *at).await?;
        }
        Ok(())
    }
}

/// Writes down when keys were last used, as noted since the last time. What a fault loses is noted again with the next use.
///
/// # Errors
/// What the database says.
pub async fn write_used(app: &App) -> Outcome<()> {
    let mut used: Vec<_> = app.keys.take_used().into_iter().collect();
    if used.is_empty() {
        return Ok(());
    }
    // Two servers that write at once take the rows in the same order.
    used.sort_unstable();
    app.store.write(Used(used)).await
}
