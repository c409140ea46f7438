//! Lists of orders: every filter and sort against a naive model in memory, on the same orders on both engines.

use std::cmp::Ordering;
use std::time::Duration;

use payin_server::app::orders;
use payin_server::store::orders::Filter;
use payin_tests::gateway::{Gateway, Kind, refusal, request};
use payin_types::order::OrderSort;
use payin_types::{CreateOrder, Currency, ErrorCode, ListOrders, Order, OrderStatus, OrganizationId, SortOrder, Timestamp};

use super::{World, totals};

const ORDERS: usize = 60;
/// Pieces of references, and what is searched for: wildcards are letters like any other, and so are letters beyond ASCII.
const PIECES: &[&str] = &["ab", "AB", "Ab", "%", "_", "\\", "\\%", "''", "100%", "a_b", "ÄÖ", "äö", "ΟΔΟΣ", "οδοσ", "İ", "ß", "𝔘", " "];
const AMOUNTS: &[&str] =
    &["1", "1.0", "1.00", "2", "10", "9.999999", "10.000001", "0.000001", "100", "99.99", "1000000000", "9999999999.999999", "0.1", "0.10"];
/// For tokens with 18 decimals.
const FINE: &[&str] = &["1.000000000000000001", "0.999999999999999999", "0.000000001", "0.000000000000000001", "1.000000001000000000"];

/// The same numbers for the same seed, on every engine.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn maybe<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        (self.below(3) == 0).then(|| self.pick(from))
    }
}

#[derive(Debug)]
struct Row {
    order: Order,
    updated_at: i64,
}

/// Orders of every kind, some of the same time and amount.
async fn fill(world: &World, organization: &OrganizationId) -> Vec<Row> {
    let gateway = &world.gateway;
    let mut dice = Dice(7);
    for number in 0..ORDERS {
        let chain = dice.pick(&["ethereum-sepolia", "base-sepolia", "bsc-testnet"]);
        let amount = if chain == "bsc-testnet" && dice.below(2) == 0 { dice.pick(FINE) } else { dice.pick(AMOUNTS) };
        let reference = format!("{}{number}{}", dice.pick(PIECES), dice.pick(PIECES));
        let request = CreateOrder::new(reference, amount.parse().unwrap(), dice.pick(&["USDT", "USDC"]), chain);
        let order = gateway.create(organization, request).await.unwrap();
        let changed = order.created_at.plus(Duration::from_secs(dice.pick(&[0, 5, 90]))).millis();
        let change = match dice.below(3) {
            0 => "",
            1 => ", completed_at = 1",
            _ => ", expired_at = 1",
        };
        world.place.execute(&format!("UPDATE orders SET updated_at = {changed}{change} WHERE id = '{}'", order.order_id)).await;
        gateway.clock.advance(Duration::from_secs(dice.pick(&[0, 0, 1, 60])));
    }
    totals::count_again(&world.place).await;
    let mut rows = Vec::new();
    for row in world.place.rows("SELECT id, updated_at FROM orders").await {
        rows.push(Row { order: gateway.order(organization, &row[0]).await, updated_at: row[1].parse().unwrap() });
    }
    rows
}

/// Lower case letter by letter: what stands around a letter must not change what it is found by.
fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn naive<'a>(rows: &'a [Row], query: &ListOrders) -> Vec<&'a Order> {
    let fits = |row: &&Row| {
        let order = &row.order;
        query.status.as_ref().is_none_or(|status| *status == order.status)
            && query.currency.as_ref().is_none_or(|currency| *currency == order.currency)
            && query.chain_id.as_ref().is_none_or(|chain| *chain == order.chain_id)
            && query.order_reference.as_ref().is_none_or(|part| folded(&order.order_reference).contains(&folded(part)))
            && query.created_after.is_none_or(|after| order.created_at >= after)
            && query.created_before.is_none_or(|before| order.created_at < before)
    };
    let sorting = |a: &&Row, b: &&Row| {
        let first = match query.sort_by {
            Some(OrderSort::Amount) => a.order.amount.cmp(&b.order.amount),
            Some(OrderSort::UpdatedAt) => a.updated_at.cmp(&b.updated_at),
            _ => a.order.created_at.cmp(&b.order.created_at),
        };
        let ascending: Ordering = first.then_with(|| a.order.order_id.cmp(&b.order.order_id));
        if query.sort_order == Some(SortOrder::Asc) { ascending } else { ascending.reverse() }
    };
    let mut found: Vec<&Row> = rows.iter().filter(fits).collect();
    found.sort_by(sorting);
    found.into_iter().map(|row| &row.order).collect()
}

