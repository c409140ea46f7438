//! Filling a pool: with addresses as they are sent, or with addresses derived from an account's extended public key. Whoever wants to know
//! is told who did it, since addresses of a thief's would be paid.

use std::sync::Arc;

use payin_core::address::Address;
use payin_core::event::{self, Who};
use payin_core::xpub::Xpub;
use payin_core::{Error, import, pool as rules};
use payin_types::pool::{DerivationRange, ImportMode, ImportSummary};
use payin_types::{ErrorCode, EventType, ImportAddresses, ImportId, ImportedAddresses, OrganizationId, Protocol, Timestamp, XpubId};
use serde_json::{Map, json};

use super::stock;
use crate::app::events::{Happened, record};
use crate::app::{App, Outcome, refused};
use crate::seal::Seal;
use crate::store::{Fault, Tx, Unit, pool};

/// Adds addresses to an organization's pool: all of them, or none.
pub struct Import {
    /// Whose pool.
    pub organization_id: OrganizationId,
    prepared: Result<Prepared, Error>,
    id: ImportId,
    who: Who,
    now: Timestamp,
    seal: Arc<Seal>,
}

/// What an import adds, read before the database is asked for anything.
enum Prepared {
    Listed(Listed),
    Derived(Box<Derived>),
}

/// Addresses, bound to their organization.
struct Listed {
    summary: ImportSummary,
    lines: Vec<u64>,
    addresses: Vec<pool::New>,
    repeated: u64,
}

/// A key, and how many addresses of it.
struct Derived {
    xpub: Xpub,
    /// What it is called, if it is new here.
    id: XpubId,
    /// As it was sent.
    text: String,
    count: u32,
    start: Option<u32>,
}

impl Import {
    /// An import into an organization's pool by somebody; `request` says what, or why it cannot be read.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId, who: Who, request: Result<ImportAddresses, Error>) -> Self {
        let prepared = request.and_then(|request| prepare(app, &organization_id, request));
        let id = ImportId::from_time(app.clock.now().millis(), app.random_id());
        Self { organization_id, prepared, id, who, now: app.clock.now(), seal: Arc::clone(&app.seal) }
    }

    /// Tells of it, if anything came in: a key alone, too, from which the pool is filled from now on.
    async fn tell(&self, tx: &mut Tx<'_>, imported: &ImportedAddresses, is_new_key: bool) -> Result<(), Fault> {
        if imported.imported == 0 && !is_new_key {
            return Ok(());
        }
        let happened = Happened {
            organization_id: &self.organization_id,
            event_type: EventType::AddressPoolImported,
            object_id: self.id.as_str(),
            sequence: 1,
            data: event::pool_imported_data(&self.id, imported, &self.who),
            now: self.now,
        };
        record(tx, happened).await.map(drop)
    }

    async fn list(&self, tx: &mut Tx<'_>, listed: &Listed) -> Outcome<ImportedAddresses> {
        let Listed { summary, lines, addresses, repeated } = listed;
        let wanted = u64::try_from(addresses.len()).unwrap_or(u64::MAX);
        let mode = summary.mode.as_str();
        let imported = pool::import(tx, &self.organization_id, &summary.protocol, mode, addresses, self.now).await?;
        if imported < wanted {
            self.refuse_foreign(tx, &summary.protocol, lines, addresses).await?;
        }
        Ok(answer(imported, wanted.saturating_sub(imported).saturating_add(*repeated), summary.clone()))
    }

    /// Answers also whether the key is new.
    async fn derive(&self, tx: &mut Tx<'_>, derived: &Derived) -> Outcome<(ImportedAddresses, bool)> {
        let (xpub, protocol) = (&derived.xpub, derived.xpub.protocol());
        let canonical = xpub.canonical();
        let mac = self.seal.xpub_mac(self.organization_id.as_str(), protocol.as_str(), &canonical);
        let (id, organization_id) = (derived.id.clone(), self.organization_id.clone());
        let new =
            pool::xpubs::Key { id, organization_id, protocol: protocol.clone(), xpub: canonical, mac, next_index: 0, archived_at: None };
        let (key, is_new) = pool::xpubs::keep(tx, &new, self.now).await?;
        if key.organization_id != self.organization_id {
            return Err(Error::field("xpub", "this key cannot be used here; use one of your own").into());
        }
        if key.archived_at.is_some() {
            return Err(Error::field("xpub", "this key was put away as a merchant wallet; set that one active again").into());
        }
        stock::check_genuine(&self.seal, &key)?;
        let start = derived.start.unwrap_or(key.next_index);
        let (imported, addresses) = stock::derive(tx, &self.seal, (&key, xpub), (start, derived.count), self.now).await?;
        let (Some(first), Some(last)) = (addresses.first(), addresses.last()) else {
            return Err(Error::field("startIndex", "there are no addresses there: an account has 2147483648").into());
        };
        let wanted = u64::try_from(addresses.len()).unwrap_or(u64::MAX);
        if imported < wanted {
            self.refuse_foreign(tx, protocol, &[], &addresses).await?;
        }
        let index = |new: &pool::New| new.derivation_index.map_or(0, u64::from);
        let summary = ImportSummary {
            protocol: protocol.clone(),
            mode: ImportMode::HdWallet,
            derivation_range: Some(DerivationRange { start: index(first), end: index(last) }),
            master_public_key: Some(derived.text.clone()),
        };
        Ok((answer(imported, wanted.saturating_sub(imported), summary), is_new))
    }

    /// An address belongs to one organization: whoever pays it could otherwise pay two. Derived addresses have no lines.
    async fn refuse_foreign(&self, tx: &mut Tx<'_>, protocol: &Protocol, lines: &[u64], addresses: &[pool::New]) -> Outcome<()> {
        let addresses: Vec<&Address> = addresses.iter().map(|new| &new.address).collect();
        let foreign = pool::foreign(tx, &self.organization_id, protocol, &addresses).await?;
        if foreign.is_empty() {
            return Ok(());
        }
        if lines.is_empty() {
            return Err(Error::field("xpub", "some of its addresses cannot be used here; use a key of your own").into());
        }
        let problem = "this address cannot be used here; use one of your own";
        let lines = lines.iter().zip(addresses).filter(|(_, address)| foreign.contains(*address));
        let details: Vec<_> = lines.map(|(line, address)| json!({"line": line, "address": address.as_str(), "error": problem})).collect();
        let message = format!("{} of the addresses cannot be used here, so nothing was imported", details.len());
        Err(Error::new(ErrorCode::ValidationError, message).details(json!(details)).into())
    }
}

