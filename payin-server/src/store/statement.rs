//! Statements: one text for both databases, `$n` parameters, never built from input: texts are literals, or composed of literals. The
//! only dialect difference allowed is row locking, in [`claim!`] and [`locked!`].

use std::borrow::Cow;

use super::db::Engine;

#[derive(Debug, Clone)]
pub(super) enum Arg {
    Int(Option<i64>),
    Text(Option<String>),
}

/// A statement and its arguments.
#[derive(Debug, Clone)]
pub struct Sql {
    pub(super) text: Cow<'static, str>,
    /// What PostgreSQL needs behind the text to lock the rows.
    lock: &'static str,
    args: Vec<Arg>,
}

/// A statement from a literal.
#[must_use]
pub fn sql(text: &'static str) -> Sql {
    Sql { text: Cow::Borrowed(text), lock: "", args: Vec::new() }
}

/// A statement composed of literals, such as a list with its filters.
#[must_use]
pub fn sql_of(parts: &[&'static str]) -> Sql {
    Sql { text: Cow::Owned(parts.concat()), lock: "", args: Vec::new() }
}

/// A statement over several rows: `head`, then `row` once for each with a comma between, then `tail`. A bare `$` in row and tail is the
/// next parameter.
#[must_use]
pub fn sql_rows(head: &'static str, row: &'static str, rows: usize, tail: &'static str) -> Sql {
    let mut text = String::with_capacity(head.len().saturating_add(rows.saturating_mul(row.len().saturating_add(48))));
    text.push_str(head);
    let mut parameter = 0usize;
    let mut push = |text: &mut String, part: &str| {
        for piece in part.split_inclusive('$') {
            text.push_str(piece);
            if piece.ends_with('$') {
                parameter = parameter.saturating_add(1);
                text.push_str(&parameter.to_string());
            }
        }
    };
    for at in 0..rows {
        if at > 0 {
            text.push_str(", ");
        }
        push(&mut text, row);
    }
    push(&mut text, tail);
    Sql { text: Cow::Owned(text), lock: "", args: Vec::new() }
}

impl Sql {
    /// Adds an integer argument.
    #[must_use]
    pub fn int(mut self, value: impl Into<Option<i64>>) -> Self {
        self.args.push(Arg::Int(value.into()));
        self
    }

    /// Adds a text argument.
    #[must_use]
    pub fn text(mut self, value: impl Into<String>) -> Self {
        self.args.push(Arg::Text(Some(value.into())));
        self
    }

    /// Adds a text argument that may be NULL.
    #[must_use]
    pub fn opt_text(mut self, value: Option<impl Into<String>>) -> Self {
        self.args.push(Arg::Text(value.map(Into::into)));
        self
    }

    /// Adds the three limbs of a sum of money.
    #[must_use]
    pub fn money(self, units: payin_core::Units) -> Self {
        let [whole, nano, atto] = units.limbs();
        self.int(whole).int(nano).int(atto)
    }

    pub(super) fn text_for(self, engine: Engine) -> (Cow<'static, str>, Vec<Arg>) {
        match engine {
            Engine::Postgres if !self.lock.is_empty() => (Cow::Owned(format!("{}{}", self.text, self.lock)), self.args),
            _ => (self.text, self.args),
        }
    }
}

/// A statement that locks the row it finds, or passes over rows that others have locked.
#[derive(Debug, Clone)]
pub struct LockingSql(pub(super) Sql);

impl LockingSql {
    #[doc(hidden)]
    #[must_use]
    pub fn new(text: &'static str, lock: &'static str) -> Self {
        Self(Sql { lock, ..sql(text) })
    }

    /// Adds an integer argument.
    #[must_use]
    pub fn int(self, value: impl Into<Option<i64>>) -> Self {
        Self(self.0.int(value))
    }

    /// Adds a text argument.
    #[must_use]
    pub fn text(self, value: impl Into<String>) -> Self {
        Self(self.0.text(value))
    }
}

/// Takes one of many: rows that another transaction has locked are passed over.
macro_rules! claim {
    ($text:literal) => {
        $crate::store::statement::LockingSql::new($text, " FOR UPDATE SKIP LOCKED")
    };
}

/// Loads a row in order to change it: waits for whoever has locked it.
macro_rules! locked {
    ($text:literal) => {
        $crate::store::statement::LockingSql::new($text, " FOR UPDATE")
    };
}

pub(crate) use {claim, locked};
