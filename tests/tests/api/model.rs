//! Random sequences of calls, answered by the real server on both engines and by a naive model written from the documents only.
//! The three must agree. A further resource is one more file beside `orders.rs`, one field of [`Model`] and one line in [`next`].

mod deposits;
mod endpoints;
mod keys;
mod links;
mod orders;
mod pool;
mod settings;
mod side;

use std::collections::BTreeMap;
use std::time::Duration;

use payin_server::dev::Options;
use payin_tests::sandbox::{Sandbox, text};
use payin_types::Timestamp;
use serde_json::{Value, json};
use side::{Side, without};

/// Each moves time by two hours, and idempotency keys live for a day.
const EXPIRIES_MAX: usize = 8;
/// Before the shortest window closes, an expiry of the run closes it.
const WAIT_MAX: Duration = Duration::from_secs(9 * 60);

/// Seeded chance: the same seed, the same calls.
pub struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).expect("small")).expect("small")
    }

    /// Once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// A call. Ids stand in it by the model's names, `{order:3}`.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: &'static str,
    pub path: String,
    pub body: Option<Value>,
    /// Whose key comes with it: the owner's, another's, or (empty) none.
    pub by: Option<String>,
}

impl Call {
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), body: None, by: None }
    }

    pub fn delete(path: String) -> Self {
        Self { method: "DELETE", path, body: None, by: None }
    }

    pub fn post(path: &str, body: Value) -> Self {
        Self { method: "POST", path: path.to_owned(), body: Some(body), by: None }
    }
}

/// What the model answers.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    body: Value,
    /// Fields of the body that the server chooses, and the names that the model has for their values from now on.
    names: Vec<(&'static str, String)>,
    /// Fields that this answer leaves open beside [`OPEN`].
    open: Vec<&'static str>,
    /// Whether it depends on when a worker looked, which may be later on one engine than on the other.
    by_workers: bool,
}

impl Answer {
    pub fn new(status: u16, body: Value) -> Self {
        Self { status, body, names: Vec::new(), open: Vec::new(), by_workers: false }
    }

    pub fn refused(status: u16, code: &str) -> Self {
        Self::new(status, json!({ "code": code, "statusCode": status }))
    }

    pub fn naming(mut self, field: &'static str, name: String) -> Self {
        self.names.push((field, name));
        self
    }

    pub fn by_workers(mut self, by_workers: bool) -> Self {
        self.by_workers = by_workers;
        self
    }

    pub fn leaving_open(mut self, fields: &[&'static str]) -> Self {
        self.open.extend(fields);
        self
    }
}

/// Everything the model knows.
pub struct Model {
    pub now: Timestamp,
    pub orders: orders::Orders,
    pub links: links::Links,
    pub deposits: deposits::Deposits,
    pub settings: settings::Settings,
    pub keys: keys::Keys,
    pub endpoints: endpoints::Endpoints,
    pub pool: pool::Pool,
    /// What was answered under an idempotency key, by path and key.
    kept: BTreeMap<(String, String), (Value, Answer)>,
    expiries: usize,
}

impl Model {
    pub fn time(&self) -> Value {
        json!(self.now.to_string())
    }

    fn answer(&mut self, call: &Call) -> Answer {
        match call.path.split('/').nth(3).unwrap_or_default() {
            path if path.starts_with("orders") => orders::answer(self, call),
            "webhooks" => endpoints::answer(self, call),
            "address-pool" => pool::answer(self, call),
            path if path.starts_with("deposits") => deposits::answer(self, call),
            path if path.starts_with("payment-links") => links::answer(self, call),
            "checkout" => links::answer(self, call),
            "config" => settings::answer(self, call),
            path if path.starts_with("organizations") => keys::answer(self, call),
            "api-keys" | "me" => keys::answer(self, call),
            other => panic!("the model does not know {other}"),
        }
    }

