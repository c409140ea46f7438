//! Deposit references, which bind a payer to addresses for good, and the deposits that arrive there (source: Deposits API document).
//! They must not add up money: the server's totals are exact.

use futures_util::Stream;

use payin_types::deposit::UnbindDeposit;
use payin_types::{
    BindDeposit, BoundDeposit, ChainId, Deposit, DepositId, DepositReference, DepositReferenceSummary, ListDepositReferences, ListDeposits,
    Page, UnboundDeposit,
};

use crate::client::{Call, Client, Kind};
use crate::error::Error;
use crate::pages;

const REFERENCES: &str = "/deposits/references";
const REFERENCE: &str = "/deposits/references/{depositReference}";

/// The deposit references and deposits of the key's organization: [`Client::deposits`].
#[derive(Debug, Clone, Copy)]
pub struct Deposits<'c> {
    client: &'c Client,
}

impl Client {
    /// Deposits: bind, unbind, references, deposits.
    #[must_use]
    pub fn deposits(&self) -> Deposits<'_> {
        Deposits { client: self }
    }
}

impl Deposits<'_> {
    /// Binds a payer's reference to an address, at most once: all attempts bear one idempotency key. Every token offered on the chain's
    /// family is watched there. To bind what may be bound already: [`Client::ensure_deposit_address`].
    ///
    /// Errors: `DuplicateDepositReference` (409) where it is bound on that chain, `InvalidChain`, `InvalidCurrency` (400),
    /// `NoAvailableAddresses` (503) where the pool has no free address of the family.
    pub fn bind(&self, binding: &BindDeposit) -> Call<BoundDeposit> {
        self.client.post(Kind::Once, REFERENCES, &[], binding)
    }

    /// A reference: its addresses at present, and how much it has received, by currency, in whole tokens. Counted are the deposits that are
    /// confirmed and not taken back.
    ///
    /// Errors: `DepositReferenceNotFound` (404).
    pub fn reference(&self, deposit_reference: &str) -> Call<DepositReference> {
        self.client.read(REFERENCE, &[deposit_reference], &())
    }

    /// One page of references, newest first.
    pub fn references(&self, query: &ListDepositReferences) -> Call<Page<DepositReferenceSummary>> {
        self.client.read(REFERENCES, &[], query)
    }

    /// All references that match, page by page as they are asked for. None comes twice; one may be missed where others are unbound
    /// meanwhile.
    pub fn stream_references(
        &self,
        query: ListDepositReferences,
    ) -> impl Stream<Item = Result<DepositReferenceSummary, Error>> + Send + use<> {
        pages::stream(self.client, REFERENCES, &[], query)
    }

    /// Lets a reference go of all its addresses. Each is free again after 30 minutes; what arrives there from now on is credited to nobody.
    ///
    /// Errors: `DepositReferenceNotFound` (404), also where an earlier attempt of this call did it and its answer was lost.
    pub fn unbind(&self, deposit_reference: &str) -> Call<UnboundDeposit> {
        self.client.delete(Kind::Set, REFERENCE, &[deposit_reference], &UnbindDeposit::default())
    }

    /// Lets a reference go of its address on one chain. Otherwise like [`Deposits::unbind`].
    pub fn unbind_chain(&self, deposit_reference: &str, chain: &ChainId) -> Call<UnboundDeposit> {
        self.client.delete(Kind::Set, REFERENCE, &[deposit_reference], &UnbindDeposit { chain_id: Some(chain.clone()) })
    }

    /// A deposit.
    ///
    /// Errors: `ResourceNotFound` (404).
    pub fn get(&self, id: &DepositId) -> Call<Deposit> {
        self.client.read("/deposits/{depositId}", &[id.as_str()], &())
    }

    /// One page of deposits, latest first unless the query says otherwise. Amounts are in whole tokens.
    pub fn list(&self, query: &ListDeposits) -> Call<Page<Deposit>> {
        self.client.read("/deposits", &[], query)
    }

    /// All deposits that match, page by page as they are asked for. None comes twice; and while the list is in its usual order, by
    /// the time they were seen, none is missed that was there at the start. Sorted otherwise, or from a page on, one may be missed where
    /// others leave the filter or change their place meanwhile.
    pub fn stream(&self, query: ListDeposits) -> impl Stream<Item = Result<Deposit, Error>> + Send + use<> {
        pages::stream(self.client, "/deposits", &[], query)
    }
}
