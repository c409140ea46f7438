//! Housekeeping: what is past its time is forgotten. It must not touch money.

use payin_types::Timestamp;

use super::Outcome;
use crate::store::{Tx, Unit, idempotency};

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
