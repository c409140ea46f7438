//! What answers say of the key's limits, gathered over a whole run. It must not provoke a refusal.

use serde_json::Value;

use super::check::{Broken, Wrong, checks};
use super::contract::Operation;
use super::suite::Suite;
use super::wire::Answer;

checks! {
    HEADERS: "limits.headers" [] "Every answer to a key has X-RateLimit-Limit, -Remaining and -Reset", "API Reference: rate limits";
    VALUES: "limits.values" [] "They are whole numbers, and no more remains than the limit", "API Reference: rate limits";
    REFUSAL: "limits.refusal" [] "A 429 says in Retry-After and in retryAfter when to come again, and both agree", "API Reference: rate limits";
}

const NAMES: [&str; 3] = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"];

/// What the answers of a run had.
#[derive(Debug, Default)]
pub struct Limits {
    /// How many had all three headers.
    with: usize,
    /// The first that had none, or not all.
    without: Option<Wrong>,
    /// The first whose numbers cannot be right.
    odd: Option<Wrong>,
    /// The first refusal: what is wrong with it, if anything.
    refusal: Option<Result<(), Wrong>>,
}

impl Limits {
    /// Looks at an answer, if it is one that has to say something of limits.
    pub fn note(&mut self, answer: &Answer, operation: &Operation, response: &Value) {
        let wrong = |expected: &str, got: String| Wrong {
            expected: expected.to_owned(),
            got: format!("{}: {} {got}", answer.at, answer.status),
            request_id: answer.request_id(),
        };
        if answer.status == 429 {
            let (header, body) = (answer.header("Retry-After"), answer.body.get("retryAfter").and_then(Value::as_u64));
            let agree = header.and_then(|header| header.parse().ok()) == body && body.is_some();
            let refusal =
                if agree { Ok(()) } else { Err(wrong("one number of seconds", format!("Retry-After {header:?}, retryAfter {body:?}"))) };
            self.refusal.get_or_insert(refusal);
        }
        let is_described = response.get("headers").is_some_and(|headers| headers.get(NAMES[0]).is_some());
        if operation.roles.is_empty() || !is_described {
            return;
        }
        let found = NAMES.map(|name| answer.header(name));
        let missing: Vec<_> = NAMES.iter().zip(&found).filter(|(_, value)| value.is_none()).map(|(name, _)| *name).collect();
        if !missing.is_empty() {
            self.without.get_or_insert_with(|| wrong("all three headers", format!("without {}", missing.join(", "))));
            return;
        }
        self.with = self.with.saturating_add(1);
        let numbers = found.map(|value| value.and_then(|value| value.parse::<u64>().ok()));
        if !matches!(numbers, [Some(limit), Some(remaining), Some(reset)] if remaining <= limit && reset > 0) {
            let told = NAMES.iter().zip(&found).map(|(name, value)| format!("{name}: {}", value.unwrap_or_default()));
            let told = told.collect::<Vec<_>>().join(", ");
            self.odd.get_or_insert_with(|| wrong("three whole numbers, of which Remaining is at most Limit", told));
        }
    }
}

pub async fn run(suite: &mut Suite<'_>) {
    let Limits { with, without, odd, refusal } = std::mem::take(&mut suite.limits);
    let off = || Broken::Skipped("the sandbox has its limits off".to_owned());
    let is_off = with == 0 && suite.standing.sandbox;
    suite
        .check(HEADERS, async |_: &mut Suite| match without {
            Some(_) if is_off => Err(off()),
            Some(wrong) => Err(Broken::Wrong(wrong)),
            None => Ok(()),
        })
        .await;
    suite
        .check(VALUES, async |_: &mut Suite| match odd {
            Some(wrong) => Err(Broken::Wrong(wrong)),
            None if with == 0 => Err(if is_off { off() } else { Broken::Skipped("there were none".to_owned()) }),
            None => Ok(()),
        })
        .await;
    suite
        .check(REFUSAL, async |_: &mut Suite| match refusal {
            Some(Ok(())) => Ok(()),
            Some(Err(wrong)) => Err(Broken::Wrong(wrong)),
            None => Err(Broken::Skipped("no limit was reached, and none is provoked".to_owned())),
        })
        .await;
}
