//! What payers see and do, in a real browser (Chromium, driven by npm `playwright-core`) against the sandbox. A few whole ways through: what the
//! server sends for each state is `api/pages.rs`. No page may complain, ask another host, or have a grave finding of axe-core.

use std::time::Duration;

use payin_tests::nodes::from_scripts_test;
use payin_tests::nodes::program::Command;
use payin_tests::sandbox::{Sandbox, text};
use serde_json::{Value, json};

/// A browser beside a compiler is slow: longer than it waits for anything itself.
const PATIENCE: Duration = Duration::from_secs(300);

/// What was seen on a way through the pages.
async fn seen(sandbox: &Sandbox, scenario: &str, size: &str) -> Value {
    let mut node = Command::at("node");
    node.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/payer.js"));
    for name in ["PAYIN_TEST_CHROMIUM", "PAYIN_TEST_PLAYWRIGHT"] {
        node.env(name, from_scripts_test(name));
    }
    node.stdin(json!({ "scenario": scenario, "url": sandbox.url(), "key": sandbox.key(), "size": size }).to_string());
    let exit = node.start().wait_within(PATIENCE).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    exit.json()
}

#[track_caller]
fn assert_quiet(seen: &Value) {
    assert_eq!((&seen["complaints"], &seen["axe"]), (&json!([]), &json!([])));
}

async fn an_order_is_paid_while_its_page_looks_on(size: &str) {
    let sandbox = Sandbox::frozen().await;
    let seen = seen(&sandbox, "live", size).await;
    assert_quiet(&seen);
    assert_eq!(
        seen["headings"],
        json!(["Waiting for your payment", "Part of your payment has arrived", "Payment seen", "Payment complete"])
    );
    assert_eq!((&seen["sameDocument"], &seen["overflows"]), (&json!(true), &json!([false, false])));
    assert_eq!((&seen["copied"]["text"], &seen["copied"]["label"]), (&seen["copied"]["address"], &json!("Copied")));
    assert_eq!(seen["title"], "Payment complete · 12.50 USDT");
    let back = text(&seen["backAt"]);
    assert!(back.starts_with(&format!("{}/health?orderReference=O-", sandbox.url())) && back.contains("&status=completed&"), "{back}");
    sandbox.stop().await;
}

#[tokio::test]
async fn an_order_is_paid_while_its_page_looks_on_from_a_phone() {
    an_order_is_paid_while_its_page_looks_on("phone").await;
}

#[tokio::test]
async fn an_order_is_paid_while_its_page_looks_on_from_a_desktop() {
    an_order_is_paid_while_its_page_looks_on("desktop").await;
}

#[tokio::test]
async fn a_link_is_bought_without_a_script() {
    let sandbox = Sandbox::frozen().await;
    let seen = seen(&sandbox, "plain", "phone").await;
    assert_eq!(seen["headings"], json!(["Coffee", "Waiting for your payment", "Payment seen", "Payment complete"]));
    assert_eq!((&seen["shown"], &seen["request"], &seen["dead"]), (&json!(true), &json!(true), &json!(0)), "no button that does nothing");
    assert_eq!((&seen["soldOut"], &seen["complaints"]), (&json!("Sold out"), &json!([])));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_wallet_is_asked_for_the_exact_transfer_on_the_right_chain() {
    let sandbox = Sandbox::frozen().await;
    let seen = seen(&sandbox, "wallet", "desktop").await;
    let methods = |way: &str| {
        let asked = seen[way]["asked"].as_array().expect("what was asked").iter();
        asked.map(|asked| text(&asked["method"]).to_owned()).collect::<Vec<_>>()
    };
    let (accounts, chain, switch) = ("eth_requestAccounts", "eth_chainId", "wallet_switchEthereumChain");
    assert_eq!(methods("pays"), [accounts, chain, switch, chain, "eth_sendTransaction"]);
    assert_eq!(seen["pays"]["asked"][2]["params"], json!([{ "chainId": "0x61" }]));
    // 12.5 of a token with 18 decimals.
    let data = format!("0xa9059cbb{:0>64}{:064x}", text(&seen["address"])[2..].to_lowercase(), 12_500_000_000_000_000_000_u64);
    let contract = "0x0707070707070707070707070707070707070707";
    let call =
        json!([{ "from": "0x00000000000000000000000000000000000000aa", "to": contract, "data": data, "value": "0x0", "chainId": "0x61" }]);
    assert_eq!(seen["pays"]["asked"][4]["params"], call);
    assert!(text(&seen["pays"]["says"]).starts_with("Sent."), "{seen}");
    assert_eq!((&seen["pays"]["again"], &seen["afterReload"]), (&json!(false), &json!(false)), "nobody pays twice by mistake");
    // Nothing is sent on another chain, and nothing that was declined.
    assert_eq!(methods("stays"), [accounts, chain, switch]);
    assert_eq!(
        (text(&seen["declined"]["says"]), &seen["declined"]["again"]),
        ("You declined in your wallet. Nothing was sent.", &json!(true))
    );
    assert_eq!(seen["withoutWallet"], false);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_link_is_bought_with_the_keyboard() {
    let sandbox = Sandbox::frozen().await;
    let seen = seen(&sandbox, "keyboard", "phone").await;
    assert_quiet(&seen);
    assert_eq!((&seen["network"], &seen["total"], &seen["language"]), (&json!("Tron Nile"), &json!("3.25 USDT"), &json!("zh-Hans")));
    sandbox.stop().await;
}
