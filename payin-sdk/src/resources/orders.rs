//! Orders. It must not decide about attempts or time: that is `client/` and `wait.rs`.

use futures_util::Stream;

use payin_types::order::OrderStatsQuery;
use payin_types::{CreateOrder, Explanation, ListOrders, Order, OrderId, OrderStats, OrderSummary, Page};

use crate::client::{Call, Client, Kind};
use crate::error::Error;
use crate::pages;
use crate::wait::Wait;

/// The orders of the key's organization: [`Client::orders`].
#[derive(Debug, Clone, Copy)]
pub struct Orders<'c> {
    client: &'c Client,
}

impl Client {
    /// Orders: create, read, list, wait, statistics.
    #[must_use]
    pub fn orders(&self) -> Orders<'_> {
        Orders { client: self }
    }
}

impl Orders<'_> {
    /// Creates an order, at most once: all attempts bear one idempotency key. To create what may be there already:
    /// [`Client::ensure_order`].
    ///
    /// Errors: `DuplicateOrderReference` (409, with `existing_order_id`), `InvalidAmount`, `InvalidChain`, `InvalidCurrency` (400),
    /// `NoAvailableAddresses`, `ChainUnavailable` (503).
    pub fn create(&self, order: &CreateOrder) -> Call<Order> {
        self.client.post(Kind::Once, "/orders", &[], order)
    }

    /// An order by the gateway's id. Amounts are in whole tokens.
    ///
    /// Errors: `ResourceNotFound` (404).
    pub fn get(&self, id: &OrderId) -> Call<Order> {
        self.client.read("/orders/{id}", &[id.as_str()], &())
    }

    /// An order by the merchant's own id.
    ///
    /// Errors: `ResourceNotFound` (404).
    pub fn get_by_reference(&self, reference: &str) -> Call<Order> {
        self.client.read("/orders/by-reference/{reference}", &[reference], &())
    }

    /// Why an order is paid or is not, in words and with the evidence.
    ///
    /// Errors: `ResourceNotFound` (404).
    pub fn explain(&self, id: &OrderId) -> Call<Explanation> {
        self.client.read("/orders/{id}/explain", &[id.as_str()], &())
    }

    /// One page of orders, newest first unless the query says otherwise.
    pub fn list(&self, query: &ListOrders) -> Call<Page<OrderSummary>> {
        self.client.read("/orders", &[], query)
    }

    /// All orders that match, page by page as they are asked for. No order comes twice; and while the list is in its usual
    /// order, by creation, none is missed that was there at the start, whatever is added or leaves the filter meanwhile. Sorted otherwise, or from
    /// a page on, one may be missed where others leave the filter or change their place meanwhile. Oldest first, what is added comes too.
    ///
    /// ```no_run
    /// # async fn run(client: payin_sdk::Client) -> Result<(), payin_sdk::Error> {
    /// use futures_util::TryStreamExt;
    /// use payin_sdk::{ListOrders, OrderStatus};
    ///
    /// let query = ListOrders { status: Some(OrderStatus::Completed), ..ListOrders::default() };
    /// let mut orders = std::pin::pin!(client.orders().stream(query));
    /// while let Some(order) = orders.try_next().await? {
    ///     println!("{} {}", order.order_reference, order.amount);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn stream(&self, query: ListOrders) -> impl Stream<Item = Result<OrderSummary, Error>> + Send + use<> {
        pages::stream(self.client, "/orders", &[], query)
    }

    /// How many orders stand where, and what the paid ones received, by currency, in whole tokens.
    pub fn stats(&self, query: &OrderStatsQuery) -> Call<OrderStats> {
        self.client.read("/orders/stats", &[], query)
    }

    /// Waits until an order has ended, paid or not.
    pub fn wait(&self, id: &OrderId) -> Wait {
        Wait::new(self.client.clone(), id.clone())
    }
}
