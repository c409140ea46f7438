//! Which fault rule applies to what happens. It says so and counts; what then goes wrong is done where it happens.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use payin_types::ErrorCode;
use payin_types::sandbox::{FaultKind, FaultPlace, FaultRule, FaultWhen, NewFault};

use super::pattern::fits;
use crate::env::{Entropy, SeededEntropy};

/// Rules at most: whoever adds more has forgotten to clear them.
const RULES_MAX: usize = 1_000;
/// The longest delay.
const DELAY_MS_MAX: u64 = 60_000;

/// Which kinds there are of each place.
const KINDS: &[(FaultPlace, &[FaultKind])] = &[
    (FaultPlace::Api, &[FaultKind::Error, FaultKind::RateLimit, FaultKind::Latency, FaultKind::Drop]),
    (FaultPlace::Rpc, &[FaultKind::Error, FaultKind::RateLimit, FaultKind::Latency, FaultKind::Drop]),
    (FaultPlace::Webhook, &[FaultKind::Latency, FaultKind::Drop, FaultKind::Duplicate, FaultKind::Reorder, FaultKind::Lose]),
];

/// The rules of a sandbox.
pub struct Faults {
    seed: u64,
    rules: Mutex<Rules>,
}

#[derive(Default)]
struct Rules {
    numbered: u64,
    rules: Vec<Rule>,
}

struct Rule {
    rule: FaultRule,
    /// Its own, so that no rule's luck depends on another's.
    luck: SeededEntropy,
}

/// A rule that applies now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Its number.
    pub id: u64,
    /// What goes wrong.
    pub effect: Effect,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The answer is this error, and whether the work is done all the same.
    Error(ErrorCode, bool),
    /// The answer is 429.
    RateLimit(Option<u64>),
    /// It takes longer.
    Latency(Duration),
    /// There is no answer, and whether the work is done all the same.
    Drop(bool),
    /// It happens twice.
    Duplicate,
    /// It is held back.
    Reorder,
    /// It does not happen, and nobody notices.
    Lose,
}

