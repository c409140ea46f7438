//! Lists: pages, filters, order.

use payin_tests::sandbox::{Sandbox, new_order, text};
use serde_json::{Value, json};

async fn references(sandbox: &Sandbox, query: &str) -> Vec<String> {
    let page = sandbox.read(&format!("/api/v1/orders?{query}")).await;
    page["data"].as_array().expect("a page").iter().map(|order| text(&order["orderReference"]).to_owned()).collect()
}

fn encoded(time: &Value) -> String {
    text(time).replace('+', "%2B")
}

async fn orders_are_filtered_and_sorted(sandbox: &Sandbox) {
    // One after the other in time, so that times tell them apart.
    let mut made = Vec::new();
    for (reference, amount, currency, chain) in [
        ("alpha", "9", "USDT", "ethereum-sepolia"),
        ("Beta_1%", "10.00", "USDC", "ethereum-sepolia"),
        ("ÉCOLE-3", "100", "USDT", "polygon-amoy"),
        ("delta", "0.000001", "USDT", "bsc-testnet"),
        ("epsilon\\", "10", "USDC", "polygon-amoy"),
    ] {
        let mut order = new_order(reference, amount);
        (order["currency"], order["chainId"]) = (json!(currency), json!(chain));
        made.push(sandbox.post("/api/v1/orders", &order).await.ok(201));
        sandbox.advance(1).await;
    }
    sandbox.pay(&made[0]["orderId"], json!({})).await;
    sandbox.mine(3).await;
    sandbox.order_with_status(&made[0]["orderId"], "completed").await;
    let all = ["epsilon\\", "delta", "ÉCOLE-3", "Beta_1%", "alpha"];
    let second = encoded(&made[1]["createdAt"]);
    for (query, expected) in [
        ("", all.to_vec()),
        ("sortOrder=desc", all.to_vec()),
        ("sortOrder=asc", vec!["alpha", "Beta_1%", "ÉCOLE-3", "delta", "epsilon\\"]),
        ("sortBy=createdAt&sortOrder=asc&limit=2", vec!["alpha", "Beta_1%"]),
        ("sortBy=createdAt&sortOrder=asc&limit=2&page=3", vec!["epsilon\\"]),
        ("sortBy=updatedAt&limit=1", vec!["alpha"]),
        ("status=completed", vec!["alpha"]),
        ("status=expired", vec![]),
        ("currency=USDC", vec!["epsilon\\", "Beta_1%"]),
        ("currency=usdc", vec![]),
        ("chainId=polygon-amoy", vec!["epsilon\\", "ÉCOLE-3"]),
        ("chainId=polygon-amoy&currency=USDT&status=pending", vec!["ÉCOLE-3"]),
        ("chainId=nowhere", vec![]),
        // Text is looked for as it stands, whatever its case; nothing in it is a pattern.
        ("orderReference=ALPHA", vec!["alpha"]),
        ("orderReference=beta", vec!["Beta_1%"]),
        ("orderReference=%C3%A9cole", vec!["ÉCOLE-3"]),
        ("orderReference=l", vec!["epsilon\\", "delta", "ÉCOLE-3", "alpha"]),
        ("orderReference=%25", vec!["Beta_1%"]),
        ("orderReference=_", vec!["Beta_1%"]),
        ("orderReference=%5C", vec!["epsilon\\"]),
        ("orderReference='", vec![]),
    ] {
        assert_eq!(references(sandbox, query).await, expected, "{query}");
    }
    // Amounts are numbers, not texts; those that are equal keep one order.
    let by_amount = references(sandbox, "sortBy=amount&sortOrder=asc").await;
    assert_eq!((by_amount[0].as_str(), by_amount[1].as_str(), by_amount[4].as_str()), ("delta", "alpha", "ÉCOLE-3"));
    let mut backwards = references(sandbox, "sortBy=amount&sortOrder=desc").await;
    assert_eq!(references(sandbox, "sortBy=amount&sortOrder=desc").await, backwards);
    backwards.reverse();
    assert_eq!(backwards, by_amount);
    // From then on, and until before then.
    assert_eq!(references(sandbox, &format!("createdAfter={second}&sortOrder=asc&limit=1")).await, ["Beta_1%"]);
    assert_eq!(references(sandbox, &format!("createdBefore={second}")).await, ["alpha"]);
    assert_eq!(references(sandbox, &format!("createdAfter={second}&createdBefore={second}")).await, Vec::<String>::new());
    assert_eq!(references(sandbox, "createdAfter=1970-01-01T00:00:00%2B14:00&limit=100").await.len(), 5);
}

#[tokio::test]
async fn orders_are_filtered_and_sorted_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    orders_are_filtered_and_sorted(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn orders_are_filtered_and_sorted_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    orders_are_filtered_and_sorted(&sandbox).await;
    sandbox.stop().await;
}

async fn pages_hold_each_once(sandbox: &Sandbox) {
    // Time stands still: all are created in the same millisecond, and pages must still not overlap.
    for number in 0..23 {
        sandbox.order(&format!("PAGE-{number:02}"), "1").await;
    }
    for sort in ["", "&sortBy=amount", "&sortBy=updatedAt&sortOrder=asc"] {
        let mut seen = Vec::new();
        for page in 1..=4 {
            let answer = sandbox.read(&format!("/api/v1/orders?limit=7&page={page}{sort}")).await;
            let pagination = json!({ "page": page, "limit": 7, "total": 23, "totalPages": 4, "hasMore": page < 4 });
            assert_eq!(answer["pagination"], pagination);
            seen.extend(answer["data"].as_array().expect("a page").iter().map(|order| text(&order["orderReference"]).to_owned()));
        }
        seen.sort();
        assert_eq!(seen, (0..23).map(|number| format!("PAGE-{number:02}")).collect::<Vec<_>>(), "{sort}");
    }
    let usual = sandbox.read("/api/v1/orders").await;
    assert_eq!((&usual["pagination"]["limit"], usual["data"].as_array().map(Vec::len)), (&json!(20), Some(20)));
    // The pool, by state and family.
    let count = async |query: &str| sandbox.read(&format!("/api/v1/address-pool/addresses?{query}")).await["pagination"]["total"].clone();
    let status = sandbox.read("/api/v1/address-pool/status").await["evm"].clone();
    assert_eq!((&status["allocated"], &status["total"]), (&json!(23), &json!(256)));
    assert_eq!((count("protocol=evm").await, count("").await), (json!(256), json!(3 * 256)));
    assert_eq!(count("state=allocated&protocol=evm").await, 23);
    assert_eq!(count("state=available&protocol=evm").await, status["available"]);
    for empty in ["state=bound", "state=cooldown", "state=quarantined", "state=allocated&protocol=tron", "state=allocated&protocol=solana"]
    {
        assert_eq!(count(empty).await, 0, "{empty}");
    }
    let held = sandbox.read("/api/v1/address-pool/addresses?state=allocated&limit=1").await["data"][0].clone();
    assert_eq!(sandbox.order_now(&held["orderId"]).await["address"], held["address"]);
    let mut addresses = std::collections::BTreeSet::new();
    for page in 1..=3 {
        let answer = sandbox.read(&format!("/api/v1/address-pool/addresses?protocol=evm&limit=100&page={page}")).await;
        addresses.extend(answer["data"].as_array().expect("a page").iter().map(|one| text(&one["address"]).to_owned()));
    }
    assert_eq!(addresses.len(), 256);
}

#[tokio::test]
async fn pages_hold_each_once_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    pages_hold_each_once(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn pages_hold_each_once_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    pages_hold_each_once(&sandbox).await;
    sandbox.stop().await;
}
