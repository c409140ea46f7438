//! SQL that means the same on both engines, in the store and in the migrations, and migrations numbered without gaps.

use super::rust::{first_name, places, product};
use super::{File, SERVER, TREE, assert_none, catches, file, finding, passes};

const TIME: &str = "takes time from the database: bind it as an argument from env::Clock";
const TYPE: &str = "differs between the engines: BIGINT or TEXT (0/1 for truth, milliseconds for time, limbs for money)";
const LOCK: &str = "belongs to `claim!` and `locked!` of store/statement.rs, which add it where it exists";
/// Column types that are not the same in both engines.
const BANNED_TYPES: &[&str] = &["SERIAL", "BIGSERIAL", "AUTOINCREMENT", "BOOLEAN", "TIMESTAMP", "TIMESTAMPTZ", "FLOAT", "REAL", "DOUBLE"];
/// What is not in both engines, or not the same, and what to write.
const BANNED_SQL: &[(&str, &str)] = &[
    ("NOW(", TIME),
    ("CURRENT_TIMESTAMP", TIME),
    ("->>", "looks into JSON, which is opaque to SQL: give the value a column"),
    ("::", "is PostgreSQL's cast: CAST(x AS BIGINT)"),
    ("ILIKE", "is PostgreSQL's: a folded column LIKE $n, folded in Rust"),
    ("FOR NO KEY UPDATE", LOCK),
    ("SKIP LOCKED", LOCK),
    ("FOR UPDATE", "locks out whoever only refers to the row: `claim!` and `locked!` of store/statement.rs say FOR NO KEY UPDATE"),
    ("FOR SHARE", "is PostgreSQL's, and waits for whoever changes the row: `locked!` it if it will change"),
    ("FOR KEY SHARE", "is PostgreSQL's, and what a foreign key does by itself"),
    // `sqlite3ExprIsInteger` looks at the value of a bare parameter, so that each new value makes SQLite plan the statement anew.
    ("LIMIT $", "makes SQLite plan the statement anew each time it is given a value: LIMIT 0 + $n"),
];
const VERBS: &[&str] = &["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "CREATE", "ALTER"];
const PIECES: &[&str] =
    &["SELECT", "FROM", "WHERE", "SET", "VALUES", "AND", "OR", "ORDER BY", "FOR UPDATE", "FOR NO KEY UPDATE", "FOR SHARE", "FOR KEY SHARE"];

fn sql(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in product(files).filter(|file| file.path.starts_with("payin-server/src/store")) {
        for (line, literal) in &file.literals {
            found.extend(statement(file.path, *line, literal));
        }
    }
    for file in files.iter().filter(|file| file.path.starts_with("migrations/") && file.path.ends_with(".sql")) {
        let code: Vec<&str> = file.text.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
        let mut line = 1;
        for text in code.join("\n").split_inclusive(';') {
            let blank = text.len() - text.trim_start().len();
            found.extend(statement(&file.path, line + text[..blank].matches('\n').count(), text.trim_start()));
            line += text.matches('\n').count();
        }
    }
    found
}

fn statement(path: &str, line: usize, text: &str) -> Vec<String> {
    let upper = text.to_ascii_uppercase();
    let verb = first_name(upper.trim_start());
    // Pieces of SQL are known by their upper-case words; prose in error messages is not SQL.
    if !VERBS.contains(&verb) && !PIECES.iter().any(|word| places(text, word).next().is_some()) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let types = BANNED_TYPES.iter().map(|banned| (*banned, TYPE));
    for (banned, instead) in BANNED_SQL.iter().copied().chain(types) {
        let may = instead == LOCK && path.ends_with("store/statement.rs");
        let at = places(&upper, banned).filter(|_| !may);
        found.extend(at.map(|(at, _)| finding(path, line + at - 1, format!("`{banned}` {instead}"))));
    }
    let has = |word: &str| places(&upper, word).next().is_some();
    if ["UPDATE", "DELETE"].contains(&verb) && has("LIMIT") {
        found.push(finding(path, line, "LIMIT here lets two workers take one row: `claim!` it, then change it by its id"));
    }
    if verb == "WITH" && ["INSERT INTO", "DELETE FROM", "SET"].into_iter().any(has) {
        found.push(finding(path, line, "SQLite has no CTE that changes data: two statements in one unit"));
    }
    found
}

fn migrations(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for (file, next) in files.iter().filter(|file| file.path.starts_with("migrations/")).zip(1_u32..) {
        let words = file.path.trim_start_matches("migrations/").strip_suffix(".sql").and_then(|stem| stem.split_once('_'));
        let is_name = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        match words {
            Some((number, text)) if number == format!("{next:04}") && is_name(text) => {}
            _ => found.push(finding(&file.path, 1, format!("name it `{next:04}_what_it_does.sql`: no gaps, one text for both engines"))),
        }
    }
    found
}

#[test]
fn sql_means_the_same_on_both_engines() {
    assert_none(&sql(&TREE));
}

#[test]
fn migrations_are_numbered_without_gaps() {
    assert_none(&migrations(&TREE));
}

#[test]
fn banned_sql_is_caught() {
    let rust = |sql: &str| format!("fn f() {{\n    tx.execute(sql({sql:?}));\n}}");
    let bad = [
        ("UPDATE t SET a = now()", "NOW("),
        ("SELECT a ->> 'b' FROM t", "->>"),
        ("SELECT SUM(a)::bigint FROM t", "CAST"),
        (" AND name ILIKE $1", "folded"),
        (" FOR NO KEY UPDATE", "`FOR NO KEY UPDATE` belongs to `claim!`"),
        (" FOR NO KEY UPDATE SKIP LOCKED", "`SKIP LOCKED` belongs to `claim!`"),
        (" FOR UPDATE", "say FOR NO KEY UPDATE"),
        ("SELECT a FROM t FOR SHARE", "`FOR SHARE`"),
        ("SELECT a FROM t FOR KEY SHARE", "`FOR KEY SHARE`"),
        ("UPDATE t SET a = 1 WHERE id = (SELECT id FROM t LIMIT 1)", "claim!"),
        ("DELETE FROM t LIMIT 5", "claim!"),
        ("WITH gone AS (DELETE FROM t RETURNING id) SELECT id FROM gone", "CTE"),
        ("SELECT a FROM t ORDER BY a LIMIT $1", "LIMIT 0 + $n"),
        ("select cast(a as real) from t", "REAL"),
        ("CREATE TABLE t (a BIGSERIAL)", "BIGSERIAL"),
    ];
    for (statement, word) in bad {
        catches(sql, &format!("{SERVER}store/orders.rs:2"), &rust(statement), word);
        catches(sql, "migrations/0002_bad.sql:2", &format!("-- Why; because.\n{statement};"), word);
    }
    catches(
        sql,
        "migrations/0002_bad.sql:2",
        "CREATE TABLE t (\n    paid BOOLEAN NOT NULL, at TIMESTAMP, price DOUBLE PRECISION\n);",
        "BOOLEAN",
    );
    catches(sql, &format!("{SERVER}store/orders.rs:1"), "const A: &str = r#\"SELECT \"a\" FROM t WHERE b < CURRENT_TIMESTAMP\"#;", "Clock");
    passes(sql, &format!("{SERVER}store/orders.rs"), &rust("SELECT a FROM t WHERE b = $1 ORDER BY a LIMIT 1"));
    passes(sql, &format!("{SERVER}store/orders.rs"), &rust("SELECT a FROM t WHERE b = $1 ORDER BY a LIMIT 0 + $2 OFFSET $3"));
    passes(
        sql,
        &format!("{SERVER}store/orders.rs"),
        "use crate::store::db; // FOR NO KEY UPDATE\nconst A: &str = \"no real timestamp: core::order says it\";",
    );
    passes(sql, &format!("{SERVER}store/statement.rs"), &rust(" FOR NO KEY UPDATE SKIP LOCKED"));
    catches(sql, &format!("{SERVER}store/statement.rs:2"), &rust(" FOR UPDATE SKIP LOCKED"), "say FOR NO KEY UPDATE");
    passes(sql, "migrations/0002_good.sql", "-- No BOOLEAN, no now().\nCREATE TABLE t (paid BIGINT NOT NULL);");
}

#[test]
fn gaps_between_migrations_are_caught() {
    let found = |second: &str| migrations(&[file("migrations/0001_a.sql", ""), file(&format!("migrations/{second}"), "")]);
    for wrong in ["0003_c.sql", "0001_b.sql", "0002_b.postgres.sql", "0002_B.sql", "2_b.sql", "0002.sql"] {
        assert!(found(wrong).iter().any(|finding| finding.contains("`0002_")), "{wrong}");
    }
    assert_none(&found("0002_b_c.sql"));
}
