//! The address pool. It must not check addresses: the server does, with line numbers.

use futures_util::Stream;

use payin_types::pool::ListAddresses;
use payin_types::{ImportAddresses, ImportedAddresses, Page, PoolAddress, PoolStatus};

use crate::client::{Call, Client, Kind};
use crate::error::Error;
use crate::pages::{self, Listing};

/// The addresses of the key's organization: [`Client::addresses`].
#[derive(Debug, Clone, Copy)]
pub struct Addresses<'c> {
    client: &'c Client,
}

impl Client {
    /// The address pool: import, status, list.
    #[must_use]
    pub fn addresses(&self) -> Addresses<'_> {
        Addresses { client: self }
    }
}

impl Addresses<'_> {
    /// Imports addresses from CSV text. All or nothing: a bad line refuses the whole, and `details` of the error names each
    /// ([`payin_types::pool::ImportError`]). Addresses that are already there are skipped.
    pub fn import(&self, addresses: &ImportAddresses) -> Call<ImportedAddresses> {
        self.client.post(Kind::Create, "/address-pool/import", addresses)
    }

    /// How many addresses of each family stand where.
    pub fn status(&self) -> Call<PoolStatus> {
        self.client.read("/address-pool/status", &[], &())
    }

    /// One page of addresses.
    pub fn list(&self, query: &ListAddresses) -> Call<Page<PoolAddress>> {
        self.client.read("/address-pool/addresses", &[], query)
    }

    /// All addresses that match, page by page as they are asked for. No address comes twice.
    pub fn stream(&self, mut query: ListAddresses) -> impl Stream<Item = Result<PoolAddress, Error>> + Send + use<> {
        query.limit = query.limit.or(Some(pages::LIMIT));
        query.page = query.page.or(Some(1));
        pages::stream(Walk { client: self.client.clone(), query })
    }
}

struct Walk {
    client: Client,
    query: ListAddresses,
}

impl Listing for Walk {
    type Item = PoolAddress;

    fn fetch(&self) -> Call<Page<PoolAddress>> {
        self.client.addresses().list(&self.query)
    }

    fn id(address: &PoolAddress) -> &str {
        &address.address
    }

    fn advance(&mut self, _: &Page<PoolAddress>) {
        self.query.page = self.query.page.map(|page| page.saturating_add(1));
    }
}
