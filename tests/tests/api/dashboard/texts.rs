//! Whatever people write stays a text: in every field that takes one, on every page that shows it, and in files for spreadsheets.

use std::collections::BTreeSet;

use payin_tests::sandbox::{PASSWORD, Sandbox, new_order, text};
use payin_types::Role;
use serde_json::json;

use super::Browser;

/// Texts that would be something else where they are not escaped. Each is a field's text with a number behind it, so that it is found again.
const CORPUS: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</textarea></title><svg/onload=alert(1)>",
    "javascript:alert(1)//",
    "{{7*7}}{% raw %}${7*7}",
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
    "&lt;b&gt; &amp; &#60;",
    "\u{202e}gnp.exe \u{2028} \u{feff}é",
];
/// What no page may have: a text of the corpus that is markup.
const MARKUP: &[&str] = &["<script>alert", "<img src=x", "<svg/onload", "onmouseover='alert(1)'", "onerror=alert(1)>", "</title><svg"];

/// Fills every field that takes a text with one of the corpus. Answers the pages that show them.
async fn fill(sandbox: &Sandbox, owner: &Browser<'_>, number: usize, payload: &str) -> Vec<String> {
    let text_of = |field: &str| format!("{payload} {field}{number}");
    let mut order = new_order(&text_of("reference"), "1");
    order["metadata"] = json!({ text_of("key"): text_of("value") });
    (order["successUrl"], order["cancelUrl"]) = (json!("https://a.example/?a=%3Cscript%3E&b='"), json!("https://a.example/\"x"));
    let order = sandbox.post("/api/v1/orders", &order).await;
    let order = if order.status == 201 { order.json } else { sandbox.order(&text_of("reference"), "1").await };
    let endpoint =
        json!({ "url": "http://127.0.0.1:9/<script>alert(1)</script>?'\"", "events": ["*"], "description": text_of("description") });
    let endpoint = sandbox.post("/api/v1/webhooks/endpoints", &endpoint).await.ok(201);
    owner.post("/dashboard/keys", &[("name", &text_of("keyname")), ("role", "viewer")]).await.is(200);
    let currencies = json!([{ "currency": "USDT", "chain_options": ["ethereum-sepolia"] }]);
    let link = json!({
        "title": text_of("title"), "description": text_of("linkdescription"), "amount": "1", "currencies": currencies, "ctaText": format!("{number}{}", &payload.chars().take(20).collect::<String>()),
        "metadata": { text_of("linkkey"): text_of("linkvalue") },
    });
    let link = sandbox.post("/api/v1/payment-links", &link).await.ok(201);
    let reference = text_of("deposit");
    let bind = json!({ "depositReference": reference, "currency": "USDT", "chainId": "ethereum-sepolia", "metadata": { text_of("k"): text_of("v") } });
    sandbox.post("/api/v1/deposits/references", &bind).await.ok(201);
    let page = owner.post("/dashboard/members", &[("role", "viewer")]).await;
    owner.post("/dashboard/members", &[("role", "viewer"), ("guest", &text_of("guest"))]).await.is(200);
    let token = page.between("invitation?invitation=", "</code>");
    let name = text_of("person");
    let email = format!("<b>{number}@shop.example");
    let form = [("invitation", token.as_str()), ("email", &email), ("name", name.trim()), ("password", PASSWORD)];
    Browser::new(sandbox).post_with("/dashboard/invitation", &form, &[]).await.is(303);
    vec![
        format!("/dashboard/orders/{}", text(&order["orderId"])),
        format!("/dashboard/webhooks/{}", text(&endpoint["id"])),
        format!("/dashboard/links/{}", text(&link["id"])),
        format!("/dashboard/links/{}/preview", text(&link["id"])),
        format!(
            "/dashboard/references/{}",
            url::form_urlencoded::byte_serialize(reference.as_bytes()).collect::<String>().replace('+', "%20")
        ),
        format!("/dashboard/orders?search={}", url::form_urlencoded::byte_serialize(payload.as_bytes()).collect::<String>()),
        format!("/dashboard/links?search={}", url::form_urlencoded::byte_serialize(payload.as_bytes()).collect::<String>()),
    ]
}

/// As a template writes it.
fn escaped(text: &str) -> String {
    text.replace('&', "&#38;").replace('<', "&#60;").replace('>', "&#62;").replace('"', "&#34;").replace('\'', "&#39;")
}

