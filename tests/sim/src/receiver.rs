//! The merchants' webhook endpoints: they answer well, badly, late or not at all, lose what they answered, and believe nobody who has not
//! signed. What they were told they keep, for the judge.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_sdk::webhook::{self, Scheme, Verifier};
use payin_server::app::deliveries::CLAIM;
use payin_server::env::{Answer, Http, Outgoing, SendFault};
use payin_types::Timestamp;
use secrecy::SecretString;

use crate::clock::{CLOCK_OFF_MOST, Time};
use crate::coverage::Coverage;
use crate::dice::Dice;
use crate::gate::Gate;

/// How an endpoint is at present: of a thousand posts, so many go wrong.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mood {
    /// Answered with an error.
    pub fails: u64,
    /// Taken, and the answer is lost.
    pub loses: u64,
    /// Not taken: nobody listens.
    pub down: bool,
    /// Answers once that it wants no more.
    pub gone: bool,
}

/// Who may be believed at an endpoint.
#[derive(Debug, Clone)]
pub struct Trust {
    pub scheme: Scheme,
    /// Its secrets, the newest last; during a rotation the one before is good, too.
    pub secrets: Vec<String>,
}

/// A webhook that came and was genuine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub url: String,
    pub id: String,
    pub body: Vec<u8>,
    /// Whether the sender was told so.
    pub acknowledged: bool,
}

#[derive(Default)]
struct State {
    moods: BTreeMap<String, Mood>,
    trust: BTreeMap<String, Trust>,
    heard: Vec<Heard>,
    /// What came and was wrong: the judge wants none of these.
    wrong: Vec<String>,
    gone: BTreeSet<String>,
    /// What a sender was told has come, and when: nothing is sent twice while a claim keeps others from it.
    told: BTreeMap<(String, String), Timestamp>,
    /// Whether servers' clocks differ, so that one may think another's claim is over.
    clocks_differ: bool,
    dice: Option<Dice>,
}

/// All endpoints.
pub struct Receiver {
    state: Mutex<State>,
    time: Time,
    coverage: Coverage,
}

impl Receiver {
    #[must_use]
    pub fn new(time: Time, coverage: Coverage, seed: u64) -> Arc<Self> {
        let state = State { dice: Some(Dice::new(seed)), ..State::default() };
        Arc::new(Self { state: Mutex::new(state), time, coverage })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_mood(&self, url: &str, mood: Mood) {
        self.state().moods.insert(url.to_owned(), mood);
    }

    pub fn heal(&self) {
        self.state().moods.clear();
    }

    pub fn trust(&self, url: &str, trust: Trust) {
        self.state().trust.insert(url.to_owned(), trust);
    }

    pub fn add_secret(&self, url: &str, secret: String) {
        if let Some(trust) = self.state().trust.get_mut(url) {
            trust.secrets.push(secret);
        }
    }

    /// Who is trusted now; for whoever keeps a backup.
    #[must_use]
    pub fn trusted(&self) -> BTreeMap<String, Trust> {
        self.state().trust.clone()
    }

    /// Secrets that were good when a backup was made are good again.
    pub fn trust_as_before(&self, trusted: BTreeMap<String, Trust>) {
        self.state().trust = trusted;
    }

    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.state().trust.keys().cloned().collect()
    }

    /// An endpoint's newest secret.
    #[must_use]
    pub fn secret(&self, url: &str) -> Option<String> {
        self.state().trust.get(url)?.secrets.last().cloned()
    }

    /// What was answered so far may not have been heard, or is asked for again.
    pub fn may_hear_again(&self) {
        self.state().told.clear();
    }

    /// From now on servers' clocks are not the same.
    pub fn clocks_differ(&self) {
        self.state().clocks_differ = true;
    }

    /// How far servers' clocks may have been off so far.
    #[must_use]
    pub fn clock_skew(&self) -> Duration {
        if self.state().clocks_differ { CLOCK_OFF_MOST } else { Duration::ZERO }
    }

