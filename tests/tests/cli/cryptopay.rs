//! `payin cryptopay …`: the same output rules and exit codes as `payin orders …`; and its login, whose session goes on by itself, however
//! many programs share it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use futures_util::future::join_all;
use payin_tests::nodes::program::Command;
use payin_tests::sandbox::{Sandbox, text};
use serde_json::{Value, json};

use super::{answer, failed, kept_in, payin, payin_at};

const PASSWORD: &str = "correct horse battery";
const ADDRESS: &str = "0x52908400098527886E0F7030069857D2E4169EE7";

fn cryptopay<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["cryptopay"], more].concat()
}

fn order<'a>(nonce: &'a str, amount: &'a str) -> Vec<&'a str> {
    cryptopay(&["orders", "create", "--nonce", nonce, "--amount", amount, "--currency", "USDC", "--blockchain", "base"])
}

/// The same order, as the native API names it.
fn native(order: &Value) -> String {
    text(&order["order_id"]).replace("ORD-", "ord_")
}

fn lines(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test]
async fn an_order_is_created_found_again_listed_and_waited_for() {
    let sandbox = Sandbox::frozen().await;
    let create = [order("1704110400000", "12.50"), vec!["--order-info", "{\"cart\":17}"]].concat();
    let made = answer(payin(&sandbox, &create)).await;
    assert_eq!((&made["status"], &made["nonce"], &made["amount"]), (&json!("pending"), &json!(1_704_110_400_000_u64), &json!("12.50")));
    assert_eq!((&made["id"], &made["order_info"]), (&json!(1), &json!("{\"cart\":17}")));
    let id = text(&made["order_id"]);
    assert_eq!(answer(payin(&sandbox, &create)).await["order_id"], made["order_id"]);
    for name in [id, "1"] {
        assert_eq!(answer(payin(&sandbox, &cryptopay(&["orders", "get", name]))).await, made, "{name}");
    }
    let mut waiting = payin(&sandbox, &cryptopay(&["orders", "wait", id])).start();
    waiting.stderr_with(&format!("{id}: send 12.50 USDC on base to 0x")).await;
    answer(payin(&sandbox, &["sandbox", "pay", &native(&made)])).await;
    answer(payin(&sandbox, &["sandbox", "mine", "--chain", "base-sepolia", "--blocks", "3"])).await;
    let exit = waiting.wait().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let paid = exit.json();
    assert_eq!((&paid["status"], &paid["amount_received"]), (&json!("confirmed"), &json!("12.50")));

    // A page as the API writes it, a table for eyes, and all of it line by line.
    sandbox.advance(1).await;
    answer(payin(&sandbox, &order("2", "1"))).await;
    let page = answer(payin(&sandbox, &cryptopay(&["orders", "list", "--limit", "1"]))).await;
    assert_eq!((&page["count"], &page["results"][0]["id"], &page["previous"]), (&json!(2), &json!(2), &Value::Null));
    assert_eq!(page["next"], "/api/payment-orders/?page=2&page_size=1");
    let table = payin(&sandbox, &cryptopay(&["orders", "list", "--output", "table"])).run().await;
    assert!(table.stdout.contains(id) && table.stderr.contains("page 1 of 1, 2 in all"), "{table:?}");
    let last = payin(&sandbox, &cryptopay(&["orders", "list", "--limit", "1", "--page", "2", "-o", "table"])).run().await;
    assert!(last.stderr.contains("page 2 of 2, 2 in all"), "{last:?}");
    let all = payin(&sandbox, &cryptopay(&["orders", "list", "--all"])).run().await;
    let numbers: Vec<Value> = lines(&all.stdout).iter().map(|order| order["id"].clone()).collect();
    assert_eq!(numbers, [json!(2), json!(1)], "{all:?}");

    // What arrived is a transaction.
    let hash = text(&paid["transaction"]["transaction_hash"]);
    let one = answer(payin(&sandbox, &cryptopay(&["transactions", "get", hash]))).await;
    assert_eq!((&one["order_id"], &one["status"], &one["amount"]), (&made["order_id"], &json!("confirmed"), &json!("12.50")));
    let listed = answer(payin(&sandbox, &cryptopay(&["transactions", "list"]))).await;
    assert_eq!((&listed["count"], &listed["results"]), (&json!(1), &json!([one])));
    let csv = payin(&sandbox, &cryptopay(&["transactions", "list", "-o", "csv"])).run().await;
    assert!(csv.stdout.starts_with("transaction_hash,order_id,status") && csv.stdout.contains(hash), "{csv:?}");
    sandbox.stop().await;
}

