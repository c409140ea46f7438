//! What goes wrong by rule: for callers of the API, for watchers of chains, for receivers of webhooks; and what the journal says of it.

use std::time::{Duration, Instant};

use payin_tests::nodes::http_client;
use payin_tests::nodes::receiver::Receiver;
use payin_tests::sandbox::{CHAIN, Sandbox, new_order, text};
use serde_json::{Value, json};

const FAULTS: &str = "/api/v1/sandbox/faults";

async fn rule(sandbox: &Sandbox, rule: Value) -> Value {
    sandbox.post(FAULTS, &rule).await.ok(200)
}

async fn clear(sandbox: &Sandbox) {
    sandbox.ask("DELETE", FAULTS).send().await.ok(200);
}

async fn journal(sandbox: &Sandbox, filter: &str) -> Vec<Value> {
    sandbox.read(&format!("/api/v1/sandbox/journal?{filter}")).await["entries"].as_array().expect("a list").clone()
}

/// A request past the contract: its status, or nothing where the connection was closed. With `Retry-After`, if there was one.
async fn bare(sandbox: &Sandbox, body: &Value) -> Option<(u16, Option<String>)> {
    let request = http_client().post(format!("{}/api/v1/orders", sandbox.url())).header("X-API-Key", sandbox.key()).json(body);
    let response = request.send().await.ok()?;
    let retry_after = response.headers().get("retry-after").map(|value| value.to_str().expect("a text").to_owned());
    Some((response.status().as_u16(), retry_after))
}

#[tokio::test]
async fn a_request_fails_before_or_after_it_is_done() {
    let sandbox = Sandbox::frozen().await;
    let total = async || sandbox.counts().await["orders"].clone();
    let orders = |kind: &str, when: &str| json!({ "at": "api", "kind": kind, "when": when, "match": "POST /api/v1/orders", "count": 1 });
    for (number, (kind, when, done)) in
        [("drop", "before", 0), ("drop", "after", 1), ("error", "before", 0), ("error", "after", 1)].into_iter().enumerate()
    {
        let before = total().await;
        let made = rule(&sandbox, orders(kind, when)).await;
        let body = new_order(&format!("FAIL-{number}"), "1");
        let answered = bare(&sandbox, &body).await;
        assert_eq!(answered, (kind == "error").then_some((500, None)), "{kind} {when}");
        assert_eq!(total().await.as_u64(), before.as_u64().map(|before| before + done), "{kind} {when}");
        // Once, as the rule says; and the journal names it.
        assert_eq!(sandbox.get("/api/v1/orders").await.status, 200);
        let entries = journal(&sandbox, "match=POST%20*").await;
        let last = entries.last().expect("an entry");
        let outcome = if kind == "drop" { "dropped" } else { "500 INTERNAL_ERROR" };
        assert_eq!((&last["outcome"], &last["fault"]), (&json!(outcome), &made["id"]), "{last}");
        // Whoever asks again finds out.
        let again = bare(&sandbox, &body).await.map(|(status, _)| status);
        assert_eq!(again, Some(if done == 1 { 409 } else { 201 }), "{kind} {when}");
    }
    let rules = sandbox.read(FAULTS).await;
    assert!(rules["faults"].as_array().expect("rules").iter().all(|rule| rule["applied"] == 1), "{rules}");
    assert_eq!(sandbox.ask("DELETE", FAULTS).send().await.ok(200), json!({ "cleared": 4 }));
    sandbox.stop().await;
}

#[tokio::test]
async fn errors_limits_and_delays_are_as_the_rule_says() {
    let sandbox = Sandbox::frozen().await;
    let once = |rest: Value| {
        let mut rule = json!({ "at": "api", "count": 1 });
        rule.as_object_mut().expect("an object").extend(rest.as_object().expect("an object").clone());
        rule
    };
    rule(&sandbox, once(json!({ "kind": "error", "code": "NO_AVAILABLE_ADDRESSES" }))).await;
    rule(&sandbox, once(json!({ "kind": "rate_limit", "retryAfter": 7 }))).await;
    rule(&sandbox, once(json!({ "kind": "rate_limit" }))).await;
    rule(&sandbox, once(json!({ "kind": "latency", "delayMs": 300 }))).await;
    let post = async || bare(&sandbox, &new_order("AS-SAID", "1")).await;
    assert_eq!(post().await, Some((503, None)));
    assert_eq!(post().await, Some((429, Some("7".to_owned()))));
    assert_eq!(post().await, Some((429, None)));
    let begun = Instant::now();
    assert_eq!(post().await, Some((201, None)));
    assert!(begun.elapsed() >= Duration::from_millis(300));
    // In the form of the API whose path it is.
    rule(&sandbox, once(json!({ "kind": "error", "match": "GET /api/v1/payments*" }))).await;
    sandbox.get("/api/v1/payments").await.refused(500, "INTERNAL_ERROR", "fault rule");
    sandbox.stop().await;
}