    /// Everything genuine that has come so far.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        self.state().heard.clone()
    }

    /// Whether a sender was told at an endpoint that this has come.
    #[must_use]
    pub fn has_acknowledged(&self, url: &str, body: &[u8]) -> bool {
        self.state().heard.iter().any(|heard| heard.acknowledged && heard.url == url && heard.body == body)
    }

    /// Whether an endpoint ever said that it wants no more.
    #[must_use]
    pub fn was_gone(&self, url: &str) -> bool {
        self.state().gone.contains(url)
    }

    /// What came that should not have.
    #[must_use]
    pub fn wrong(&self) -> Vec<String> {
        std::mem::take(&mut self.state().wrong)
    }

    /// Somebody posts something that claims to be a webhook. Answers whether it was believed.
    #[must_use]
    pub fn believes(&self, url: &str, headers: &[(String, String)], body: &[u8]) -> bool {
        let Some(trust) = self.state().trust.get(url).cloned() else { return false };
        genuine(&trust, headers, body, &self.time).is_ok()
    }

    fn post(&self, request: &Outgoing) -> Result<Answer, SendFault> {
        let url = request.url.as_str().to_owned();
        let mut state = self.state();
        let mood = state.moods.get(&url).copied().unwrap_or_default();
        if mood.down {
            self.coverage.hit("receiver down");
            return Err(SendFault::Connect("refused".to_owned()));
        }
        let mut dice = state.dice.take().expect("dice");
        let (fails, loses, retry) = (dice.permille(mood.fails), dice.permille(mood.loses), dice.permille(300));
        let status = *dice.pick(&[500, 503, 429, 301, 404]).expect("one");
        state.dice = Some(dice);
        let trust = state.trust.get(&url).cloned();
        let checked = trust.map(|trust| genuine(&trust, &request.headers, &request.body, &self.time));
        match checked {
            None => state.wrong.push(format!("a webhook to {url}, which nobody asked for")),
            Some(Err(why)) => state.wrong.push(format!("a webhook to {url} is not genuine: {why}")),
            Some(Ok(id)) if !fails || loses => {
                let acknowledged = !loses && !mood.gone;
                // A claim is made anew before the second half of it has begun, and what is sent is sent under it. Where they have no ids, two that say the same are two all the same.
                if acknowledged && !fails && id.as_bytes() != request.body {
                    let now = self.time.now();
                    let before = state.told.insert((url.clone(), id.clone()), now);
                    if !state.clocks_differ && before.is_some_and(|before| now.since(before) < CLAIM / 2) {
                        state.wrong.push(format!("a webhook to {url} is sent again that was received: {id}"));
                    }
                }
                state.heard.push(Heard { url: url.clone(), id, body: request.body.to_vec(), acknowledged });
            }
            Some(Ok(_)) => {}
        }
        let answer =
            |status: u16, retry_after: Option<&str>| Ok(Answer { status, body: Vec::new(), retry_after: retry_after.map(str::to_owned) });
        if loses {
            self.coverage.hit("receiver loses its answer");
            return Err(SendFault::Timeout(Duration::from_secs(15)));
        }
        if mood.gone {
            self.coverage.hit("receiver is gone");
            state.gone.insert(url);
            return answer(410, None);
        }
        if fails {
            self.coverage.hit("receiver fails");
            return answer(status, retry.then_some("3"));
        }
        answer(204, None)
    }
}

/// Whether a webhook may be believed; then its id, or its whole body where its API gives it none.
fn genuine(trust: &Trust, headers: &[(String, String)], body: &[u8], time: &Time) -> Result<String, String> {
    let mut secrets = trust.secrets.iter().rev().map(|secret| SecretString::from(secret.clone()));
    let mut verifier = Verifier::new(secrets.next().ok_or("no secret")?);
    if let Some(before) = secrets.next() {
        verifier = verifier.or_secret(before);
    }
    // As wide as servers' clocks are wrong in these worlds: an attempt is signed anew, however old its event is.
    let verifier = verifier.tolerance(Some(CLOCK_OFF_MOST + Duration::from_secs(60)));
    webhook::verify_as(trust.scheme, headers.iter().map(|(name, value)| (name, value)), body, &verifier, time.now())
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(body)))?;
    let id = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("webhook-id")).map(|(_, id)| id.clone());
    Ok(id.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned()))
}

/// A server's way to them.
pub struct Road {
    pub receiver: Arc<Receiver>,
    pub gate: Arc<Gate>,
}

impl Http for Road {
    fn post(&self, request: Outgoing) -> BoxFuture<'_, Result<Answer, SendFault>> {
        async move {
            // Taken before the answer is under way: whoever crashes here has sent it.
            let answer = self.receiver.post(&request);
            self.gate.pass().await;
            answer
        }
        .boxed()
    }
}
