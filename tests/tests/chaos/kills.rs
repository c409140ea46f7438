//! A server that is killed (SIGKILL) and killed again at any moment, or two of which one is stopped (SIGSTOP) until the other has taken over
//! its work and then goes on, while orders are made, paid on a chain, and told of. Then what their public API and their webhooks say is compared with the chain and with what was answered: nothing is lost, doubled or half done. No fault is put
//! into the chain or the node here; `world.rs` does that.
//!
//! `PAYIN_CHAOS_KILLS` makes it more than a few; `scripts/proof kills` runs it a thousand times.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use payin_tests::dice::Dice;
use payin_tests::merchant::{Engine, Merchant};
use payin_tests::nodes::anvil::{Anvil, AnvilOptions, Token};
use payin_tests::nodes::http_client;
use payin_tests::nodes::program::Program;
use serde_json::Value;
use tokio::sync::mpsc;

use super::deliveries::{answers, order};
use super::holders::{get, standing};
use super::truth::{Moved, base_units, difference, of_chain, shown};
use super::world::{PYUSD, SEPOLIA, USDC, USDT, seed};

const KILLS: usize = 12;
const HANDS: usize = 4;
/// Orders for each kill, at most.
const ORDERS: usize = 8;
/// For everything to be paid, final and told of after the last kill: a dozen times the longest wait between two attempts by then.
const CALM: Duration = Duration::from_secs(240);
/// A server that was killed is ready again in so long, where many kills were asked for: that run is for machines with nothing else to do.
const READY_MAX: Duration = Duration::from_secs(5);

/// How often something is done, unless the environment says otherwise.
pub fn times(name: &str, otherwise: usize) -> (usize, bool) {
    let given = std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text:?} is no number")));
    (given.unwrap_or(otherwise), given.is_some())
}

/// What happens to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// It is gone at once, and another one started in its place.
    Kill,
    /// It stands still for longer than its leases last, and goes on where it stood. There is a second one.
    Pause,
}

pub async fn blows(engine: Engine, blow: Blow) {
    let (blows, asked_for) = times("PAYIN_CHAOS_KILLS", KILLS);
    let (seed, begun) = (seed(), Instant::now());
    eprintln!("PAYIN_CHAOS_SEED={seed} repeats this run's choices ({engine:?}, {blows} times {blow:?})");
    let (anvil, token, mut merchant) = ground(engine, blows * ORDERS).await;
    let dice = Dice::new(seed);
    let script = answers(&dice);
    merchant.receiver().script(script.iter().map(|(answer, _)| answer.clone()));
    let enough = Arc::new(AtomicBool::new(false));
    let mut to_pay = customers(&merchant, blows * ORDERS, seed, &enough);
    let paying = tokio::spawn(async move {
        let mut paid = Vec::new();
        while let Some(order) = to_pay.recv().await {
            let to = order["address"].as_str().expect("an address");
            anvil.transfer(&token, to, base_units(&order["amount"])).await;
            paid.push(order);
        }
        (anvil, paid)
    });
    let second = if blow == Blow::Pause { Some(merchant.second_server().await.0) } else { None };
    let mut ready = Vec::new();
    for _ in 0..blows {
        tokio::time::sleep(Duration::from_millis(dice.between(20, 1_200))).await;
        match &second {
            Some(second) => pause(&merchant, second, &dice).await,
            None => ready.push(kill(&mut merchant).await),
        }
    }
    enough.store(true, Ordering::Relaxed);
    let (anvil, orders) = paying.await.expect("all is paid");
    anvil.mine(8).await;
    let webhooks = settles(&mut merchant, &script, &anvil, &orders).await;
    let (orders, took) = (orders.len(), begun.elapsed());
    eprintln!("-- {engine:?}, {blows} times {blow:?}: {orders} orders made, paid and told of, each once, by {webhooks} requests; {took:?}");
    ready.sort();
    let at = |percent: usize| ready.get(ready.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default();
    if blow == Blow::Kill {
        eprintln!("-- {engine:?}, {blows} times {blow:?}: ready again after p50 {:?}, p99 {:?}, at most {:?}", at(50), at(99), at(100));
    }
    assert!(!asked_for || at(100) < READY_MAX, "it took {:?} to be ready again", at(100));
}

/// A chain, one of whose tokens its first account has plenty of, and a merchant with so many addresses more than all have.
async fn ground(engine: Engine, addresses: usize) -> (Anvil, Token, Merchant) {
    let anvil = Anvil::start_with(AnvilOptions { chain_id: SEPOLIA, epoch_slots: 2, ..AnvilOptions::default() }).await;
    let token = anvil.deploy_token_at(USDT, "USDT", "USDT", 6).await;
    for (address, name) in [(USDC, "USDC"), (PYUSD, "PYUSD")] {
        anvil.deploy_token_at(address, name, name, 6).await;
    }
    anvil.mint(&token, anvil.account(0), 1_000_000_000_000_000).await;
    anvil.set_interval(1).await;
    let settings = format!("[chains.ethereum-sepolia]\nrpc = \"{}\"\nconfirmations = 2\nblock_ms = 1000\n", anvil.url());
    let merchant = Merchant::start(engine, &settings).await;
    let mut import = merchant.payin();
    let lines: String = (0..addresses).map(|number| format!("0xd{number:039x}\n")).collect();
    import.args(["addresses", "import", "-", "--protocol", "evm"]).stdin(lines);
    assert_eq!(import.run().await.json()["imported"], addresses);
    (anvil, token, merchant)
}

/// Some who order until it is enough. Answers what they have ordered.
fn customers(merchant: &Merchant, most: usize, seed: u64, enough: &Arc<AtomicBool>) -> mpsc::UnboundedReceiver<Value> {
    let next = Arc::new(AtomicUsize::new(0));
    let (made, orders) = mpsc::unbounded_channel::<Value>();
    for hand in 0..HANDS {
        let (url, key, dice) = (merchant.url(), merchant.key().to_owned(), Dice::new(seed ^ (hand as u64 + 1)));
        let (enough, next, made) = (Arc::clone(enough), Arc::clone(&next), made.clone());
        tokio::spawn(async move {
            let client = http_client();
            while !enough.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= most || made.send(order(&client, &url, &key, number).await).is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(dice.between(50, 900))).await;
            }
        });
    }
    orders
}

