//! Lists as files for spreadsheets (RFC 4180), in which a text stays a text: what a spreadsheet would take for a formula gets an apostrophe
//! before it (OWASP, "CSV Injection").

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

/// Characters that begin a formula, in full width, too, and those that a spreadsheet passes over before one.
const DANGEROUS: [char; 10] = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r'];

/// A file.
pub struct Csv(String);

impl Csv {
    /// With these columns.
    pub fn new(head: &[&str]) -> Self {
        let mut csv = Self(String::new());
        csv.line(head.iter().map(|name| (*name).to_owned()));
        csv
    }

    /// Adds a line.
    pub fn line(&mut self, fields: impl IntoIterator<Item = String>) {
        let fields: Vec<String> = fields.into_iter().map(|field| quoted(&field)).collect();
        self.0.push_str(&fields.join(","));
        self.0.push_str("\r\n");
    }

    /// As an answer that a browser keeps as a file of this name.
    pub fn answer(self, name: &str) -> Response {
        let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}.csv\""));
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow")),
            (header::CONTENT_DISPOSITION, disposition.unwrap_or_else(|_| HeaderValue::from_static("attachment"))),
        ];
        (headers, self.0).into_response()
    }
}

fn quoted(field: &str) -> String {
    // What a terminal would take for a command is in no file either.
    let text: String = field.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\r' | '\n')).collect();
    let before = if text.starts_with(DANGEROUS) { "'" } else { "" };
    format!("\"{before}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_a_text() {
        for (field, written) in [
            ("plain", "\"plain\""),
            ("", "\"\""),
            ("a,\"b\"\nc", "\"a,\"\"b\"\"\nc\""),
            ("=HYPERLINK(\"http://evil\")", "\"'=HYPERLINK(\"\"http://evil\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("＝1", "\"'＝1\""),
            ("＠SUM(A1)", "\"'＠SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("\u{1b}[31mred\u{0}", "\"[31mred\""),
            ("\u{1b}=1", "\"'=1\""),
        ] {
            assert_eq!(quoted(field), written, "{field:?}");
        }
    }
}
