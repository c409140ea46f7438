//! Scenario files: what may happen to a merchant, as steps and assertions in YAML, played against a sandbox and the merchant's own program.
//! `payin sandbox run` plays them from a shell; the words they are written in stand in `docs/scenarios.md` of the repository. A scenario
//! must not know how a merchant is built: it sees webhooks answered, and what a few paths of the merchant say.
//!
//! ```
//! use payin_sdk::testing::scenario::Scenario;
//!
//! let text = r#"
//! about: The customer pays what was asked for, and gets it once.
//! with: { chain: ethereum-sepolia }
//! steps:
//!   - merchant: { post: /orders, body: { reference: "A-${run}", amount: "25.00", currency: USDT, chainId: "${chain}" }, as: order }
//!   - pay: { orderId: "${order.orderId}" }
//!   - confirm: ${order.orderId}
//!   - merchant: { get: "/orders/A-${run}", answer: { fulfilled: 1 } }
//! "#;
//! let scenario = Scenario::parse("exact.yaml", text)?;
//! assert_eq!((scenario.name(), scenario.steps()), ("exact.yaml", 4));
//!
//! // A word that nobody knows is refused where it stands.
//! let error = Scenario::parse("typo.yaml", "about: A typo.\nsteps:\n  - pay: { orderId: a, knid: late }\n").unwrap_err();
//! assert!(error.to_string().starts_with("typo.yaml:3:"), "{error}");
//! # Ok::<(), payin_sdk::testing::scenario::BadScenario>(())
//! ```
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use payin_sdk::Client;
//! use payin_sdk::testing::scenario::{Merchant, Scenario, Stage};
//!
//! // The merchant's program runs there, with the key of the same sandbox, and verifies webhooks with this secret.
//! let merchant = Merchant::new("http://127.0.0.1:8080", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into());
//! let stage = Stage::new(Client::from_env()?, merchant);
//! for scenario in Scenario::library()? {
//!     let outcome = stage.play(&scenario).await?;
//!     // What cannot happen on the scenario's chain is skipped, and says why.
//!     assert!(outcome.passed || outcome.skipped.is_some(), "{outcome}");
//! }
//! # Ok(()) }
//! ```

mod ground;
mod library;
mod names;
mod outcome;
mod play;
mod relay;
mod steps;
#[cfg(test)]
mod tests;
mod tidy;
mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use payin_types::EventType;
use secrecy::SecretString;
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::client::Client;
use ground::Need;
use steps::Step;

pub use outcome::{Failure, NotPlayed, Outcome};

/// How long a merchant may take behind its answer to a webhook, in real time, unless said otherwise.
const PATIENCE: Duration = Duration::from_secs(2);
/// Where webhooks go, unless said otherwise.
const WEBHOOKS: &str = "/webhooks/payin";

/// A scenario that can be played.
#[derive(Debug, Clone)]
pub struct Scenario {
    name: String,
    about: String,
    with: BTreeMap<String, String>,
    events: Vec<EventType>,
    needs: Vec<Need>,
    /// Each with the line that it begins on.
    steps: Vec<(u64, Step)>,
}

/// A scenario as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    about: String,
    #[serde(default)]
    with: BTreeMap<String, String>,
    #[serde(default = "events")]
    events: Vec<EventType>,
    #[serde(default)]
    needs: Vec<Need>,
    steps: Vec<Spanned<Step>>,
}

/// What is told to a merchant who misses nothing that concerns an order or a deposit.
fn events() -> Vec<EventType> {
    vec![
        EventType::OrderPaymentDetected,
        EventType::OrderCompleted,
        EventType::OrderExpired,
        EventType::OrderPaidLate,
        EventType::OrderReverted,
        EventType::DepositPending,
        EventType::DepositConfirmed,
        EventType::DepositCompleted,
        EventType::DepositReverted,
    ]
}

/// A scenario that cannot be read, where, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}:{line}:{column}: {why}")]
#[non_exhaustive]
pub struct BadScenario {
    /// The scenario's name.
    pub name: String,
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// What is wrong, and what may stand there.
    pub why: String,
}

