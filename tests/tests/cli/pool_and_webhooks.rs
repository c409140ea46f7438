//! `payin addresses …`, `payin webhooks endpoints …` and `payin whoami`.

use std::fs;

use payin_tests::nodes::receiver::Receiver;
use payin_tests::sandbox::{Sandbox, text};
use serde_json::json;

use super::{answer, failed, payin, payin_at};

const A: &str = "0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE";
const B: &str = "0x8db97C7cEcE249c2b98bDC0226Cc4C2A57BF52FC";
const MISTYPED: &str = "0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb0";

#[tokio::test]
async fn addresses_are_imported_or_the_bad_line_is_shown() {
    let sandbox = Sandbox::frozen().await;
    let before = sandbox.counts().await;
    let import = |output: &str, text: &str| {
        let command = payin(&sandbox, &["addresses", "import", "pool.csv", "--protocol", "evm", "--output", output]);
        fs::write(command.home().join("pool.csv"), text).expect("a file");
        command
    };
    let bad = format!("address\n{A}\n{MISTYPED}\n");
    let exit = import("json", &bad).run().await;
    let report = failed(&exit, 6, "VALIDATION_ERROR");
    assert_eq!((&report["details"][0]["line"], &report["details"][0]["address"]), (&json!(3), &json!(MISTYPED)));
    let exit = import("table", &bad).run().await;
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(6), ""));
    assert!(exit.stderr.contains(&format!("  - line 3: {MISTYPED}: the EIP-55 checksum is wrong")), "{}", exit.stderr);
    assert_eq!(sandbox.counts().await, before);

    let done = answer(import("json", &format!("\u{feff}address,derivation_index\r\n{A},0\r\n{B},1\r\n"))).await;
    assert_eq!((&done["imported"], &done["skipped"], &done["summary"]["mode"]), (&json!(2), &json!(0), &json!("self_managed")));
    // From another program, and again: nothing is added.
    let mut piped = payin(&sandbox, &["addresses", "import", "-", "--protocol", "evm", "--mode", "hd_wallet", "--idempotency-key", "k"]);
    piped.stdin(format!("{A}\n"));
    assert_eq!(answer(piped).await["skipped"], 1);
    failed(&payin(&sandbox, &["addresses", "import", "nowhere.csv", "--protocol", "evm"]).run().await, 2, "USAGE");
    failed(&import("json", "").run().await, 6, "VALIDATION_ERROR");

    let status = answer(payin(&sandbox, &["addresses", "status"])).await;
    assert_eq!(status, sandbox.read("/api/v1/address-pool/status").await);
    assert_eq!(status["evm"]["total"], 258);
    let table = payin(&sandbox, &["addresses", "status", "-o", "table"]).run().await.stdout;
    assert!(table.contains("evm") && table.contains("258"), "{table}");
    let all = payin(&sandbox, &["addresses", "list", "--all", "--protocol", "evm", "--state", "available", "-o", "csv"]).run().await.stdout;
    assert_eq!(all.lines().count(), 259);
    assert_eq!(answer(payin(&sandbox, &["addresses", "list", "--limit", "3"])).await["data"].as_array().map(Vec::len), Some(3));
    sandbox.stop().await;
}

