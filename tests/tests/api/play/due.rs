//! What falls due happens at its own time, and whoever lets time pass hears when it has.

use std::time::Duration;

use payin_tests::nodes::receiver::{Answer, Receiver};
use payin_tests::sandbox::{CHAIN, Sandbox, new_order, text};
use serde_json::json;

use super::time;

async fn subscribe(sandbox: &Sandbox, shop: &Receiver, events: &[&str]) {
    sandbox.post("/api/v1/webhooks/endpoints", &json!({ "url": shop.url(), "events": events })).await.ok(201);
}

/// By the virtual clock, when a webhook was signed.
fn signed_at(received: &payin_tests::nodes::receiver::Received) -> i64 {
    received.header("webhook-timestamp").parse().expect("a time")
}

#[tokio::test]
async fn an_order_expires_and_its_webhook_is_tried_again_each_at_its_own_time() {
    let sandbox = Sandbox::frozen().await;
    let shop = Receiver::start().await;
    subscribe(&sandbox, &shop, &["order.expired"]).await;
    shop.script((0..4).map(|_| Answer::status(500)));
    let order = sandbox.order("DUE", "1").await;
    let closes = time(&order["gracePeriodEndsAt"]);
    // In one go, far beyond all of it.
    let advanced = sandbox.advance(6 * 60 * 60).await;
    assert_eq!(advanced["pending"], json!([]), "{advanced}");
    // All of it has happened by the time that the answer is here: nothing is waited for.
    let expired = sandbox.order_now(&order["orderId"]).await;
    let after_close = time(&expired["expiredAt"]).since(closes);
    assert!(expired["status"] == "expired" && after_close <= Duration::from_secs(20), "{expired}");
    let received = shop.received();
    assert_eq!(received.len(), 5, "four failures and a success");
    let waits: Vec<i64> = received.windows(2).map(|pair| signed_at(&pair[1]) - signed_at(&pair[0])).collect();
    // The documented schedule, spread by up to a fifth, in whole seconds.
    for (wait, due) in waits.iter().zip([1, 2, 4, 8]) {
        assert!((due..=due + due / 5 + 1).contains(wait), "{waits:?}");
    }
    assert!(signed_at(&received[0]) - closes.secs() <= 20, "the first attempt follows at once");
    sandbox.stop().await;
}

#[tokio::test]
async fn one_long_advance_and_many_short_ones_make_the_same_world() {
    let world = async |steps: &[u64]| {
        let sandbox = Sandbox::with(|options| (options.frozen, options.seed) = (true, Some(11))).await;
        let shop = Receiver::start().await;
        subscribe(&sandbox, &shop, &["*"]).await;
        shop.script((0..3).map(|_| Answer::status(503)));
        let paid = sandbox.order("PAID", "5").await;
        sandbox
            .post(
                "/api/v1/orders",
                &json!({ "paymentWindowMinutes": 5, "gracePeriodMinutes": 0, "orderReference": "SHORT",
            "amount": "1", "currency": "USDC", "chainId": "solana-devnet" }),
            )
            .await
            .ok(201);
        sandbox.order("LONG", "1").await;
        sandbox.pay(&paid["orderId"], json!({})).await;
        for step in steps {
            assert_eq!(sandbox.advance(*step).await["pending"], json!([]));
        }
        let mut told: Vec<(i64, String)> =
            shop.received().iter().map(|one| (signed_at(one), one.header("webhook-id").to_owned())).collect();
        told.sort();
        let mut orders = sandbox.read("/api/v1/orders?sortBy=createdAt").await["data"].clone();
        // How many blocks there are is not the same: where nothing happens, few are made.
        orders.as_array_mut().expect("a page").iter_mut().for_each(|order| order["confirmations"] = json!(null));
        // The receiver's port is another one each time.
        let journal = sandbox.get("/api/v1/sandbox/journal?limit=1000").await.text.replace(shop.url(), "");
        sandbox.stop().await;
        (told, orders, journal)
    };
    let one = world(&[2_400]).await;
    assert!(one.0.len() >= 6, "{:?}", one.0);
    assert_eq!(one, world(&[2_400]).await, "the same again");
    let minutes = world(&[60; 40]).await;
    assert_eq!(one.1, minutes.1, "orders");
    assert_eq!(one.0, minutes.0, "webhooks");
}

#[tokio::test]
async fn addresses_rest_and_payments_confirm_at_their_own_time() {
    let sandbox = Sandbox::frozen().await;
    let order = sandbox.order("REST", "1").await;
    sandbox.pay(&order["orderId"], json!({ "mine": false })).await;
    let before = time(&sandbox.read("/api/v1/sandbox/clock").await["now"]);
    sandbox.advance(20 * 60).await;
    let now = sandbox.order_now(&order["orderId"]).await;
    let took = time(&now["completedAt"]).since(before);
    assert!((2..=6).contains(&took.as_secs()), "a block a second, three of them: {now}");
    // The address was let go right after the order closed, not now.
    let resting = sandbox.read("/api/v1/address-pool/addresses?state=cooldown").await["data"][0].clone();
    let rests_from = time(&resting["cooldownUntil"]).minus(Duration::from_secs(30 * 60));
    assert!(rests_from.since(time(&now["gracePeriodEndsAt"])) <= Duration::from_secs(30), "{resting}");
    sandbox.stop().await;
}

