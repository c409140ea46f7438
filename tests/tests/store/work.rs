//! Leases: one server does a chain's work, and one that has lost its lease changes nothing, whatever it still believes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use payin_server::app::ledger::{Halt, TakeBack, TakeBlocks};
use payin_server::app::progress::{EndLeases, GiveBackLease};
use payin_server::env::{Clock, VirtualClock};
use payin_server::store::leases::{self, Lease};
use payin_server::store::{Failure, Fault};
use payin_server::worker::StepFault;
use payin_server::worker::tenure::Tenure;
use payin_tests::gateway::{Gateway, Kind, fault, request};
use payin_types::OrderStatus;

use super::World;
use super::line::{Line, Sent, TERM, at, take_lease};

async fn give_back(gateway: &Gateway, lease: &Lease) {
    gateway.write(GiveBackLease { lease: lease.clone() }).await.unwrap();
}

async fn check(gateway: &Gateway, lease: &Lease) -> Result<(), Failure> {
    let lease = lease.clone();
    gateway
        .tx(move |tx| {
            let lease = lease.clone();
            async move { Ok(leases::check(tx, &lease).await?) }.boxed()
        })
        .await
}

pub async fn one_holder_has_a_lease(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    // When nobody had it before, and when the former holder's time is over.
    for round in 1..=3 {
        let holders: Vec<String> = (0..24).map(|number| format!("server {round}-{number}")).collect();
        let take = |(number, holder)| take_lease(&servers[number % servers.len()], "chain x", holder);
        let taken = join_all(holders.iter().map(String::as_str).enumerate().map(take)).await;
        let won: Vec<Lease> = taken.into_iter().flatten().collect();
        let [lease] = won.as_slice() else { panic!("{won:?}") };
        assert_eq!(lease.fence, round);
        assert_eq!(world.place.rows("SELECT holder, fence FROM leases").await, [[lease.holder.clone(), round.to_string()]]);
        for server in &servers {
            server.clock.advance(TERM);
        }
    }
}

pub async fn a_lease_changes_hands(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let first = take_lease(gateway, "chain x", "one").await.unwrap();
    assert!(take_lease(gateway, "chain y", "two").await.is_some(), "another work has another lease");
    // Renewing keeps the fence, also after its time if nobody took it.
    gateway.clock.advance(TERM / 2);
    assert_eq!(take_lease(gateway, "chain x", "one").await, Some(first.clone()));
    gateway.clock.advance(TERM / 2);
    assert_eq!(take_lease(gateway, "chain x", "two").await, None, "it was renewed");
    gateway.clock.advance(TERM);
    assert_eq!(take_lease(gateway, "chain x", "one").await, Some(first.clone()));
    gateway.clock.advance(TERM);
    let second = take_lease(gateway, "chain x", "two").await.unwrap();
    assert_eq!((second.fence, second.holder.as_str()), (first.fence + 1, "two"));
    assert!(matches!(fault(check(gateway, &first).await), Fault::Fenced(_)));
    check(gateway, &second).await.unwrap();
    // The old holder can neither renew nor give back what it has lost.
    assert_eq!(take_lease(gateway, "chain x", "one").await, None);
    give_back(gateway, &first).await;
    check(gateway, &second).await.unwrap();
    assert_eq!(take_lease(gateway, "chain x", "one").await, None);
    // Given back, it is free at once.
    give_back(gateway, &second).await;
    let third = take_lease(gateway, "chain x", "one").await.unwrap();
    assert_eq!(third.fence, second.fence + 1);
    assert!(matches!(fault(check(gateway, &first).await), Fault::Fenced(_)), "the same holder, another fence");
    // A sole server that starts again need not wait for itself.
    gateway.write(EndLeases).await.unwrap();
    let fourth = take_lease(gateway, "chain x", "four").await.unwrap();
    assert_eq!(fourth.fence, third.fence + 1);
    let nobody = Lease { name: "chain z".to_owned(), ..third };
    assert!(matches!(fault(check(gateway, &nobody).await), Fault::Fenced(_)));
}

