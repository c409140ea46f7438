//! Keeping pools in stock: deriving more addresses where there is a key for it, and telling the owner where few are left.

use std::sync::Arc;

use payin_core::xpub::Xpub;
use payin_core::{Chains, event, pool as rules};
use payin_types::{EventType, OrganizationId, Protocol, Timestamp};

use super::free_by;
use crate::app::events::{Happened, record};
use crate::app::{App, Outcome, settings};
use crate::seal::Seal;
use crate::store::db::Locked;
use crate::store::pool::xpubs::{self, Key};
use crate::store::pool::{self, Level};
use crate::store::{Fault, Tx, Unit, events};

/// Refuses a key that is not as it was imported: whoever altered it would be paid.
///
/// # Errors
/// [`Fault::Corrupt`].
pub(super) fn check_genuine(seal: &Seal, key: &Key) -> Result<(), Fault> {
    if seal.xpub_is_genuine(key.organization_id.as_str(), key.protocol.as_str(), &key.xpub, &key.mac) {
        return Ok(());
    }
    Err(Fault::Corrupt(format!("the key {} has been altered in the database; nothing is derived from it", key.id)))
}

/// Derives addresses of a genuine key into its organization's pool. Answers how many are new there, and all of them.
///
/// # Errors
/// What the database says.
pub(super) async fn derive(
    tx: &mut Tx<'_>,
    seal: &Seal,
    (key, xpub): (&Locked<Key>, &Xpub),
    (start, count): (u32, u32),
    now: Timestamp,
) -> Result<(u64, Vec<pool::New>), Fault> {
    let end = start.saturating_add(count);
    let (organization, protocol) = (&key.organization_id, &key.protocol);
    let addresses = (start..end).filter_map(|index| {
        let address = xpub.address(index)?;
        let mac = seal.address_mac(organization.as_str(), protocol.as_str(), address.as_str());
        Some(pool::New { mac, address, xpub_id: Some(key.id.clone()), derivation_index: Some(index) })
    });
    let addresses: Vec<_> = addresses.collect();
    let imported = pool::import(tx, organization, protocol, "hd_wallet", &addresses, now).await?;
    // A range apart is derived for once: what follows by itself goes on without a gap, for wallets look no further than a few.
    if start <= key.next_index {
        xpubs::derived(tx, key, key.next_index.max(end)).await?;
    }
    Ok((imported, addresses))
}

/// What is left of a pool, and below how much it is low.
#[derive(Debug, Clone)]
pub struct Standing {
    /// What is left.
    pub level: Level,
    /// Below how much it is low: its owner's setting.
    pub threshold: u64,
}

/// How every pool stands, counted as far as it matters.
///
/// # Errors
/// A fault.
pub async fn standings(app: &App) -> Outcome<Vec<Standing>> {
    let mut conn = app.store.read().await?;
    let free_by = free_by(&mut conn, &app.chains, app.clock.now()).await?;
    let usual = rules::reserve(u64::MAX);
    let mut standings = Vec::new();
    for level in pool::levels(&mut conn, &free_by, usual, None).await? {
        let threshold = match settings::effective(&app.deployment(), &level.settings) {
            Ok(holds) => holds.low_threshold,
            // One organization's must not keep the pools of others empty.
            Err(fault) => {
                tracing::error!(organization.id = %level.organization_id, %fault, "its pools are judged by the usual threshold");
                usual
            }
        };
        // Few owners want to be warned so early that more has to be counted.
        let level = if threshold > usual {
            let only = Some((&level.organization_id, &level.protocol));
            pool::levels(&mut conn, &free_by, threshold, only).await?.pop().unwrap_or(level)
        } else {
            level
        };
        standings.push(Standing { level, threshold });
    }
    Ok(standings)
}

/// A pool that may be short of addresses.
pub struct Pool {
    organization_id: OrganizationId,
    protocol: Protocol,
    threshold: u64,
    now: Timestamp,
    chains: Arc<Chains>,
    seal: Arc<Seal>,
}

impl Pool {
    /// The pool that stands so.
    #[must_use]
    pub fn new(app: &App, Standing { level, threshold }: &Standing) -> Self {
        Self {
            organization_id: level.organization_id.clone(),
            protocol: level.protocol.clone(),
            threshold: *threshold,
            now: app.clock.now(),
            chains: Arc::clone(&app.chains),
            seal: Arc::clone(&app.seal),
        }
    }
}

/// Derives more addresses if few are left. Answers how many.
pub struct TopUp(pub Pool);

impl Unit for TopUp {
    type Output = u64;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<u64> {
        let Pool { organization_id, protocol, threshold, now, chains, seal } = &self.0;
        let Some(key) = xpubs::lock_newest(tx, organization_id, protocol).await? else { return Ok(0) };
        check_genuine(seal, &key)?;
        let xpub = Xpub::parse(protocol, &key.xpub).map_err(|error| Fault::Corrupt(format!("the key {}: {error}", key.id)))?;
        // Counted again behind the lock: another server may just have done this.
        let free_by = free_by(tx, chains, *now).await?;
        let reserve = rules::reserve(*threshold);
        let left = pool::levels(tx, &free_by, reserve, Some((organization_id, protocol))).await?;
        let count = rules::refill(left.first().map_or(0, |level| level.available), *threshold);
        if count == 0 {
            return Ok(0);
        }
        let (derived, addresses) = derive(tx, seal, (&key, &xpub), (key.next_index, count), *now).await?;
        if addresses.is_empty() {
            return Err(Fault::Corrupt(format!("the key {} has no further addresses", key.id)).into());
        }
        Ok(derived)
    }
}

/// Tells the owner, once, that few addresses are left; or that telling it again is due the next time. Answers whether it was told.
pub struct Tell(pub Pool);

impl Unit for Tell {
    type Output = bool;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<bool> {
        let Pool { organization_id, protocol, threshold, now, chains, .. } = &self.0;
        let free_by = free_by(tx, chains, *now).await?;
        let counts = pool::counts(tx, organization_id, &free_by).await?;
        let Some((_, counts)) = counts.into_iter().find(|(family, _)| family == protocol) else { return Ok(false) };
        if !rules::is_low(counts.available, *threshold) {
            xpubs::rearm_low(tx, organization_id, protocol).await?;
            return Ok(false);
        }
        if !xpubs::tell_low(tx, organization_id, protocol, *now).await? {
            return Ok(false);
        }
        let object_id = format!("{organization_id}:{protocol}");
        let sequence = events::count(tx, &object_id).await?.saturating_add(1);
        let data = event::pool_low_data(protocol, counts.available, counts.total, *threshold);
        let event_type = EventType::AddressPoolLow;
        Ok(record(tx, Happened { organization_id, event_type, object_id: &object_id, sequence, data, now: *now }).await?)
    }
}
