//! Payments that arrive: whole, in parts, too much, in another coin, two at a time.

use payin_tests::merchant::Engine;
use serde_json::Value;

use super::world::{CONFIRMATIONS, DAI, USDT, World, address, id, part};

pub async fn payments_complete_orders(engine: Engine) {
    let world = World::start(engine, 1).await;
    in_full(&world).await;
    in_two_halves(&world).await;
    too_much(&world).await;
    in_a_coin_that_only_looks_like_it(&world).await;
    several_in_one_transaction(&world).await;
    nothing_else_was_told(&world).await;
}

async fn in_full(world: &World) {
    part("in full, with 6 and with 18 decimals");
    let World { merchant, anvil, usdt, dai } = world;
    let dollars = merchant.create("FULL-6", "100.00", "USDT", &["--metadata", "cart=7"]).await;
    let precise = merchant.create("FULL-18", "12.345678901234567891", "DAI", &[]).await;
    let mut waiting = merchant.waiting(id(&dollars));
    waiting.stderr_with("send 100.00 USDT").await;

    let of_dollars = anvil.transfer(usdt, address(&dollars), 100 * USDT).await;
    let of_precise = anvil.transfer(dai, address(&precise), 12_345_678_901_234_567_891).await;
    let seen = world.seen(&precise).await;
    assert_eq!((&seen["status"], &seen["receivedAmount"]), (&"pending".into(), &"0.00".into()), "{seen:#}");
    assert_eq!((&seen["txHash"], &seen["confirmations"]), (&of_precise.as_str().into(), &1.into()), "{seen:#}");

    world.confirm().await;
    let exit = waiting.wait().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let paid = exit.json();
    assert_eq!((&paid["status"], &paid["txHash"]), (&"completed".into(), &of_dollars.as_str().into()), "{paid:#}");
    assert_eq!(paid["blockNumber"], world.block_of(&of_dollars).await, "{paid:#}");
    assert!(paid["confirmations"].as_u64() >= Some(CONFIRMATIONS), "{paid:#}");
    world.completed_once(&dollars, &of_dollars, "100.00").await;
    world.completed_once(&precise, &of_precise, "12.345678901234567891").await;
    assert_eq!(merchant.webhook(&dollars, "order.completed").await["data"]["metadata"]["cart"], "7");
}

async fn in_two_halves(world: &World) {
    part("in two halves");
    let order = world.order("HALVES").await;
    let first = world.anvil.transfer(&world.usdt, address(&order), 50 * USDT).await;
    world.confirm().await;
    let half = world.received(&order, "50.00").await;
    assert_eq!((&half["status"], &half["txHash"]), (&"pending".into(), &first.as_str().into()), "{half:#}");
    assert!(half["completedAt"].is_null(), "{half:#}");

    let second = world.anvil.transfer(&world.usdt, address(&order), 50 * USDT).await;
    world.caught_up(&half).await;
    let both = world.merchant.order(id(&order)).await;
    assert_eq!((&both["status"], &both["receivedAmount"]), (&"pending".into(), &"50.00".into()), "{both:#}");
    world.confirm().await;
    world.completed_once(&order, &second, "100.00").await;
}

async fn too_much(world: &World) {
    part("too much");
    let order = world.order("TOO-MUCH").await;
    let transaction = world.anvil.transfer(&world.usdt, address(&order), 150 * USDT + 1).await;
    world.confirm().await;
    world.completed_once(&order, &transaction, "150.000001").await;
}

async fn in_a_coin_that_only_looks_like_it(world: &World) {
    part("in another token with the same symbol, then in the real one");
    let fake = world.anvil.deploy_token("Tether USD", "USDT", 6).await;
    let order = world.order("FAKE").await;
    world.anvil.transfer(&fake, address(&order), 100 * USDT).await;
    world.confirm().await;
    // Once the server has seen this, it has been past the other.
    world.anvil.transfer(&world.usdt, address(&order), 40 * USDT).await;
    world.confirm().await;
    let order = world.received(&order, "40.00").await;
    assert_eq!(order["status"], "pending", "{order:#}");
    let rest = world.anvil.transfer(&world.usdt, address(&order), 60 * USDT).await;
    world.confirm().await;
    world.completed_once(&order, &rest, "100.00").await;
}

async fn several_in_one_transaction(world: &World) {
    part("two orders in one transaction, one of them in two pieces, and two tokens in one transaction");
    let World { merchant, anvil, usdt, dai } = world;
    let (one, two) = (world.order("TOGETHER-1").await, world.order("TOGETHER-2").await);
    let three = merchant.create("TOGETHER-3", "0.5", "DAI", &[]).await;
    let four = world.order("TOGETHER-4").await;
    let pieces = [(address(&one), 100 * USDT), (address(&two), 30 * USDT), (address(&two), 70 * USDT)];
    let of_one_token = anvil.multi_transfer(usdt, &pieces).await;
    let of_two_tokens = anvil.batch_across(&[(dai, address(&three), DAI / 2), (usdt, address(&four), 100 * USDT)]).await;
    world.confirm().await;
    world.completed_once(&one, &of_one_token, "100.00").await;
    world.completed_once(&two, &of_one_token, "100.00").await;
    world.completed_once(&three, &of_two_tokens, "0.50").await;
    world.completed_once(&four, &of_two_tokens, "100.00").await;
}

/// Seen from the end: every order completed, each told once, and nothing strange told of any.
async fn nothing_else_was_told(world: &World) {
    part("afterwards");
    let orders = world.merchant.orders().await;
    assert_eq!(orders.len(), 9);
    for order in &orders {
        assert_eq!(order["status"], "completed", "{order:#}");
        assert_eq!(world.merchant.about(order, "order.completed").len(), 1, "{order:#}");
    }
    let usual = |event: &Value| ["order.completed", "order.payment_detected"].contains(&event["type"].as_str().unwrap_or_default());
    let strange: Vec<Value> = world.merchant.webhooks().into_iter().filter(|event| !usual(event)).collect();
    assert_eq!(strange, Vec::<Value>::new());
}
