//! The contract without a server: the documents' examples against `openapi.yaml`, and whether the judge would notice.

use std::collections::BTreeSet;

use http::{HeaderMap, HeaderName, HeaderValue};
use payin_tests::openapi::Contract;
use payin_tests::seeds::{self, Kind};
use serde_json::{Value, json};

const ORDERS: &str = "/api/v1/orders";

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &'static str)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    pairs.iter().map(pair).collect()
}

fn usual_headers() -> HeaderMap {
    headers(&[("content-type", "application/json"), ("x-request-id", "req_1")])
}

fn new_order() -> Value {
    json!({ "orderReference": "ORDER-2025-001", "amount": "100.00", "currency": "USDT", "chainId": "ethereum-sepolia" })
}

fn pending_order() -> Value {
    json!({
        "orderId": "ord_abc123def456", "orderReference": "ORDER-2025-001", "amount": "100.00", "currency": "USDT",
        "chainId": "ethereum-sepolia", "protocol": "evm", "address": "0x742D35CC6634c0532925A3b844BC9E7595F0BEb0",
        "status": "pending", "metadata": {}, "createdAt": "2025-01-20T10:30:00.000Z",
        "expiresAt": "2025-01-20T10:40:00.000Z", "gracePeriodEndsAt": "2025-01-20T10:45:00.000Z",
        "receivedAmount": "0.00", "requiredConfirmations": 3
    })
}

fn problem(code: &str, status: u16) -> Value {
    json!({ "error": "Short", "message": "Long", "code": code, "statusCode": status, "requestId": "req_1" })
}

/// `base` with the value at `pointer` replaced; `Null` removes it.
fn with(base: &Value, pointer: &str, value: Value) -> Value {
    let mut changed = base.clone();
    let (parent, key) = pointer.rsplit_once('/').expect("a JSON pointer");
    let parent = changed.pointer_mut(parent).and_then(Value::as_object_mut).expect("the pointer's parent is an object");
    if value.is_null() {
        parent.remove(key).unwrap_or_else(|| panic!("{pointer}: nothing to remove"));
    } else {
        parent.insert(key.to_owned(), value);
    }
    changed
}

/// The judge must refuse, and its words must say where.
fn refused(verdict: Result<(), String>, says: &str) {
    match verdict {
        Ok(()) => panic!("accepted, though it should have been refused with `{says}`"),
        Err(why) => assert!(why.contains(says), "refused, but `{why}` does not say `{says}`"),
    }
}

#[test]
fn every_example_of_the_documents_keeps_the_contract() {
    let contract = Contract::documented();
    let fixtures = seeds::all();
    assert!(fixtures.len() >= 55, "only {} examples", fixtures.len());
    for fixture in &fixtures {
        let (method, path) = (fixture.method.as_str(), fixture.path.as_str());
        let verdict = match fixture.kind {
            Kind::Request => contract.check_request(method, path, &fixture.body),
            Kind::Response => {
                let status = fixture.status.unwrap_or_else(|| panic!("{}: a response has a status", fixture.name()));
                contract.check_response_body(method, path, status, &fixture.body)
            }
        };
        verdict.unwrap_or_else(|e| panic!("{}: {e}", fixture.name()));
    }
}

