//! The sums kept beside the orders against counting them, after histories in which orders are opened, paid, taken back and expire; and
//! statistics, which are made of them.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use payin_server::app::orders;
use payin_tests::gateway::{Kind, Place, request};
use payin_types::order::{OrderStats, OrderStatsQuery};
use payin_types::{CreateOrder, Order, OrganizationId, Timestamp};

use super::World;
use super::line::{Line, Sent, at};
use super::listing::Dice;

const COUNTED: &str = "SELECT organization_id, chain_id, currency, \
    CASE WHEN completed_at IS NOT NULL THEN 'completed' WHEN expired_at IS NOT NULL THEN 'expired' ELSE 'pending' END AS status, \
    COUNT(*), CAST(SUM(CASE WHEN paid_late_at IS NOT NULL AND expired_at IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT), \
    CAST(SUM(received_whole) AS BIGINT), CAST(SUM(received_nano) AS BIGINT), CAST(SUM(received_atto) AS BIGINT) \
    FROM orders GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4";
const KEPT: &str = "SELECT organization_id, chain_id, currency, status, CAST(SUM(orders) AS BIGINT), CAST(SUM(paid_late) AS BIGINT), \
    CAST(SUM(received_whole) AS BIGINT), CAST(SUM(received_nano) AS BIGINT), CAST(SUM(received_atto) AS BIGINT) \
    FROM order_totals GROUP BY 1, 2, 3, 4 HAVING SUM(orders) <> 0 OR SUM(received_whole) <> 0 ORDER BY 1, 2, 3, 4";

async fn assert_counted(world: &World, when: &str) {
    assert_eq!(world.place.rows(KEPT).await, world.place.rows(COUNTED).await, "{when}");
}

/// For tests that change orders past the store: as the migration counted them.
pub async fn count_again(place: &Place) {
    let migration = include_str!("../../../migrations/0002_whole_api.sql");
    let insert = migration.split("INSERT INTO order_totals").nth(1).expect("the migration counts");
    let insert = insert.split(';').next().expect("a statement");
    place.execute(&format!("DELETE FROM order_totals; INSERT INTO order_totals{insert}")).await;
}

pub async fn totals_are_what_counting_says(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let merchants = [gateway.merchant(60).await, gateway.merchant(60).await];
    let mut lines = [Line::new(gateway, "ethereum-sepolia").await, Line::new(gateway, "bsc-testnet").await];
    let mut dice = Dice(11);
    let (mut open, mut paid): (Vec<Order>, u64) = (Vec::new(), 0);
    for step in 0..150u64 {
        gateway.clock.advance(Duration::from_secs(20));
        let time = at(20 * step);
        match dice.below(8) {
            0..=3 if open.len() < 100 => {
                let chain = dice.pick(&["ethereum-sepolia", "bsc-testnet"]);
                let amount = dice.pick(&["1.25", "100", "0.000001"]).parse().unwrap();
                let create = CreateOrder::new(format!("order {step}"), amount, dice.pick(&["USDT", "USDC"]), chain);
                open.push(gateway.create(&merchants[dice.below(2)], create).await.unwrap());
            }
            4 | 5 if !open.is_empty() => {
                let order = open[dice.below(open.len())].clone();
                let line = lines.iter_mut().find(|line| line.chain.id == order.chain_id).unwrap();
                let currency = if order.currency.as_str() == "USDC" { "USDC" } else { "USDT" };
                paid += 1;
                let sent = Sent::pays(&order, dice.pick(&["1.25", "100", "0.7"]), &format!("0x{paid}")).in_currency(currency);
                line.block(time, &[sent]).await;
            }
            6 if step > 20 && step % 3 == 0 => lines[dice.below(2)].reorganise(2).await,
            _ => {}
        }
        for line in &mut lines {
            line.block(time, &[]).await;
            line.settle().await;
            line.expire().await;
        }
        if step % 10 == 0 {
            assert_counted(&world, &format!("after step {step}")).await;
        }
    }
    assert_counted(&world, "at the end").await;
    for status in ["pending", "completed", "expired"] {
        let some = format!("SELECT CAST(SUM(orders) AS BIGINT) FROM order_totals WHERE status = '{status}'");
        assert_ne!(world.place.value(&some).await, "0", "the history has no order that is {status}");
    }
    assert_ne!(world.place.value("SELECT COUNT(*) FROM orders WHERE reverted_at IS NOT NULL OR paid_late_at IS NOT NULL").await, "0");
    // What the migration counts is the same.
    count_again(&world.place).await;
    assert_counted(&world, "counted again").await;
}

pub async fn totals_survive_contention(kind: Kind) {
    let world = World::new(kind).await;
    let organization = world.gateway.merchant(80).await;
    let servers = world.servers().await;
    let chains = ["ethereum-sepolia", "base-sepolia", "bsc-testnet"];
    // Each reference is asked for twice, and there are fewer addresses than orders: some are refused and must not be counted.
    let orders = (0..100usize).flat_map(|number| [number, number]).map(|number| {
        let server = &servers[number % servers.len()];
        let create = CreateOrder { chain_id: chains[number % 3].into(), ..request(&format!("order {number}")) };
        server.create(&organization, create)
    });
    let opened = join_all(orders).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(opened, 80);
    assert_counted(&world, "after contention").await;
    assert_eq!(world.place.value("SELECT CAST(SUM(orders) AS BIGINT) FROM order_totals").await, "80");
}

