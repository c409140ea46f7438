//! Imports and webhook endpoints that must not be.

use payin_tests::sandbox::Sandbox;
use serde_json::{Value, json};

use super::{Bad, refuse_all};

const IMPORT: &str = "/api/v1/address-pool/import";
const ENDPOINTS: &str = "/api/v1/webhooks/endpoints";

/// Right, by EIP-55.
const A: &str = "0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE";
const B: &str = "0x8db97C7cEcE249c2b98bDC0226Cc4C2A57BF52FC";
/// The documents' own, whose checksum is wrong.
const MISTYPED: &str = "0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb0";
/// USDT on ethereum-sepolia.
const TOKEN: &str = "0xaA8E23Fb1079EA71e0a56F48a2aA51851D8433D0";
const TRON: &str = "TYASr5UV6HEcXatwdFQfmLVUqQQQMUxHLS";

/// m/44'/60'/0' of the mnemonic "abandon … about", whose keys everybody has.
const XPUB: &str = "xpub6DCoCpSuQZB2jawqnGMEPS63ePKWkwWPH4TU45Q7LPXWuNd8TMtVxRrgjtEshuqpK3mdhaWHPFsBngh5GFZaM6si3yZdUsT8ddYM3PwnATt";

fn import(protocol: &str, addresses: &str) -> Value {
    json!({ "protocol": protocol, "mode": "self_managed", "addresses": addresses })
}

/// A line, what stands there, and what must be said of it.
type BadLine<'a> = (u64, &'a str, &'a str);

async fn bad_imports(sandbox: &Sandbox) {
    let texts: Vec<(String, Vec<BadLine<'_>>)> = vec![
        (MISTYPED.to_owned(), vec![(1, MISTYPED, "checksum")]),
        (format!("address\n{A}\n{MISTYPED}\n\n{B}\nnonsense\n"), vec![(3, MISTYPED, "checksum"), (6, "nonsense", "hexadecimal")]),
        (format!("address\r\n{A}\r\n{MISTYPED}\r\n"), vec![(3, MISTYPED, "checksum")]),
        (format!("protocol,address\nevm,{A}\ntron,{B}\n"), vec![(3, B, "protocol tron")]),
        (format!("{A}\n{TRON}\n"), vec![(2, TRON, "hexadecimal")]),
        (format!("{A}\n0x0000000000000000000000000000000000000000"), vec![(2, "0x0000000000000000000000000000000000000000", "zero")]),
        (format!("{A}\n{}", TOKEN.to_lowercase()), vec![(2, "0xaa8e23fb1079ea71e0a56f48a2aa51851d8433d0", "contract")]),
        (format!("{A}\n{}", &A[2..]), vec![(2, &A[2..], "0x")]),
        (format!("{A}\n{}", &A[..41]), vec![(2, &A[..41], "40")]),
        (format!("{A}\nmy private key"), vec![(2, "my private key", "hexadecimal")]),
        (format!("{A}\n\u{0}"), vec![(2, "\\u{0}", "hexadecimal")]),
        // A header that has no column `address` is a line like any other.
        (format!("wallet\n{A}"), vec![(1, "wallet", "hexadecimal")]),
    ];
    let before = sandbox.counts().await;
    for (text, lines) in texts {
        let reply = sandbox.post(IMPORT, &import("evm", &text)).await;
        reply.refused(400, "VALIDATION_ERROR", "nothing was imported");
        let details = reply.json["details"].as_array().expect("the bad lines");
        assert_eq!(details.len(), lines.len(), "{text:?}: {details:?}");
        for (detail, (line, address, says)) in details.iter().zip(lines) {
            assert_eq!((&detail["line"], &detail["address"]), (&json!(line), &json!(address)), "{text:?}");
            assert!(detail["error"].as_str().is_some_and(|error| error.contains(says)), "{text:?}: {detail} does not say {says:?}");
        }
        assert_eq!(sandbox.counts().await, before, "{text:?}");
    }
    // Not more than people can read; all of them are counted.
    let many = vec![MISTYPED; 250].join("\n");
    let reply = sandbox.post(IMPORT, &import("evm", &many)).await;
    reply.refused(400, "VALIDATION_ERROR", "250 of the lines");
    assert_eq!(reply.json["details"].as_array().map(Vec::len), Some(100));
    let whole = |what: &str, body: Value, says: &'static str| Bad::new(what, body.to_string(), "VALIDATION_ERROR", says);
    refuse_all(
        sandbox,
        IMPORT,
        vec![
            whole("no address", import("evm", ""), "addresses: holds no address"),
            whole("blank", import("evm", "\n \r\n"), "addresses: holds no address"),
            whole("only a header", import("evm", "address,derivation_index\n"), "addresses: holds no address"),
            whole("an unknown family", import("btc", A), "protocol: must be evm, tron or solana"),
            whole("a family in capitals", import("EVM", A), "protocol"),
            whole(
                "an unknown mode",
                json!({ "protocol": "evm", "mode": "custodial", "addresses": A }),
                "mode: must be self_managed or hd_wallet",
            ),
            whole("no family", json!({ "addresses": A }), "protocol"),
            whole("no addresses", json!({ "protocol": "evm" }), "addresses"),
            whole("a list", json!({ "protocol": "evm", "addresses": [A] }), "addresses"),
            whole("keys", json!({ "protocol": "evm", "addresses": A, "privateKeys": "0x01" }), "privateKeys"),
        ],
    )
    .await;
}

