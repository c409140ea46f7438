//! Outcomes of scenarios as the XML that CI systems read. Pure.

use payin_sdk::testing::scenario::Outcome;

/// The report.
pub fn report(outcomes: &[Outcome]) -> String {
    let failures = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    let skipped = outcomes.iter().filter(|outcome| outcome.skipped.is_some()).count();
    let cases: String = outcomes.iter().map(case).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"payin sandbox run\" tests=\"{}\" failures=\"{failures}\" skipped=\"{skipped}\">\n{cases}</testsuite>\n",
        outcomes.len()
    )
}

fn case(outcome: &Outcome) -> String {
    let name = escaped(&outcome.scenario);
    match (&outcome.failure, &outcome.skipped) {
        (None, None) => format!("  <testcase classname=\"scenarios\" name=\"{name}\"/>\n"),
        (None, Some(why)) => {
            format!("  <testcase classname=\"scenarios\" name=\"{name}\"><skipped message=\"{}\"/></testcase>\n", escaped(why))
        }
        (Some(failure), _) => format!(
            "  <testcase classname=\"scenarios\" name=\"{name}\">\n    <failure message=\"{}\">{}</failure>\n  </testcase>\n",
            escaped(&failure.to_string()),
            escaped(&outcome.to_string())
        ),
    }
}

/// Text as it may stand in XML; what may not stand there at all is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => escaped.push(c),
        }
    }
    escaped
}
