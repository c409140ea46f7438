//! Requests that are wrong around their body: its type and size, the method, the path, the query.

use payin_tests::sandbox::{Sandbox, new_order};
use serde_json::json;

const ORDERS: &str = "/api/v1/orders";

#[tokio::test]
async fn only_json_is_read() {
    let sandbox = Sandbox::frozen().await;
    let before = sandbox.counts().await;
    let send = |reference: &str| sandbox.ask("POST", ORDERS).body(new_order(reference, "1").to_string());
    send("A").send().await.refused(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json");
    for wrong in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/jsonp",
        "text/json",
        "",
        "application/json5",
        "*/*",
    ] {
        let reply = send("A").header("Content-Type", wrong).send().await;
        reply.refused(415, "UNSUPPORTED_MEDIA_TYPE", &format!("'{wrong}'"));
    }
    send("A").header("Content-Type", b"\xff").send().await.refused(415, "UNSUPPORTED_MEDIA_TYPE", "application/json");
    // Nothing is unpacked, so that nothing can be packed too well: these bytes, which gzip made of an object, are not even looked at.
    const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00";
    let packed = sandbox.ask("POST", ORDERS).header("Content-Encoding", "gzip").raw_json(GZIP);
    packed.send().await.refused(415, "UNSUPPORTED_MEDIA_TYPE", "without Content-Encoding");
    sandbox.ask("POST", ORDERS).raw_json(GZIP).send().await.refused(400, "VALIDATION_ERROR", "body: is not JSON");
    assert_eq!(sandbox.counts().await, before);
    for (number, right) in
        ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/json ;charset=UTF-8"].iter().enumerate()
    {
        assert_eq!(send(&format!("RIGHT-{number}")).header("Content-Type", right).send().await.status, 201, "{right}");
    }
    // Without a body there is nothing to be of a type.
    sandbox.ask("POST", ORDERS).send().await.refused(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type");
    sandbox.stop().await;
}

/// JSON, filled up with white space to a length.
fn of_length(body: &serde_json::Value, length: usize) -> Vec<u8> {
    let mut text = body.to_string().into_bytes();
    text.resize(length, b' ');
    text
}

#[tokio::test]
async fn bodies_have_a_largest_size() {
    let sandbox = Sandbox::frozen().await;
    let order = new_order("LARGE", "1");
    let import = json!({ "protocol": "evm", "mode": "self_managed", "addresses": "0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE" });
    let endpoint = json!({ "url": "https://a.example/", "events": ["*"] });
    const KIB_64: usize = 64 * 1024;
    const MIB_10: usize = 10 * 1024 * 1024;
    let before = sandbox.counts().await;
    for (path, body, most) in [
        (ORDERS, &order, KIB_64),
        ("/api/v1/webhooks/endpoints", &endpoint, KIB_64),
        ("/api/v1/sandbox/mine", &json!({}), KIB_64),
        ("/api/v1/address-pool/import", &import, MIB_10),
    ] {
        // One byte too many; and far too many, where the server answers while the client still sends.
        for length in [most + 1, most + 8 * 1024 * 1024] {
            let reply = sandbox.ask("POST", path).raw_json(of_length(body, length)).send().await;
            reply.refused(413, "PAYLOAD_TOO_LARGE", &format!("{most} bytes"));
        }
    }
    assert_eq!(sandbox.counts().await, before);
    for (path, body, most, status) in [(ORDERS, &order, KIB_64, 201), ("/api/v1/address-pool/import", &import, MIB_10, 200)] {
        assert_eq!(sandbox.ask("POST", path).raw_json(of_length(body, most)).send().await.status, status, "{path}");
    }
    // The text itself may be as long: 100,000 lines, most of them blank.
    let lines = json!({ "protocol": "evm", "addresses": format!("{}0x8db97C7cEcE249c2b98bDC0226Cc4C2A57BF52FC", "\n".repeat(100_000)) });
    assert_eq!(sandbox.post("/api/v1/address-pool/import", &lines).await.ok(200)["imported"], 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_known_path_says_its_methods() {
    let sandbox = Sandbox::frozen().await;
    for (method, path, allowed) in [
        ("PATCH", ORDERS, vec!["GET", "POST"]),
        ("PUT", ORDERS, vec!["GET", "POST"]),
        ("DELETE", ORDERS, vec!["GET", "POST"]),
        ("DELETE", "/api/v1/orders/ord_1", vec!["GET"]),
        ("POST", "/api/v1/orders/by-reference/a", vec!["GET"]),
        ("GET", "/api/v1/address-pool/import", vec!["POST"]),
        ("POST", "/api/v1/address-pool/status", vec!["GET"]),
        ("POST", "/api/v1/webhooks/endpoints/we_1", vec!["DELETE", "GET", "PUT"]),
        ("POST", "/api/v1/me", vec!["GET"]),
        ("GET", "/api/v1/sandbox/pay", vec!["POST"]),
        ("POST", "/api/v1/sandbox/clock", vec!["GET"]),
        ("POST", "/health", vec!["GET"]),
        ("POST", "/health/ready", vec!["GET"]),
    ] {
        let reply = sandbox.ask(method, path).send().await;
        reply.refused(405, "METHOD_NOT_ALLOWED", path);
        let mut allow: Vec<&str> = reply.header("allow").split(',').map(str::trim).filter(|method| *method != "HEAD").collect();
        allow.sort_unstable();
        assert_eq!(allow, allowed, "{method} {path}");
        let message = reply.json["message"].as_str().expect("a message");
        assert!(message.contains(method) && message.contains(allowed[0]), "{message}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let sandbox = Sandbox::frozen().await;
    for path in [
        "/api/v1/nothing",
        "/api/v1",
        "/api/v1/",
        "/api/v2/orders",
        "/api/v1/orders/",
        "/api/v1/Orders",
        "/api/v1//orders",
        "/api/v1/orders/a/b",
        "/api/v1/orders/by-reference/",
        "/api/v1/sandbox",
        "/",
        "/health/",
        "/favicon.ico",
        "/api/v1/orders%2Fby-reference",
        "/api/v1/orders/%00",
        "/api/v1/orders/by-reference/a%00b",
        "/%00",
    ] {
        sandbox.get(path).await.refused(404, "RESOURCE_NOT_FOUND", "");
        sandbox.ask("GET", path).no_key().send().await.refused(404, "RESOURCE_NOT_FOUND", "");
    }
    for path in ["/api/v1/orders/ord_none", "/api/v1/orders/by-reference/none", "/api/v1/orders/%E2%82%AC", "/api/v1/orders/%0a"] {
        sandbox.get(path).await.refused(404, "RESOURCE_NOT_FOUND", "does not exist");
    }
    // A path that is no text is refused, whatever it may have meant.
    for path in ["/api/v1/orders/%ff", "/api/v1/orders/by-reference/%c3%28"] {
        sandbox.get(path).await.refused(400, "VALIDATION_ERROR", "percent-encoding");
    }
    // A percent sign that encodes nothing is a percent sign.
    sandbox.order("100%zz", "1").await;
    assert_eq!(sandbox.read("/api/v1/orders/by-reference/100%25zz").await["orderReference"], "100%zz");
    sandbox.stop().await;
}

async fn bad_queries(sandbox: &Sandbox) {
    sandbox.order("QUERY-1", "1").await;
    for list in [ORDERS, "/api/v1/address-pool/addresses", "/api/v1/webhooks/endpoints", "/api/v1/webhooks/events"] {
        for (query, says) in [
            ("page=0", "page"),
            ("page=-1", "page"),
            ("page=abc", "page"),
            ("page=", "page"),
            ("page=1.0", "page"),
            ("page=99999999999999999999", "page"),
            ("page=18446744073709551615", "page"),
            ("page=1000000001", "page: must be 1 to 1000000000, is 1000000001"),
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=-1", "limit"),
            ("limit=abc", "limit"),
            ("limit=1%00", "query"),
            ("colour=red", "colour"),
            ("page=1&page=2", "page"),
            ("Page=1", "Page"),
            ("limit=1&limit=1", "limit"),
            ("%ff=1", "query"),
        ] {
            sandbox.get(&format!("{list}?{query}")).await.refused(400, "VALIDATION_ERROR", says);
        }
        // Far behind the end there is nothing, which is no error.
        let far = sandbox.read(&format!("{list}?page=1000000000&limit=100")).await;
        assert_eq!((far["data"].as_array().map(Vec::len), &far["pagination"]["hasMore"]), (Some(0), &json!(false)));
    }
    for (query, says) in [
        ("status=paid", "status"),
        ("status=", "status"),
        ("status=pending&status=expired", "status"),
        ("sortBy=reference", "sortBy"),
        ("sortOrder=up", "sortOrder"),
        ("createdAfter=yesterday", "createdAfter"),
        ("createdAfter=2025-01-20", "createdAfter"),
        ("createdBefore=2025-13-01T00:00:00Z", "createdBefore"),
        ("orderReference=a%00b", "NUL"),
        ("orderReference=a%0Ab", "orderReference"),
        ("orderReference=", "orderReference: must be 1 to 255 characters"),
        ("currency=", "currency: must be 1 to 32 characters"),
        ("currency=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "currency"),
        ("chainId=", "chainId: must be 1 to 64 characters"),
        ("order_reference=a", "order_reference"),
    ] {
        sandbox.get(&format!("{ORDERS}?{query}")).await.refused(400, "VALIDATION_ERROR", says);
    }
    for (query, says) in [("protocol=btc", "protocol"), ("state=free", "state")] {
        sandbox.get(&format!("/api/v1/address-pool/addresses?{query}")).await.refused(400, "VALIDATION_ERROR", says);
    }
    // What is not text cannot be what is looked for, and finding nothing would hide the mistake.
    sandbox.get(&format!("{ORDERS}?orderReference=%ff")).await.refused(400, "VALIDATION_ERROR", "query");
}

#[tokio::test]
async fn bad_queries_are_refused_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    bad_queries(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn bad_queries_are_refused_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    bad_queries(&sandbox).await;
    sandbox.stop().await;
}

/// The API tells no browser that it may be asked from another site, and its answers are kept by nobody.
#[tokio::test]
async fn answers_are_for_the_caller_only() {
    let sandbox = Sandbox::frozen().await;
    let reply = sandbox.ask("GET", "/api/v1/me").header("Origin", "https://evil.example").send().await;
    assert_eq!((reply.header("cache-control"), reply.header("access-control-allow-origin")), ("no-store", ""));
    let bad = sandbox.ask("GET", "/api/v1/orders/ord_none").send().await;
    assert_eq!(bad.header("cache-control"), "no-store");
    // The id of an answer is in its header and, where it is an error, in its body; a caller's own is not believed.
    let named = sandbox.ask("GET", "/api/v1/orders/ord_none").header("X-Request-Id", "mine").send().await;
    assert_eq!(named.json["requestId"], named.header("x-request-id"));
    assert!(named.header("x-request-id").starts_with("req_") && named.header("x-request-id") != bad.header("x-request-id"));
    sandbox.stop().await;
}
