//! Many clients that send the same request at once, again and again: it has one effect, and everybody is told of that one, or that another's
//! is being carried out. What an answer says in detail is `api`'s to test.
//!
//! `PAYIN_CHAOS_RACES` makes it more than a few; `scripts/proof races` runs twenty thousand.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};
use std::time::{Duration, Instant};

use payin_tests::merchant::{Engine, Merchant};
use payin_tests::nodes::anvil::{Anvil, AnvilOptions};
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

/// What a race was about, what its one effect is called, and how many were told that it was being carried out.
type Effect = (Race, String, usize);

const ALL: [Race; 3] = [Race::Order, Race::TwoOrders, Race::Reference];

pub async fn races(engine: Engine) {
    let (races, _) = times("PAYIN_CHAOS_RACES", RACES);
    let begun = Instant::now();
    let anvil = Anvil::start_with(AnvilOptions { chain_id: SEPOLIA, ..AnvilOptions::default() }).await;
    for (address, name) in [(USDT, "USDT"), (USDC, "USDC"), (PYUSD, "PYUSD")] {
        anvil.deploy_token_at(address, name, name, 6).await;
    }
    anvil.set_interval(1).await;
    let mut merchant = Merchant::start(engine, &format!("[chains.ethereum-sepolia]\nrpc = \"{}\"\n", anvil.url())).await;
    for first in (0..races).step_by(5_000) {
        let lines: String = (first..races.min(first + 5_000)).map(|number| format!("0xe{number:039x}\n")).collect();
        let mut import = merchant.payin();
        import.args(["addresses", "import", "-", "--protocol", "evm"]).stdin(lines);
        import.run().await;
    }
    // Threads that wait, and bytes: an HTTP client in a build without optimisation would be slower than the server.
    let host = merchant.url().trim_start_matches("http://").to_owned();
    let key = merchant.key().to_owned();
    let play = move || -> Result<Vec<Effect>, String> {
        let (host, key) = (&host, &key);
        std::thread::scope(|scope| {
            let courses: Vec<_> =
                (0..AT_ONCE).map(|course| scope.spawn(move || run(host, key, (course..races).step_by(AT_ONCE)))).collect();
            courses.into_iter().flat_map(|course| course.join().expect("a course")).collect()
        })
    };
    let effects = tokio::task::spawn_blocking(play).await.expect("the races");
    let effects = effects.unwrap_or_else(|failed| panic!("{failed}\n-- the server's log:\n{}", merchant.server().stderr()));
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

/// Races one after the other, with the same clients, until one goes wrong.
fn run(host: &str, key: &str, races: impl Iterator<Item = usize> + Clone + Send) -> Vec<Result<Effect, String>> {
    let (line, answers, failed) = (Barrier::new(CLIENTS), Mutex::new(Vec::with_capacity(CLIENTS)), AtomicBool::new(false));
    // Before anybody stands at the line: who cannot connect would let the others wait there for ever.
    let clients: Vec<Client> = (0..CLIENTS).map(|_| Client::connect(host)).collect();
    std::thread::scope(|scope| {
        let clients: Vec<_> = clients
            .into_iter()
            .enumerate()
            .map(|(which, mut client)| {
                let (line, answers, failed, races) = (&line, &answers, &failed, races.clone());
                scope.spawn(move || {
                    let mut effects = Vec::new();
                    for number in races {
                        let race = ALL[number % ALL.len()];
                        let request = request(host, key, race, number, which);
                        line.wait();
                        if failed.load(Ordering::Relaxed) {
                            break;
                        }
                        let answer = client.ask(&request);
                        // Nothing may panic here: the others would wait at the line for ever.
                        answers.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
                        // One of them looks at what came to all, while the others stand at the line again.
                        if line.wait().is_leader() {
                            let answers = std::mem::take(&mut *answers.lock().unwrap_or_else(PoisonError::into_inner));
                            let effect = judged(race, answers).map_err(|what| format!("race {number} ({race:?}): {what}"));
                            failed.store(effect.is_err(), Ordering::Relaxed);
                            effects.push(effect);
                            if number % 1_000 == 999 {
                                eprintln!("-- {} races", number + 1);
                            }
                        }
                    }
                    effects
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().expect("a client")).collect()
    })
}

fn judged(race: Race, answers: Vec<io::Result<(u16, Vec<u8>)>>) -> Result<Effect, String> {
    let (mut effects, mut waited) = (BTreeMap::new(), 0);
    for answer in answers {
        let answer = answer.map_err(|error| format!("no answer: {error}"))?;
        // The same bytes are the same effect; only one of them is read.
        if effects.contains_key(&answer) {
            continue;
        }
        let body: Value = serde_json::from_slice(&answer.1).unwrap_or_default();
        match (answer.0, body["code"].as_str()) {
            (200 | 201, _) => drop(effects.insert(answer, effect(race, &body))),
            (409, Some("IDEMPOTENCY_IN_PROGRESS")) => waited += 1,
            (409, Some("IDEMPOTENCY_KEY_CONFLICT")) if race == Race::TwoOrders => {}
            (status, _) => return Err(format!("{status}: {}", String::from_utf8_lossy(&answer.1))),
        }
    }
    match effects.pop_first() {
        Some((_, effect)) if effects.is_empty() => Ok((race, effect, waited)),
        first => Err(format!("other answers than one: {first:?} {effects:?}")),
    }
}

fn effect(race: Race, body: &Value) -> String {
    let id = match race {
        Race::Order | Race::TwoOrders => &body["orderId"],
        Race::Reference => &body["depositReference"],
    };
    format!("{id} {}", body["address"])
}

fn request(host: &str, key: &str, race: Race, number: usize, which: usize) -> Vec<u8> {
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
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nX-API-Key: {key}\r\nIdempotency-Key: race-{number}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// One connection, which stays.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(host: &str) -> Self {
        let stream = TcpStream::connect(host).expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        // A server that answers nothing any more fails the test.
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
        Self(BufReader::new(stream))
    }

    /// The answer's status and body.
    fn ask(&mut self, request: &[u8]) -> io::Result<(u16, Vec<u8>)> {
        self.0.get_mut().write_all(request)?;
        let (mut status, mut length, mut line) = (None, None, String::new());
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if status.is_none() {
                status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
            }
            if let Some((name, value)) = line.split_once(": ")
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.parse::<usize>().ok();
            }
        }
        let (Some(status), Some(length)) = (status, length) else {
            return Err(io::Error::other("an answer without status or length"));
        };
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok((status, body))
    }
}
