//! `payin deposits …`, `transfers`, `orders explain` and `stats`, `links`, `config`, `orgs`, `keys`.

use payin_tests::sandbox::{CHAIN, Sandbox, text};
use serde_json::{Value, json};

use super::{answer, failed, payin, payin_at};

fn order<'a>(reference: &'a str, amount: &'a str) -> Vec<&'a str> {
    vec!["orders", "create", "--reference", reference, "--amount", amount, "--currency", "USDT", "--chain", CHAIN]
}

async fn table(sandbox: &Sandbox, args: &[&str]) -> String {
    let exit = payin(sandbox, &[args, &["-o", "table"]].concat()).run().await;
    assert_eq!(exit.code, Some(0), "{args:?}: {exit:?}");
    exit.stdout
}

#[tokio::test]
async fn a_payer_is_bound_pays_and_is_let_go() {
    let sandbox = Sandbox::frozen().await;
    let bind = ["deposits", "bind", "--deposit-reference", "C/7", "--currency", "USDT", "--chain", CHAIN, "--metadata", "tier=gold"];
    let bound = answer(payin(&sandbox, &[&bind[..], &["--idempotency-key", "k"]].concat())).await;
    assert_eq!((&bound["depositReference"], &bound["metadata"]), (&json!("C/7"), &json!({ "tier": "gold" })));
    let again = payin(&sandbox, &[&bind[..], &["--idempotency-key", "k"]].concat()).run().await;
    assert_eq!((again.json(), again.stderr.contains("earlier command")), (bound.clone(), true));
    failed(&payin(&sandbox, &bind).run().await, 5, "DUPLICATE_DEPOSIT_REFERENCE");

    let paid = answer(payin(&sandbox, &["sandbox", "pay", "--deposit-reference", "C/7", "--amount", "12.50"])).await;
    answer(payin(&sandbox, &["sandbox", "mine", "--blocks", "3"])).await;
    sandbox.read_when("/api/v1/deposits", "confirmed", |page| page["data"][0]["status"] == "confirmed").await;
    let list = answer(payin(&sandbox, &["deposits", "list", "--deposit-reference", "C/7", "--status", "confirmed"])).await;
    assert_eq!((&list["data"][0]["txHash"], &list["data"][0]["amount"]), (&paid["txHash"], &json!("12.50")));
    let deposit = answer(payin(&sandbox, &["deposits", "show", text(&list["data"][0]["depositId"])])).await;
    assert_eq!(deposit["address"], bound["address"]);
    let shown = table(&sandbox, &["deposits", "get", "C/7"]).await;
    assert!(shown.contains("12.50 USDT") && shown.contains(text(&bound["address"])), "{shown}");
    assert_eq!(answer(payin(&sandbox, &["deposits", "references", "--search", "c/"])).await["pagination"]["total"], 1);
    let transfers = answer(payin(&sandbox, &["transfers", "list", "--business-type", "deposit", "--unmatched", "false"])).await;
    let id = text(&transfers["data"][0]["transferId"]);
    assert_eq!(answer(payin(&sandbox, &["transfers", "get", id])).await, transfers["data"][0]);

    assert_eq!(answer(payin(&sandbox, &["deposits", "unbind", "C/7", "--chain", CHAIN])).await["unboundAddresses"], 1);
    failed(&payin(&sandbox, &["deposits", "unbind", "C/7"]).run().await, 3, "DEPOSIT_REFERENCE_NOT_FOUND");
    failed(&payin(&sandbox, &["sandbox", "pay", "--deposit-reference", "C/7"]).run().await, 2, "USAGE");
    failed(&payin(&sandbox, &["sandbox", "pay", "ord_1", "--deposit-reference", "C/7", "--amount", "1"]).run().await, 2, "USAGE");
    sandbox.stop().await;
}

