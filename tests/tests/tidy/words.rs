//! Words that stand nowhere: floats near money, what panics, names that say nothing, tests that are not run.

use super::rust::{first_name, places, product, take_apart};
use super::{File, TREE, assert_none, catches, finding, passes};

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

#[test]
fn banned_words_stand_nowhere() {
    assert_none(&words(&TREE));
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
