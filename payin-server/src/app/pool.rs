//! The address pool: import, status, list. Private keys are never asked for, accepted or stored.

pub mod assign;

use payin_core::address::Address;
use payin_core::{Error, import};
use payin_types::pool::{ImportMode, ImportSummary, ListAddresses, PoolCounts};
use payin_types::{
    AddressState, ErrorCode, ImportAddresses, ImportedAddresses, OrganizationId, Page, Pagination, PoolAddress, PoolStatus, Protocol,
    Timestamp,
};
use serde_json::{Map, json};

use super::{App, Outcome};
use crate::store::{Fault, Tx, Unit, pool};

/// Adds addresses to an organization's pool: all of them, or none.
pub struct Import {
    /// Whose pool.
    pub organization_id: OrganizationId,
    prepared: Result<Prepared, Error>,
    now: Timestamp,
}

/// What an import adds, read and bound to its organization before the database is asked for anything.
struct Prepared {
    protocol: Protocol,
    mode: ImportMode,
    lines: Vec<u64>,
    addresses: Vec<pool::New>,
    repeated: u64,
}

impl Import {
    /// An import into an organization's pool; `request` says what, or why it cannot be read.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId, request: Result<ImportAddresses, Error>) -> Self {
        let prepared = request.and_then(|request| prepare(app, &organization_id, request));
        Self { organization_id, prepared, now: app.clock.now() }
    }

    /// An address belongs to one organization: whoever pays it could otherwise pay two.
    async fn refuse_foreign(&self, tx: &mut Tx<'_>, prepared: &Prepared) -> Outcome<()> {
        let addresses: Vec<&Address> = prepared.addresses.iter().map(|new| &new.address).collect();
        let foreign = pool::foreign(tx, &self.organization_id, &prepared.protocol, &addresses).await?;
        if foreign.is_empty() {
            return Ok(());
        }
        let problem = "this address cannot be used here; use one of your own";
        let lines = prepared.lines.iter().zip(addresses).filter(|(_, address)| foreign.contains(*address));
        let details: Vec<_> = lines.map(|(line, address)| json!({"line": line, "address": address.as_str(), "error": problem})).collect();
        let message = format!("{} of the addresses cannot be used here, so nothing was imported", details.len());
        Err(Error::new(ErrorCode::ValidationError, message).details(json!(details)).into())
    }
}

fn prepare(app: &App, organization: &OrganizationId, request: ImportAddresses) -> Result<Prepared, Error> {
    let (protocol, mode) = (request.protocol, request.mode.unwrap_or(ImportMode::SelfManaged));
    known_protocol(&protocol)?;
    if ImportMode::known(mode.as_str()).is_none() {
        return Err(Error::field("mode", "must be self_managed or hd_wallet"));
    }
    let read = import::read(&protocol, &request.addresses.unwrap_or_default(), &app.chains.token_contracts(&protocol))?;
    let bound = read.addresses.into_iter().map(|(line, address)| {
        let mac = app.seal.address_mac(organization.as_str(), protocol.as_str(), address.as_str());
        (line, pool::New { mac, address })
    });
    let (lines, addresses) = bound.unzip();
    Ok(Prepared { protocol, mode, lines, addresses, repeated: read.repeated })
}

impl Unit for Import {
    type Output = ImportedAddresses;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<ImportedAddresses> {
        let prepared = self.prepared.as_ref().map_err(|error| super::refused(error.clone()))?;
        let Prepared { protocol, mode, addresses, .. } = prepared;
        let wanted = u64::try_from(addresses.len()).unwrap_or(u64::MAX);
        let imported = pool::import(tx, &self.organization_id, protocol, mode.as_str(), addresses, self.now).await?;
        if imported < wanted {
            self.refuse_foreign(tx, prepared).await?;
        }
        Ok(ImportedAddresses {
            success: true,
            imported,
            skipped: wanted.saturating_sub(imported).saturating_add(prepared.repeated),
            errors: Vec::new(),
            summary: ImportSummary { protocol: protocol.clone(), mode: mode.clone(), derivation_range: None, master_public_key: None },
            extra: Map::new(),
        })
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
    let (page, limit, offset) = super::query::paging(query.page, query.limit)?;
    super::query::known("protocol", query.protocol.as_ref().map(Protocol::as_str), Protocol::known)?;
    super::query::known("state", query.state.as_ref().map(AddressState::as_str), AddressState::known)?;
    let filter = pool::Filter { organization_id: organization.clone(), protocol: query.protocol, state: query.state, now: app.clock.now() };
    let (found, total) = pool::list(&mut app.store.read().await?, &filter, i64::try_from(limit).unwrap_or(100), offset).await?;
    for (address, mac) in &found {
        if !app.seal.address_is_genuine(organization.as_str(), address.protocol.as_str(), &address.address, mac) {
            return Err(Fault::Corrupt(format!(
                "the pool's address {} has been altered in the database; it is not shown",
                address.address
            ))
            .into());
        }
    }
    Ok(Page { data: found.into_iter().map(|(address, _)| address).collect(), pagination: Pagination::new(page, limit, total) })
}
