//! Lists as streams, while the list changes under the reader.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use futures_util::TryStreamExt;
use serde_json::{Value, json};

use super::script::{Scene, answer};
use crate::transport::{Request, Response, Sending, Transport};
use crate::types::deposit::DepositSort;
use crate::types::order::{OrderSort, SortOrder};
use crate::types::pool::ListAddresses;
use crate::{Client, Error, ListDeposits, ListEvents, ListOrders};

type Drift = fn(usize, &mut Vec<(u32, i64)>);

/// A server with orders of (number, creation time): sorts, filters and pages them as the API says.
#[derive(Clone, Default)]
struct Store {
    orders: Arc<Mutex<Vec<(u32, i64)>>>,
    requests: Arc<Mutex<usize>>,
    /// Called before each answer with the number of the request.
    drift: Option<Drift>,
    ignores_bounds: bool,
}

impl Store {
    fn of(count: u32, times: fn(u32) -> i64) -> Self {
        Self { orders: Arc::new(Mutex::new((0..count).map(|n| (n, times(n))).collect())), ..Self::default() }
    }

    fn answer(&self, url: &url::Url) -> Value {
        let get = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let time = |name: &str| get(name).filter(|_| !self.ignores_bounds).map(|text| text.parse::<crate::Timestamp>().unwrap().millis());
        let number = |name: &str| get(name).map(|text| text.parse::<usize>().unwrap());
        let (page, limit) = (number("page").unwrap(), number("limit").unwrap());
        let mut orders = self.orders.lock().unwrap();
        let mut requests = self.requests.lock().unwrap();
        *requests += 1;
        if let Some(drift) = self.drift {
            drift(*requests, &mut orders);
        }
        let within = |at: i64| time("createdBefore").is_none_or(|bound| at < bound) && time("createdAfter").is_none_or(|bound| at >= bound);
        let mut found: Vec<_> = orders.iter().copied().filter(|(_, at)| within(*at)).collect();
        found.sort_by_key(|(n, at)| (*at, *n));
        if get("sortOrder").as_deref() != Some("asc") {
            found.reverse();
        }
        let total = found.len();
        let data: Vec<_> = found.into_iter().skip((page - 1) * limit).take(limit).map(|(n, at)| summary(n, at)).collect();
        let pages = total.div_ceil(limit);
        json!({"data": data, "pagination": {"page": page, "limit": limit, "total": total, "totalPages": pages, "hasMore": page < pages}})
    }

    async fn numbers(&self, query: ListOrders) -> Vec<u32> {
        let client = Client::builder().api_key("pk_test_x").base_url("https://api.test").transport(self.clone()).build().unwrap();
        let query = ListOrders { limit: Some(10), ..query };
        let orders: Vec<_> = client.orders().stream(query).try_collect().await.unwrap();
        orders.iter().map(|order| order.order_reference.parse().unwrap()).collect()
    }
}

impl Transport for Store {
    fn send(&self, request: Request) -> Sending<'_> {
        let body = self.answer(&request.url.parse().unwrap()).to_string();
        Box::pin(std::future::ready(Ok(Response::new(200, ::http::HeaderMap::new(), body))))
    }
}

fn summary(n: u32, at: i64) -> Value {
    json!({"orderId": format!("ord_{n}"), "orderReference": n.to_string(), "amount": "1", "currency": "USDT", "chainId": "c",
        "address": "0x", "status": "pending", "createdAt": crate::Timestamp::from_millis(at).to_string()})
}

fn oldest_first() -> ListOrders {
    ListOrders { sort_order: Some(SortOrder::Asc), ..ListOrders::default() }
}

#[tokio::test]
async fn every_order_comes_once_in_order() {
    for times in [|n: u32| i64::from(n) * 1000, |n| i64::from(n / 7), |_| 5] {
        let newest: Vec<_> = (0..45).rev().collect();
        assert_eq!(Store::of(45, times).numbers(ListOrders::default()).await, newest);
        assert_eq!(Store::of(45, times).numbers(oldest_first()).await, (0..45).collect::<Vec<_>>());
    }
    assert!(Store::default().numbers(ListOrders::default()).await.is_empty());
}

#[tokio::test]
async fn orders_that_leave_the_list_hide_no_others() {
    let mut store = Store::of(45, |n| i64::from(n) * 1000);
    // After each page, five orders of those already read leave the filter.
    store.drift = Some(|request, orders| {
        if request > 1 {
            orders.truncate(orders.len().saturating_sub(5));
        }
    });
    let seen: BTreeSet<_> = store.numbers(ListOrders::default()).await.into_iter().collect();
    assert_eq!(seen, (0..45).collect());
}

#[tokio::test]
async fn orders_that_arrive_make_none_come_twice() {
    let mut store = Store::of(45, |n| i64::from(n) * 1000);
    store.drift = Some(|request, orders| {
        let n = 1000 + u32::try_from(request).unwrap();
        orders.push((n, i64::from(n) * 1000));
    });
    for query in [ListOrders::default(), ListOrders { sort_by: Some(OrderSort::Amount), ..ListOrders::default() }] {
        let all = store.numbers(query).await;
        let distinct: BTreeSet<_> = all.iter().copied().collect();
        assert_eq!(distinct.len(), all.len());
        assert!((0..45).all(|n| distinct.contains(&n)));
    }
}

