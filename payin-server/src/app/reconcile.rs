//! Whether what was recorded is what the chain says, in blocks that nothing takes back. It changes nothing but its own findings: money is
//! put right by a person who has seen why it was wrong.

use payin_core::Chain;
use payin_core::reconcile::{Difference, What, differences};
use payin_core::transfer::{Transfer, size};

use super::{App, Outcome};
use crate::store::leases::{self, Lease};
pub use crate::store::reconciliations::Reconciliation;
use crate::store::transfers::strays::{self, Hour};
use crate::store::{Conn, Fault, Tx, Unit, pool, reconciliations, transfers};

/// Differences that are kept with a finding.
pub const KEPT: usize = 100;

/// Compares what a chain says of some blocks with what was recorded of them.
///
/// # Errors
/// What the database says.
pub async fn compare(app: &App, chain: &Chain, (from, to): (u64, u64), theirs: &[Transfer]) -> Result<Vec<Difference>, Fault> {
    let mut conn = app.store.read().await?;
    let ours = transfers::evidence::in_blocks(&mut conn, chain.id.as_str(), from, to).await?;
    let mut found = Vec::new();
    for difference in differences(theirs, &ours) {
        if difference.what != What::NotRecorded || was_ours(&mut conn, chain, &difference, theirs).await? {
            found.push(difference);
        }
    }
    Ok(found)
}

/// Whether the address paid was in a pool when the block was made. What it had received before is nobody's business.
async fn was_ours(conn: &mut Conn, chain: &Chain, difference: &Difference, theirs: &[Transfer]) -> Result<bool, Fault> {
    let same = |transfer: &&Transfer| transfer.tx_hash == difference.tx_hash && transfer.ordinal == difference.ordinal;
    let Some(transfer) = theirs.iter().find(same) else { return Ok(false) };
    // Of too many that count for nobody, the rest were counted and not recorded.
    let hour = Hour { chain, at: transfer.block_time, size: size(transfer.amount) };
    if strays::were_passed_over(conn, &transfer.to, hour).await? {
        return Ok(false);
    }
    let since = pool::known_since(conn, &chain.protocol, &transfer.to).await?;
    Ok(since.is_some_and(|since| since < transfer.block_time))
}

/// What a chain's last comparison found.
///
/// # Errors
/// What the database says.
pub async fn last(app: &App, chain: &Chain) -> Result<Option<Reconciliation>, Fault> {
    reconciliations::get(&mut app.store.read().await?, chain.id.as_str()).await
}

/// Keeps what a comparison found.
#[derive(Debug)]
pub struct Keep {
    /// The right to do this.
    pub lease: Lease,
    /// The chain.
    pub chain: Chain,
    /// What was found.
    pub found: Reconciliation,
}

impl Unit for Keep {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        leases::check(tx, &self.lease).await?;
        Ok(reconciliations::put(tx, self.chain.id.as_str(), &self.found).await?)
    }
}
