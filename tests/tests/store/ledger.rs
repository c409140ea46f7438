//! From blocks to orders: paid once, expired by chain time, strays kept apart. The blocks and transfers are made up.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use payin_server::app::ledger::{Halt, TakeBlocks};
use payin_server::store::{Fault, chains, transfers};
use payin_tests::gateway::{Kind, fault, request};
use payin_types::{Order, OrderStatus, OrganizationId};

use super::World;
use super::line::{Line, Sent, at};

/// The last second in which a payment of an order opened at the clock's start counts: window and grace.
const CLOSES: u64 = 15 * 60;

impl World {
    pub async fn events(&self, object: &str) -> Vec<String> {
        let rows = self.place.rows(&format!("SELECT id FROM events WHERE object_id = '{object}' ORDER BY sequence")).await;
        rows.into_iter().flatten().collect()
    }

    /// Why each transfer counts for nobody, by transaction; `-` if it counts.
    pub async fn verdict(&self, tx: &str) -> String {
        self.place.value(&format!("SELECT unmatched FROM transfers WHERE tx_hash = '{tx}'")).await
    }

    pub async fn quarantined(&self, address: &str) -> bool {
        self.place.value(&format!("SELECT quarantined_at FROM pool_addresses WHERE address = '{address}'")).await != "-"
    }

    pub async fn fresh(&self, organization: &OrganizationId, order: &Order) -> Order {
        self.gateway.order(organization, order.order_id.as_str()).await
    }
}

fn received(order: &Order) -> String {
    order.received_amount.expect("a sum").to_string()
}

/// Whoever writes past every rule of ours is stopped by the database.
pub async fn an_order_has_one_end(kind: Kind) {
    let world = World::new(kind).await;
    let organization = world.gateway.merchant(3).await;
    for (reference, first, second) in [("a", "completed_at", "expired_at"), ("b", "expired_at", "completed_at")] {
        let order = world.gateway.create(&organization, request(reference)).await.unwrap();
        let end = |column: &str| format!("UPDATE orders SET {column} = 1 WHERE id = '{}'", order.order_id);
        assert_eq!(world.place.execute(&end(first)).await, 1);
        let refused = AssertUnwindSafe(world.place.execute(&end(second))).catch_unwind().await;
        let said = refused.expect_err("it is refused");
        assert!(said.downcast_ref::<String>().is_some_and(|said| said.to_lowercase().contains("check")), "{reference}: {said:?}");
    }
}