/// Why there is no such rule: the field, and what is wrong with it.
pub type BadRule = (&'static str, String);

impl Faults {
    /// No rules yet. The same seed has the same luck.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, rules: Mutex::default() }
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule behind the others.
    ///
    /// # Errors
    /// [`BadRule`].
    pub fn add(&self, fault: NewFault) -> Result<FaultRule, BadRule> {
        check(&fault)?;
        let mut rules = self.rules();
        if rules.rules.len() >= RULES_MAX {
            return Err(("at", format!("there are {RULES_MAX} rules already; clear them first")));
        }
        rules.numbered = rules.numbered.saturating_add(1);
        let id = rules.numbered;
        let rule = FaultRule { id, applied: 0, fault };
        let luck = SeededEntropy::new(self.seed.wrapping_add(id));
        rules.rules.push(Rule { rule: rule.clone(), luck });
        Ok(rule)
    }

    /// All rules, in their order.
    #[must_use]
    pub fn list(&self) -> Vec<FaultRule> {
        self.rules().rules.iter().map(|rule| rule.rule.clone()).collect()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules().rules.is_empty()
    }

    /// Forgets all rules. Answers how many there were.
    pub fn clear(&self) -> usize {
        std::mem::take(&mut self.rules().rules).len()
    }

    /// Whether something goes wrong with this: the first rule that fits, has not been applied often enough, and is lucky.
    pub fn apply(&self, at: &FaultPlace, what: &str) -> Option<Applied> {
        let mut rules = self.rules();
        let fits = |rule: &&mut Rule| {
            let FaultRule { applied, fault, .. } = &rule.rule;
            fault.at == *at
                && fits(fault.pattern.as_deref(), what)
                && fault.count.is_none_or(|count| *applied < count)
                && fault.percent.is_none_or(|percent| is_lucky(&rule.luck, percent))
        };
        let rule = rules.rules.iter_mut().find(fits)?;
        rule.rule.applied = rule.rule.applied.saturating_add(1);
        let fault = &rule.rule.fault;
        let is_done = fault.when == Some(FaultWhen::After);
        let effect = match fault.kind {
            FaultKind::RateLimit => Effect::RateLimit(fault.retry_after),
            FaultKind::Latency => Effect::Latency(Duration::from_millis(fault.delay_ms.unwrap_or_default())),
            FaultKind::Drop => Effect::Drop(is_done),
            FaultKind::Duplicate => Effect::Duplicate,
            FaultKind::Reorder => Effect::Reorder,
            FaultKind::Lose => Effect::Lose,
            _ => Effect::Error(fault.code.clone().unwrap_or(ErrorCode::InternalError), is_done),
        };
        Some(Applied { id: rule.rule.id, effect })
    }
}

fn is_lucky(luck: &dyn Entropy, percent: u8) -> bool {
    u32::from_be_bytes(luck.array()) % 100 < u32::from(percent)
}

fn check(fault: &NewFault) -> Result<(), BadRule> {
    let Some((_, kinds)) = KINDS.iter().find(|(place, _)| *place == fault.at) else {
        return Err(("at", format!("must be api, rpc or webhook, is '{}'", fault.at)));
    };
    if !kinds.contains(&fault.kind) {
        let kinds: Vec<&str> = kinds.iter().map(FaultKind::as_str).collect();
        return Err(("kind", format!("must be one of {} for '{}', is '{}'", kinds.join(", "), fault.at, fault.kind)));
    }
    let only = |field, is_there: bool, kinds: &[FaultKind]| {
        let says = || format!("means nothing for '{}'", fault.kind);
        if is_there && !kinds.contains(&fault.kind) { Err((field, says())) } else { Ok(()) }
    };
    only("when", fault.when.is_some(), &[FaultKind::Error, FaultKind::Drop])?;
    only("code", fault.code.is_some(), &[FaultKind::Error])?;
    only("retryAfter", fault.retry_after.is_some(), &[FaultKind::RateLimit])?;
    only("delayMs", fault.delay_ms.is_some(), &[FaultKind::Latency])?;
    if fault.at == FaultPlace::Rpc && fault.code.is_some() {
        return Err(("code", "is the API's: a node answers HTTP status 500".to_owned()));
    }
    if let Some(when) = fault.when.as_ref().filter(|when| !FaultWhen::KNOWN.contains(when)) {
        return Err(("when", format!("must be before or after, is '{when}'")));
    }
    if fault.when == Some(FaultWhen::After) && fault.at == FaultPlace::Rpc {
        return Err(("when", "a node's call changes nothing, so there is no before and after".to_owned()));
    }
    if let Some(ErrorCode::Unknown(code)) = &fault.code {
        return Err(("code", format!("the API has no error '{code}'")));
    }
    if fault.kind == FaultKind::Latency && !fault.delay_ms.is_some_and(|delay| (1..=DELAY_MS_MAX).contains(&delay)) {
        return Err(("delayMs", format!("must be 1 to {DELAY_MS_MAX}")));
    }
    if fault.count == Some(0) {
        return Err(("count", "must be at least 1, is 0".to_owned()));
    }
    if let Some(percent) = fault.percent.filter(|percent| !(1..=100).contains(percent)) {
        return Err(("percent", format!("must be 1 to 100, is {percent}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(kind: FaultKind) -> NewFault {
        NewFault::new(FaultPlace::Api, kind)
    }

    #[test]
    fn the_first_rule_that_fits_applies_as_often_as_it_says() {
        let faults = Faults::new(1);
        let orders = NewFault { pattern: Some("POST *orders".to_owned()), count: Some(2), ..rule(FaultKind::Drop) };
        let limited = NewFault { retry_after: Some(7), ..rule(FaultKind::RateLimit) };
        assert_eq!((faults.add(orders).unwrap().id, faults.add(limited).unwrap().id), (1, 2));
        let effects: Vec<Effect> =
            (0..3).filter_map(|_| faults.apply(&FaultPlace::Api, "POST /api/v1/orders")).map(|applied| applied.effect).collect();
        assert_eq!(effects, [Effect::Drop(false), Effect::Drop(false), Effect::RateLimit(Some(7))]);
        assert_eq!(faults.apply(&FaultPlace::Rpc, "POST /api/v1/orders"), None);
        assert_eq!(faults.list().iter().map(|rule| rule.applied).collect::<Vec<_>>(), [2, 1]);
        assert_eq!((faults.clear(), faults.apply(&FaultPlace::Api, "x")), (2, None));
    }

    #[test]
    fn luck_is_the_seeds_and_each_rules_own() {
        let luck = |seed: u64, others: u8| -> Vec<bool> {
            let faults = Faults::new(seed);
            faults.add(NewFault { percent: Some(50), ..rule(FaultKind::Drop) }).unwrap();
            for _ in 0..others {
                faults.add(NewFault { percent: Some(50), ..NewFault::new(FaultPlace::Rpc, FaultKind::Drop) }).unwrap();
            }
            let draw = |_| {
                faults.apply(&FaultPlace::Rpc, "x");
                faults.apply(&FaultPlace::Api, "x").is_some()
            };
            (0..200).map(draw).collect()
        };
        assert_eq!(luck(1, 0), luck(1, 3));
        assert_ne!(luck(1, 0), luck(2, 0));
        assert!((60..140).contains(&luck(1, 0).into_iter().filter(|lucky| *lucky).count()));
    }

    #[test]
    fn rules_that_mean_nothing_are_refused_by_their_field() {
        let faults = Faults::new(1);
        let latency = rule(FaultKind::Latency);
        for (field, bad) in [
            ("at", NewFault::new("moon".into(), FaultKind::Drop)),
            ("kind", rule(FaultKind::Lose)),
            ("kind", NewFault::new(FaultPlace::Webhook, FaultKind::Error)),
            ("kind", rule("explode".into())),
            ("when", NewFault { when: Some(FaultWhen::After), ..rule(FaultKind::RateLimit) }),
            ("when", NewFault { when: Some("during".into()), ..rule(FaultKind::Drop) }),
            ("when", NewFault { when: Some(FaultWhen::After), ..NewFault::new(FaultPlace::Rpc, FaultKind::Drop) }),
            ("code", NewFault { code: Some("NO_SUCH".into()), ..rule(FaultKind::Error) }),
            ("code", NewFault { code: Some(ErrorCode::InternalError), ..rule(FaultKind::Drop) }),
            ("retryAfter", NewFault { retry_after: Some(1), ..rule(FaultKind::Error) }),
            ("delayMs", latency.clone()),
            ("delayMs", NewFault { delay_ms: Some(60_001), ..latency }),
            ("count", NewFault { count: Some(0), ..rule(FaultKind::Drop) }),
            ("percent", NewFault { percent: Some(101), ..rule(FaultKind::Drop) }),
        ] {
            assert_eq!(faults.add(bad.clone()).map_err(|(field, _)| field), Err(field), "{bad:?}");
        }
        assert!(faults.list().is_empty());
    }
}
