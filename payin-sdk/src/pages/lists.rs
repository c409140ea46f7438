//! How each list is sorted, and what tells its items apart. It must not fetch anything.

use std::marker::PhantomData;

use serde::Serialize;

use payin_types::deposit::DepositSort;
use payin_types::endpoint::ListEndpoints;
use payin_types::link::{LinkOrder, ListLinkOrders};
use payin_types::order::OrderSort;
use payin_types::organization::ListPaging;
use payin_types::pool::ListAddresses;
use payin_types::transfer::TransferSort;
use payin_types::{
    ApiKey, Deposit, DepositReferenceSummary, Endpoint, EventRecord, ListDepositReferences, ListDeposits, ListEvents, ListOrders,
    ListPaymentLinks, ListTransfers, OrderSummary, OrganizationSummary, Page, PaymentLink, PoolAddress, Timestamp, Transfer,
};

use super::{Bounds, By, Query};

macro_rules! by_page {
    ($($query:ty => $item:ty: $id:expr;)*) => { $(
        impl Query for $query {
            type Item = $item;
            type Page = Page<$item>;

            fn paging(&mut self) -> (&mut Option<u64>, &mut Option<u64>) {
                (&mut self.page, &mut self.limit)
            }

            fn id(item: &$item) -> &str {
                let id: fn(&$item) -> &str = $id;
                id(item)
            }
        }
    )* };
}

macro_rules! by_time {
    ($($query:ty => $item:ty: $id:expr, $time:ident from $after:ident to $before:ident, $by:expr;)*) => { $(
        impl Query for $query {
            type Item = $item;
            type Page = Page<$item>;

            fn paging(&mut self) -> (&mut Option<u64>, &mut Option<u64>) {
                (&mut self.page, &mut self.limit)
            }

            fn id(item: &$item) -> &str {
                let id: fn(&$item) -> &str = $id;
                id(item)
            }

            fn by(&self) -> By {
                let by: fn(&$query) -> By = $by;
                by(self)
            }

            fn bounds(&mut self) -> Option<Bounds<'_>> {
                Some(Bounds { after: &mut self.$after, before: &mut self.$before })
            }

            fn time(item: &$item) -> Option<Timestamp> {
                Some(item.$time)
            }
        }
    )* };
}

by_page! {
    ListAddresses => PoolAddress: |address| &address.address;
    ListDepositReferences => DepositReferenceSummary: |reference| &reference.deposit_reference;
    ListEndpoints => Endpoint: |endpoint| endpoint.id.as_str();
    ListLinkOrders => LinkOrder: |order| order.order_id.as_str();
    ListPaymentLinks => PaymentLink: |link| link.id.as_str();
}

/// The query that lists without filters share; their items tell them apart.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Unfiltered<T> {
    query: ListPaging,
    #[serde(skip)]
    item: PhantomData<fn() -> T>,
}

impl<T> From<ListPaging> for Unfiltered<T> {
    fn from(query: ListPaging) -> Self {
        Self { query, item: PhantomData }
    }
}

impl<T> Clone for Unfiltered<T> {
    fn clone(&self) -> Self {
        self.query.clone().into()
    }
}

impl Query for Unfiltered<OrganizationSummary> {
    type Item = OrganizationSummary;
    type Page = Page<OrganizationSummary>;

    fn paging(&mut self) -> (&mut Option<u64>, &mut Option<u64>) {
        (&mut self.query.page, &mut self.query.limit)
    }

    fn id(organization: &OrganizationSummary) -> &str {
        organization.id.as_str()
    }
}

impl Query for Unfiltered<ApiKey> {
    type Item = ApiKey;
    type Page = Page<ApiKey>;

    fn paging(&mut self) -> (&mut Option<u64>, &mut Option<u64>) {
        (&mut self.query.page, &mut self.query.limit)
    }

    fn id(key: &ApiKey) -> &str {
        key.id.as_str()
    }
}

by_time! {
    ListOrders => OrderSummary: |order| order.order_id.as_str(), created_at from created_after to created_before,
        |query| By::time(matches!(query.sort_by, None | Some(OrderSort::CreatedAt)), query.sort_order.as_ref());
    ListDeposits => Deposit: |deposit| deposit.deposit_id.as_str(), detected_at from detected_after to detected_before,
        |query| By::time(matches!(query.sort_by, None | Some(DepositSort::DetectedAt)), query.sort_order.as_ref());
    ListTransfers => Transfer: |transfer| transfer.transfer_id.as_str(), detected_at from detected_after to detected_before,
        |query| By::time(matches!(query.sort_by, None | Some(TransferSort::DetectedAt)), query.sort_order.as_ref());
    ListEvents => EventRecord: |event| event.id.as_str(), created_at from created_after to created_before, |_| By::NewestFirst;
}