async fn stats(world: &World, organization: &OrganizationId, after: Option<Timestamp>, before: Option<Timestamp>) -> OrderStats {
    stats_of(world, organization, OrderStatsQuery { created_after: after, created_before: before, ..Default::default() }).await
}

async fn stats_of(world: &World, organization: &OrganizationId, query: OrderStatsQuery) -> OrderStats {
    orders::stats(&world.gateway.app, organization, query).await.expect("statistics")
}

pub async fn statistics_are_exact(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (organization, other) = (gateway.merchant(9).await, gateway.merchant(0).await);
    assert_eq!(stats(&world, &organization, None, None).await, OrderStats::none());
    assert_eq!(stats(&world, &organization, Some(at(0)), None).await, OrderStats::none());
    let mut line = Line::new(gateway, "bsc-testnet").await;
    let mut made = Vec::new();
    for number in 0..9u64 {
        let currency = if number == 8 { "USDC" } else { "USDT" };
        let chain = if number == 7 { "base-sepolia" } else { "bsc-testnet" };
        let create = CreateOrder::new(format!("order {number}"), "1".parse().unwrap(), currency, chain);
        made.push(gateway.create(&organization, create).await.unwrap());
        gateway.clock.advance(Duration::from_secs(1));
    }
    line.block(at(10), &[Sent::pays(&made[0], "1.000000000000000001", "0x1"), Sent::pays(&made[1], "2", "0x2").at_ordinal(1)]).await;
    line.block(at(11), &[Sent::pays(&made[8], "1", "0x3").in_currency("USDC"), Sent::pays(&made[2], "0.5", "0x4").at_ordinal(1)]).await;
    line.blocks(15, at(12)).await;
    line.settle().await;
    let before = stats(&world, &organization, None, None).await;
    assert_eq!((before.pending_orders, before.completed_orders, before.expired_orders), (6, 3, 0));
    assert_eq!(before.conversion_rate, "100.00");
    // All others of the chain expire, one of them paid too late.
    line.block(at(3600), &[Sent::pays(&made[3], "1", "0x5")]).await;
    line.blocks(15, at(3601)).await;
    line.settle().await;
    assert_eq!(line.expire().await.len(), 5);
    let whole = stats(&world, &organization, None, None).await;
    assert_eq!((whole.total_orders, whole.pending_orders, whole.completed_orders, whole.expired_orders), (9, 1, 3, 5));
    assert_eq!((whole.paid_late_orders, whole.conversion_rate.as_str()), (1, "37.50"));
    let volume = |stats: &OrderStats| stats.volume.iter().map(|(currency, sum)| format!("{currency} {sum}")).collect::<Vec<_>>();
    assert_eq!(volume(&whole), ["USDC 1.00", "USDT 3.000000000000000001"]);
    // The same through counting, when a time is given; and parts of it.
    assert_eq!(stats(&world, &organization, Some(at(0)), None).await, whole);
    assert_eq!(stats(&world, &organization, None, Some(at(100))).await, whole);
    let part = stats(&world, &organization, Some(at(1)), Some(at(4))).await;
    assert_eq!((part.total_orders, part.completed_orders, part.expired_orders, part.paid_late_orders), (3, 1, 2, 1));
    assert_eq!((part.conversion_rate.as_str(), volume(&part)), ("33.33", vec!["USDT 2.00".to_owned()]));
    assert_eq!(stats(&world, &other, None, None).await, OrderStats::none());
    by_chain_and_currency(&world, &organization, &whole).await;
}

/// Both from the sums that are kept and from counting, as a time given demands.
async fn by_chain_and_currency(world: &World, organization: &OrganizationId, whole: &OrderStats) {
    assert_eq!(whole.by_chain, BTreeMap::from([("base-sepolia".into(), 1), ("bsc-testnet".into(), 8)]));
    assert_eq!(whole.by_currency, BTreeMap::from([("USDC".into(), 1), ("USDT".into(), 8)]));
    for created_after in [None, Some(at(0))] {
        let of = |currency: Option<&str>, chain: Option<&str>| {
            let (currency, chain_id) = (currency.map(Into::into), chain.map(Into::into));
            stats_of(world, organization, OrderStatsQuery { currency, chain_id, created_after, ..Default::default() })
        };
        assert_eq!(of(None, None).await, *whole);
        let usdc = of(Some("USDC"), None).await;
        assert_eq!((usdc.total_orders, usdc.completed_orders, usdc.conversion_rate.as_str()), (1, 1, "100.00"));
        assert_eq!((usdc.by_chain.len(), usdc.by_currency, usdc.volume.len()), (1, BTreeMap::from([("USDC".into(), 1)]), 1));
        let bsc = of(Some("USDT"), Some("bsc-testnet")).await;
        assert_eq!((bsc.total_orders, bsc.completed_orders, bsc.expired_orders, bsc.paid_late_orders), (7, 2, 5, 1));
        assert_eq!(of(Some("USDC"), Some("base-sepolia")).await, OrderStats::none());
        assert_eq!(of(None, Some("no-chain-of-ours")).await, OrderStats::none());
    }
}
