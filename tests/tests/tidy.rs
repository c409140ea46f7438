//! Rules over the source tree itself, read as text: no network, no build. What Cargo and clippy can enforce is left to them.
//! A rule is a function from files to findings; a finding says the file, the line and what to do instead. Below the rules each is run
//! on the tree, and each is fed what it must catch: a rule that cannot fail is worth nothing.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::Path;
use std::sync::LazyLock;

/// A file as the rules see it.
struct File {
    /// From the root of the repository.
    path: String,
    text: String,
}

type Rule = fn(&[File]) -> Vec<String>;

fn finding(path: &str, line: usize, instead: impl Display) -> String {
    format!("{path}:{line}: {instead}")
}

// ---- The tree ---------------------------------------------------------------------------------------------------

static TREE: LazyLock<Vec<File>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests have a parent folder");
    let mut files = Vec::new();
    collect(root, root, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
});

fn collect(root: &Path, folder: &Path, files: &mut Vec<File>) {
    for entry in std::fs::read_dir(folder).expect("the tree can be read") {
        let path = entry.expect("the tree can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if ["target", ".git", "node_modules"].contains(&name) {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files);
        } else if let (Ok(bytes), Ok(place)) = (std::fs::read(&path), path.strip_prefix(root)) {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            files.push(File { path: place.to_string_lossy().into_owned(), text });
        }
    }
}

// ---- Rust, as far as the rules must understand it -----------------------------------------------------------------

/// A Rust file taken apart, its lines where they were.
struct Rust<'a> {
    path: &'a str,
    /// Without comments, without what stands in literals, without test-only items.
    code: String,
    /// The texts of string literals outside test-only items, each with the line it begins on.
    literals: Vec<(usize, String)>,
}

fn is_test_file(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs")
}

/// The Rust files that are not tests.
fn product(files: &[File]) -> impl Iterator<Item = Rust<'_>> {
    files.iter().filter(|file| file.path.ends_with(".rs") && !is_test_file(&file.path)).map(|file| {
        let (code, literals) = take_apart(&file.text);
        let kept = without_tests(&code);
        let is_kept = |line: usize| kept.lines().nth(line - 1) == code.lines().nth(line - 1);
        let literals = literals.into_iter().filter(|(line, _)| is_kept(*line)).collect();
        Rust { path: &file.path, code: kept, literals }
    })
}

/// Code with comments and the insides of literals blanked, and the string literals.
fn take_apart(text: &str) -> (String, Vec<(usize, String)>) {
    let chars: Vec<char> = text.chars().collect();
    let blank = |from: usize, to: usize| chars[from..to].iter().map(|c| if *c == '\n' { '\n' } else { ' ' });
    let (mut code, mut literals, mut line, mut at) = (String::new(), Vec::new(), 1, 0);
    while at < chars.len() {
        let end = if let Some((from, to, end)) = string_at(&chars, at) {
            literals.push((line, chars[from..to].iter().collect()));
            end
        } else if let Some(end) = comment_at(&chars, at).or_else(|| char_at(&chars, at)) {
            end
        } else {
            code.push(chars[at]);
            line += usize::from(chars[at] == '\n');
            at += 1;
            continue;
        };
        line += chars[at..end].iter().filter(|c| **c == '\n').count();
        code.extend(blank(at, end));
        at = end;
    }
    (code, literals)
}

/// Where a string literal's text begins and ends, and where the literal ends.
fn string_at(chars: &[char], at: usize) -> Option<(usize, usize, usize)> {
    let raw = chars[at] == 'r';
    let hashes = if raw { chars[at + 1..].iter().take_while(|c| **c == '#').count() } else { 0 };
    let from = at + usize::from(raw) + hashes + 1;
    if chars.get(from - 1) != Some(&'"') {
        return None;
    }
    let mut to = from;
    while to < chars.len() {
        match chars[to] {
            '\\' if !raw => to += 1,
            '"' if chars[to + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes => break,
            _ => {}
        }
        to += 1;
    }
    let end = (to + 1 + hashes).min(chars.len());
    Some((from, to.min(end), end))
}

fn comment_at(chars: &[char], at: usize) -> Option<usize> {
    let pair = |at: usize| (chars.get(at).copied(), chars.get(at + 1).copied());
    match pair(at) {
        (Some('/'), Some('/')) => Some(chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |length| at + length)),
        (Some('/'), Some('*')) => {
            let (mut depth, mut end) = (1, at + 2);
            while depth > 0 && end < chars.len() {
                match pair(end) {
                    (Some('*'), Some('/')) => (depth, end) = (depth - 1, end + 1),
                    (Some('/'), Some('*')) => (depth, end) = (depth + 1, end + 1),
                    _ => {}
                }
                end += 1;
            }
            Some(end.min(chars.len()))
        }
        _ => None,
    }
}

