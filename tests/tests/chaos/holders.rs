//! Whose the thousand addresses are, and what the gateway's API says of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use payin_tests::merchant::Merchant;
use payin_tests::nodes::{DEADLINE, http_client};
use serde_json::{Value, json};

use super::truth::base_units;

/// Addresses in the pool, all of which are handed out, and how many of them to orders.
const ADDRESSES: usize = 1_000;
const ORDERS: usize = 100;
/// Every second order asks for a sum that is soon reached, the others for one that never is.
const LITTLE: &str = "50.00";
const NEVER: &str = "9000000000.00";

/// Who holds an address.
#[derive(Debug, Clone)]
pub enum Holder {
    /// By the order's id; what it asks for.
    Order(String, &'static str),
    /// By its reference.
    Deposit(String),
}

async fn call(merchant: &Merchant, request: reqwest::RequestBuilder) -> Value {
    let answer = request.header("x-api-key", merchant.key()).send().await.expect("the server answers");
    let status = answer.status();
    let body: Value = answer.json().await.expect("JSON");
    assert!(status.is_success(), "{status}: {body}");
    body
}

/// What the API answers.
pub async fn get(client: &reqwest::Client, merchant: &Merchant, path: &str) -> Value {
    call(merchant, client.get(format!("{}{path}", merchant.url()))).await
}

/// Fills the pool and hands out every address of it. Answers who holds which, in lower case.
pub async fn hand_out(merchant: &Merchant) -> BTreeMap<String, Holder> {
    // The merchant began with 24.
    let lines: String = (0..ADDRESSES - 24).map(|number| format!("0xc4a05{number:035x}\n")).collect();
    let client = http_client();
    let post = |path: &str, body: Value| call(merchant, client.post(format!("{}/api/v1{path}", merchant.url())).json(&body));
    let imported = post("/address-pool/import", json!({"protocol": "evm", "mode": "self_managed", "addresses": lines})).await;
    assert_eq!(imported["imported"], ADDRESSES - 24, "{imported}");
    // Orders are taken from when the chain is followed.
    let until = Instant::now() + DEADLINE;
    while get(&client, merchant, "/health/ready").await["checks"]["chain ethereum-sepolia"]["status"] != "ok" {
        assert!(Instant::now() < until, "the chain is not followed after {DEADLINE:?}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let handed = (0..ADDRESSES).map(|number| async move {
        let reference = format!("CHAOS-{number}");
        let mut body = json!({"currency": "USDT", "chainId": "ethereum-sepolia"});
        if number < ORDERS {
            let amount = if number % 2 == 0 { LITTLE } else { NEVER };
            (body["orderReference"], body["amount"]) = (json!(reference), json!(amount));
            let order = post("/orders", body).await;
            return (order["address"].clone(), Holder::Order(order["orderId"].as_str().expect("an id").to_owned(), amount));
        }
        body["depositReference"] = json!(reference);
        (post("/deposits/references", body).await["address"].clone(), Holder::Deposit(reference))
    });
    let handed: Vec<(Value, Holder)> = futures_util::stream::iter(handed).buffer_unordered(32).collect().await;
    let holders: BTreeMap<String, Holder> =
        handed.into_iter().map(|(address, holder)| (address.as_str().expect("an address").to_ascii_lowercase(), holder)).collect();
    assert_eq!(holders.len(), ADDRESSES, "an address was handed out twice");
    holders
}

/// How many transfers have this status.
pub async fn count(merchant: &Merchant, status: &str) -> usize {
    let page = get(&http_client(), merchant, &format!("/api/v1/transfers?limit=1&status={status}")).await;
    page["pagination"]["total"].as_u64().and_then(|total| usize::try_from(total).ok()).expect("a total")
}

/// Every transfer that stands: seen, and not taken back by its chain.
pub async fn standing(merchant: &Merchant) -> Vec<Value> {
    let (client, mut all) = (http_client(), Vec::new());
    for status in ["pending", "confirmed"] {
        for page in 1.. {
            let page = get(&client, merchant, &format!("/api/v1/transfers?limit=100&page={page}&status={status}&sortBy=amount")).await;
            let transfers = page["data"].as_array().expect("a page").clone();
            if transfers.is_empty() {
                break;
            }
            all.extend(transfers);
        }
    }
    all
}

/// Each transfer counts for whoever holds its address, and orders have received what their transfers sum to.
pub async fn credited(merchant: &Merchant, holders: &BTreeMap<String, Holder>, standing: &[Value]) {
    let mut sums: BTreeMap<&str, u128> = BTreeMap::new();
    for transfer in standing {
        let to = transfer["toAddress"].as_str().expect("an address").to_ascii_lowercase();
        match &holders[&to] {
            Holder::Deposit(reference) => {
                assert_eq!(
                    (&transfer["depositReference"], &transfer["unmatchedReason"]),
                    (&json!(reference), &Value::Null),
                    "{transfer:#}"
                );
                assert_eq!(transfer["businessType"], "deposit", "{transfer:#}");
            }
            Holder::Order(id, _) => {
                assert_eq!(transfer["orderId"], id.as_str(), "{transfer:#}");
                let reason = transfer["unmatchedReason"].as_str();
                assert_eq!(reason == Some("wrong_currency"), transfer["currency"] != "USDT" && reason != Some("late"), "{transfer:#}");
                if reason.is_none() {
                    *sums.entry(id).or_default() += base_units(&transfer["amount"]);
                }
            }
        }
    }
    let once: BTreeSet<&str> = standing.iter().filter_map(|transfer| transfer["transferId"].as_str()).collect();
    assert_eq!(once.len(), standing.len(), "an id was given twice");
    for holder in holders.values() {
        let Holder::Order(id, asked) = holder else { continue };
        let order = merchant.order(id).await;
        let sum = sums.get(id.as_str()).copied().unwrap_or(0);
        let received = base_units(&order["receivedAmount"]);
        assert_eq!(received, sum, "{order:#}");
        assert_eq!(order["status"] == "completed", sum > 0 && *asked == LITTLE && sum >= 50_000_000, "{order:#}");
    }
}
