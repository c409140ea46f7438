//! Many clients that send the same request at once, again and again: it has one effect, and everybody is told of that one, or that another's
//! is being carried out. What an answer says in detail is `api`'s to test.
//!
//! `PAYIN_CHAOS_RACES` makes it more than a few; `scripts/proof races` runs twenty thousand.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use payin_tests::merchant::{Engine, Merchant};
use payin_tests::nodes::anvil::{Anvil, AnvilOptions};
use payin_tests::nodes::http_client;
use serde_json::{Value, json};

use super::kills::times;
use super::world::{PYUSD, SEPOLIA, USDC, USDT};

const RACES: usize = 60;
const CLIENTS: usize = 64;
/// Races at once.
const AT_ONCE: usize = 4;

/// What the clients of a race do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Race {
    /// One order, under one key.
    Order,
    /// Two different orders under one key: one of them is made.
    TwoOrders,
    /// One address for one reference, under one key.
    Reference,
}

const ALL: [Race; 3] = [Race::Order, Race::TwoOrders, Race::Reference];

pub async fn races(engine: Engine) {
    let (races, _) = times("PAYIN_CHAOS_RACES", RACES);
    let begun = Instant::now();
    let anvil = Anvil::start_with(AnvilOptions { chain_id: SEPOLIA, ..AnvilOptions::default() }).await;
    for (address, name) in [(USDT, "USDT"), (USDC, "USDC"), (PYUSD, "PYUSD")] {
        anvil.deploy_token_at(address, name, name, 6).await;
    }
    anvil.set_interval(1).await;
    let merchant = Merchant::start(engine, &format!("[chains.ethereum-sepolia]\nrpc = \"{}\"\n", anvil.url())).await;
    for first in (0..races).step_by(5_000) {
        let lines: String = (first..races.min(first + 5_000)).map(|number| format!("0xe{number:039x}\n")).collect();
        let mut import = merchant.payin();
        import.args(["addresses", "import", "-", "--protocol", "evm"]).stdin(lines);
        import.run().await;
    }
    let (client, merchant_ref) = (http_client(), &merchant);
    let run = |number: usize| {
        let client = client.clone();
        async move { race(&client, merchant_ref, number).await }
    };
    let effects: Vec<(Race, String, usize)> = futures_util::stream::iter(0..races).map(run).buffer_unordered(AT_ONCE).collect().await;
    // Whatever was answered: what is there.
    let orders = merchant.orders().await;
    let mut by_reference: BTreeMap<String, usize> = BTreeMap::new();
    for order in &orders {
        *by_reference.entry(order["orderReference"].as_str().expect("a reference").to_owned()).or_default() += 1;
    }
    assert!(by_reference.values().all(|count| *count == 1), "a reference has two orders");
    let of = |race: Race| effects.iter().filter(|(one, ..)| *one == race).count();
    let expected = races - of(Race::Reference);
    assert_eq!(orders.len(), expected, "orders, one for each race for one");
    let references = merchant.place().value("SELECT COUNT(*) FROM deposit_references").await;
    assert_eq!(references, of(Race::Reference).to_string());
    let ids: BTreeSet<&String> = effects.iter().map(|(_, id, _)| id).collect();
    assert_eq!(ids.len(), races, "an effect for each race");
    let waited: usize = effects.iter().map(|(.., waited)| waited).sum();
    eprintln!(
        "-- {engine:?}: {races} races of {CLIENTS} clients, one effect each ({}); {waited} answers said that another's was being carried out; {:?}",
        ALL.map(|race| format!("{race:?} {}", of(race))).join(", "),
        begun.elapsed()
    );
}

/// Answers what the one effect is called, and how many were told that it was being carried out.
async fn race(client: &reqwest::Client, merchant: &Merchant, number: usize) -> (Race, String, usize) {
    let race = ALL[number % ALL.len()];
    let answers = join_all((0..CLIENTS).map(|which| request(client, merchant, race, number, which))).await;
    let (mut effects, mut waited) = (BTreeSet::new(), 0);
    for (status, body) in answers {
        match (status, body["code"].as_str()) {
            (200 | 201, _) => drop(effects.insert(effect(race, &body))),
            (409, Some("IDEMPOTENCY_IN_PROGRESS")) => waited += 1,
            (409, Some("IDEMPOTENCY_KEY_CONFLICT")) if race == Race::TwoOrders => {}
            _ => panic!("race {number} ({race:?}): {status}: {body}"),
        }
    }
    assert_eq!(effects.len(), 1, "race {number} ({race:?}) had other effects than one: {effects:?}");
    (race, effects.pop_first().unwrap_or_default(), waited)
}

fn effect(race: Race, body: &Value) -> String {
    let id = match race {
        Race::Order | Race::TwoOrders => &body["orderId"],
        Race::Reference => &body["depositReference"],
    };
    format!("{id} {}", body["address"])
}

async fn request(client: &reqwest::Client, merchant: &Merchant, race: Race, number: usize, which: usize) -> (u16, Value) {
    let amount = if race == Race::TwoOrders && which % 2 == 1 { "26.00" } else { "25.00" };
    let (path, body) = match race {
        Race::Order | Race::TwoOrders => (
            "/api/v1/orders",
            json!({"orderReference": format!("RACE-{number}"), "amount": amount, "currency": "USDT", "chainId": "ethereum-sepolia"}),
        ),
        Race::Reference => (
            "/api/v1/deposits/references",
            json!({"depositReference": format!("RACE-{number}"), "currency": "USDT", "chainId": "ethereum-sepolia"}),
        ),
    };
    let request = client.post(format!("{}{path}", merchant.url())).header("X-API-Key", merchant.key());
    let answer = request.header("Idempotency-Key", format!("race-{number}")).json(&body).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}
