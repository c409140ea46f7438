//! The router and `openapi.yaml` know the same operations.

use std::collections::BTreeSet;
use std::path::Path;

use payin_tests::sandbox::{Sandbox, contract};

/// `{orderId}` and `{id}` mean the same place.
fn shape(path: &str) -> String {
    let segment = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// The routes of a file of the server, as (METHOD, shape), read from its text: axum does not tell what a router holds.
fn routes(file: &str, prefix: &str) -> BTreeSet<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../payin-server/src").join(file);
    let source = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut found = BTreeSet::new();
    for call in source.split(".route(").skip(1) {
        let path = call.split('"').nth(1).expect("a path");
        let prefix = if path.starts_with("/health") { "" } else { prefix };
        let handlers = call.split("\n").next().expect("a line");
        for method in ["get", "post", "put", "patch", "delete"] {
            if handlers.contains(&format!(" {method}(")) || handlers.contains(&format!(").{method}(")) {
                found.insert((method.to_uppercase(), shape(&format!("{prefix}{path}"))));
            }
        }
    }
    found
}

#[test]
fn every_route_is_in_the_contract_and_the_other_way_round() {
    let mut routed = routes("http.rs", "/api/v1");
    routed.extend(routes("http/sandbox.rs", "/api/v1/sandbox"));
    let described: BTreeSet<_> = contract().operations().into_iter().map(|(method, path)| (method, shape(&path))).collect();
    assert_eq!(routed, described);
}

#[tokio::test]
async fn every_operation_is_routed_and_wants_a_key() {
    let sandbox = Sandbox::frozen().await;
    for (method, template) in contract().operations() {
        let path = template.replace(['{', '}'], "");
        let reply = sandbox.ask(&method, &path).no_key().send().await;
        if template.starts_with("/health") {
            assert_eq!((reply.status, &reply.json["status"]), (200, &"healthy".into()), "{method} {path}");
        } else {
            reply.refused(401, "INVALID_API_KEY", "X-API-Key");
        }
    }
    sandbox.stop().await;
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
