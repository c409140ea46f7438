//! Addresses that were let go of: when, by whose clock and in which order they are given to somebody else, and when never.

use std::time::Duration;

use futures_util::future::join_all;
use payin_server::app::ledger::Release;
use payin_server::app::pool;
use payin_server::store::Fault;
use payin_tests::gateway::{Gateway, Kind, fault, refusal, request};
use payin_types::{ErrorCode, Order, OrderStatus, OrganizationId, PoolStatus, Protocol};

use super::World;
use super::line::{Line, Sent, at};

/// Past the grace period of an order opened at the clock's start.
const OVER: u64 = 15 * 60 + 1;
/// How long an address rests.
const COOLDOWN: u64 = 30 * 60;

/// Every chain of the family, followed.
async fn family(gateway: &Gateway) -> [Line; 3] {
    let mut lines =
        [Line::new(gateway, "ethereum-sepolia").await, Line::new(gateway, "base-sepolia").await, Line::new(gateway, "bsc-testnet").await];
    for line in &mut lines {
        line.block(at(0), &[]).await;
    }
    lines
}

/// Lets every open order of a chain expire and let go of its address, `seconds` after the start in chain time. Answers who did.
async fn all_over(line: &mut Line, seconds: u64) -> usize {
    line.blocks(4, at(seconds)).await;
    line.expire().await;
    line.finalize(at(seconds + 5)).await;
    line.release().await.len()
}

async fn no_address(gateway: &Gateway, organization: &OrganizationId, reference: &str) -> bool {
    match gateway.create(organization, request(reference)).await {
        Ok(_) => false,
        refused => refusal(refused).code == ErrorCode::NoAvailableAddresses,
    }
}

async fn counts(gateway: &Gateway, organization: &OrganizationId) -> payin_types::pool::PoolCounts {
    let status: PoolStatus = pool::status(&gateway.app, organization).await.unwrap();
    status[&Protocol::Evm]
}

pub async fn addresses_come_back_in_chain_time(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(2).await;
    let first = gateway.create(&organization, request("first")).await.unwrap();
    let [mut line, mut base, mut bsc] = family(gateway).await;
    assert_eq!(all_over(&mut line, OVER).await, 1);
    let released_at = at(OVER + 5);
    let free_from = OVER + 5 + COOLDOWN;
    let begins = |order: &Order| format!("SELECT begins_at FROM assignments WHERE holder_id = '{}'", order.order_id);
    assert_eq!(world.place.value(&begins(&first)).await, "0");
    let counted = counts(gateway, &organization).await;
    assert_eq!((counted.available, counted.cooling_down, counted.allocated), (1, 1, 0));
    // Never used comes first, although the other has been free for long by our clock.
    gateway.clock.advance(Duration::from_secs(30 * 3_600));
    let second = gateway.create(&organization, request("second")).await.unwrap();
    assert_ne!(second.address, first.address);
    assert!(no_address(gateway, &organization, "third").await, "the chains have not come so far");
    for line in [&mut line, &mut base, &mut bsc] {
        line.block(at(free_from - 1), &[]).await;
    }
    assert!(no_address(gateway, &organization, "third").await, "a second of cooldown is left");
    for line in [&mut line, &mut base, &mut bsc] {
        line.block(at(free_from), &[]).await;
    }
    // One address, and many who want it.
    let orders = join_all((0..8).map(|number| gateway.create(&organization, request(&format!("rival {number}"))))).await;
    let opened: Vec<Order> = orders.into_iter().flatten().collect();
    let [third] = opened.as_slice() else { panic!("{opened:?}") };
    assert_eq!(third.address, first.address);
    // Its time with the address begins where the first one's ended, not when our clock says that it was created.
    assert_eq!(world.place.value(&begins(third)).await, released_at.millis().to_string());
    // A block between the two times is the second holder's; one before, the first one's, however late it is read.
    let sent = [Sent::pays(third, "100", "0xsecond")];
    line.block(at(free_from + 1), &sent).await;
    assert_eq!(world.verdict("0xsecond").await, "-");
    let whose = "SELECT order_id FROM transfers WHERE tx_hash = '0xsecond'";
    assert_eq!(world.place.value(whose).await, third.order_id.as_str());
}