/// The end of a character literal; a lifetime is none.
fn char_at(chars: &[char], at: usize) -> Option<usize> {
    match (chars[at], chars.get(at + 1), chars.get(at + 2)) {
        ('\'', Some('\\'), Some(_)) => chars[at + 3..].iter().position(|c| *c == '\'').map(|length| at + 4 + length),
        ('\'', Some(_), Some('\'')) => Some(at + 3),
        _ => None,
    }
}

fn without_tests(code: &str) -> String {
    let (mut kept, mut rest) = (String::new(), code);
    while let Some((before, item)) = rest.find("#[cfg(test)]").map(|at| rest.split_at(at)) {
        let (gone, after) = item.split_at(item_end(item));
        kept.push_str(before);
        kept.extend(gone.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = after;
    }
    kept + rest
}

/// The end of the item at the beginning of a text: its closing brace, or its semicolon if that comes before any brace.
fn item_end(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' | ')' | ']' => depth = depth.saturating_sub(1),
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where a word stands, not as a part of a longer one: its line, and what follows it.
fn places<'a>(text: &'a str, word: &str) -> impl Iterator<Item = (usize, &'a str)> {
    let found: Vec<usize> = text.match_indices(word).map(|(at, _)| at).collect();
    let (opens, closes, length) = (word.starts_with(is_of_name), word.ends_with(is_of_name), word.len());
    found.into_iter().filter_map(move |at| {
        let (before, after) = (&text[..at], &text[at + length..]);
        let part = opens && before.ends_with(is_of_name) || closes && after.starts_with(is_of_name);
        (!part).then(|| (before.matches('\n').count() + 1, after))
    })
}

fn first_name(text: &str) -> &str {
    text.split(|c| !is_of_name(c)).next().unwrap_or_default()
}

// ---- Who may import whom ------------------------------------------------------------------------------------------

/// Inside the server (design.md §3). Who is in `ROOT` may import everybody.
const EDGES: &[(&str, &[&str])] = &[
    ("http", &["app"]),
    ("worker", &["app", "chain", "env"]),
    ("app", &["store", "env", "seal"]),
    ("store", &[]),
    ("chain", &["env"]),
    ("env", &[]),
    ("sandbox", &["chain", "env"]),
    ("seal", &[]),
];
/// The composition root.
const ROOT: &[&str] = &["main", "lib", "config", "serve", "dev", "demo", "reconcile"];
/// Crates that only some modules may name.
const CRATES: &[(&str, &[&str])] = &[
    ("payin_core", &["http", "worker", "app", "store", "chain", "sandbox"]),
    ("sqlx", &["store"]),
    ("axum", &["http"]),
    ("reqwest", &["env"]),
    ("alloy", &["chain", "sandbox"]),
    ("chacha20poly1305", &["seal"]),
    ("getrandom", &["env"]),
];
const SERVER: &str = "payin-server/src/";

fn module_edges(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in product(files) {
        let Some(place) = file.path.strip_prefix(SERVER).and_then(|place| place.strip_suffix(".rs")) else { continue };
        let own = place.split('/').next().unwrap_or_default();
        if ROOT.contains(&own) {
            continue;
        }
        let Some((_, allowed)) = EDGES.iter().find(|(module, _)| *module == own) else {
            found.push(finding(file.path, 1, format!("the module `{own}` is new: give it a row in EDGES of tests/tests/tidy.rs")));
            continue;
        };
        for (line, module) in imports(&file.code, place) {
            if module != own && !allowed.contains(&module.as_str()) {
                let instead = format!("`{own}` may import {allowed:?}, not `{module}`: pass the value in, or go through one of those");
                found.push(finding(file.path, line, instead));
            }
        }
        for (krate, modules) in CRATES.iter().filter(|(_, modules)| !modules.contains(&own)) {
            for (line, _) in places(&file.code, krate).filter(|(_, after)| after.starts_with("::") || after.starts_with(';')) {
                found.push(finding(file.path, line, format!("`{krate}` is for {} alone: go through it", modules.join(", "))));
            }
        }
    }
    found
}

