//! The chain changes its mind: before the server has looked, after it has seen a payment, after it has believed one.

use payin_tests::merchant::Engine;
use serde_json::Value;

use super::world::{USDT, World, address, id, part};

/// Far above the deepest reorganisation here: what is final is never taken back.
const EPOCH_SLOTS: u64 = 10;
/// Whose payments are dropped, and whose are kept: a kept transaction needs all earlier ones of its account.
const DROPPED: usize = 1;
const KEPT: usize = 2;

pub async fn reorganisations_lose_and_double_nothing(engine: Engine) {
    let mut world = World::start(engine, EPOCH_SLOTS).await;
    world.fund(DROPPED).await;
    world.fund(KEPT).await;
    let paid = before_it_was_looked_at(&world).await;
    under_the_servers_feet(&mut world, &paid).await;
    of_a_payment_seen(&world).await;
    of_a_payment_that_moves(&world).await;
    of_a_payment_believed(&world).await;
    nothing_else_was_told(&world).await;
}

/// The server hears of the blocks only after they have been replaced: one payment is gone, another is in an earlier block.
async fn before_it_was_looked_at(world: &World) -> Value {
    part("before detection: blocks that the server never saw");
    let World { merchant, anvil, .. } = world;
    let (dropped, kept) = (world.order("UNSEEN-DROPPED").await, world.order("UNSEEN-KEPT").await);
    // It has seen all until here.
    let first = world.order("FIRST").await;
    anvil.transfer(&world.usdt, address(&first), 100 * USDT).await;
    world.caught_up(&world.seen(&first).await).await;

    merchant.freeze();
    world.pay_from(DROPPED, &dropped, 100 * USDT).await;
    let transaction = world.pay_from(KEPT, &kept, 100 * USDT).await;
    anvil.mine(1).await;
    anvil.reorg(3, &[(&transaction, 0)]).await;
    merchant.thaw();

    world.completed_once(&kept, &transaction, "100.00").await;
    let dropped = merchant.order(id(&dropped)).await;
    assert_eq!((&dropped["status"], &dropped["receivedAmount"]), (&"pending".into(), &"0.00".into()), "{dropped:#}");
    assert!(dropped["detectedAt"].is_null() && dropped["txHash"].is_null(), "{dropped:#}");

    let again = world.pay_from(DROPPED, &dropped, 100 * USDT).await;
    world.confirm().await;
    world.completed_once(&dropped, &again, "100.00").await;
    world.completed(&first).await
}

/// The server has taken in three empty blocks; others take their place, and one of them bears a payment.
async fn under_the_servers_feet(world: &mut World, paid: &Value) {
    part("before detection: blocks that the server had taken in");
    let order = world.order("UNDER-FEET").await;
    world.anvil.mine(3).await;
    world.caught_up(paid).await;
    world.merchant.freeze();
    world.anvil.set_automine(false).await;
    let transaction = world.pay_from(KEPT, &order, 100 * USDT).await;
    world.anvil.reorg(3, &[(&transaction, 1)]).await;
    world.anvil.set_automine(true).await;
    world.merchant.thaw();
    world.anvil.mine(1).await;
    world.completed_once(&order, &transaction, "100.00").await;
    world.merchant.server().stderr_with("the chain was reorganised").await;
}

async fn of_a_payment_seen(world: &World) {
    part("after detection: the payment is gone");
    let order = world.order("SEEN-DROPPED").await;
    world.pay_from(DROPPED, &order, 100 * USDT).await;
    world.anvil.mine(1).await;
    let seen = world.merchant.order_when(id(&order), "confirmed twice", |order| order["confirmations"] == 2).await;
    assert_eq!(seen["status"], "pending", "{seen:#}");

    world.anvil.reorg(3, &[]).await;
    let unseen = world.merchant.order_when(id(&order), "unseen again", |order| order["detectedAt"].is_null()).await;
    assert_eq!((&unseen["status"], &unseen["receivedAmount"]), (&"pending".into(), &"0.00".into()), "{unseen:#}");
    assert!(unseen["txHash"].is_null() && unseen["blockNumber"].is_null() && unseen["confirmations"].is_null(), "{unseen:#}");
    assert_eq!(world.merchant.about(&order, "order.completed"), Vec::<Value>::new());

    let again = world.pay_from(DROPPED, &order, 100 * USDT).await;
    world.confirm().await;
    world.completed_once(&order, &again, "100.00").await;
}

