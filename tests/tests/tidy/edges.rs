//! Who may import whom: between the crates, and between the modules of the server.

use std::collections::BTreeSet;

use super::rust::{first_name, item_end, places, product};
use super::{File, SERVER, TREE, assert_none, catches, finding, passes};

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
const ROOT: &[&str] =
    &["main", "process", "lib", "config", "serve", "dev", "demo", "reconcile", "resume", "restored", "lost", "users", "keys"];
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

fn module_edges(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in product(files) {
        let Some(place) = file.path.strip_prefix(SERVER).and_then(|place| place.strip_suffix(".rs")) else { continue };
        let own = place.split('/').next().unwrap_or_default();
        if ROOT.contains(&own) {
            continue;
        }
        let Some((_, allowed)) = EDGES.iter().find(|(module, _)| *module == own) else {
            found.push(finding(file.path, 1, format!("the module `{own}` is new: give it a row in EDGES of tests/tests/tidy/edges.rs")));
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
    ("tests/sim", &["payin-types", "payin-core", "payin-sdk", "payin-server"]),
    ("tests/solana-node", &[]),
    ("fuzz", &["payin-core", "payin-sdk", "payin-server", "payin-types"]),
    ("bench", &["payin-core", "payin-server", "payin-types"]),
    ("examples/axum", &["payin-sdk"]),
];

fn crate_edges(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        let Some(own) = file.path.strip_suffix("/Cargo.toml") else { continue };
        let Some((_, allowed)) = CRATE_EDGES.iter().find(|(krate, _)| *krate == own) else {
            found.push(finding(
                &file.path,
                1,
                format!("the crate `{own}` is new: give it a row in CRATE_EDGES of tests/tests/tidy/edges.rs"),
            ));
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

#[test]
fn modules_import_whom_they_may() {
    assert_none(&module_edges(&TREE));
}

#[test]
fn crates_depend_on_whom_they_may() {
    assert_none(&crate_edges(&TREE));
}

#[test]
fn the_walk_has_seen_every_crate() {
    let seen: BTreeSet<&str> = TREE.iter().filter_map(|file| file.path.strip_suffix("/Cargo.toml")).collect();
    assert_eq!(seen, CRATE_EDGES.iter().map(|(krate, _)| *krate).collect());
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
