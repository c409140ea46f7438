//! The address pool. It must not check addresses: the server does, with line numbers.

use bytes::Bytes;
use futures_util::Stream;

use payin_types::pool::{ImportCsv, ListAddresses};
use payin_types::{ImportAddresses, ImportedAddresses, Page, PoolAddress, PoolStatus};

use crate::client::{Call, Client, Kind};
use crate::error::Error;
use crate::pages;

const IMPORT: &str = "/address-pool/import";

/// The addresses of the key's organization: [`Client::addresses`].
#[derive(Debug, Clone, Copy)]
pub struct Addresses<'c> {
    client: &'c Client,
}

impl Client {
    /// The address pool: import, status, list, put away.
    #[must_use]
    pub fn addresses(&self) -> Addresses<'_> {
        Addresses { client: self }
    }
}

impl Addresses<'_> {
    /// Imports addresses from CSV text, or derives them from an extended public key. All or nothing: a bad line refuses the whole, and `details` of the error names each
    /// ([`payin_types::pool::ImportError`]). Addresses that are already there are skipped.
    pub fn import(&self, addresses: &ImportAddresses) -> Call<ImportedAddresses> {
        self.client.post(Kind::Once, IMPORT, &[], addresses)
    }

    /// Imports addresses from CSV that is the body itself (`text/csv`): for files too long to be wrapped in JSON. Otherwise like
    /// [`Addresses::import`].
    pub fn import_csv(&self, query: &ImportCsv, csv: impl Into<Bytes>) -> Call<ImportedAddresses> {
        self.client.post_text(IMPORT, query, csv.into(), "text/csv")
    }

    /// How many addresses of each family stand where.
    pub fn status(&self) -> Call<PoolStatus> {
        self.client.read("/address-pool/status", &[], &())
    }

    /// One page of addresses.
    pub fn list(&self, query: &ListAddresses) -> Call<Page<PoolAddress>> {
        self.client.read("/address-pool/addresses", &[], query)
    }

    /// All addresses that match, page by page as they are asked for. No address comes twice; with a state in the query, one may be
    /// missed where others leave that state meanwhile.
    pub fn stream(&self, query: ListAddresses) -> impl Stream<Item = Result<PoolAddress, Error>> + Send + use<> {
        pages::stream(self.client, "/address-pool/addresses", &[], query)
    }

    /// Puts an address away: it is not handed out any more, but still watched.
    ///
    /// Errors: `ResourceNotFound` (404), `InvalidState` (409) where an order or a deposit reference holds it.
    pub fn archive(&self, address: &str) -> Call<PoolAddress> {
        self.client.post_nothing(Kind::Once, "/address-pool/addresses/{address}/archive", &[address])
    }

    /// Takes an address back that was put away or kept back.
    ///
    /// Errors: `ResourceNotFound` (404), `InvalidState` (409) where it is in use.
    pub fn restore(&self, address: &str) -> Call<PoolAddress> {
        self.client.post_nothing(Kind::Once, "/address-pool/addresses/{address}/restore", &[address])
    }
}
