//! `payin chains list`, and what `payin doctor` says of chains.

use payin_tests::sandbox::{CHAIN, Sandbox, text};
use serde_json::{Value, json};

use super::{answer, failed, payin};

#[tokio::test]
async fn chains_are_listed_and_looked_after() {
    let sandbox = Sandbox::frozen().await;
    let all = answer(payin(&sandbox, &["chains", "list"])).await;
    let chain = all["data"].as_array().and_then(|all| all.iter().find(|chain| chain["chainId"] == CHAIN)).expect("the chain");
    assert_eq!((&chain["status"], &chain["requiredConfirmations"]), (&json!("following"), &json!(3)));
    let table = payin(&sandbox, &["chains", "list", "-o", "table"]).run().await;
    let line = table.stdout.lines().find(|line| line.contains(CHAIN)).unwrap_or_else(|| panic!("{table:?}"));
    assert!(line.contains("following"), "{table:?}");
    let csv = payin(&sandbox, &["chains", "list", "-o", "csv"]).run().await;
    assert!(csv.stdout.starts_with("chainId,status,headNumber,lagSeconds,requiredConfirmations,tokens.currency,"), "{csv:?}");
    assert!(csv.stdout.contains("\"USDT, USDC, PYUSD\"") && csv.stdout.contains("base-sepolia,following,"), "{csv:?}");

    let checks = |told: &Value| {
        let all = told["checks"].as_array().expect("checks").iter().filter(|check| check["area"] == "chains");
        all.cloned().collect::<Vec<Value>>()
    };
    let well = answer(payin(&sandbox, &["doctor"])).await;
    let told = checks(&well);
    assert!(told.len() == all["data"].as_array().map_or(0, Vec::len) && told.iter().all(|check| check["verdict"] == "ok"), "{well:#}");

    // A halted chain fails; a comparison that is old is a warning, and one that found something fails.
    let database = sandbox.database();
    database.execute("UPDATE chain_cursors SET halted = 'the node has another block 7 than we' WHERE chain_id = 'base-sepolia'").await;
    database.execute("INSERT INTO chain_reconciliations VALUES ('ethereum-sepolia', 1, 9, 4, '[]', 0, 1000)").await;
    database.execute("INSERT INTO chain_reconciliations VALUES ('arbitrum-sepolia', 1, 9, 4, '[]', 2, 1000)").await;
    let exit = payin(&sandbox, &["doctor"]).run().await;
    failed(&exit, 1, "UNHEALTHY");
    let told = checks(&exit.json());
    for (says, verdict, advice) in [
        ("base-sepolia: It is not followed any more until a person has looked", "fail", "payin-server chains halted"),
        ("ethereum-sepolia: chain and database were last compared at", "warn", "payin-server reconcile --chain ethereum-sepolia"),
        (
            "arbitrum-sepolia: chain and database differ in 2 transfers",
            "fail",
            "payin-server reconcile --chain arbitrum-sepolia --from 1 --to 9",
        ),
    ] {
        let check =
            told.iter().find(|check| text(&check["message"]).starts_with(says)).unwrap_or_else(|| panic!("no {says:?} in {told:#?}"));
        assert!(check["verdict"] == verdict && text(&check["advice"]).contains(advice), "{check:#}");
    }
    sandbox.stop().await;
}
