//! What a chain takes back is taken back here, told where it was believed, and counted once when it comes again.

use std::time::Duration;

use payin_core::Units;
use payin_server::app::orders;
use payin_server::store::Fault;
use payin_tests::gateway::{Kind, fault, request};
use payin_types::order::OrderStatsQuery;
use payin_types::{ListOrders, OrderStatus, OrganizationId};
use serde_json::Value;

use super::World;
use super::line::{Line, Sent, at};

/// The end of the grace period of an order opened at the clock's start.
const CLOSES: u64 = 15 * 60;

pub async fn a_payment_taken_back_unconfirmed(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(1).await;
    super::outbox::endpoint(gateway, &organization, "[\"order.payment_detected\"]").await;
    let order = gateway.create(&organization, request("order")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.blocks(3, at(0)).await;
    line.block(at(10), &[Sent::pays(&order, "100", "0x1")]).await;
    line.block(at(20), &[]).await;
    assert!(world.fresh(&organization, &order).await.detected_at.is_some());
    line.reorganise(2).await;
    let back = world.fresh(&organization, &order).await;
    assert_eq!((back.status, back.detected_at, back.tx_hash, back.block_number), (OrderStatus::Pending, None, None, None));
    assert_eq!(line.cursor().await.unwrap().head_number, 102);
    // What stands in no block confirms nothing, however long the chain grows, and keeps nobody from expiring.
    line.blocks(5, at(30)).await;
    line.settle().await;
    assert_eq!(world.fresh(&organization, &order).await.status, OrderStatus::Pending);
    // The transaction stands in a block again: it is the same transfer.
    gateway.clock.advance(Duration::from_secs(60));
    line.block(at(60), &[Sent::pays(&order, "100", "0x1")]).await;
    let again = world.fresh(&organization, &order).await;
    assert_eq!((again.detected_at, again.block_number), (Some(gateway.now()), Some(108)));
    line.blocks(2, at(61)).await;
    line.settle().await;
    let done = world.fresh(&organization, &order).await;
    assert_eq!((done.status, done.received_amount.unwrap().to_string()), (OrderStatus::Completed, "100.00".to_owned()));
    let rows = world.place.rows("SELECT tx_hash, block_number, block_hash, orphaned_at FROM transfers").await;
    assert_eq!(rows, [["0x1", "108", "0xb1-108", "-"]]);
    let id = order.order_id.as_str();
    let detected = format!("evt_order_payment_detected_{id}");
    assert_eq!(world.events(id).await, [detected.clone(), format!("{detected}_2"), format!("evt_order_completed_{id}")]);
}

/// How many completed orders are listed as taken back, as others, and in all; and how many are counted as taken back.
async fn shown_apart(world: &World, organization: &OrganizationId) -> ([u64; 3], u64) {
    let app = &world.gateway.app;
    let listed = async |is_taken_back: Option<bool>| {
        let query = ListOrders { status: Some(OrderStatus::Completed), ..ListOrders::default() };
        let page = orders::listed(app, organization, query, is_taken_back).await.unwrap();
        assert!(page.data.iter().all(|order| is_taken_back.is_none_or(|wanted| order.is_taken_back == wanted)));
        assert_eq!(u64::try_from(page.data.len()).unwrap(), page.pagination.total);
        page.pagination.total
    };
    let totals = [listed(Some(true)).await, listed(Some(false)).await, listed(None).await];
    (totals, orders::counted(app, organization, OrderStatsQuery::default()).await.unwrap().1)
}

pub async fn a_payment_taken_back_after_completion(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(1).await;
    super::outbox::endpoint(gateway, &organization, "[\"order.completed\"]").await;
    let order = gateway.create(&organization, request("order")).await.unwrap();
    let id = order.order_id.as_str();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.blocks(2, at(0)).await;
    for round in 0..3u64 {
        line.block(at(10 + 20 * round), &[Sent::pays(&order, "100", "0x1")]).await;
        line.blocks(3, at(11 + 20 * round)).await;
        gateway.clock.advance(Duration::from_secs(5));
        line.settle().await;
        let done = world.fresh(&organization, &order).await;
        assert_eq!((done.status, done.received_amount.unwrap().to_string()), (OrderStatus::Completed, "100.00".to_owned()));
        assert_eq!((done.tx_hash.as_deref(), done.block_number), (Some("0x1"), Some(line.head() - 3)));
        assert_eq!(done.completed_at, Some(at(5)), "when it was first completed");
        let reverted = format!("SELECT reverted_at FROM orders WHERE id = '{id}'");
        assert_eq!(world.place.value(&reverted).await, "-");
        if round == 2 {
            break;
        }
        line.reorganise(4).await;
        let back = world.fresh(&organization, &order).await;
        assert_eq!((back.status, back.received_amount.unwrap().to_string()), (OrderStatus::Completed, "0.00".to_owned()));
        // It still says which payment that was, and that nothing confirms it.
        assert_eq!((back.tx_hash.as_deref(), back.confirmations), (Some("0x1"), Some(0)));
        assert_eq!(world.place.value(&reverted).await, gateway.now().millis().to_string());
        assert_eq!(shown_apart(&world, &organization).await, ([1, 0, 1], 1), "those who sell see it as what it is");
        // Nothing is settled while it stands in no block.
        line.settle().await;
    }
    assert_eq!(shown_apart(&world, &organization).await, ([0, 1, 1], 0));
    let (completed, reverted) = (format!("evt_order_completed_{id}"), format!("evt_order_reverted_{id}"));
    let expected = [completed.clone(), reverted.clone(), format!("{completed}_3"), format!("{reverted}_4"), format!("{completed}_5")];
    assert_eq!(world.events(id).await, expected);
    assert_eq!(world.place.value("SELECT COUNT(*) FROM transfers").await, "1");
    // Each was told, with the sum as it stood.
    assert_eq!(world.place.value("SELECT COUNT(*) FROM deliveries").await, "5");
    let bodies = world.place.rows("SELECT body FROM events ORDER BY sequence").await;
    let sums: Vec<Value> =
        bodies.iter().map(|row| serde_json::from_str::<Value>(&row[0]).unwrap()["data"]["receivedAmount"].clone()).collect();
    assert_eq!(sums, ["100.00", "0.00", "100.00", "0.00", "100.00"]);
}

pub async fn what_is_final_is_not_taken_back(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(1).await;
    let order = gateway.create(&organization, request("order")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.block(at(0), &[]).await;
    line.block(at(1), &[Sent::pays(&order, "100", "0x1")]).await;
    line.blocks(3, at(2)).await;
    line.settle().await;
    let is_final = "SELECT final_at FROM transfers";
    assert_eq!(world.place.value(is_final).await, "-", "confirmed is not yet final");
    line.finalized = Some(102);
    line.block(at(5), &[]).await;
    line.settle().await;
    assert_ne!(world.place.value(is_final).await, "-");
    let before = world.place.rows("SELECT * FROM transfers").await;
    // Down to the final block, and not below it; the node's word that finality went back is not believed either.
    for depth in [4, 5] {
        assert!(matches!(fault(gateway.write(line.take_back_unit(depth).await).await), Fault::Corrupt(_)));
    }
    line.reorganise(3).await;
    line.finalized = Some(50);
    line.blocks(4, at(6)).await;
    assert_eq!(line.cursor().await.unwrap().finalized_number, 102);
    assert_eq!(world.place.rows("SELECT * FROM transfers").await, before);
    assert_eq!(world.fresh(&organization, &order).await.status, OrderStatus::Completed);
    // Blocks that nobody will ask for again are forgotten; those that may be taken back are kept.
    assert_eq!(world.place.value("SELECT MIN(number) FROM chain_blocks WHERE chain_id = 'ethereum-sepolia'").await, "102");
}

pub async fn enough_that_stays_is_enough(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(2).await;
    let over = gateway.create(&organization, request("over")).await.unwrap();
    let halves = gateway.create(&organization, request("halves")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.block(at(0), &[Sent::pays(&over, "100", "0x1"), Sent::pays(&halves, "50", "0x2")]).await;
    line.blocks(3, at(1)).await;
    line.settle().await;
    // The second payments come while the first are settled, and are taken back.
    line.block(at(5), &[Sent::pays(&over, "7", "0x3"), Sent::pays(&halves, "50", "0x4")]).await;
    line.blocks(3, at(6)).await;
    line.settle().await;
    assert_eq!(world.fresh(&organization, &over).await.received_amount.unwrap().to_string(), "107.00");
    assert_eq!(world.fresh(&organization, &halves).await.status, OrderStatus::Completed);
    line.reorganise(4).await;
    let (over_now, halves_now) = (world.fresh(&organization, &over).await, world.fresh(&organization, &halves).await);
    assert_eq!(over_now.received_amount.unwrap().to_string(), "100.00");
    assert_eq!(halves_now.received_amount.unwrap().to_string(), "50.00");
    assert_eq!(halves_now.tx_hash.as_deref(), Some("0x2"));
    assert_eq!(world.events(over.order_id.as_str()).await.len(), 1, "still paid: there is nothing to tell");
    assert_eq!(world.events(halves.order_id.as_str()).await.len(), 2);
    // The other half may come in another transaction.
    line.block(at(20), &[Sent::pays(&halves, "50", "0x5")]).await;
    line.blocks(3, at(21)).await;
    line.settle().await;
    let halves_now = world.fresh(&organization, &halves).await;
    assert_eq!(halves_now.received_amount.unwrap().to_string(), "100.00");
    assert_eq!(world.events(halves.order_id.as_str()).await.len(), 3);
}

pub async fn enough_within_the_tolerance_is_enough(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(1).await;
    let order = gateway.create(&organization, request("order")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.tolerance = Units::from_base_units(5, 1).unwrap();
    line.block(at(0), &[Sent::pays(&order, "99.5", "0x1")]).await;
    line.blocks(3, at(1)).await;
    line.settle().await;
    assert_eq!(world.fresh(&organization, &order).await.status, OrderStatus::Completed);
    line.block(at(5), &[Sent::pays(&order, "0.4", "0x2")]).await;
    line.blocks(3, at(6)).await;
    line.settle().await;
    line.reorganise(4).await;
    assert_eq!(world.fresh(&organization, &order).await.received_amount.unwrap().to_string(), "99.50");
    assert_eq!(world.events(order.order_id.as_str()).await.len(), 1, "still paid: there is nothing to tell");
    line.reorganise(2).await;
    line.settle().await;
    assert_eq!(world.events(order.order_id.as_str()).await.len(), 1, "two blocks of four do not hold the payment");
}

pub async fn a_late_payment_may_come_back_in_time(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(2).await;
    let early = gateway.create(&organization, request("early")).await.unwrap();
    let late = gateway.create(&organization, request("late")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.block(at(0), &[]).await;
    // First one is late and the other in time; after the reorganisation it is the other way round.
    line.block(at(CLOSES), &[Sent::pays(&late, "100", "0xlate")]).await;
    line.block(at(CLOSES + 1), &[Sent::pays(&early, "100", "0xearly")]).await;
    assert_eq!((world.verdict("0xearly").await.as_str(), world.verdict("0xlate").await.as_str()), ("late", "-"));
    line.reorganise(2).await;
    line.block(at(CLOSES), &[Sent::pays(&early, "100", "0xearly")]).await;
    line.block(at(CLOSES + 1), &[Sent::pays(&late, "100", "0xlate")]).await;
    assert_eq!((world.verdict("0xearly").await.as_str(), world.verdict("0xlate").await.as_str()), ("-", "late"));
    line.blocks(4, at(CLOSES + 2)).await;
    line.settle().await;
    line.expire().await;
    let (early, late) = (world.fresh(&organization, &early).await, world.fresh(&organization, &late).await);
    assert_eq!((early.status, early.paid_late), (OrderStatus::Completed, None));
    assert_eq!((late.status, late.paid_late), (OrderStatus::Expired, Some(true)));
}

pub async fn what_comes_back_may_be_something_else(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(2).await;
    super::outbox::endpoint(gateway, &organization, "[\"order.completed\", \"order.reverted\"]").await;
    let order = gateway.create(&organization, request("order")).await.unwrap();
    let other = gateway.create(&organization, request("other")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.blocks(3, at(0)).await;
    line.block(at(10), &[Sent::pays(&order, "100", "0x1"), Sent::pays(&order, "100", "0x2"), Sent::pays(&order, "100", "0x3")]).await;
    line.reorganise(1).await;
    // Included again, the contract paid one cent; the second transaction paid somebody else one; the third another token.
    let changed =
        [Sent::pays(&order, "0.01", "0x1"), Sent::pays(&other, "0.01", "0x2"), Sent::pays(&order, "100", "0x3").in_currency("USDC")];
    line.block(at(11), &changed).await;
    line.blocks(5, at(30)).await;
    line.settle().await;
    for order in [&order, &other] {
        let now = world.fresh(&organization, order).await;
        assert_eq!((now.status, now.received_amount.map(|sum| sum.to_string())), (OrderStatus::Pending, Some("0.01".to_owned())));
        assert_eq!(now.completed_at, None);
        assert!(world.events(order.order_id.as_str()).await.is_empty());
    }
    let rows = world.place.rows("SELECT tx_hash, order_id, currency, unmatched, to_address FROM transfers ORDER BY tx_hash").await;
    let row = |tx: &str, order: &payin_types::Order, currency: &str, unmatched: &str| {
        [tx, order.order_id.as_str(), currency, unmatched, &order.address].map(str::to_owned).to_vec()
    };
    let unmatched = world.verdict("0x3").await;
    assert_ne!(unmatched, "-", "another currency counts for nothing");
    assert_eq!(rows, [row("0x1", &order, "USDT", "-"), row("0x2", &other, "USDT", "-"), row("0x3", &order, "USDC", &unmatched)]);
    // What is missing is paid, and only that completes it.
    line.block(at(60), &[Sent::pays(&order, "99.99", "0x4")]).await;
    line.blocks(3, at(61)).await;
    line.settle().await;
    let done = world.fresh(&organization, &order).await;
    assert_eq!((done.status, done.received_amount.unwrap().to_string()), (OrderStatus::Completed, "100.00".to_owned()));
    assert_eq!(world.fresh(&organization, &other).await.status, OrderStatus::Pending);
}
