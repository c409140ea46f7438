//! Token transfers to addresses of the pool, whatever they count for (source: API Reference, "Transfers").
//! They must not judge what a transfer counts for: `businessType` and `unmatchedReason` say it.

use futures_util::Stream;

use payin_types::{ListTransfers, Page, Transfer, TransferId};

use crate::client::{Call, Client};
use crate::error::Error;
use crate::pages;

/// The transfers to addresses of the key's organization: [`Client::transfers`].
#[derive(Debug, Clone, Copy)]
pub struct Transfers<'c> {
    client: &'c Client,
}

impl Client {
    /// Transfers: read, list.
    #[must_use]
    pub fn transfers(&self) -> Transfers<'_> {
        Transfers { client: self }
    }
}

impl Transfers<'_> {
    /// A transfer.
    ///
    /// Errors: `ResourceNotFound` (404).
    pub fn get(&self, id: &TransferId) -> Call<Transfer> {
        self.client.read("/transfers/{transferId}", &[id.as_str()], &())
    }

    /// One page of transfers, latest first unless the query says otherwise; those that count for nothing included. Amounts are in
    /// whole tokens.
    pub fn list(&self, query: &ListTransfers) -> Call<Page<Transfer>> {
        self.client.read("/transfers", &[], query)
    }

    /// All transfers that match, page by page as they are asked for. None comes twice; and while the list is in its usual order, by
    /// the time they were seen, none is missed that was there at the start. Sorted otherwise, or from a page on, one may be missed where
    /// others leave the filter or change their place meanwhile.
    pub fn stream(&self, query: ListTransfers) -> impl Stream<Item = Result<Transfer, Error>> + Send + use<> {
        pages::stream(self.client, "/transfers", &[], query)
    }
}