/// It comes into a later block, and its event to another place there.
async fn of_a_payment_that_moves(world: &World) {
    part("after detection: the payment is in another block, at another place");
    let (order, other) = (world.order("MOVED").await, world.order("MOVED-BESIDE").await);
    world.anvil.set_automine(false).await;
    let beside = world.pay_from(DROPPED, &other, 10 * USDT).await;
    let moved = world.pay_from(KEPT, &order, 100 * USDT).await;
    world.anvil.mine(1).await;
    world.anvil.set_automine(true).await;
    let places = [place(world, &beside).await, place(world, &moved).await];
    assert_eq!(places[1], (places[0].0, 1), "both in one block, this one second");
    world.anvil.mine(1).await;
    world.merchant.order_when(id(&order), "confirmed twice", |order| order["confirmations"] == 2).await;

    // The payments' block is the second of three. What stood beside one of them is dropped.
    world.anvil.reorg(3, &[(&moved, 2)]).await;
    let (block, index) = place(world, &moved).await;
    assert_eq!((block, index), (places[1].0 + 1, 0));
    let there = |order: &Value| order["blockNumber"] == block;
    let seen = world.merchant.order_when(id(&order), "seen in its new block", there).await;
    assert_eq!((&seen["status"], &seen["receivedAmount"]), (&"pending".into(), &"0.00".into()), "{seen:#}");
    world.confirm().await;
    world.completed_once(&order, &moved, "100.00").await;
    let other = world.merchant.order(id(&other)).await;
    assert!(other["detectedAt"].is_null() && other["receivedAmount"] == "0.00", "{other:#}");

    let again = world.pay_from(DROPPED, &other, 100 * USDT).await;
    world.confirm().await;
    world.completed_once(&other, &again, "100.00").await;
}

/// The block of a transaction, and the place of its first event among those of the block.
async fn place(world: &World, transaction: &str) -> (u64, u64) {
    let receipt = world.anvil.receipt(transaction).await.expect("it is in a block");
    let index = receipt["logs"][0]["logIndex"].as_str().and_then(|index| u64::from_str_radix(index.trim_start_matches("0x"), 16).ok());
    (world.block_of(transaction).await, index.expect("an index"))
}

/// More than was asked for: confirmed, told, then taken back. The status stays what was told; the taking back is told too.
async fn of_a_payment_believed(world: &World) {
    part("after completion");
    let order = world.order("BELIEVED").await;
    let transaction = world.pay_from(DROPPED, &order, 100 * USDT).await;
    world.confirm().await;
    world.completed_once(&order, &transaction, "100.00").await;

    world.anvil.reorg(3, &[]).await;
    let reverted = world.merchant.webhook(&order, "order.reverted").await;
    assert_eq!(reverted["data"]["receivedAmount"], "0.00", "{reverted:#}");
    let order = world.received(&order, "0.00").await;
    assert_eq!(order["status"], "completed", "{order:#}");
    // What was believed is still shown, and that there is nothing in it.
    assert_eq!((&order["txHash"], &order["confirmations"]), (&transaction.as_str().into(), &0.into()), "{order:#}");

    let again = world.pay_from(DROPPED, &order, 100 * USDT).await;
    world.confirm().await;
    let order = world.received(&order, "100.00").await;
    assert_eq!(order["txHash"], again.as_str(), "{order:#}");
    let told = world.merchant.event_ids_when(&order, "order.completed", 2).await;
    assert_eq!(told.len(), 2, "{told:?}");
}

async fn nothing_else_was_told(world: &World) {
    part("afterwards");
    let orders = world.merchant.orders().await;
    assert_eq!(orders.len(), 8);
    for order in &orders {
        assert_eq!(order["status"], "completed", "{order:#}");
        let times = if order["orderReference"] == "BELIEVED" { 2 } else { 1 };
        assert_eq!(world.merchant.event_ids(order, "order.completed").len(), times, "{order:#}");
        assert_eq!(world.merchant.event_ids(order, "order.reverted").len(), times - 1, "{order:#}");
    }
    let unmatched = world.merchant.webhooks().into_iter().filter(|event| event["type"] == "transfer.unmatched");
    assert_eq!(unmatched.collect::<Vec<Value>>(), Vec::<Value>::new());
}
