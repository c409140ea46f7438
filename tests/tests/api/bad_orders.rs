//! Orders that must not be: each is refused with a reason, and nothing has changed.

use payin_tests::sandbox::{Sandbox, new_order};
use serde_json::{Map, Value, json};

use super::{Bad, refuse_all};

const ORDERS: &str = "/api/v1/orders";

/// A good order but for this field, whose JSON is as given; without JSON the field is missing.
fn with(field: &str, value: Option<&str>) -> Vec<u8> {
    let mut order = new_order("BAD-1", "100.00");
    let fields = order.as_object_mut().expect("an object");
    fields.remove(field);
    let mut text = order.to_string();
    if let Some(value) = value {
        text.insert_str(1, &format!("\"{field}\":{value},"));
    }
    text.into_bytes()
}

fn bad(field: &str, value: &str, code: &'static str, says: &'static str) -> Bad {
    let shown = |text: &str| text.chars().take(60).collect::<String>();
    Bad::new(&format!("{} = {}", shown(field), shown(value)), with(field, Some(value)), code, says)
}

fn amounts() -> Vec<Bad> {
    let mut all: Vec<Bad> =
        ["0", "0.00", "0.0000000", "-1", "+1", "1e3", "1E3", "NaN", "Infinity", "", " 1", "1 ", "1,5", ".5", "1.", "01", "0x10"]
            .iter()
            .map(|text| bad("amount", &json!(text).to_string(), "INVALID_AMOUNT", "Amount"))
            .collect();
    let forty = json!("1".repeat(40)).to_string();
    all.extend([
        bad("amount", &forty, "INVALID_AMOUNT", "10 digits"),
        bad("amount", "\"10000000000\"", "INVALID_AMOUNT", "10 digits"),
        bad("amount", "\"1.2345678\"", "INVALID_AMOUNT", "1.2345678 has 7 decimals; this token has 6"),
        bad("amount", "\"1.0000000\"", "INVALID_AMOUNT", "1.0000000"),
        bad("amount", "\"0.0000000000000000001\"", "INVALID_AMOUNT", "18"),
        bad("amount", "\"١\"", "INVALID_AMOUNT", "Amount"),
        bad("amount", "\"1\\u0000\"", "INVALID_AMOUNT", "Amount"),
        bad("amount", "100", "INVALID_AMOUNT", "string"),
        bad("amount", "100.0", "INVALID_AMOUNT", "string"),
        bad("amount", "1e2", "INVALID_AMOUNT", "string"),
        bad("amount", "null", "INVALID_AMOUNT", "string"),
        bad("amount", "[\"1\"]", "INVALID_AMOUNT", "string"),
        Bad::new("no amount", with("amount", None), "VALIDATION_ERROR", "amount"),
    ]);
    all
}

fn chains_and_currencies() -> Vec<Bad> {
    vec![
        bad("chainId", "\"nowhere\"", "INVALID_CHAIN", "'nowhere'"),
        bad("chainId", "\"ethereum-mainnet\"", "INVALID_CHAIN", "'ethereum-mainnet'"),
        bad("chainId", "\"tron-mainnet\"", "INVALID_CHAIN", "'tron-mainnet'"),
        bad("chainId", "\"Ethereum-Sepolia\"", "INVALID_CHAIN", "'Ethereum-Sepolia'"),
        bad("chainId", "\"ethereum-sepolia \"", "INVALID_CHAIN", "'ethereum-sepolia '"),
        bad("chainId", "\"ethereum-sepolia\\u0000\"", "INVALID_CHAIN", "ethereum-sepolia"),
        bad("chainId", "\"\"", "INVALID_CHAIN", "''"),
        bad("chainId", "null", "VALIDATION_ERROR", "chainId"),
        bad("chainId", "11155111", "VALIDATION_ERROR", "chainId"),
        Bad::new("no chain", with("chainId", None), "VALIDATION_ERROR", "chainId"),
        bad("currency", "\"DOGE\"", "INVALID_CURRENCY", "'DOGE'"),
        bad("currency", "\"usdt\"", "INVALID_CURRENCY", "'usdt'"),
        bad("currency", "\"DAI\"", "INVALID_CURRENCY", "'DAI'"),
        bad("currency", "\"\"", "INVALID_CURRENCY", "''"),
        bad("currency", "\"\\u001b[31mUSDT\"", "INVALID_CURRENCY", "USDT"),
        bad("currency", "7", "VALIDATION_ERROR", "currency"),
        Bad::new("no currency", with("currency", None), "VALIDATION_ERROR", "currency"),
    ]
}

