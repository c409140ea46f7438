//! Another API can be taken away: who names it is its own folder, modules of words and rules, and one line for each of them.

use super::rust::product;
use super::{File, TREE, assert_none, catches, finding, passes};

/// The other APIs, by their modules' name.
const APIS: &[&str] = &["cryptopay", "paywarden"];
/// Where a line may mount each: the words' and rules' modules, the rules' list, the routes' list. Each names it so often at most.
const MOUNTS: &[(&str, usize)] =
    &[("payin-types/src/lib.rs", 1), ("payin-core/src/lib.rs", 1), ("payin-core/src/dialect.rs", 2), ("payin-server/src/http.rs", 2)];
/// What is not the server's: a client may know every API. The one signer and verifier of webhooks names them all.
const ELSEWHERE: &[&str] = &["payin-sdk/", "payin-cli/", "payin-types/src/signature", "fuzz/", "bench/"];

fn dialects(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in product(files).filter(|file| !ELSEWHERE.iter().any(|place| file.path.starts_with(place))) {
        for api in APIS {
            let is_its_own = file.path.split('/').any(|part| part.strip_suffix(".rs").unwrap_or(part) == *api);
            let named: Vec<usize> = file.code.lines().enumerate().filter(|(_, line)| line.contains(api)).map(|(at, _)| at + 1).collect();
            let most = MOUNTS.iter().find(|(path, _)| *path == file.path).map_or(0, |(_, most)| *most);
            if let Some(line) = named.get(most).filter(|_| !is_its_own) {
                found.push(finding(file.path, *line, format!("`{api}` is named outside of its own modules: go through `dialect`")));
            }
        }
    }
    found
}

#[test]
fn other_apis_are_named_by_their_own_modules_alone() {
    assert_none(&dialects(&TREE));
}

#[test]
fn other_apis_named_elsewhere_are_caught() {
    catches(dialects, "payin-server/src/app/orders.rs:1", "use payin_core::paywarden;", "`paywarden`");
    catches(dialects, "payin-server/src/http.rs:3", "mod paywarden;\nf(paywarden::A);\nf(paywarden::B);", "`paywarden`");
    passes(dialects, "payin-server/src/http.rs", "mod paywarden;\nfn f() -> A { paywarden::A }");
    passes(dialects, "payin-server/src/http/paywarden/payments.rs", "use payin_core::paywarden as rules;");
    passes(dialects, "payin-sdk/src/lib.rs", "pub mod paywarden;");
}
