//! CSV as RFC 4180 has it, and such that no spreadsheet takes a merchant's or a payer's text for a formula.

use serde_json::Value;

use super::cell;
use crate::text::uncontrolled;

/// The first line.
pub fn header(columns: &[&str]) -> String {
    columns.join(",") + "\r\n"
}

/// One thing.
pub fn row(thing: &Value, columns: &[&str]) -> String {
    columns.iter().map(|column| field(&cell(thing, column))).collect::<Vec<_>>().join(",") + "\r\n"
}

/// Without what moves a terminal. A field that begins like a formula gets an apostrophe before it, which spreadsheets take as "this is text".
fn field(text: &str) -> String {
    let text = uncontrolled(text);
    let is_formula = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) || text.starts_with(['\t', '\r', '\n']);
    let text = if is_formula { format!("'{text}") } else { text };
    if is_formula || text.contains(['"', ',', '\r', '\n', '\t']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn nothing_becomes_a_formula() {
        for (text, written) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\nb", "\"a\nb\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            (" =1", "\"' =1\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("0x12", "0x12"),
            ("\u{1b}[31m=1\u{7}", "[31m=1"),
            ("\u{0}=1", "\"'=1\""),
            ("\u{202e}=1", "\"'=1\""),
        ] {
            assert_eq!(field(text), written, "{text:?}");
        }
    }
}