/// The modules of the crate that are named, by `crate::` or by as many `super::` as it takes.
fn imports(code: &str, place: &str) -> Vec<(usize, String)> {
    let to_root = "super::".repeat(place.split('/').count());
    let mut named = Vec::new();
    for (line, after) in ["crate::", to_root.as_str()].iter().flat_map(|path| places(code, path)) {
        if !after.starts_with('{') {
            named.push((line, first_name(after).to_owned()));
            continue;
        }
        let (mut line, mut depth) = (line, 0_usize);
        let is_nested = |c: char| {
            depth = if c == '{' { depth + 1 } else { depth };
            let nested = depth > 0 && c != '\n';
            depth = if c == '}' { depth - 1 } else { depth };
            nested
        };
        for item in after[1..item_end(after) - 1].replace(is_nested, "").split(',') {
            line += item.matches('\n').count();
            named.push((line, first_name(item.trim_start()).to_owned()));
        }
    }
    named.retain(|(_, module)| !["super", "self", ""].contains(&module.as_str()));
    named
}

/// Each crate's crates of ours.
const CRATE_EDGES: &[(&str, &[&str])] = &[
    ("payin-types", &[]),
    ("payin-core", &["payin-types"]),
    ("payin-sdk", &["payin-types"]),
    ("payin-cli", &["payin-sdk"]),
    ("payin-server", &["payin-core", "payin-types"]),
    ("tests", &["payin-types", "payin-core", "payin-sdk", "payin-server"]),
    ("tests/solana-node", &[]),
    ("bench", &[]),
];

fn crate_edges(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        let Some(own) = file.path.strip_suffix("/Cargo.toml") else { continue };
        let Some((_, allowed)) = CRATE_EDGES.iter().find(|(krate, _)| *krate == own) else {
            found.push(finding(&file.path, 1, format!("the crate `{own}` is new: give it a row in CRATE_EDGES of tests/tests/tidy.rs")));
            continue;
        };
        let mut section = "";
        for (at, line) in file.text.lines().enumerate() {
            if line.starts_with('[') {
                section = line;
            }
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if name.starts_with("payin-") && section.contains("dependencies") && !allowed.contains(&name) {
                let instead = format!("`{own}` may depend on {allowed:?} of ours, not on `{name}`: they meet in tests/ only");
                found.push(finding(&file.path, at + 1, instead));
            }
        }
    }
    found
}

// ---- The shape of files -------------------------------------------------------------------------------------------

const LINES_MAX: usize = 400;
const TEST_LINES_MAX: usize = 700;

fn shape(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let lines = file.text.lines().count();
        let most = if is_test_file(&file.path) { TEST_LINES_MAX } else { LINES_MAX };
        if lines > most {
            let instead = format!("{lines} lines are more than {most}: find the second idea in it and give it a file");
            found.push(finding(&file.path, most + 1, instead));
        }
        let is_submodule = is_test_file(&file.path) && file.text.starts_with("use super::*");
        if !file.text.starts_with("//! ") && !is_submodule {
            found.push(finding(&file.path, 1, "begin with a `//!` line that says what the file is for and what it must not do"));
        }
        if file.path.ends_with("/mod.rs") {
            found.push(finding(&file.path, 1, "name it after its folder, beside the folder: `x.rs` and `x/`"));
        } else if !is_declared(file, files) {
            found.push(finding(&file.path, 1, "no parent says `mod` of it, so it is never compiled: declare or delete it"));
        }
    }
    found
}

/// Whether a parent declares this file as its module. Roots of crates need none.
fn is_declared(file: &File, files: &[File]) -> bool {
    let (folder, name) = file.path.rsplit_once('/').unwrap_or_default();
    let name = name.trim_end_matches(".rs");
    if ["main", "lib", "all", "build"].contains(&name) {
        return true;
    }
    let parents = [format!("{folder}.rs"), format!("{folder}/lib.rs"), format!("{folder}/main.rs"), format!("{folder}/all.rs")];
    let declaration = format!("mod {name};");
    files.iter().any(|parent| parents.contains(&parent.path) && places(&take_apart(&parent.text).0, &declaration).next().is_some())
}

