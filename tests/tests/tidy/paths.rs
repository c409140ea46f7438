//! What the repository may name: nothing of one machine, and in its documents only what exists.

use std::collections::BTreeSet;

use super::rust::{is_of_name, places};
use super::{File, TREE, assert_none, catches, file, finding, passes};

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

#[test]
fn nothing_belongs_to_one_machine() {
    assert_none(&machine(&TREE));
}

#[test]
fn documents_point_at_what_exists() {
    assert_none(&links(&TREE));
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
