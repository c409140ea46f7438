//! A pool as other APIs show it: wallets, of which each is an address or an account's key that was added by itself. The pool is the same,
//! and so are its use cases; what was derived from a key is not listed beside it.

use std::sync::Arc;

use payin_core::address::Address;
use payin_core::event::Who;
use payin_core::xpub::{self, Xpub};
use payin_core::{Error, Token};
use payin_types::{ChainId, ImportAddresses, OrganizationId, Protocol, Timestamp};

use super::{Archive, Import, Named, Restore};
use crate::app::query::{is_findable, paging};
use crate::app::{App, Outcome};
use crate::seal::Seal;
use crate::store::pool::wallets::{self, Added, Stored};
use crate::store::pool::xpubs;
use crate::store::{Failure, Fault, Tx, Unit, access};

/// A wallet.
#[derive(Debug, Clone)]
pub struct Wallet {
    /// What to name it by.
    pub id: String,
    /// The chain it was added for, where one was said.
    pub chain_id: Option<ChainId>,
    /// Its address; of an account's key, its first.
    pub address: Address,
    /// The account's key, where it is one.
    pub xpub: Option<String>,
    /// Whether it is handed out to orders.
    pub is_active: bool,
    /// When it was added.
    pub created_at: Timestamp,
}

fn shown(seal: &Seal, organization: &OrganizationId, protocol: &Protocol, stored: Stored) -> Result<Wallet, Fault> {
    let altered = || Fault::Corrupt(format!("the wallet {} has been altered in the database; it is not shown", stored.id));
    let (organization, family) = (organization.as_str(), protocol.as_str());
    let (address, xpub) = match stored.added {
        Added::Address(address) if seal.address_is_genuine(organization, family, address.as_str(), &stored.mac) => (address, None),
        Added::Xpub(xpub) if seal.xpub_is_genuine(organization, family, &xpub, &stored.mac) => {
            let account = Xpub::parse(protocol, &xpub).map_err(|error| Fault::Corrupt(error.to_string()))?;
            (account.address(0).ok_or_else(altered)?, Some(xpub))
        }
        _ => return Err(altered()),
    };
    Ok(Wallet { id: stored.id, chain_id: stored.chain_id, address, xpub, is_active: !stored.is_away, created_at: stored.created_at })
}

/// A page of wallets, newest first, and how many there are.
///
/// # Errors
/// `VALIDATION_ERROR` for a page out of bounds.
pub async fn list(app: &App, organization: &OrganizationId, protocol: &Protocol, (page, limit): (u64, u64)) -> Outcome<(Vec<Wallet>, u64)> {
    let (_, limit, offset) = paging(Some(page), Some(limit))?;
    let within = (i64::try_from(limit).unwrap_or(100), offset);
    let (found, total) = wallets::list(&mut app.store.read().await?, organization, protocol, within).await?;
    let wallets = found.into_iter().map(|stored| shown(&app.seal, organization, protocol, stored));
    Ok((wallets.collect::<Result<_, _>>()?, total))
}

/// What is to be added.
#[derive(Debug, Clone)]
pub enum New {
    /// An address, as it was sent.
    Address(String),
    /// An account's extended public key, as it was sent.
    Xpub(String),
}

/// Adds a wallet that is not there yet.
pub struct Add {
    organization_id: OrganizationId,
    protocol: Protocol,
    new: Result<Ready, Error>,
    seal: Arc<Seal>,
}

/// What is to be added, read.
struct Ready {
    chain: ChainId,
    field: &'static str,
    added: Added,
    import: Import,
}

impl Add {
    /// A wallet of an organization, added by somebody; `new` says for which chain and what, or why it cannot be read.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId, who: Who, protocol: Protocol, new: Result<(ChainId, New), Error>) -> Self {
        let new = new.and_then(|(chain, new)| ready(app, (&organization_id, who), &protocol, chain, new));
        Self { organization_id, protocol, new, seal: Arc::clone(&app.seal) }
    }
}

fn ready(app: &App, (organization, who): (&OrganizationId, Who), protocol: &Protocol, chain: ChainId, new: New) -> Result<Ready, Error> {
    let (field, added, request) = match new {
        New::Address(text) => {
            // Whoever sends a secret is told so rather than which letter of it is no address.
            if xpub::looks_secret(&text) {
                return Err(Error::field("address", "looks like a secret key or phrase; never send those to anybody. Send the address"));
            }
            let address = Address::parse(protocol, text.trim()).map_err(|error| Error::field("address", error.to_string()))?;
            if app.chains.token_contracts(protocol).contains(&address) {
                let is_it = |token: &&Token| token.contract == address;
                let token = app.chains.iter().flat_map(|chain| &chain.tokens).find(is_it).map_or("", |token| token.currency.as_str());
                return Err(Error::field("address", format!("is the contract of {token}; what is paid to it is lost")));
            }
            let request = ImportAddresses::new(protocol.clone(), address.as_str());
            ("address", Added::Address(address), request)
        }
        New::Xpub(text) => {
            let account = Xpub::parse(protocol, text.trim()).map_err(|error| Error::field("xpub", error.to_string()))?;
            let canonical = account.canonical();
            let request = ImportAddresses { xpub: Some(canonical.clone()), addresses: None, ..ImportAddresses::new(protocol.clone(), "") };
            ("xpub", Added::Xpub(canonical), request)
        }
    };
    Ok(Ready { chain, field, added, import: Import::new(app, organization.clone(), who, Ok(request)) })
}