/// Each filter alone, and many together.
fn filters(rows: &[Row]) -> Vec<ListOrders> {
    let statuses = [OrderStatus::Pending, OrderStatus::Completed, OrderStatus::Expired].map(Some);
    let times: Vec<Timestamp> = rows.iter().map(|row| row.order.created_at).collect();
    let currencies: [Currency; 3] = ["USDT", "USDC", "DAI"].map(Currency::from);
    let chains = ["ethereum-sepolia", "base-sepolia", "bsc-testnet", "polygon-amoy"];
    let mut all = vec![ListOrders::default()];
    all.extend(statuses.iter().map(|status| ListOrders { status: status.clone(), ..Default::default() }));
    all.extend(currencies.iter().map(|currency| ListOrders { currency: Some(currency.clone()), ..Default::default() }));
    all.extend(chains.iter().map(|chain| ListOrders { chain_id: Some((*chain).into()), ..Default::default() }));
    let parts = PIECES.iter().copied().chain(["1", "Σ", "ς", "σ", "%%", "b5", "no such", "\\\\", "Ss", "ö1"]);
    all.extend(parts.map(|part| ListOrders { order_reference: Some(part.to_owned()), ..Default::default() }));
    all.push(ListOrders { created_after: Some(times[20]), ..Default::default() });
    all.push(ListOrders { created_before: Some(times[20]), ..Default::default() });
    all.push(ListOrders { created_after: Some(times[10]), created_before: Some(times[40]), ..Default::default() });
    let mut dice = Dice(99);
    for _ in 0..150 {
        all.push(ListOrders {
            status: dice.maybe(&[0, 1, 2]).and_then(|at: usize| statuses[at].clone()),
            currency: dice.maybe(&[0, 1]).map(|at: usize| currencies[at].clone()),
            chain_id: dice.maybe(&chains[..3]).map(Into::into),
            order_reference: dice.maybe(PIECES).map(str::to_owned),
            created_after: dice.maybe(&times),
            created_before: dice.maybe(&times),
            ..Default::default()
        });
    }
    all
}

async fn listed(gateway: &Gateway, organization: &OrganizationId, query: ListOrders) -> (Vec<String>, u64) {
    let page = orders::list(&gateway.app, organization, query).await.expect("a page");
    (page.data.into_iter().map(|order| order.order_id.as_str().to_owned()).collect(), page.pagination.total)
}

