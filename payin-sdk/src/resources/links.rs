//! Payment links: what a merchant does with them. What a payer does is `checkout.rs`.

use futures_util::Stream;

use payin_types::link::{LinkOrder, LinkStats, ListLinkOrders, PublishPaymentLink};
use payin_types::{CreatePaymentLink, Deleted, ListPaymentLinks, Page, PaymentLink, PaymentLinkId, UpdatePaymentLink};

use crate::client::{Call, Client, Kind};
use crate::error::Error;
use crate::pages;

const LINKS: &str = "/payment-links";
const LINK: &str = "/payment-links/{id}";
const ORDERS: &str = "/payment-links/{id}/orders";

/// The payment links of the key's organization: [`Client::payment_links`].
#[derive(Debug, Clone, Copy)]
pub struct PaymentLinks<'c> {
    client: &'c Client,
}

impl Client {
    /// Payment links: create, publish, change, put away, list, statistics.
    #[must_use]
    pub fn payment_links(&self) -> PaymentLinks<'_> {
        PaymentLinks { client: self }
    }
}

impl PaymentLinks<'_> {
    /// Creates a link, at most once: all attempts bear one idempotency key. It is a draft until it is published.
    ///
    /// Errors: `InvalidAmount`, `InvalidChain`, `InvalidCurrency` (400).
    pub fn create(&self, link: &CreatePaymentLink) -> Call<PaymentLink> {
        self.client.post(Kind::Once, LINKS, &[], link)
    }

    /// A link.
    ///
    /// Errors: `ResourceNotFound` (404).
    pub fn get(&self, id: &PaymentLinkId) -> Call<PaymentLink> {
        self.client.read(LINK, &[id.as_str()], &())
    }

    /// One page of links, last changed first; without those put away unless the query asks for them.
    pub fn list(&self, query: &ListPaymentLinks) -> Call<Page<PaymentLink>> {
        self.client.read(LINKS, &[], query)
    }

    /// All links that match, page by page as they are asked for. None comes twice; one may be missed that is changed, or where others
    /// are removed, meanwhile.
    pub fn stream(&self, query: ListPaymentLinks) -> impl Stream<Item = Result<PaymentLink, Error>> + Send + use<> {
        pages::stream(self.client, LINKS, &[], query)
    }

    /// Changes what the body names.
    ///
    /// Errors: `InvalidState` (409) where the link is published and the field is frozen, or the inventory is less than what is sold and held.
    pub fn update(&self, id: &PaymentLinkId, changes: &UpdatePaymentLink) -> Call<PaymentLink> {
        self.client.put(LINK, &[id.as_str()], changes)
    }

    /// Removes a link. Its orders stay.
    ///
    /// Errors: `ResourceNotFound` (404).
    pub fn delete(&self, id: &PaymentLinkId) -> Call<Deleted> {
        self.client.delete(Kind::Delete, LINK, &[id.as_str()], &())
    }

    /// Publishes a link: from now on anybody who has its URL can pay. The last part of the URL is made where none is given, and stays
    /// once it is set.
    ///
    /// Errors: `InvalidState` (409) where the link is put away.
    pub fn publish(&self, id: &PaymentLinkId, body: &PublishPaymentLink) -> Call<PaymentLink> {
        self.client.post(Kind::Once, "/payment-links/{id}/publish", &[id.as_str()], body)
    }

    /// Makes a link a draft again. Orders that wait for payment stay payable.
    pub fn unpublish(&self, id: &PaymentLinkId) -> Call<PaymentLink> {
        self.client.post_nothing(Kind::Once, "/payment-links/{id}/unpublish", &[id.as_str()])
    }

    /// Puts a link away: it is not listed unless asked for, and not payable.
    pub fn archive(&self, id: &PaymentLinkId) -> Call<PaymentLink> {
        self.client.post_nothing(Kind::Once, "/payment-links/{id}/archive", &[id.as_str()])
    }

    /// Takes a link back that was put away.
    pub fn restore(&self, id: &PaymentLinkId) -> Call<PaymentLink> {
        self.client.post_nothing(Kind::Once, "/payment-links/{id}/restore", &[id.as_str()])
    }

    /// One page of a link's orders, newest first.
    ///
    /// Errors: `ResourceNotFound` (404).
    pub fn orders(&self, id: &PaymentLinkId, query: &ListLinkOrders) -> Call<Page<LinkOrder>> {
        self.client.read(ORDERS, &[id.as_str()], query)
    }

    /// All orders of a link that match, page by page as they are asked for. None comes twice; with a status in the query, one
    /// may be missed where others leave that status meanwhile.
    pub fn stream_orders(&self, id: &PaymentLinkId, query: ListLinkOrders) -> impl Stream<Item = Result<LinkOrder, Error>> + Send + use<> {
        pages::stream(self.client, ORDERS, &[id.as_str()], query)
    }

    /// What all links together have brought, by currency, in whole tokens.
    pub fn stats(&self) -> Call<LinkStats> {
        self.client.read("/payment-links/stats", &[], &())
    }
}
