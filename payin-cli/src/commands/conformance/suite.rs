//! A run under way: asks, has each answer looked at, and keeps what came of each check. It must not know what any check is about.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use payin_sdk::transport::Incoming;
use payin_sdk::world::{SystemWorld, World};
use serde_json::Value;

use super::check::{Broken, Check, Need, Row, Wrong};
use super::contract::{Contract, Operation};
use super::limits::Limits;
use super::receiver::Receiver;
use super::report::Stays;
use super::rules::{self, Finding};
use super::wire::{Answer, Ask, Target, Wire};
use crate::commands::Context;

/// How often a request is asked again that came too early. With 100 requests a minute a run takes three minutes.
const PATIENCE: usize = 20;

/// What the server is, and may be done to it.
pub struct Standing {
    /// The role of the key, if the server says it.
    pub role: Option<String>,
    pub environment: String,
    pub version: String,
    pub sandbox: bool,
    /// Why nothing may be created, if nothing may.
    pub read_only: Option<&'static str>,
}

/// What came of a rule for all answers.
#[derive(Debug, Default)]
pub struct Tally {
    /// The first answer that broke it.
    pub wrong: Option<Wrong>,
    pub times: usize,
}

/// What came of an operation.
#[derive(Debug, Default)]
pub struct Seen {
    pub statuses: BTreeMap<u16, usize>,
    /// The first answer that is not one of those described.
    pub wrong: Option<Wrong>,
}

pub struct Suite<'a> {
    context: &'a Context,
    pub contract: Contract,
    pub operations: Vec<Operation>,
    pub standing: Standing,
    /// Where webhooks arrive, or why none can.
    pub receiver: Result<Receiver, String>,
    /// The name that everything which this run makes has in it.
    pub name: String,
    pub world: SystemWorld,
    pub rows: Vec<Row>,
    pub tallies: BTreeMap<&'static str, Tally>,
    pub seen: BTreeMap<String, Seen>,
    pub limits: Limits,
    /// Operations that this server has not, where only the documents are demanded.
    pub missing: HashSet<String>,
    /// Why what was not come to was not.
    pub unreached: &'static str,
    /// How many answers have been looked at.
    pub answers: usize,
    /// What was made and cannot be taken back, as far as the run's name does not find it.
    pub stays: Vec<Stays>,
    documented: bool,
    wire: Wire,
    ids: HashSet<String>,
    /// The rule that an answer of the check under way broke, so that its body says nothing any more.
    spoilt: Option<&'static str>,
    /// Answers of the check under way that are not as described. A check that fails because of one tells of it by itself.
    undescribed: Vec<(String, Wrong)>,
    made: Cell<usize>,
}

impl<'a> Suite<'a> {
    pub fn new(
        context: &'a Context,
        contract: Contract,
        wire: Wire,
        receiver: Result<Receiver, String>,
        name: String,
        documented: bool,
    ) -> Self {
        let standing = Standing { role: None, environment: String::new(), version: String::new(), sandbox: false, read_only: None };
        Self {
            context,
            operations: contract.operations(),
            contract,
            standing,
            receiver,
            name,
            world: SystemWorld::new(),
            rows: Vec::new(),
            tallies: BTreeMap::new(),
            seen: BTreeMap::new(),
            limits: Limits::default(),
            missing: HashSet::new(),
            unreached: "what it rests on did not come about: see the checks before it",
            answers: 0,
            stays: Vec::new(),
            documented,
            wire,
            ids: HashSet::new(),
            spoilt: None,
            undescribed: Vec::new(),
            made: Cell::new(0),
        }
    }

    /// A name for one more thing that this run makes. None is the beginning of another, so that a search finds one.
    pub fn fresh(&self) -> String {
        self.made.set(self.made.get().saturating_add(1));
        format!("{}-{:03}", self.name, self.made.get())
    }

    /// Makes one check, unless what it needs is missing, and keeps what came of it. Answers what it found if it passed.
    pub async fn check<T>(&mut self, check: Check, step: impl AsyncFnOnce(&mut Self) -> Result<T, Broken>) -> Option<T> {
        if let Some(why) = self.lacks(check.needs) {
            self.rows.push(Row::passed(&check).skipped(why));
            return None;
        }
        if self.context.ui.is_live() {
            self.context.ui.progress(&format!("{}: {}", self.rows.len().saturating_add(1), check.name));
        }
        self.keep_undescribed();
        self.spoilt = None;
        let begun = self.world.elapsed();
        let came = step(self).await;
        let mut row = Row::passed(&check);
        row.duration_ms = u64::try_from(self.world.elapsed().saturating_sub(begun).as_millis()).unwrap_or(u64::MAX);
        let (row, found) = match (came, self.spoilt) {
            (Ok(found), _) => (row, Some(found)),
            (Err(Broken::Skipped(why)), _) => (row.skipped(why), None),
            (Err(Broken::Wrong(_)), Some(rule)) => (row.skipped(format!("an answer that it rests on broke {rule}")), None),
            (Err(Broken::Wrong(wrong)), None) => {
                self.undescribed.retain(|(_, other)| other.request_id != wrong.request_id);
                (row.failed(wrong), None)
            }
        };
        self.rows.push(row);
        self.keep_undescribed();
        found
    }

    fn keep_undescribed(&mut self) {
        for (operation, wrong) in std::mem::take(&mut self.undescribed) {
            self.seen.entry(operation).or_default().wrong.get_or_insert(wrong);
        }
    }