pub async fn lists_are_what_a_naive_model_says(kind: Kind) {
    let world = World::new(kind).await;
    let organization = world.gateway.merchant(ORDERS).await;
    let rows = fill(&world, &organization).await;
    let mut wrong = Vec::new();
    for (filter, number) in filters(&rows).into_iter().zip(0..) {
        for sort_by in [None, Some(OrderSort::CreatedAt), Some(OrderSort::UpdatedAt), Some(OrderSort::Amount)] {
            for sort_order in [None, Some(SortOrder::Asc), Some(SortOrder::Desc)] {
                // The random ones with one sort each: the others have met every sort.
                if number >= 41 && (sort_by.is_none() || sort_order.is_none()) {
                    continue;
                }
                let query = ListOrders { limit: Some(100), sort_by: sort_by.clone(), sort_order, ..filter.clone() };
                let expected: Vec<&str> = naive(&rows, &query).into_iter().map(|order| order.order_id.as_str()).collect();
                let (found, total) = listed(&world.gateway, &organization, query.clone()).await;
                if found != expected || total != u64::try_from(expected.len()).unwrap() {
                    wrong.push(format!("{query:?}: found {} of {}, total {total}", found.len(), expected.len()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} lists differ, such as\n{}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
}

pub async fn pages_join_up(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(23).await;
    // All of one moment and one amount: only the id tells them apart.
    for number in 0..23 {
        gateway.create(&organization, request(&format!("order {number}"))).await.unwrap();
    }
    for sort_by in [OrderSort::CreatedAt, OrderSort::UpdatedAt, OrderSort::Amount] {
        for sort_order in [SortOrder::Asc, SortOrder::Desc] {
            let query = |page, limit| ListOrders {
                page: Some(page),
                limit: Some(limit),
                sort_by: Some(sort_by.clone()),
                sort_order: Some(sort_order.clone()),
                ..Default::default()
            };
            let (whole, total) = listed(gateway, &organization, query(1, 100)).await;
            assert_eq!((whole.len(), total), (23, 23));
            let mut joined = Vec::new();
            for page in 1..=4 {
                joined.extend(listed(gateway, &organization, query(page, 7)).await.0);
            }
            assert_eq!(joined, whole);
            assert_eq!(listed(gateway, &organization, query(5, 7)).await, (Vec::new(), 23));
        }
    }
    for (page, limit) in [(0, 20), (1, 0), (1, 101), (u64::MAX, 100)] {
        let query = ListOrders { page: Some(page), limit: Some(limit), ..Default::default() };
        assert_eq!(refusal(orders::list(&gateway.app, &organization, query).await).code, ErrorCode::ValidationError);
    }
}

pub async fn odd_texts_are_found_or_not_but_never_a_fault(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(1).await;
    gateway.create(&organization, request("order")).await.unwrap();
    let no_fault = |what: &str, faulty: bool| assert!(!faulty, "{what} makes a fault");
    let is_fault = |failure: &payin_server::store::Failure| matches!(failure, payin_server::store::Failure::Fault(_));
    let part = |text: String| ListOrders { order_reference: Some(text), ..Default::default() };
    for text in ["a".repeat(60_000), "%".repeat(30_000), "\\".repeat(255), "\u{10ffff}".to_owned()] {
        let found = orders::list(&gateway.app, &organization, part(text.clone())).await;
        no_fault(&format!("a search for {} characters", text.chars().count()), found.as_ref().is_err_and(is_fault));
        assert_eq!(found.map_or(0, |page| page.pagination.total), 0);
    }
    let by_id = orders::get(&gateway.app, &organization, "ord_\0").await;
    no_fault("an id with NUL", by_id.as_ref().is_err_and(is_fault));
    let by_reference = orders::get_by_reference(&gateway.app, &organization, "\0").await;
    no_fault("a reference with NUL", by_reference.as_ref().is_err_and(is_fault));
    let by_currency = ListOrders { currency: Some("US\0DT".into()), ..Default::default() };
    no_fault("a currency with NUL", orders::list(&gateway.app, &organization, by_currency).await.as_ref().is_err_and(is_fault));
    for unknown in [
        ListOrders { status: Some("lost".into()), ..Default::default() },
        ListOrders { sort_by: Some("price".into()), ..Default::default() },
        ListOrders { sort_order: Some("up".into()), ..Default::default() },
        part("a\nb".to_owned()),
    ] {
        assert_eq!(refusal(orders::list(&gateway.app, &organization, unknown).await).code, ErrorCode::ValidationError);
    }
    // The store itself finds nothing that stands where nothing can stand.
    let filter = Filter {
        is_taken_back: None,
        organization_id: organization.clone(),
        status: Some("lost".into()),
        currency: None,
        chain_id: None,
        reference_part: None,
        created_after: None,
        created_before: None,
        sort_by: OrderSort::CreatedAt,
        sort_order: SortOrder::Asc,
    };
    let mut conn = gateway.app.store.read().await.unwrap();
    assert_eq!(payin_server::store::orders::list(&mut conn, &filter, 10, 0).await.unwrap().1, 0);
}
