//! Rules over the source tree itself, read as text: no network, no build. What Cargo and clippy can enforce is left to them.
//!
//! A rule is a function from files to findings; a finding says the file, the line and what to do instead. There is a file for each kind of
//! rule; behind its rules each is run on the tree, and each is fed what it must catch: a rule that cannot fail is worth nothing.

mod dialects;
mod edges;
mod paths;
mod rust;
mod shape;
mod shown;
mod sql;
mod tenants;
mod words;

use std::fmt::Display;
use std::path::Path;
use std::sync::LazyLock;

const SERVER: &str = "payin-server/src/";

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

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "{} findings:\n{}\n", found.len(), found.join("\n"));
}

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
