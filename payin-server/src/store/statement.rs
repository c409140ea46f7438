//! Statements: one text for both databases, `$n` parameters, never built from input: texts are literals, or composed of literals. The
//! only dialect difference allowed is row locking, in [`claim!`] and [`locked!`].

use std::borrow::Cow;

use super::db::Engine;

#[derive(Debug, Clone)]
pub(super) enum Arg {
    Int(Option<i64>),
    Text(Option<String>),
}

impl Arg {
    fn null_of_its_kind(&self) -> Self {
        match self {
            Self::Int(_) => Self::Int(None),
            Self::Text(_) => Self::Text(None),
        }
    }
}

/// A statement and its arguments.
#[derive(Debug, Clone)]
pub struct Sql {
    pub(super) text: Text,
    /// What PostgreSQL needs behind the text to lock the rows.
    lock: &'static str,
    args: Vec<Arg>,
}

/// A statement from a literal.
#[must_use]
pub fn sql(text: &'static str) -> Sql {
    Sql { text: Text::Plain(Cow::Borrowed(text)), lock: "", args: Vec::new() }
}

/// A statement composed of literals, such as a list with its filters.
#[must_use]
pub fn sql_of(parts: &[&'static str]) -> Sql {
    Sql { text: Text::Plain(Cow::Owned(parts.concat())), lock: "", args: Vec::new() }
}

/// A statement over several rows: `head`, then `row` once for each with a comma between, then `tail`. A bare `$` in row and tail is the
/// next parameter.
#[must_use]
pub fn sql_rows(head: &'static str, row: &'static str, rows: usize, tail: &'static str) -> Sql {
    Sql { text: Text::Rows { head, row, rows, tail }, lock: "", args: Vec::new() }
}

/// A statement that grows by [`Sql::with`], piece by piece with its arguments, such as a list with its filters. A bare `$` is the next
/// parameter.
#[must_use]
pub fn sql_from(piece: &'static str) -> Sql {
    Sql { text: Text::Pieces(vec![piece]), lock: "", args: Vec::new() }
}

/// What a statement says, before an engine is known.
#[derive(Debug, Clone)]
pub(super) enum Text {
    Plain(Cow<'static, str>),
    Pieces(Vec<&'static str>),
    Rows { head: &'static str, row: &'static str, rows: usize, tail: &'static str },
}

impl Text {
    fn render(&self, engine: Engine) -> Cow<'static, str> {
        let mut parameter = 0usize;
        match self {
            Self::Plain(text) => text.clone(),
            Self::Pieces(pieces) => {
                let mut text = String::new();
                let said = pieces.iter().filter(|piece| engine == Engine::Postgres || **piece != CLAIM);
                said.for_each(|piece| number(piece, engine, &mut parameter, &mut text));
                Cow::Owned(text)
            }
            Self::Rows { head, row, rows, tail } => {
                let mut text = String::with_capacity(head.len().saturating_add(rows.saturating_mul(row.len().saturating_mul(2))));
                text.push_str(head);
                for (at, part) in std::iter::repeat_n(*row, *rows).chain([*tail]).enumerate() {
                    text.push_str(if at > 0 && at < *rows { ", " } else { "" });
                    number(part, engine, &mut parameter, &mut text);
                }
                Cow::Owned(text)
            }
        }
    }
}

/// Appends a part of a statement, each bare `$` in it as the next parameter.
fn number(part: &str, engine: Engine, parameter: &mut usize, text: &mut String) {
    for piece in part.split_inclusive('$') {
        let Some(before) = piece.strip_suffix('$') else {
            text.push_str(piece);
            continue;
        };
        text.push_str(before);
        *parameter = parameter.saturating_add(1);
        match engine {
            // SQLite finds the name of a numbered parameter by walking all of them, for each of them.
            Engine::Sqlite => text.push('?'),
            Engine::Postgres => text.push_str(&format!("${parameter}")),
        }
    }
}

impl Sql {
    /// Adds a piece to a statement of [`sql_from`].
    #[must_use]
    pub fn with(mut self, piece: &'static str) -> Self {
        if let Text::Pieces(pieces) = &mut self.text {
            pieces.push(piece);
        }
        self
    }

    /// Adds a piece with its one argument, if there is one.
    #[must_use]
    pub fn filter(self, piece: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(piece).text(value),
            None => self,
        }
    }

    /// Adds a piece with a time as its one argument, if there is one.
    #[must_use]
    pub fn filter_time(self, piece: &'static str, value: Option<payin_types::Timestamp>) -> Self {
        match value {
            Some(value) => self.with(piece).int(value.millis()),
            None => self,
        }
    }

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

    /// Fills a statement of [`sql_rows`] up with rows of nothing but NULL to the next power of two: a connection then keeps a few texts of it,
    /// prepared, instead of one for each number of rows. For rows that are only compared, where NULL finds nothing; after the arguments of
    /// all rows, before those of the tail.
    #[must_use]
    pub fn filled(mut self) -> Self {
        if let Text::Rows { rows, .. } = &mut self.text {
            let (given, all) = (*rows, rows.next_power_of_two());
            *rows = all;
            let width = self.args.len().checked_div(given).unwrap_or_default();
            let row: Vec<Arg> = self.args.iter().take(width).map(Arg::null_of_its_kind).collect();
            (given..all).for_each(|_| self.args.extend_from_slice(&row));
        }
        self
    }

    /// As [`claim!`], for a statement of [`sql_from`] that has [`CLAIM`] among its pieces, behind each query whose rows it takes.
    #[must_use]
    pub fn claims(self) -> LockingSql {
        LockingSql(self)
    }

    pub(super) fn text_for(self, engine: Engine) -> (Cow<'static, str>, Vec<Arg>) {
        let text = self.text.render(engine);
        match engine {
            Engine::Postgres if !self.lock.is_empty() => (Cow::Owned(format!("{text}{}", self.lock)), self.args),
            _ => (text, self.args),
        }
    }

    /// What to call the statement in a log or a record: its text, or the head of one over several rows.
    pub(super) fn name(&self) -> Cow<'_, str> {
        match &self.text {
            Text::Plain(text) => Cow::Borrowed(text),
            Text::Pieces(pieces) => Cow::Owned(pieces.concat()),
            Text::Rows { head, .. } => Cow::Borrowed(head),
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

    /// Adds the three limbs of a sum of money.
    #[must_use]
    pub fn money(self, units: payin_core::Units) -> Self {
        Self(self.0.money(units))
    }
}

/// What [`claim!`] puts behind a text on PostgreSQL, and what is left out of a statement's pieces on SQLite.
pub const CLAIM: &str = " FOR NO KEY UPDATE SKIP LOCKED";

/// Takes one of many: rows that another transaction has locked are passed over.
macro_rules! claim {
    ($text:expr) => {
        $crate::store::statement::LockingSql::new($text, $crate::store::statement::CLAIM)
    };
}

/// Loads a row in order to change it: waits for whoever has locked it. `NO KEY`: whoever only refers to the row need not wait.
macro_rules! locked {
    ($text:expr) => {
        $crate::store::statement::LockingSql::new($text, " FOR NO KEY UPDATE")
    };
}

pub(crate) use {claim, locked};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_numbered_in_their_order() {
        let none: Option<String> = None;
        let statement = sql_from("SELECT 1 FROM t WHERE a = $").text("x").filter(" AND b = $", none).filter(" AND c = $", Some("y"));
        let statement = statement.with(" LIMIT 0 + $").int(3);
        assert_eq!(statement.clone().text_for(Engine::Postgres).0, "SELECT 1 FROM t WHERE a = $1 AND c = $2 LIMIT 0 + $3");
        assert_eq!(statement.text_for(Engine::Sqlite).0, "SELECT 1 FROM t WHERE a = ? AND c = ? LIMIT 0 + ?");
        let claims = sql_from("SELECT a FROM (SELECT a FROM t LIMIT 0 + $").int(1).with(CLAIM).with(") AS u");
        assert_eq!(
            claims.clone().text_for(Engine::Postgres).0,
            "SELECT a FROM (SELECT a FROM t LIMIT 0 + $1 FOR NO KEY UPDATE SKIP LOCKED) AS u"
        );
        assert_eq!(claims.text_for(Engine::Sqlite).0, "SELECT a FROM (SELECT a FROM t LIMIT 0 + ?) AS u");
    }

    #[test]
    fn rows_are_numbered_on_postgres_and_bare_on_sqlite() {
        let statement = || sql_rows("INSERT INTO t (a, b) VALUES ", "($, 'x', $)", 2, " ON CONFLICT DO NOTHING WHERE a = $");
        assert_eq!(
            statement().text_for(Engine::Postgres).0,
            "INSERT INTO t (a, b) VALUES ($1, 'x', $2), ($3, 'x', $4) ON CONFLICT DO NOTHING WHERE a = $5"
        );
        assert_eq!(
            statement().text_for(Engine::Sqlite).0,
            "INSERT INTO t (a, b) VALUES (?, 'x', ?), (?, 'x', ?) ON CONFLICT DO NOTHING WHERE a = ?"
        );
        assert_eq!(sql_rows("DELETE FROM t WHERE a IN (", "$", 1, ")").text_for(Engine::Postgres).0, "DELETE FROM t WHERE a IN ($1)");
    }

    #[test]
    fn rows_are_filled_up_with_nulls_before_the_tail() {
        let rows = |rows: usize| {
            let statement = sql_rows("UPDATE t SET a = 1 FROM (VALUES ", "($, $)", rows, ") AS v WHERE b = column1 AND c = $");
            let statement = (0..rows).fold(statement, |statement, _| statement.text("x").int(1)).filled().int(7);
            let (text, args) = statement.text_for(Engine::Sqlite);
            let nulls = args.iter().filter(|arg| matches!(arg, Arg::Int(None) | Arg::Text(None))).count();
            assert!(matches!(args.last(), Some(Arg::Int(Some(7)))) && text.matches('?').count() == args.len());
            (text.matches("(?, ?)").count(), nulls)
        };
        assert_eq!([1, 2, 3, 5, 8, 9].map(rows), [(1, 0), (2, 0), (4, 2), (8, 6), (8, 0), (16, 14)]);
    }
}
