//! What differs between what was asked for and what is there, field by field. It must not decide what follows from it.

use std::fmt;

#[cfg(feature = "client")]
use serde_json::{Map, Value};

/// A field that differs.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The field as the API names it; one of the merchant's own data is `metadata.<key>`.
    pub field: String,
    /// What was asked for.
    pub asked: String,
    /// What is there; empty for nothing.
    pub found: String,
}

/// Shows values only where they cannot be a customer's.
impl fmt::Debug for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "amount" | "currency" | "chainId" => write!(f, "{} (asked for {}, found {})", self.field, self.asked, self.found),
            field => f.write_str(field),
        }
    }
}

/// The differences in a sentence.
pub(crate) fn listed(differences: &[Difference]) -> String {
    differences.iter().map(|difference| format!("{difference:?}")).collect::<Vec<_>>().join(", ")
}

/// The differences found so far.
#[derive(Default)]
pub(crate) struct Comparison(Vec<Difference>);

impl Comparison {
    pub(crate) fn note(&mut self, field: impl Into<String>, asked: String, found: String) {
        self.0.push(Difference { field: field.into(), asked, found });
    }

    pub(crate) fn compare(&mut self, field: &str, asked: &str, found: &str) {
        if asked != found {
            self.note(field, asked.to_owned(), found.to_owned());
        }
    }

    pub(crate) fn differences(self) -> Vec<Difference> {
        self.0
    }
}

/// Metadata.
#[cfg(feature = "client")]
impl Comparison {
    pub(crate) fn contains(&mut self, asked: &Map<String, Value>, found: &Map<String, Value>) {
        for (key, value) in asked.iter().filter(|(key, value)| found.get(*key) != Some(value)) {
            self.note(format!("metadata.{key}"), value.to_string(), found.get(key).map(Value::to_string).unwrap_or_default());
        }
    }

    pub(crate) fn contains_no_more(&mut self, asked: &Map<String, Value>, found: &Map<String, Value>) {
        for (key, value) in found.iter().filter(|(key, _)| !asked.contains_key(*key)) {
            self.note(format!("metadata.{key}"), String::new(), value.to_string());
        }
    }
}
