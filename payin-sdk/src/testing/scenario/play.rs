//! Plays a scenario: its steps one after another, up to the first that is not as it has to be. It must not know single scenarios.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use payin_types::sandbox::{Assertion, JournalKind, Mine, ReadJournal, Reorg};
use payin_types::{Amount, ChainId, CreateOrder, ErrorCode, Event, EventId, OrderId};
use serde::Serialize;
use serde_json::{Map, Value};

use super::ground::{CHAIN, Ground};
use super::names::{PAID, RUN};
use super::outcome::{Ended, Failure, NotPlayed, Outcome, Unlike};
use super::relay::{Letter, Post, Relay};
use super::steps::{Ask, Exhaust, Forged, Replay, Signed, Status, Step, TakeBack};
use super::values::{Values, difference, shown};
use super::{BadScenario, Scenario, Stage, tidy};
use crate::error::Error;
use crate::transport::{Request, ReqwestTransport, Response, Transport, TransportErrorKind};

/// How long an answer may take, in real time: a call of the sandbox ends within 25 s.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often a merchant is asked again who does not say yet what is expected.
const ASKED_EVERY: Duration = Duration::from_millis(50);
/// How long ago what was caught had been signed; five minutes are tolerated.
const LONG_AGO: Duration = Duration::from_secs(600);
/// More orders than any pool of a sandbox has addresses for.
const ORDERS_MAX: usize = 20_000;
/// The journal is read in pages of so many entries.
const ENTRIES: u32 = 1_000;

/// A scenario under way.
struct Play<'s> {
    stage: &'s Stage,
    transport: Arc<dyn Transport>,
    ground: Ground,
    relay: Relay,
    values: Values,
    /// The journal's end when it began.
    since: u64,
}

pub(super) async fn play(stage: &Stage, scenario: &Scenario) -> Result<Outcome, NotPlayed> {
    let ground = reach(stage).await?;
    let given = meant(stage, scenario, &ground)?;
    let (name, about) = (scenario.name.clone(), scenario.about.clone());
    let mut outcome = Outcome { scenario: name, about, passed: false, steps: 0, skipped: None, failure: None };
    outcome.skipped = ground.lacks(&scenario.needs, &given);
    if outcome.skipped.is_some() {
        return Ok(outcome);
    }
    let mut play = Play::begin(stage, scenario, ground, given).await?;
    let mut ended = Ok(());
    for (line, step) in &scenario.steps {
        ended = Box::pin(play.step(outcome.steps, step)).await;
        if let Err(Ended::Unlike(unlike)) = ended {
            let words = play.values.fill(&step.words()).unwrap_or_else(|_| step.words());
            outcome.failure = Some(failed(outcome.steps, *line, words, unlike));
            ended = Ok(());
            break;
        }
        if ended.is_err() {
            break;
        }
        outcome.steps = outcome.steps.saturating_add(1);
    }
    let is_to_its_end = ended.is_ok() && outcome.failure.is_none();
    let last = scenario.steps.last().map_or(0, |(line, _)| *line);
    match (ended, play.end(is_to_its_end).await) {
        (Err(Ended::NotPlayed(not)), _) | (Ok(()), Err(Ended::NotPlayed(not))) => return Err(not),
        (_, Err(Ended::Unlike(unlike))) if is_to_its_end => {
            outcome.failure = Some(failed(outcome.steps, last, "end".to_owned(), unlike));
        }
        _ => {}
    }
    outcome.passed = outcome.failure.is_none();
    Ok(outcome)
}

fn failed(done: usize, line: u64, what: String, Unlike { expected, got }: Unlike) -> Failure {
    Failure { step: done.saturating_add(1), line, what, expected, got }
}

/// Whether sandbox and merchant answer at all. What the sandbox has is answered.
pub(super) async fn reach(stage: &Stage) -> Result<Ground, NotPlayed> {
    let ground = Ground::look(&stage.client).await?;
    let transport = transport(stage)?;
    for url in [format!("{}/", stage.merchant.url), stage.merchant.webhooks.clone()] {
        // Whatever it answers, somebody is there.
        match transport.send(Request::new(Method::GET, url.clone(), TIMEOUT)).await {
            Err(error) if error.kind == TransportErrorKind::Connect => {
                return Err(NotPlayed::Merchant { url, why: error.to_string() });
            }
            _ => {}
        }
    }
    Ok(ground)
}

fn transport(stage: &Stage) -> Result<Arc<dyn Transport>, Error> {
    Ok(Arc::new(ReqwestTransport::new(&stage.merchant.url)?))
}

