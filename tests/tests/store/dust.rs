//! Floods of dust cost their sender little and us less: each is recorded and counted once, nobody is told of it, and it moves no order by itself.

use std::time::Duration;

use payin_server::app::{deposits, reconcile, transfers};
use payin_tests::gateway::{Kind, request};
use payin_types::transfer::ListTransfers;
use payin_types::{BindDeposit, OrderStatus};

use super::World;
use super::line::{Line, Sent, at};

/// The end of the grace period of an order opened at the clock's start.
const CLOSES: u64 = 15 * 60;
/// What every endpoint here asks to be told.
const ALL: &str = r#"["order.completed","order.expired","order.payment_detected","order.paid_late","order.reverted","transfer.detected",
    "transfer.confirmed","transfer.unmatched","deposit.pending","deposit.confirmed","deposit.completed","deposit.reverted"]"#;
/// Transfers of one flood.
const FLOOD: usize = 250;

fn flood(to: &str, name: &str, amount: &'static str) -> Vec<Sent> {
    (0..FLOOD).map(|number| Sent::to(to, amount, &format!("0x{name}{number}"))).collect()
}

pub async fn dust_is_recorded_and_not_told(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (organization, _) = gateway.organization("Merchant").await;
    let addresses = gateway.addresses(4);
    gateway.import(&organization, &addresses).await.unwrap();
    super::outbox::endpoint(gateway, &organization, ALL).await;
    let order = gateway.create(&organization, request("order")).await.unwrap();
    let bind = BindDeposit::new("alice", "USDT", "ethereum-sepolia");
    let alice = gateway.write(deposits::Bind::new(&gateway.app, organization.clone(), Ok(bind))).await.unwrap();
    let free = addresses.iter().find(|address| **address != order.address && **address != alice.address).unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    let told = || world.place.value("SELECT COUNT(*) FROM events");
    let before = told().await;
    line.blocks(2, at(0)).await;
    for (number, to) in [(1, &order.address), (2, &alice.address), (3, free)] {
        line.block(at(10 + number), &flood(to, &format!("dust{number}"), "0.000001")).await;
    }
    let other = Sent::pays(&order, "0.009999", "0xother").in_currency("USDC");
    line.block(at(14), &[other]).await;
    line.blocks(4, at(15)).await;
    line.settle().await;
    line.finalize(at(20)).await;
    line.settle().await;
    // Every one is there, once, and counts; the order knows the sum and has not seen a payment.
    assert_eq!(world.place.value("SELECT COUNT(*) FROM transfers WHERE final_at IS NOT NULL").await, (3 * FLOOD + 1).to_string());
    let dusted = world.fresh(&organization, &order).await;
    assert_eq!((dusted.received_amount.unwrap().to_string().as_str(), dusted.status), ("0.00025", OrderStatus::Pending));
    assert_eq!((dusted.detected_at, dusted.tx_hash), (None, None), "dust is not shown as a payment");
    let reference = deposits::get(&gateway.app, &organization, "alice").await.unwrap();
    let [total] = reference.total_amount.iter().collect::<Vec<_>>()[..] else { panic!("{reference:?}") };
    assert_eq!(total.1.to_string(), "0.00025");
    assert_eq!(told().await, before, "nobody is told of dust");
    assert!(!world.quarantined(free).await && !world.quarantined(&order.address).await);
    // It does not keep the order from expiring, nor come back as a late payment.
    line.block(at(CLOSES + 1), &flood(&order.address, "late", "0.000001")).await;
    line.blocks(4, at(CLOSES + 2)).await;
    line.settle().await;
    assert_eq!(line.expire().await, std::slice::from_ref(&order.order_id));
    let expired = world.fresh(&organization, &order).await;
    assert_eq!((expired.status, expired.paid_late), (OrderStatus::Expired, None));
    assert_eq!(world.events(order.order_id.as_str()).await, [format!("evt_order_expired_{}", order.order_id)]);
    let all = transfers::list(&gateway.app, &organization, ListTransfers::default()).await.unwrap();
    assert_eq!(all.pagination.total, 4 * FLOOD as u64 + 1, "whoever looks finds it");
}

