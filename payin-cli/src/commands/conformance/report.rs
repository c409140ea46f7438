//! What a run found, for people and for programs.

use serde::Serialize;

use super::check::{Outcome, Row};
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::Format;
use crate::text::clean;

/// In the order in which they are read; whatever else there is comes before the operations.
const GROUPS: [&str; 25] = [
    "health",
    "auth",
    "envelope",
    "headers",
    "limits",
    "errors",
    "paging",
    "idempotency",
    "chains",
    "orders",
    "deposits",
    "transfers",
    "links",
    "pool",
    "settings",
    "organizations",
    "keys",
    "endpoints",
    "webhooks",
    "signatures",
    "events",
    "sandbox",
    "cleanup",
    "other",
    "operations",
];

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub url: String,
    /// What everything that the run made has in its name.
    pub run: String,
    pub version: String,
    pub environment: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    pub ok: bool,
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    pub answers: usize,
    pub checks: Vec<Row>,
    /// What was made and cannot be taken back.
    pub left_behind: Vec<Stays>,
}

/// What [`Stays::what`] says of an order.
pub const ORDER: &str = "order";

/// Something that was made and cannot be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stays {
    /// `order` or `deposit`.
    pub what: &'static str,
    pub id: String,
    /// An order's or a deposit's reference.
    pub reference: String,
    /// How it stood in the end, if that could be looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Until when a pending order holds its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

impl Stays {
    pub fn order(id: &str, reference: &str) -> Self {
        Self { what: ORDER, id: id.to_owned(), reference: reference.to_owned(), status: None, expires_at: None }
    }

    pub fn deposit(id: &str, reference: &str, status: &str) -> Self {
        let status = Some(status.to_owned());
        Self { what: "deposit", id: id.to_owned(), reference: reference.to_owned(), status, expires_at: None }
    }

    fn words(&self) -> String {
        let Self { what, id, reference, status, expires_at } = self;
        let name = if id == reference { id.clone() } else { format!("{id} ({reference})") };
        let status = status.as_deref().unwrap_or("unknown");
        let until = expires_at.as_ref().map(|at| format!(" until {at}")).unwrap_or_default();
        format!("{what} {name}, {status}{until}")
    }
}

impl Report {
    /// Sorts and counts the rows.
    pub fn count(mut self) -> Self {
        let place = |row: &Row| GROUPS.iter().position(|group| *group == row.group()).unwrap_or(GROUPS.len().saturating_sub(2));
        self.checks.sort_by_key(place);
        let of = |outcome: Outcome| self.checks.iter().filter(|row| row.outcome == outcome).count();
        (self.passed, self.failed, self.skipped) = (of(Outcome::Passed), of(Outcome::Failed), of(Outcome::Skipped));
        self.ok = self.failed == 0;
        self
    }

    /// The names of the checks that failed.
    pub fn wrong(&self) -> Vec<&str> {
        self.checks.iter().filter(|row| row.outcome == Outcome::Failed).map(|row| row.check.as_str()).collect()
    }

    pub fn tell(&self, context: &Context) -> Result<(), Failure> {
        if context.ui.format != Format::Table {
            return context.ui.list(
                self,
                &self.checks,
                &["check", "outcome", "statement", "source", "expected", "got", "requestId", "note"],
            );
        }
        let width = self.checks.iter().map(|row| row.check.chars().count()).max().unwrap_or_default();
        for row in &self.checks {
            context.ui.answer(&lines(row, width))?;
        }
        context.ui.answer(&format!("\n{}\n", clean(&self.summary())))
    }

    fn summary(&self) -> String {
        let Self { url, version, environment, passed, failed, skipped, answers, left_behind, .. } = self;
        let count = self.checks.len();
        let role = self.role.as_deref().unwrap_or("an unknown role");
        let left: String = left_behind.iter().map(|stays| format!("\n  stays: {}", stays.words())).collect();
        format!(
            "{count} checks: {passed} passed, {failed} failed, {skipped} skipped, by {answers} answers of {url} ({environment}, version {version}) to {role}.{left}"
        )
    }
}

