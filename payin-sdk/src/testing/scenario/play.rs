//! Plays a scenario: its steps one after another, up to the first that is not as it has to be. It must not know single scenarios.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use payin_types::sandbox::{Assertion, ControlChain, Mine, ReadJournal};
use payin_types::{Amount, CreateOrder, ErrorCode, Event, EventId, OrderId};
use serde::Serialize;
use serde_json::{Map, Value};

use super::outcome::{Failure, Outcome, Unlike};
use super::relay::{Letter, Post, Relay};
use super::steps::{Ask, Exhaust, Forged, Replay, Signed, Status, Step};
use super::values::{Values, difference, shown};
use super::{Scenario, Stage};
use crate::error::Error;
use crate::transport::{Request, ReqwestTransport, Response, Transport};

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
    relay: Relay,
    values: Values,
    /// The journal's end when it began.
    since: u64,
}

pub(super) async fn play(stage: &Stage, scenario: &Scenario) -> Outcome {
    let (mut steps, mut failure) = (0, None);
    match begin(stage, scenario).await {
        Err(why) => failure = Some(failed(0, 0, "begin".to_owned(), Unlike::new("a sandbox that can be played in", why))),
        Ok(mut play) => {
            for (line, step) in &scenario.steps {
                if let Err(unlike) = Box::pin(play.step(steps, step)).await {
                    let words = play.values.fill(&step.words()).unwrap_or_else(|_| step.words());
                    failure = Some(failed(steps.saturating_add(1), *line, words, unlike));
                    break;
                }
                steps = steps.saturating_add(1);
            }
            let ended = play.end().await;
            let last = scenario.steps.last().map_or(0, |(line, _)| *line);
            failure = failure.or_else(|| ended.err().map(|unlike| failed(steps.saturating_add(1), last, "end".to_owned(), unlike)));
        }
    }
    Outcome { scenario: scenario.name.clone(), about: scenario.about.clone(), passed: failure.is_none(), steps, failure }
}

fn failed(step: usize, line: u64, what: String, Unlike { expected, got }: Unlike) -> Failure {
    Failure { step, line, what, expected, got }
}

async fn begin<'s>(stage: &'s Stage, scenario: &Scenario) -> Result<Play<'s>, String> {
    let transport: Arc<dyn Transport> = Arc::new(ReqwestTransport::new(&stage.merchant.url).map_err(|error| error.to_string())?);
    let mut values = Values::default();
    let fresh = stage.client.new_idempotency_key().map_err(|error| error.to_string())?;
    values.set("run", fresh.chars().take(8).collect::<String>().into());
    let own = scenario.with.iter().chain(stage.set.iter().filter(|(name, _)| scenario.with.contains_key(*name) || *name == "run"));
    own.for_each(|(name, value)| values.set(name, value.clone().into()));
    let since = newest(stage).await.map_err(|error| error.to_string())?;
    let post = Post::new(&stage.client, Arc::clone(&transport), &stage.merchant).map_err(|error| error.to_string())?;
    let relay = Relay::open(&stage.client, post, scenario.events.clone()).await?;
    Ok(Play { stage, transport, relay, values, since })
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

/// What a call of the sandbox came to, where it has to succeed.
fn done<T>(answer: Result<T, Error>) -> Result<T, Unlike> {
    answer.map_err(|error| Unlike::new("it to be done", error))
}