fn references() -> Vec<Bad> {
    let long = json!("é".repeat(256)).to_string();
    let mut all: Vec<Bad> = ["a\0b", "\0", "a\nb", "a\u{7f}", "a\u{85}b", "\u{1b}[31m"]
        .iter()
        .map(|text| {
            bad("orderReference", &json!(text).to_string(), "VALIDATION_ERROR", "orderReference: must not contain control characters")
        })
        .collect();
    all.extend([
        bad("orderReference", "\"\"", "VALIDATION_ERROR", "orderReference: must be 1 to 255 characters, is 0"),
        bad("orderReference", &long, "VALIDATION_ERROR", "orderReference: must be 1 to 255 characters, is 256"),
        bad("orderReference", "1", "VALIDATION_ERROR", "orderReference"),
        bad("orderReference", "null", "VALIDATION_ERROR", "orderReference"),
        bad("orderReference", "{}", "VALIDATION_ERROR", "orderReference"),
        Bad::new("no reference", with("orderReference", None), "VALIDATION_ERROR", "orderReference"),
    ]);
    all
}

fn metadata() -> Vec<Bad> {
    let eleven: Map<String, Value> = (0..11).map(|i| (format!("key{i}"), json!(i))).collect();
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    vec![
        bad("metadata", &Value::Object(eleven).to_string(), "VALIDATION_ERROR", "metadata: must have at most 10 pairs, has 11"),
        bad("metadata", &json!({ "a": "b".repeat(8 * 1024) }).to_string(), "VALIDATION_ERROR", "metadata: must be at most 8192 bytes"),
        bad("metadata", "{\"a\":\"\\u0000\"}", "VALIDATION_ERROR", "metadata: must not contain NUL"),
        bad("metadata", "{\"a\\u0000\":1}", "VALIDATION_ERROR", "metadata: must not contain NUL"),
        bad("metadata", "{\"a\":{\"b\":[\"\\u0000\"]}}", "VALIDATION_ERROR", "metadata: must not contain NUL"),
        bad("metadata", "[]", "VALIDATION_ERROR", "metadata"),
        bad("metadata", "\"text\"", "VALIDATION_ERROR", "metadata"),
        bad("metadata", "{\"a\":1e999}", "VALIDATION_ERROR", "number"),
        bad("metadata", "{\"a\":18446744073709551616}", "VALIDATION_ERROR", "number 18446744073709551616"),
        bad("metadata", "{\"a\":[0.1234567890123456789]}", "VALIDATION_ERROR", "number 0.1234567890123456789"),
        bad("metadata", "{\"a\":1,\"\\u0061\":2}", "VALIDATION_ERROR", "the key 'a' twice"),
        bad("metadata", "{\"a\":{\"b\":1,\"c\":2,\"b\":1}}", "VALIDATION_ERROR", "the key 'b' twice"),
        bad("metadata", &deep, "VALIDATION_ERROR", "recursion"),
        bad("metadata", "{\"a\":\"\\ud800\"}", "VALIDATION_ERROR", "body: is not JSON"),
        bad("metadata", "{\"a\":\"\\udc00\\ud800\"}", "VALIDATION_ERROR", "body: is not JSON"),
    ]
}