#[tokio::test]
async fn mined_blocks_are_followed_and_webhooks_sent_when_the_answer_comes() {
    let sandbox = Sandbox::frozen().await;
    let shop = Receiver::start().await;
    subscribe(&sandbox, &shop, &["order.completed"]).await;
    for number in 0..5 {
        let order = sandbox.order(&format!("NOW-{number}"), "1").await;
        sandbox.pay(&order["orderId"], json!({})).await;
        sandbox.mine(2).await;
        assert_eq!(sandbox.order_now(&order["orderId"]).await["status"], "completed");
        assert_eq!(shop.received().len(), number + 1);
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn what_is_not_done_is_said() {
    let sandbox = Sandbox::frozen().await;
    let rule = json!({ "at": "rpc", "kind": "error", "match": format!("{CHAIN} *") });
    sandbox.post("/api/v1/sandbox/faults", &rule).await.ok(200);
    let pending = sandbox.advance(60).await["pending"].clone();
    let said = pending.as_array().expect("a list");
    assert!(said.len() == 1 && text(&said[0]).starts_with(&format!("chain {CHAIN}: ")) && text(&said[0]).contains("500"), "{pending}");
    sandbox.ask("DELETE", "/api/v1/sandbox/faults").send().await.ok(200);
    assert_eq!(sandbox.advance(60).await["pending"], json!([]));
    sandbox.order("AGAIN", "1").await;
    sandbox.stop().await;
}

#[tokio::test]
async fn time_stands_runs_and_stands_again() {
    let sandbox = Sandbox::start().await;
    let state = async |path: &str| sandbox.ask("POST", &format!("/api/v1/sandbox/clock/{path}")).send().await.ok(200);
    let stood = state("freeze").await;
    assert_eq!(stood["frozen"], true);
    let head = async || sandbox.read("/api/v1/sandbox/chains").await["chains"][0]["head"].clone();
    let (before, now) = (head().await, sandbox.read("/api/v1/sandbox/clock").await);
    assert_eq!(now, stood);
    let order = sandbox.order("STANDS", "1").await;
    sandbox.pay(&order["orderId"], json!({ "mine": false })).await;
    assert_eq!((head().await, sandbox.order_now(&order["orderId"]).await.get("txHash")), (before, None));
    // It runs from where it stood, and blocks come by themselves.
    let ran = state("run").await;
    assert!(ran["frozen"] == false && time(&ran["now"]) >= time(&stood["now"]));
    sandbox.order_with_status(&order["orderId"], "completed").await;
    let advanced = sandbox.advance(3_600).await;
    assert!(advanced["frozen"] == false && advanced["pending"] == json!([]), "{advanced}");
    assert!(time(&advanced["now"]).since(time(&ran["now"])) >= Duration::from_secs(3_600));
    sandbox.stop().await;
}

/// Everything that a clock rules passes at once: an order's window, the rate limits' minute, an idempotency key's day.
#[tokio::test]
async fn keys_and_limits_go_by_the_same_clock() {
    let limits = payin_core::quota::Limits { per_minute: 5, per_hour: 1_000, per_day: 10_000 };
    let sandbox = Sandbox::with(|options| (options.frozen, options.rate_limits) = (true, Some(limits))).await;
    let create = async || sandbox.ask("POST", "/api/v1/orders").header("Idempotency-Key", "k").json(&new_order("KEY", "1")).send().await;
    let first = create().await.ok(201);
    assert_eq!(create().await.ok(201), first);
    for _ in 0..3 {
        sandbox.get("/api/v1/me").await.ok(200);
    }
    sandbox.get("/api/v1/me").await.refused(429, "RATE_LIMIT_EXCEEDED", "");
    sandbox.advance(120).await;
    sandbox.get("/api/v1/me").await.ok(200);
    sandbox.advance(25 * 60 * 60).await;
    // The key is forgotten by now, and the reference is not.
    create().await.refused(409, "DUPLICATE_ORDER_REFERENCE", "KEY");
    sandbox.stop().await;
}

/// Where a sandbox has a seed, webhooks go out one after another: a receiver that hangs holds up all others, and is named by whoever waits.
#[tokio::test]
async fn a_receiver_that_hangs_is_named_by_whoever_waits_for_it() {
    for seed in [Some(3), None] {
        let sandbox = Sandbox::with(|options| (options.frozen, options.seed) = (true, seed)).await;
        let (hangs, shop) = (Receiver::start().await, Receiver::start().await);
        hangs.answer(Answer::never());
        let secret = format!("{}/hook?token=secret", hangs.url());
        let endpoint = json!({ "url": secret, "events": ["order.payment_detected"] });
        sandbox.post("/api/v1/webhooks/endpoints", &endpoint).await.ok(201);
        subscribe(&sandbox, &shop, &["order.completed"]).await;
        let order = sandbox.order("HANGS", "1").await;
        let said = |answer: &serde_json::Value| {
            let pending = answer["pending"].as_array().unwrap_or_else(|| panic!("nothing is pending: {answer}")).clone();
            pending.iter().map(|one| text(one).to_owned()).collect::<Vec<_>>()
        };
        let named = |said: &[String]| {
            let begins = format!("order.payment_detected {}/hook: no answer yet, after ", hangs.url());
            let counted = format!("webhook deliveries due and not made: 1 to {}/hook", hangs.url());
            assert!(said.iter().any(|one| one.starts_with(&begins)) && said.contains(&counted), "{said:?}");
            assert!(said.iter().all(|one| !one.contains("secret")), "{said:?}");
        };
        named(&said(&sandbox.pay(&order["orderId"], json!({})).await));
        let mined = sandbox.mine(2).await;
        named(&said(&mined));
        assert_eq!(sandbox.order_now(&order["orderId"]).await["status"], "completed");
        let waits = format!("webhook deliveries due and not made: 1 to {}", shop.url());
        let waits_behind = said(&mined).iter().any(|one| one.starts_with(&waits));
        assert_eq!((waits_behind, shop.received().len()), (seed.is_some(), usize::from(seed.is_none())));
        named(&said(&sandbox.advance(60).await));
        sandbox.stop().await;
    }
}
