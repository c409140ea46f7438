//! Orders whose time is over, by the chain's own clock.

use payin_sdk::Timestamp;
use payin_tests::merchant::Engine;
use serde_json::Value;

use super::world::{USDT, World, address, id, part, says_what_it_is};

struct Orders {
    unpaid: Value,
    /// Paid in the last block that counts.
    in_time: Value,
    /// Paid in the first that does not.
    late: Value,
    /// Paid when it has expired.
    later: Value,
}

pub async fn what_is_left_unpaid_expires(engine: Engine) {
    let world = World::start(engine, 1).await;
    let orders = Orders {
        unpaid: short_order(&world, "UNPAID").await,
        in_time: short_order(&world, "IN-TIME").await,
        late: short_order(&world, "LATE").await,
        later: short_order(&world, "LATER").await,
    };
    not_before_its_time(&world, &orders).await;
    after_its_time(&world, &orders).await;
    late_payments(&world, &orders).await;
    nothing_else_was_told(&world).await;
}

async fn short_order(world: &World, reference: &str) -> Value {
    let flags = ["--window-minutes", "1", "--grace-minutes", "1"];
    let order = world.merchant.create(reference, "100.00", "USDT", &flags).await;
    let minute = |from: &str, to: &str| time(&order, to).since(time(&order, from)).as_secs();
    assert_eq!((minute("createdAt", "expiresAt"), minute("expiresAt", "gracePeriodEndsAt")), (60, 60), "{order:#}");
    order
}

fn time(order: &Value, field: &str) -> Timestamp {
    let text = order[field].as_str().unwrap_or_else(|| panic!("no {field}: {order:#}"));
    text.parse().expect("a time")
}

fn seconds(time: Timestamp) -> u64 {
    u64::try_from(time.secs()).expect("after 1970")
}

/// The last whole second in which all of them may be paid, and the first in which none may.
fn ends(orders: &Orders) -> (u64, u64) {
    let all = [&orders.unpaid, &orders.in_time, &orders.late, &orders.later].map(|order| seconds(time(order, "gracePeriodEndsAt")));
    let (first, last) = (all.iter().min(), all.iter().max());
    (*first.expect("an order"), last.expect("an order") + 1)
}

async fn not_before_its_time(world: &World, orders: &Orders) {
    part("before the end of the grace period");
    let World { merchant, anvil, usdt, .. } = world;
    let (last, over) = ends(orders);
    anvil.set_next_block_timestamp(last).await;
    let paid = anvil.transfer(usdt, address(&orders.in_time), 100 * USDT).await;
    anvil.set_next_block_timestamp(over).await;
    anvil.transfer(usdt, address(&orders.late), 100 * USDT).await;
    anvil.mine(1).await;
    // The chain's head is past the end, but the newest confirmed block, which bears this payment, is not.
    world.completed_once(&orders.in_time, &paid, "100.00").await;
    for order in [&orders.unpaid, &orders.late, &orders.later] {
        let order = merchant.order(id(order)).await;
        assert_eq!((&order["status"], &order["receivedAmount"]), (&"pending".into(), &"0.00".into()), "{order:#}");
        assert!(order["expiredAt"].is_null() && order["paidLate"].is_null() && order["detectedAt"].is_null(), "{order:#}");
    }
}

async fn after_its_time(world: &World, orders: &Orders) {
    part("after the end of the grace period");
    let mut waiting = world.merchant.waiting(id(&orders.unpaid));
    waiting.stderr_with("send 100.00 USDT").await;
    world.anvil.mine(1).await;
    let exit = waiting.wait().await;
    assert_eq!(exit.code, Some(9), "{exit:?}");
    let order = exit.json();
    assert_eq!((&order["status"], &order["receivedAmount"]), (&"expired".into(), &"0.00".into()), "{order:#}");
    let refusal = exit.stderr.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok()).unwrap_or_default();
    assert_eq!(refusal["code"], "ORDER_EXPIRED", "{exit:?}");

    let event = world.merchant.webhook(&order, "order.expired").await;
    assert_eq!(event["id"], format!("evt_order_expired_{}", id(&order)));
    says_what_it_is(&event, &order);
}

async fn late_payments(world: &World, orders: &Orders) {
    part("late payments");
    world.merchant.webhook(&orders.later, "order.expired").await;
    let unpaid = world.merchant.order(id(&orders.later)).await;
    assert!(unpaid["paidLate"].is_null(), "{unpaid:#}");
    world.anvil.transfer(&world.usdt, address(&orders.later), 100 * USDT).await;
    world.confirm().await;
    for order in [&orders.later, &orders.late] {
        let order = world.merchant.order_when(id(order), "paid late", |order| order["paidLate"] == true).await;
        assert_eq!((&order["status"], &order["receivedAmount"]), (&"expired".into(), &"0.00".into()), "{order:#}");
        assert!(order["completedAt"].is_null(), "{order:#}");
        world.merchant.webhook(&order, "order.paid_late").await;
        let unmatched = world.merchant.webhook(&order, "transfer.unmatched").await;
        assert_eq!((&unmatched["data"]["reason"], &unmatched["data"]["amount"]), (&"late".into(), &"100.00".into()), "{unmatched:#}");
    }
    let unpaid = world.merchant.order(id(&orders.unpaid)).await;
    assert!(unpaid["paidLate"].is_null(), "{unpaid:#}");
}

async fn nothing_else_was_told(world: &World) {
    part("afterwards");
    let told = |order: &Value| {
        let count = |event_type: &str| world.merchant.about(order, event_type).len();
        [count("order.completed"), count("order.expired"), count("order.paid_late"), count("transfer.unmatched")]
    };
    for order in world.merchant.orders().await {
        let expected = match order["orderReference"].as_str() {
            Some("IN-TIME") => [1, 0, 0, 0],
            Some("UNPAID") => [0, 1, 0, 0],
            _ => [0, 1, 1, 1],
        };
        assert_eq!(told(&order), expected, "{order:#}");
    }
}