pub async fn addresses_wait_for_the_slowest_chain(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(1).await;
    gateway.create(&organization, request("first")).await.unwrap();
    assert_eq!(world.place.execute("DELETE FROM chain_cursors WHERE chain_id <> 'ethereum-sepolia'").await, 2);
    world.place.execute("DELETE FROM chain_blocks WHERE chain_id <> 'ethereum-sepolia'").await;
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.block(at(0), &[]).await;
    assert_eq!(all_over(&mut line, OVER).await, 1);
    gateway.clock.advance(Duration::from_secs(30 * 3_600));
    let late_enough = at(OVER + 5 + COOLDOWN);
    line.block(late_enough, &[]).await;
    assert!(no_address(gateway, &organization, "second").await, "two chains of the family were never followed");
    let mut base = Line::new(gateway, "base-sepolia").await;
    base.block(late_enough, &[]).await;
    assert!(no_address(gateway, &organization, "second").await, "one chain of the family was never followed");
    let mut bsc = Line::new(gateway, "bsc-testnet").await;
    bsc.block(at(OVER), &[]).await;
    assert!(no_address(gateway, &organization, "second").await, "one chain of the family lags");
    bsc.block(late_enough, &[]).await;
    gateway.create(&organization, request("second")).await.unwrap();
}

pub async fn the_longest_released_comes_first(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(3).await;
    let [mut line, mut base, mut bsc] = family(gateway).await;
    let mut orders = Vec::new();
    for reference in ["a", "b", "c"] {
        orders.push(gateway.create(&organization, request(reference)).await.unwrap());
    }
    line.blocks(4, at(OVER)).await;
    assert_eq!(line.expire().await.len(), 3);
    line.finalize(at(OVER + 5)).await;
    let due = line.due_to_release().await;
    // Released in an order that is not the order of import.
    for (number, place) in [1, 2, 0].into_iter().zip(0..) {
        line.block(at(OVER + 10 + place), &[]).await;
        let order = &orders[number].order_id;
        let address_id = due.iter().find(|(id, _)| id == order).expect("due").1;
        gateway.write(line.release_unit(order, address_id).await).await.unwrap();
    }
    gateway.clock.advance(Duration::from_secs(86_400));
    for line in [&mut line, &mut base, &mut bsc] {
        line.block(at(OVER + 20 + COOLDOWN), &[]).await;
    }
    // A former deposit's address comes last, whenever it was released.
    let addresses = gateway.addresses(1);
    gateway.import(&organization, &addresses).await.unwrap();
    let deposit = format!("UPDATE pool_addresses SET reuse_class = 2, claimable_from = 5 WHERE address = '{}'", addresses[0]);
    assert_eq!(world.place.execute(&deposit).await, 1);
    let expected = [&orders[1].address, &orders[2].address, &orders[0].address, &addresses[0]];
    for (address, number) in expected.into_iter().zip(0..) {
        let order = gateway.create(&organization, request(&format!("again {number}"))).await.unwrap();
        assert_eq!(&order.address, address, "{number}");
    }
}

