//! The first account of a pool: for APIs that know one wallet of a merchant's. More accounts are added by importing.

use payin_core::Error;
use payin_core::address::Address;
use payin_core::event::Who;
use payin_core::xpub::Xpub;
use payin_types::{ErrorCode, ImportAddresses, OrganizationId, Protocol};

use super::Import;
use crate::app::{App, Outcome};
use crate::store::pool::xpubs;
use crate::store::{Fault, Tx, Unit, access};

/// Makes an account's extended public key the one that a family's addresses are derived from, if there is none yet.
pub struct Init {
    organization_id: OrganizationId,
    protocol: Protocol,
    xpub: String,
    import: Import,
}

impl Init {
    /// The account of an organization, made by somebody.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId, who: Who, protocol: Protocol, xpub: String) -> Self {
        let request = ImportAddresses { xpub: Some(xpub.clone()), addresses: None, ..ImportAddresses::new(protocol.clone(), "") };
        let import = Import::new(app, organization_id.clone(), who, Ok(request));
        Self { organization_id, protocol, xpub, import }
    }
}

impl Unit for Init {
    /// The account's first address.
    type Output = Address;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Address> {
        // Two at once would both find none.
        access::lock_organization(tx, &self.organization_id).await?;
        if xpubs::lock_newest(tx, &self.organization_id, &self.protocol).await?.is_some() {
            let message = "The wallet is initialized already; further keys are added by importing them into the address pool";
            return Err(Error::new(ErrorCode::InvalidState, message).into());
        }
        self.import.run(tx).await?;
        let account = Xpub::parse(&self.protocol, self.xpub.trim()).map_err(|error| Fault::Corrupt(error.to_string()))?;
        Ok(account.address(0).ok_or_else(|| Fault::Corrupt("an account without a first address".to_owned()))?)
    }
}