// ---- SQL ----------------------------------------------------------------------------------------------------------

const TIME: &str = "takes time from the database: bind it as an argument from env::Clock";
const TYPE: &str = "differs between the engines: BIGINT or TEXT (0/1 for truth, milliseconds for time, limbs for money)";
/// Column types that are not the same in both engines.
const BANNED_TYPES: &[&str] = &["SERIAL", "BIGSERIAL", "AUTOINCREMENT", "BOOLEAN", "TIMESTAMP", "TIMESTAMPTZ", "FLOAT", "REAL", "DOUBLE"];
/// What is not in both engines, or not the same, and what to write.
const BANNED_SQL: &[(&str, &str)] = &[
    ("NOW(", TIME),
    ("CURRENT_TIMESTAMP", TIME),
    ("->>", "looks into JSON, which is opaque to SQL: give the value a column"),
    ("::", "is PostgreSQL's cast: CAST(x AS BIGINT)"),
    ("ILIKE", "is PostgreSQL's: a folded column LIKE $n, folded in Rust"),
    ("FOR UPDATE", "belongs to `claim!` and `locked!` of store/statement.rs, which add it where it exists"),
];
const VERBS: &[&str] = &["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "CREATE", "ALTER"];
const PIECES: &[&str] = &["SELECT", "FROM", "WHERE", "SET", "VALUES", "AND", "OR", "ORDER BY", "FOR UPDATE"];

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
        let may = banned == "FOR UPDATE" && path.ends_with("store/statement.rs");
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

// ---- Words --------------------------------------------------------------------------------------------------------

const MONEY: &[&str] = &["payin-types/src", "payin-core/src", "payin-server/src/app", "payin-server/src/store", "payin-server/src/chain"];
/// A word, where it must not stand, and what to do.
const BANNED_WORDS: &[(&str, &[&str], &str)] = &[
    ("f32", MONEY, "money is never a float: core's Units, or integers"),
    ("f64", MONEY, "money is never a float: core's Units, or integers"),
    ("todo!", &[""], "finish it, or leave it out"),
    ("unimplemented!", &[""], "finish it, or leave it out"),
    ("dbg!", &[""], "use tracing, or a test"),
    (".unwrap()", &[""], "return an Error (the caller's doing) or a Fault (ours)"),
    (".expect(", &[""], "return an Error (the caller's doing) or a Fault (ours)"),
];
const EMPTY_NAMES: &[&str] = &["manager", "helper", "helpers", "util", "utils", "service", "services", "handler"];

fn words(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in product(files) {
        for (word, folders, instead) in BANNED_WORDS {
            if folders.iter().any(|folder| file.path.starts_with(folder)) {
                found.extend(places(&file.code, word).map(|(line, _)| finding(file.path, line, format!("`{word}`: {instead}"))));
            }
        }
        for (line, after) in ["struct", "enum", "trait", "mod"].iter().flat_map(|keyword| places(&file.code, keyword)) {
            let name = first_name(after.trim_start());
            if EMPTY_NAMES.iter().any(|empty| name.to_lowercase().ends_with(empty)) {
                found.push(finding(file.path, line, format!("`{name}` says nothing: take the documents' word for what it is or does")));
            }
        }
    }
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let (code, _) = take_apart(&file.text);
        let ignored = places(&code, "#[ignore");
        found.extend(ignored.map(|(line, _)| finding(&file.path, line, "a test that is not run is no test: repair or delete it")));
    }
    found
}

// ---- What belongs to one machine ----------------------------------------------------------------------------------

/// Folders of somebody's machine, without their slash so that this file does not hold them. A bundle stays as it was published.
const MACHINE: &[&str] = &["root", "home", "work"];
/// What serves packages, without the last label: which of them (or which mirror) is used is for the machine's own settings to say.
const REGISTRIES: &[&str] = &["index.crates", "static.crates", "registry.npmjs", "registry.yarnpkg", "pypi", "deb.debian", "proxy.golang"];
const LOCKED_SOURCE: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";

