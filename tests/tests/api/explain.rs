//! `GET /orders/{id}/explain` over the real thing: what was paid how, and what the server says of it.

use payin_tests::sandbox::{CHAIN, Sandbox, text};
use payin_types::Role;
use serde_json::{Value, json};

async fn told(sandbox: &Sandbox, order: &Value) -> Value {
    sandbox.read(&format!("/api/v1/orders/{}/explain", text(&order["orderId"]))).await
}

fn codes(told: &Value) -> Vec<&str> {
    told["findings"].as_array().expect("findings").iter().map(|finding| text(&finding["code"])).collect()
}

/// What a finding rests on.
fn evidence<'a>(told: &'a Value, code: &str) -> &'a Value {
    let findings = told["findings"].as_array().expect("findings");
    &findings.iter().find(|finding| finding["code"] == code).unwrap_or_else(|| panic!("no {code} in {told:#}"))["evidence"]
}

async fn open_orders(sandbox: &Sandbox) {
    let order = sandbox.order("WHY", "100").await;
    let none = told(sandbox, &order).await;
    assert_eq!((codes(&none), &none["status"]), (vec!["nothing_seen", "window_open"], &json!("pending")), "{none:#}");
    assert_eq!(none["summary"], "It is not paid yet: no payment has been seen.");
    assert_eq!((&none["chain"]["chainId"], &none["orderReference"]), (&json!(CHAIN), &json!("WHY")));
    assert!(none["chain"]["headNumber"].is_u64() && none["chain"]["lagSeconds"].is_u64(), "{none:#}");
    // One of three confirmations, and more is missing.
    let first = sandbox.pay(&order["orderId"], json!({ "amount": "40" })).await;
    sandbox.order_seen(&order["orderId"]).await;
    let seen = told(sandbox, &order).await;
    assert_eq!(codes(&seen), ["confirming", "short", "window_open"], "{seen:#}");
    let waits = evidence(&seen, "confirming");
    assert_eq!((&waits["confirmations"], &waits["requiredConfirmations"]), (&json!(1), &json!(3)));
    assert!(waits["expectedAt"].is_string() && waits["transfers"][0]["txHash"] == first["txHash"], "{seen:#}");
    assert_eq!((&seen["pendingAmount"], &evidence(&seen, "short")["missingAmount"]), (&json!("40.00"), &json!("60.00")));
    // Another token beside it.
    let wrong = sandbox.pay(&order["orderId"], json!({ "kind": "wrong_token", "amount": "60" })).await;
    sandbox.mine(3).await;
    sandbox.order_when(&order["orderId"], "40 received", |order| order["receivedAmount"] == "40.00").await;
    let short = told(sandbox, &order).await;
    assert_eq!(codes(&short), ["short", "wrong_token", "window_open"], "{short:#}");
    assert_eq!(short["summary"], "It is not paid yet: 60.00 USDT are missing.");
    let stray = &evidence(&short, "wrong_token")["transfers"][0];
    let expected = (&wrong["txHash"], &json!("60.00"), &json!("wrong_currency"));
    assert_eq!((&stray["txHash"], &stray["amount"], &stray["unmatchedReason"]), expected);
    // The rest and more.
    let rest = sandbox.pay(&order["orderId"], json!({ "amount": "60.5" })).await;
    sandbox.mine(3).await;
    sandbox.order_with_status(&order["orderId"], "completed").await;
    let paid = told(sandbox, &order).await;
    assert_eq!(codes(&paid), ["paid", "overpaid", "wrong_token"], "{paid:#}");
    assert_eq!(evidence(&paid, "overpaid")["excessAmount"], "0.50");
    let by: Vec<&Value> = evidence(&paid, "paid")["transfers"].as_array().expect("transfers").iter().map(|one| &one["txHash"]).collect();
    assert_eq!(by, [&first["txHash"], &rest["txHash"]]);
}

async fn over_and_gone(sandbox: &Sandbox) {
    // Taken back before it counted.
    let back = sandbox.order("BACK", "5").await;
    let lost = sandbox.pay(&back["orderId"], json!({})).await;
    sandbox.order_seen(&back["orderId"]).await;
    sandbox.post("/api/v1/sandbox/reorg", &json!({ "chainId": CHAIN, "depth": 1, "drop": true })).await.ok(200);
    sandbox.mine(1).await;
    sandbox.order_when(&back["orderId"], "unseen", |order| order.get("txHash").is_none()).await;
    let gone = told(sandbox, &back).await;
    assert_eq!(codes(&gone), ["taken_back", "nothing_seen", "window_open"], "{gone:#}");
    let transfer = &evidence(&gone, "taken_back")["transfers"][0];
    assert_eq!((&transfer["txHash"], &transfer["status"], &transfer["confirmations"]), (&lost["txHash"], &json!("failed"), &json!(0)));
    // Late, by a minute and a little: the payer waits 60 seconds after the grace period.
    let late = sandbox.order("LATE", "5").await;
    let paid = sandbox.pay(&late["orderId"], json!({ "kind": "late" })).await;
    sandbox.mine(3).await;
    sandbox.order_when(&late["orderId"], "told late", |order| order["paidLate"] == true).await;
    let told_late = told(sandbox, &late).await;
    assert_eq!(codes(&told_late), ["expired_unpaid", "late"], "{told_late:#}");
    let transfer = &evidence(&told_late, "late")["transfers"][0];
    assert_eq!((&transfer["txHash"], &transfer["unmatchedReason"]), (&paid["txHash"], &json!("late")));
    assert!((60..120).contains(&transfer["lateBySeconds"].as_u64().expect("seconds")), "{transfer}");
    // Unpaid.
    let never = told(sandbox, &back).await;
    assert_eq!(
        (codes(&never), &never["summary"]),
        (vec!["expired_unpaid", "taken_back"], &json!("It expired unpaid, with 0.00 USDT of 5.00 USDT."))
    );
    // Who may: everybody who may see the order, and nobody else.
    let path = format!("/api/v1/orders/{}/explain", text(&back["orderId"]));
    let viewer = sandbox.key_with_role(Role::Viewer).await;
    let mut same = sandbox.ask("GET", &path).key(&viewer).send().await.ok(200);
    same["explainedAt"] = never["explainedAt"].clone();
    assert_eq!(same["findings"], never["findings"]);
    sandbox.ask("GET", &path).no_key().send().await.refused(401, "INVALID_API_KEY", "");
    let stranger = sandbox.stranger().await;
    sandbox.ask("GET", &path).key(&stranger).send().await.refused(404, "RESOURCE_NOT_FOUND", text(&back["orderId"]));
}

#[tokio::test]
async fn orders_are_explained_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    open_orders(&sandbox).await;
    over_and_gone(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn orders_are_explained_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    open_orders(&sandbox).await;
    over_and_gone(&sandbox).await;
    sandbox.stop().await;
}