#[tokio::test]
async fn bad_imports_are_refused_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    bad_imports(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn bad_imports_are_refused_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    bad_imports(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn every_documented_form_of_an_import_is_taken() {
    let forms = [
        format!("{A}\n{B}\n"),
        format!("address\n{A}\n{B}"),
        format!("\u{feff}address\r\n{A}\r\n{B}\r\n"),
        format!("ADDRESS,Derivation_Index\n{A},0\n{B},1"),
        format!("address,derivation_index,protocol,master_public_key\n{A},0,evm,{XPUB}\n{B},1,evm,{XPUB}"),
        format!("\"protocol\",\"address\"\n\"evm\",\"{A}\"\n\"EVM\",\"{B}\""),
        format!("{}\n{}\n{A}", A.to_lowercase(), B.to_uppercase().replacen("0X", "0x", 1)),
    ];
    let sandbox = Sandbox::frozen().await;
    for (number, form) in forms.iter().enumerate() {
        // A new organization each time: its pool is empty.
        let key = sandbox.stranger().await;
        let ask = |method, path| sandbox.ask(method, path).key(&key);
        let imported = ask("POST", IMPORT).json(&import("evm", form)).send().await;
        if number > 0 {
            // The addresses belong to the first organization: whoever pays them must not pay two.
            imported.refused(400, "VALIDATION_ERROR", "2 of the addresses cannot be used here");
            assert_eq!(ask("GET", "/api/v1/address-pool/status").send().await.ok(200)["evm"]["total"], 0);
            continue;
        }
        assert_eq!(imported.ok(200)["imported"], 2);
        let listed = ask("GET", "/api/v1/address-pool/addresses?state=available").send().await.ok(200);
        let mut addresses: Vec<&str> =
            listed["data"].as_array().expect("a page").iter().filter_map(|one| one["address"].as_str()).collect();
        addresses.sort_unstable();
        assert_eq!(addresses, [A, B]);
        for form in &forms {
            let again = ask("POST", IMPORT).json(&import("evm", form)).send().await.ok(200);
            assert_eq!((&again["imported"], again["success"].as_bool()), (&json!(0), Some(true)), "{form:?}");
            assert_eq!(again["skipped"], if form.contains(&A.to_lowercase()) { 3 } else { 2 }, "{form:?}");
        }
    }
    // Without a mode they are self-managed; a family that has no chain here may be prepared all the same.
    let tron = sandbox.post(IMPORT, &json!({ "protocol": "tron", "addresses": TRON })).await.ok(200);
    assert_eq!(tron["summary"], json!({ "protocol": "tron", "mode": "self_managed" }));
    let wrong = sandbox.post(IMPORT, &import("tron", "TPJRnELdwXLWVvokPJyT3CHPF4YPKVkrSU")).await;
    wrong.refused(400, "VALIDATION_ERROR", "nothing was imported");
    assert_eq!(wrong.json["details"][0]["line"], 1);
    sandbox.stop().await;
}

fn endpoint(url: &str) -> Value {
    json!({ "url": url, "events": ["order.completed"] })
}

#[tokio::test]
async fn bad_webhook_endpoints_are_refused() {
    let sandbox = Sandbox::frozen().await;
    let traps = [
        "javascript:alert(1)",
        "https://a.example/\r\nX: y",
        "https://user:secret@a.example/",
        "https://a.example/#part",
        "//a.example",
        "/hook",
        "",
        "https://",
        "ftp://a.example/",
        "gopher://a.example/",
        "https://a.example/\u{0}",
    ];
    let mut all: Vec<Bad> =
        traps.iter().map(|url| Bad::new(&format!("url {url:?}"), endpoint(url).to_string(), "VALIDATION_ERROR", "url: must")).collect();
    let with = |field: &str, value: Value, says| {
        let mut body = endpoint("https://a.example/hook");
        body[field] = value.clone();
        Bad::new(&format!("{field} = {value}"), body.to_string(), "VALIDATION_ERROR", says)
    };
    all.extend([
        with("events", json!([]), "events: must name at least one event"),
        with("events", json!(["order.completed", "order.lost"]), "events: 'order.lost' cannot be subscribed to; there are order.completed"),
        with("events", json!(["Order.Completed"]), "events: 'Order.Completed' cannot be subscribed to"),
        with("events", json!(["*", "webhook.test"]), "events: 'webhook.test' cannot be subscribed to"),
        with("events", json!("order.completed"), "events"),
        with("events", Value::Null, "events"),
        with("secret", json!("fifteen letters"), "secret: must be 16 to 255 printable characters"),
        with("secret", json!("s".repeat(256)), "secret: must be 16 to 255"),
        with("secret", json!("sixteen letters\n"), "secret: must be 16 to 255"),
        with("secret", json!(""), "secret"),
        with("description", json!("d".repeat(256)), "description: must be at most 255"),
        with("description", json!("\u{0}"), "description"),
        with("enabled", json!(false), "enabled"),
    ]);
    refuse_all(&sandbox, ENDPOINTS, all).await;
    // No refusal repeats a secret.
    let short = sandbox.post(ENDPOINTS, &json!({ "url": "https://a.example", "events": ["*"], "secret": "hunter2" })).await;
    assert!(!short.text.contains("hunter2"), "{}", short.text);
    sandbox.stop().await;
}

#[tokio::test]
async fn webhook_endpoints_come_and_go() {
    let sandbox = Sandbox::frozen().await;
    let mut ids = Vec::new();
    for body in [
        endpoint("https://a.example/hook?x=1"),
        endpoint("http://localhost:8080/hook"),
        json!({ "url": "https://[::1]/", "events": ["*"], "secret": "sixteen letters!", "description": "für Menschen" }),
    ] {
        let made = sandbox.post(ENDPOINTS, &body).await.ok(201);
        for field in ["url", "events", "secret", "description"] {
            let sent = body.get(field).is_none_or(|sent| *sent == made[field]);
            assert!(sent, "{field}: {made}");
        }
        if body.get("secret").is_none() {
            assert!(made["secret"].as_str().is_some_and(|secret| secret.starts_with("whsec_") && secret.len() == 6 + 44), "{made}");
        }
        ids.push(made["id"].clone());
        let listed = sandbox.read(ENDPOINTS).await;
        assert_eq!(listed["pagination"]["total"], ids.len());
        assert!(!listed.to_string().contains("secret"), "{listed}");
    }
    let page = sandbox.read(&format!("{ENDPOINTS}?page=2&limit=2")).await;
    assert_eq!((page["data"].as_array().map(Vec::len), &page["pagination"]["hasMore"]), (Some(1), &json!(false)));
    let path = format!("{ENDPOINTS}/{}", ids[1].as_str().expect("an id"));
    assert_eq!(sandbox.ask("DELETE", &path).send().await.ok(200), json!({ "success": true }));
    sandbox.ask("DELETE", &path).send().await.refused(404, "RESOURCE_NOT_FOUND", "Webhook endpoint");
    assert_eq!(sandbox.read(ENDPOINTS).await["pagination"]["total"], 2);
    sandbox.stop().await;
}
