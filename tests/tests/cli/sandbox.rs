//! `payin sandbox …`: what the outside world does, from a shell.

use payin_tests::sandbox::{CHAIN, Sandbox, text};
use serde_json::{Value, json};

use super::{answer, failed, payin};

async fn play(sandbox: &Sandbox, args: &[&str]) -> Value {
    answer(payin(sandbox, &[&["sandbox"], args].concat())).await
}

#[tokio::test]
async fn the_world_obeys_a_shell() {
    let sandbox = Sandbox::frozen().await;
    let order = sandbox.order("SHELL", "10").await;
    let id = text(&order["orderId"]);
    let paid = play(&sandbox, &["pay", id, "--kind", "in_parts"]).await;
    assert_eq!(paid["txHashes"].as_array().map(Vec::len), Some(2), "{paid}");
    let last = text(&paid["txHashes"][1]);
    play(&sandbox, &["reorg", "--chain", CHAIN, "--depth", "1", "--lose", last]).await;
    play(&sandbox, &["reorg", "--chain", CHAIN, "--depth", "1", "--bring-back", last]).await;
    play(&sandbox, &["mine", "--chain", CHAIN, "--blocks", "3"]).await;
    assert_eq!(sandbox.order_now(&order["orderId"]).await["status"], "completed");
    failed(&payin(&sandbox, &["sandbox", "pay", id]).run().await, 6, "ORDER_ALREADY_PAID");
    failed(&payin(&sandbox, &["sandbox", "reorg", "--chain", CHAIN, "--depth", "1", "--drop", "--lose", last]).run().await, 2, "USAGE");

    for (verb, field, is) in
        [("stop", "stopped", true), ("start", "stopped", false), ("stall", "finalityStalled", true), ("unstall", "finalityStalled", false)]
    {
        assert_eq!(play(&sandbox, &["chain", verb, CHAIN]).await[field], is, "{verb}");
    }
    assert!(play(&sandbox, &["chains"]).await["chains"].as_array().is_some_and(|chains| chains.len() > 3));
    assert_eq!(play(&sandbox, &["clock", "run"]).await["frozen"], false);
    assert_eq!(play(&sandbox, &["clock", "freeze"]).await["frozen"], true);
    assert_eq!(play(&sandbox, &["clock", "advance", "2m"]).await["pending"], json!([]));
    sandbox.stop().await;
}

#[tokio::test]
async fn what_goes_wrong_and_what_has_happened_is_said_in_a_shell() {
    let sandbox = Sandbox::frozen().await;
    let start = play(&sandbox, &["snapshot"]).await;
    let rule =
        play(&sandbox, &["fault", "add", "api", "error", "--match", "GET /api/v1/me", "--code", "SERVICE_UNAVAILABLE", "--count", "1"])
            .await;
    assert_eq!((&rule["id"], &rule["applied"], &rule["code"]), (&json!(1), &json!(0), &json!("SERVICE_UNAVAILABLE")));
    sandbox.get("/api/v1/me").await.refused(503, "SERVICE_UNAVAILABLE", "");
    assert_eq!(play(&sandbox, &["fault", "list"]).await["faults"][0]["applied"], 1);
    assert_eq!(play(&sandbox, &["fault", "clear"]).await, json!({ "cleared": 1 }));
    failed(&payin(&sandbox, &["sandbox", "fault", "add", "rpc", "lose"]).run().await, 6, "VALIDATION_ERROR");

    let entries = play(&sandbox, &["journal", "--kind", "request", "--limit", "5"]).await;
    assert_eq!((&entries["entries"][0]["what"], &entries["entries"][0]["fault"]), (&json!("GET /api/v1/me"), &json!(1)));
    assert_eq!(play(&sandbox, &["journal", "assert", "--match", "GET /api/v1/me 503*", "--count", "1"]).await, json!({ "count": 1 }));
    let exit = payin(&sandbox, &["sandbox", "journal", "assert", "--kind", "delivery"]).run().await;
    let report = failed(&exit, 9, "NOT_AS_ASSERTED");
    assert!(text(&report["message"]).contains("nothing came"), "{report}");

    sandbox.order("GONE", "1").await;
    assert_eq!(play(&sandbox, &["restore", text(&start["snapshotId"])]).await, start);
    assert_eq!(sandbox.counts().await["orders"], 0);
    sandbox.order("GONE", "1").await;
    assert_eq!(play(&sandbox, &["reset"]).await["snapshotId"], "start");
    assert_eq!(sandbox.counts().await["orders"], 0);
    failed(&payin(&sandbox, &["sandbox", "restore", "snap_9"]).run().await, 3, "RESOURCE_NOT_FOUND");
    sandbox.stop().await;
}