fn machine(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for folder in MACHINE.iter().filter(|_| !file.path.ends_with("-bundle.js")).map(|name| format!("/{name}")) {
            for (at, line) in file.text.lines().enumerate() {
                let begins_a_path = |at: usize| !line[..at].ends_with(|c: char| is_of_name(c) || ".-~/}*".contains(c));
                let ends_a_name = |at: usize| !line[at + folder.len()..].starts_with(|c: char| is_of_name(c) || c == '-');
                if line.match_indices(&folder).any(|(at, _)| begins_a_path(at) && ends_a_name(at)) {
                    let instead = format!("`{folder}` is one machine's: a path from the repository's root, or a variable");
                    found.push(finding(&file.path, at + 1, instead));
                }
            }
        }
        for host in REGISTRIES.iter() {
            let named = places(&file.text, host).filter(|(_, after)| [".io", ".org", ".com"].iter().any(|last| after.starts_with(last)));
            let instead = format!("`{host}…`: the machine that builds chooses its registry, not the repository");
            found.extend(named.map(|(line, _)| finding(&file.path, line, &instead)));
        }
        if file.path == "Cargo.lock" {
            let others = file.text.lines().enumerate().filter(|(_, line)| line.starts_with("source = ") && *line != LOCKED_SOURCE);
            found.extend(others.map(|(at, _)| finding(&file.path, at + 1, "a package that is not from crates.io: do without it")));
        }
    }
    found
}

// ---- Documents and migrations -------------------------------------------------------------------------------------

fn links(files: &[File]) -> Vec<String> {
    let mut known: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    for file in files {
        known.extend(file.path.match_indices('/').map(|(at, _)| &file.path[..at]));
    }
    let top: BTreeSet<&str> = known.iter().filter_map(|path| path.split_once('/')).map(|(folder, _)| folder).collect();
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md") && !file.path.contains('/')) {
        let all = file.text.lines().enumerate().flat_map(|(at, line)| targets(line).into_iter().map(move |target| (at + 1, target)));
        for (line, (target, is_link)) in all {
            let path = target.split(['#', ':']).next().unwrap_or_default().trim_start_matches("./").trim_end_matches('/');
            let is_elsewhere = path.is_empty() || target.contains("://") || target.starts_with("mailto:") || path.starts_with("target/");
            // Words in backticks are taken for a path if they begin like one and hold nothing that a path does not.
            let looks_like_one = path.split_once('/').is_some_and(|(folder, _)| top.contains(folder))
                && path.chars().all(|c| is_of_name(c) || "./-".contains(c));
            if !is_elsewhere && (is_link || looks_like_one) && !known.contains(path) {
                found.push(finding(&file.path, line, format!("there is no `{path}` in the repository: correct the path or the sentence")));
            }
        }
    }
    found
}

/// What a line of Markdown points at, and whether as a link.
fn targets(line: &str) -> Vec<(&str, bool)> {
    let between = |(open, close): (&'static str, &'static str)| line.split(open).skip(1).filter_map(move |rest| rest.split_once(close));
    let links = [("](", ")"), ("[[", "]]")].into_iter().flat_map(between).map(|(text, _)| (text, true));
    let words = line.split('`').skip(1).step_by(2).map(|text| (text, false));
    links.chain(words).collect()
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

// ---- The rules, run on the tree -----------------------------------------------------------------------------------

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "{} findings:\n{}\n", found.len(), found.join("\n"));
}

