//! Which address somebody new is given: an order, or a deposit reference. It only claims; holding it is for the caller's transaction.

use std::time::Duration;

use payin_core::Chains;
use payin_types::{OrganizationId, Protocol, Timestamp};

use crate::seal::Seal;
use crate::store::chains::Cursor;
use crate::store::db::Locked;
use crate::store::pool::{self, Contended, Free};
use crate::store::{Fault, Tx, chains};

/// A free address: one never used, else one whose cooldown has passed on every chain of its family, former deposit addresses last.
///
/// # Errors
/// What the database says.
async fn claim(
    tx: &mut Tx<'_>,
    offered: &Chains,
    organization: &OrganizationId,
    protocol: &Protocol,
    now: Timestamp,
) -> Result<Option<Locked<Free>>, Fault> {
    let fresh = pool::claim(tx, organization, protocol, (0, now), 1, Contended::PassOver).await?.pop();
    if fresh.is_some() {
        return Ok(fresh);
    }
    let rested_by = rested_by(&chains::all(tx).await?, offered, protocol, now);
    let classes = [(0, now), (1, rested_by), (2, rested_by)];
    // What is left may be locked by transactions that will yet let go: wait for them before saying that there is none.
    for contended in [Contended::PassOver, Contended::Wait] {
        for class in classes {
            let free = pool::claim(tx, organization, protocol, class, 1, contended).await?.pop();
            if free.is_some() {
                return Ok(free);
            }
        }
    }
    Ok(None)
}

/// Chains of a family that are this far apart are not read equally far.
const APART: Duration = Duration::from_secs(120);
/// A block's time may lie so much before the payment in it was made, by our clock.
const BLOCK_SKEW: Duration = Duration::from_secs(60);

/// Since when at the earliest what arrives is the next holder's. Usually since the address was free, because all before has been read and was
/// nobody's. But where a chain of the family lags, or has a hole, what was paid before is still to be read, and must not become the next
/// holder's.
fn not_before(cursors: &[(String, Cursor)], offered: &Chains, protocol: &Protocol, now: Timestamp) -> Timestamp {
    let family = offered.iter().filter(|chain| &chain.protocol == protocol);
    let heads = family.filter_map(|chain| cursors.iter().find(|(id, _)| id == chain.id.as_str()).map(|(_, cursor)| cursor.head_time));
    let newest = heads.max().unwrap_or_default().min(now);
    if newest.since(rested_by(cursors, offered, protocol, now)) < APART { Timestamp::default() } else { newest.minus(BLOCK_SKEW) }
}

/// Free addresses as they are now given to somebody: from when on each is his.
///
/// # Errors
/// What the database says.
pub async fn given(
    tx: &mut Tx<'_>,
    offered: &Chains,
    protocol: &Protocol,
    now: Timestamp,
    free: Vec<Locked<Free>>,
) -> Result<Vec<Locked<Free>>, Fault> {
    let not_before = not_before(&chains::all(tx).await?, offered, protocol, now);
    let given = |free: Free| Ok(Free { free_since: free.free_since.max(not_before), ..free });
    free.into_iter().map(|free| free.read(given)).collect()
}

/// Until when every chain of a family has been followed. An address is handed out again only if no late payment to its former holder can
/// still be waiting, unread, in a block that our watcher has not reached.
pub(super) fn rested_by(cursors: &[(String, Cursor)], offered: &Chains, protocol: &Protocol, now: Timestamp) -> Timestamp {
    let family = offered.iter().filter(|chain| &chain.protocol == protocol);
    let followed = family.map(|chain| {
        let cursor = cursors.iter().find(|(id, _)| id == chain.id.as_str());
        cursor.map_or(Timestamp::from_millis(0), |(_, cursor)| cursor.looked_at_until())
    });
    followed.min().unwrap_or_default().min(now)
}

/// How many altered addresses one claim passes over. More than these were not altered by accident: nothing is given out until a person has
/// looked.
const ALTERED_MAX: usize = 16;

/// The address for somebody new. Addresses that are not as they were imported are passed over and kept back, so that they stop nobody else.
///
/// # Errors
/// [`Fault::Corrupt`] if nothing but altered addresses is found, or what the database says.
pub async fn claim_genuine(
    tx: &mut Tx<'_>,
    (offered, seal): (&Chains, &Seal),
    organization: &OrganizationId,
    protocol: &Protocol,
    now: Timestamp,
) -> Result<Option<Locked<Free>>, Fault> {
    let mut altered = None;
    for _ in 0..ALTERED_MAX {
        let Some(free) = claim(tx, offered, organization, protocol, now).await? else { break };
        let Err(fault) = check_genuine(seal, organization, protocol, &free) else {
            return Ok(given(tx, offered, protocol, now, vec![free]).await?.pop());
        };
        tracing::error!(organization.id = %organization, %fault, "an altered address is kept back");
        pool::quarantine(tx, free.id, now).await?;
        altered = Some(fault);
    }
    altered.map_or(Ok(None), Err)
}

/// Refuses an address that is not as it was imported: whoever altered it would be paid.
///
/// # Errors
/// [`Fault::Corrupt`].
pub fn check_genuine(seal: &Seal, organization: &OrganizationId, protocol: &Protocol, free: &Free) -> Result<(), Fault> {
    if seal.address_is_genuine(organization.as_str(), protocol.as_str(), free.address.as_str(), &free.mac) {
        return Ok(());
    }
    Err(Fault::Corrupt(format!("the pool's address {} has been altered in the database; nobody is given it", free.address)))
}