/// Whether a scenario can be meant there with what was set. What it begins with is answered.
pub(super) fn meant(stage: &Stage, scenario: &Scenario, ground: &Ground) -> Result<BTreeMap<String, String>, BadScenario> {
    let given = scenario.given(&stage.set);
    scenario.check(&given)?;
    match ground.mistake(&given) {
        Some(why) => Err(BadScenario { name: scenario.name.clone(), line: 1, column: 1, why }),
        None => Ok(given),
    }
}

/// The number of the journal's newest entry.
async fn newest(stage: &Stage) -> Result<u64, Error> {
    let mut newest = 0;
    loop {
        let query = ReadJournal { after: Some(newest), limit: Some(ENTRIES), ..ReadJournal::default() };
        match stage.client.sandbox().journal(&query).await?.entries.last() {
            Some(entry) => newest = entry.seq,
            None => return Ok(newest),
        }
    }
}

/// What a call of the sandbox came to, where it has to succeed. Where there was no answer, nothing is the merchant's fault.
fn done<T>(answer: Result<T, Error>) -> Result<T, Ended> {
    answer.map_err(|error| match error {
        Error::Transport { .. } | Error::OutcomeUnknown { .. } => NotPlayed::Sandbox(error).into(),
        error => Unlike::new("it to be done", error).into(),
    })
}

/// What the sandbox answered that all was done by.
fn settled(pending: &[String]) -> Result<(), Ended> {
    if pending.is_empty() {
        return Ok(());
    }
    Err(Unlike::new("all that was due to happen", format!("still to be done: {}", pending.join("; "))).into())
}

impl<'s> Play<'s> {
    async fn begin(stage: &'s Stage, scenario: &Scenario, ground: Ground, given: BTreeMap<String, String>) -> Result<Self, NotPlayed> {
        let transport = transport(stage)?;
        let mut values = Values::default();
        let fresh = stage.client.new_idempotency_key()?;
        values.set(RUN, fresh.chars().take(8).collect::<String>().into());
        let chain = given.get(CHAIN).and_then(|chain| ground.simulated(&ChainId::from(chain.as_str()))).cloned();
        given.into_iter().for_each(|(name, value)| values.set(&name, value.into()));
        tidy::world(&stage.client).await?;
        tidy::endpoints(&stage.client).await?;
        tidy::payments(&stage.client, chain.as_ref()).await?;
        tidy::addresses(&stage.client).await?;
        let since = newest(stage).await?;
        let post = Post::new(&stage.client, Arc::clone(&transport), &stage.merchant)?;
        let relay = Relay::open(&stage.client, post, scenario.events.clone()).await?;
        Ok(Self { stage, transport, ground, relay, values, since })
    }

    fn filled<T: Serialize + serde::de::DeserializeOwned>(&self, step: &T) -> Result<T, Unlike> {
        self.values.fill(step).map_err(|why| Unlike::new("values for all names", why))
    }

    async fn step(&mut self, number: usize, step: &Step) -> Result<(), Ended> {
        let client = self.stage.client.clone();
        let sandbox = client.sandbox();
        match self.filled(step)? {
            Step::Api(ask) => self.ask(&ask, &client.base_url(), true).await,
            Step::Merchant(ask) => self.ask(&ask, &self.stage.merchant.url, false).await,
            Step::Webhook(forged) => Ok(self.forge(number, forged).await?),
            Step::Replay(replay) => Ok(self.replay(&replay).await?),
            Step::Pay(pay) => {
                let paid = done(sandbox.pay(&pay).await)?;
                self.values.set(PAID, serde_json::to_value(&paid).unwrap_or_default());
                settled(&paid.pending)
            }
            Step::PayDeposit(pay) => {
                let paid = done(sandbox.pay_deposit(&pay).await)?;
                self.values.set(PAID, serde_json::to_value(&paid).unwrap_or_default());
                settled(&paid.pending)
            }
            Step::Confirm(order) => self.confirm(&order).await,
            Step::ConfirmOn(chain) => self.confirm_on(chain).await,
            Step::Mine(mine) => settled(&done(sandbox.mine(&mine).await)?.pending),
            Step::Reorg(reorg) => settled(&done(sandbox.reorg(&reorg).await)?.pending),
            Step::TakeBack(back) => self.take_back(back).await,
            Step::Chain(control) => done(sandbox.control(&control).await).map(drop),
            Step::Advance(advance) => settled(&done(tidy::pass(&client, advance.seconds).await)?),
            Step::Fault(fault) => done(sandbox.add_fault(&fault).await).map(drop),
            Step::ClearFaults => {
                self.all_met().await?;
                done(sandbox.clear_faults().await).map(drop)
            }
            Step::Exhaust(exhaust) => self.exhaust(number, exhaust).await,
            Step::RotateSecret => done(self.relay.rotate().await),
            Step::Journal(assertion) => self.journal(Assertion { after: assertion.after.or(Some(self.since)), ..assertion }).await,
        }
    }