macro_rules! on_the_tree {
    ($($test:ident: $rule:ident;)*) => { $( #[test] fn $test() { assert_none(&$rule(&TREE)); } )* };
}

on_the_tree! {
    modules_import_whom_they_may: module_edges;
    crates_depend_on_whom_they_may: crate_edges;
    files_are_short_begin_with_their_purpose_and_are_compiled: shape;
    sql_means_the_same_on_both_engines: sql;
    banned_words_stand_nowhere: words;
    nothing_belongs_to_one_machine: machine;
    documents_point_at_what_exists: links;
    migrations_are_numbered_without_gaps: migrations;
}

#[test]
fn the_walk_has_seen_every_crate() {
    let seen: BTreeSet<&str> = TREE.iter().filter_map(|file| file.path.strip_suffix("/Cargo.toml")).collect();
    assert_eq!(seen, CRATE_EDGES.iter().map(|(krate, _)| *krate).collect());
}

// ---- The rules, fed what they must catch --------------------------------------------------------------------------

fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}

/// A place such as `x.rs:3` at which the rule must find something that names the word.
fn catches(rule: Rule, place: &str, text: &str, word: &str) {
    let path = place.rsplit_once(':').expect("path:line").0;
    let found = rule(&[file(path, text)]);
    let caught = found.iter().any(|finding| finding.starts_with(&format!("{place}: ")) && finding.contains(word));
    assert!(caught, "{place} should be told of {word} for\n{text}\nbut there is only {found:#?}");
}

fn passes(rule: Rule, path: &str, text: &str) {
    let found = rule(&[file(path, text)]);
    assert!(found.is_empty(), "{text}\nis right, yet {found:#?}");
}

#[test]
fn wrong_module_edges_are_caught() {
    let http = |line: usize| format!("{SERVER}http/orders.rs:{line}");
    catches(module_edges, &http(1), "use crate::store::Tx;", "`store`");
    catches(module_edges, &http(2), "use crate::{\n    store::{Tx, sql},\n    app::App,\n};", "`store`");
    catches(module_edges, &http(2), "fn f() {\n    crate::worker::step();\n}", "`worker`");
    catches(module_edges, &http(1), "use super::super::env::Clock;", "`env`");
    catches(module_edges, &http(1), "use crate::config::Config;", "`config`");
    catches(module_edges, &http(1), "use sqlx::Row;", "`sqlx`");
    catches(module_edges, &format!("{SERVER}store.rs:1"), "use super::app::App;", "`app`");
    catches(module_edges, &format!("{SERVER}env/clock.rs:1"), "use payin_core::Block;", "`payin_core`");
    catches(module_edges, &format!("{SERVER}sandbox/evm.rs:1"), "use crate::store::Store;", "`store`");
    catches(module_edges, &format!("{SERVER}billing.rs:1"), "//! New.", "EDGES");
    let right = "use crate::app::{App, orders};\nuse super::Wire;\n// use crate::store::Tx;\nconst A: &str = \"crate::store\";";
    let only_tested = "\n#[cfg(test)]\nfn f(a: [u8; 4]) -> B {\n    use crate::store::Tx;\n}";
    passes(module_edges, &format!("{SERVER}http/orders.rs"), &format!("{right}{only_tested}"));
    passes(module_edges, &format!("{SERVER}serve.rs"), "use crate::{app, chain, env, http, store, worker};");
}

#[test]
fn wrong_crate_edges_are_caught() {
    catches(crate_edges, "payin-server/Cargo.toml:2", "[dependencies]\npayin-sdk.workspace = true", "payin-sdk");
    catches(crate_edges, "payin-sdk/Cargo.toml:2", "[dev-dependencies]\npayin-server = { path = \"../payin-server\" }", "payin-server");
    catches(crate_edges, "payin-types/Cargo.toml:2", "[dependencies]\npayin-core.workspace = true", "payin-core");
    catches(crate_edges, "payin-new/Cargo.toml:1", "[package]", "CRATE_EDGES");
    passes(crate_edges, "payin-cli/Cargo.toml", "[package]\nname = \"payin-cli\"\n[dependencies]\npayin-sdk = { workspace = true }");
}

#[test]
fn wrong_shapes_are_caught() {
    let long = |lines: usize| format!("//! Long.\n{}", "//\n".repeat(lines - 1));
    catches(shape, "payin-core/src/lib.rs:401", &long(401), "401");
    catches(shape, "payin-core/src/tests.rs:701", &long(701), "701");
    catches(shape, "payin-core/src/main.rs:1", "fn main() {}", "//!");
    catches(shape, "payin-core/src/order/mod.rs:1", "//! Orders.", "beside the folder");
    catches(shape, "tests/tests/forgotten.rs:1", "//! Tests that nobody runs.", "mod");
    passes(shape, "payin-core/src/lib.rs", &long(400));
    let lib = file("a/src/lib.rs", "//! A.\npub mod order;");
    let order = file("a/src/order.rs", "//! B.\n#[cfg(test)]\nmod tests;");
    assert_none(&shape(&[lib, order, file("a/src/order/tests.rs", "use super::*;")]));
    assert_eq!(shape(&[file("a/src/lib.rs", "//! A.\n// mod order;"), file("a/src/order.rs", "//! B.")]).len(), 1);
}

#[test]
fn banned_sql_is_caught() {
    let rust = |sql: &str| format!("fn f() {{\n    tx.execute(sql({sql:?}));\n}}");
    let bad = [
        ("UPDATE t SET a = now()", "NOW("),
        ("SELECT a ->> 'b' FROM t", "->>"),
        ("SELECT SUM(a)::bigint FROM t", "CAST"),
        (" AND name ILIKE $1", "folded"),
        (" FOR UPDATE SKIP LOCKED", "locked!"),
        ("UPDATE t SET a = 1 WHERE id = (SELECT id FROM t LIMIT 1)", "claim!"),
        ("DELETE FROM t LIMIT 5", "claim!"),
        ("WITH gone AS (DELETE FROM t RETURNING id) SELECT id FROM gone", "CTE"),
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
    passes(
        sql,
        &format!("{SERVER}store/orders.rs"),
        "use crate::store::db; // FOR UPDATE\nconst A: &str = \"no real timestamp: core::order says it\";",
    );
    passes(sql, &format!("{SERVER}store/statement.rs"), &rust(" FOR UPDATE SKIP LOCKED"));
    passes(sql, "migrations/0002_good.sql", "-- No BOOLEAN, no now().\nCREATE TABLE t (paid BIGINT NOT NULL);");
}

#[test]
fn banned_words_are_caught() {
    let place = "payin-core/src/order.rs:1";
    for (word, ..) in BANNED_WORDS {
        catches(words, place, &format!("let a = (b){word};"), &format!("`{word}`"));
    }
    for item in ["struct OrderManager;", "pub trait PayHelper {}", "mod utils;", "enum Service {}", "pub struct EventHandler<T>(T);"] {
        catches(words, place, item, "says nothing");
    }
    catches(words, "tests/tests/orders.rs:2", "#[test]\n#[ignore = \"slow\"]\nfn f() {}", "no test");
    let right = "//! No f64, no todo!\nfn f() -> &'static str { '\"'; \".unwrap()\" }\n";
    passes(words, "payin-core/src/order.rs", &format!("{right}#[cfg(test)]\nmod tests {{\n    fn g() {{ f().unwrap(); }}\n}}"));
    passes(words, "payin-cli/src/ui.rs", "fn width(part: f64) -> Service { unwrap_or(part) }");
}

#[test]
fn what_belongs_to_one_machine_is_caught() {
    for folder in MACHINE.iter().map(|name| format!("/{name}")) {
        catches(machine, "scripts/run:1", &format!("cd {folder}/main"), &folder);
        catches(machine, "a.toml:2", &format!("[a]\npath = \"{folder}\""), &folder);
        passes(machine, "a/b-bundle.js", &format!("[\"{folder}\"]"));
        passes(machine, "a.md", &format!("a{folder}/b https://example.com{folder}/x $HOME{folder}bench"));
    }
    for host in REGISTRIES {
        catches(machine, "a.json:1", &format!("\"resolved\": \"https://{host}.org/x.tgz\""), host);
    }
    catches(machine, "Cargo.lock:2", "[[package]]\nsource = \"git+https://github.com/a/b#c\"", "crates.io");
    passes(machine, "Cargo.lock", LOCKED_SOURCE);
}

#[test]
fn dead_links_are_caught() {
    let tree = |text: &str| [file("README.md", text), file("docs/guide.md", "A guide."), file("payin-core/src/lib.rs", "//! C.")];
    for dead in ["See [it](docs/gone.md).", "See [[docs/gone.md]].", "In `payin-core/src/gone.rs`.", "[a](docs/guide.md) [b](LICENSE)"] {
        let found = links(&tree(&format!("# Title\n{dead}")));
        assert!(found.len() == 1 && found[0].starts_with("README.md:2: "), "{dead}: {found:?}");
    }
    assert_none(&links(&tree(
        "[a](docs/guide.md#part) [b](https://example.com/x) [c](#here) `payin-core/src/lib.rs` `POST /orders` `a/b`",
    )));
}

#[test]
fn gaps_between_migrations_are_caught() {
    let found = |second: &str| migrations(&[file("migrations/0001_a.sql", ""), file(&format!("migrations/{second}"), "")]);
    for wrong in ["0003_c.sql", "0001_b.sql", "0002_b.postgres.sql", "0002_B.sql", "2_b.sql", "0002.sql"] {
        assert!(found(wrong).iter().any(|finding| finding.contains("`0002_")), "{wrong}");
    }
    assert_none(&found("0002_b_c.sql"));
}
