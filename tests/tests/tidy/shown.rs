//! What documents say that tests show: the tests exist, and no row of the list is left out.

use std::collections::BTreeSet;

use super::{File, TREE, assert_none, file, finding};

const DOCUMENT: &str = "docs/evil-transfers.md";
/// The last row that must be there, from 1 on.
const ROWS: u32 = 30;

fn shown(files: &[File]) -> Vec<String> {
    let Some(document) = files.iter().find(|file| file.path == DOCUMENT) else { return vec![finding(DOCUMENT, 1, "it is missing")] };
    let (mut found, mut rows) = (Vec::new(), BTreeSet::new());
    for (at, line) in document.text.lines().enumerate() {
        rows.extend(line.strip_prefix("| ").and_then(|row| row.split_once(' ')?.0.parse::<u32>().ok()));
        for (path, test) in line.split('`').skip(1).step_by(2).filter_map(|word| word.split_once("::")) {
            let is_there = |file: &&File| file.path == path && file.text.contains(&format!("fn {test}("));
            if !files.iter().any(|file| is_there(&file)) {
                found.push(finding(DOCUMENT, at + 1, format!("there is no test `{test}` in {path}: name the one that shows it")));
            }
        }
    }
    found.extend((1..=ROWS).filter(|row| !rows.contains(row)).map(|row| finding(DOCUMENT, 1, format!("row {row} is missing"))));
    found
}

#[test]
fn tests_that_documents_name_exist() {
    assert_none(&shown(&TREE));
}

#[test]
fn tests_that_are_not_there_are_caught() {
    let rows: String = (1..=ROWS).map(|row| format!("| {row} | x | `tests/a.rs::it_is_so` |\n")).collect();
    let test = file("tests/a.rs", "#[test]\nfn it_is_so() {}");
    assert_none(&shown(&[file(DOCUMENT, &rows), file("tests/a.rs", "#[test]\nfn it_is_so() {}")]));
    let gone = shown(&[file(DOCUMENT, &rows.replacen("it_is_so", "it_was_so", 1)), test]);
    assert!(gone.len() == 1 && gone[0].starts_with("docs/evil-transfers.md:1: ") && gone[0].contains("it_was_so"), "{gone:?}");
    let fewer = shown(&[file(DOCUMENT, &rows.replace("| 7 |", "| seven |")), file("tests/a.rs", "fn it_is_so() {}")]);
    assert!(fewer.len() == 1 && fewer[0].contains("row 7"), "{fewer:?}");
}
