//! How the databases find a page of orders, and who is told of one: by an index and a limit, whatever the filter and the sort. The plans are
//! those of the very statements that the store executes, on tables of a realistic size; searches and pages further back are not promised
//! anything.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use payin_server::app::deliveries::{self, Walk};
use payin_server::app::{dialect, orders};
use payin_server::store::db::Recorder;
use payin_server::store::endpoints;
use payin_tests::gateway::{Gateway, Kind, Place};
use payin_types::order::OrderSort;
use payin_types::{ListOrders, OrderStatus, SortOrder, Timestamp};

use super::totals;

const ORDERS: u64 = 30_000;
const CHAINS: [&str; 3] = ["ethereum-sepolia", "base-sepolia", "bsc-testnet"];
/// Rows that a page may touch: its limit from each of its ranges.
const LIMIT: u64 = 20;

/// The numbers from one on, as many as there are orders, as `n(i)`.
fn numbers(kind: Kind) -> String {
    match kind {
        Kind::Sqlite => format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ORDERS}) "),
        Kind::Postgres => format!("WITH n(i) AS (SELECT * FROM generate_series(1, {ORDERS})) "),
    }
}

/// Many orders of one organization, the newest 30 of a rare chain and currency, and some of another organization.
async fn fill(place: &Place) {
    let numbers = numbers(place.kind());
    place.execute("INSERT INTO organizations (id, name, created_at) VALUES ('org_one', 'One', 0), ('org_other', 'Other', 0)").await;
    place
        .execute(&format!(
            "{numbers} INSERT INTO orders (id, organization_id, reference, reference_folded, amount, amount_whole, amount_nano, \
             amount_atto, currency, chain_id, protocol, address_id, address, metadata, window_ms, grace_ms, required_confirmations, \
             created_at, updated_at, closes_at, completed_at, expired_at, received_whole, received_nano, received_atto, event_sequence) \
             SELECT 'ord_' || (100000 + i), CASE WHEN i % 10 = 0 THEN 'org_other' ELSE 'org_one' END, 'r' || i, 'r' || i, \
             CAST(i * 7919 % 1000 + 1 AS TEXT), i * 7919 % 1000 + 1, 0, 0, CASE WHEN i > {ORDERS} - 30 THEN 'DAI' WHEN i % 3 = 0 \
             THEN 'USDC' ELSE 'USDT' END, CASE WHEN i > {ORDERS} - 30 THEN 'bsc-testnet' WHEN i % 4 = 0 THEN 'base-sepolia' ELSE \
             'ethereum-sepolia' END, 'evm', i, 'a' || i, '{{}}', 1, 1, 3, i * 100, i * 100 + i * 31 % 1000 * 1000, i * 100 + 2, \
             CASE WHEN i % 10 < 7 AND i % 1000 <> 1 THEN 1 END, CASE WHEN i % 10 >= 7 THEN 1 END, 0, 0, 0, 0 FROM n"
        ))
        .await;
    place
        .execute(&format!(
            "{numbers} INSERT INTO pool_addresses (id, organization_id, protocol, address, mode, mac, reuse_class, claimable_from, held, \
             created_at) SELECT i, 'org_one', 'evm', 'a' || i, 'self_managed', 'mac', 0, 0, 1, 0 FROM n"
        ))
        .await;
    // PostgreSQL does so by itself; nobody analyzes a SQLite file.
    if place.kind() == Kind::Postgres {
        place.execute("VACUUM ANALYZE").await;
    }
}

/// Every equality filter, each with every sort.
fn queries() -> Vec<ListOrders> {
    let mut all = Vec::new();
    for status in [None, Some(OrderStatus::Pending), Some(OrderStatus::Completed), Some(OrderStatus::Expired)] {
        for currency in [None, Some("USDT"), Some("DAI")] {
            for chain in [None, Some(CHAINS[0]), Some(CHAINS[2])] {
                for sort_by in [OrderSort::CreatedAt, OrderSort::UpdatedAt, OrderSort::Amount] {
                    for sort_order in [SortOrder::Asc, SortOrder::Desc] {
                        all.push(ListOrders {
                            status: status.clone(),
                            currency: currency.map(Into::into),
                            chain_id: chain.map(Into::into),
                            sort_by: Some(sort_by.clone()),
                            sort_order: Some(sort_order),
                            ..Default::default()
                        });
                    }
                }
            }
        }
    }
    all
}

