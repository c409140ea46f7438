//! `payin paywarden payments …`: the same output rules and exit codes as `payin orders …`.

use payin_tests::sandbox::{Sandbox, text};
use serde_json::{Value, json};

use super::{answer, failed, payin, payin_at};

fn payments<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["paywarden", "payments"], more].concat()
}

#[tokio::test]
async fn a_payment_is_created_found_again_listed_and_waited_for() {
    let sandbox = Sandbox::frozen().await;
    let create = payments(&["create", "--external-id", "order_1", "--amount", "12.50", "--metadata", "cart=17"]);
    let made = answer(payin(&sandbox, &create)).await;
    assert_eq!((&made["status"], &made["external_id"], &made["amount"]), (&json!("pending"), &json!("order_1"), &json!("12.50")));
    let id = text(&made["id"]);
    assert_eq!(answer(payin(&sandbox, &create)).await["id"], made["id"]);
    let mut waiting = payin(&sandbox, &payments(&["wait", id])).start();
    waiting.stderr_with("send 12.50 USDT on Tron to T").await;
    answer(payin(&sandbox, &["sandbox", "pay", id])).await;
    answer(payin(&sandbox, &["sandbox", "mine", "--chain", "tron-nile", "--blocks", "9"])).await;
    let exit = waiting.wait().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert_eq!((&exit.json()["status"], &exit.json()["amount_received"]), (&json!("confirmed"), &json!("12.50")));
    let shown = answer(payin(&sandbox, &payments(&["get", id]))).await;
    assert_eq!(shown["events"].as_array().map(Vec::len), Some(3));
    // A page as the API writes it, a table for eyes, and all of it line by line.
    let page = answer(payin(&sandbox, &payments(&["list", "--status", "confirmed"]))).await;
    assert_eq!((&page["total"], &page["data"][0]["id"]), (&json!(1), &made["id"]));
    let table = payin(&sandbox, &payments(&["list", "--output", "table"])).run().await;
    assert!(table.stdout.contains("order_1") && table.stderr.contains("page 1 of 1, 1 in all"), "{table:?}");
    let all = payin(&sandbox, &payments(&["list", "--all"])).run().await;
    let lines: Vec<Value> = all.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn failures_have_their_exit_codes() {
    let sandbox = Sandbox::frozen().await;
    answer(payin(&sandbox, &payments(&["create", "--external-id", "taken", "--amount", "1"]))).await;
    let fails = async |args: &[&str], status: i32, code: &str| {
        let exit = payin(&sandbox, &payments(args)).run().await;
        assert_eq!(exit.stdout, "", "{args:?}");
        failed(&exit, status, code)
    };
    fails(&["create", "--external-id", "taken", "--amount", "2"], 5, "EXTERNAL_ID_CONFLICT").await;
    fails(&["get", "ord_none"], 3, "NOT_FOUND").await;
    fails(&["create", "--external-id", "bad", "--amount", "0.0000001"], 6, "INVALID_AMOUNT").await;
    fails(&["list", "--status", "paid"], 6, "INVALID_QUERY").await;
    fails(&["list", "--limit", "101"], 6, "INVALID_QUERY").await;
    let exit = payin_at(sandbox.url(), "pk_test_wrong", &payments(&["list"])).run().await;
    failed(&exit, 4, "UNAUTHORIZED");
    let stranger = sandbox.stranger().await;
    let exit = payin_at(sandbox.url(), &stranger, &payments(&["create", "--external-id", "x", "--amount", "1"])).run().await;
    let report = failed(&exit, 1, "NO_ADDRESS_AVAILABLE");
    assert!(text(&report["hint"]).contains("--protocol tron"), "{report}");
    // What is not paid within the hour, and the grace after it, ends with nine.
    let made = answer(payin(&sandbox, &payments(&["create", "--external-id", "late", "--amount", "1"]))).await;
    let exit = payin(&sandbox, &payments(&["wait", text(&made["id"]), "--timeout", "0"])).run().await;
    let report = failed(&exit, 9, "WAIT_TIMED_OUT");
    assert!(text(&report["hint"]).contains("payin paywarden payments wait ord_"), "{report}");
    answer(payin(&sandbox, &["sandbox", "clock", "advance", "66m"])).await;
    let exit = payin(&sandbox, &payments(&["wait", text(&made["id"])])).run().await;
    failed(&exit, 9, "ORDER_EXPIRED");
    assert_eq!(exit.json()["status"], "expired");
    sandbox.stop().await;
}
