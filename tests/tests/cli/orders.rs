//! `payin orders …` and `payin sandbox …`.

use payin_tests::nodes::receiver::{Answer, Receiver};
use payin_tests::sandbox::{CHAIN, Sandbox, text};
use payin_types::Role;
use serde_json::{Value, json};

use super::{answer, failed, payin, payin_at};
use crate::sdk::proxy::Proxy;

fn create<'a>(reference: &'a str, amount: &'a str) -> Vec<&'a str> {
    vec!["orders", "create", "--reference", reference, "--amount", amount, "--currency", "USDT", "--chain", CHAIN]
}

fn with<'a>(mut args: Vec<&'a str>, more: &[&'a str]) -> Vec<&'a str> {
    args.extend(more);
    args
}

#[tokio::test]
async fn an_order_is_created_and_waited_for_while_somebody_pays() {
    let sandbox = Sandbox::frozen().await;
    let mut waiting = payin(&sandbox, &with(create("CLI-1", "12.50"), &["--wait", "--qr", "--metadata", "cart=17"])).start();
    let line = waiting.stderr_with("send 12.50 USDT on ethereum-sepolia to 0x").await;
    let id = json!(line.split(':').next().expect("the order's id"));
    let order = sandbox.order_now(&id).await;
    assert!(line.ends_with(text(&order["address"])), "{line}");
    assert_eq!(order["metadata"], json!({ "cart": "17" }));
    // Another hand pays it, with the same program.
    let paid = answer(payin(&sandbox, &["sandbox", "pay", text(&id)])).await;
    assert_eq!(answer(payin(&sandbox, &["sandbox", "mine", "--chain", CHAIN, "--blocks", "3"])).await["chains"][0]["chainId"], CHAIN);
    let exit = waiting.wait().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let done = exit.json();
    assert_eq!((&done["status"], &done["txHash"], &done["receivedAmount"]), (&json!("completed"), &paid["txHash"], &json!("12.50")));
    // Progress, the QR code and the address below it are for eyes: on stderr.
    assert!(
        exit.stderr.contains("completed") && exit.stderr.contains('█') && exit.stderr.contains(text(&order["address"])),
        "{}",
        exit.stderr
    );
    assert_eq!(answer(payin(&sandbox, &["orders", "wait", text(&id)])).await["status"], "completed");
    sandbox.stop().await;
}

#[tokio::test]
async fn what_is_not_paid_ends_with_nine() {
    let sandbox = Sandbox::frozen().await;
    let order = answer(payin(&sandbox, &create("CLI-2", "1"))).await;
    let id = text(&order["orderId"]);
    let exit = payin(&sandbox, &["orders", "wait", id, "--timeout", "0"]).run().await;
    let report = failed(&exit, 9, "WAIT_TIMED_OUT");
    assert!(text(&report["hint"]).contains(&format!("payin orders wait {id}")));
    // The order stands on stdout all the same.
    assert_eq!(exit.json()["status"], "pending");
    answer(payin(&sandbox, &["sandbox", "clock", "advance", "16m"])).await;
    sandbox.order_with_status(&order["orderId"], "expired").await;
    let exit = payin(&sandbox, &["orders", "wait", id]).run().await;
    failed(&exit, 9, "ORDER_EXPIRED");
    assert_eq!(exit.json()["status"], "expired");
    // Interrupted: the order is there, and how to go on is said.
    let waiting = payin(&sandbox, &with(create("CLI-3", "1"), &["--wait"])).start();
    let mut waiting = waiting;
    waiting.stderr_with("send 1 USDT").await;
    waiting.interrupt();
    let report = failed(&waiting.wait().await, 130, "INTERRUPTED");
    assert!(text(&report["hint"]).contains("payin orders wait ord_"));
    sandbox.stop().await;
}

#[tokio::test]
async fn each_kind_of_failure_has_its_exit_code() {
    let sandbox = Sandbox::frozen().await;
    let order = answer(payin(&sandbox, &create("TAKEN", "1"))).await;
    let fails = async |args: &[&str], status: i32, code: &str| {
        let exit = payin(&sandbox, args).run().await;
        assert_eq!(exit.stdout, "", "{args:?}");
        assert!(!exit.stderr.contains(sandbox.key()), "{args:?}: {}", exit.stderr);
        failed(&exit, status, code)
    };
    // 2: usage.
    fails(&["orders", "create"], 2, "USAGE").await;
    fails(&["orders", "fly"], 2, "USAGE").await;
    fails(&["orders", "get"], 2, "USAGE").await;
    fails(&["orders", "get", "ord_1", "--reference", "R"], 2, "USAGE").await;
    fails(&["orders", "list", "--page", "1", "--all"], 2, "USAGE").await;
    fails(&with(create("X", "1"), &["--metadata", "novalue"]), 2, "USAGE").await;
    fails(&with(create("X", "1"), &["--timeout", "5"]), 2, "USAGE").await;
    fails(&["--api-key", "pk_test_x", "whoami"], 2, "USAGE").await;
    fails(&["--base-url", "ftp://x", "whoami"], 2, "CONFIG").await;
    // 3: not found.
    fails(&["orders", "get", "ord_none"], 3, "RESOURCE_NOT_FOUND").await;
    fails(&["orders", "get", "--reference", "none"], 3, "RESOURCE_NOT_FOUND").await;
    fails(&["orders", "wait", "ord_none"], 3, "RESOURCE_NOT_FOUND").await;
    fails(&["webhooks", "endpoints", "delete", "we_none"], 3, "RESOURCE_NOT_FOUND").await;
    // 5: conflict.
    let taken = fails(&create("TAKEN", "2"), 5, "DUPLICATE_ORDER_REFERENCE").await;
    assert_eq!((&taken["existingOrderId"], &taken["statusCode"]), (&order["orderId"], &json!(409)));
    assert!(text(&taken["requestId"]).starts_with("req_"));
    answer(payin(&sandbox, &with(create("KEYED", "1"), &["--idempotency-key", "k"]))).await;
    fails(&with(create("KEYED", "2"), &["--idempotency-key", "k"]), 5, "IDEMPOTENCY_KEY_CONFLICT").await;
    // 6: validation, also of what cannot even be sent.
    for amount in ["0", "-1", "1e3", "NaN", "1.2345678", "1111111111111111111111111111111111111111"] {
        fails(&create("X", amount), 6, "INVALID_AMOUNT").await;
    }
    fails(&["orders", "create", "--reference", "X", "--amount", "1", "--currency", "usdt", "--chain", CHAIN], 6, "INVALID_CURRENCY").await;
    fails(&["orders", "create", "--reference", "X", "--amount", "1", "--currency", "USDT", "--chain", "nowhere"], 6, "INVALID_CHAIN").await;
    fails(&with(create("X", "1"), &["--success-url", "javascript:alert(1)"]), 6, "VALIDATION_ERROR").await;
    fails(&["orders", "list", "--limit", "101"], 6, "VALIDATION_ERROR").await;
    fails(&["orders", "list", "--status", "paid"], 6, "VALIDATION_ERROR").await;
    // 1: no fault of the caller's.
    let stranger = sandbox.stranger().await;
    let empty = failed(&payin_at(sandbox.url(), &stranger, &create("X", "1")).run().await, 1, "NO_AVAILABLE_ADDRESSES");
    assert_eq!((&empty["retryAfter"], text(&empty["hint"]).contains("payin addresses import")), (&json!(60), true));
    // Nothing was created by all of that.
    assert_eq!(sandbox.read("/api/v1/orders").await["pagination"]["total"], 2);
    sandbox.stop().await;
}

#[tokio::test]
async fn keys_and_networks_have_their_exit_codes() {
    let sandbox = Sandbox::frozen().await;
    // 4: no key, an unknown one, a weak one.
    let mut none = payin_at(sandbox.url(), "", &["whoami"]);
    none.env("PAYIN_API_KEY", "");
    assert!(text(&failed(&none.run().await, 4, "NO_API_KEY")["hint"]).contains("PAYIN_API_KEY"));
    failed(&payin_at(sandbox.url(), "pk_test_nobody", &["whoami"]).run().await, 4, "INVALID_API_KEY");
    let viewer = sandbox.key_with_role(Role::Viewer).await;
    failed(&payin_at(sandbox.url(), &viewer, &create("X", "1")).run().await, 4, "INSUFFICIENT_PERMISSIONS");
    assert_eq!(answer(payin_at(&format!("{}/api/v1/", sandbox.url()), &viewer, &["whoami"])).await["role"], "viewer");
    // 7: too often, though it waited as it was told.
    let busy = Receiver::start().await;
    let limited = json!({ "error": "", "message": "Too many", "code": "RATE_LIMIT_EXCEEDED", "statusCode": 429, "retryAfter": 0 });
    busy.answer(Answer::status(429).header("content-type", "application/json").header("retry-after", "0").body(limited.to_string()));
    failed(&payin_at(busy.url(), "pk_test_x", &["whoami"]).run().await, 7, "RATE_LIMIT_EXCEEDED");
    assert_eq!(busy.received().len(), 4);
    // 8: nobody there; something else there is an API error.
    let gone = Receiver::start().await;
    let url = gone.url().to_owned();
    drop(gone);
    tokio::task::yield_now().await;
    let mut nobody = payin_at(&url, "pk_test_x", &["orders", "get", "ord_1"]).start();
    busy.answer(Answer::status(404).body("<html>not here</html>"));
    let proxy = failed(&payin_at(busy.url(), "pk_test_x", &["orders", "get", "ord_1"]).run().await, 1, "HTTP_404");
    assert!(text(&proxy["hint"]).contains("PAYIN_BASE_URL"));
    assert!(text(&failed(&nobody.wait().await, 8, "NETWORK")["message"]).contains("GET /orders/{id}"));
    // 8: the order is made and nobody hears of it; the same command with the key it is told finds it.
    let proxy = Proxy::losing(usize::MAX, sandbox.url()).await;
    let lost = failed(&payin_at(proxy.url(), sandbox.key(), &create("LOST", "1")).run().await, 8, "OUTCOME_UNKNOWN");
    let key = text(&lost["idempotencyKey"]);
    assert!(text(&lost["hint"]).contains(&format!("--idempotency-key {key}")));
    let found = payin(&sandbox, &with(create("LOST", "1"), &["--idempotency-key", key])).run().await;
    assert_eq!(found.code, Some(0), "{found:?}");
    assert!(found.stderr.contains("earlier command"), "{}", found.stderr);
    assert_eq!(sandbox.read("/api/v1/orders").await["data"][0]["orderId"], found.json()["orderId"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn answers_come_in_the_form_asked_for() {
    let sandbox = Sandbox::frozen().await;
    for (reference, amount) in [("=1+1", "1"), ("A,\"b\"", "2"), ("plain", "3.50")] {
        answer(payin(&sandbox, &create(reference, amount))).await;
    }
    let said = async |args: &[&str]| {
        let exit = payin(&sandbox, args).run().await;
        assert_eq!(exit.code, Some(0), "{args:?}: {exit:?}");
        exit.stdout
    };
    // Piped: JSON, as the API says it.
    let page: Value = serde_json::from_str(&said(&["orders", "list"]).await).expect("JSON");
    assert_eq!(page, sandbox.read("/api/v1/orders").await);
    let one: Value = serde_json::from_str(&said(&["orders", "get", "--reference", "A,\"b\""]).await).expect("JSON");
    assert_eq!(one, sandbox.order_now(&one["orderId"]).await);
    // A table when asked for.
    let table = said(&["orders", "list", "--output", "table"]).await;
    assert!(table.contains("orderReference") && table.contains("A,\"b\"") && table.contains(text(&one["orderId"])), "{table}");
    let record = said(&["orders", "get", text(&one["orderId"]), "-o", "table"]).await;
    assert!(record.lines().any(|line| line.starts_with("status ") && line.ends_with("pending")), "{record}");
    // One object a line.
    for args in [
        &["orders", "list", "-o", "ndjson"][..],
        &["orders", "list", "--all", "-o", "ndjson"],
        &["orders", "list", "--all", "--limit", "1"],
    ] {
        let lines: Vec<Value> = said(args).await.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(json!(lines), page["data"], "{args:?}");
    }
    // CSV, from which no spreadsheet computes.
    for args in [&["orders", "list", "-o", "csv"][..], &["orders", "list", "--all", "-o", "csv"]] {
        let csv = said(args).await;
        let rows: Vec<&str> = csv.split("\r\n").collect();
        assert!(rows[0].starts_with("orderId,orderReference,status,amount"), "{csv}");
        assert_eq!((rows.len(), rows[4]), (5, ""), "{csv}");
        for cells in [",plain,pending,3.50,", ",\"A,\"\"b\"\"\",pending,2,", ",\"'=1+1\",pending,1,"] {
            assert!(rows.iter().any(|row| row.contains(cells)), "{cells} is not in {csv}");
        }
    }
    // Filters go over the wire.
    let filtered: Value =
        serde_json::from_str(&said(&["orders", "list", "--reference", "PLAIN", "--currency", "USDT", "--sort-by", "amount"]).await)
            .expect("JSON");
    assert_eq!(filtered["pagination"]["total"], 1);
    assert_eq!(said(&["orders", "list", "--created-before", "2020-01-01", "-o", "ndjson"]).await, "");
    // Errors are for people where answers are.
    let exit = payin(&sandbox, &["orders", "get", "ord_none", "-o", "table"]).run().await;
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(3), ""));
    assert!(exit.stderr.starts_with("error: Order 'ord_none' does not exist [RESOURCE_NOT_FOUND]"), "{}", exit.stderr);
    sandbox.stop().await;
}

#[tokio::test]
async fn the_sandbox_is_played_from_the_command_line() {
    let sandbox = Sandbox::frozen().await;
    let clock = answer(payin(&sandbox, &["sandbox", "clock"])).await;
    assert_eq!(clock["frozen"], true);
    assert_eq!(answer(payin(&sandbox, &["sandbox", "clock"])).await, clock);
    let order = answer(payin(&sandbox, &create("PLAY", "10"))).await;
    let id = text(&order["orderId"]);
    answer(payin(&sandbox, &["sandbox", "pay", id, "--kind", "under", "--no-mine"])).await;
    answer(payin(&sandbox, &["sandbox", "mine", "--chain", CHAIN])).await;
    sandbox.order_seen(&order["orderId"]).await;
    let head = answer(payin(&sandbox, &["sandbox", "reorg", "--chain", CHAIN, "--depth", "1", "--drop"])).await;
    assert_eq!(head["chainId"], CHAIN);
    sandbox.order_when(&order["orderId"], "forgotten", |order| order.get("txHash").is_none()).await;
    failed(&payin(&sandbox, &["sandbox", "pay", id, "--kind", "thrice"]).run().await, 6, "VALIDATION_ERROR");
    failed(&payin(&sandbox, &["sandbox", "pay", id, "--amount", "-1"]).run().await, 6, "INVALID_AMOUNT");
    failed(&payin(&sandbox, &["sandbox", "pay", "ord_none"]).run().await, 3, "RESOURCE_NOT_FOUND");
    answer(payin(&sandbox, &["sandbox", "pay", id, "--amount", "10"])).await;
    answer(payin(&sandbox, &["sandbox", "mine", "--blocks", "3"])).await;
    assert_eq!(answer(payin(&sandbox, &["orders", "wait", id])).await["status"], "completed");
    failed(&payin(&sandbox, &["sandbox", "pay", id]).run().await, 6, "ORDER_ALREADY_PAID");
    sandbox.stop().await;
}