fn urls() -> Vec<Bad> {
    let long = format!("https://a.example/{}", "a".repeat(2048));
    let traps = [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "https://a.example/\r\nSet-Cookie: a=b",
        "https://a.example/\u{0}",
        "https://a.example/ b",
        "https://user@a.example/",
        "https://user:secret@a.example/",
        "//a.example/paid",
        "/paid",
        "paid",
        "",
        "https://",
        "ftp://a.example/",
        "file:///etc/passwd",
        &long,
    ];
    let both = |trap: &&str| {
        let value = json!(trap).to_string();
        [bad("successUrl", &value, "VALIDATION_ERROR", "successUrl: must"), bad("cancelUrl", &value, "VALIDATION_ERROR", "cancelUrl: must")]
    };
    let mut all: Vec<Bad> = traps.iter().flat_map(both).collect();
    all.push(bad("successUrl", "7", "VALIDATION_ERROR", "successUrl"));
    all
}

fn windows() -> Vec<Bad> {
    let both = |window: u32, grace: u32| {
        let mut order = new_order("BAD-1", "1");
        order["paymentWindowMinutes"] = json!(window);
        order["gracePeriodMinutes"] = json!(grace);
        Bad::new(&format!("{window} and {grace} minutes"), order.to_string(), "VALIDATION_ERROR", "at most 60 minutes")
    };
    vec![
        bad("paymentWindowMinutes", "0", "VALIDATION_ERROR", "paymentWindowMinutes: must be 1 to 60, is 0"),
        bad("paymentWindowMinutes", "61", "VALIDATION_ERROR", "paymentWindowMinutes: must be 1 to 60, is 61"),
        bad("paymentWindowMinutes", "-1", "VALIDATION_ERROR", "paymentWindowMinutes"),
        bad("paymentWindowMinutes", "1.5", "VALIDATION_ERROR", "paymentWindowMinutes"),
        bad("paymentWindowMinutes", "\"10\"", "VALIDATION_ERROR", "paymentWindowMinutes"),
        bad("paymentWindowMinutes", "99999999999999999999", "VALIDATION_ERROR", "paymentWindowMinutes"),
        bad("gracePeriodMinutes", "31", "VALIDATION_ERROR", "gracePeriodMinutes: must be 0 to 30, is 31"),
        bad("gracePeriodMinutes", "-1", "VALIDATION_ERROR", "gracePeriodMinutes"),
        both(60, 1),
        both(31, 30),
    ]
}

fn bodies() -> Vec<Bad> {
    let good = new_order("BAD-1", "1").to_string();
    let twice = |field: &str, value: &str| good.replacen('{', &format!("{{\"{field}\":{value},"), 1);
    vec![
        bad("amout", "\"1\"", "VALIDATION_ERROR", "amout"),
        bad("order_reference", "\"1\"", "VALIDATION_ERROR", "order_reference"),
        bad("x\\u0000\\u001b[31m", "1", "VALIDATION_ERROR", "unknown field"),
        bad(&"long".repeat(2000), "1", "VALIDATION_ERROR", "unknown field"),
        Bad::new("amount twice", twice("amount", "\"2\""), "VALIDATION_ERROR", "amount"),
        Bad::new("currency twice", twice("currency", "\"USDC\""), "VALIDATION_ERROR", "currency"),
        Bad::new("empty", "", "VALIDATION_ERROR", "body"),
        Bad::new("white space", " \n", "VALIDATION_ERROR", "body"),
        Bad::new("broken", &b"{\"orderReference\":"[..], "VALIDATION_ERROR", "body: is not JSON"),
        Bad::new("single quotes", &b"{'orderReference':'a'}"[..], "VALIDATION_ERROR", "body: is not JSON"),
        Bad::new("a comma too many", good.replace('}', ",}"), "VALIDATION_ERROR", "body: is not JSON"),
        Bad::new("garbage behind", format!("{good}x"), "VALIDATION_ERROR", "body: has something behind"),
        Bad::new("two objects", format!("{good}{good}"), "VALIDATION_ERROR", "body: has something behind"),
        Bad::new("an array", format!("[{good}]"), "VALIDATION_ERROR", "body"),
        Bad::new(
            "fields by their places",
            "[\"BAD-1\",\"1\",\"USDT\",\"ethereum-sepolia\",null,null,null,null,null]",
            "VALIDATION_ERROR",
            "body",
        ),
        Bad::new("null", "null", "VALIDATION_ERROR", "body"),
        Bad::new("a text", "\"order\"", "VALIDATION_ERROR", "body"),
        Bad::new("10,000 levels", "[".repeat(10_000), "VALIDATION_ERROR", "body"),
        Bad::new("not UTF-8", [&b"{\"orderReference\":\"\xff\xfe\","[..], &good.as_bytes()[1..]].concat(), "VALIDATION_ERROR", "body"),
        Bad::new("a byte order mark", format!("\u{feff}{good}"), "VALIDATION_ERROR", "body"),
        Bad::new("a form", "orderReference=a&amount=1", "VALIDATION_ERROR", "body: is not JSON"),
    ]
}