impl Scenario {
    /// Reads a scenario. The name is the file's, for whoever has to find it.
    ///
    /// # Errors
    /// [`BadScenario`] says where, and what may stand there.
    pub fn parse(name: &str, text: &str) -> Result<Self, BadScenario> {
        let bad = |line: u64, column: u64, why: String| BadScenario { name: name.to_owned(), line, column, why };
        let mut written: Written = serde_saphyr::from_str(text).map_err(|error| {
            let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
            bad(line, column, error.without_snippet().to_string())
        })?;
        if written.steps.is_empty() {
            return Err(bad(1, 1, "a scenario has steps".to_owned()));
        }
        let mut steps = Vec::new();
        let lines = std::mem::take(&mut written.steps);
        for Spanned { value, referenced, .. } in lines {
            if let Some(why) = value.mistake() {
                return Err(bad(referenced.line(), referenced.column(), why));
            }
            steps.push((referenced.line(), value));
        }
        let Written { about, with, events, needs, .. } = written;
        if !needs.is_empty() && !with.contains_key(ground::CHAIN) {
            return Err(bad(1, 1, "needs are those of a chain: begin with one, as in with: { chain: ethereum-sepolia }".to_owned()));
        }
        let scenario = Self { name: name.to_owned(), about, with, events, needs, steps };
        scenario.check(&scenario.with)?;
        Ok(scenario)
    }

    /// Whether every name of a step has something by then, and every value can stand where it is put.
    fn check(&self, given: &BTreeMap<String, String>) -> Result<(), BadScenario> {
        let bad = |(line, why)| BadScenario { name: self.name.clone(), line, column: 1, why };
        names::mistake(&self.steps, given).map_or(Ok(()), |mistake| Err(bad(mistake)))
    }

    /// What it begins with, where some of it was set otherwise.
    fn given(&self, set: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let is_its = |name: &String| self.with.contains_key(name) || name == names::RUN;
        let own = set.iter().filter(|(name, _)| is_its(name));
        self.with.iter().chain(own).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Those that come with this version, in the order in which they are best read.
    ///
    /// # Errors
    /// None, unless this version was built of other files than it was tested with.
    pub fn library() -> Result<Vec<Self>, BadScenario> {
        library::SCENARIOS.iter().map(|(name, text)| Self::parse(name, text)).collect()
    }

    /// The name it was read under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is about, in a sentence or two.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The names that [`Stage::set`] may give another value.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.with.keys().map(String::as_str)
    }

    /// How many steps it has.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps.len()
    }
}

/// The merchant that is tried.
#[derive(Clone)]
pub struct Merchant {
    url: String,
    webhooks: String,
    secret: SecretString,
}

impl Merchant {
    /// Where it listens, and what it verifies webhooks with.
    #[must_use]
    pub fn new(url: impl Into<String>, secret: SecretString) -> Self {
        let url = url.into().trim_end_matches('/').to_owned();
        Self { webhooks: format!("{url}{WEBHOOKS}"), url, secret }
    }

    /// Where its webhooks go, instead of `/webhooks/payin`.
    #[must_use]
    pub fn webhooks(mut self, url: impl Into<String>) -> Self {
        self.webhooks = url.into();
        self
    }
}

impl fmt::Debug for Merchant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merchant").field("url", &self.url).field("webhooks", &self.webhooks).finish_non_exhaustive()
    }
}

/// A sandbox and a merchant, on which scenarios are played, one at a time.
#[derive(Debug, Clone)]
#[must_use]
pub struct Stage {
    client: Client,
    merchant: Merchant,
    set: BTreeMap<String, String>,
    patience: Duration,
}

impl Stage {
    /// With the owner's key of a sandbox whose clock stands still, and that no one else moves meanwhile.
    pub fn new(client: Client, merchant: Merchant) -> Self {
        Self { client, merchant, set: BTreeMap::new(), patience: PATIENCE }
    }

    /// Another value for a name of `with`; or for `run`, which is random otherwise, and makes a scenario's references its own.
    pub fn set(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.set.insert(name.into(), value.into());
        self
    }

    /// How long the merchant may take behind its answer to a webhook, in real time, instead of 2 s: for so long it is asked again.
    pub fn patience(mut self, span: Duration) -> Self {
        self.patience = span;
        self
    }

    /// Finds out whether scenarios can be played, before any is: whether they can be meant with what was set, and whether sandbox and merchant
    /// answer.
    ///
    /// # Errors
    /// [`NotPlayed`] says what has to be otherwise.
    pub async fn check(&self, scenarios: &[Scenario]) -> Result<(), NotPlayed> {
        scenarios.iter().try_for_each(|scenario| scenario.check(&scenario.given(&self.set)))?;
        let ground = play::reach(self).await?;
        Ok(scenarios.iter().try_for_each(|scenario| play::meant(self, scenario, &ground).map(drop))?)
    }

    /// Plays a scenario to its end, or to the first step that is not as it has to be.
    ///
    /// # Errors
    /// [`NotPlayed`] where that is not the merchant's fault: nobody can play it, or the sandbox has gone away.
    pub async fn play(&self, scenario: &Scenario) -> Result<Outcome, NotPlayed> {
        play::play(self, scenario).await
    }
}