    /// Under a key the first answer is given again, and another body is a conflict.
    fn answer_once(&mut self, call: &Call, key: &str) -> Answer {
        let (place, body) = ((call.path.clone(), key.to_owned()), call.body.clone().unwrap_or_default());
        match self.kept.get(&place) {
            Some((first, answer)) if *first == body => answer.clone(),
            Some(_) => Answer::refused(409, "IDEMPOTENCY_KEY_CONFLICT"),
            None => {
                let answer = self.answer(call);
                self.kept.insert(place, (body, answer.clone()));
                answer
            }
        }
    }
}

/// The next call on one of the resources.
fn next(model: &Model, dice: &mut Dice) -> Call {
    match dice.below(20) {
        0..5 => orders::call(model, dice),
        5 => endpoints::call(model, dice),
        6 => pool::call(model, dice),
        7..10 => deposits::call(model, dice),
        10..17 => links::call(model, dice),
        17 => settings::call(model, dice),
        _ => keys::call(model, dice),
    }
}

/// A page of what the model found, as every list answers it.
pub fn page(all: &[Value], page: usize, limit: usize) -> Value {
    let data: Vec<&Value> = all.iter().skip((page - 1) * limit).take(limit).collect();
    let pages = all.len().div_ceil(limit);
    json!({
        "data": data,
        "pagination": { "page": page, "limit": limit, "total": all.len(), "totalPages": pages, "hasMore": page < pages },
    })
}

struct Run {
    seed: u64,
    step: usize,
    model: Model,
    sides: [Side; 2],
}

impl Run {
    async fn new(seed: u64) -> Self {
        let alike = |options: &mut Options| (options.frozen, options.seed) = (true, Some(seed));
        let (sqlite, postgres) = (Sandbox::with(alike).await, Sandbox::on_postgres(alike).await);
        let mut sides = [sqlite, postgres].map(Side::new);
        let mut known = Vec::new();
        for side in &mut sides {
            known.push(side.get_known().await);
        }
        let sqlite = &sides[0].sandbox;
        let now = text(&sqlite.read("/api/v1/sandbox/clock").await["now"]).parse().expect("a time");
        let (organization, key) = known.swap_remove(0);
        let model = Model {
            now,
            orders: orders::Orders::default(),
            links: links::Links::default(),
            deposits: deposits::Deposits::default(),
            settings: settings::Settings::default(),
            keys: keys::Keys::new(organization, key),
            endpoints: endpoints::Endpoints::default(),
            pool: pool::Pool::new(sqlite.read("/api/v1/address-pool/status").await["evm"]["total"].as_u64().expect("a count")),
            kept: BTreeMap::new(),
            expiries: 0,
        };
        Self { seed, step: 0, model, sides }
    }

    async fn call(&mut self, call: &Call, key: Option<&str>) {
        let answer = match key {
            Some(key) => self.model.answer_once(call, key),
            None => self.model.answer(call),
        };
        let mut said = Vec::new();
        for side in &mut self.sides {
            let reply = side.ask(call, key, &answer).await;
            let body: Value = serde_json::from_str(&side.to_names(&reply.text)).expect("JSON");
            let at = format!("seed {}, step {}: {call:?} under {key:?}", self.seed, self.step);
            assert_eq!((reply.status, without(&body, &answer.open)), (answer.status, without(&answer.body, &answer.open)), "{at}: {body}");
            said.push(side.comparable(&reply));
        }
        let alike = answer.by_workers || said[0] == said[1];
        assert!(alike, "seed {}, step {}: {call:?}: the engines differ: {said:#?}", self.seed, self.step);
    }

    async fn advance(&mut self, seconds: u64) {
        for side in &self.sides {
            side.sandbox.advance(seconds).await;
        }
        let then = self.model.now.plus(Duration::from_secs(seconds));
        self.read_clocks().await;
        assert_eq!(self.model.now, then, "seed {}, step {}", self.seed, self.step);
    }

    async fn read_clocks(&mut self) {
        let [one, other] = &self.sides;
        let now = one.sandbox.read("/api/v1/sandbox/clock").await["now"].clone();
        assert_eq!(other.sandbox.read("/api/v1/sandbox/clock").await["now"], now, "seed {}, step {}", self.seed, self.step);
        self.model.now = text(&now).parse().expect("a time");
    }

    /// Pays an order, whose blocks come at once.
    async fn pay(&mut self, order: usize) {
        let name = orders::name(order);
        for side in &self.sides {
            let id = json!(side.to_real(&name));
            let paid = side.sandbox.pay(&id, json!({})).await;
            let more = json!({ "chainId": paid["chainId"], "blocks": 3 });
            side.sandbox.post("/api/v1/sandbox/mine", &more).await.ok(200);
            side.wait(&name, "completed").await;
        }
        orders::end(&mut self.model, order, "completed");
        // Blocks take time.
        self.read_clocks().await;
    }