    async fn journal(&self, assertion: Assertion) -> Result<(), Ended> {
        let count = assertion.count.map_or("at least 1".to_owned(), |count| count.to_string());
        match self.stage.client.sandbox().assert(&assertion).await {
            Ok(_) => Ok(()),
            Err(Error::Api(error)) if error.code == ErrorCode::NotAsAsserted => {
                Err(Unlike::new(format!("{count} of it"), error.message).into())
            }
            Err(error) => done(Err(error)),
        }
    }

    async fn confirm(&self, order: &OrderId) -> Result<(), Ended> {
        let order = done(self.stage.client.orders().get(order).await)?;
        self.confirm_on(order.chain_id).await
    }

    async fn confirm_on(&self, chain: ChainId) -> Result<(), Ended> {
        let known = self.ground.simulated(&chain).ok_or_else(|| Unlike::new("a chain of the sandbox", &chain))?;
        let blocks = u32::try_from(known.confirmed_after).ok();
        settled(&done(self.stage.client.sandbox().mine(&Mine { chain_id: Some(chain), blocks }).await)?.pending)
    }

    async fn take_back(&self, TakeBack { chain_id, tx_hash }: TakeBack) -> Result<(), Ended> {
        let sandbox = self.stage.client.sandbox();
        let pattern = Some(format!("{chain_id} block *{tx_hash}*"));
        let query = ReadJournal { kind: Some(JournalKind::Chain), pattern, after: Some(self.since), limit: Some(ENTRIES) };
        let blocks = done(sandbox.journal(&query).await)?.entries;
        // `ethereum-sepolia block 12`; where it was included again, the last one is the one that counts.
        let mined_in = blocks.last().and_then(|entry| entry.what.rsplit(' ').next()?.parse::<u64>().ok());
        let chains = done(sandbox.chains().await)?.chains;
        let head = chains.iter().find(|chain| chain.chain_id == chain_id).map(|chain| chain.head);
        let depth = mined_in.zip(head).and_then(|(mined_in, head)| u32::try_from(head.checked_sub(mined_in)?.checked_add(1)?).ok());
        let depth = depth.ok_or_else(|| Unlike::new(format!("a block with {tx_hash} on {chain_id}"), "none"))?;
        let reorg = Reorg { lose: vec![tx_hash], ..Reorg::new(chain_id, depth) };
        settled(&done(sandbox.reorg(&reorg).await)?.pending)
    }

    /// Whether everything that was to go wrong did: a merchant that met none of it shows nothing.
    async fn all_met(&self) -> Result<(), Ended> {
        let rules = done(self.stage.client.sandbox().faults().await)?.faults;
        rules.iter().find(|rule| rule.applied == 0).map_or(Ok(()), |rule| {
            let (fault, pattern) = (&rule.fault, rule.fault.pattern.as_deref().unwrap_or("*"));
            let expected = format!("the fault {} {} of '{pattern}' to be met", fault.at, fault.kind);
            Err(Unlike::new(expected, "nothing that it is for: the scenario shows nothing of this merchant").into())
        })
    }

    // ---- Calls --------------------------------------------------------------------------------------------------

    /// Makes a call and holds its answer against what is expected. A merchant who is asked and does not say it yet is asked again for a while:
    /// what takes long may be done behind the answer to a webhook.
    async fn ask(&mut self, ask: &Ask, base: &str, is_api: bool) -> Result<(), Ended> {
        let Some((method, path)) = ask.route() else { return Err(Unlike::new("a call", "none").into()) };
        let url = format!("{}{path}", base.trim_end_matches('/'));
        let world = &self.stage.client.inner.world;
        let patience = if is_api || method != Method::GET { Duration::ZERO } else { self.stage.patience };
        let give_up = world.elapsed().saturating_add(patience);
        loop {
            let response = self.call(&method, &url, ask.body.as_ref(), is_api).await?;
            let unlike = match judged(ask, &response) {
                Ok(answer) => {
                    ask.named.iter().for_each(|name| self.values.set(name, answer.clone()));
                    return Ok(());
                }
                Err(unlike) => unlike,
            };
            if world.elapsed() >= give_up {
                return Err(unlike.into());
            }
            world.sleep(ASKED_EVERY).await;
        }
    }

    async fn call(&self, method: &Method, url: &str, body: Option<&Value>, is_api: bool) -> Result<Response, Unlike> {
        let mut request = Request::new(method.clone(), url.to_owned(), TIMEOUT);
        if let Some(body) = body {
            request.body = Bytes::from(body.to_string());
            request.headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        }
        if let Some(key) = self.stage.client.inner.api_key.clone().filter(|_| is_api) {
            request.headers.insert("x-api-key", key);
        }
        let no_answer = |error: &dyn std::error::Error| Unlike::new(format!("an answer of {url}"), error);
        let sender = if is_api { &self.stage.client.inner.transport } else { &self.transport };
        sender.send(request).await.map_err(|error| no_answer(&error))
    }