#[tokio::test]
async fn a_text_is_a_text_on_every_page() {
    let sandbox = Sandbox::frozen().await;
    let owner = Browser::owner(&sandbox).await;
    let mut pages: BTreeSet<String> =
        ["", "/orders", "/transfers", "/unmatched", "/deposits", "/references", "/links", "/webhooks", "/events"]
            .into_iter()
            .chain(["/keys", "/members", "/addresses", "/chains", "/settings", "/account", "/account/two-step", "/sandbox"])
            .map(|path| format!("/dashboard{path}"))
            .collect();
    for (number, payload) in CORPUS.iter().enumerate() {
        pages.extend(fill(&sandbox, &owner, number, payload).await);
    }
    let mut shown = String::new();
    for path in &pages {
        let page = owner.get(path).await;
        page.is(200).lacks(MARKUP).lacks(&["\u{1b}", "\u{0}"]);
        // No link that runs something, and no handler in a tag.
        for href in page.text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(href.starts_with('/') || href.starts_with('?') || href.starts_with('#') || href == "data:,", "{path}: {href}");
        }
        shown.push_str(&page.text);
    }
    for (number, payload) in CORPUS.iter().enumerate() {
        for field in [
            "reference",
            "description",
            "keyname",
            "title",
            "linkdescription",
            "linkkey",
            "linkvalue",
            "deposit",
            "k",
            "v",
            "person",
            "guest",
        ] {
            let text = escaped(&format!("{payload} {field}{number}"));
            assert!(shown.contains(&text), "nowhere: {text}");
        }
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_spreadsheet_takes_no_text_for_a_formula() {
    let sandbox = Sandbox::frozen().await;
    let owner = Browser::owner(&sandbox).await;
    for (number, payload) in CORPUS.iter().enumerate() {
        sandbox.order(&format!("{payload} {number}"), "1").await;
        let bind = json!({ "depositReference": format!("{payload} {number}"), "currency": "USDT", "chainId": "ethereum-sepolia" });
        sandbox.post("/api/v1/deposits/references", &bind).await.ok(201);
        sandbox.post("/api/v1/sandbox/pay-deposit", &json!({ "depositReference": bind["depositReference"], "amount": "1" })).await.ok(200);
    }
    sandbox.mine(3).await;
    sandbox.read_when("/api/v1/deposits", "there", |page| page["pagination"]["total"] == CORPUS.len()).await;
    for name in ["orders", "deposits"] {
        let csv = owner.get(&format!("/dashboard/{name}.csv")).await;
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        assert!(csv.header("content-disposition").starts_with("attachment"));
        for (number, payload) in CORPUS.iter().enumerate() {
            let before = if payload.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
            csv.has(&[&format!(",\"{before}{} {number}\",", payload.replace('"', "\"\""))]);
        }
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn what_no_field_takes_is_said_as_a_text() {
    let sandbox = Sandbox::frozen().await;
    let owner = Browser::owner(&sandbox).await;
    let evil = "<script>alert(1)</script>\u{1b}[31m";
    for (path, form) in [
        ("/dashboard/keys", &[("name", evil), ("role", evil), ("expires", evil)][..]),
        ("/dashboard/webhooks", &[("url", evil), ("events", evil), ("description", evil)]),
        ("/dashboard/links", &[("title", evil), ("amount", evil), ("pay", evil), ("theme", evil), ("amountType", evil)]),
        ("/dashboard/references", &[("reference", evil), ("pay", evil)]),
        ("/dashboard/members", &[("role", evil)]),
        ("/dashboard/members", &[("role", "viewer"), ("guest", evil)]),
        ("/dashboard/addresses/import", &[("protocol", evil), ("addresses", evil)]),
        ("/dashboard/settings/orders.grace_period_minutes", &[("value", evil)]),
        ("/dashboard/sandbox/pay", &[("reference", evil), ("amount", evil)]),
        ("/dashboard/sandbox/faults", &[("at", evil), ("fault", evil), ("match", evil)]),
    ] {
        let page = owner.post(path, form).await;
        assert!((400..500).contains(&page.status), "{}: {}", page.at, page.status);
        page.lacks(&["<script>alert"]);
    }
    for path in ["/dashboard/orders?search=", "/dashboard/orders/", "/dashboard/events?type=", "/dashboard/sign-in?to=", "/dashboard/"] {
        let page = owner.get(&format!("{path}%3Cscript%3Ealert(1)%3C/script%3E")).await;
        page.lacks(&["<script>alert"]);
    }
    let viewer = Browser::member(&sandbox, sandbox.key(), Role::Viewer).await;
    viewer.get("/dashboard/%1b%5b31m").await.is(404).lacks(&["\u{1b}"]);
    sandbox.stop().await;
}
