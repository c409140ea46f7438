//! What the simulated world does on demand, and what orders make of it. Time stands still but where the test moves it.

mod chains;
mod due;
mod faults;
mod moments;
mod ways;

use std::time::{Duration, Instant};

use payin_tests::sandbox::{CHAIN, Sandbox, new_order, text};
use payin_types::{SecretString, Timestamp};
use serde_json::{Value, json};

fn time(value: &Value) -> Timestamp {
    text(value).parse().expect("a time")
}

#[tokio::test]
async fn a_payment_is_seen_confirmed_and_completes() {
    let sandbox = Sandbox::frozen().await;
    let order = sandbox.order("PAY-1", "12.50").await;
    let id = &order["orderId"];
    assert_eq!(
        (&order["status"], &order["receivedAmount"], &order["requiredConfirmations"]),
        (&json!("pending"), &json!("0.00"), &json!(3))
    );
    let paid = sandbox.pay(id, json!({ "mine": false })).await;
    assert_eq!(paid["chainId"], CHAIN);
    // In no block yet: another order's payment behind it would be seen, this one is not.
    assert!(sandbox.order_now(id).await.get("txHash").is_none());
    sandbox.mine(1).await;
    let seen = sandbox.order_seen(id).await;
    assert_eq!((&seen["txHash"], &seen["confirmations"], &seen["receivedAmount"]), (&paid["txHash"], &json!(1), &json!("0.00")));
    assert!(seen["detectedAt"].is_string() && seen["status"] == "pending");
    sandbox.mine(1).await;
    let two = sandbox.order_when(id, "at 2 confirmations", |order| order["confirmations"] == 2).await;
    assert_eq!(two["status"], "pending");
    sandbox.mine(1).await;
    let done = sandbox.order_with_status(id, "completed").await;
    assert_eq!((&done["receivedAmount"], &done["txHash"], &done["blockNumber"]), (&json!("12.50"), &paid["txHash"], &seen["blockNumber"]));
    assert!(done["confirmations"].as_u64() >= Some(3) && done.get("paidLate").is_none(), "{done}");
    // Paid is paid.
    sandbox.post("/api/v1/sandbox/pay", &json!({ "orderId": id })).await.refused(400, "ORDER_ALREADY_PAID", text(id));
    sandbox.stop().await;
}

