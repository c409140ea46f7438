//! The address pool: import, status, list. Private keys are never asked for, accepted or stored.

use std::sync::Arc;

use payin_core::{Chains, Error, import};
use payin_types::pool::{ImportMode, ImportSummary, ListAddresses, PoolCounts};
use payin_types::{
    AddressState, ErrorCode, ImportAddresses, ImportedAddresses, OrganizationId, Page, Pagination, PoolAddress, PoolStatus, Protocol,
    Timestamp,
};
use serde_json::{Map, json};

use super::{App, Outcome};
use crate::seal::Seal;
use crate::store::{Tx, Unit, pool};

/// Adds addresses to an organization's pool: all of them, or none.
pub struct Import {
    /// What is asked for, or why it cannot be read.
    pub request: Result<ImportAddresses, Error>,
    /// Whose pool.
    pub organization_id: OrganizationId,
    now: Timestamp,
    chains: Arc<Chains>,
    seal: Arc<Seal>,
}

impl Import {
    /// An import into an organization's pool.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId, request: Result<ImportAddresses, Error>) -> Self {
        Self { request, organization_id, now: app.clock.now(), chains: Arc::clone(&app.chains), seal: Arc::clone(&app.seal) }
    }
}

impl Unit for Import {
    type Output = ImportedAddresses;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<ImportedAddresses> {
        let request = self.request.as_ref().map_err(|error| super::refused(error.clone()))?;
        let (protocol, mode) = (&request.protocol, request.mode.clone().unwrap_or(ImportMode::SelfManaged));
        known_protocol(protocol)?;
        if ImportMode::known(mode.as_str()).is_none() {
            return Err(Error::field("mode", "must be self_managed or hd_wallet").into());
        }
        let read = import::read(protocol, &request.addresses, &self.chains.token_contracts(protocol))?;
        let (lines, addresses): (Vec<u64>, Vec<pool::New>) = read
            .addresses
            .into_iter()
            .map(|(line, address)| {
                let mac = self.seal.address_mac(self.organization_id.as_str(), protocol.as_str(), address.as_str());
                (line, pool::New { mac, address })
            })
            .unzip();
        let wanted = u64::try_from(addresses.len()).unwrap_or(u64::MAX);
        let imported = pool::import(tx, &self.organization_id, protocol, mode.as_str(), &addresses, self.now).await?;
        if imported < wanted {
            self.refuse_foreign(tx, protocol, &lines, &addresses).await?;
        }
        Ok(ImportedAddresses {
            success: true,
            imported,
            skipped: wanted.saturating_sub(imported).saturating_add(read.repeated),
            errors: Vec::new(),
            summary: ImportSummary { protocol: protocol.clone(), mode },
            extra: Map::new(),
        })
    }
}

impl Import {
    /// An address belongs to one organization: whoever pays it could otherwise pay two.
    async fn refuse_foreign(&self, tx: &mut Tx<'_>, protocol: &Protocol, lines: &[u64], addresses: &[pool::New]) -> Outcome<()> {
        let mut foreign = Vec::new();
        for (line, new) in lines.iter().zip(addresses) {
            if pool::owner(tx, protocol, &new.address).await?.is_some_and(|owner| owner != self.organization_id) {
                foreign.push(json!({"line": line, "address": new.address.as_str(), "error": "this address cannot be used here; use one of your own"}));
            }
        }
        if foreign.is_empty() {
            return Ok(());
        }
        let message = format!("{} of the addresses cannot be used here, so nothing was imported", foreign.len());
        Err(Error::new(ErrorCode::ValidationError, message).details(json!(foreign)).into())
    }
}

fn known_protocol(protocol: &Protocol) -> Result<(), Error> {
    if Protocol::known(protocol.as_str()).is_none() {
        return Err(Error::field("protocol", "must be evm, tron or solana"));
    }
    Ok(())
}

/// How many addresses of each family stand where. Families offered here are shown even when empty.
///
/// # Errors
/// A fault.
pub async fn status(app: &App, organization: &OrganizationId) -> Outcome<PoolStatus> {
    let counts = pool::counts(&mut app.store.read().await?, organization, app.clock.now()).await?;
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
    let (page, limit, offset) = super::orders::paging(query.page, query.limit)?;
    super::orders::known("protocol", query.protocol.as_ref().map(Protocol::as_str), Protocol::known)?;
    super::orders::known("state", query.state.as_ref().map(AddressState::as_str), AddressState::known)?;
    let filter = pool::Filter { organization_id: organization.clone(), protocol: query.protocol, state: query.state, now: app.clock.now() };
    let (data, total) = pool::list(&mut app.store.read().await?, &filter, i64::try_from(limit).unwrap_or(100), offset).await?;
    Ok(Page { data, pagination: Pagination::new(page, limit, total) })
}