#[tokio::test]
async fn a_server_that_ignores_the_bound_is_read_by_page_numbers() {
    let mut store = Store::of(45, |n| i64::from(n) * 1000);
    store.ignores_bounds = true;
    assert_eq!(store.numbers(ListOrders::default()).await, (0..45).rev().collect::<Vec<_>>());
    assert!(*store.requests.lock().unwrap() <= 6);
}

#[tokio::test]
async fn addresses_come_once() {
    let address = |name: &str| json!({"address": name, "protocol": "evm", "state": "available", "createdAt": "2025-01-20T10:30:00Z"});
    let page = |n: u64, more: bool, names: [&str; 2]| {
        let pagination = json!({"page": n, "limit": 2, "total": 4, "totalPages": 2, "hasMore": more});
        answer(200, &json!({"data": names.map(address), "pagination": pagination}))
    };
    let scene = Scene::new([page(1, true, ["a", "b"]), page(2, false, ["b", "c"])]);
    let all: Vec<_> = scene.client().addresses().stream(ListAddresses::default()).try_collect().await.unwrap();
    assert_eq!(all.iter().map(|address| address.address.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
}

fn page(items: &[Value], more: bool) -> super::script::Step {
    let count = items.len();
    answer(200, &json!({"data": items, "pagination": {"page": 1, "limit": count, "total": 99, "totalPages": 99, "hasMore": more}}))
}

fn event(n: u32, second: u32) -> Value {
    let at = format!("2025-01-20T10:30:{second:02}.000Z");
    json!({"id": format!("evt_{n}"), "type": "order.completed", "objectId": "ord_1", "sequence": n, "createdAt": at,
        "payload": {"id": format!("evt_{n}"), "type": "order.completed", "created_at": at, "data": {}},
        "deliveries": {"pending": 0, "delivered": 1, "failed": 0}})
}

#[tokio::test]
async fn events_are_walked_by_their_time() {
    let scene = Scene::new([page(&[event(5, 50), event(4, 40)], true), page(&[event(4, 40), event(3, 30)], false)]);
    let all: Vec<_> = scene.client().webhook_events().stream(ListEvents::default()).try_collect().await.unwrap();
    assert_eq!(all.iter().map(|event| event.sequence).collect::<Vec<_>>(), [5, 4, 3]);
    assert!(scene.urls()[1].contains("createdBefore=2025-01-20T10%3A30%3A40.001Z") && scene.urls()[1].contains("page=1"));
}

fn deposit(n: u32) -> Value {
    json!({"depositId": format!("dep_{n}"), "depositReference": "u", "amount": "1", "currency": "USDT", "chainId": "c", "address": "0x",
        "txHash": "0x", "blockNumber": 1, "status": "pending", "confirmations": 1, "detectedAt": "2025-01-20T10:30:00.000Z"})
}

#[tokio::test]
async fn deposits_are_walked_by_the_time_they_were_seen_unless_sorted_otherwise() {
    let steps = || [page(&[deposit(1), deposit(2)], true), page(&[deposit(2), deposit(3)], false)];
    let cases = [
        (
            ListDeposits { sort_order: Some(SortOrder::Asc), ..ListDeposits::default() },
            "detectedAfter=2025-01-20T10%3A30%3A00.000Z",
            "page=1",
        ),
        (ListDeposits { sort_by: Some(DepositSort::Amount), ..ListDeposits::default() }, "sortBy=amount", "page=2"),
        (ListDeposits { page: Some(3), ..ListDeposits::default() }, "limit=100", "page=4"),
    ];
    for (query, part, number) in cases {
        let scene = Scene::new(steps());
        let all: Vec<_> = scene.client().deposits().stream(query).try_collect().await.unwrap();
        assert_eq!(all.iter().map(|deposit| deposit.deposit_id.as_str()).collect::<Vec<_>>(), ["dep_1", "dep_2", "dep_3"]);
        assert!(scene.urls()[1].contains(part) && scene.urls()[1].contains(number), "{:?}", scene.urls());
    }
}

#[tokio::test]
async fn a_list_that_never_ends_is_an_error_and_not_a_loop() {
    let scene = Scene::new((0..11).map(|_| page(&[deposit(1)], true)));
    let query = ListDeposits { sort_by: Some(DepositSort::Amount), ..ListDeposits::default() };
    let client = scene.client();
    let mut deposits = std::pin::pin!(client.deposits().stream(query));
    assert!(deposits.try_next().await.unwrap().is_some());
    let error = deposits.try_next().await.unwrap_err();
    assert!(matches!(error, Error::Drift { pages: 10, .. }), "{error:?}");
    assert_eq!(error.to_string(), "GET /deposits: 10 pages in a row held nothing new");
}
