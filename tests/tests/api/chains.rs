//! `GET /chains` over the real thing: what is told of chains that are followed, of one that is halted, and of nodes.

use payin_tests::sandbox::{CHAIN, Sandbox, text};
use payin_types::Role;
use serde_json::{Value, json};

const PATH: &str = "/api/v1/chains";

fn chain<'a>(all: &'a Value, id: &str) -> &'a Value {
    let chains = all["data"].as_array().expect("chains");
    chains.iter().find(|chain| chain["chainId"] == id).unwrap_or_else(|| panic!("no {id} in {all:#}"))
}

async fn chains_are_told(sandbox: &Sandbox) {
    let order = sandbox.order("PAID", "5").await;
    sandbox.pay(&order["orderId"], json!({})).await;
    sandbox.mine(3).await;
    sandbox.order_with_status(&order["orderId"], "completed").await;
    let is = |all: &Value| chain(all, CHAIN)["nodes"][0]["height"].is_u64();
    let all = sandbox.read_when(PATH, "asked of its node", is).await;
    let followed = chain(&all, CHAIN);
    assert_eq!((&followed["status"], &followed["protocol"]), (&json!("following"), &json!("evm")), "{followed:#}");
    assert_eq!((&followed["confirmedBy"], &followed["requiredConfirmations"]), (&json!("count"), &json!(3)));
    assert!(followed["headNumber"].is_u64() && followed["headHash"].is_string() && followed["lagSeconds"].is_u64(), "{followed:#}");
    assert_eq!((&followed["holes"], &followed["scans"][0]["toNumber"]), (&json!([]), &followed["headNumber"]), "{followed:#}");
    let node = &followed["nodes"][0];
    assert_eq!((&node["number"], &node["answers"], followed["nodes"].as_array().map(Vec::len)), (&json!(1), &json!(true), Some(1)));
    assert!(!all.to_string().contains("http") && !all.to_string().contains("127.0.0.1"), "where nodes are is nobody's business: {all:#}");
    // Tron and Solana count what has come to rest.
    for chain in all["data"].as_array().expect("chains") {
        let expected = if chain["protocol"] == "evm" { "count" } else { "finalized" };
        assert_eq!(chain["confirmedBy"], expected, "{chain:#}");
    }

    // Every role; nobody without a key; no parameters.
    for role in [Role::Owner, Role::Admin, Role::Member, Role::Viewer] {
        let key = sandbox.key_with_role(role).await;
        assert_eq!(
            sandbox.ask("GET", PATH).key(&key).send().await.ok(200)["data"].as_array().map(Vec::len),
            all["data"].as_array().map(Vec::len)
        );
    }
    sandbox.ask("GET", PATH).no_key().send().await.refused(401, "INVALID_API_KEY", "");
    sandbox.get(&format!("{PATH}?page=1")).await.refused(400, "VALIDATION_ERROR", "page");

    // Halted, and compared with something found. Whose money it is sees which.
    let database = sandbox.database();
    database.execute("UPDATE chain_cursors SET halted = 'the node has another block 7 than we' WHERE chain_id = 'base-sepolia'").await;
    let difference = json!([{ "txHash": "0x00000000000000000000000000000000000000000000000000000000000000aa", "ordinal": 0, "blockNumber": 7,
        "to": order["address"], "transferId": null, "what": "not_recorded", "detail": "5.00 USDT was not recorded" }]);
    let insert = format!("INSERT INTO chain_reconciliations VALUES ('base-sepolia', 1, 9, 1, '{difference}', 1, 1767225600000)");
    database.execute(&insert).await;
    let all = sandbox.read(PATH).await;
    let halted = chain(&all, "base-sepolia");
    assert!(halted["status"] == "halted" && text(&halted["message"]).contains("another block 7"), "{halted:#}");
    let last = &halted["lastReconciliation"];
    assert_eq!((&last["differenceCount"], &last["differences"][0]["kind"]), (&json!(1), &json!("not_recorded")), "{halted:#}");
    let stranger = sandbox.stranger().await;
    let theirs = sandbox.ask("GET", PATH).key(&stranger).send().await.ok(200);
    let last = &chain(&theirs, "base-sepolia")["lastReconciliation"];
    assert_eq!((&last["differenceCount"], &last["differences"]), (&json!(1), &json!([])));
}

#[tokio::test]
async fn chains_are_told_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    chains_are_told(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn chains_are_told_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    chains_are_told(&sandbox).await;
    sandbox.stop().await;
}