#[tokio::test]
async fn an_order_is_explained_in_words() {
    let sandbox = Sandbox::frozen().await;
    let made = answer(payin(&sandbox, &order("WHY", "100"))).await;
    let id = text(&made["orderId"]);
    let told = table(&sandbox, &["orders", "explain", "--reference", "WHY"]).await;
    assert!(told.starts_with("It is not paid yet: no payment has been seen.\n"), "{told}");
    assert!(told.contains("(nothing_seen)") && told.contains("10 min from now"), "{told}");
    answer(payin(&sandbox, &["sandbox", "pay", id, "--kind", "wrong_token"])).await;
    answer(payin(&sandbox, &["sandbox", "pay", id, "--amount", "40"])).await;
    answer(payin(&sandbox, &["sandbox", "mine", "--blocks", "3"])).await;
    sandbox.order_when(&made["orderId"], "received 40", |order| order["receivedAmount"] == "40.00").await;
    sandbox.read_when("/api/v1/transfers", "two transfers", |page| page["pagination"]["total"] == 2).await;
    let told = table(&sandbox, &["orders", "explain", id]).await;
    assert!(told.contains("- 40.00 USDT of the 100.00 USDT it asks for came: 60.00 USDT are missing. (short)"), "{told}");
    assert!(told.contains("the order asks for USDT.") && told.contains("(wrong_token)"), "{told}");
    answer(payin(&sandbox, &["sandbox", "clock", "advance", "20m"])).await;
    sandbox.order_with_status(&made["orderId"], "expired").await;
    let told = answer(payin(&sandbox, &["orders", "explain", id])).await;
    assert_eq!((&told["status"], &told["orderId"]), (&json!("expired"), &made["orderId"]));
    let words = |told: &Value| told["findings"].as_array().expect("findings").iter().map(|one| one["message"].clone()).collect::<Vec<_>>();
    assert_eq!(words(&told), words(&sandbox.read(&format!("/api/v1/orders/{id}/explain")).await), "the server's words");
    assert_eq!((&told["findings"][0]["code"], &told["findings"][1]["code"]), (&json!("expired_unpaid"), &json!("wrong_token")));
    failed(&payin(&sandbox, &["orders", "explain", "ord_none"]).run().await, 3, "RESOURCE_NOT_FOUND");

    let stats = answer(payin(&sandbox, &["orders", "stats"])).await;
    assert_eq!((&stats["totalOrders"], &stats["expiredOrders"]), (&json!(1), &json!(1)));
    assert_eq!(answer(payin(&sandbox, &["orders", "stats", "--created-before", "2020-01-01"])).await["totalOrders"], 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_link_from_its_draft_to_its_end() {
    let sandbox = Sandbox::frozen().await;
    let links = async |args: &[&str]| answer(payin(&sandbox, &[&["links"], args].concat())).await;
    let currency = format!("USDT={CHAIN}");
    let create = ["create", "--title", "T-shirt", "--amount", "25.00", "--currency", &currency, "--inventory-total", "3"];
    let link = links(&create).await;
    let id = text(&link["id"]);
    assert_eq!((&link["status"], &link["currencies"][0]["chainOptions"]), (&json!("draft"), &json!([CHAIN])));
    let mut from_file = payin(&sandbox, &["links", "create", "--json", "-", "--idempotency-key", "k"]);
    let body = json!({ "title": "Tea", "amount": "1", "currencies": [{ "currency": "USDT", "chainOptions": [CHAIN] }] });
    from_file.stdin(body.to_string());
    assert_eq!(answer(from_file).await["title"], "Tea");
    assert_eq!(links(&["update", id, "--inventory-total", "5", "--description", "soft"]).await["inventoryTotal"], 5);
    let mut taken_away = payin(&sandbox, &["links", "update", id, "--json", "-"]);
    taken_away.stdin(r#"{"description": null}"#);
    assert!(answer(taken_away).await.get("description").is_none_or(Value::is_null));
    let published = links(&["publish", id, "--slug", "t-shirt"]).await;
    assert_eq!((&published["slug"], &published["status"]), (&json!("t-shirt"), &json!("published")));
    failed(&payin(&sandbox, &["links", "update", id, "--amount", "1"]).run().await, 5, "INVALID_STATE");
    assert_eq!(links(&["orders", id]).await["pagination"]["total"], 0);
    assert_eq!(links(&["list", "--search", "shirt"]).await["data"][0]["id"], id);
    assert_eq!(links(&["get", id]).await, published);
    assert_eq!(links(&["unpublish", id]).await["status"], "draft");
    assert_eq!(links(&["archive", id]).await["isArchived"], true);
    assert_eq!(links(&["list", "--archived"]).await["pagination"]["total"], 1);
    assert_eq!(links(&["restore", id]).await["isArchived"], false);
    assert_eq!(links(&["stats"]).await["totalLinks"], 2);
    assert_eq!(links(&["delete", id]).await, json!({ "success": true }));
    failed(&payin(&sandbox, &["links", "get", id]).run().await, 3, "RESOURCE_NOT_FOUND");
    for wrong in [
        &["links", "create", "--amount", "1"][..],
        &["links", "create", "--title", "x", "--amount", "1"],
        &["links", "create", "--title", "x", "--json", "-"],
        &["links", "update", "pl_1"],
    ] {
        failed(&payin(&sandbox, wrong).run().await, 2, "USAGE");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn settings_and_keys_are_changed() {
    let sandbox = Sandbox::frozen().await;
    let set = answer(payin(&sandbox, &["config", "set", "payment_window_minutes", "15"])).await;
    assert_eq!((&set["value"], &set["source"]), (&json!(15), &json!("organization")));
    assert_eq!(answer(payin(&sandbox, &["config", "get", text(&set["key"])])).await, set);
    let unset = answer(payin(&sandbox, &["config", "unset", "payment_window_minutes"])).await;
    assert_eq!(unset["value"], unset["default"]);
    failed(&payin(&sandbox, &["config", "set", "payment_window_minutes", "soon"]).run().await, 6, "VALIDATION_ERROR");
    failed(&payin(&sandbox, &["config", "get", "nothing"]).run().await, 3, "RESOURCE_NOT_FOUND");
    assert!(table(&sandbox, &["config", "list"]).await.contains("orders.payment_window_minutes"));

    let organizations = answer(payin(&sandbox, &["orgs", "list"])).await;
    let organization = text(&organizations["data"][0]["id"]);
    let made = payin(&sandbox, &["keys", "create", "--name", "reports", "--role", "viewer", "--expires-at", "2099-01-01"]).run().await;
    let key = made.json();
    assert!(made.stderr.contains("only time"), "{}", made.stderr);
    let me = answer(payin_at(sandbox.url(), text(&key["apiKey"]), &["whoami"])).await;
    assert_eq!((&me["role"], &me["organization"]["id"]), (&json!("viewer"), &json!(organization)));
    let listed = payin(&sandbox, &["keys", "list", "--organization", organization]).run().await;
    assert!(listed.stdout.contains("reports") && !listed.stdout.contains(text(&key["apiKey"])), "{}", listed.stdout);
    assert_eq!(answer(payin(&sandbox, &["keys", "delete", text(&key["id"])])).await, json!({ "success": true }));
    failed(&payin_at(sandbox.url(), text(&key["apiKey"]), &["whoami"]).run().await, 4, "INVALID_API_KEY");
    sandbox.stop().await;
}

#[tokio::test]
async fn tables_fit_a_page_and_cut_no_id() {
    let sandbox = Sandbox::frozen().await;
    let made = answer(payin(&sandbox, &order("INVOICE-2025-00001", "100.00"))).await;
    answer(payin(&sandbox, &["sandbox", "pay", text(&made["orderId"])])).await;
    answer(payin(&sandbox, &["sandbox", "mine", "--blocks", "3"])).await;
    answer(payin(&sandbox, &["webhooks", "endpoints", "create", "--url", "https://shop.example/hook"])).await;
    sandbox.order_with_status(&made["orderId"], "completed").await;
    for args in [
        &["orders", "list"][..],
        &["orders", "list", "--all"],
        &["transfers", "list"],
        &["addresses", "list"],
        &["addresses", "status"],
        &["webhooks", "endpoints", "list"],
        &["webhooks", "events", "list"],
        &["config", "list"],
        &["orgs", "list"],
        &["keys", "list"],
    ] {
        let text = table(&sandbox, args).await;
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{args:?}\n{text}");
    }
    assert!(table(&sandbox, &["orders", "list"]).await.contains(text(&made["orderId"])));
    sandbox.stop().await;
}