impl Play<'_> {
    fn filled<T: Serialize + serde::de::DeserializeOwned>(&self, step: &T) -> Result<T, Unlike> {
        self.values.fill(step).map_err(|why| Unlike::new("values for all names", why))
    }

    async fn step(&mut self, number: usize, step: &Step) -> Result<(), Unlike> {
        let client = self.stage.client.clone();
        let sandbox = client.sandbox();
        match step {
            Step::Api(ask) => return self.ask(&self.filled(ask)?, &client.base_url(), true).await,
            Step::Merchant(ask) => return self.ask(&self.filled(ask)?, &self.stage.merchant.url, false).await,
            Step::Webhook(forged) => return self.forge(number, self.filled(forged)?).await,
            Step::Replay(replay) => return self.replay(replay).await,
            Step::Pay(pay) => {
                let paid = done(sandbox.pay(&self.filled(pay)?).await)?;
                self.values.set("paid", serde_json::to_value(paid).unwrap_or_default());
            }
            Step::PayDeposit(pay) => {
                let paid = done(sandbox.pay_deposit(&self.filled(pay)?).await)?;
                self.values.set("paid", serde_json::to_value(paid).unwrap_or_default());
            }
            Step::Confirm(order) => return self.confirm(&self.filled(order)?).await,
            Step::Mine(mine) => drop(done(sandbox.mine(&self.filled(mine)?).await)?),
            Step::Reorg(reorg) => drop(done(sandbox.reorg(&self.filled(reorg)?).await)?),
            Step::Chain(control) => drop(done(sandbox.control(&self.filled(control)?).await)?),
            Step::Advance(advance) => {
                let pending = done(sandbox.advance(advance).await)?.pending;
                if !pending.is_empty() {
                    return Err(Unlike::new("all that was due to happen", format!("still to be done: {}", pending.join("; "))));
                }
            }
            Step::Fault(fault) => drop(done(sandbox.add_fault(&self.filled(fault)?).await)?),
            Step::ClearFaults => {
                done(sandbox.clear_faults().await)?;
            }
            Step::Exhaust(exhaust) => return self.exhaust(number, self.filled(exhaust)?).await,
            Step::RotateSecret => return done(self.relay.rotate().await),
            Step::Journal(assertion) => {
                let assertion = self.filled(assertion)?;
                return self.journal(Assertion { after: assertion.after.or(Some(self.since)), ..assertion }).await;
            }
        }
        Ok(())
    }

    async fn journal(&self, assertion: Assertion) -> Result<(), Unlike> {
        let count = assertion.count.map_or("at least 1".to_owned(), |count| count.to_string());
        match self.stage.client.sandbox().assert(&assertion).await {
            Ok(_) => Ok(()),
            Err(Error::Api(error)) if error.code == ErrorCode::NotAsAsserted => Err(Unlike::new(format!("{count} of it"), error.message)),
            Err(error) => Err(Unlike::new("the journal to be read", error)),
        }
    }

    async fn confirm(&self, order: &OrderId) -> Result<(), Unlike> {
        let order = done(self.stage.client.orders().get(order).await)?;
        let blocks = order.required_confirmations.and_then(|count| u32::try_from(count).ok());
        done(self.stage.client.sandbox().mine(&Mine { chain_id: Some(order.chain_id), blocks }).await).map(drop)
    }

    // ---- Calls --------------------------------------------------------------------------------------------------

    /// Makes a call and holds its answer against what is expected. A merchant who is asked and does not say it yet is asked again for a while:
    /// what takes long may be done behind the answer to a webhook.
    async fn ask(&mut self, ask: &Ask, base: &str, is_api: bool) -> Result<(), Unlike> {
        let Some((method, path)) = ask.route() else { return Err(Unlike::new("a call", "none")) };
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
                return Err(unlike);
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

    async fn exhaust(&self, number: usize, exhaust: Exhaust) -> Result<(), Unlike> {
        let amount: Amount = "1".parse().map_err(|error| Unlike::new("an amount", error))?;
        let run = self.filled(&"${run}".to_owned())?;
        for nth in 0..ORDERS_MAX {
            let reference = format!("filler-{run}-{number}-{nth}");
            let order = CreateOrder::new(reference, amount, exhaust.currency.clone(), exhaust.chain_id.clone());
            let order = order.payment_window_minutes(1).grace_period_minutes(0);
            match self.stage.client.orders().create(&order).await {
                Ok(_) => {}
                Err(Error::Api(error)) if error.code == ErrorCode::NoAvailableAddresses => return Ok(()),
                Err(error) => return Err(Unlike::new("orders until no address is left", error)),
            }
        }
        Err(Unlike::new("a pool that comes to an end", format!("{ORDERS_MAX} orders")))
    }

    // ---- The end ------------------------------------------------------------------------------------------------

    /// Leaves the sandbox as the next scenario wants to find it: nothing goes wrong any more, all chains go on.
    async fn end(self) -> Result<(), Unlike> {
        let client = &self.stage.client;
        let complaint = self.relay.complaint();
        done(client.sandbox().clear_faults().await)?;
        for chain in done(client.sandbox().chains().await)?.chains.into_iter().filter(|chain| chain.stopped || chain.finality_stalled) {
            let control = ControlChain { chain_id: chain.chain_id, stopped: Some(false), finality_stalled: Some(false) };
            done(client.sandbox().control(&control).await)?;
        }
        done(self.relay.close().await)?;
        complaint.map_or(Ok(()), |why| Err(Unlike::new("webhooks that the sandbox signed", why)))
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