fn lines(row: &Row, width: usize) -> String {
    let Row { check, outcome, statement, source, expected, got, request_id, note, .. } = row;
    let said = match (outcome, note) {
        (Outcome::Passed, _) => statement.clone(),
        (Outcome::Skipped, Some(why)) => format!("skipped: {why}"),
        _ => format!("{statement} ({source})"),
    };
    let mut text = format!("{} {check:width$}  {}\n", outcome.mark(), clean(&said));
    if *outcome == Outcome::Failed {
        let details = [("expected", expected.as_ref()), ("got", got.as_ref()), ("request", request_id.as_ref()), ("note", note.as_ref())];
        for (name, value) in details.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            text.push_str(&format!("    {name:8}  {}\n", clean(value)));
        }
    }
    text
}

/// The same for what reads JUnit's XML, as most CI servers do.
pub fn junit(report: &Report) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let Report { failed, skipped, checks, url, .. } = report;
    let name = escape(&format!("payin conformance {url}"));
    text.push_str(&format!("<testsuites name=\"{name}\" tests=\"{}\" failures=\"{failed}\" skipped=\"{skipped}\">\n", checks.len()));
    for group in checks.chunk_by(|a, b| a.group() == b.group()) {
        let of = |outcome: Outcome| group.iter().filter(|row| row.outcome == outcome).count();
        let name = group.first().map(Row::group).unwrap_or_default();
        text.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n",
            escape(name),
            group.len(),
            of(Outcome::Failed),
            of(Outcome::Skipped)
        ));
        group.iter().for_each(|row| text.push_str(&case(row)));
        text.push_str("  </testsuite>\n");
    }
    text + "</testsuites>\n"
}

fn case(row: &Row) -> String {
    let (seconds, millis) = (row.duration_ms / 1000, row.duration_ms % 1000);
    let head = format!(
        "    <testcase classname=\"conformance.{}\" name=\"{}: {}\" time=\"{seconds}.{millis:03}\"",
        escape(row.group()),
        escape(&row.check),
        escape(&row.statement)
    );
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    match row.outcome {
        Outcome::Passed => format!("{head}/>\n"),
        Outcome::Skipped => format!("{head}><skipped message=\"{}\"/></testcase>\n", escape(&text(&row.note))),
        Outcome::Failed => format!(
            "{head}><failure message=\"expected {}\">got {}\nrequest {}\nsource {}</failure></testcase>\n",
            escape(&text(&row.expected)),
            escape(&text(&row.got)),
            escape(&text(&row.request_id)),
            escape(&row.source)
        ),
    }
}

/// Text for XML, without what XML cannot hold.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for letter in crate::text::uncontrolled(text).chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => {}
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::check::Wrong;
    use super::*;

    fn report(checks: Vec<Row>) -> Report {
        let text = String::new;
        let report = Report {
            url: "http://127.0.0.1:1".to_owned(),
            run: text(),
            version: text(),
            environment: text(),
            role: None,
            ok: true,
            passed: 0,
            failed: 0,
            skipped: 0,
            answers: 0,
            checks,
            left_behind: Vec::new(),
        };
        report.count()
    }

    #[test]
    fn rows_are_sorted_and_counted_and_xml_holds_no_markup_of_theirs() {
        let wrong = Wrong { expected: "<a & \"b\">".to_owned(), got: "\u{1b}[31m</failure>".to_owned(), request_id: None };
        let rows = vec![
            Row::of("operations.getOrder", "O", "S"),
            Row::of("orders.get", "It is <so>", "S").failed(wrong),
            Row::of("auth.me", "M", "S").skipped("no \"role\""),
        ];
        let report = report(rows);
        let names: Vec<_> = report.checks.iter().map(|row| row.check.as_str()).collect();
        assert_eq!(names, ["auth.me", "orders.get", "operations.getOrder"]);
        assert_eq!((report.ok, report.passed, report.failed, report.skipped), (false, 1, 1, 1));
        let xml = junit(&report);
        assert!(xml.contains("expected &lt;a &amp; &quot;b&quot;&gt;\">got [31m&lt;/failure&gt;"), "{xml}");
        assert_eq!(xml.matches("<testcase").count(), 3);
        assert_eq!(serde_json::to_value(&report).unwrap().get("checks").and_then(serde_json::Value::as_array).map(Vec::len), Some(3));
    }
}