#[tokio::test]
async fn luck_is_the_seeds() {
    let luck = async |seed: u64| {
        let sandbox = Sandbox::with(|options| (options.frozen, options.seed) = (true, Some(seed))).await;
        rule(&sandbox, json!({ "at": "api", "kind": "error", "percent": 40 })).await;
        let mut statuses = Vec::new();
        for _ in 0..30 {
            statuses.push(sandbox.get("/api/v1/me").await.status);
        }
        sandbox.stop().await;
        statuses
    };
    let one = luck(5).await;
    assert_eq!(one, luck(5).await);
    assert!(one != luck(6).await && one.contains(&200) && one.contains(&500), "{one:?}");
}

#[tokio::test]
async fn a_watcher_outlasts_what_its_node_does() {
    let sandbox = Sandbox::frozen().await;
    for (number, fault) in
        [json!({ "kind": "error" }), json!({ "kind": "rate_limit", "retryAfter": 5 }), json!({ "kind": "drop" })].into_iter().enumerate()
    {
        let mut fault = fault;
        fault["at"] = json!("rpc");
        fault["match"] = json!(format!("{CHAIN} eth_*"));
        fault["count"] = json!(3);
        let order = sandbox.order(&format!("RPC-{number}"), "1").await;
        rule(&sandbox, fault).await;
        sandbox.pay(&order["orderId"], json!({})).await;
        sandbox.mine(2).await;
        assert_eq!(sandbox.order_now(&order["orderId"]).await["status"], "completed");
    }
    let applied: u64 =
        sandbox.read(FAULTS).await["faults"].as_array().expect("rules").iter().filter_map(|rule| rule["applied"].as_u64()).sum();
    assert_eq!(applied, 9);
    sandbox.stop().await;
}

#[tokio::test]
async fn webhooks_come_twice_late_or_never() {
    let sandbox = Sandbox::frozen().await;
    let shop = Receiver::start().await;
    let hook = json!({ "url": format!("{}/hook?token=secret", shop.url()), "events": ["order.created"] });
    sandbox.post("/api/v1/webhooks/endpoints", &hook).await.ok(201);
    let told =
        |from: usize| -> Vec<Value> { shop.received()[from..].iter().map(|one| one.json()["data"]["orderReference"].clone()).collect() };
    let create = async |reference: &str| {
        sandbox.order(reference, "1").await;
        // Time for it to be sent.
        sandbox.advance(1).await;
    };
    let webhook = |kind: &str, count: u64| json!({ "at": "webhook", "kind": kind, "match": "order.created *", "count": count });

    rule(&sandbox, webhook("duplicate", 1)).await;
    create("TWICE").await;
    assert_eq!(told(0), [json!("TWICE"), json!("TWICE")]);
    rule(&sandbox, webhook("lose", 1)).await;
    create("LOST").await;
    sandbox.advance(24 * 60 * 60).await;
    assert_eq!(told(2), [Value::Null; 0], "the server believes that it has arrived");
    rule(&sandbox, webhook("reorder", 1)).await;
    create("FIRST").await;
    assert_eq!(told(2), [Value::Null; 0]);
    create("SECOND").await;
    assert_eq!(told(2), [json!("SECOND"), json!("FIRST")]);
    // Held back, and nothing follows: it comes when the rules are cleared.
    rule(&sandbox, webhook("reorder", 1)).await;
    create("HELD").await;
    clear(&sandbox).await;
    assert_eq!(told(4), [json!("HELD")]);
    // The receiver has it, the server has no answer: it comes again.
    rule(&sandbox, json!({ "at": "webhook", "kind": "drop", "when": "after", "count": 1 })).await;
    create("AGAIN").await;
    sandbox.advance(5).await;
    assert_eq!(told(5), [json!("AGAIN"), json!("AGAIN")]);

    let deliveries = journal(&sandbox, "kind=delivery").await;
    let outcomes: Vec<&str> = deliveries.iter().map(|one| text(&one["outcome"])).collect();
    assert_eq!(outcomes, ["200", "200", "lost", "held back", "200", "200", "held back", "200", "200", "200"]);
    let all = serde_json::to_string(&deliveries).expect("JSON");
    assert!(!all.contains("secret") && deliveries.iter().all(|one| text(&one["id"]).starts_with("evt_")), "{all}");
    sandbox.stop().await;
}

