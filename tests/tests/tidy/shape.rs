//! The shape of files: how long, how they begin, and that they are compiled at all.

use super::rust::{is_test_file, places, take_apart};
use super::{File, TREE, assert_none, catches, file, finding, passes};

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
    let by_manifest = |manifest: &File| {
        let relative = manifest.path.strip_suffix("Cargo.toml").and_then(|root| file.path.strip_prefix(root));
        relative.is_some_and(|relative| manifest.text.contains(&format!("path = \"{relative}\"")))
    };
    if files.iter().any(by_manifest) {
        return true;
    }
    let parents = [format!("{folder}.rs"), format!("{folder}/lib.rs"), format!("{folder}/main.rs"), format!("{folder}/all.rs")];
    let declaration = format!("mod {name};");
    files.iter().any(|parent| parents.contains(&parent.path) && places(&take_apart(&parent.text).0, &declaration).next().is_some())
}

#[test]
fn files_are_short_begin_with_their_purpose_and_are_compiled() {
    assert_none(&shape(&TREE));
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