pub async fn an_order_completes_once(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(1).await;
    let order = gateway.create(&organization, request("order")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.block(at(0), &[]).await;
    line.block(at(10), &[Sent::pays(&order, "100", "0x1")]).await;
    line.settle().await;
    let seen = world.fresh(&organization, &order).await;
    assert_eq!((&seen.status, seen.confirmations, seen.tx_hash.as_deref()), (&OrderStatus::Pending, Some(1), Some("0x1")));
    assert_eq!((seen.detected_at, received(&seen)), (Some(gateway.now()), "0.00".to_owned()));
    line.block(at(20), &[]).await;
    assert!(!gateway.write(line.settle_unit()).await.unwrap(), "two confirmations are not three");
    line.block(at(30), &[]).await;
    gateway.clock.advance(Duration::from_secs(30));
    let settled = join_all((0..16).map(|_| gateway.write(line.settle_unit()))).await;
    assert_eq!(settled.into_iter().filter(|settled| *settled.as_ref().unwrap()).count(), 1);
    let done = world.fresh(&organization, &order).await;
    assert_eq!((&done.status, done.confirmations, received(&done)), (&OrderStatus::Completed, Some(3), "100.00".to_owned()));
    assert_eq!((done.completed_at, done.block_number), (Some(gateway.now()), Some(101)));
    gateway.clock.advance(Duration::from_secs(30));
    line.settle().await;
    line.blocks(5, at(40)).await;
    line.settle().await;
    assert_eq!(world.fresh(&organization, &order).await.completed_at, done.completed_at);
    assert_eq!(world.events(order.order_id.as_str()).await, [format!("evt_order_completed_{}", order.order_id)]);
    // It stays completed when its time is over.
    line.blocks(5, at(CLOSES + 1)).await;
    assert_eq!(line.expire().await, []);
    gateway.write(line.expire_unit(&order.order_id)).await.unwrap();
    assert_eq!(world.fresh(&organization, &order).await.status, OrderStatus::Completed);
}

pub async fn payments_add_up(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(3).await;
    let mut orders = Vec::new();
    for reference in ["halves", "under", "over"] {
        orders.push(gateway.create(&organization, request(reference)).await.unwrap());
    }
    let [halves, under, over] = orders.as_slice() else { unreachable!() };
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    // One transaction may pay several orders, and one order several times.
    let first = [
        Sent::pays(halves, "60.000001", "0x1"),
        Sent::pays(under, "99.999999", "0x1").at_ordinal(1),
        Sent::pays(over, "100", "0x1").at_ordinal(7),
        Sent::pays(over, "0.5", "0x1").at_ordinal(8),
    ];
    line.block(at(10), &first).await;
    line.blocks(2, at(11)).await;
    line.settle().await;
    let shown = |order: Order| (order.status.clone(), received(&order));
    assert_eq!(shown(world.fresh(&organization, halves).await), (OrderStatus::Pending, "60.000001".to_owned()));
    assert_eq!(shown(world.fresh(&organization, under).await), (OrderStatus::Pending, "99.999999".to_owned()));
    assert_eq!(shown(world.fresh(&organization, over).await), (OrderStatus::Completed, "100.50".to_owned()));
    line.block(at(CLOSES), &[Sent::pays(halves, "39.999999", "0x2")]).await;
    line.blocks(2, at(CLOSES)).await;
    line.settle().await;
    assert_eq!(shown(world.fresh(&organization, halves).await), (OrderStatus::Completed, "100.00".to_owned()));
    line.blocks(4, at(CLOSES + 1)).await;
    assert_eq!(line.expire().await, std::slice::from_ref(&under.order_id));
    assert_eq!(shown(world.fresh(&organization, under).await), (OrderStatus::Expired, "99.999999".to_owned()));
}

pub async fn a_transfer_is_one_row(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(1).await;
    let order = gateway.create(&organization, request("order")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    let half = || Sent::pays(&order, "50", "0x1");
    line.block(at(1), &[half(), half()]).await;
    line.block(at(2), &[half()]).await;
    line.blocks(3, at(3)).await;
    line.settle().await;
    line.block(at(6), &[half()]).await;
    line.blocks(3, at(7)).await;
    line.settle().await;
    assert_eq!(world.place.rows("SELECT tx_hash, ordinal, block_number FROM transfers").await, [["0x1", "0", "100"]]);
    let order = world.fresh(&organization, &order).await;
    assert_eq!((order.status.clone(), received(&order)), (OrderStatus::Pending, "50.00".to_owned()));
    // The same transaction on another chain is another one.
    let mut other = Line::new(gateway, "base-sepolia").await;
    other.block(at(1), &[half()]).await;
    assert_eq!(world.place.value("SELECT COUNT(*) FROM transfers").await, "2");
}

pub async fn a_cursor_elsewhere_changes_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(1).await;
    let order = gateway.create(&organization, request("order")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.block(at(0), &[]).await;
    line.block(at(1), &[]).await;
    let old = line.cursor().await;
    let stale_back = line.take_back_unit(1).await;
    line.block(at(2), &[]).await;
    let state = || async {
        let mut rows = world.place.rows("SELECT * FROM chain_cursors").await;
        rows.extend(world.place.rows("SELECT * FROM chain_blocks ORDER BY number").await);
        rows.extend(world.place.rows("SELECT * FROM transfers").await);
        rows.extend(world.place.rows("SELECT * FROM orders").await);
        rows
    };
    let before = state().await;
    let block = line.next(at(3));
    let unit = |from| {
        let transfers = vec![line.transfer(&Sent::pays(&order, "100", "0x1"), &block)];
        let (lease, chain) = (line.lease.clone(), line.chain.clone());
        TakeBlocks { lease, chain, from, low: block.number, blocks: vec![block.clone()], transfers, finalized: None, now: gateway.now() }
    };
    for from in [old.clone(), None] {
        assert!(matches!(fault(gateway.write(unit(from)).await), Fault::Guard { .. }));
    }
    assert!(matches!(fault(gateway.write(stale_back).await), Fault::Guard { .. }));
    let halt = Halt { lease: line.lease.clone(), chain: line.chain.clone(), from: old.unwrap(), reason: "stale".to_owned() };
    assert!(matches!(fault(gateway.write(halt).await), Fault::Guard { .. }));
    assert_eq!(state().await, before);
    // Of many who stand where the cursor stands, one moves it.
    let from = line.cursor().await;
    let results = join_all((0..8).map(|_| gateway.write(unit(from.clone())))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results.into_iter().filter(Result::is_err).all(|result| matches!(fault(result), Fault::Guard { .. })));
    assert_eq!(world.place.value("SELECT COUNT(*) FROM transfers").await, "1");
    assert_eq!(world.place.value("SELECT MAX(number) FROM chain_blocks").await, block.number.to_string());
    // A halted chain keeps its place, and a sandbox that begins anew forgets it.
    let from = line.cursor().await.unwrap();
    let halt = Halt { lease: line.lease.clone(), chain: line.chain.clone(), from: from.clone(), reason: "look".to_owned() };
    gateway.write(halt).await.unwrap();
    let halted = line.cursor().await.unwrap();
    assert_eq!((halted.halted.as_deref(), halted.head_number), (Some("look"), from.head_number));
    gateway.tx(|tx| Box::pin(async move { Ok(chains::forget_all(tx).await?) })).await.unwrap();
    assert_eq!(line.cursor().await, None);
    let mut conn = gateway.app.store.read().await.unwrap();
    assert_eq!(chains::blocks_from(&mut conn, "ethereum-sepolia", 0).await.unwrap(), []);
}

pub async fn orders_expire_by_chain_time(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(1).await;
    let order = gateway.create(&organization, request("order")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    let status = || async { world.fresh(&organization, &order).await.status };
    // Our clock runs a week ahead; the chain stands still, then comes along slowly.
    gateway.clock.advance(Duration::from_secs(7 * 86_400));
    gateway.write(line.expire_unit(&order.order_id)).await.unwrap();
    assert_eq!((line.expire().await.len(), status().await), (0, OrderStatus::Pending));
    line.blocks(5, at(0)).await;
    assert_eq!((line.expire().await.len(), status().await), (0, OrderStatus::Pending));
    // A block past the end is there, but the newest confirmed one is not past it.
    line.block(at(CLOSES), &[]).await;
    line.blocks(2, at(CLOSES + 100)).await;
    assert_eq!(line.cursor().await.unwrap().confirmed_time, Some(at(CLOSES)));
    gateway.write(line.expire_unit(&order.order_id)).await.unwrap();
    assert_eq!((line.expire().await.len(), status().await), (0, OrderStatus::Pending));
    line.block(at(CLOSES + 200), &[]).await;
    let results = join_all((0..8).map(|_| gateway.write(line.expire_unit(&order.order_id)))).await;
    assert!(results.iter().all(Result::is_ok));
    let expired = world.fresh(&organization, &order).await;
    assert_eq!((expired.status, expired.expired_at, expired.paid_late), (OrderStatus::Expired, Some(gateway.now()), None));
    assert_eq!(world.events(order.order_id.as_str()).await, [format!("evt_order_expired_{}", order.order_id)]);
    assert_eq!(line.expire().await, []);
}

pub async fn expiring_and_settling_agree(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(20).await;
    let mut orders = Vec::new();
    for number in 0..20 {
        orders.push(gateway.create(&organization, request(&format!("order {number}"))).await.unwrap());
    }
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    // Paid in the last block that counts, half of them not enough; confirmed, but not settled, when their time is over.
    let pay = |(number, order): (usize, &Order)| Sent::pays(order, ["100", "1"][number % 2], &format!("0x{number}"));
    let paid: Vec<Sent> = orders.iter().enumerate().map(pay).collect();
    line.block(at(CLOSES), &paid).await;
    line.blocks(3, at(CLOSES + 1)).await;
    let mut conn = gateway.app.store.read().await.unwrap();
    let due = payin_server::store::orders::due_to_expire(&mut conn, "ethereum-sepolia", at(CLOSES + 1), 50).await.unwrap();
    assert_eq!(due, [], "who has a payment waiting is not due");
    assert!(transfers::waiting(&mut conn, &line.chain, transfers::Heights { confirmed: 101, finalized: 0 }).await.unwrap());
    drop(conn);
    let expire = || join_all(orders.iter().map(|order| gateway.write(line.expire_unit(&order.order_id))));
    let (before, settled, after) = futures_util::join!(expire(), gateway.write(line.settle_unit()), expire());
    assert!(settled.unwrap());
    assert!(before.into_iter().chain(after).all(|result| result.is_ok()));
    line.expire().await;
    for (number, order) in orders.iter().enumerate() {
        let order = world.fresh(&organization, order).await;
        let (status, sum) = if number % 2 == 0 { (OrderStatus::Completed, "100.00") } else { (OrderStatus::Expired, "1.00") };
        assert_eq!((order.status.clone(), received(&order)), (status, sum.to_owned()), "{number}");
        assert_eq!(world.events(order.order_id.as_str()).await.len(), 1);
    }
}

pub async fn money_for_nobody_is_kept_apart(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (organization, _) = gateway.organization("Merchant").await;
    let addresses = gateway.addresses(5);
    gateway.import(&organization, &addresses).await.unwrap();
    let by_currency = gateway.create(&organization, request("currency")).await.unwrap();
    let by_chain = gateway.create(&organization, request("chain")).await.unwrap();
    let dusted = gateway.create(&organization, request("dust")).await.unwrap();
    let [free, dusted_free] = [&addresses[3], &addresses[4]];
    let stranger = gateway.addresses(1).remove(0);
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    let mut base = Line::new(gateway, "base-sepolia").await;
    let sent = [
        Sent::pays(&by_currency, "100", "0xcurrency").in_currency("USDC"),
        Sent::pays(&dusted, "0.009999", "0xdust").in_currency("USDC"),
        Sent::to(free, "0.01", "0xfree"),
        Sent::to(dusted_free, "0.009999", "0xfreedust"),
        Sent::to(&stranger, "100", "0xstranger"),
    ];
    line.block(at(1), &sent).await;
    line.blocks(5, at(2)).await;
    line.settle().await;
    base.block(at(1), &[Sent::pays(&by_chain, "100", "0xchain")]).await;
    base.blocks(5, at(2)).await;
    base.settle().await;
    assert_eq!(world.place.value("SELECT COUNT(*) FROM transfers").await, "5", "an address that is nobody's is no business of ours");
    let expected = [
        ("0xcurrency", "wrong_currency", by_currency.address.as_str(), true),
        ("0xdust", "wrong_currency", &dusted.address, false),
        ("0xfree", "no_holder", free, true),
        ("0xfreedust", "no_holder", dusted_free, false),
        ("0xchain", "wrong_chain", &by_chain.address, true),
    ];
    for (tx, reason, address, quarantined) in expected {
        assert_eq!((world.verdict(tx).await.as_str(), world.quarantined(address).await), (reason, quarantined), "{tx}");
    }
    for order in [&by_currency, &by_chain, &dusted] {
        let order = world.fresh(&organization, order).await;
        assert_eq!((order.status.clone(), received(&order), order.detected_at), (OrderStatus::Pending, "0.00".to_owned(), None));
    }
    // The quarantined address is given to nobody; the dusted one is.
    let next = gateway.create(&organization, request("next")).await.unwrap();
    assert_eq!(&next.address, dusted_free);
    assert!(gateway.create(&organization, request("one too many")).await.is_err());
    // What was asked for still completes an order, on a quarantined address too.
    line.block(at(20), &[Sent::pays(&by_currency, "100", "0xright")]).await;
    line.blocks(3, at(21)).await;
    line.settle().await;
    assert_eq!(world.fresh(&organization, &by_currency).await.status, OrderStatus::Completed);
}

pub async fn late_money_is_told(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(2).await;
    let late = gateway.create(&organization, request("late")).await.unwrap();
    let twice = gateway.create(&organization, request("twice")).await.unwrap();
    let asked = "[\"transfer.unmatched\",\"order.paid_late\",\"order.payment_detected\"]";
    super::outbox::endpoint(gateway, &organization, asked).await;
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.block(at(5), &[Sent::pays(&twice, "100", "0xfirst")]).await;
    // A second too late by the block's time; the second payment of a completed order is late too.
    line.block(at(CLOSES + 1), &[Sent::pays(&late, "100", "0xlate"), Sent::pays(&twice, "100", "0xagain")]).await;
    line.blocks(3, at(CLOSES + 2)).await;
    line.settle().await;
    let open = world.fresh(&organization, &late).await;
    assert_eq!((open.status, open.paid_late), (OrderStatus::Pending, None));
    assert_eq!(line.expire().await, std::slice::from_ref(&late.order_id));
    let expired = world.fresh(&organization, &late).await;
    assert_eq!((expired.status.clone(), expired.paid_late, received(&expired)), (OrderStatus::Expired, Some(true), "0.00".to_owned()));
    line.block(at(CLOSES + 50), &[Sent::pays(&late, "1", "0xlater")]).await;
    for tx in ["0xlate", "0xagain", "0xlater"] {
        assert_eq!(world.verdict(tx).await, "late");
        let id = world.place.value(&format!("SELECT id FROM transfers WHERE tx_hash = '{tx}'")).await;
        assert_eq!(world.events(&id).await, [format!("evt_transfer_unmatched_{id}")]);
    }
    let told = |order: &Order| {
        let (world, id) = (&world, order.order_id.clone());
        async move { world.events(id.as_str()).await.into_iter().collect::<BTreeSet<String>>() }
    };
    let id = &late.order_id;
    assert_eq!(told(&late).await, BTreeSet::from([format!("evt_order_paid_late_{id}"), format!("evt_order_expired_{id}")]));
    // An order that was paid in time is not told to be paid late, although more came late before the first was confirmed.
    let id = &twice.order_id;
    let expected = [format!("evt_order_payment_detected_{id}"), format!("evt_order_completed_{id}")];
    assert_eq!(told(&twice).await, BTreeSet::from(expected));
    let done = world.fresh(&organization, &twice).await;
    assert_eq!((done.status.clone(), received(&done), done.paid_late), (OrderStatus::Completed, "100.00".to_owned(), None));
    assert!(world.quarantined(&late.address).await && world.quarantined(&twice.address).await);
}
