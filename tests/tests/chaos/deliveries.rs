//! A thousand events on their way to a receiver that loses answers, while the servers are killed and killed again. At the end every event
//! was acknowledged or is listed as given up, and a receiver that applies events by their ids has the server's totals.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use payin_tests::dice::Dice;
use payin_tests::merchant::{Engine, Merchant};
use payin_tests::nodes::anvil::{Anvil, AnvilOptions};
use payin_tests::nodes::program::Program;
use payin_tests::nodes::receiver::Answer;
use serde_json::{Value, json};

use super::world::{PYUSD, SEPOLIA, USDC, USDT, seed};

const EVENTS: usize = 1_000;
const KILLS: usize = 10;
/// Of so many requests at once orders are made of.
const HANDS: usize = 16;
/// From the last kill: what was claimed then is free after 30 s, and may have failed some times before.
const CALM: Duration = Duration::from_secs(150);

struct Servers {
    merchant: Merchant,
    /// Another server on the same database, where that may have one.
    second: Option<(Program, String)>,
    dice: Dice,
}

impl Servers {
    fn urls(&self) -> Vec<String> {
        let second = self.second.as_ref().map(|(_, listen)| format!("http://{listen}"));
        std::iter::once(self.merchant.url()).chain(second).collect()
    }

    /// One of them is gone at once, and back after a moment.
    async fn kill_one(&mut self) {
        if self.second.is_some() && self.dice.chance(1, 2) {
            if let Some((mut program, _)) = self.second.take() {
                program.kill().await;
            }
            self.second = Some(self.merchant.second_server().await);
        } else {
            self.merchant.server().kill().await;
            self.merchant.end_leases().await;
            self.merchant.start_again().await;
        }
    }
}

/// What a receiver says that has each event and cannot always say so.
pub fn answers(dice: &Dice) -> Vec<(Answer, bool)> {
    let answer = || match dice.below(100) {
        0..12 => (Answer::status(500), false),
        12..15 => (Answer::status(302).header("location", "http://127.0.0.1:1/"), false),
        15..25 => (Answer::status(200).after(Duration::from_millis(dice.below(400))), true),
        _ => (Answer::status(204), true),
    };
    let mut all: Vec<_> = std::iter::repeat_with(answer).take(8 * EVENTS).collect();
    // A few answers never come.
    for at in 0..3 {
        all[at * 300 + 20] = (Answer::never(), false);
    }
    all
}

/// Makes an order, however often its server dies meanwhile: under one key it is made once.
pub async fn order(client: &reqwest::Client, url: &str, key: &str, number: usize) -> Value {
    let body = json!({
        "orderReference": format!("CHAOS-{number}"), "amount": format!("{}.{:02}", 1 + number % 50, number % 100),
        "currency": "USDT", "chainId": "ethereum-sepolia",
    });
    let until = Instant::now() + CALM;
    loop {
        let request = client.post(format!("{url}/api/v1/orders")).header("X-API-Key", key).header("Idempotency-Key", format!("k-{number}"));
        let said = match request.header("Content-Type", "application/json").body(body.to_string()).send().await {
            Ok(answer) if answer.status().as_u16() == 201 => {
                let text = answer.text().await;
                if let Some(order) = text.ok().and_then(|text| serde_json::from_str(&text).ok()) {
                    return order;
                }
                "half an answer".to_owned()
            }
            Ok(answer) => format!("{answer:?}"),
            Err(error) => format!("{error:?}"),
        };
        assert!(Instant::now() < until, "order {number} cannot be made: {said}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub async fn deliveries(engine: Engine) {
    let (seed, begun) = (seed(), Instant::now());
    eprintln!("PAYIN_CHAOS_SEED={seed} repeats this run's choices ({engine:?})");
    let anvil = Anvil::start_with(AnvilOptions { chain_id: SEPOLIA, ..AnvilOptions::default() }).await;
    for (address, name) in [(USDT, "USDT"), (USDC, "USDC"), (PYUSD, "PYUSD")] {
        anvil.deploy_token_at(address, name, name, 6).await;
    }
    anvil.set_interval(1).await;
    let settings = format!("[chains.ethereum-sepolia]\nrpc = \"{}\"\n", anvil.url());
    let merchant = Merchant::start(engine, &settings).await;
    let mut import = merchant.payin();
    let addresses: String = (0..EVENTS).map(|number| format!("0xc{number:039x}\n")).collect();
    import.args(["addresses", "import", "-", "--protocol", "evm"]).stdin(addresses);
    assert_eq!(import.run().await.json()["imported"], EVENTS);
    let endpoint = merchant.answer(&["webhooks", "endpoints", "list"]).await["data"][0].clone();
    let id = endpoint["id"].as_str().expect("an endpoint");
    merchant.answer(&["webhooks", "endpoints", "update", id, "--event", "order.created"]).await;

    let dice = Dice::new(seed);
    let script = answers(&dice);
    merchant.receiver().script(script.iter().map(|(answer, _)| answer.clone()));
    let second = if engine == Engine::Postgres { Some(merchant.second_server().await) } else { None };
    let mut servers = Servers { merchant, second, dice };

    // Orders are made while the servers die.
    let (key, urls) = (servers.merchant.key().to_owned(), servers.urls());
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().expect("a client");
    let first_url = urls[0].clone();
    let making = tokio::spawn(async move {
        // The first server comes back at its address; the second one at another.
        let hand = |hand: usize| {
            let (client, key, url) = (&client, &key, &first_url);
            async move {
                let mut made = Vec::new();
                for number in (hand..EVENTS).step_by(HANDS) {
                    made.push(order(client, url, key, number).await);
                }
                made
            }
        };
        join_all((0..HANDS).map(hand)).await.concat()
    });
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(servers.dice.between(200, 1_200))).await;
        servers.kill_one().await;
    }
    let orders = making.await.expect("the orders are made");
    eprintln!("-- {:?}: {EVENTS} orders made, {KILLS} kills", begun.elapsed());
    settles(&mut servers, &script, &orders).await;
    eprintln!("-- {:?}: compared; {} requests came", begun.elapsed(), servers.merchant.receiver().received().len());
}