/// Answers how long until the server was ready again.
async fn kill(merchant: &mut Merchant) -> Duration {
    merchant.server().kill().await;
    merchant.end_leases().await;
    let killed = Instant::now();
    merchant.start_again().await;
    killed.elapsed()
}

async fn pause(merchant: &Merchant, second: &Program, dice: &Dice) {
    let first = dice.chance(1, 2);
    if first {
        merchant.freeze();
    } else {
        second.signal("STOP");
    }
    // What it held would end in half a minute.
    merchant.end_leases().await;
    tokio::time::sleep(Duration::from_millis(dice.between(200, 2_500))).await;
    if first {
        merchant.thaw();
    } else {
        second.signal("CONT");
    }
}

/// Answers how many requests told of it.
async fn settles(merchant: &mut Merchant, script: &[(super::Answer, bool)], anvil: &Anvil, made: &[Value]) -> usize {
    let until = Instant::now() + CALM;
    let place = merchant.place();
    let all = loop {
        let all = merchant.orders().await;
        let open = all.iter().filter(|order| order["status"] != "completed").count();
        let untold = place.value("SELECT COUNT(*) FROM deliveries WHERE next_attempt_at IS NOT NULL").await;
        if open == 0 && untold == "0" {
            break all;
        }
        let logged = merchant.server().stderr();
        assert!(
            Instant::now() < until,
            "{open} of {} orders are not completed, {untold} events not told after {CALM:?}\n{logged}",
            all.len()
        );
        tokio::time::sleep(Duration::from_millis(250)).await;
    };
    // Each request for an order had one effect, which is what was answered.
    let of = |order: &Value| ["orderId", "orderReference", "address", "amount"].map(|field| order[field].to_string());
    let has: BTreeSet<_> = all.iter().map(of).collect();
    assert_eq!((all.len(), has), (made.len(), made.iter().map(of).collect()), "orders and answers");
    // Each payment is there once, and counts for its order, and nothing else is there.
    let watched: BTreeSet<String> = made.iter().map(|order| order["address"].as_str().expect("an address").to_ascii_lowercase()).collect();
    assert_eq!(watched.len(), made.len(), "an address was handed out twice");
    let chain = of_chain(anvil, &watched).await;
    let standing = standing(merchant).await;
    let recorded: BTreeSet<Moved> = standing.iter().map(shown).collect();
    assert_eq!((chain.len(), standing.len()), (made.len(), made.len()), "{:?}", difference(&chain, &recorded));
    assert_eq!(difference(&chain, &recorded), None);
    let mut counts: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    standing.iter().for_each(|transfer| counts.entry(transfer["orderId"].as_str().unwrap_or_default()).or_default().push(transfer));
    let client = http_client();
    for order in &all {
        let id = order["orderId"].as_str().expect("an id");
        let order = get(&client, merchant, &format!("/api/v1/orders/{id}")).await;
        let transfers = counts.get(id).map_or(0, Vec::len);
        assert_eq!((transfers, &order["receivedAmount"]), (1, &order["amount"]), "{order:#} has {:#?}", counts.get(id));
    }
    // Each was told of by one event with one body, and acknowledged or given up.
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut heard = BTreeSet::new();
    let received = merchant.receiver().received();
    for (event, received) in merchant.webhooks().iter().zip(&received) {
        if event["type"] != "order.completed" {
            continue;
        }
        let order = event["data"]["orderId"].to_string();
        told.entry(order.clone()).or_default().insert(String::from_utf8_lossy(&received.body).into_owned());
        if script.get(received.order).is_none_or(|(_, acknowledges)| *acknowledges) {
            heard.insert(order);
        }
    }
    let given_up = place.value("SELECT COUNT(*) FROM deliveries d JOIN events e ON e.id = d.event_id WHERE e.type = 'order.completed' AND d.given_up_at IS NOT NULL").await;
    let given_up: usize = given_up.parse().expect("a number");
    assert!(told.values().all(|bodies| bodies.len() == 1), "an order completes once, and an event has one body");
    assert_eq!(heard.len() + given_up, made.len(), "completed orders of which a webhook was acknowledged, and given up");
    let exit = merchant.beside(&["reconcile", "--chain", "ethereum-sepolia"]).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    received.len()
}