pub async fn late_money_keeps_an_address_back(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(3).await;
    let mut orders = Vec::new();
    for reference in ["late", "dusted", "at the release"] {
        orders.push(gateway.create(&organization, request(reference)).await.unwrap());
    }
    let [late, dusted, edge] = orders.as_slice() else { unreachable!() };
    let [mut line, mut base, mut bsc] = family(gateway).await;
    assert_eq!(all_over(&mut line, OVER).await, 3);
    let released = OVER + 5;
    // After the release, with nobody on the address: it is still the last holder's late payment.
    line.block(at(released), &[Sent::pays(edge, "100", "0xedge")]).await;
    line.block(at(released + 9), &[Sent::pays(late, "100", "0xlate"), Sent::pays(dusted, "0.009", "0xdust")]).await;
    for (order, tx, quarantined) in [(edge, "0xedge", true), (late, "0xlate", true), (dusted, "0xdust", false)] {
        assert_eq!((world.verdict(tx).await.as_str(), world.quarantined(&order.address).await), ("late", quarantined), "{tx}");
        let whose = world.place.value(&format!("SELECT order_id FROM transfers WHERE tx_hash = '{tx}'")).await;
        assert_eq!(whose, order.order_id.as_str());
    }
    line.blocks(2, at(released + 10)).await;
    line.settle().await;
    for (order, paid_late) in [(edge, Some(true)), (late, Some(true)), (dusted, None)] {
        let order = world.fresh(&organization, order).await;
        assert_eq!((order.status, order.paid_late), (OrderStatus::Expired, paid_late));
    }
    let counted = counts(gateway, &organization).await;
    assert_eq!((counted.quarantined, counted.cooling_down, counted.total), (2, 1, 3));
    gateway.clock.advance(Duration::from_secs(86_400));
    for line in [&mut line, &mut base, &mut bsc] {
        line.block(at(released + COOLDOWN), &[]).await;
    }
    let next = gateway.create(&organization, request("next")).await.unwrap();
    assert_eq!(next.address, dusted.address);
    assert!(no_address(gateway, &organization, "one too many").await, "what is kept back is kept back for good");
    // On another chain, which had not yet come to the release, money of before it was the former holder's all the same.
    base.block(at(released + COOLDOWN + 1), &[Sent::pays(&next, "5", "0xother")]).await;
    assert_eq!(world.verdict("0xother").await, "wrong_chain");
}

pub async fn only_what_is_over_lets_go(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(2).await;
    let paid = gateway.create(&organization, request("paid")).await.unwrap();
    let open = gateway.create(&organization, request("open")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.block(at(0), &[]).await;
    line.block(at(10), &[Sent::pays(&paid, "100", "0x1")]).await;
    line.blocks(3, at(11)).await;
    line.settle().await;
    line.finalize(at(20)).await;
    assert_eq!(line.due_to_release().await, [], "the payer of a completed order may still send more");
    line.finalized = Some(100);
    line.blocks(4, at(OVER)).await;
    assert_eq!(line.due_to_release().await.len(), 0, "nothing past the grace period is final");
    line.finalize(at(OVER + 5)).await;
    assert_eq!(line.due_to_release().await, [], "the payment is confirmed and not yet made final");
    line.settle().await;
    let due = line.due_to_release().await;
    assert_eq!(due.iter().map(|(order, _)| order).collect::<Vec<_>>(), [&paid.order_id], "who is open holds on");
    let (order, address_id) = due[0].clone();
    let release = line.release_unit(&order, address_id).await;
    // Not somebody else's address, and not twice, also where many try.
    let foreign = line.release_unit(&open.order_id, address_id).await;
    assert!(matches!(fault(gateway.write(foreign).await), Fault::Guard { .. }));
    let results = join_all((0..8).map(|_| gateway.write(again(&release)))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results.into_iter().filter(Result::is_err).all(|result| matches!(fault(result), Fault::Guard { .. })));
    assert_eq!(world.place.rows("SELECT held, reuse_class FROM pool_addresses ORDER BY id").await, [["0", "1"], ["1", "0"]]);
    assert_eq!(line.expire().await, [open.order_id]);
    assert_eq!(line.release().await.len(), 1);
}

fn again(release: &Release) -> Release {
    Release {
        lease: release.lease.clone(),
        order: release.order.clone(),
        address_id: release.address_id,
        released_at: release.released_at,
        deployment: release.deployment,
    }
}