    /// Lets every window close.
    async fn expire(&mut self) {
        self.model.expiries += 1;
        self.advance(2 * 60 * 60).await;
        for order in self.model.orders.pending() {
            for side in &self.sides {
                side.wait(&orders::name(order), "expired").await;
            }
        }
        for order in self.model.orders.pending() {
            orders::end(&mut self.model, order, "expired");
        }
    }

    /// Pays into a deposit reference, and looks at what came after each step of its way.
    async fn deposit(&mut self, reference: &str, dice: &mut Dice) {
        let (deposit, pay, chain) = self.model.deposits.pay(reference, dice);
        let name = deposits::name(deposit);
        for (status, blocks) in [("pending", 0), ("confirmed", 2), ("completed", 12)] {
            for side in &mut self.sides {
                if blocks == 0 {
                    side.sandbox.post("/api/v1/sandbox/pay-deposit", &pay).await.ok(200);
                } else {
                    let more = json!({ "chainId": chain, "blocks": blocks });
                    side.sandbox.post("/api/v1/sandbox/mine", &more).await.ok(200);
                }
                let path = format!("/api/v1/deposits?depositReference={reference}&limit=1");
                let is_new = |id: &Value| side.names.iter().all(|(_, known)| id != known);
                let is_it = |page: &Value| {
                    let newest = &page["data"][0];
                    newest["status"] == status && (blocks > 0 || is_new(&newest["depositId"]))
                };
                let seen = side.sandbox.read_when(&path, status, is_it).await["data"][0]["depositId"].clone();
                if blocks == 0 {
                    side.names.push((name.clone(), text(&seen).to_owned()));
                }
            }
            self.model.deposits.stands(deposit, status);
            self.read_clocks().await;
            self.call(&Call::get(format!("/api/v1/deposits/{name}")), None).await;
            self.call(&Call::get(format!("/api/v1/deposits/references/{reference}")), None).await;
        }
    }

    async fn step(&mut self, dice: &mut Dice, earlier: &mut Vec<(Call, String)>) {
        // No two things happen in the same millisecond, so that their order is known.
        self.advance(1 + u64::try_from(dice.below(3)).expect("small")).await;
        let now = self.model.now;
        if self.model.orders.waits_since().is_some_and(|since| now.since(since) > WAIT_MAX) {
            self.expire().await;
        }
        let pending = self.model.orders.pending();
        match dice.below(20) {
            0 if self.model.expiries < EXPIRIES_MAX => self.expire().await,
            1 if !pending.is_empty() => self.pay(*dice.pick(&pending)).await,
            4 if self.model.deposits.bound() > 0 => {
                let reference = self.model.deposits.pick(dice).expect("one is bound");
                self.deposit(&reference, dice).await;
            }
            2 | 3 if !earlier.is_empty() => {
                let (call, key) = dice.pick(earlier).clone();
                self.call(&call, Some(&key)).await;
            }
            _ => {
                let call = next(&self.model, dice);
                let creates = call.method == "POST" && call.body.is_some() && call.by.is_none();
                let key = (creates && dice.once_in(3)).then(|| format!("key-{}", dice.below(40)));
                self.call(&call, key.as_deref()).await;
                earlier.extend(key.map(|key| (call, key)));
            }
        }
        self.step += 1;
    }
}

async fn sequence(seed: u64, steps: usize) {
    let (mut run, mut dice, mut earlier) = (Run::new(seed).await, Dice(seed), Vec::new());
    for _ in 0..steps {
        run.step(&mut dice, &mut earlier).await;
    }
    let model = &run.model;
    let (orders, of_links, kept) = (model.orders.len(), model.orders.of_link().len(), model.kept.len());
    println!(
        "seed {seed}: {steps} steps, {orders} orders, {of_links} of them of links, {} deposits, {kept} kept answers",
        model.deposits.len()
    );
    for side in run.sides {
        side.sandbox.stop().await;
    }
}

#[tokio::test]
async fn the_engines_and_the_model_agree() {
    for seed in 1..=3 {
        sequence(seed, 110).await;
    }
}