/// However soon it comes: the chains are followed from before the sandbox says that it is ready.
#[tokio::test]
async fn a_payment_right_after_the_start_counts() {
    for _ in 0..3 {
        let sandbox = Sandbox::frozen().await;
        let order = sandbox.order("SOON", "1").await;
        sandbox.pay(&order["orderId"], json!({})).await;
        sandbox.mine(5).await;
        sandbox.order_with_status(&order["orderId"], "completed").await;
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn too_little_waits_for_the_rest_and_too_much_is_told() {
    let sandbox = Sandbox::frozen().await;
    let (under, over, parts) =
        (sandbox.order("UNDER", "10").await, sandbox.order("OVER", "10.00").await, sandbox.order("PARTS", "10").await);
    sandbox.pay(&under["orderId"], json!({ "kind": "under" })).await;
    sandbox.pay(&over["orderId"], json!({ "kind": "over" })).await;
    sandbox.pay(&parts["orderId"], json!({ "amount": "3.5" })).await;
    sandbox.mine(3).await;
    assert_eq!(sandbox.order_with_status(&over["orderId"], "completed").await["receivedAmount"], "15.00");
    let received = |amount: &'static str| move |order: &Value| order["receivedAmount"] == amount;
    let half = sandbox.order_when(&under["orderId"], "half paid", received("5.00")).await;
    assert_eq!(half["status"], "pending");
    // What remains is paid by default.
    sandbox.order_when(&parts["orderId"], "part paid", received("3.50")).await;
    let rest = sandbox.pay(&parts["orderId"], json!({})).await;
    sandbox.mine(3).await;
    let done = sandbox.order_with_status(&parts["orderId"], "completed").await;
    assert_eq!((&done["receivedAmount"], &done["txHash"]), (&json!("10.00"), &rest["txHash"]));
    // The half that never comes: window and grace pass, and what was received is told.
    sandbox.advance(16 * 60).await;
    let expired = sandbox.order_with_status(&under["orderId"], "expired").await;
    assert_eq!((&expired["receivedAmount"], expired.get("paidLate")), (&json!("5.00"), None));
    sandbox.stop().await;
}

#[tokio::test]
async fn other_money_is_not_the_orders() {
    let sandbox = Sandbox::frozen().await;
    let (fake, wrong) = (sandbox.order("FAKE", "10").await, sandbox.order("WRONG", "10").await);
    let fence = sandbox.order("FENCE", "1").await;
    sandbox.pay(&fake["orderId"], json!({ "kind": "fake_token", "mine": false })).await;
    sandbox.pay(&wrong["orderId"], json!({ "kind": "wrong_token", "mine": false })).await;
    // In the same block: once this one is completed, the others have been looked at.
    sandbox.pay(&fence["orderId"], json!({})).await;
    sandbox.mine(3).await;
    sandbox.order_with_status(&fence["orderId"], "completed").await;
    for order in [&fake, &wrong] {
        let now = sandbox.order_now(&order["orderId"]).await;
        assert_eq!((&now["status"], &now["receivedAmount"], now.get("txHash")), (&json!("pending"), &json!("0.00"), None), "{now}");
    }
    // The right money still completes them.
    for order in [&fake, &wrong] {
        sandbox.pay(&order["orderId"], json!({})).await;
    }
    sandbox.mine(3).await;
    for order in [&fake, &wrong] {
        assert_eq!(sandbox.order_with_status(&order["orderId"], "completed").await["receivedAmount"], "10.00");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_late_payment_leaves_the_order_expired_and_is_told() {
    let sandbox = Sandbox::frozen().await;
    let order = sandbox.order("LATE", "10").await;
    let id = &order["orderId"];
    let late = sandbox.pay(id, json!({ "kind": "late" })).await;
    sandbox.order_with_status(id, "expired").await;
    sandbox.mine(3).await;
    let told = sandbox.order_when(id, "told late", |order| order["paidLate"] == true).await;
    assert_eq!((&told["status"], &told["receivedAmount"]), (&json!("expired"), &json!("0.00")), "{told}");
    assert!(told.get("completedAt").is_none() && late["txHash"].is_string());
    assert!(time(&told["expiredAt"]) > time(&told["gracePeriodEndsAt"]));
    // An order that has expired is not paid by mistake, only late on purpose.
    for change in [json!({}), json!({ "kind": "under" }), json!({ "amount": "1" })] {
        let mut pay = json!({ "orderId": id });
        pay.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        sandbox.post("/api/v1/sandbox/pay", &pay).await.refused(400, "ORDER_EXPIRED", text(id));
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn the_last_second_of_grace_counts_and_the_next_does_not() {
    let sandbox = Sandbox::frozen().await;
    let mut request = new_order("GRACE", "1");
    (request["paymentWindowMinutes"], request["gracePeriodMinutes"]) = (json!(5), json!(5));
    let order = sandbox.post("/api/v1/orders", &request).await.ok(201);
    let id = &order["orderId"];
    // Nine minutes: after the window, within the grace period.
    sandbox.advance(9 * 60).await;
    assert_eq!(sandbox.order_now(id).await["status"], "pending");
    sandbox.pay(id, json!({})).await;
    sandbox.order_seen(id).await;
    // A payment on its way keeps the order from expiring, however long its confirmations take.
    sandbox.advance(60 * 60).await;
    assert_eq!(sandbox.order_with_status(id, "completed").await["receivedAmount"], "1.00");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_reorganisation_keeps_or_loses_a_payment() {
    let sandbox = Sandbox::frozen().await;
    let reorg = async |depth: u32, drop: bool| {
        sandbox.post("/api/v1/sandbox/reorg", &json!({ "chainId": CHAIN, "depth": depth, "drop": drop })).await.ok(200)
    };
    // Kept: the same transaction in another block.
    let kept = sandbox.order("KEPT", "1").await;
    let paid = sandbox.pay(&kept["orderId"], json!({})).await;
    sandbox.mine(1).await;
    let before = sandbox.order_when(&kept["orderId"], "at 2 confirmations", |order| order["confirmations"] == 2).await;
    reorg(2, false).await;
    sandbox.mine(3).await;
    let done = sandbox.order_with_status(&kept["orderId"], "completed").await;
    assert_eq!((&done["txHash"], &done["receivedAmount"], &before["txHash"]), (&paid["txHash"], &json!("1.00"), &paid["txHash"]));
    // Lost: the order waits again, and another payment completes it.
    let lost = sandbox.order("LOST", "1").await;
    sandbox.pay(&lost["orderId"], json!({})).await;
    sandbox.order_seen(&lost["orderId"]).await;
    reorg(1, true).await;
    sandbox.mine(3).await;
    let again = sandbox.order_when(&lost["orderId"], "forgotten", |order| order.get("txHash").is_none()).await;
    assert_eq!((&again["status"], &again["receivedAmount"]), (&json!("pending"), &json!("0.00")), "{again}");
    let second = sandbox.pay(&lost["orderId"], json!({})).await;
    sandbox.mine(3).await;
    assert_eq!(sandbox.order_with_status(&lost["orderId"], "completed").await["txHash"], second["txHash"]);
    // Lost for good: it expires.
    let never = sandbox.order("NEVER", "1").await;
    sandbox.pay(&never["orderId"], json!({})).await;
    sandbox.order_seen(&never["orderId"]).await;
    reorg(1, true).await;
    sandbox.advance(16 * 60).await;
    assert_eq!(sandbox.order_with_status(&never["orderId"], "expired").await["receivedAmount"], "0.00");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_frozen_clock_moves_only_when_told_and_by_as_much() {
    let begun = Instant::now();
    let sandbox = Sandbox::frozen().await;
    let clock = async || sandbox.read("/api/v1/sandbox/clock").await;
    let first = clock().await;
    assert_eq!(first["frozen"], true);
    let order = sandbox.order("CLOCK", "1").await;
    assert_eq!(order["createdAt"], first["now"]);
    assert_eq!(time(&order["expiresAt"]).millis() - time(&order["createdAt"]).millis(), 10 * 60 * 1000);
    assert_eq!(clock().await, first, "time passed by itself");
    let mut now = time(&first["now"]).millis();
    for seconds in [600, 1, 1, 59, 86_400] {
        let moved = sandbox.advance(seconds).await;
        now += i64::try_from(seconds).expect("few") * 1000;
        assert_eq!((time(&moved["now"]).millis(), &moved["frozen"]), (now, &json!(true)), "{seconds}");
    }
    sandbox.order_with_status(&order["orderId"], "expired").await;
    // Its address is let go, rests, and is free again: more than a day went by within this test.
    sandbox.advance(31 * 60).await;
    let is_free = |status: &Value| status["evm"]["allocated"] == 0 && status["evm"]["available"] == 256;
    sandbox.read_when("/api/v1/address-pool/status", "all free", is_free).await;
    assert!(begun.elapsed() < Duration::from_secs(60));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_released_address_rests_for_half_an_hour() {
    let sandbox = Sandbox::frozen().await;
    let order = sandbox.order("REST", "1").await;
    sandbox.advance(16 * 60).await;
    sandbox.order_with_status(&order["orderId"], "expired").await;
    let pool = async |cooling: u64, available: u64| {
        let is_so = |status: &Value| status["evm"]["coolingDown"] == cooling && status["evm"]["available"] == available;
        sandbox.read_when("/api/v1/address-pool/status", "at rest", is_so).await;
    };
    // Letting the address go is a step of its own, right after the expiry.
    pool(1, 255).await;
    let resting = sandbox.read("/api/v1/address-pool/addresses?state=cooldown").await["data"][0].clone();
    assert_eq!(resting["address"], order["address"]);
    let now = time(&sandbox.read("/api/v1/sandbox/clock").await["now"]);
    // It rests from its release, a few blocks after the order closed: that was almost a minute ago.
    let rests = time(&resting["cooldownUntil"]).millis() - now.millis();
    assert!((1_740_000..=1_760_000).contains(&rests), "{rests}");
    sandbox.advance(31 * 60).await;
    pool(0, 256).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn bad_play_is_refused() {
    let sandbox = Sandbox::frozen().await;
    let order = sandbox.order("PLAY", "1").await;
    let before = (sandbox.counts().await, sandbox.read("/api/v1/sandbox/clock").await);
    let pay = |field: &str, value: Value| json!({ "orderId": order["orderId"], field: value });
    for (path, body, status, code, says) in [
        ("pay", pay("kind", json!("thrice")), 400, "VALIDATION_ERROR", "'thrice'"),
        ("pay", pay("amount", json!("0")), 400, "INVALID_AMOUNT", "amount"),
        ("pay", pay("amount", json!("-1")), 400, "INVALID_AMOUNT", "Amount"),
        ("pay", pay("amount", json!("0.0000001")), 400, "INVALID_AMOUNT", "6 decimals"),
        ("pay", pay("amount", json!(1)), 400, "INVALID_AMOUNT", "string"),
        ("pay", pay("mine", json!("yes")), 400, "VALIDATION_ERROR", "mine"),
        ("pay", json!({}), 400, "VALIDATION_ERROR", "orderId"),
        ("pay", json!({ "orderId": "ord_none" }), 404, "RESOURCE_NOT_FOUND", "ord_none"),
        ("mine", json!({ "blocks": 0 }), 400, "VALIDATION_ERROR", "blocks: must be 1 to 1000, is 0"),
        ("mine", json!({ "blocks": 1001 }), 400, "VALIDATION_ERROR", "blocks: must be 1 to 1000, is 1001"),
        ("mine", json!({ "chainId": "nowhere" }), 400, "INVALID_CHAIN", "nowhere"),
        ("mine", json!({ "chain": CHAIN }), 400, "VALIDATION_ERROR", "chain"),
        ("reorg", json!({ "chainId": CHAIN, "depth": 0 }), 400, "VALIDATION_ERROR", "depth"),
        ("reorg", json!({ "chainId": CHAIN, "depth": 999 }), 400, "VALIDATION_ERROR", "depth"),
        ("reorg", json!({ "chainId": "nowhere", "depth": 1 }), 400, "INVALID_CHAIN", "nowhere"),
        ("reorg", json!({ "depth": 1 }), 400, "VALIDATION_ERROR", "chainId"),
        ("clock/advance", json!({ "seconds": 0 }), 400, "VALIDATION_ERROR", "seconds: must be 1 to 31536000, is 0"),
        ("clock/advance", json!({ "seconds": 31_536_001 }), 400, "VALIDATION_ERROR", "seconds"),
        ("clock/advance", json!({ "seconds": -1 }), 400, "VALIDATION_ERROR", "seconds"),
        ("clock/advance", json!({}), 400, "VALIDATION_ERROR", "seconds"),
    ] {
        sandbox.post(&format!("/api/v1/sandbox/{path}"), &body).await.refused(status, code, says);
    }
    assert_eq!((sandbox.counts().await, sandbox.read("/api/v1/sandbox/clock").await), before);
    assert!(sandbox.order_now(&order["orderId"]).await.get("txHash").is_none());
    sandbox.stop().await;
}

#[tokio::test]
async fn the_same_seed_is_the_same_world() {
    let first = async |seed: u64| {
        let sandbox = Sandbox::with(|options| (options.frozen, options.seed) = (true, Some(seed))).await;
        let order = sandbox.order("SEED", "1").await;
        let paid = sandbox.pay(&order["orderId"], json!({})).await;
        let world = (sandbox.key().to_owned(), order["orderId"].clone(), order["address"].clone(), paid["txHash"].clone());
        sandbox.stop().await;
        world
    };
    let (one, again, other) = (first(7).await, first(7).await, first(8).await);
    assert_eq!((&one.0, &one.1, &one.2), (&again.0, &again.1, &again.2));
    assert!(one.0 != other.0 && one.1 != other.1 && one.2 != other.2);
}

#[tokio::test]
async fn a_running_sandbox_makes_blocks_by_itself() {
    let sandbox = Sandbox::start().await;
    assert_eq!(sandbox.read("/api/v1/sandbox/clock").await["frozen"], false);
    let order = sandbox.order("RUNNING", "1").await;
    sandbox.pay(&order["orderId"], json!({ "mine": false })).await;
    sandbox.order_with_status(&order["orderId"], "completed").await;
    sandbox.stop().await;
}

#[tokio::test]
async fn a_key_of_ones_own_is_taken() {
    let own = "pk_test_of_my_own";
    let sandbox = Sandbox::with(|options| (options.api_key, options.frozen) = (Some(SecretString::from(own)), true)).await;
    assert_eq!(sandbox.key(), own);
    assert_eq!(sandbox.read("/api/v1/me").await["role"], "owner");
    sandbox.stop().await;
}
