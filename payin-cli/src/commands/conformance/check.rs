//! What a check is, what it needs, and what came of it. It must not ask anybody.

use serde::Serialize;

/// Something that the contract says, which is looked at by itself.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// `group.name`
    pub name: &'static str,
    /// What the contract says, as a statement that is true or false.
    pub says: &'static str,
    /// Where the contract says it.
    pub source: &'static str,
    pub needs: &'static [Need],
}

/// What there must be, so that a check can be made without harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The key may create orders, and something may be created.
    Write,
    /// The key is an owner's or admin's.
    Admin,
    /// The server is a sandbox, where a payment costs nobody anything.
    Sandbox,
    /// The server can send webhooks to this program.
    Receiver,
}

/// Several checks, and the list of them.
macro_rules! checks {
    ($($constant:ident: $name:literal [$($need:ident),*] $says:literal, $source:literal;)*) => {
        $(const $constant: $crate::commands::conformance::check::Check = $crate::commands::conformance::check::Check {
            name: $name,
            says: $says,
            source: $source,
            needs: &[$($crate::commands::conformance::check::Need::$need),*],
        };)*
        /// Every check of this file.
        pub const ALL: &[$crate::commands::conformance::check::Check] = &[$($constant),*];
    };
}
pub(super) use checks;

/// An answer that is not as it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub expected: String,
    pub got: String,
    pub request_id: Option<String>,
}

/// Why a check did not pass.
#[derive(Debug)]
pub enum Broken {
    Wrong(Wrong),
    /// It could not be made, for this reason.
    Skipped(String),
}

impl Broken {
    pub fn wrong(expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self::Wrong(Wrong { expected: expected.into(), got: got.into(), request_id: None })
    }
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Passed,
    Failed,
    Skipped,
}

impl Outcome {
    pub fn mark(self) -> char {
        match self {
            Self::Passed => '✓',
            Self::Failed => '✗',
            Self::Skipped => '-',
        }
    }
}

/// A line of the report.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub check: String,
    pub outcome: Outcome,
    pub statement: String,
    pub source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Why it was skipped, or what it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub duration_ms: u64,
}

impl Row {
    pub fn passed(check: &Check) -> Self {
        Self::of(check.name, check.says, check.source)
    }

    pub fn of(name: impl Into<String>, says: impl Into<String>, source: impl Into<String>) -> Self {
        Self {
            check: name.into(),
            outcome: Outcome::Passed,
            statement: says.into(),
            source: source.into(),
            expected: None,
            got: None,
            request_id: None,
            note: None,
            duration_ms: 0,
        }
    }

    pub fn failed(mut self, wrong: Wrong) -> Self {
        let Wrong { expected, got, request_id } = wrong;
        (self.outcome, self.expected, self.got, self.request_id) = (Outcome::Failed, Some(expected), Some(got), request_id);
        self
    }

    pub fn skipped(mut self, why: impl Into<String>) -> Self {
        (self.outcome, self.note) = (Outcome::Skipped, Some(why.into()));
        self
    }

    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// What stands before the first dot of its name.
    pub fn group(&self) -> &str {
        self.check.split('.').next().unwrap_or_default()
    }
}