#[tokio::test]
async fn webhook_endpoints_come_and_go() {
    let sandbox = Sandbox::frozen().await;
    let create = ["webhooks", "endpoints", "create", "--url", "https://shop.example/hook"];
    let made = answer(payin(&sandbox, &create)).await;
    assert_eq!(made["events"], json!(["*"]));
    assert!(text(&made["secret"]).starts_with("whsec_"));
    let mut own = payin(&sandbox, &create);
    own.args([
        "--event",
        "order.completed,order.expired",
        "--event",
        "order.paid_late",
        "--secret-file",
        "secret",
        "--description",
        "mine",
    ]);
    fs::write(own.home().join("secret"), "sixteen letters!\n").expect("a file");
    let own = answer(own).await;
    assert_eq!(
        (&own["secret"], &own["events"]),
        (&json!("sixteen letters!"), &json!(["order.completed", "order.expired", "order.paid_late"]))
    );
    let listed = payin(&sandbox, &["webhooks", "endpoints", "list"]).run().await;
    assert_eq!(listed.json()["pagination"]["total"], 2);
    assert!(!listed.stdout.contains("secret") && !listed.stdout.contains("whsec_"), "{}", listed.stdout);
    failed(&payin(&sandbox, &["webhooks", "endpoints", "create", "--url", "javascript:x"]).run().await, 6, "VALIDATION_ERROR");
    failed(&payin(&sandbox, &[&create[..], &["--event", "order.lost"]].concat()).run().await, 6, "VALIDATION_ERROR");
    let deleted = answer(payin(&sandbox, &["webhooks", "endpoints", "delete", text(&made["id"])])).await;
    assert_eq!(deleted, json!({ "success": true }));
    assert_eq!(answer(payin(&sandbox, &["webhooks", "endpoints", "list"])).await["pagination"]["total"], 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn an_endpoint_is_changed_tested_and_its_events_sent_again() {
    let sandbox = Sandbox::frozen().await;
    let receiver = Receiver::start().await;
    let hook = format!("{}/hook", receiver.url());
    let made = answer(payin(&sandbox, &["webhooks", "endpoints", "create", "--url", &hook, "--event", "order.completed"])).await;
    let id = text(&made["id"]);
    let endpoint = async |args: &[&str]| answer(payin(&sandbox, &[&["webhooks", "endpoints"], args].concat())).await;
    let changed = endpoint(&["update", id, "--event", "order.expired", "--description", "mine"]).await;
    assert_eq!((&changed["events"], &changed["description"]), (&json!(["order.expired"]), &json!("mine")));
    assert_eq!(endpoint(&["update", id, "--no-description"]).await.get("description"), None);
    failed(&payin(&sandbox, &["webhooks", "endpoints", "update", id]).run().await, 2, "USAGE");
    let rotated = endpoint(&["rotate-secret", id, "--old-secret-valid-hours", "1"]).await;
    assert!(text(&rotated["secret"]).starts_with("whsec_") && rotated["secret"] != made["secret"]);
    assert!(endpoint(&["get", id]).await.get("secret").is_none());

    let test = endpoint(&["test", id]).await;
    let event = text(&test["eventId"]);
    sandbox.advance(1).await;
    receiver.next().await;
    let deliveries = format!("/api/v1/webhooks/events/{event}/deliveries");
    sandbox.read_when(&deliveries, "delivered", |all| all["data"][0]["status"] == "delivered").await;
    let delivered = payin(&sandbox, &["webhooks", "events", "deliveries", event]).run().await;
    assert_eq!(delivered.json()["data"][0]["endpointId"], made["id"]);
    assert!(delivered.stderr.contains("HTTP 200"), "{}", delivered.stderr);
    assert_eq!(answer(payin(&sandbox, &["webhooks", "events", "get", event])).await["type"], "webhook.test");
    let listed = answer(payin(&sandbox, &["webhooks", "events", "list", "--type", "webhook.test", "--endpoint-id", id])).await;
    assert_eq!(listed["data"][0]["id"], event);
    let again = answer(payin(&sandbox, &["webhooks", "events", "resend", event, "--endpoint-id", id])).await;
    assert_eq!(again["deliveries"], 1);
    sandbox.advance(1).await;
    receiver.next().await;
    sandbox.read_when(&deliveries, "delivered", |all| all["data"][0]["status"] == "delivered").await;
    // All of a time, too.
    let range = ["webhooks", "events", "resend", "--since", "2020-01-01", "--endpoint", id, "--type", "webhook.test"];
    assert_eq!(answer(payin(&sandbox, &range)).await, json!({ "events": 1, "deliveries": 1 }));
    assert_eq!(receiver.next().await.header("webhook-id"), event);
    sandbox.read_when(&deliveries, "delivered", |all| all["data"][0]["status"] == "delivered").await;
    let none = answer(payin(&sandbox, &[&range[..], &["--failed"]].concat())).await;
    assert_eq!(none, json!({ "events": 0, "deliveries": 0 }));
    for wrong in [&["--failed"][..], &["--until", "2020-01-01"], &[event, "--since", "2020-01-01"], &[]] {
        let exit = payin(&sandbox, &[&["webhooks", "events", "resend"], wrong].concat()).run().await;
        assert_eq!(exit.code, Some(2), "{wrong:?}: {exit:?}");
    }
    endpoint(&["update", id, "--enabled", "false"]).await;
    failed(&payin(&sandbox, &["webhooks", "endpoints", "test", id]).run().await, 5, "INVALID_STATE");
    sandbox.stop().await;
}

#[tokio::test]
async fn whoami_tells_whose_key_it_is() {
    let sandbox = Sandbox::frozen().await;
    let me = answer(payin(&sandbox, &["whoami"])).await;
    assert_eq!(me, sandbox.read("/api/v1/me").await);
    assert!(!me.to_string().contains(sandbox.key()));
    let table = payin(&sandbox, &["whoami", "-o", "table"]).run().await.stdout;
    assert!(table.contains("owner") && table.contains("Sandbox") && table.contains("testnet"), "{table}");
    // The flag goes before the environment.
    let mut elsewhere = payin_at("http://127.0.0.1:1", sandbox.key(), &["whoami"]);
    elsewhere.args(["--base-url", sandbox.url()]);
    assert_eq!(answer(elsewhere).await, me);
    sandbox.stop().await;
}
