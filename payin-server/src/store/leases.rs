//! Leases: which server does which work. A lease's fence is checked in the transaction of every effect, so that a server that slept
//! through its lease changes nothing when it wakes.

use std::time::Duration;

use payin_types::Timestamp;
use payin_types::known_bad::{Mistake, makes};

use super::statement::locked;
use super::{Fault, Tx, sql};

/// Proof of holding a lease, as of when it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The work.
    pub name: String,
    /// The server.
    pub holder: String,
    /// Rises with every change of holder.
    pub fence: i64,
}

/// Takes or renews a lease. `None` if another server holds it.
///
/// # Errors
/// What the database says.
pub async fn take(tx: &mut Tx<'_>, name: &str, holder: &str, now: Timestamp, term: Duration) -> Result<Option<Lease>, Fault> {
    let expires = now.plus(term).millis();
    let insert = sql("INSERT INTO leases (name, holder, fence, expires_at) VALUES ($1, $2, 1, $3) ON CONFLICT (name) DO NOTHING");
    let lease = |fence| Lease { name: name.to_owned(), holder: holder.to_owned(), fence };
    let Some(row) = tx.lock(locked!("SELECT holder, fence, expires_at FROM leases WHERE name = $1").text(name)).await? else {
        let first = tx.execute(insert.text(name).text(holder).int(expires)).await? == 1;
        return Ok(first.then(|| lease(1)));
    };
    let (current, fence) = (row.text("holder")?, row.int("fence")?);
    if current != holder && row.time("expires_at")? > now {
        return Ok(None);
    }
    let fence = if current == holder { fence } else { fence.saturating_add(1) };
    let update = sql("UPDATE leases SET holder = $2, fence = $3, expires_at = $4 WHERE name = $1");
    tx.change_one(update.text(name).text(holder).int(fence).int(expires)).await?;
    Ok(Some(lease(fence)))
}

/// Renews a lease that is still held as it was when it was taken. Answers whether it is: it is never taken anew here.
///
/// # Errors
/// What the database says.
pub async fn renew(tx: &mut Tx<'_>, lease: &Lease, now: Timestamp, term: Duration) -> Result<bool, Fault> {
    let update = sql("UPDATE leases SET expires_at = $4 WHERE name = $1 AND holder = $2 AND fence = $3");
    let update = update.text(lease.name.as_str()).text(lease.holder.as_str()).int(lease.fence).int(now.plus(term).millis());
    Ok(tx.execute(update).await? == 1)
}

/// Makes sure, until the transaction ends, that the lease is still held as it was when it was taken.
///
/// # Errors
/// [`Fault::Fenced`] if it is not.
pub async fn check(tx: &mut Tx<'_>, lease: &Lease) -> Result<(), Fault> {
    let row = tx.lock(locked!("SELECT holder, fence FROM leases WHERE name = $1").text(lease.name.as_str())).await?;
    let held = match &row {
        Some(row) => row.text("holder")? == lease.holder && row.int("fence")? == lease.fence,
        None => false,
    };
    if held || makes(Mistake::NoFence) { Ok(()) } else { Err(Fault::Fenced(lease.name.clone())) }
}

/// Gives a lease back, so that another server need not wait for its end.
///
/// # Errors
/// What the database says.
pub async fn give_back(tx: &mut Tx<'_>, lease: &Lease) -> Result<(), Fault> {
    let update = sql("UPDATE leases SET expires_at = 0 WHERE name = $1 AND holder = $2 AND fence = $3");
    tx.execute(update.text(lease.name.as_str()).text(lease.holder.as_str()).int(lease.fence)).await.map(drop)
}

/// Ends every lease: for the sole server of a database, which knows that whoever held them is gone.
///
/// # Errors
/// What the database says.
pub async fn end_all(tx: &mut Tx<'_>) -> Result<(), Fault> {
    tx.execute(sql("UPDATE leases SET expires_at = 0")).await.map(drop)
}