fn all() -> Vec<Bad> {
    [amounts(), chains_and_currencies(), references(), metadata(), urls(), windows(), bodies()].into_iter().flatten().collect()
}

#[tokio::test]
async fn bad_orders_are_refused_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    refuse_all(&sandbox, ORDERS, all()).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn bad_orders_are_refused_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    refuse_all(&sandbox, ORDERS, all()).await;
    sandbox.stop().await;
}

/// What stands just inside the bounds, and comes back as it was sent.
async fn unusual_orders_are_taken(sandbox: &Sandbox) {
    let ten: Map<String, Value> = (0..10).map(|i| (format!("key{i}"), json!(i))).collect();
    // `{"a":""}` around it has 8 bytes.
    let full = json!({ "a": "b".repeat(8 * 1024 - 8) });
    let nested = json!({ "a": [[[[{ "b": null }]]]], "ü": "💶 \u{202e}", "empty": "", "big": 9_007_199_254_740_993_u64, "minus": -1.5 });
    let unusual = [
        ("metadata", Value::Object(ten)),
        ("metadata", full),
        ("metadata", nested),
        ("metadata", json!({})),
        ("metadata", json!({ "path": "C:\\u0000 is six characters, not NUL" })),
        ("amount", json!("0.000001")),
        ("amount", json!("9999999999.999999")),
        ("amount", json!("100.0")),
        ("successUrl", json!("https://shop.example/paid?o={{orderId}}")),
        ("cancelUrl", json!("http://localhost:8080/x#y")),
        ("currency", json!("USDC")),
        ("chainId", json!("polygon-amoy")),
    ];
    for (number, (field, value)) in unusual.into_iter().enumerate() {
        let mut order = new_order(&format!("UNUSUAL {number} é/?#%"), "1");
        order[field] = value.clone();
        let made = sandbox.post("/api/v1/orders", &order).await.ok(201);
        assert_eq!(made[field], value, "{order}");
        assert_eq!(made["orderReference"], order["orderReference"]);
        assert_eq!(sandbox.order_now(&made["orderId"]).await, made);
    }
    for (field, minutes) in [("paymentWindowMinutes", 60), ("gracePeriodMinutes", 30)] {
        let mut order = new_order(&"é".repeat(254 + usize::from(minutes == 60)), "1");
        order["paymentWindowMinutes"] = json!(60);
        order["gracePeriodMinutes"] = json!(0);
        if field == "gracePeriodMinutes" {
            order["paymentWindowMinutes"] = json!(30);
            order["gracePeriodMinutes"] = json!(30);
        }
        let made = sandbox.post("/api/v1/orders", &order).await.ok(201);
        let minutes_between = |from: &str, to: &str| {
            let at = |field: &str| made[field].as_str().expect("a time").parse::<payin_types::Timestamp>().expect("a time");
            (at(to).millis() - at(from).millis()) / 60_000
        };
        assert_eq!(minutes_between("createdAt", "expiresAt"), order["paymentWindowMinutes"].as_i64().expect("a number"));
        assert_eq!(minutes_between("expiresAt", "gracePeriodEndsAt"), order["gracePeriodMinutes"].as_i64().expect("a number"));
    }
}

#[tokio::test]
async fn unusual_orders_are_taken_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    unusual_orders_are_taken(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn unusual_orders_are_taken_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    unusual_orders_are_taken(&sandbox).await;
    sandbox.stop().await;
}