#[tokio::test]
async fn wallets_and_webhooks_are_added_listed_and_changed() {
    let sandbox = Sandbox::frozen().await;
    let merchant = sandbox.stranger().await;
    let run = |args: &[&str]| payin_at(sandbox.url(), &merchant, &cryptopay(args));
    let wallet = answer(run(&["wallets", "add", "--blockchain", "base", "--address", ADDRESS])).await;
    assert_eq!((&wallet["address"], &wallet["is_active"]), (&json!(ADDRESS), &json!(true)));
    let away = answer(run(&["wallets", "update", text(&wallet["id"]), "--active", "false", "--blockchain", "polygon"])).await;
    assert_eq!((&away["is_active"], &away["blockchain"]), (&json!(false), &json!("polygon")));
    assert_eq!(answer(run(&["wallets", "list"])).await["results"], json!([away]));
    let table = run(&["wallets", "list", "-o", "table"]).run().await;
    assert!(table.stdout.contains(ADDRESS) && table.stderr.contains("1 in all"), "{table:?}");
    failed(&run(&["wallets", "add", "--blockchain", "base"]).run().await, 2, "USAGE");

    // The secret is shown this once.
    let url = "https://shop.example/hooks";
    let hook = answer(run(&["webhooks", "create", "--url", url, "--event", "payment.confirmed,order.expired"])).await;
    assert_eq!((&hook["url"], &hook["events"]), (&json!(url), &json!(["payment.confirmed", "order.expired"])));
    assert!(text(&hook["secret"]).len() >= 16, "{hook}");
    let off = answer(run(&["webhooks", "update", text(&hook["id"]), "--active", "false", "--event", "order.expired"])).await;
    assert_eq!((&off["is_active"], &off["events"], off.get("secret")), (&json!(false), &json!(["order.expired"]), None));
    assert_eq!(answer(run(&["webhooks", "list"])).await["results"], json!([off]));
    let report = failed(&run(&["webhooks", "create", "--url", url, "--event", "payment.made"]).run().await, 6, "VALIDATION_ERROR");
    assert!(text(&report["details"]["events"][0]).contains("'payment.made' is none"), "{report}");
    failed(&run(&["webhooks", "update", "we_none", "--active", "true"]).run().await, 3, "NOT_FOUND");
    sandbox.stop().await;
}

#[tokio::test]
async fn failures_have_their_exit_codes() {
    let sandbox = Sandbox::frozen().await;
    answer(payin(&sandbox, &order("1", "1"))).await;
    let fails = async |args: &[&str], status: i32, code: &str| {
        let exit = payin(&sandbox, args).run().await;
        assert_eq!(exit.stdout, "", "{args:?}");
        failed(&exit, status, code)
    };
    // What is wrong is said by field, to programs and to people.
    let taken = fails(&order("1", "2"), 6, "VALIDATION_ERROR").await;
    let said = text(&taken["details"]["nonce"][0]);
    assert!(
        said.starts_with("'1' is taken by order ORD-") && said.ends_with(" of the cryptopay API, which asks for something else"),
        "{said}"
    );
    let bad = [order("2", "0.0000001"), vec!["--order-info", "{", "-o", "table"]].concat();
    let exit = payin(&sandbox, &bad).run().await;
    assert_eq!(exit.code, Some(6), "{exit:?}");
    for line in ["amount: ", "order_info: must be a string that is JSON"] {
        assert!(exit.stderr.contains(line), "{exit:?}");
    }
    fails(&cryptopay(&["orders", "get", "ORD-none"]), 3, "NOT_FOUND").await;
    fails(&cryptopay(&["transactions", "get", "0x00"]), 3, "NOT_FOUND").await;
    fails(&cryptopay(&["orders", "list", "--limit", "101"]), 6, "VALIDATION_ERROR").await;
    fails(&cryptopay(&["orders", "list", "--page", "9"]), 3, "NOT_FOUND").await;
    let exit = payin_at(sandbox.url(), "pk_test_wrong", &cryptopay(&["orders", "list"])).run().await;
    assert!(text(&failed(&exit, 4, "UNAUTHORIZED")["hint"]).contains("payin cryptopay login"), "{exit:?}");
    let viewer = sandbox.key_with_role(payin_types::Role::Viewer).await;
    failed(&payin_at(sandbox.url(), &viewer, &order("3", "1")).run().await, 4, "FORBIDDEN");
    let stranger = sandbox.stranger().await;
    let report = failed(&payin_at(sandbox.url(), &stranger, &order("1", "1")).run().await, 1, "NO_WALLET_AVAILABLE");
    assert!(text(&report["hint"]).contains("payin cryptopay wallets add"), "{report}");
    failed(&payin_at("http://127.0.0.1:1", sandbox.key(), &cryptopay(&["orders", "list"])).run().await, 8, "NETWORK");

    // What is not paid in time ends with nine.
    let made = answer(payin(&sandbox, &order("4", "1"))).await;
    let wait = cryptopay(&["orders", "wait", text(&made["order_id"])]);
    let report = failed(&payin(&sandbox, &[&wait[..], &["--timeout", "0"]].concat()).run().await, 9, "WAIT_TIMED_OUT");
    assert!(text(&report["hint"]).contains("payin cryptopay orders wait ORD-"), "{report}");
    answer(payin(&sandbox, &["sandbox", "clock", "advance", "61m"])).await;
    let exit = payin(&sandbox, &wait).run().await;
    failed(&exit, 9, "ORDER_EXPIRED");
    assert_eq!(exit.json()["status"], "expired");
    sandbox.stop().await;
}