impl Unit for Import {
    type Output = ImportedAddresses;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<ImportedAddresses> {
        let (imported, is_new_key) = match self.prepared.as_ref().map_err(|error| refused(error.clone()))? {
            Prepared::Listed(listed) => (self.list(tx, listed).await?, false),
            Prepared::Derived(derived) => self.derive(tx, derived).await?,
        };
        self.tell(tx, &imported, is_new_key).await?;
        Ok(imported)
    }
}

fn answer(imported: u64, skipped: u64, summary: ImportSummary) -> ImportedAddresses {
    ImportedAddresses { success: true, imported, skipped, errors: Vec::new(), summary, extra: Map::new() }
}

fn prepare(app: &App, organization: &OrganizationId, request: ImportAddresses) -> Result<Prepared, Error> {
    if Protocol::known(request.protocol.as_str()).is_none() {
        return Err(Error::field("protocol", "must be evm, tron or solana"));
    }
    if request.mode.as_ref().is_some_and(|mode| ImportMode::known(mode.as_str()).is_none()) {
        return Err(Error::field("mode", "must be self_managed or hd_wallet"));
    }
    match (&request.addresses, &request.xpub) {
        (Some(addresses), None) if request.count.is_none() && request.start_index.is_none() => {
            list(app, organization, &request, addresses).map(Prepared::Listed)
        }
        (Some(_), None) => {
            Err(Error::field("count", "count and startIndex say what to derive from an xpub; addresses are imported as they are"))
        }
        (None, Some(xpub)) => derive(app, &request, xpub).map(Box::new).map(Prepared::Derived),
        _ => Err(Error::field("addresses", "send either addresses or xpub")),
    }
}

fn list(app: &App, organization: &OrganizationId, request: &ImportAddresses, text: &str) -> Result<Listed, Error> {
    let protocol = &request.protocol;
    let read = import::read(protocol, text, &app.chains.token_contracts(protocol))?;
    let bound = read.lines.into_iter().map(|line| {
        let mac = app.seal.address_mac(organization.as_str(), protocol.as_str(), line.address.as_str());
        (line.number, pool::New { mac, address: line.address, xpub_id: None, derivation_index: line.derivation_index })
    });
    let (lines, addresses) = bound.unzip();
    let summary = ImportSummary {
        protocol: protocol.clone(),
        mode: request.mode.clone().unwrap_or(ImportMode::SelfManaged),
        derivation_range: read.indices,
        master_public_key: read.master_public_key,
    };
    Ok(Listed { summary, lines, addresses, repeated: read.repeated })
}

fn derive(app: &App, request: &ImportAddresses, text: &str) -> Result<Derived, Error> {
    let text = text.trim();
    let xpub = Xpub::parse(&request.protocol, text).map_err(|error| Error::field("xpub", error.to_string()))?;
    if request.mode.as_ref().is_some_and(|mode| mode != &ImportMode::HdWallet) {
        return Err(Error::field("mode", "must be hd_wallet, or left out, where addresses are derived from an xpub"));
    }
    let count = request.count.unwrap_or(rules::COUNT_DEFAULT);
    if !(1..=rules::COUNT_MAX).contains(&count) {
        return Err(Error::field("count", format!("must be 1 to {}, is {count}", rules::COUNT_MAX)));
    }
    let id = XpubId::from_time(app.clock.now().millis(), app.random_id());
    Ok(Derived { xpub, id, text: text.to_owned(), count, start: request.start_index })
}