#[tokio::test]
async fn the_journal_has_what_happened_and_says_what_came_instead() {
    let sandbox = Sandbox::frozen().await;
    let shop = Receiver::start().await;
    sandbox.post("/api/v1/webhooks/endpoints", &json!({ "url": shop.url(), "events": ["order.completed"] })).await.ok(201);
    let order = sandbox.order("JOURNAL", "1").await;
    sandbox.post("/api/v1/orders", &new_order("JOURNAL", "1")).await.refused(409, "DUPLICATE_ORDER_REFERENCE", "");
    let paid = sandbox.pay(&order["orderId"], json!({})).await;
    sandbox.mine(2).await;
    sandbox.post("/api/v1/sandbox/reorg", &json!({ "chainId": CHAIN, "depth": 1 })).await.ok(200);

    let lines: Vec<String> =
        journal(&sandbox, "").await.iter().map(|one| format!("{} {}", text(&one["what"]), text(&one["outcome"]))).collect();
    let hash = text(&paid["txHash"]);
    for line in [
        "POST /api/v1/webhooks/endpoints 201".to_owned(),
        "POST /api/v1/orders 201".to_owned(),
        "POST /api/v1/orders 409 DUPLICATE_ORDER_REFERENCE".to_owned(),
        format!("{CHAIN} payment to {}", text(&order["address"])),
        format!("{CHAIN} block 2 {hash}"),
        format!("order.completed {}/ 200", shop.url()),
        format!("{CHAIN} reorg 1 nothing lost"),
    ] {
        assert!(lines.contains(&line), "{line} is not in {lines:#?}");
    }
    assert!(!lines.iter().any(|line| line.contains("/sandbox/")), "{lines:#?}");

    let assert = async |body: Value| sandbox.post("/api/v1/sandbox/journal/assert", &body).await;
    let completed = json!({ "kind": "delivery", "match": "order.completed * 200" });
    assert_eq!(assert(completed).await.ok(200), json!({ "count": 1 }));
    assert_eq!(assert(json!({ "kind": "delivery", "match": "order.expired *", "count": 0 })).await.ok(200), json!({ "count": 0 }));
    let twice = assert(json!({ "kind": "request", "match": "POST /api/v1/orders 201", "count": 2 })).await;
    twice.refused(409, "NOT_AS_ASSERTED", "Asserted were 2 of 'POST /api/v1/orders 201', there are 1");
    assert!(twice.text.contains("409 DUPLICATE_ORDER_REFERENCE"), "what came instead: {}", twice.text);
    assert(json!({ "kind": "delivery", "match": "order.expired *" })).await.refused(409, "NOT_AS_ASSERTED", "at least 1");
    // What comes after a moment, page by page.
    let after = journal(&sandbox, "").await.len();
    sandbox.get("/api/v1/me").await.ok(200);
    assert_eq!(journal(&sandbox, &format!("after={after}")).await.len(), 1);
    assert_eq!(journal(&sandbox, "limit=2").await.len(), 2);
    sandbox.get("/api/v1/sandbox/journal?limit=1001").await.refused(400, "VALIDATION_ERROR", "limit");
    let all = sandbox.get("/api/v1/sandbox/journal").await.text;
    assert!(!all.contains(sandbox.key()), "no key is in it");
    sandbox.stop().await;
}

#[tokio::test]
async fn rules_that_mean_nothing_are_refused() {
    let sandbox = Sandbox::frozen().await;
    for (body, says) in [
        (json!({ "at": "moon", "kind": "drop" }), "at: must be api, rpc or webhook, is 'moon'"),
        (json!({ "at": "api", "kind": "lose" }), "kind: must be one of"),
        (json!({ "at": "api", "kind": "drop", "percent": 0 }), "percent"),
        (json!({ "at": "api", "kind": "latency" }), "delayMs"),
        (json!({ "at": "api", "kind": "error", "code": "NO_SUCH" }), "NO_SUCH"),
        (json!({ "at": "rpc", "kind": "drop", "when": "after" }), "when"),
        (json!({ "kind": "drop" }), "at"),
    ] {
        sandbox.post(FAULTS, &body).await.refused(400, "VALIDATION_ERROR", says);
    }
    assert_eq!(sandbox.read(FAULTS).await, json!({ "faults": [] }));
    sandbox.stop().await;
}