async fn register(sandbox: &Sandbox, name: &str) {
    let body = json!({ "username": name, "email": format!("{name}@shop.example"), "password": PASSWORD, "shop_name": "A shop" });
    sandbox.ask("POST", "/api/auth/register").no_key().json(&body).send().await.ok(201);
}

fn with_password(mut login: Command, password: &str) -> Command {
    login.stdin(format!("{password}\n"));
    login
}

async fn count(sandbox: &Sandbox, column: &str) -> String {
    sandbox.database().value(&format!("SELECT COUNT(*) FROM refresh_tokens WHERE {column} IS NOT NULL")).await
}

#[tokio::test]
async fn a_login_is_kept_and_prolonged_once_by_all_who_share_it() {
    let (sandbox, home) = (Sandbox::frozen().await, tempfile::tempdir().expect("a folder"));
    register(&sandbox, "alice").await;
    let run = |args: &[&str]| kept_in(home.path(), &[args, &["--profile", "shop"]].concat());
    let login = ["cryptopay", "login", "--username", "alice"];
    let at = [&login[..], &["--base-url", sandbox.url()]].concat();
    // No flag takes the password; without a server, a password, or the right one, nothing is kept.
    failed(&run(&[&at[..], &["--password", PASSWORD]].concat()).run().await, 2, "USAGE");
    failed(&with_password(run(&login), PASSWORD).run().await, 2, "USAGE");
    failed(&with_password(run(&at), "").run().await, 2, "USAGE");
    failed(&with_password(run(&at), "wrong horse battery").run().await, 4, "UNAUTHORIZED");
    let clear = ["cryptopay", "login", "--username", "alice", "--base-url", "http://192.0.2.1:3000"];
    failed(&with_password(run(&clear), PASSWORD).run().await, 2, "CONFIG");
    assert!(!home.path().join("payin").exists());

    let exit = with_password(run(&at), PASSWORD).run().await;
    let told = exit.json();
    assert_eq!((&told["profile"], &told["keptIn"], &told["user"]["username"]), (&json!("shop"), &json!("file"), &json!("alice")));
    let file = home.path().join("payin/profiles.json");
    assert_eq!(fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o600);
    let kept = || fs::read_to_string(&file).expect("the file");
    let token = |kept: &str| kept.split("refresh").nth(1).and_then(|rest| rest.split('"').nth(2)).map(str::to_owned);
    let begun = token(&kept()).expect("a refresh token");
    let begun = begun.trim_end_matches('\\');
    for secret in [PASSWORD, begun] {
        assert!(!exit.stdout.contains(secret) && !exit.stderr.contains(secret), "{exit:?}");
    }
    assert!(begun.len() > 40 && !kept().contains(PASSWORD));

    // The session acts for a merchant of her own. For other APIs it is no key, and that is said.
    answer(run(&["cryptopay", "wallets", "add", "--blockchain", "base", "--address", ADDRESS])).await;
    let report = failed(&run(&["whoami"]).run().await, 4, "NO_API_KEY");
    assert!(text(&report["message"]).contains("session of the CryptoPay API"), "{report}");
    assert_eq!(count(&sandbox, "used_at").await, "0");

    // A day later the token is over, for many programs at once: one prolongs the session, and none ends it for the others.
    for day in ["1", "2"] {
        sandbox.advance(86_400).await;
        let all = join_all((0..6).map(|_| answer(run(&["cryptopay", "wallets", "list"])))).await;
        assert!(all.iter().all(|page| page["count"] == 1), "{all:?}");
        assert_eq!((count(&sandbox, "used_at").await.as_str(), count(&sandbox, "revoked_at").await.as_str()), (day, "0"));
    }
    assert!(!kept().contains(begun), "the token that was used up is not kept");

    // Unused for 30 days it is over, and says what to do.
    sandbox.advance(31 * 86_400).await;
    let report = failed(&run(&["cryptopay", "wallets", "list"]).run().await, 4, "UNAUTHORIZED");
    assert!(text(&report["hint"]).contains("payin cryptopay login"), "{report}");
    answer(with_password(run(&at), PASSWORD)).await;
    answer(run(&["cryptopay", "wallets", "list"])).await;
    assert_eq!(answer(run(&["logout"])).await["success"], true);
    failed(&run(&["cryptopay", "wallets", "list"]).run().await, 4, "NO_PROFILE");
    sandbox.stop().await;
}