    // ---- Webhooks -----------------------------------------------------------------------------------------------

    async fn forge(&self, number: usize, forged: Forged) -> Result<(), Unlike> {
        let Forged { event_type, id, sequence, mut data, change, signed, status } = forged;
        match &mut data {
            Value::Object(fields) => fields.extend(change),
            other => return Err(Unlike::new("data with fields", shown(other))),
        }
        let run = self.filled(&"${run}".to_owned())?;
        let id = EventId::from(id.unwrap_or_else(|| format!("evt_scenario_{run}_{number}")));
        let created_at = self.stage.client.inner.world.now();
        let event = Event { id: id.clone(), event_type: event_type.clone(), created_at, sequence, data, extra: Map::new() };
        let body = serde_json::to_vec(&event).map_err(|error| Unlike::new("an event", error))?;
        self.told(&Letter { id, event_type, body: body.into() }, signed, status).await
    }

    async fn replay(&self, replay: &Replay) -> Result<(), Unlike> {
        let expected = || format!("a webhook {} that came before", replay.event_type);
        let letter = self.relay.latest(&replay.event_type).ok_or_else(|| Unlike::new(expected(), "none"))?;
        self.told(&letter, replay.signed, replay.status).await
    }

    async fn told(&self, letter: &Letter, signed: Signed, expected: Status) -> Result<(), Unlike> {
        let post = self.relay.post();
        let answered = match signed {
            Signed::Rightly => post.rightly(letter, Duration::ZERO).await,
            Signed::LongAgo => post.rightly(letter, LONG_AGO).await,
            Signed::Wrongly => post.wrongly(letter).await,
            Signed::Not => post.send(letter, None).await,
        };
        let status = answered.map_err(|error| Unlike::new("an answer to the webhook", error))?;
        if expected.fits(status) { Ok(()) } else { Err(Unlike::new(format!("status {expected}"), status)) }
    }

    // ---- The pool -----------------------------------------------------------------------------------------------

    async fn exhaust(&self, number: usize, exhaust: Exhaust) -> Result<(), Ended> {
        let amount: Amount = "1".parse().map_err(|error| Unlike::new("an amount", error))?;
        let run = self.filled(&"${run}".to_owned())?;
        for nth in 0..ORDERS_MAX {
            let reference = format!("filler-{run}-{number}-{nth}");
            let order = CreateOrder::new(reference, amount, exhaust.currency.clone(), exhaust.chain_id.clone());
            let order = order.payment_window_minutes(1).grace_period_minutes(0);
            match self.stage.client.orders().create(&order).await {
                Ok(_) => {}
                Err(Error::Api(error)) if error.code == ErrorCode::NoAvailableAddresses => return Ok(()),
                Err(error) => done(Err(error))?,
            }
        }
        Err(Unlike::new("a pool that comes to an end", format!("{ORDERS_MAX} orders")).into())
    }

    // ---- The end ------------------------------------------------------------------------------------------------

    /// Leaves the sandbox as the next scenario wants to find it. Of one that came to its end it says what is wrong with it as a whole.
    async fn end(self, is_to_its_end: bool) -> Result<(), Ended> {
        let client = &self.stage.client;
        let complaint = self.relay.complaint();
        let met = if is_to_its_end { self.all_met().await } else { Ok(()) };
        done(tidy::world(client).await)?;
        done(self.relay.close().await)?;
        done(tidy::addresses(client).await)?;
        met?;
        complaint.map_or(Ok(()), |why| Err(Unlike::new("webhooks that the sandbox signed", why).into()))
    }
}

/// The answer as JSON, if it is as expected. Where nothing is expected of it but its status it may be anything.
fn judged(ask: &Ask, response: &Response) -> Result<Value, Unlike> {
    let text = String::from_utf8_lossy(&response.body);
    if !ask.status.fits(response.status) {
        let said = if text.is_empty() { String::new() } else { format!(": {}", shown(&Value::from(text.trim()))) };
        return Err(Unlike::new(format!("status {}", ask.status), format!("{}{said}", response.status)));
    }
    if ask.answer.is_none() && ask.named.is_none() {
        return Ok(Value::Null);
    }
    let answer: Value = serde_json::from_str(&text).map_err(|error| Unlike::new("an answer in JSON", format!("{error}: {text}")))?;
    match ask.answer.as_ref().and_then(|expected| difference(expected, &answer)) {
        None => Ok(answer),
        Some(unlike) => Err(Unlike::new(&unlike, unlike.got())),
    }
}
