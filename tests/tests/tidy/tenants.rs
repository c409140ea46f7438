//! Statements over what organizations own say whose: each compares `organization_id`, or stands below with the reason why it need not.
//! It cannot see that the right organization is bound; that is for the tests of the matrix.

use std::collections::BTreeSet;

use super::rust::{first_name, is_of_name, places, product};
use super::{File, SERVER, TREE, assert_none, file, finding};

const COLUMN: &str = "organization_id";

/// A worker's: along a chain, down a queue or by age, for all organizations.
const FOR_ALL: &[(&str, &[&str])] = &[
    ("access", &["used"]),
    ("browsers", &["forget"]),
    ("deliveries", &["claim", "renew", "take_back", "give_up", "record", "next_due"]),
    ("deliveries/due", &["oldest"]),
    ("event_positions", &["end", "draw"]),
    ("idempotency", &["forget"]),
    ("invitations", &["forget_setup", "forget_expired"]),
    ("moments", &["next_closing", "unsettled", "overdue", "not_made", "claimed"]),
    ("orders", &["due_to_expire", "due_to_release"]),
    ("pool", &["archive_free", "addresses_after", "known_since"]),
    ("pool/xpubs", &["lock_all"]),
    ("transfers", &["orphan_from", "confirm_up_to", "finalize_up_to", "waiting"]),
    ("transfers/evidence", &["unagreed", "in_blocks", "newest_at_or_below", "counted_above"]),
    ("transfers/strays", &["were_passed_over"]),
];
/// Finds out whose something is by what nobody else has: a secret's MAC, an address, a transaction, a public slug, an id. The answer says
/// whose, or whoever asks compares it.
const WHOSE: &[(&str, &[&str])] = &[
    ("access", &["lock_key"]),
    ("browsers", &["get", "seen", "end"]),
    ("deliveries/dialect", &["find"]),
    ("invitations", &["FOUND", "lock"]),
    ("links", &["by_slug"]),
    ("pool", &["keep_back", "foreign"]),
    ("pool/xpubs", &["keep"]),
    ("settings", &["of_order"]),
    ("transfers", &["lock_seen"]),
    ("transfers/payee", &["find"]),
];
/// By the id of what was found in its organization before, or by a chain's payment, in the same transaction or on the same page.
const FOUND_BEFORE: &[(&str, &[&str])] = &[
    ("deliveries", &["bodies", "endpoints_of"]),
    ("deliveries/dialect", &["lock"]),
    ("deposits", &["end"]),
    ("endpoints", &["disable", "works", "fails"]),
    ("event_log", &["counts", "deliveries"]),
    ("events", &["has_type", "count"]),
    ("links", &["open_orders", "end", "ORDERS"]),
    ("merchants", &["key"]),
    ("orders", &["lock", "released"]),
    ("orders/dialect", &["give_number", "endpoint", "await_event"]),
    ("pool", &["release", "quarantine", "archive", "restore"]),
    ("pool/xpubs", &["lock_archived_at"]),
    ("resending", &["deliveries"]),
    ("transfers", &["has_pending", "received"]),
    ("transfers/evidence", &["agree"]),
];
/// A piece: the statement that it becomes part of says whose.
const PIECES: &[(&str, &[&str])] = &[
    ("deliveries/dialect", &["NEWEST"]),
    ("deposits", &["LIVE"]),
    ("event_log", &["conditions"]),
    ("merchants", &["within", "OWN", "SUMS", "counts"]),
    ("orders", &["SHOWN_FROM"]),
    ("orders/dialect", &["HEARD", "list"]),
    ("orders/list", &["page"]),
    ("pool/list", &["FROM", "BINDING"]),
];

/// The tables that have the column, by the migrations in their order.
fn owned(files: &[File]) -> BTreeSet<String> {
    let mut tables = BTreeSet::new();
    for file in files.iter().filter(|file| file.path.starts_with("migrations/")) {
        let code: Vec<&str> = file.text.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
        for statement in code.join(" ").split(';').map(str::trim_start) {
            let after = |words: &str| statement.strip_prefix(words).map(first_name);
            if let Some(from) = after("ALTER TABLE ")
                && let Some((_, to)) = places(statement, "RENAME TO").next()
            {
                if tables.remove(from) {
                    tables.insert(first_name(to.trim_start()).to_owned());
                }
            } else if let Some(table) = after("CREATE TABLE ").or(after("ALTER TABLE "))
                && places(statement, COLUMN).next().is_some()
            {
                tables.insert(table.to_owned());
            } else if let Some(table) = after("DROP TABLE ") {
                tables.remove(table);
            }
        }
    }
    tables
}

fn names_one_of(tables: &BTreeSet<String>, statement: &str) -> bool {
    let named = |word| places(statement, word).map(|(_, after)| first_name(after.trim_start()));
    ["FROM", "JOIN", "INTO", "UPDATE"].into_iter().flat_map(named).any(|table| tables.contains(table))
}

/// Whether a statement compares the column with something, or writes it into a new row. To read it is not enough.
fn says_whose(statement: &str) -> bool {
    let compares = |text: &str| ["=", "IN ", "<", ">"].iter().any(|sign| text.trim_start().starts_with(sign));
    statement.match_indices(COLUMN).any(|(at, _)| {
        let (before, after) = (&statement[..at], &statement[at + COLUMN.len()..]);
        let before = before.trim_end_matches(|c| is_of_name(c) || c == '.');
        let is_inserted = places(before, "INSERT INTO").next().is_some() && !before.contains(')');
        // As the first of several columns that are compared together.
        let in_row =
            before.ends_with('(') && after.split_once(')').is_some_and(|(columns, after)| !columns.contains('(') && compares(after));
        compares(after) || before.trim_end().ends_with('=') || is_inserted || in_row
    })
}