pub async fn a_fenced_server_changes_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(30).await;
    let paid = gateway.create(&organization, request("paid")).await.unwrap();
    let unpaid = gateway.create(&organization, request("unpaid")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.block(at(0), &[]).await;
    line.block(at(1), &[Sent::pays(&paid, "100", "0x1")]).await;
    line.blocks(4, at(1000)).await;
    // The lease is taken over while this server sleeps; it wakes with everything it was about to do.
    let block = line.next(at(2000));
    let take: TakeBlocks = line.unit(&block, &[Sent::pays(&unpaid, "100", "0x2")]).await;
    let back: TakeBack = line.take_back_unit(4).await;
    let from = line.cursor().await.unwrap();
    let halt = Halt { lease: line.lease.clone(), chain: line.chain.clone(), from, reason: "asleep".to_owned() };
    let release = line.release_unit(&unpaid.order_id, 2).await;
    gateway.clock.advance(TERM);
    assert!(take_lease(gateway, &line.lease.name, "server 2").await.is_some());
    let state = || async {
        let mut rows = Vec::new();
        for table in ["chain_cursors", "chain_blocks", "transfers", "events", "assignments"] {
            let mut found = world.place.rows(&format!("SELECT * FROM {table}")).await;
            found.sort();
            rows.push(found);
        }
        rows
    };
    let before = state().await;
    let expire = line.expire_unit(&unpaid.order_id);
    let settle = gateway.write(line.settle_unit()).map(|result| result.map(drop));
    let work = futures_util::join!(
        gateway.write(take),
        gateway.write(back),
        gateway.write(halt),
        gateway.write(release),
        gateway.write(expire),
        settle
    );
    for result in [work.0, work.1, work.2, work.3, work.4, work.5] {
        assert!(matches!(fault(result), Fault::Fenced(_)));
    }
    assert_eq!(state().await, before);
    assert_eq!(world.fresh(&organization, &paid).await.status, OrderStatus::Pending);
    // Beside other people's work, which goes on. The chain's time has passed the grace period, and so must ours.
    gateway.clock.advance(Duration::from_secs(20 * 60));
    let fenced = join_all((0..20).map(|_| gateway.write(line.settle_unit())));
    let (fenced, orders) =
        futures_util::join!(fenced, join_all((0..20).map(|number| gateway.create(&organization, request(&format!("order {number}"))))));
    assert!(fenced.into_iter().all(|result| matches!(fault(result), Fault::Fenced(_))));
    let addresses: BTreeSet<String> = orders.into_iter().map(|order| order.unwrap().address).collect();
    assert_eq!(addresses.len(), 20);
}

/// Work that takes longer than the lease's term: it is kept as long as it is renewed, and not a moment longer; nobody is robbed of it who
/// took it meanwhile.
pub async fn a_lease_is_kept_while_work_takes_long(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let tenure = |holder: &str| Tenure::new(gateway.app.clone(), "chain x".to_owned(), holder.to_owned(), TERM);
    let (one, two) = (tenure("one"), tenure("two"));
    one.keep().await.unwrap();
    assert!(!one.is_held(), "keeping does not take");
    let lease = one.take().await.unwrap().unwrap();
    for _ in 0..10 {
        gateway.clock.advance(one.renew_every());
        one.keep().await.unwrap();
        assert_eq!(two.take().await.unwrap(), None);
    }
    check(gateway, &lease).await.unwrap();
    // It has lapsed, and nobody has taken it: it is still this one's.
    gateway.clock.advance(TERM * 2);
    one.keep().await.unwrap();
    assert_eq!(two.take().await.unwrap(), None);
    // It has lapsed, and somebody has.
    gateway.clock.advance(TERM);
    let second = two.take().await.unwrap().unwrap();
    assert_eq!(second.fence, lease.fence + 1);
    assert!(matches!(one.keep().await, Err(StepFault::Store(Fault::Fenced(_)))));
    assert!(!one.is_held());
    gateway.clock.advance(TERM / 2);
    assert_eq!(one.take().await.unwrap(), None);
    check(gateway, &second).await.unwrap();
    // Given back, it is not revived by a renewal that comes too late.
    two.give_back().await.unwrap();
    two.keep().await.unwrap();
    assert_eq!(one.take().await.unwrap().unwrap().fence, second.fence + 1);
}

/// A server whose clock is an hour ahead finds every lease over and takes it. Whoever had it does nothing any more, and what its time says ends
/// no order.
pub async fn a_clock_that_is_ahead_doubles_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(2).await;
    let paid = gateway.create(&organization, request("paid")).await.unwrap();
    let unpaid = gateway.create(&organization, request("unpaid")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.block(at(1), &[Sent::pays(&paid, "100", "0x1")]).await;
    line.blocks(3, at(2)).await;
    let clock = Arc::new(VirtualClock::frozen(gateway.now().plus(Duration::from_secs(3_600))));
    let mut ahead = gateway.clone();
    ahead.app.clock = Arc::clone(&clock) as Arc<dyn Clock>;
    ahead.clock = clock;
    let lease = take_lease(&ahead, &line.lease.name, "server 2").await.expect("the other's time is over by this clock");
    let settle = gateway.write(line.settle_unit()).await;
    assert!(matches!(fault(settle), Fault::Fenced(_)));
    assert_eq!(take_lease(gateway, &lease.name, "server 1").await, None, "the other clock's end of it is far away");
    (line.gateway, line.lease) = (ahead, lease);
    line.settle().await;
    assert_eq!(line.expire().await, []);
    line.gateway.write(line.expire_unit(&unpaid.order_id)).await.unwrap();
    assert_eq!(world.fresh(&organization, &unpaid).await.status, OrderStatus::Pending);
    assert_eq!(world.fresh(&organization, &paid).await.status, OrderStatus::Completed);
    assert_eq!(world.events(paid.order_id.as_str()).await, [format!("evt_order_completed_{}", paid.order_id)]);
}
