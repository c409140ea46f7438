//! What the caller did wrong, said so that they can mend it. Faults of ours or of the world are not errors of this type.

use payin_types::{ErrorCode, OrderId};
use serde_json::{Value, json};

/// A refusal: the request changes nothing and is answered with this.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    /// For programs; decides the HTTP status.
    pub code: ErrorCode,
    /// What was wrong, with which value, and what to do.
    pub message: String,
    /// More of what was wrong.
    pub details: Option<Value>,
    /// On a duplicate reference: the order that has it.
    pub existing_order_id: Option<OrderId>,
    /// In how many seconds waiting may help.
    pub retry_after_s: Option<u64>,
}

impl Error {
    /// A refusal with a code and a sentence.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: None, existing_order_id: None, retry_after_s: None }
    }

    /// A `VALIDATION_ERROR` about one field.
    #[must_use]
    pub fn field(field: &str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self {
            details: Some(json!([{"field": field, "problem": problem}])),
            ..Self::new(ErrorCode::ValidationError, format!("{field}: {problem}"))
        }
    }

    /// Several refusals as one, for whoever wants to hear of every field at once. The first decides the code; `None` of none.
    #[must_use]
    pub fn together(errors: Vec<Self>) -> Option<Self> {
        let message = errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; ");
        let details = |error: &Self| error.details.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
        let details: Vec<Value> = errors.iter().flat_map(details).collect();
        let first = errors.into_iter().next()?;
        Some(Self { message, details: (!details.is_empty()).then_some(Value::Array(details)), ..first })
    }

    /// As a `VALIDATION_ERROR` about one field, for APIs that know no other code for it.
    #[must_use]
    pub fn about(self, field: &str) -> Self {
        Self { details: Some(json!([{"field": field, "problem": self.message}])), code: ErrorCode::ValidationError, ..self }
    }

    /// An object that does not exist, or belongs to another organization: the two must not be told apart.
    #[must_use]
    pub fn not_found(what: &str, id: &str) -> Self {
        Self::new(ErrorCode::ResourceNotFound, format!("{what} '{}' does not exist", shown(id)))
    }

    /// With more of what was wrong.
    #[must_use]
    pub fn details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }
}

/// A caller's text as it may be shown back: control characters escaped, at most 80 characters.
#[must_use]
pub fn shown(text: &str) -> String {
    shown_up_to(text, 80)
}

/// As [`shown`], with at most this many characters.
#[must_use]
pub fn shown_up_to(text: &str, most: usize) -> String {
    let mut shown: String =
        text.chars().take(most).flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect();
    if text.chars().nth(most).is_some() {
        shown.push('…');
    }
    shown
}
