//! What came of a scenario. Pure.

use std::fmt;

use serde::Serialize;

/// What came of a scenario: passed, or the first step that was not as it has to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Outcome {
    /// The scenario's name.
    pub scenario: String,
    /// What it is about.
    pub about: String,
    /// Whether the merchant passes.
    pub passed: bool,
    /// How many steps were done as they have to be.
    pub steps: usize,
    /// What was not.
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

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, what, expected, got, .. } = self;
        write!(f, "step {step}, {what}: expected {expected}, got {got}")
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            None => write!(f, "{}: passed, {} steps", self.scenario, self.steps),
            Some(failure) => write!(f, "{}:{}: {failure}", self.scenario, failure.line),
        }
    }
}
