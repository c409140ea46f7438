//! What payers see and do, and merchants' people at the dashboard, in a real browser (Chromium, driven by npm `playwright-core`) against the sandbox. A few whole ways through: what the
//! server sends for each state is `api/pages.rs` and `api/dashboard.rs`. No page may complain, ask another host, or have a grave finding of axe-core.

use std::time::Duration;

use payin_tests::nodes::from_scripts_test;
use payin_tests::nodes::program::Command;
use payin_tests::sandbox::{PASSWORD, Sandbox, text};
use payin_types::Role;
use serde_json::{Value, json};

/// A browser beside a compiler is slow: longer than it waits for anything itself.
const PATIENCE: Duration = Duration::from_secs(300);

/// What was seen on a payer's way through the pages.
async fn seen(sandbox: &Sandbox, scenario: &str, size: &str) -> Value {
    played("payer.js", json!({ "scenario": scenario, "url": sandbox.url(), "key": sandbox.key(), "size": size })).await
}

/// What somebody saw who signs in at the dashboard.
async fn seen_by(sandbox: &Sandbox, (email, password): (&str, &str), scenario: &str, size: &str) -> Value {
    let asked = json!({
        "scenario": scenario, "url": sandbox.url(), "key": sandbox.key(), "email": email, "password": password, "size": size,
    });
    played("owner.js", asked).await
}

