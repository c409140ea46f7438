//! What came of a scenario, or why it was not played. Pure.

use std::fmt;

use serde::Serialize;

use super::BadScenario;
use crate::error::Error;

/// What came of a scenario: passed, skipped, or the first step that was not as it has to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Outcome {
    /// The scenario's name.
    pub scenario: String,
    /// What it is about.
    pub about: String,
    /// Whether the merchant passes. Of a scenario that was skipped nobody can tell.
    pub passed: bool,
    /// How many steps were done as they have to be.
    pub steps: usize,
    /// Why it was skipped: what it plays cannot happen on its chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// What was not as it has to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// A step that was not as it has to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Failure {
    /// Which step, from 1; one more than there are for what is looked at in the end.
    pub step: usize,
    /// The line that it begins on.
    pub line: u64,
    /// The step in a few words.
    pub what: String,
    /// What had to be.
    pub expected: String,
    /// What was.
    pub got: String,
}

/// Why a scenario was not played, or not to its end. It is not for the merchant's program to mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotPlayed {
    /// The scenario cannot be meant, or not with the values that were set.
    #[error(transparent)]
    Scenario(#[from] BadScenario),
    /// The sandbox gave no answer, or one that says that it is none.
    #[error("the sandbox: {0}")]
    Sandbox(#[from] Error),
    /// Nobody listens where the merchant's program should.
    #[error("the merchant's program gives no answer at {url}: {why}")]
    Merchant {
        /// Where it was asked.
        url: String,
        /// What came instead.
        why: String,
    },
    /// No port to receive webhooks at.
    #[error("no port of this machine can be listened at: {0}")]
    Listen(#[source] std::io::Error),
}

/// What had to be and what was, of whatever step it may be.
#[derive(Debug)]
pub(super) struct Unlike {
    pub(super) expected: String,
    pub(super) got: String,
}

impl Unlike {
    pub(super) fn new(expected: impl fmt::Display, got: impl fmt::Display) -> Self {
        Self { expected: expected.to_string(), got: got.to_string() }
    }
}

/// Why a scenario goes no further.
#[derive(Debug)]
pub(super) enum Ended {
    /// A step was not as it has to be.
    Unlike(Unlike),
    /// It cannot be played.
    NotPlayed(NotPlayed),
}

impl From<Unlike> for Ended {
    fn from(unlike: Unlike) -> Self {
        Self::Unlike(unlike)
    }
}

impl From<NotPlayed> for Ended {
    fn from(not: NotPlayed) -> Self {
        Self::NotPlayed(not)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, what, expected, got, .. } = self;
        write!(f, "step {step}, {what}: expected {expected}, got {got}")
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.failure, &self.skipped) {
            (Some(failure), _) => write!(f, "{}:{}: {failure}", self.scenario, failure.line),
            (None, Some(why)) => write!(f, "{}: skipped, {why}", self.scenario),
            (None, None) => write!(f, "{}: passed, {} steps", self.scenario, self.steps),
        }
    }
}