impl Unit for Add {
    type Output = Wallet;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Wallet> {
        let Ready { chain, field, added, import } = self.new.as_ref().map_err(|error| crate::app::refused(error.clone()))?;
        let (organization, protocol) = (&self.organization_id, &self.protocol);
        let name = match added {
            Added::Address(address) => address.as_str(),
            Added::Xpub(xpub) => xpub,
        };
        // Two at once would both find none.
        access::lock_organization(tx, organization).await?;
        if wallets::get(tx, organization, protocol, name).await?.is_some() {
            return Err(Error::field(field, "is a wallet of yours already; one wallet serves every chain of its family").into());
        }
        let imported = import.run(tx).await.map_err(|failure| match failure {
            Failure::Refused(error) => Failure::Refused(error.about(field)),
            fault => fault,
        })?;
        if imported.imported == 0 {
            return Err(Error::field(field, "is in your pool already, derived from an account's key").into());
        }
        wallets::name_chain(tx, organization, protocol, added, chain).await?;
        let stored = wallets::get(tx, organization, protocol, name).await?;
        let stored = stored.ok_or_else(|| Fault::Corrupt("a wallet that was added is not there".to_owned()))?;
        Ok(shown(&self.seal, organization, protocol, stored)?)
    }
}

/// What is to change of a wallet.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The chain it is shown under.
    pub chain_id: Option<ChainId>,
    /// Its address, which cannot change: who repeats it must be right.
    pub address: Option<String>,
    /// Whether it is handed out.
    pub is_active: Option<bool>,
}

/// Changes a wallet.
pub struct Update {
    organization_id: OrganizationId,
    protocol: Protocol,
    id: String,
    change: Result<Change, Error>,
    archive: Archive,
    restore: Restore,
    now: Timestamp,
    seal: Arc<Seal>,
}

impl Update {
    /// A wallet of an organization; `change` says what, or why it cannot be read.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId, protocol: Protocol, id: String, change: Result<Change, Error>) -> Self {
        // An address has several forms; the rest are ids.
        let id = Address::parse(&protocol, &id).map_or(id, |address| address.as_str().to_owned());
        let named = || Named::new(app, organization_id.clone(), id.clone());
        let (archive, restore) = (Archive(named()), Restore(named()));
        Self { organization_id, protocol, id, change, archive, restore, now: app.clock.now(), seal: Arc::clone(&app.seal) }
    }

    async fn get(&self, tx: &mut Tx<'_>) -> Outcome<Stored> {
        let found = if is_findable(&self.id) {
            wallets::get(tx, &self.organization_id, &self.protocol, &self.id).await?.filter(|stored| stored.id == self.id)
        } else {
            None
        };
        Ok(found.ok_or_else(|| Error::not_found("Wallet", &self.id))?)
    }

    async fn set_active(&self, tx: &mut Tx<'_>, stored: &Stored, is_active: bool) -> Outcome<()> {
        if is_active != stored.is_away {
            return Ok(());
        }
        match stored.added {
            Added::Xpub(_) => Ok(self.set_key_active(tx, is_active).await?),
            Added::Address(_) if is_active => self.restore.run(tx).await.map(drop),
            Added::Address(_) => self.archive.run(tx).await.map(drop),
        }
    }

    /// A key takes its addresses with it: those that are held when their holders let go of them.
    async fn set_key_active(&self, tx: &mut Tx<'_>, is_active: bool) -> Result<(), Fault> {
        let key = xpubs::lock(tx, &self.organization_id, &self.id).await?;
        let key = key.ok_or_else(|| Fault::Corrupt(format!("the key {} of a wallet is not there", self.id)))?;
        match key.archived_at {
            Some(archived_at) if is_active => xpubs::restore(tx, &key, archived_at).await,
            None if !is_active => xpubs::archive(tx, &key, self.now).await,
            // Somebody else was faster.
            _ => Ok(()),
        }
    }
}

impl Unit for Update {
    type Output = Wallet;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Wallet> {
        let Change { chain_id, address, is_active } = self.change.as_ref().map_err(|error| crate::app::refused(error.clone()))?;
        let stored = self.get(tx).await?;
        if let Some(address) = address {
            let same = matches!(&stored.added, Added::Address(own) if Address::parse(&self.protocol, address).as_ref() == Ok(own));
            if !same {
                let problem = "cannot be changed, for payments to it may be on their way: add the other one, and set this one inactive";
                return Err(Error::field("address", problem).into());
            }
        }
        if let Some(is_active) = is_active {
            self.set_active(tx, &stored, *is_active).await?;
        }
        if let Some(chain) = chain_id {
            wallets::name_chain(tx, &self.organization_id, &self.protocol, &stored.added, chain).await?;
        }
        Ok(shown(&self.seal, &self.organization_id, &self.protocol, self.get(tx).await?)?)
    }
}