async fn settles(servers: &mut Servers, script: &[(Answer, bool)], orders: &[Value]) {
    let until = Instant::now() + CALM;
    let place = servers.merchant.place();
    while place.value("SELECT COUNT(*) FROM deliveries WHERE next_attempt_at IS NOT NULL").await != "0" {
        let logged = servers.merchant.server().stderr();
        assert!(Instant::now() < until, "some deliveries are still to be made after {CALM:?}\n{logged}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let total = |query: &'static str| {
        let place = &place;
        async move { place.value(query).await.parse::<usize>().expect("a number") }
    };
    assert_eq!(total("SELECT COUNT(*) FROM events WHERE type = 'order.created'").await, EVENTS);
    assert_eq!(total("SELECT COUNT(*) FROM deliveries").await, EVENTS);
    // Every webhook is genuine by both schemes, and as the contract says.
    let came = servers.merchant.webhooks();
    let received = servers.merchant.receiver().received();
    let mut bodies: BTreeMap<String, BTreeSet<Vec<u8>>> = BTreeMap::new();
    let mut acknowledged = BTreeSet::new();
    let mut applied: BTreeMap<String, Value> = BTreeMap::new();
    for (event, received) in came.iter().zip(&received) {
        let id = event["id"].as_str().expect("an id").to_owned();
        bodies.entry(id.clone()).or_default().insert(received.body.to_vec());
        if script.get(received.order).is_none_or(|(_, acknowledges)| *acknowledges) {
            acknowledged.insert(id.clone());
        }
        applied.insert(id, event["data"].clone());
    }
    assert!(bodies.values().all(|bodies| bodies.len() == 1), "an event has one body, however often it is sent");
    let given_up = place.rows("SELECT event_id FROM deliveries WHERE given_up_at IS NOT NULL").await.concat();
    let delivered: BTreeSet<String> =
        place.rows("SELECT event_id FROM deliveries WHERE delivered_at IS NOT NULL").await.concat().into_iter().collect();
    let unheard: Vec<_> = delivered.difference(&acknowledged).collect();
    assert!(unheard.is_empty(), "recorded as delivered and never acknowledged: {unheard:?}");
    assert_eq!(delivered.len() + given_up.len(), EVENTS);
    // Who applies each event once has what the server has, and what was answered to those who made the orders.
    let ids = |orders: &mut dyn Iterator<Item = &Value>| {
        let one = |order: &Value| (order["orderId"].to_string(), order["amount"].to_string());
        orders.map(one).collect::<BTreeSet<(String, String)>>()
    };
    let told = ids(&mut applied.values());
    assert_eq!(told.len() + given_up.iter().filter(|id| !applied.contains_key(*id)).count(), EVENTS);
    let (made, has) = (ids(&mut orders.iter()), ids(&mut servers.merchant.orders().await.iter()));
    assert_eq!(made, has);
    assert!(told.is_subset(&has));
    if given_up.is_empty() {
        assert_eq!(told, has);
    }
}
