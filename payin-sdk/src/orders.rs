//! Orders. It must not decide about attempts or time: that is `client/` and `wait.rs`.

use futures_util::Stream;

use payin_types::order::OrderSort;
use payin_types::{CreateOrder, ListOrders, Order, OrderId, OrderSummary, Page, SortOrder, Timestamp};

use crate::client::{Call, Client, Kind};
use crate::error::Error;
use crate::pages::{self, Listing};
use crate::wait::Wait;

/// The orders of the key's organization: [`Client::orders`].
#[derive(Debug, Clone, Copy)]
pub struct Orders<'c> {
    client: &'c Client,
}

impl Client {
    /// Orders: create, read, list, wait.
    #[must_use]
    pub fn orders(&self) -> Orders<'_> {
        Orders { client: self }
    }
}

impl Orders<'_> {
    /// Creates an order, at most once: all attempts bear one idempotency key.
    pub fn create(&self, order: &CreateOrder) -> Call<Order> {
        self.client.post(Kind::Create, "/orders", order)
    }

    /// An order by the gateway's id.
    pub fn get(&self, id: &OrderId) -> Call<Order> {
        self.client.read("/orders/{id}", &[id.as_str()], &())
    }

    /// An order by the merchant's own id.
    pub fn get_by_reference(&self, reference: &str) -> Call<Order> {
        self.client.read("/orders/by-reference/{reference}", &[reference], &())
    }

    /// One page of orders.
    pub fn list(&self, query: &ListOrders) -> Call<Page<OrderSummary>> {
        self.client.read("/orders", &[], query)
    }

    /// All orders that match, page by page as they are asked for. No order comes twice; and while the list is in its usual
    /// order, by creation, none is missed that was there at the start, whatever is added or leaves the filter meanwhile.
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
        pages::stream(Walk::new(self.client.clone(), query))
    }

    /// Waits until an order has ended, paid or not.
    pub fn wait(&self, id: &OrderId) -> Wait {
        Wait::new(self.client.clone(), id.clone())
    }
}

/// A walk over the list. By page numbers where it must be: an order that leaves the filter then moves the rest up by one, and
/// one is skipped. By creation time, which never changes, where it can be.
struct Walk {
    client: Client,
    query: ListOrders,
    /// What the caller asked for, to return to page numbers where the server ignores the bound.
    asked: ListOrders,
    by: By,
}

#[derive(PartialEq)]
enum By {
    Page,
    NewestFirst,
    OldestFirst,
}

impl Walk {
    fn new(client: Client, mut query: ListOrders) -> Self {
        let by_creation = matches!(query.sort_by, None | Some(OrderSort::CreatedAt)) && query.page.is_none();
        let by = match (by_creation, &query.sort_order) {
            (true, None | Some(SortOrder::Desc)) => By::NewestFirst,
            (true, Some(SortOrder::Asc)) => By::OldestFirst,
            _ => By::Page,
        };
        query.limit = query.limit.or(Some(pages::LIMIT));
        query.page = query.page.or(Some(1));
        Self { client, asked: query.clone(), query, by }
    }

    fn is_within_bound(&self, order: &OrderSummary) -> bool {
        match self.by {
            By::Page => true,
            By::NewestFirst => self.query.created_before.is_none_or(|bound| order.created_at < bound),
            By::OldestFirst => self.query.created_after.is_none_or(|bound| order.created_at >= bound),
        }
    }

    /// Moves the bound to the last order seen, that order's millisecond included, because others may share it.
    fn move_bound(&mut self, last: Timestamp) -> bool {
        let (bound, to) = match self.by {
            By::Page => return false,
            By::NewestFirst => (&mut self.query.created_before, Timestamp::from_millis(last.millis().saturating_add(1))),
            By::OldestFirst => (&mut self.query.created_after, last),
        };
        bound.replace(to) != Some(to)
    }
}

impl Listing for Walk {
    type Item = OrderSummary;

    fn fetch(&self) -> Call<Page<OrderSummary>> {
        self.client.orders().list(&self.query)
    }

    fn id(order: &OrderSummary) -> &str {
        order.order_id.as_str()
    }

    fn advance(&mut self, page: &Page<OrderSummary>) {
        if !page.data.iter().all(|order| self.is_within_bound(order)) {
            self.by = By::Page;
            self.query = self.asked.clone();
        }
        let moved = page.data.last().is_some_and(|last| self.move_bound(last.created_at));
        self.query.page = if moved { Some(1) } else { self.query.page.map(|page| page.saturating_add(1)) };
    }
}
