//! The router and `openapi.yaml` know the same operations.

use std::collections::BTreeSet;
use std::path::Path;

use payin_tests::sandbox::{Sandbox, contract};

/// `{orderId}` and `{id}` mean the same place.
fn shape(path: &str) -> String {
    let segment = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// What stands within the parentheses of `.route(`, on one line or on several.
fn handlers(call: &str) -> String {
    let mut open = 1;
    let within = call.chars().take_while(|letter| {
        open += i32::from(*letter == '(') - i32::from(*letter == ')');
        open > 0
    });
    within.filter(|letter| *letter != '\n').collect()
}

/// The routes of a file of the server, as (METHOD, shape), read from its text: axum does not tell what a router holds.
fn routes(file: &str, prefix: &str) -> BTreeSet<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../payin-server/src").join(file);
    let source = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut found = BTreeSet::new();
    for call in source.split(".route(").skip(1) {
        let path = call.split('"').nth(1).expect("a path");
        let prefix = if path.starts_with("/health") { "" } else { prefix };
        let handlers = handlers(call);
        for method in ["get", "post", "put", "patch", "delete"] {
            if handlers.contains(&format!(" {method}(")) || handlers.contains(&format!(").{method}(")) {
                found.insert((method.to_uppercase(), shape(&format!("{prefix}{path}"))));
            }
        }
    }
    found
}

/// The routes of a file that has them in a table of paths, each with a slash at its end and without: here without.
fn table(file: &str) -> BTreeSet<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../payin-server/src").join(file);
    let source = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows = source.lines().filter_map(|line| line.trim().strip_prefix("(\"/")).filter_map(|row| row.split_once("\", "));
    let of_row = |(path, methods): (&str, &str)| {
        let has = |method: &&str| methods.starts_with(&format!("{method}(")) || methods.contains(&format!(").{method}("));
        let methods: Vec<&str> = ["get", "post", "put", "patch", "delete"].into_iter().filter(has).collect();
        methods.into_iter().map(|method| (method.to_uppercase(), shape(&format!("/{path}")))).collect::<Vec<_>>()
    };
    let found: BTreeSet<_> = rows.flat_map(of_row).collect();
    assert!(!found.is_empty(), "{file} has no table of routes");
    found
}

#[test]
fn every_route_is_in_the_contract_and_the_other_way_round() {
    let mut routed = routes("http.rs", "/api/v1");
    routed.extend(routes("http/sandbox.rs", "/api/v1/sandbox"));
    routed.extend(routes("http/paywarden.rs", ""));
    routed.extend(routes("http/checkout/stream.rs", ""));
    routed.extend(table("http/cryptopay.rs"));
    let described: BTreeSet<_> =
        contract().operations().into_iter().map(|(method, path)| (method, shape(path.trim_end_matches('/')))).collect();
    let (undescribed, unrouted): (Vec<_>, Vec<_>) = (routed.difference(&described).collect(), described.difference(&routed).collect());
    assert!(undescribed.is_empty() && unrouted.is_empty(), "not in openapi.yaml: {undescribed:?}; not in the router: {unrouted:?}");
}

#[tokio::test]
async fn every_operation_is_routed_and_wants_a_key_unless_it_is_public() {
    let sandbox = Sandbox::frozen().await;
    let mut wrong = Vec::new();
    for (method, template) in contract().operations() {
        let path = template.replace(['{', '}'], "");
        let reply = sandbox.ask(&method, &path).no_key().send().await;
        let as_it_should = if template.starts_with("/health") {
            (reply.status, &reply.json["status"]) == (200, &"healthy".into())
        } else if contract().roles(&method, &template).is_some() {
            reply.status == 401 && *reply.code() == contract().code_of(&method, &template, "INVALID_API_KEY")
        } else {
            // Of what is public a handler speaks, not the router.
            ![401, 403, 405].contains(&reply.status) && !reply.text.contains("There is nothing at")
        };
        if !as_it_should {
            wrong.push(format!("{method} {path}: {} {}", reply.status, reply.text));
        }
    }
    sandbox.stop().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn health_tells_how_each_part_is() {
    let sandbox = Sandbox::start().await;
    let alive = sandbox.ask("GET", "/health").no_key().send().await.ok(200);
    assert_eq!(alive["version"], env!("CARGO_PKG_VERSION"));
    let ready = sandbox.ask("GET", "/health/ready").no_key().send().await.ok(200);
    assert_eq!(ready["checks"]["database"]["status"], "ok");
    sandbox.stop().await;
}