/// The function or constant that a line belongs to, and what it takes.
fn item_at(code: &str, line: usize) -> (String, String) {
    let lines: Vec<&str> = code.lines().collect();
    for at in (0..line.min(lines.len())).rev() {
        let mut words = lines[at].trim_start();
        for before in ["pub ", "pub(super) ", "pub(crate) ", "async "] {
            words = words.strip_prefix(before).unwrap_or(words);
        }
        let name = ["const fn ", "fn ", "const ", "static "].iter().find_map(|word| words.strip_prefix(word)).map(first_name);
        if let Some(name) = name {
            let signature = lines[at..].join(" ");
            return (name.to_owned(), signature.split(['{', ';']).next().unwrap_or_default().to_owned());
        }
    }
    (String::new(), String::new())
}

fn excepted() -> impl Iterator<Item = (&'static str, &'static str)> {
    let all = [FOR_ALL, WHOSE, FOUND_BEFORE, PIECES];
    all.into_iter().flatten().flat_map(|(file, items)| items.iter().map(move |item| (*file, *item)))
}

fn tenants(files: &[File]) -> Vec<String> {
    let (tables, mut found, mut used) = (owned(files), Vec::new(), BTreeSet::new());
    let store = format!("{SERVER}store/");
    for file in product(files) {
        let Some(module) = file.path.strip_prefix(&store).and_then(|place| place.strip_suffix(".rs")) else { continue };
        for (line, _) in file.literals.iter().filter(|(_, literal)| names_one_of(&tables, literal) && !says_whose(literal)) {
            let (item, signature) = item_at(&file.code, *line);
            // Whoever has a locked row has found it by a statement before.
            let takes_locked = signature.split("->").next().is_some_and(|takes| takes.contains("Locked<"));
            if let Some(exception) = excepted().find(|exception| *exception == (module, item.as_str())) {
                used.insert(exception);
            } else if !takes_locked {
                let instead =
                    format!("`{item}` does not say whose: compare {COLUMN}, or give it its reason in tests/tests/tidy/tenants.rs");
                found.push(finding(file.path, *line, instead));
            }
        }
    }
    let there = |(module, _): &(&str, &str)| files.iter().any(|file| file.path == format!("{store}{module}.rs"));
    let idle = excepted().filter(|exception| there(exception) && !used.contains(exception));
    found.extend(
        idle.map(|(module, item)| finding(&format!("{store}{module}.rs"), 1, format!("`{item}` is no exception any more: take it out"))),
    );
    found
}

#[test]
fn statements_say_whose() {
    let tables = owned(&TREE);
    assert!(["orders", "transfers", "deliveries", "api_keys"].iter().all(|table| tables.contains(*table)), "{tables:?}");
    assert_none(&tenants(&TREE));
}

#[test]
fn statements_that_do_not_say_whose_are_caught() {
    const TABLES: &str = "CREATE TABLE old (\n    id TEXT,\n    organization_id TEXT -- whose\n);\nALTER TABLE old RENAME TO orders;\n\
                          CREATE TABLE leases (name TEXT -- no organization_id here\n);\nALTER TABLE keys ADD COLUMN organization_id TEXT;";
    let judge = |function: &str| tenants(&[file("migrations/0001_a.sql", TABLES), file(&format!("{SERVER}store/new.rs"), function)]);
    let of = |statement: &str| judge(&format!("pub async fn find(conn: &mut Conn) {{\n    conn.one(sql({statement:?}));\n}}"));
    for wrong in [
        "SELECT organization_id FROM orders WHERE id = $1",
        "SELECT o.id, o.organization_id FROM leases l JOIN orders o ON o.id = l.name",
        "UPDATE orders SET a = 1 WHERE id = $1",
        "DELETE FROM keys WHERE id = $1",
        "SELECT 1 FROM orders WHERE organization_id IS NOT NULL",
        "INSERT INTO orders (id) VALUES ($1)",
    ] {
        let found = of(wrong);
        assert!(found.len() == 1 && found[0].starts_with("payin-server/src/store/new.rs:2: `find`"), "{wrong}: {found:?}");
    }
    for right in [
        "SELECT a FROM orders WHERE organization_id = $1 AND id = $2",
        "SELECT a FROM orders o JOIN keys k ON k.organization_id = o.organization_id",
        "SELECT a FROM orders WHERE (organization_id, id) > ($1, $2)",
        "UPDATE orders SET a = 1 WHERE $1 = organization_id",
        "INSERT INTO orders (id, organization_id) VALUES ($1, $2)",
        "DELETE FROM leases WHERE name = $1",
        "an error about the orders from old keys",
    ] {
        assert_none(&of(right));
    }
    // A row that is locked was found before; to answer one proves nothing.
    let change =
        |signature: &str| judge(&format!("{signature} {{\n    tx.change_one(sql(\"UPDATE orders SET a = 1 WHERE id = $1\"));\n}}"));
    assert_none(&change("pub(super) async fn set(tx: &mut Tx<'_>,\n    row: &Locked<Row>) -> Result<(), Fault>"));
    assert_eq!(change("fn set(tx: &mut Tx<'_>) -> Result<Locked<Row>, Fault>").len(), 1);
    // An exception that is needed no more.
    let idle = file(&format!("{SERVER}store/settings.rs"), "const A: &str = \"nothing\";");
    let found = tenants(&[idle]);
    assert!(found.len() == 1 && found[0].contains("`of_order` is no exception any more"), "{found:?}");
}