async fn played(script: &str, asked: Value) -> Value {
    let mut node = Command::at("node");
    node.arg(format!("{}/tests/browser/{script}", env!("CARGO_MANIFEST_DIR")));
    for name in ["PAYIN_TEST_CHROMIUM", "PAYIN_TEST_PLAYWRIGHT"] {
        node.env(name, from_scripts_test(name));
    }
    node.stdin(asked.to_string());
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
async fn what_happens_between_a_page_and_its_stream_is_seen() {
    let sandbox = Sandbox::frozen().await;
    let seen = seen(&sandbox, "between", "phone").await;
    assert_eq!((&seen["rendered"], &seen["complaints"]), (&json!("Waiting for your payment"), &json!([])));
    sandbox.stop().await;
}

#[tokio::test]
async fn an_orders_page_waits_for_nothing_but_itself() {
    let sandbox = Sandbox::frozen().await;
    let seen = seen(&sandbox, "paint", "phone").await;
    // How soon it is seen depends on the machine, so that is printed; that nothing else is waited for is what makes it soon.
    let page = &seen["page"];
    for (what, seen) in [("an order's page", page), ("a line of text", &seen["line"])] {
        let told = |one: &Value| format!("{} ms, of which {} ms until the answer was there", one["ms"], one["answeredMs"]);
        println!(
            "first contentful paint of {what}: {}, in a browser that has just started; {}, after another page of this server; {}, after another \
             site's",
            told(seen),
            told(&seen["same"]),
            told(&seen["cross"])
        );
    }
    assert_eq!(page["blocking"], json!([]));
    let asked = page["asked"].as_array().expect("what was asked for");
    // Its stream, and itself again once that is open.
    assert!(asked.iter().all(|path| text(path) == "/checkout/assets/page.js" || text(path).starts_with("/checkout/ord_")), "{asked:?}");
    sandbox.stop().await;
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
    assert_eq!(seen["afterMore"], false, "nor because somebody else sends something meanwhile");
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
async fn a_tron_wallet_is_asked_for_the_exact_transfer_on_the_right_chain() {
    let sandbox = Sandbox::frozen().await;
    let seen = seen(&sandbox, "tron", "phone").await;
    let methods = |way: &str| {
        let asked = seen[way]["asked"].as_array().expect("what was asked").iter();
        asked.map(|asked| text(&asked["method"]).to_owned()).collect::<Vec<_>>()
    };
    let (accounts, first, switch) = ("eth_requestAccounts", "getBlockByNumber", "wallet_switchEthereumChain");
    let (build, sign, send) = ("triggerSmartContract", "sign", "sendRawTransaction");
    assert_eq!(methods("pays"), [accounts, first, switch, first, build, sign, send]);
    let asked = &seen["pays"]["asked"];
    assert_eq!((&asked[1]["params"], &asked[2]["params"]), (&json!([0]), &json!([{ "chainId": "0xcd8690dc" }])));
    let values = json!([{ "type": "address", "value": seen["address"] }, { "type": "uint256", "value": "12500000" }]);
    let contract = sandbox.read("/api/v1/chains").await["data"]
        .as_array()
        .expect("chains")
        .iter()
        .find(|chain| chain["chainId"] == "tron-nile")
        .expect("Nile")["tokens"][0]["contractAddress"]
        .clone();
    let call = json!([contract, "transfer(address,uint256)", { "feeLimit": 100_000_000 }, values, "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"]);
    assert_eq!(asked[4]["params"], call);
    assert_eq!(
        (&asked[5]["params"], &asked[6]["params"]),
        (&json!([{ "txID": "built" }]), &json!([{ "txID": "built", "signature": ["signed"] }]))
    );
    assert!(text(&seen["pays"]["says"]).starts_with("Sent.") && seen["pays"]["again"] == false && seen["afterReload"] == false, "{seen}");
    // Nothing is sent on another chain, nothing that was declined, and what the node refuses is not said to be sent.
    assert_eq!(methods("stays"), [accounts, first, switch]);
    assert_eq!(methods("declined"), [accounts, first, switch, first, build, sign]);
    for (way, says) in [("stays", "declined"), ("declined", "declined"), ("refused", "could not")] {
        assert!(text(&seen[way]["says"]).contains(says) && seen[way]["again"] == true, "{way}: {}", seen[way]);
        assert_eq!(seen[way]["complaints"], json!([]));
    }
    assert_eq!(seen["withOther"], false);
    let solana = text(&seen["solana"]);
    assert!(solana.starts_with(&format!("solana:{}?amount=12.50&spl-token=", text(&seen["solanaAddress"]))), "{solana}");
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

/// What an owner has done, whatever the window and with or without a script.
#[track_caller]
fn assert_worked(seen: &Value) {
    assert_eq!(seen["complaints"], json!([]));
    let bad = seen["badImport"].as_array().expect("bad lines");
    assert!(bad.len() == 1 && text(&bad[0]).starts_with("Line 3: 0x123: "), "{bad:?}");
    assert_eq!((&seen["keyWorks"], &seen["link"], &seen["public"]), (&json!(200), &json!("Coffee"), &json!(200)));
    assert_eq!(
        (&seen["found"], &seen["order"], &seen["event"]),
        (&json!(["INVOICE-77"]), &json!("Order INVOICE-77"), &json!("order.completed"))
    );
}

async fn an_owner_does_the_days_work(size: &str) {
    let sandbox = Sandbox::frozen().await;
    let seen = seen_by(&sandbox, sandbox.owner(), "owner", size).await;
    assert_worked(&seen);
    assert_eq!((&seen["axe"], &seen["overflows"]), (&json!([]), &json!([])));
    assert_eq!((&seen["over"], &seen["droppedFile"]), (&json!(true), &json!("dropped.csv")));
    let dropped = seen["droppedImport"].as_array().expect("bad lines");
    assert!(dropped.len() == 1 && text(&dropped[0]).starts_with("Line 3: 0x123: "), "{dropped:?}");
    assert!(seen["ways"] == 15 && seen["below"].as_u64() > Some(6), "{seen}");
    sandbox.stop().await;
}

#[tokio::test]
async fn an_owner_does_the_days_work_on_a_phone() {
    an_owner_does_the_days_work("phone").await;
}

#[tokio::test]
async fn an_owner_does_the_days_work_on_a_desktop() {
    an_owner_does_the_days_work("desktop").await;
}

#[tokio::test]
async fn an_owner_does_the_days_work_without_a_script() {
    let sandbox = Sandbox::frozen().await;
    let seen = seen_by(&sandbox, sandbox.owner(), "plain", "phone").await;
    assert_worked(&seen);
    assert_eq!((&seen["dead"], &seen["out"]), (&json!(0), &json!("Sign in")), "no button that does nothing");
    sandbox.stop().await;
}

#[tokio::test]
async fn an_owner_signs_in_in_two_steps() {
    let sandbox = Sandbox::frozen().await;
    let seen = seen_by(&sandbox, sandbox.owner(), "twoStep", "phone").await;
    assert_quiet(&seen);
    assert_eq!((&seen["overflows"], &seen["recovery"], &seen["status"]), (&json!([]), &json!(10), &json!("On")));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_viewer_sees_and_changes_nothing() {
    let sandbox = Sandbox::frozen().await;
    let (email, _) = sandbox.person(sandbox.key(), Role::Viewer).await;
    let seen = seen_by(&sandbox, (&email, PASSWORD), "viewer", "desktop").await;
    let ways = ["Overview", "Orders", "Transfers", "Unmatched", "Payment links", "Deposits", "Deposit references", "Chains"];
    assert_eq!(seen["ways"], json!(ways));
    let search = json!(["Search"]);
    for (page, buttons) in [("Orders", &search), ("Payment links", &search), ("Deposit references", &search), ("Chains", &json!([]))] {
        assert_eq!(&seen["buttons"][page], buttons, "{page}");
    }
    assert_eq!((&seen["keys"], &seen["byHand"], &seen["complaints"]), (&json!(403), &json!(403), &json!([])));
    sandbox.stop().await;
}