/// The statement that found the page, with its arguments written in. It has one for each `$`: the same four in each range.
fn page(recorder: &Recorder, ranges: &[[&str; 3]]) -> Option<String> {
    let recorded = std::mem::take(&mut *recorder.lock().unwrap());
    let statement = recorded.into_iter().find(|text| text.starts_with("SELECT o.id"))?;
    let arguments = ranges.iter().flat_map(|[chain, currency, status]| ["org_one", *chain, *currency, *status]);
    let pieces: Vec<&str> = statement.split('$').collect();
    assert_eq!(pieces.len(), ranges.len() * 4 + 1, "{statement}");
    let bound = arguments.zip(&pieces[1..]).map(|(argument, piece)| format!("'{argument}'{piece}"));
    Some(format!("{}{}", pieces[0], bound.collect::<String>()))
}

/// The ranges that a query leaves of what [`fill`] made, in the order in which they are asked for.
fn ranges(query: &ListOrders) -> Vec<[&'static str; 3]> {
    let pairs = [(CHAINS[1], "USDC"), (CHAINS[1], "USDT"), (CHAINS[2], "DAI"), (CHAINS[0], "USDC"), (CHAINS[0], "USDT")];
    let fits = |(chain, currency): &(&str, &str)| {
        query.chain_id.as_ref().is_none_or(|wanted| wanted.as_str() == *chain)
            && query.currency.as_ref().is_none_or(|wanted| wanted.as_str() == *currency)
    };
    let statuses = ["pending", "completed", "expired"].into_iter();
    let statuses = statuses.filter(|status| query.status.as_ref().is_none_or(|wanted| wanted.as_str() == *status));
    statuses.flat_map(|status| pairs.into_iter().filter(fits).map(move |(chain, currency)| [chain, currency, status])).collect()
}

pub async fn a_page_is_found_by_index(kind: Kind) {
    let place = Place::new(kind).await;
    let recorder: Recorder = Arc::new(Mutex::default());
    let gateway = Gateway::open(&place.location, 1, Some(Arc::clone(&recorder))).await;
    fill(&place).await;
    totals::count_again(&place).await;
    for query in queries() {
        // The addresses are not genuine, so no page is shown; what matters is how it was looked for.
        let answer = orders::list(&gateway.app, &"org_one".into(), query.clone()).await;
        let ranges = ranges(&query);
        let Some(statement) = page(&recorder, &ranges) else {
            assert_eq!((ranges.len(), answer.expect("an empty page").pagination.total), (0, 0));
            continue;
        };
        match kind {
            Kind::Sqlite => sqlite(&place, &query, &statement, ranges.len()).await,
            Kind::Postgres => postgres(&place, &query, &statement, ranges.len()).await,
        }
    }
}

