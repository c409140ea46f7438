//! Every statement of the store was executed on both engines, by the scenarios of this suite. The texts are read from the sources, so
//! that a new statement without a scenario fails here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::{Kind, SCENARIOS, executed};

/// What makes a statement of one literal.
const MAKERS: &[&str] = &["sql(", "claim!(", "locked!("];
/// Words by which the pieces of composed statements are known, wherever they stand.
const PIECES: &[&str] = &["SELECT ", " FROM ", "INSERT ", "UPDATE ", "DELETE ", " WHERE ", " AND ", " ORDER BY "];
/// A statement over several rows is recorded by its head; what is repeated and what follows belongs to it.
const OVER_ROWS: &str = "sql_rows(";
const VERBS: &[&str] = &["INSERT ", "UPDATE ", "DELETE "];
/// Files whose literals are no statements of ours: the seam itself, and opening, whose checks are SQLite's own words.
const EXEMPT: &[&str] = &["db.rs", "statement.rs", "open.rs", "writer.rs"];

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Literal {
    place: String,
    text: String,
    whole: bool,
}

fn sources() -> Vec<PathBuf> {
    let server = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("payin-server/src");
    let mut found = vec![server.join("store.rs")];
    let mut folders = vec![server.join("store")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the store's folder") {
            let path = entry.expect("the store's folder").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.retain(|path| !EXEMPT.contains(&path.file_name().and_then(|name| name.to_str()).unwrap_or_default()));
    found
}

/// The literals of a source that are statements or pieces of them. Comments and tests are passed over.
fn literals(file: &str, source: &str) -> Vec<Literal> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let lines: Vec<&str> = code.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line }).collect();
    let code = lines.join("\n");
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(open) = code[at..].find('"').map(|open| at + open) {
        let (text, end) = literal(&code, open + 1);
        let before = code[..open].trim_end();
        let whole = MAKERS.iter().any(|maker| ends_with_word(before, maker));
        let of_rows = is_within(before, OVER_ROWS) && !VERBS.iter().any(|verb| text.starts_with(verb));
        if whole || !of_rows && PIECES.iter().any(|word| text.contains(word)) {
            let line = code[..open].matches('\n').count() + 1;
            found.push(Literal { place: format!("{file}:{line}"), text, whole });
        }
        at = end;
    }
    found
}

/// Whether code that ends here stands between the parentheses of a call. Literals before it in the call hold balanced ones.
fn is_within(code: &str, call: &str) -> bool {
    code.rfind(call).is_some_and(|at| {
        let depth = |depth: usize, c| match c {
            '(' => Some(depth + 1),
            ')' if depth > 1 => Some(depth - 1),
            ')' => None,
            _ => Some(depth),
        };
        code[at + call.len()..].chars().try_fold(1, depth).is_some()
    })
}

fn ends_with_word(code: &str, word: &str) -> bool {
    code.strip_suffix(word).is_some_and(|before| !before.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// The text of a literal that begins here, as the program has it, and where the literal ends.
fn literal(code: &str, from: usize) -> (String, usize) {
    let (mut text, mut chars) = (String::new(), code[from..].char_indices().peekable());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (text, from + at + 1),
            '\\' => match chars.next() {
                Some((_, '\n')) => while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {},
                Some((_, 'n')) => text.push('\n'),
                Some((_, c)) => text.push(c),
                None => break,
            },
            c => text.push(c),
        }
    }
    (text, code.len())
}

fn missing(literals: &[Literal], executed: &BTreeSet<String>) -> Vec<String> {
    let was_executed = |literal: &&Literal| {
        if literal.whole { executed.contains(&literal.text) } else { executed.iter().any(|text| text.contains(&literal.text)) }
    };
    let absent = literals.iter().filter(|literal| !was_executed(literal));
    absent.map(|literal| format!("{}: {}", literal.place, literal.text.chars().take(90).collect::<String>())).collect()
}

#[test]
fn every_statement_was_executed_on_both_engines() {
    let mut all = Vec::new();
    for path in sources() {
        let source = std::fs::read_to_string(&path).expect("a source of the store");
        all.extend(literals(&path.file_name().unwrap_or_default().to_string_lossy(), &source));
    }
    assert!(all.iter().filter(|literal| literal.whole).count() > 50, "the statements are written otherwise than this test expects");
    std::thread::scope(|scope| {
        // Both engines at once: the scenarios mostly wait for their databases.
        for kind in Kind::ALL {
            // Whether a scenario succeeds is said by its own test; here it matters what it executed.
            scope.spawn(move || SCENARIOS.iter().map(|scenario| scenario(kind).is_ok()).filter(|ok| *ok).count());
        }
    });
    for kind in Kind::ALL {
        let executed = executed(kind).lock().unwrap_or_else(PoisonError::into_inner).clone();
        let missing = missing(&all, &executed);
        assert!(missing.is_empty(), "{} statements were never executed on {kind:?}:\n{}", missing.len(), missing.join("\n"));
    }
}

#[test]
fn an_unexecuted_statement_is_noticed() {
    let source = r#"
//! A sql("SELECT 1 FROM comment") in words.
const TAIL: &str = " WHERE a = $1 \
    AND b LIKE '%\"x\"%'";
fn f() {
    conn.one(sql("SELECT a FROM t")); // and
    tx.lock(locked!(
        "SELECT b \
         FROM t"
    ));
    sql_of(&["SELECT c FROM t", TAIL]);
    sql_rows("INSERT INTO t (a) VALUES ", "($)", 2, " ON CONFLICT (a) DO UPDATE SET a = 1 WHERE a = 2");
    sql_rows(head, "($)", 2, " WHERE a = 3");
    Fault::Corrupt("no words of SQL".to_owned());
}
#[cfg(test)]
mod tests { fn g() { sql("SELECT x FROM tests"); } }
"#;
    let found = literals("x.rs", source);
    let texts: Vec<&str> = found.iter().map(|literal| literal.text.as_str()).collect();
    let pieces = [" WHERE a = $1 AND b LIKE '%\"x\"%'", "SELECT a FROM t", "SELECT b FROM t", "SELECT c FROM t"];
    assert_eq!(texts[..4], pieces);
    assert_eq!(texts[4..], ["INSERT INTO t (a) VALUES "]);
    assert_eq!(found.iter().map(|literal| literal.whole).collect::<Vec<_>>(), [false, true, true, false, false]);
    let executed = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<BTreeSet<_>>();
    let composed = "SELECT c FROM t WHERE a = $1 AND b LIKE '%\"x\"%'";
    let insert = "INSERT INTO t (a) VALUES ";
    assert_eq!(missing(&found, &executed(&["SELECT a FROM t", "SELECT b FROM t", composed, insert])), Vec::<String>::new());
    let only = missing(&found, &executed(&["SELECT a FROM t LIMIT 1", "SELECT b FROM t", composed, insert]));
    assert_eq!(only, ["x.rs:6: SELECT a FROM t"]);
    assert_eq!(missing(&found, &executed(&["SELECT a FROM t", "SELECT b FROM t", composed])).len(), 1);
}
