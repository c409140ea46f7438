//! What payers see below `/checkout`, as the server sends it: every stage of an order, every state of a link, and nothing that is not theirs to
//! see or that a text has brought along. What a browser makes of it is `browser.rs`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use http::HeaderMap;
use payin_tests::nodes::{DEADLINE, http_client};
use payin_tests::sandbox::{CHAIN, Sandbox, new_order, text};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// An answer to a browser.
struct Page {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Page {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    #[track_caller]
    fn has(&self, parts: &[&str]) -> &Self {
        for part in parts {
            assert!(self.text.contains(part), "“{part}” is not on the page ({}):\n{}", self.status, self.text);
        }
        self
    }

    #[track_caller]
    fn lacks(&self, parts: &[&str]) -> &Self {
        for part in parts {
            assert!(!self.text.contains(part), "“{part}” is on the page:\n{}", self.text);
        }
        self
    }

    /// The values of an attribute.
    fn values(&self, attribute: &str) -> Vec<&str> {
        self.text.split(&format!("{attribute}=\"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }
}

async fn ask(request: reqwest::RequestBuilder) -> Page {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Page { status, headers, text: response.text().await.expect("a text") }
}

async fn open(sandbox: &Sandbox, path: &str) -> Page {
    ask(http_client().get(format!("{}{path}", sandbox.url()))).await
}

async fn order_page(sandbox: &Sandbox, id: &Value) -> Page {
    open(sandbox, &format!("/checkout/{}", text(id))).await
}

async fn send(sandbox: &Sandbox, slug: &str, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = http_client().post(format!("{}/checkout/{slug}", sandbox.url())).body(body);
    let request = request.header("Content-Type", "application/x-www-form-urlencoded");
    ask(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

async fn published(sandbox: &Sandbox, change: Value) -> Value {
    let mut body = json!({"title": "Coffee", "amount": "5", "currencies": [{"currency": "USDT", "chain_options": [CHAIN]}]});
    body.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
    let link = sandbox.post("/api/v1/payment-links", &body).await.ok(201);
    sandbox.ask("POST", &format!("/api/v1/payment-links/{}/publish", text(&link["id"]))).send().await.ok(200)
}

#[tokio::test]
async fn an_order_is_shown_and_paid() {
    let sandbox = Sandbox::frozen().await;
    let mut request = new_order("SECRET-REFERENCE", "12.50");
    request["metadata"] = json!({ "customer": "secret-of-the-shop" });
    (request["successUrl"], request["cancelUrl"]) = (json!("https://shop.example/paid"), json!("https://shop.example/cancelled"));
    let order = sandbox.post("/api/v1/orders", &request).await.ok(201);
    let id = &order["orderId"];
    let page = order_page(&sandbox, id).await;
    assert_eq!(page.status, 200);
    let address = text(&order["address"]);
    let pieces = format!("<b>{}</b>{}<b>{}</b>", &address[..6], &address[6..38], &address[38..]);
    page.has(&["Waiting for your payment", "Send exactly 12.50 USDT on Ethereum Sepolia.", "Test network", "ERC-20", &pieces, ">10:00<"]);
    page.has(&[
        "Send only USDT on Ethereum Sepolia.",
        "Paying from an exchange?",
        "http-equiv=\"refresh\"",
        "aria-label=\"QR code of the address\"",
    ]);
    // What a wallet is asked for, in base units of 6 decimals: 12500000.
    let request_uri = page.values("href").into_iter().find(|url| url.starts_with("ethereum:")).expect("a payment request").to_owned();
    assert!(request_uri.ends_with(&format!("@11155111/transfer?address={address}&#38;uint256=12500000")), "{request_uri}");
    assert_eq!(page.values("data-chain"), ["0xaa36a7"]);
    assert!(page.values("data-call")[0].ends_with(&format!("{}{:064x}", &address[2..].to_lowercase(), 12_500_000)));
    assert_eq!(page.values("data-live"), [format!("/checkout/{}/stream", text(id))]);
    page.lacks(&["secret", "SECRET", "shop.example"]);

    sandbox.pay(id, json!({})).await;
    sandbox.order_seen(id).await;
    let page = order_page(&sandbox, id).await;
    page.has(&["Payment seen", "1 of 3 confirmations", "<progress max=\"3\" value=\"1\""]).lacks(&[
        "data-wallet",
        ">How to pay<",
        "shop.example",
    ]);
    sandbox.mine(2).await;
    let paid = sandbox.order_with_status(id, "completed").await;
    let page = order_page(&sandbox, id).await;
    page.has(&["Payment complete", "12.50 USDT have been received", text(&paid["txHash"])]);
    page.lacks(&["http-equiv", "data-live", "data-wallet", "secret"]);
    // The documents' parameters; the reference is in there, and only there.
    let back = page.values("href").into_iter().find(|url| url.contains("shop.example")).expect("a way back").replace("&#38;", "&");
    let hash = text(&paid["txHash"]);
    let expected = "https://shop.example/paid?orderReference=SECRET-REFERENCE&status=completed&amount=12.50&currency=USDT&chainId=";
    assert_eq!(back, format!("{expected}{CHAIN}&txHash={hash}"));
    sandbox.stop().await;
}

#[tokio::test]
async fn too_little_too_much_too_late_and_the_wrong_token_are_explained() {
    let sandbox = Sandbox::frozen().await;
    let cancel = |reference: &str| {
        let mut request = new_order(reference, "10");
        request["cancelUrl"] = json!("https://shop.example/cancelled");
        request
    };
    let order = async |reference: &str| sandbox.post("/api/v1/orders", &cancel(reference)).await.ok(201)["orderId"].clone();
    let (short, over, wrong, none) = (order("SHORT").await, order("OVER").await, order("WRONG").await, order("NONE").await);
    sandbox.pay(&short, json!({ "kind": "under" })).await;
    sandbox.pay(&wrong, json!({ "kind": "wrong_token", "amount": "10" })).await;
    sandbox.pay(&over, json!({ "kind": "over" })).await;
    sandbox.order_seen(&over).await;
    // What is on its way is counted with what is there: nobody is asked for it twice.
    let missing =
        ["Part of your payment has arrived", "5.00 USDT have arrived. Send the missing 5.00 USDT", "Missing amount", "<code>5.00</code>"];
    order_page(&sandbox, &short).await.has(&missing).has(&["uint256=5000000", "data-wallet"]);
    // The largest number is what is to be sent.
    let sum = "<span class=\"number\">5.00</span> <span class=\"unit\">USDT</span></p>\n<p class=\"fine\">still missing of 10 USDT</p>";
    order_page(&sandbox, &short).await.has(&[sum, "Part of your payment has arrived · 5.00 USDT</title>"]);
    sandbox.mine(3).await;
    sandbox.order_with_status(&over, "completed").await;
    order_page(&sandbox, &over).await.has(&["15.00 USDT have been received", "5.00 USDT more than asked for"]);
    order_page(&sandbox, &short).await.has(&missing);
    // Two payments for one order: the one that is still waited for is counted.
    let parts = order("PARTS").await;
    sandbox.pay(&parts, json!({ "amount": "4" })).await;
    sandbox.mine(2).await;
    sandbox.order_when(&parts, "part paid", |order| order["receivedAmount"] == "4.00").await;
    sandbox.pay(&parts, json!({})).await;
    let path = format!("/api/v1/transfers?orderId={}", text(&parts));
    let both = sandbox.read_when(&path, "both", |page| page["pagination"]["total"] == 2).await;
    let page = order_page(&sandbox, &parts).await;
    page.has(&["Payment seen", "1 of 3 confirmations", text(&both["data"][0]["txHash"]), text(&both["data"][1]["txHash"])]);
    let page = order_page(&sandbox, &wrong).await;
    page.has(&["Waiting for your payment", "10.00 USDC on Ethereum Sepolia arrived. This payment takes only USDT on Ethereum Sepolia"]);
    // Whoever has to ask the seller sees what to name.
    page.has(&["<details class=\"details\" open>", "Transaction that does not count"]);

    // The window is over, and the grace period runs for five minutes: nobody is asked to begin now.
    sandbox.advance(11 * 60).await;
    let page = order_page(&sandbox, &none).await;
    page.has(&["The time to pay is over", "Please do not send anything now", "Time left to arrive"]).lacks(&["data-wallet", "<svg"]);
    let closes_at: payin_types::Timestamp = text(&sandbox.order_now(&none).await["gracePeriodEndsAt"]).parse().expect("a time");
    assert_eq!(page.values("data-until"), [closes_at.millis().to_string()]);
    order_page(&sandbox, &short).await.has(&["5.00 USDT of 10 USDT have arrived. Please do not send the rest now."]);
    sandbox.advance(5 * 60).await;
    for id in [&short, &none] {
        sandbox.order_with_status(id, "expired").await;
    }
    let page = order_page(&sandbox, &none).await;
    page.has(&["This payment has expired", "Please do not send anything to this address any more", "https://shop.example/cancelled?"]);
    page.lacks(&["<svg", "data-wallet", "data-live", "http-equiv"]);
    order_page(&sandbox, &short).await.has(&["Only 5.00 USDT of 10 USDT arrived in time"]);
    let late = sandbox.pay(&none, json!({ "kind": "late" })).await["txHash"].clone();
    sandbox.pay(&short, json!({ "kind": "late", "amount": "5" })).await;
    sandbox.mine(3).await;
    sandbox.order_when(&short, "told late", |order| order["paidLate"] == true).await;
    order_page(&sandbox, &short).await.has(&[
        "5.00 USDT of 10 USDT arrived in time.",
        "Please do not send anything more",
        "5.00 USDT on Ethereum",
    ]);
    sandbox.order_when(&none, "told late", |order| order["paidLate"] == true).await;
    order_page(&sandbox, &none)
        .await
        .has(&["Your payment came too late", "10.00 USDT on Ethereum Sepolia arrived after the time was over"])
        .has(&["Please do not send anything more", text(&late)]);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_payment_that_its_chain_takes_back_is_not_shown_as_paid() {
    let sandbox = Sandbox::frozen().await;
    let mut request = new_order("BACK", "10");
    request["successUrl"] = json!("https://shop.example/paid");
    let id = sandbox.post("/api/v1/orders", &request).await.ok(201)["orderId"].clone();
    let lost = sandbox.pay(&id, json!({})).await["txHash"].clone();
    sandbox.mine(2).await;
    sandbox.order_with_status(&id, "completed").await;
    sandbox.post("/api/v1/sandbox/reorg", &json!({ "chainId": CHAIN, "depth": 3, "drop": true })).await.ok(200);
    sandbox.mine(2).await;
    sandbox.order_when(&id, "taken back", |order| order["receivedAmount"] == "0.00").await;
    let page = order_page(&sandbox, &id).await;
    page.has(&["The network took the payment back", "data-live", "<details class=\"details\" open>", text(&lost)]);
    // Nor is the merchant told that it is.
    page.lacks(&["Payment complete", "shop.example"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn pages_speak_the_payers_language() {
    let sandbox = Sandbox::frozen().await;
    let order = sandbox.order("LANG", "10").await;
    let path = format!("/checkout/{}", text(&order["orderId"]));
    let url = format!("{}{path}", sandbox.url());
    let accepted = |accepted: &'static str| http_client().get(&url).header("Accept-Language", accepted);
    let page = ask(accepted("zh-CN,zh;q=0.9,en;q=0.8")).await;
    page.has(&["<html lang=\"zh-Hans\"", "等待您付款", "10 USDT"]).lacks(&["Waiting"]);
    assert_eq!(page.header("vary"), "Accept-Language");
    ask(accepted("fr, en;q=0.5")).await.has(&["<html lang=\"en\"", "Waiting for your payment"]);
    let page = open(&sandbox, &format!("{path}?lang=zh")).await;
    page.has(&["等待您付款", &format!("href=\"{path}?lang=zh\"")]);
    // Each language is called what its speakers call it.
    page.has(&["href=\"?lang=en\" lang=\"en\" hreflang=\"en\">English", "aria-current=\"true\">中文"]);
    open(&sandbox, "/checkout/nowhere?lang=zh").await.has(&["没有此付款"]);
    let link = published(&sandbox, json!({})).await;
    open(&sandbox, &format!("/checkout/{}?lang=zh", text(&link["slug"]))).await.has(&["付款币种", "?lang=zh\">"]);
    sandbox.stop().await;
}

/// Nothing runs but our own script, nothing is loaded from elsewhere, nothing is kept by others, and a phone on a slow network has it soon.
#[tokio::test]
async fn pages_are_closed_and_light() {
    let sandbox = Sandbox::frozen().await;
    let order = sandbox.order("LIGHT", "10").await;
    let link = published(&sandbox, json!({ "theme": "light" })).await;
    let script = open(&sandbox, "/checkout/assets/page.js").await;
    assert_eq!((script.header("content-type"), script.header("x-content-type-options")), ("text/javascript; charset=utf-8", "nosniff"));
    for path in
        [format!("/checkout/{}", text(&order["orderId"])), format!("/checkout/{}", text(&link["slug"])), "/checkout/none".to_owned()]
    {
        let page = open(&sandbox, &path).await;
        // The style stands in the page, so that nothing is asked for before it is seen, and the policy knows it by its digest.
        let (_, style) = page.text.split_once("<style>").expect("a style");
        let style = style.split("</style>").next().unwrap_or_default();
        let policy = page.header("content-security-policy");
        let digest = STANDARD.encode(Sha256::digest(style));
        assert!(policy.starts_with(&format!("default-src 'none'; script-src 'self'; style-src 'sha256-{digest}'; ")), "{policy}");
        assert!(style.len() > 5_000 && !style.contains("url(") && !style.contains("@import"), "{style}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("x-robots-tag", "noindex, nofollow"),
        ] {
            assert_eq!(page.header(name), value, "{path}: {name}");
        }
        assert!(page.header("x-request-id").starts_with("req_") && page.headers.get("set-cookie").is_none(), "{path}");
        page.has(&["<meta name=\"robots\" content=\"noindex, nofollow\">"]).lacks(&[
            "style=",
            "<link rel=\"stylesheet\"",
            " onclick",
            "javascript:",
        ]);
        let foreign = |url: &&&str| !url.starts_with(['/', '?']) && !url.starts_with("ethereum:") && **url != "data:,";
        let loaded = [page.values("src"), page.values("href"), page.values("action")].concat();
        assert_eq!(loaded.iter().filter(foreign).count(), 0, "{path}: {loaded:?}");
        assert_eq!((page.text.matches("<script").count(), page.text.matches("<style").count()), (1, 1), "{path}: one script, a file");
        let weight = page.text.len() + script.text.len();
        assert!(weight < 60_000, "{path}: {weight} bytes");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_a_page_that_says_so() {
    let sandbox = Sandbox::frozen().await;
    let order = sandbox.order("THERE", "10").await;
    let id = text(&order["orderId"]).to_owned();
    let unlike = format!("{}0000", &id[..id.len() - 4]);
    let mut bodies = Vec::new();
    for path in
        ["/checkout/ord_none", "/checkout/nowhere", "/checkout", "/checkout/a/b", "/checkout/%20", "/checkout/%00", "/checkout/assets/x.js"]
    {
        let page = open(&sandbox, path).await;
        assert_eq!((page.status, page.header("content-type")), (404, "text/html; charset=utf-8"), "{path}");
        page.has(&["There is no such payment"]);
        bodies.push(page.text);
    }
    bodies.push(open(&sandbox, &format!("/checkout/{unlike}")).await.text);
    assert!(bodies.iter().all(|body| *body == bodies[0]), "what is not there looks the same whatever it is");
    let page = ask(http_client().put(format!("{}/checkout/{id}", sandbox.url()))).await;
    assert_eq!((page.status, page.header("content-type"), page.header("allow")), (405, "text/html; charset=utf-8", "GET,HEAD,POST"));
    // An order is no link.
    assert_eq!(send(&sandbox, &id, &[("method", "USDT@x")], &[]).await.status, 404);
    // The JSON beside it stays JSON.
    sandbox.ask("GET", &format!("/checkout/{unlike}/stream")).no_key().send().await.refused(404, "RESOURCE_NOT_FOUND", &unlike);
    sandbox.ask("GET", "/api/v1/checkout/nowhere").no_key().send().await.refused(404, "RESOURCE_NOT_FOUND", "nowhere");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_link_is_bought_from_its_page_until_it_is_sold_out() {
    let sandbox = Sandbox::frozen().await;
    let currencies = json!([
        { "currency": "USDT", "chain_options": [CHAIN, "tron-nile"] },
        { "currency": "USDC", "amount": "4.90", "chain_options": [CHAIN], "is_primary": true },
    ]);
    let change = json!({ "inventoryTotal": 1, "currencies": currencies, "ctaText": "Buy it", "description": "Hot.\nAnd black.", "metadata": {"a": "secret"}, "theme": "light" });
    let link = published(&sandbox, change).await;
    let slug = text(&link["slug"]).to_owned();
    let path = format!("/checkout/{slug}");
    let page = open(&sandbox, &path).await;
    assert_eq!(page.status, 200);
    page.has(&[
        "<h1 class=\"for large\">Coffee</h1>",
        "Hot.\nAnd black.",
        "The last one",
        "4.90 USDC",
        "5 USDT",
        "Tron Nile",
        "Buy it",
        "data-theme=\"light\"",
    ]);
    page.lacks(&["secret", "name=\"amount\""]);
    assert_eq!(page.values("value")[0], "USDC@ethereum-sepolia", "the primary currency stands first");
    assert_eq!(page.text.matches(" checked").count(), 1);
    // What is wrong is said, and what was written stays.
    for (form, status, says) in [
        (vec![("method", "DAI@ethereum-sepolia")], 400, "Choose one of the ways to pay."),
        (vec![("method", "USDC@tron-nile")], 400, "Choose one of the ways to pay."),
        (vec![], 400, "Choose one of the ways to pay."),
        (vec![("method", "USDT@tron-nile"), ("email", "a@b@c")], 400, "Enter an e-mail address"),
    ] {
        let page = send(&sandbox, &slug, &form, &[]).await;
        assert_eq!(page.status, status, "{form:?}");
        page.has(&[says, "role=\"alert\"", "name=\"method\""]);
    }
    let page = send(&sandbox, &slug, &[("method", "USDT@tron-nile"), ("email", "a@b@c")], &[]).await;
    page.has(&["value=\"a@b@c\"", "value=\"USDT@tron-nile\" required checked"]);
    // Other sites cannot send it.
    let good = [("method", "USDT@tron-nile"), ("email", "ada@example.org")];
    for headers in [
        vec![("Sec-Fetch-Site", "cross-site")],
        vec![("Sec-Fetch-Site", "same-site")],
        vec![("Origin", "https://evil.example")],
        vec![("Origin", "null")],
    ] {
        let page = send(&sandbox, &slug, &good, &headers).await;
        assert_eq!(page.status, 403, "{headers:?}");
        page.has(&["For your safety nothing was done"]);
    }
    assert_eq!(sandbox.read("/api/v1/orders?limit=1").await["pagination"]["total"], 0);
    let page = send(&sandbox, &format!("{slug}?lang=zh"), &good, &[("Sec-Fetch-Site", "same-origin"), ("Origin", sandbox.url())]).await;
    assert_eq!(page.status, 303, "{}", page.text);
    let to = page.header("location").to_owned();
    assert!(to.starts_with("/checkout/ord_") && to.ends_with("?lang=zh"), "{to}");
    let page = open(&sandbox, to.split('?').next().expect("a path")).await;
    page.has(&["Coffee", "5</span> <span class=\"unit\">USDT", "Tron Nile", "TRC-20", "data-theme=\"light\"", "href=\"tron:T"]).lacks(&[
        "data-call",
        "secret",
        "ada@",
    ]);
    let orders = sandbox.read(&format!("/api/v1/payment-links/{}/orders", text(&link["id"]))).await;
    assert_eq!(orders["data"][0]["buyerEmail"], "ada@example.org");
    // It was the only one.
    open(&sandbox, &path).await.has(&["Sold out"]).lacks(&["<form"]);
    let page = send(&sandbox, &slug, &good, &[]).await;
    assert_eq!(page.status, 409);
    page.has(&["Sold out"]).lacks(&["<form"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_payer_says_how_much_where_the_link_lets_them_and_closed_links_say_so() {
    let sandbox = Sandbox::frozen().await;
    let now = sandbox.read("/api/v1/sandbox/clock").await;
    let until: payin_types::Timestamp = text(&now["now"]).parse().expect("a time");
    let until = until.plus(std::time::Duration::from_secs(3600)).to_string();
    let link = published(&sandbox, json!({ "amount": "0", "expiresAt": until })).await;
    let (slug, method) = (text(&link["slug"]).to_owned(), ("method", "USDT@ethereum-sepolia"));
    open(&sandbox, &format!("/checkout/{slug}")).await.has(&["Amount you want to pay", "inputmode=\"decimal\"", "Offered until 20"]);
    for wrong in ["", "0", "-1", "1,50", "1e3", "0.0000001", "99999999999", "<b>"] {
        let page = send(&sandbox, &slug, &[method, ("amount", wrong)], &[]).await;
        assert_eq!(page.status, 400, "{wrong}");
        page.has(&["Enter an amount such as 25.00"]);
    }
    let page = send(&sandbox, &slug, &[method, ("amount", " 7.25 ")], &[]).await;
    assert_eq!(page.status, 303);
    open(&sandbox, page.header("location")).await.has(&["Send exactly 7.25 USDT"]);
    sandbox.advance(3601).await;
    for page in [open(&sandbox, &format!("/checkout/{slug}")).await, send(&sandbox, &slug, &[method, ("amount", "1")], &[]).await] {
        assert_eq!(page.status, 410);
        page.has(&["This offer has ended"]).lacks(&["Coffee"]);
    }
    let other = published(&sandbox, json!({})).await;
    sandbox.ask("POST", &format!("/api/v1/payment-links/{}/unpublish", text(&other["id"]))).send().await.ok(200);
    let page = open(&sandbox, &format!("/checkout/{}", text(&other["slug"]))).await;
    assert_eq!(page.status, 410);
    page.has(&["Not offered at the moment"]).lacks(&["Coffee"]);
    sandbox.stop().await;
}

/// Texts that would be markup, script, attributes or a way out of them, wherever somebody may write one.
const HOSTILE: [&str; 7] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'-alert(1)-'",
    "</title><svg/onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;<!-- --><noscript>",
    "javascript:alert(1)//\u{202e}\u{0}",
];

#[tokio::test]
async fn nothing_of_a_text_is_markup() {
    let sandbox = Sandbox::frozen().await;
    let tags = |page: &Page| ["<script", "<img", "<svg", "<b>", "<!--", "<noscript"].map(|tag| page.text.matches(tag).count());
    let plain = published(&sandbox, json!({ "title": "Plain", "description": "plain", "ctaText": "plain" })).await;
    let method = ("method", "USDT@ethereum-sepolia");
    let link_tags = tags(&open(&sandbox, &format!("/checkout/{}", text(&plain["slug"]))).await);
    let form_tags = tags(&send(&sandbox, text(&plain["slug"]), &[method, ("email", "no")], &[]).await);
    let opened = send(&sandbox, text(&plain["slug"]), &[method], &[]).await;
    let order_tags = tags(&open(&sandbox, opened.header("location")).await);
    let none_tags = tags(&open(&sandbox, "/checkout/none").await);
    for hostile in HOSTILE {
        let text_of = hostile.replace('\0', "");
        let url = format!("https://shop.example/?x={}", text_of.replace([' ', '\u{202e}'], ""));
        let mut change = json!({ "title": text_of, "description": text_of, "ctaText": text_of, "metadata": { "note": text_of } });
        let with_url = json!({ "successUrl": url, "cancelUrl": url });
        // A URL that is none is refused where it is written.
        let mut body = json!({"title": "x", "amount": "5", "currencies": [{"currency": "USDT", "chain_options": [CHAIN]}]});
        body.as_object_mut().expect("an object").extend(with_url.as_object().expect("an object").clone());
        if sandbox.post("/api/v1/payment-links", &body).await.status == 201 {
            change.as_object_mut().expect("an object").extend(with_url.as_object().expect("an object").clone());
        }
        let link = published(&sandbox, change).await;
        let slug = text(&link["slug"]);
        let page = open(&sandbox, &format!("/checkout/{slug}?lang={hostile}")).await;
        assert_eq!(tags(&page), link_tags, "{hostile}: {}", page.text);
        let form = [("method", hostile), ("email", hostile), ("amount", hostile)];
        let page = send(&sandbox, slug, &form, &[]).await;
        assert_eq!(tags(&page), form_tags, "{hostile}: {}", page.text);
        let page = send(&sandbox, slug, &[method], &[]).await;
        assert_eq!(page.status, 303);
        let id = page.header("location").to_owned();
        let page = open(&sandbox, &id).await;
        assert_eq!(tags(&page), order_tags, "{hostile}: {}", page.text);
        sandbox.advance(16 * 60).await;
        sandbox.order_with_status(&json!(id.trim_start_matches("/checkout/")), "expired").await;
        let page = open(&sandbox, &id).await;
        page.lacks(&["<script>", "<img", "<svg", "onload=alert(1)>", "href=\"javascript:"]);
        let path: String = url::form_urlencoded::byte_serialize(hostile.as_bytes()).collect();
        assert_eq!(tags(&open(&sandbox, &format!("/checkout/{path}")).await), none_tags, "{hostile}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_page_is_told_what_happens_to_its_order() {
    let sandbox = Sandbox::frozen().await;
    let id = sandbox.order("LIVE", "10").await["orderId"].clone();
    let url = format!("{}/checkout/{}/stream", sandbox.url(), text(&id));
    let response = http_client().get(&url).send().await.expect("an answer");
    assert_eq!((response.status().as_u16(), &response.headers()["content-type"]), (200, &"text/event-stream".parse().expect("a header")));
    let (mut body, mut heard) = (response.bytes_stream(), String::new());
    let mut next = async || {
        loop {
            if let Some((event, rest)) = heard.split_once("\n\n").map(|(event, rest)| (event.to_owned(), rest.to_owned())) {
                heard = rest;
                if let Some(data) = event.strip_prefix("event: order\ndata: ") {
                    return serde_json::from_str::<Value>(data).expect("JSON");
                }
                continue;
            }
            let chunk = tokio::time::timeout(DEADLINE, body.next()).await.expect("something in time").expect("more").expect("no fault");
            heard.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    };
    let shown = sandbox.ask("GET", &format!("/api/v1/checkout/orders/{}", text(&id))).no_key().send().await.ok(200);
    assert_eq!(next().await, shown, "at first as it is");
    sandbox.pay(&id, json!({})).await;
    let seen = next().await;
    assert_eq!((&seen["status"], seen["detectedAt"].is_string(), seen.get("metadata")), (&json!("pending"), true, None));
    sandbox.mine(2).await;
    while next().await["status"] != "completed" {}
    // A network address may have twenty; who goes makes room.
    let mut open = Vec::new();
    let refused = loop {
        let response = http_client().get(&url).send().await.expect("an answer");
        if response.status() != 200 {
            break response;
        }
        open.push(response);
        assert!(open.len() < 20, "nobody is refused");
    };
    assert_eq!((open.len(), refused.status().as_u16()), (19, 429));
    assert_eq!(refused.headers()["content-type"], "application/json");
    sandbox.stop().await;
}
