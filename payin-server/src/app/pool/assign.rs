//! Which address somebody new is given: an order, or a deposit reference. It only claims; holding it is for the caller's transaction.

use payin_core::Chains;
use payin_types::{OrganizationId, Protocol, Timestamp};

use crate::seal::Seal;
use crate::store::db::Locked;
use crate::store::pool::{self, Contended, Free};
use crate::store::{Fault, Tx, chains};

/// A free address: one never used, else one whose cooldown has passed on every chain of its family, former deposit addresses last.
///
/// # Errors
/// What the database says.
pub async fn claim(
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
    let rested_by = rested_by(tx, offered, protocol, now).await?;
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

/// Until when every chain of a family has been followed. An address is handed out again only if no late payment to its former holder can
/// still be waiting, unread, in a block that our watcher has not reached.
async fn rested_by(tx: &mut Tx<'_>, offered: &Chains, protocol: &Protocol, now: Timestamp) -> Result<Timestamp, Fault> {
    let cursors = chains::all(tx).await?;
    let family = offered.iter().filter(|chain| &chain.protocol == protocol);
    let followed = family.map(|chain| {
        let cursor = cursors.iter().find(|(id, _)| id == chain.id.as_str());
        cursor.map_or(Timestamp::from_millis(0), |(_, cursor)| cursor.head_time)
    });
    Ok(followed.min().unwrap_or_default().min(now))
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
