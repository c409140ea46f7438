//! What documents say that tests show: the tests exist, and no row of the catalogue of faults is left out, nor there without an answer.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::{File, TREE, assert_none, file, finding};

/// The documents, and the rows of the catalogue that each has.
const DOCUMENTS: [(&str, RangeInclusive<u32>); 2] = [("docs/evil-transfers.md", 1..=30), ("docs/faults.md", 31..=74)];

fn shown(files: &[File]) -> Vec<String> {
    DOCUMENTS.into_iter().flat_map(|(path, rows)| of(files, path, rows)).collect()
}

fn of(files: &[File], document: &str, rows: RangeInclusive<u32>) -> Vec<String> {
    let Some(text) = files.iter().find(|file| file.path == document).map(|file| &file.text) else {
        return vec![finding(document, 1, "it is missing")];
    };
    let (mut found, mut there) = (Vec::new(), BTreeSet::new());
    for (at, line) in text.lines().enumerate() {
        let row = line.strip_prefix("| ").and_then(|row| row.split_once(' ')?.0.parse::<u32>().ok());
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if row.is_some() && (cells.len() != 6 || cells[1..5].contains(&"")) {
            found.push(finding(document, at + 1, "a row has a number, a fault, what is done, and what shows it or why nothing does"));
        }
        if row.is_some_and(|row| !rows.contains(&row) || !there.insert(row)) {
            found.push(finding(document, at + 1, "this row is another document's, or there twice"));
        }
        for (path, test) in line.split('`').skip(1).step_by(2).filter_map(|word| word.split_once("::")) {
            let is_there = |file: &&File| file.path == path && file.text.contains(&format!("fn {test}("));
            if !files.iter().any(|file| is_there(&file)) {
                found.push(finding(document, at + 1, format!("there is no test `{test}` in {path}: name the one that shows it")));
            }
        }
    }
    found.extend(rows.filter(|row| !there.contains(row)).map(|row| finding(document, 1, format!("row {row} is missing"))));
    found
}

#[test]
fn tests_that_documents_name_exist() {
    assert_none(&shown(&TREE));
}

#[test]
fn tests_that_are_not_there_are_caught() {
    let table = |rows: RangeInclusive<u32>| rows.map(|row| format!("| {row} | x | y | `tests/a.rs::it_is_so` |\n")).collect::<String>();
    let [(first, upper), (second, lower)] = DOCUMENTS.map(|(path, rows)| (path, table(rows)));
    let tree = |upper: &str, lower: &str| [file(first, upper), file(second, lower), file("tests/a.rs", "#[test]\nfn it_is_so() {}")];
    assert_none(&shown(&tree(&upper, &lower)));
    for (upper, lower, place, says) in [
        (upper.replacen("it_is_so", "it_was_so", 1), lower.clone(), "docs/evil-transfers.md:1: ", "it_was_so"),
        (upper.replace("| 7 |", "| seven |"), lower.clone(), "docs/evil-transfers.md:1: ", "row 7 is missing"),
        (upper.clone(), lower.replacen("it_is_so", "it_was_so", 1), "docs/faults.md:1: ", "it_was_so"),
        (upper.clone(), lower.replace("| 74 |", "| last |"), "docs/faults.md:1: ", "row 74 is missing"),
        (upper.clone(), lower.replace("| 32 | x | y |", "| 32 | x | |"), "docs/faults.md:2: ", "what is done"),
        (upper.clone(), format!("{lower}| 31 | x | y | – |"), "docs/faults.md:45: ", "twice"),
        (format!("{upper}| 31 | x | y | – |"), lower.clone(), "docs/evil-transfers.md:31: ", "another document's"),
    ] {
        let found = shown(&tree(&upper, &lower));
        assert!(found.len() == 1 && found[0].starts_with(place) && found[0].contains(says), "{says}: {found:?}");
    }
    assert_eq!(shown(&[]).len(), 2, "both are missing");
}