#[test]
fn the_table_of_repairs_tells_the_truth() {
    let fixtures = seeds::all();
    let listed: Vec<String> = fixtures.iter().filter_map(|f| f.file.clone()).collect();
    let distinct: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), distinct.len(), "a file is listed twice");
    let folder = std::fs::read_dir(seeds::folder()).expect("the fixtures' folder");
    let present: BTreeSet<String> = folder
        .map(|entry| entry.expect("a folder entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".json") && name != "repairs.json")
        .collect();
    assert_eq!(present, distinct, "files and entries of repairs.json differ");
    for fixture in &fixtures {
        assert_eq!(fixture.status.is_some(), fixture.kind == Kind::Response, "{}: status", fixture.name());
        for repair in &fixture.repairs {
            assert!(!repair.why.is_empty(), "{}: a repair without a reason", fixture.name());
            assert_ne!(json!(repair.from), repair.to, "{}: a repair that changes nothing", fixture.name());
            let at = repair.pointer.as_deref().filter(|_| repair.slip != "fragment");
            if let Some(pointer) = at {
                assert_eq!(fixture.body.pointer(pointer), Some(&repair.to), "{} at {pointer}", fixture.name());
            }
        }
        for slip in ["// ", "...", "[...]"] {
            assert!(!fixture.text.contains(slip), "{}: `{slip}` was not repaired", fixture.name());
        }
    }
}

#[test]
fn the_files_own_examples_keep_the_contract() {
    for contract in [Contract::load(), Contract::documented()] {
        let (count, wrong) = contract.check_examples();
        assert!(count >= 25, "only {count} examples in openapi.yaml");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn every_documented_operation_is_known() {
    let operations = Contract::load().operations();
    let has = |method: &str, path: &str| operations.iter().any(|(m, p)| m == method && p == path);
    assert!(has("POST", ORDERS) && has("GET", ORDERS));
    assert!(has("GET", "/api/v1/orders/{orderId}") && has("GET", "/api/v1/orders/by-reference/{orderReference}"));
    assert!(has("DELETE", "/api/v1/webhooks/endpoints/{endpointId}") && has("POST", "/api/v1/address-pool/import"));
    let events = Contract::load().events();
    for known in payin_types::EventType::KNOWN.iter().map(payin_types::EventType::as_str).filter(|event| *event != "*") {
        assert!(events.iter().any(|event| event == known), "{known} is sent and not described");
    }
}

#[test]
fn every_operation_names_its_roles_or_is_public() {
    let contract = Contract::load();
    for (method, path) in contract.operations() {
        let roles = contract.roles(&method, &path);
        assert_eq!(roles.is_none(), contract.is_public(&method, &path), "{method} {path}: {roles:?}");
        let roles = roles.unwrap_or_default();
        assert!(roles.iter().all(|role| ["owner", "admin", "member", "viewer"].contains(&role.as_str())), "{method} {path}: {roles:?}");
    }
}

#[test]
fn the_judge_accepts_unusual_but_right_requests() {
    let contract = Contract::load();
    let ok = |body: Value| contract.check_request("POST", ORDERS, &body).unwrap_or_else(|e| panic!("{e}"));
    ok(new_order());
    ok(with(&new_order(), "/orderReference", json!("é".repeat(255))));
    ok(with(&new_order(), "/amount", json!("0.000000000000000001")));
    ok(with(&new_order(), "/metadata", json!({ "tags": ["a", 1, null], "nested": { "a": {} } })));
    ok(with(&new_order(), "/successUrl", json!("https://yoursite.com/?o={{orderId}}")));
    ok(with(&new_order(), "/gracePeriodMinutes", json!(0)));
    let get = |path: &str| contract.check_request("GET", path, &Value::Null).unwrap_or_else(|e| panic!("{e}"));
    get("/api/v1/orders/by-reference/a%2Fb%20c+d");
    get("/api/v1/orders?createdAfter=2025-01-20T10:30:00Z&createdBefore=2025-01-20T10:30:00.5%2B01:00&sortBy=updatedAt");
}

#[test]
fn the_judge_refuses_wrong_requests() {
    let contract = Contract::load();
    let post = |pointer: &str, value: Value| contract.check_request("POST", ORDERS, &with(&new_order(), pointer, value));
    for amount in ["0", "0.00", "-1", "+1", "1e3", "NaN", "", " 1", "01", "1.", ".5", "1,0", "10000000000", "100\n"] {
        refused(post("/amount", json!(amount)), "/amount");
    }
    refused(post("/amount", json!(100)), "/amount");
    refused(post("/amount", json!("1".repeat(40))), "/amount");
    refused(post("/amount", Value::Null), "\"amount\" is a required property");
    for reference in [String::new(), "a".repeat(256), "a\0b".to_owned(), "a\u{85}b".to_owned(), "a\n".to_owned()] {
        refused(post("/orderReference", json!(reference)), "/orderReference");
    }
    let eleven: Value = (0..11).map(|i| (format!("k{i}"), json!(i))).collect::<serde_json::Map<_, _>>().into();
    refused(post("/metadata", eleven), "/metadata");
    refused(post("/metadata", json!([])), "/metadata");
    for url in ["javascript:alert(1)", "//yoursite.com", "https://yoursite.com/\r\nSet-Cookie: a", "ftp://a", "https://"] {
        refused(post("/successUrl", json!(url)), "/successUrl");
    }
    refused(post("/paymentWindowMinutes", json!(61)), "/paymentWindowMinutes");
    refused(post("/paymentWindowMinutes", json!("10")), "/paymentWindowMinutes");
    refused(post("/gracePeriodMinutes", json!(-1)), "/gracePeriodMinutes");
    refused(post("/amout", json!("1")), "amout");
    let hooks = "/api/v1/webhooks/endpoints";
    let hook = json!({ "url": "https://your-api.com/", "events": ["*"] });
    contract.check_request("POST", hooks, &hook).unwrap_or_else(|e| panic!("{e}"));
    refused(contract.check_request("POST", hooks, &with(&hook, "/events", json!([]))), "/events");
    refused(contract.check_request("POST", hooks, &with(&hook, "/secret", json!("fifteen letters"))), "/secret");
}

#[test]
fn the_judge_refuses_wrong_paths_and_queries() {
    let contract = Contract::load();
    let get = |path: &str| contract.check_request("GET", path, &Value::Null);
    refused(get("/api/v1/orders?limit=0"), "?limit");
    refused(get("/api/v1/orders?limit=101"), "?limit");
    refused(get("/api/v1/orders?limit=ten"), "?limit");
    refused(get("/api/v1/orders?page=0"), "?page");
    refused(get("/api/v1/orders?status=paid"), "?status");
    refused(get("/api/v1/orders?createdAfter=yesterday"), "?createdAfter");
    refused(get("/api/v1/orders?colour=red"), "no such parameter");
    refused(get("/api/v1/orders?page=1&page=2"), "given twice");
    refused(get("/api/v1/orders/by-reference/a%00b"), "{orderReference}");
    refused(get("/api/v1/orders/"), "no such operation");
    refused(get("/api/v1/nothing"), "no such operation");
    refused(contract.check_request("GET", ORDERS, &json!({})), "takes no body");
    refused(contract.check_request("POST", ORDERS, &Value::Null), "request body");
}

#[test]
fn the_judge_refuses_wrong_orders() {
    let contract = Contract::load();
    let judge = |body: &Value| contract.check_response("POST", ORDERS, 201, &usual_headers(), body);
    judge(&pending_order()).unwrap_or_else(|e| panic!("{e}"));
    let broken = |pointer: &str, value: Value| judge(&with(&pending_order(), pointer, value));
    refused(broken("/amount", json!(100.0)), "/amount");
    refused(broken("/orderId", Value::Null), "orderId");
    refused(broken("/metadata", Value::Null), "metadata");
    refused(broken("/receivedAmount", Value::Null), "receivedAmount");
    refused(broken("/receivedAmount", json!("0")), "/receivedAmount");
    refused(broken("/receivedAmount", json!("0.500")), "/receivedAmount");
    refused(broken("/status", json!("paid")), "/status");
    refused(broken("/status", json!("completed")), "completedAt");
    refused(broken("/status", json!("expired")), "expiredAt");
    refused(broken("/createdAt", json!("2025-01-20T10:30:00Z")), "/createdAt");
    refused(broken("/createdAt", json!("2025-13-20T10:30:00.000Z")), "/createdAt");
    refused(broken("/address", json!("0x742d35...")), "/address");
    refused(broken("/successUrl", json!(7)), "/successUrl");
    refused(broken("/internalId", json!(7)), "internalId");
    // Another deployment may add fields and need not send those that only payin-server promises.
    let other = with(&with(&pending_order(), "/somethingNew", json!(7)), "/receivedAmount", Value::Null);
    Contract::documented().check_response_body("POST", ORDERS, 201, &other).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn the_judge_refuses_wrong_statuses_and_headers() {
    let contract = Contract::load();
    let order = pending_order();
    refused(contract.check_response("POST", ORDERS, 200, &usual_headers(), &order), "status is not in openapi.yaml");
    refused(contract.check_response("POST", ORDERS, 418, &usual_headers(), &order), "status is not in openapi.yaml");
    let only = |pairs| contract.check_response("POST", ORDERS, 201, &headers(pairs), &pending_order());
    refused(only(&[("content-type", "application/json")]), "header X-Request-Id: missing");
    refused(only(&[("x-request-id", "req_1")]), "header Content-Type");
    let replayed = [("content-type", "application/json"), ("x-request-id", "r"), ("idempotent-replayed", "yes")];
    refused(only(&replayed), "header Idempotent-Replayed");
    let limited = with(&problem("RATE_LIMIT_EXCEEDED", 429), "/retryAfter", json!(60));
    refused(contract.check_response("POST", ORDERS, 429, &usual_headers(), &limited), "header Retry-After: missing");
    let soon = headers(&[("content-type", "application/json"), ("x-request-id", "r"), ("retry-after", "soon")]);
    refused(contract.check_response("POST", ORDERS, 429, &soon, &limited), "header Retry-After: `soon`");
}

#[test]
fn the_judge_refuses_wrong_errors() {
    let contract = Contract::load();
    let judge = |method: &str, path: &str, status, body: &Value| contract.check_response(method, path, status, &usual_headers(), body);
    judge("POST", ORDERS, 400, &problem("INVALID_AMOUNT", 400)).unwrap_or_else(|e| panic!("{e}"));
    refused(judge("POST", ORDERS, 400, &problem("INVALID_API_KEY", 400)), "/code");
    refused(judge("POST", ORDERS, 400, &problem("INVALID_AMOUNT", 422)), "/statusCode");
    refused(judge("POST", ORDERS, 400, &with(&problem("INVALID_AMOUNT", 400), "/message", Value::Null)), "message");
    refused(judge("POST", ORDERS, 400, &with(&problem("INVALID_AMOUNT", 400), "/requestId", Value::Null)), "requestId");
    refused(judge("POST", ORDERS, 409, &problem("DUPLICATE_ORDER_REFERENCE", 409)), "existingOrderId");
    judge("GET", "/api/v1/nothing", 404, &problem("RESOURCE_NOT_FOUND", 404)).unwrap_or_else(|e| panic!("{e}"));
    refused(judge("GET", "/api/v1/nothing", 200, &json!({})), "status is not in openapi.yaml");
    refused(judge("PATCH", ORDERS, 405, &problem("METHOD_NOT_ALLOWED", 405)), "header Allow: missing");
    let allow = headers(&[("content-type", "application/json"), ("x-request-id", "r"), ("allow", "GET, POST")]);
    contract.check_response("PATCH", ORDERS, 405, &allow, &problem("METHOD_NOT_ALLOWED", 405)).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn a_secret_is_shown_only_when_it_is_made() {
    let contract = Contract::load();
    let made = json!({
        "id": "we_1", "url": "https://your-api.com/webhooks/payin", "events": ["order.completed"], "enabled": true,
        "createdAt": "2025-01-20T10:30:00.000Z", "updatedAt": "2025-01-20T10:30:00.000Z", "secret": "webhook_secret_key"
    });
    let path = "/api/v1/webhooks/endpoints";
    contract.check_response("POST", path, 201, &usual_headers(), &made).unwrap_or_else(|e| panic!("{e}"));
    let page =
        |item: Value| json!({ "data": [item], "pagination": { "page": 1, "limit": 20, "total": 1, "totalPages": 1, "hasMore": false } });
    let hidden = page(with(&made, "/secret", Value::Null));
    contract.check_response("GET", path, 200, &usual_headers(), &hidden).unwrap_or_else(|e| panic!("{e}"));
    refused(contract.check_response("GET", path, 200, &usual_headers(), &page(made)), "secret");
}

#[test]
fn the_judge_refuses_wrong_events() {
    let contract = Contract::load();
    let event = json!({
        "id": "evt_order_expired_ord_1", "type": "order.expired", "created_at": "2025-01-20T10:45:12.000Z", "sequence": 2,
        "data": {
            "orderId": "ord_1", "orderReference": "ORDER-2025-001", "status": "expired", "amount": "100.00",
            "currency": "USDT", "chainId": "ethereum-sepolia", "protocol": "evm",
            "address": "0x742D35CC6634c0532925A3b844BC9E7595F0BEb0", "receivedAmount": "0.00", "metadata": {},
            "createdAt": "2025-01-20T10:30:00.000Z", "expiresAt": "2025-01-20T10:40:00.000Z",
            "expiredAt": "2025-01-20T10:45:12.000Z"
        }
    });
    contract.check_event("order.expired", &event).unwrap_or_else(|e| panic!("{e}"));
    let broken = |pointer: &str, value: Value| contract.check_event("order.expired", &with(&event, pointer, value));
    refused(contract.check_event("order.lost", &event), "no such event");
    refused(contract.check_event("order.completed", &event), "/type");
    refused(broken("/sequence", json!("2")), "/sequence");
    refused(broken("/id", Value::Null), "\"id\" is a required property");
    refused(broken("/data/status", json!("completed")), "/data/status");
    refused(broken("/data/amount", json!(100)), "/data/amount");
    refused(broken("/data/expiredAt", Value::Null), "expiredAt");
    refused(broken("/data/order_id", json!("ord_1")), "order_id");
}
