//! What a payer may do without a key: see a published link, open an order of it, watch that order. These calls bear no API key.

use payin_types::checkout::OpenedLinkOrder;
use payin_types::{CreateLinkOrder, OrderId, PublicOrder, PublicPaymentLink};

use crate::client::{Call, Client, Kind};

/// The public side of payment links and orders: [`Client::checkout`].
#[derive(Debug, Clone, Copy)]
pub struct Checkout<'c> {
    client: &'c Client,
}

impl Client {
    /// What a payer may do: see a link, open an order, watch it. Bears no key.
    #[must_use]
    pub fn checkout(&self) -> Checkout<'_> {
        Checkout { client: self }
    }
}

impl Checkout<'_> {
    /// A published link by the last part of its URL.
    ///
    /// Errors: `ResourceNotFound` (404), `PaymentLinkUnavailable` (410) where it can no longer be paid, or not yet.
    pub fn link(&self, slug: &str) -> Call<PublicPaymentLink> {
        self.client.read("/checkout/{slug}", &[slug], &())
    }

    /// Opens an order of a link, which holds one of its inventory until it is paid or expires. Who has no key has no idempotency key either: where the answer is
    /// lost the call is not repeated, because that could open a second order.
    ///
    /// Errors: `PaymentLinkUnavailable` (410), `SoldOut` (409), `InvalidAmount`, `InvalidChain`, `InvalidCurrency` (400) where the link
    /// does not offer it, `RateLimitExceeded` (429), `NoAvailableAddresses` (503).
    pub fn open(&self, slug: &str, order: &CreateLinkOrder) -> Call<OpenedLinkOrder> {
        self.client.post(Kind::Act, "/checkout/{slug}/orders", &[slug], order)
    }

    /// An order as its payer may see it: amounts in whole tokens, what is still to be paid included.
    ///
    /// Errors: `ResourceNotFound` (404).
    pub fn order(&self, id: &OrderId) -> Call<PublicOrder> {
        self.client.read("/checkout/orders/{orderId}", &[id.as_str()], &())
    }
}