/// Every change of an order of another API asks who subscribes, and most endpoints there are came with some order.
pub async fn endpoints_of_other_apis_are_found_by_index(kind: Kind) {
    let place = Place::new(kind).await;
    let recorder: Recorder = Arc::new(Mutex::default());
    let gateway = Gateway::open(&place.location, 1, Some(Arc::clone(&recorder))).await;
    let numbers = numbers(kind);
    place.execute("INSERT INTO organizations (id, name, created_at) VALUES ('org_one', 'One', 0)").await;
    place
        .execute(&format!(
            "{numbers} INSERT INTO webhook_endpoints (id, organization_id, url, events, secret_sealed, enabled, created_at, updated_at, api, \
             order_id) SELECT 'whe_' || i, 'org_one', 'u', '[]', 's', 1, i, i, CASE WHEN i % 2 = 0 THEN 'cryptopay' END, \
             CASE WHEN i % 2 = 0 AND i > 20 THEN 'ord_' || i END FROM n"
        ))
        .await;
    if kind == Kind::Postgres {
        place.execute("VACUUM ANALYZE").await;
    }
    let organization = "org_one".into();
    assert_eq!(dialect::endpoints::list(&gateway.app, "cryptopay", &organization, (1, 50)).await.expect("a page").1, 10);
    let subscribers = gateway.tx(|tx| {
        async { Ok(endpoints::dialect::subscribers(tx, &"org_one".into(), "cryptopay", &"payment.confirmed".into()).await?) }.boxed()
    });
    assert_eq!(subscribers.await.expect("an answer"), []);
    let recorded = std::mem::take(&mut *recorder.lock().unwrap());
    let statements: Vec<&String> =
        recorded.iter().filter(|text| text.contains("FROM webhook_endpoints") && text.contains("api = $2")).collect();
    assert_eq!(statements.len(), 3, "the list, its total, and the subscribers: {statements:#?}");
    for statement in statements {
        let statement = [("$1", "'org_one'"), ("$2", "'cryptopay'"), ("$3", "50"), ("$4", "0")]
            .into_iter()
            .fold(statement.clone(), |statement, (place, value)| statement.replace(place, value));
        let explain = if kind == Kind::Sqlite { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
        let plan: String = place.rows(&format!("{explain} {statement}")).await.into_iter().flatten().map(|text| text + "\n").collect();
        assert!(plan.contains("webhook_endpoints_by_api"), "{statement}\n{plan}");
        assert!(!plan.contains("SCAN webhook_endpoints") && !plan.contains("Seq Scan"), "{statement}\n{plan}");
    }
}

/// A backlog that comes all at once is walked, and claimed from, by its index, though PostgreSQL has learned that nothing ever waits.
pub async fn a_backlog_is_walked_by_its_index(kind: Kind) {
    let place = Place::new(kind).await;
    let recorder: Recorder = Arc::new(Mutex::default());
    let gateway = Gateway::open(&place.location, 1, Some(Arc::clone(&recorder))).await;
    let numbers = numbers(kind);
    place
        .execute(&format!("{numbers} INSERT INTO organizations (id, name, created_at) SELECT 'org_' || i, 'One', 0 FROM n WHERE i <= 20"))
        .await;
    place
        .execute(&format!(
            "{numbers} INSERT INTO webhook_endpoints (id, organization_id, url, events, secret_sealed, enabled, created_at, updated_at, receiver) \
             SELECT 'whe_' || i, 'org_' || i, 'u', '[]', 's', 1, 0, 0, 'whe_' || i FROM n WHERE i <= 20"
        ))
        .await;
    place
        .execute(&format!(
            "{numbers} INSERT INTO events (id, organization_id, type, object_id, sequence, body, created_at) \
             SELECT 'evt_' || i, 'org_' || (1 + i % 20), 't', 'o' || i, 1, 'b', i FROM n"
        ))
        .await;
    let deliveries = |waits: &str, number: &str| {
        format!(
            "{numbers} INSERT INTO deliveries (event_id, endpoint_id, organization_id, receiver, created_at, attempts, claim, {waits}) \
             SELECT 'evt_' || i, 'whe_' || (1 + i % 20), 'org_' || (1 + i % 20), 'host-' || i, i, 1, 1, 1 FROM n WHERE i {number} 15000"
        )
    };
    place.execute(&deliveries("delivered_at", "<=")).await;
    if kind == Kind::Postgres {
        place.execute("ALTER TABLE deliveries SET (autovacuum_enabled = false)").await;
        place.execute("VACUUM ANALYZE").await;
    }
    place.execute(&deliveries("next_attempt_at", ">")).await;
    recorder.lock().unwrap().clear();
    let due = deliveries::due(&gateway.app, &mut Walk::default(), |_| true, gateway.now()).await.expect("who is due");
    assert!(due.len() > 256, "the oldest, and those of the walk");
    let of = vec![(Arc::new(due[0].receiver.clone()), 1)];
    assert_eq!(deliveries::claim(&gateway.app, of, gateway.now()).await.expect("a claim").len(), 1);
    let recorded = std::mem::take(&mut *recorder.lock().unwrap());
    let asked = |what: &str| recorded.iter().filter(|text| text.contains(what)).cloned().collect::<Vec<String>>();
    let (walks, oldest, claims) = (asked("WITH RECURSIVE"), asked("LIMIT 256"), asked("ORDER BY organization_id, receiver"));
    assert_eq!((walks.len(), oldest.len(), claims.len()), (2, 1, 1), "{recorded:#?}");
    let explain = if kind == Kind::Sqlite { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
    for (statement, index, other) in [
        (&walks[0], "deliveries_turns", "deliveries_due"),
        (&walks[1], "deliveries_turns", "deliveries_due"),
        (&claims[0], "deliveries_turns", "deliveries_due"),
        (&oldest[0], "deliveries_due", "deliveries_turns"),
    ] {
        let statement = filled_in(statement, gateway.now());
        let statement = if kind == Kind::Sqlite { statement.replace(" FOR NO KEY UPDATE SKIP LOCKED", "") } else { statement };
        let plan: String = place.rows(&format!("{explain} {statement}")).await.into_iter().flatten().map(|text| text + "\n").collect();
        assert!(plan.contains(index) && !plan.contains(other), "{statement}\n{plan}");
        assert!(!plan.contains("SCAN deliveries") && !plan.contains("Seq Scan on deliveries"), "{statement}\n{plan}");
        // Not by the organization alone, which has thousands waiting.
        assert!(!plan.contains("(organization_id>? AND organization_id<?)"), "{statement}\n{plan}");
    }
}

/// A statement about deliveries with something in the places of its parameters.
fn filled_in(statement: &str, now: Timestamp) -> String {
    let by_number = |text: String, number: usize| {
        let value = match (statement.contains("WITH RECURSIVE walk (receiver"), number) {
            (true, 1) => "'org_7'".to_owned(),
            (true, 2) => "'host-2'".to_owned(),
            (false, 1) if statement.contains("WITH RECURSIVE") => "'org_2'".to_owned(),
            _ => now.millis().to_string(),
        };
        text.replace(&format!("${number}"), &value)
    };
    if statement.contains("ORDER BY organization_id, receiver") {
        // The range of one receiver, as often as there are parts; the lock says nothing of the plan.
        let values = ["'org_7'", "'host-15006'", "0", "'org_7'", "'host-15006'", "9", "9", "1"];
        let mut values = values.iter().cycle();
        return statement.split('$').enumerate().fold(String::new(), |text, (at, piece)| {
            let piece = if at == 0 { piece } else { piece.trim_start_matches(|digit: char| digit.is_ascii_digit()) };
            let value = if at == 0 { "" } else { values.next().copied().unwrap_or_default() };
            text + value + piece
        });
    }
    (1..=4).rev().fold(statement.to_owned(), by_number)
}

fn index(query: &ListOrders) -> &'static str {
    match query.sort_by {
        Some(OrderSort::Amount) => "orders_by_amount",
        Some(OrderSort::UpdatedAt) => "orders_by_updated",
        _ => "orders_by_created",
    }
}

async fn sqlite(place: &Place, query: &ListOrders, statement: &str, ranges: usize) {
    let plan = place.rows(&format!("EXPLAIN QUERY PLAN {statement}")).await;
    let steps: Vec<(&str, &str)> = plan.iter().map(|row| (row[1].as_str(), row[3].as_str())).collect();
    let range =
        format!("SEARCH orders USING COVERING INDEX {} (organization_id=? AND chain_id=? AND currency=? AND <expr>=?)", index(query));
    let found: Vec<&str> = steps.iter().filter(|(_, step)| *step == range).map(|(parent, _)| *parent).collect();
    assert_eq!(found.len(), ranges, "{query:?}\n{steps:#?}");
    // No range is sorted: it is walked in order, to its limit.
    assert!(!steps.iter().any(|(parent, step)| step.contains("TEMP B-TREE") && found.contains(parent)), "{query:?}\n{steps:#?}");
    assert!(!steps.iter().any(|(_, step)| ["SCAN orders", "SCAN o", "SCAN p"].contains(step)), "{query:?}\n{steps:#?}");
}

/// By what it does rather than what it says: no step of it touches more rows than the ranges' limits.
async fn postgres(place: &Place, query: &ListOrders, statement: &str, ranges: usize) {
    let plan = place.rows(&format!("EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) {statement}")).await;
    let plan: Vec<&str> = plan.iter().map(|row| row[0].as_str()).collect();
    let most = LIMIT * u64::try_from(ranges).unwrap();
    let number = |text: &str, after: &str| {
        let digits = text.split_once(after).map(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default());
        digits.map(|digits| digits.parse::<u64>().expect("a number"))
    };
    for line in &plan {
        let touched = number(line, "rows=").or_else(|| number(line, "Rows Removed by Filter: ")).unwrap_or(0);
        assert!(touched <= most, "{touched} rows: {line}\n{query:?}\n{}", plan.join("\n"));
        assert!(!line.contains("Seq Scan on orders"), "{query:?}\n{}", plan.join("\n"));
    }
}
