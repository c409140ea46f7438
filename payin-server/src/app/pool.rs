//! The address pool: status, list, putting an address away and taking it back. Private keys are never asked for, accepted or stored.

pub mod assign;
mod import;
mod init;
pub mod restored;
pub mod stock;
pub mod wallets;

use std::sync::Arc;
use std::time::Duration;

use payin_core::address::Address;
use payin_core::{Chains, Error};
use payin_types::pool::{ListAddresses, PoolCounts};
use payin_types::{AddressState, ErrorCode, OrganizationId, Page, Pagination, PoolAddress, PoolStatus, Protocol, Timestamp};

use super::{App, Outcome};
use crate::seal::Seal;
use crate::store::{Conn, Fault, Tx, Unit, chains, pool};
pub use import::Import;
pub use init::Init;

/// By when addresses of each family must have rested to be free: as [`assign::claim_genuine`] has it.
pub(super) async fn free_by(conn: &mut Conn, offered: &Chains, now: Timestamp) -> Result<pool::FreeBy, Fault> {
    let cursors = chains::all(conn).await?;
    let rested_by = |protocol| assign::rested_by(&cursors, offered, protocol, now);
    Ok(pool::FreeBy { now, evm: rested_by(&Protocol::Evm), tron: rested_by(&Protocol::Tron), solana: rested_by(&Protocol::Solana) })
}

/// How many addresses of each family stand where. Families offered here are shown even when empty.
///
/// # Errors
/// A fault.
pub async fn status(app: &App, organization: &OrganizationId) -> Outcome<PoolStatus> {
    let mut conn = app.store.read().await?;
    let free_by = free_by(&mut conn, &app.chains, app.clock.now()).await?;
    let counts = pool::counts(&mut conn, organization, &free_by).await?;
    let offered = Protocol::KNOWN.iter().filter(|protocol| app.chains.offers(protocol));
    let mut status: PoolStatus = offered.map(|protocol| (protocol.clone(), PoolCounts::default())).collect();
    status.extend(counts);
    Ok(status)
}

/// A page of addresses.
///
/// # Errors
/// `VALIDATION_ERROR` for a filter that does not exist.
pub async fn list(app: &App, organization: &OrganizationId, query: ListAddresses) -> Outcome<Page<PoolAddress>> {
    let (page, limit, offset) = super::query::paging(query.page, query.limit)?;
    super::query::known("protocol", query.protocol.as_ref().map(Protocol::as_str), Protocol::known)?;
    super::query::known("state", query.state.as_ref().map(AddressState::as_str), AddressState::known)?;
    let mut conn = app.store.read().await?;
    let free_by = free_by(&mut conn, &app.chains, app.clock.now()).await?;
    let filter = pool::Filter { organization_id: organization.clone(), protocol: query.protocol, state: query.state, free_by };
    let (found, total) = pool::list(&mut conn, &filter, i64::try_from(limit).unwrap_or(100), offset).await?;
    for found in &found {
        check_genuine(&app.seal, organization, found)?;
    }
    Ok(Page { data: found.into_iter().map(|(address, _)| address).collect(), pagination: Pagination::new(page, limit, total) })
}

fn check_genuine(seal: &Seal, organization: &OrganizationId, (found, mac): &(PoolAddress, String)) -> Result<(), Fault> {
    if seal.address_is_genuine(organization.as_str(), found.protocol.as_str(), &found.address, mac) {
        return Ok(());
    }
    Err(Fault::Corrupt(format!("the pool's address {} has been altered in the database; it is not shown", found.address)))
}

/// An address of the pool, named by a caller in any form that its family has.
pub struct Named {
    /// Whose pool.
    pub organization_id: OrganizationId,
    /// The address.
    pub address: String,
    now: Timestamp,
    cooldown: Duration,
    chains: Arc<Chains>,
    seal: Arc<Seal>,
}

impl Named {
    /// An address of an organization's pool.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId, address: String) -> Self {
        let (chains, seal) = (Arc::clone(&app.chains), Arc::clone(&app.seal));
        Self { organization_id, address, now: app.clock.now(), cooldown: app.cooldown, chains, seal }
    }

    fn not_found(&self) -> Error {
        Error::not_found("Address", &self.address)
    }

    /// Locks the row and reads it.
    async fn lock(&self, tx: &mut Tx<'_>) -> Outcome<(i64, Address, PoolAddress)> {
        let read = |protocol: &Protocol| Address::parse(protocol, &self.address).ok().map(|address| (protocol.clone(), address));
        // No text is an address of two families.
        let (protocol, address) = Protocol::KNOWN.iter().find_map(read).ok_or_else(|| self.not_found())?;
        let id = pool::lock(tx, &self.organization_id, &address, &protocol).await?.ok_or_else(|| self.not_found())?;
        let found = self.read(tx, &address).await?;
        Ok((id, address, found))
    }

    async fn read(&self, tx: &mut Tx<'_>, address: &Address) -> Outcome<PoolAddress> {
        let free_by = free_by(tx, &self.chains, self.now).await?;
        let filter = pool::Filter { organization_id: self.organization_id.clone(), protocol: None, state: None, free_by };
        let found = pool::one(tx, &filter, address).await?.ok_or_else(|| self.not_found())?;
        check_genuine(&self.seal, &self.organization_id, &found)?;
        Ok(found.0)
    }
}

/// Puts an address away: it is handed out no more, and still watched.
pub struct Archive(pub Named);

impl Unit for Archive {
    type Output = PoolAddress;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<PoolAddress> {
        let (id, address, found) = self.0.lock(tx).await?;
        let holder = match (&found.order_id, &found.deposit_reference) {
            (Some(order), _) => format!("order {order}"),
            (None, Some(reference)) => format!("deposit reference '{reference}'"),
            (None, None) => "somebody".to_owned(),
        };
        match found.state {
            AddressState::Archived => return Ok(found),
            AddressState::Allocated | AddressState::Bound => {
                let message = format!("Address {address} is held by {holder}; it can be archived when that has let go of it");
                return Err(Error::new(ErrorCode::InvalidState, message).into());
            }
            _ => {}
        }
        pool::archive(tx, id, self.0.now).await?;
        self.0.read(tx, &address).await
    }
}

/// Takes an address back that was put away, or kept back because of money that belongs to nobody. After the latter it rests first.
pub struct Restore(pub Named);

impl Unit for Restore {
    type Output = PoolAddress;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<PoolAddress> {
        let (id, address, _) = self.0.lock(tx).await?;
        pool::restore(tx, id, self.0.now.plus(self.0.cooldown)).await?;
        self.0.read(tx, &address).await
    }
}