    /// Why a check cannot be made, if it cannot.
    pub fn lacks(&self, needs: &[Need]) -> Option<String> {
        let role = self.standing.role.as_deref();
        let is_one_of = |roles: &[&str]| role.is_none_or(|role| roles.contains(&role));
        let of_the_role = || format!("the role of the key is {}", role.unwrap_or("unknown"));
        needs.iter().find_map(|need| match need {
            Need::Write => {
                let why = self.standing.read_only.map(str::to_owned);
                why.or_else(|| (!is_one_of(&["owner", "admin", "member"])).then(of_the_role))
            }
            Need::Admin => (!is_one_of(&["owner", "admin"])).then(of_the_role),
            Need::Sandbox if !self.standing.sandbox => Some("the server is no sandbox".to_owned()),
            Need::Sandbox => (!is_one_of(&["owner", "admin", "member"])).then(of_the_role),
            Need::Receiver => self.receiver.as_ref().err().cloned(),
        })
    }

    /// Asks, waits where that came too early, and looks at the answer.
    pub async fn ask(&mut self, ask: Ask) -> Result<Answer, Broken> {
        let operation = self.operation(&ask);
        for _ in 0..PATIENCE {
            let answer = self.wire.send(&ask, operation.as_ref()).await?;
            if let Some(operation) = operation.as_ref().filter(|operation| self.is_missing(operation, answer.status)) {
                self.missing.insert(operation.id.clone());
                return Err(Broken::Skipped(format!("the server does not offer {} {}", operation.method, operation.path)));
            }
            self.look(&answer, operation.as_ref());
            if answer.status != 429 {
                return Ok(answer);
            }
            let pause = answer.header("Retry-After").and_then(|seconds| seconds.parse().ok()).unwrap_or(1_u64).clamp(1, 3_600);
            self.context.ui.progress(&format!("the key's limit is reached; going on in {pause} s"));
            self.world.sleep(Duration::from_secs(pause)).await;
        }
        Err(Broken::Skipped(format!("the key's limit was reached {PATIENCE} times")))
    }

    /// Asks several things at once.
    pub async fn ask_at_once(&mut self, asks: &[Ask]) -> Result<Vec<Answer>, Broken> {
        let operations: Vec<_> = asks.iter().map(|ask| self.operation(ask)).collect();
        let sending = asks.iter().zip(&operations).map(|(ask, operation)| self.wire.send(ask, operation.as_ref()));
        let answers = futures_util::future::join_all(sending).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        for (answer, operation) in answers.iter().zip(&operations) {
            self.look(answer, operation.as_ref());
        }
        if answers.iter().any(|answer| answer.status == 429) {
            return Err(Broken::Skipped("the key's limit was reached in the middle of it".to_owned()));
        }
        Ok(answers)
    }

    /// Opens a stream. The beginning of its answer is looked at like any other, but for a body.
    pub async fn open(&mut self, ask: Ask) -> Result<(Answer, Incoming), Broken> {
        let operation = self.operation(&ask);
        let (at, incoming) = self.wire.open(&ask, operation.as_ref()).await?;
        let answer = Answer { at, status: incoming.status, headers: incoming.headers.clone(), bytes: Vec::new(), body: Value::Null };
        if answer.status == 200 {
            self.look(&answer, operation.as_ref());
        }
        Ok((answer, incoming))
    }

    /// Asks again until the answer is as it shall be, for as long as a chain or a delivery may take.
    pub async fn ask_until(&mut self, ask: Ask, what: &str, is_it: impl Fn(&Answer) -> bool) -> Result<Answer, Broken> {
        const WITHIN: Duration = Duration::from_secs(30);
        let until = self.world.elapsed().saturating_add(WITHIN);
        loop {
            let answer = self.ask(ask.clone()).await?.ok(200)?;
            if is_it(&answer) {
                return Ok(answer);
            }
            // What broke a rule does not become better by waiting.
            if self.spoilt.is_some() || self.world.elapsed() > until {
                return Err(answer.wrong(format!("{what}, within {} s", WITHIN.as_secs())));
            }
            self.world.sleep(Duration::from_millis(100)).await;
        }
    }

    /// The documents know fewer operations than `openapi.yaml`. That one is not there is told from a thing that is not by what may be
    /// answered.
    fn is_missing(&self, operation: &Operation, status: u16) -> bool {
        self.documented && status == 404 && self.contract.response(operation, status).is_none()
    }

    fn operation(&self, ask: &Ask) -> Option<Operation> {
        let Target::Operation(id) = &ask.target else { return None };
        self.operations.iter().find(|operation| operation.id == *id).cloned()
    }

    fn look(&mut self, answer: &Answer, operation: Option<&Operation>) {
        self.answers = self.answers.saturating_add(1);
        let response = operation.and_then(|operation| self.contract.response(operation, answer.status));
        let found = rules::look(answer, response, &self.contract, &mut self.ids);
        if let (Some(operation), Some(response)) = (operation, response) {
            self.limits.note(answer, operation, response);
        }
        let spoils = found.iter().find(|finding| finding.spoils).map(|finding| finding.check.name);
        for Finding { check, wrong, .. } in found {
            let tally = self.tallies.entry(check.name).or_default();
            tally.times = tally.times.saturating_add(1);
            tally.wrong.get_or_insert(wrong);
        }
        self.spoilt = self.spoilt.or(spoils);
        let Some(operation) = operation else { return };
        let judged = match response {
            None => Err("this status is not described for it".to_owned()),
            Some(response) => self.contract.judge(response, &answer.headers, &answer.body),
        };
        let seen = self.seen.entry(operation.id.clone()).or_default();
        let count = seen.statuses.entry(answer.status).or_default();
        *count = count.saturating_add(1);
        if let (Err(why), None) = (judged, spoils) {
            let got = format!("{}: {} {why}", answer.at, answer.status);
            let wrong = Wrong { expected: "an answer as openapi.yaml describes it".to_owned(), got, request_id: answer.request_id() };
            self.undescribed.push((operation.id.clone(), wrong));
        }
    }
}