pub async fn many_small_parts_are_a_payment(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(4).await;
    super::outbox::endpoint(gateway, &organization, ALL).await;
    let asks = |reference: &str, amount: &str| {
        let mut request = request(reference);
        request.amount = amount.parse().unwrap();
        request
    };
    let parts = gateway.create(&organization, asks("parts", "1")).await.unwrap();
    let tail = gateway.create(&organization, asks("tail", "1")).await.unwrap();
    let tiny = gateway.create(&organization, asks("tiny", "0.000002")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.blocks(2, at(0)).await;
    // 250 parts of 0.004 are 1, and the order has seen them once they come to a payment.
    let sent = flood(&parts.address, "part", "0.004");
    line.block(at(9), &sent[..2]).await;
    assert_eq!(world.fresh(&organization, &parts).await.detected_at, None);
    gateway.clock.advance(Duration::from_secs(1));
    line.block(at(10), &sent[2..]).await;
    assert_eq!(world.fresh(&organization, &parts).await.detected_at, Some(gateway.now()));
    line.block(at(11), &[Sent::pays(&tail, "0.999999", "0xmost"), Sent::pays(&tiny, "0.000001", "0xone")]).await;
    assert_eq!(world.fresh(&organization, &tiny).await.detected_at, None);
    line.block(at(12), &[Sent::pays(&tail, "0.000001", "0xrest"), Sent::pays(&tiny, "0.000001", "0xtwo")]).await;
    line.blocks(2, at(13)).await;
    line.settle().await;
    for (order, sum) in [(&parts, "1.00"), (&tail, "1.00"), (&tiny, "0.000002")] {
        let done = world.fresh(&organization, order).await;
        assert_eq!((done.status, done.received_amount.unwrap().to_string().as_str()), (OrderStatus::Completed, sum));
        let id = &order.order_id;
        let expected = [format!("evt_order_payment_detected_{id}"), format!("evt_order_completed_{id}")];
        assert_eq!(world.events(id.as_str()).await, expected, "once each, of however many parts");
    }
    // The payment that is shown is the one somebody made, not the dust behind it; where there is only dust, that.
    assert_eq!(world.fresh(&organization, &tail).await.tx_hash.as_deref(), Some("0xmost"));
    assert_eq!(world.fresh(&organization, &tiny).await.tx_hash.as_deref(), Some("0xtwo"));
    // A tolerance may let even less pass.
    let little = gateway.create(&organization, asks("little", "0.012")).await.unwrap();
    line.tolerance = payin_core::Units::from_base_units(5, 3).unwrap();
    line.block(at(20), &[Sent::pays(&little, "0.007", "0xlittle")]).await;
    line.blocks(2, at(21)).await;
    line.settle().await;
    let done = world.fresh(&organization, &little).await;
    assert_eq!((done.status, done.tx_hash.as_deref(), done.detected_at), (OrderStatus::Completed, Some("0xlittle"), Some(gateway.now())));
    line.tolerance = payin_core::Units::ZERO;
    // Taken back, the parts are taken back.
    line.reorganise(8).await;
    let back = world.fresh(&organization, &parts).await;
    assert_eq!(back.received_amount.unwrap().to_string(), "0.008");
    assert_eq!(world.events(parts.order_id.as_str()).await.len(), 3);
}

pub async fn somebody_elses_busy_address_fills_nothing(kind: Kind) {
    const MOST: usize = 300;
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(2).await;
    let order = gateway.create(&organization, request("order")).await.unwrap();
    let busy = world.place.value("SELECT address FROM pool_addresses WHERE held = 0").await;
    let many = |name: &str, amount: &'static str| {
        (0..MOST + 20).map(|number| Sent::to(&busy, amount, &format!("0x{name}{number}"))).collect::<Vec<_>>()
    };
    let rows = async || world.place.value("SELECT COUNT(*) FROM transfers").await.parse::<usize>().unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.blocks(2, at(0)).await;
    line.block(at(10), &many("dust", "0.000001")).await;
    assert_eq!(rows().await, MOST, "of dust so much is recorded");
    let sent = many("money", "5");
    let block = line.next(at(11));
    line.block(at(11), &sent).await;
    assert_eq!(rows().await, 2 * MOST, "which hides nothing that is worth something; and of that no more either");
    // What was passed over is known to be, and no difference to the chain.
    let theirs: Vec<_> = sent.iter().map(|sent| line.transfer(sent, &block).1).collect();
    assert_eq!(reconcile::compare(&gateway.app, &line.chain, (block.number, block.number), &theirs).await.unwrap(), []);
    // Small ones hide no large one: neither from the books, nor from whoever compares them with the chain.
    let large = Sent::to(&busy, "10000", "0xlarge");
    let block = line.next(at(12));
    let (_, hidden) = line.transfer(&large, &block);
    let compared = (block.number, block.number);
    assert_eq!(reconcile::compare(&gateway.app, &line.chain, compared, std::slice::from_ref(&hidden)).await.unwrap().len(), 1);
    line.block(at(12), &[large]).await;
    assert_eq!(rows().await, 2 * MOST + 1);
    let passed = world.place.rows("SELECT size, recorded, passed_over FROM strays ORDER BY size").await;
    assert_eq!(passed, [["0", "300", "20"], ["2", "300", "20"], ["6", "1", "0"]]);
    // Whatever pays an order is recorded, however many there are; and each hour anew.
    let parts: Vec<Sent> = (0..MOST + 20).map(|number| Sent::pays(&order, "0.01", &format!("0xpart{number}"))).collect();
    line.block(at(13), &parts).await;
    assert_eq!(rows().await, 3 * MOST + 21);
    line.block(at(3611), &many("later", "5")[..1]).await;
    assert_eq!(rows().await, 3 * MOST + 22);
}
