//! What each page has, and what it does.

use payin_tests::nodes::receiver::Receiver;
use payin_tests::sandbox::{Sandbox, text};
use payin_types::Role;
use serde_json::json;

use super::{Browser, Things};

#[tokio::test]
async fn an_order_is_found_and_explained() {
    let sandbox = Sandbox::frozen().await;
    let owner = Browser::owner(&sandbox).await;
    owner.get("/dashboard/orders").await.is(200).has(&["No orders here."]);
    let mut paid = payin_tests::sandbox::new_order("PAID-1", "12.50");
    paid["metadata"] = json!({ "customer": "Ada", "visits": 3 });
    let paid = sandbox.post("/api/v1/orders", &paid).await.ok(201)["orderId"].clone();
    sandbox.order("OPEN-1", "7").await;
    sandbox.pay(&paid, json!({})).await;
    sandbox.mine(3).await;
    sandbox.order_with_status(&paid, "completed").await;
    for (query, found, left_out) in [
        ("", &["PAID-1", "OPEN-1", "Page 1 of 1, 2 in all"][..], &[][..]),
        ("?search=paid", &["PAID-1"], &["OPEN-1</a>"]),
        ("?status=pending&currency=&chainId=&from=&to=", &["OPEN-1"], &["PAID-1</a>"]),
        ("?chainId=tron-nile", &["Nothing is found.", "selected>Tron Nile"], &["PAID-1</a>", "No orders here."]),
        ("?from=2020-01-01&to=2020-01-02", &["Nothing is found."], &["PAID-1</a>"]),
        ("?from=2020-01-01&to=2999-01-02", &["PAID-1", "OPEN-1"], &[]),
    ] {
        owner.get(&format!("/dashboard/orders{query}")).await.is(200).has(found).lacks(left_out);
    }
    let id = text(&paid);
    owner.get(&format!("/dashboard/orders?search={id}")).await.leads_to(&format!("/dashboard/orders/{id}"));
    // An id that is nobody's is nothing found, and no page that is missing.
    owner.get("/dashboard/orders?search=ord_0UaPnJ0K0PuDlWmI3tyPcBwKqe3nh7").await.is(200).has(&["Nothing is found."]);
    owner.get("/dashboard/orders?from=yesterday").await.is(400).has(&["from: must be a day such as 2025-01-20"]);
    owner.get("/dashboard/orders?page=0").await.is(400);
    let page = owner.get(&format!("/dashboard/orders/{id}")).await;
    page.is(200).has(&["Order PAID-1", "12.50 USDT", "Ethereum Sepolia", ">Paid</span>", "customer", "Ada", "visits", "order.completed"]);
    page.has(&["Timeline", "Seen: 12.50 USDT", "Confirmed: 12.50 USDT", &format!("data-copy=\"{}/checkout/{id}\"", sandbox.url())]);
    owner.get("/dashboard/transfers").await.is(200).has(&["12.50 USDT", "PAID-1"]);
    owner.get("/dashboard/unmatched").await.is(200).has(&["No transfers here."]);
    owner.get("/dashboard").await.has(&["100.00 %", "12.50 USDT", "1 of 2 paid", "Received by day of order (USDT)"]);
    let csv = owner.get("/dashboard/orders.csv?status=completed").await;
    csv.is(200).has(&["\"orderId\",\"orderReference\"", "\"PAID-1\",\"12.50\",\"USDT\"", "\"12.50\",\"false\"\r\n"]).lacks(&["OPEN-1"]);
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"orders.csv\"");
    assert_eq!(csv.text.lines().count(), 2);
    sandbox.stop().await;
}

#[tokio::test]
async fn lists_have_pages() {
    let sandbox = Sandbox::frozen().await;
    for number in 0..30 {
        sandbox.order(&format!("N-{number:02}"), "1").await;
    }
    let owner = Browser::owner(&sandbox).await;
    let page = owner.get("/dashboard/orders?search=n-&status=pending").await;
    page.has(&["Page 1 of 2, 30 in all", "href=\"/dashboard/orders?search=n-&#38;status=pending&#38;page=2\""]).lacks(&["rel=\"prev\""]);
    let page = owner.get("/dashboard/orders?search=n-&status=pending&page=2").await;
    page.has(&["Page 2 of 2", "rel=\"prev\""]).lacks(&["rel=\"next\""]);
    let csv = owner.get("/dashboard/orders.csv?page=2").await;
    assert_eq!(csv.text.lines().count(), 31);
    sandbox.stop().await;
}

#[tokio::test]
async fn addresses_are_imported_all_or_none() {
    let sandbox = Sandbox::frozen().await;
    let owner = Browser::owner(&sandbox).await;
    let import = "/dashboard/addresses/import";
    let shop = Receiver::start().await;
    let asks = json!({ "url": shop.url(), "events": ["address_pool.imported"] });
    sandbox.post("/api/v1/webhooks/endpoints", &asks).await.ok(201);
    let before = sandbox.counts().await;
    let file = "address,label\n0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE,a\n0x123<b>,b\n0x6AEDA56215b167893e80B4fE645BA6d5Bab767DE,c\n";
    let page = owner.post_file(import, &[("protocol", "evm")], ("file", file.as_bytes())).await;
    page.is(400).has(&["Nothing was done.", "Line 3: 0x123&#60;b&#62;: ", "Line 4: 0x6AEDA56215b167893e80B4fE645BA6d5Bab767DE: "]);
    page.has(&["href=\"/dashboard/sandbox\""]);
    assert_eq!(sandbox.counts().await, before);
    let good = "0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE\n";
    let page = owner.post_file(import, &[("protocol", "evm"), ("addresses", ""), ("xpub", "")], ("file", good.as_bytes())).await;
    page.is(200).has(&["1 addresses were imported, 0 were there already."]);
    let told = shop.next().await.json();
    let did = format!("SELECT email FROM users WHERE id = '{}'", text(&told["data"]["importedBy"]["id"]));
    assert_eq!((&told["data"]["importedBy"]["type"], sandbox.database().value(&did).await.as_str()), (&json!("user"), sandbox.owner().0));
    owner
        .post(import, &[("protocol", "evm"), ("addresses", good)])
        .await
        .is(200)
        .has(&["0 addresses were imported, 1 were there already."]);
    for (form, says) in [
        (&[("protocol", "evm")][..], "choose a file, or enter addresses"),
        (&[("protocol", "evm"), ("addresses", "0x1"), ("xpub", "xpub1")], "not several"),
        (&[("protocol", "evm"), ("xpub", "xpub1")], "xpub: "),
        (&[("protocol", "bitcoin"), ("addresses", "x")], "must be evm, tron or solana"),
    ] {
        owner.post(import, form).await.is(400).has(&[says]);
    }
    owner.post_file(import, &[("protocol", "evm")], ("file", &[0xff, 0xfe])).await.is(400).has(&["must be a text in UTF-8"]);
    owner.post_file(import, &[("protocol", "evm")], ("file", &vec![b'x'; 10_600_000])).await.is(413).has(&["too long"]);
    let page = owner.get("/dashboard/addresses?protocol=evm&state=available&page=11").await;
    page.is(200).has(&["257", "0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE"]);
    owner
        .post("/dashboard/addresses/0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE/archive", &[])
        .await
        .leads_to("/dashboard/addresses?done=1");
    owner.get("/dashboard/addresses?state=archived").await.has(&["0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE", "Restore"]);
    owner.post("/dashboard/addresses/0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE/restore", &[]).await.is(303);
    sandbox.stop().await;
}

#[tokio::test]
async fn webhooks_are_arranged_and_events_sent_again() {
    let sandbox = Sandbox::frozen().await;
    let owner = Browser::owner(&sandbox).await;
    owner
        .post("/dashboard/webhooks", &[("url", "ftp://x"), ("events", "*")])
        .await
        .is(400)
        .has(&["Nothing was done.", "value=\"ftp://x\""]);
    let page = owner.post("/dashboard/webhooks", &[("url", "http://127.0.0.1:9/a?b=c&d"), ("events", "*"), ("description", "till")]).await;
    let secret = page.is(200).has(&["http://127.0.0.1:9/a?b=c&#38;d", "till", "Enabled"]).between("<code id=\"secret\">", "</code>");
    assert!(secret.starts_with("whsec_"), "{secret}");
    let endpoint = sandbox.read("/api/v1/webhooks/endpoints").await["data"][0].clone();
    let at = format!("/dashboard/webhooks/{}", text(&endpoint["id"]));
    owner.get(&at).await.is(200).lacks(&["whsec_"]);
    owner.post(&format!("{at}/test"), &[]).await.leads_to(&format!("{at}?done=queued"));
    owner.get(&format!("{at}?done=queued")).await.has(&["It is queued", "webhook.test"]);
    let page = owner.post(&format!("{at}/secret"), &[]).await;
    assert_ne!(page.is(200).between("<code id=\"secret\">", "</code>"), secret);
    owner.post(&at, &[("url", "http://127.0.0.1:9/b"), ("events", "order.completed"), ("events", "order.expired")]).await.is(303);
    let changed = sandbox.read(&format!("/api/v1/webhooks/endpoints/{}", text(&endpoint["id"]))).await;
    assert_eq!((&changed["url"], &changed["events"]), (&json!("http://127.0.0.1:9/b"), &json!(["order.completed", "order.expired"])));
    owner.post(&format!("{at}/enabled"), &[("enabled", "false")]).await.is(303);
    owner.get("/dashboard/webhooks").await.has(&["Disabled: by hand"]);
    let event = sandbox.read("/api/v1/webhooks/events").await["data"][0].clone();
    let event = format!("/dashboard/events/{}", text(&event["id"]));
    let page = owner.post(&format!("{event}/resend"), &[]).await;
    page.is(409).has(&["role=\"alert\"", "No enabled webhook endpoint", "<h1>webhook.test</h1>", "Payload"]);
    owner.post(&format!("{at}/enabled"), &[("enabled", "true")]).await.is(303);
    owner.post(&format!("{event}/resend"), &[]).await.leads_to(&format!("{event}?done=queued"));
    owner.get(&event).await.is(200).has(&["webhook.test", "Payload", "&#34;type&#34;: &#34;webhook.test&#34;", "http://127.0.0.1:9/b"]);
    owner.get("/dashboard/events?type=webhook.test&status=&search=").await.has(&["webhook.test"]);
    owner.post(&format!("{at}/delete"), &[]).await.leads_to("/dashboard/webhooks?done=1");
    owner.get(&at).await.is(404);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_key_is_made_shown_once_and_revoked() {
    let sandbox = Sandbox::frozen().await;
    let owner = Browser::owner(&sandbox).await;
    let page = owner.post("/dashboard/keys", &[("name", "till"), ("role", "member"), ("expires", "")]).await;
    let key = page.is(200).between("<code id=\"secret\">", "</code>");
    let me = sandbox.ask("GET", "/api/v1/me").key(&key).send().await.ok(200);
    assert_eq!(me["role"], "member", "{me}");
    let page = owner.get("/dashboard/keys").await;
    let revoke = page.has(&["till", "Member"]).lacks(&[&key]).between("till</td>", "</tr>");
    let path = revoke.split("action=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a button").to_owned();
    owner.post("/dashboard/keys", &[("name", " x"), ("role", "emperor")]).await.is(400).has(&["not one of the words allowed"]);
    owner
        .post("/dashboard/keys", &[("name", "x"), ("expires", "2001-01-01")])
        .await
        .is(400)
        .has(&["Ends on: must be today or a later day, UTC"]);
    owner.post("/dashboard/keys", &[("name", "x"), ("expires", "soon")]).await.is(400).has(&["must be a day"]);
    let admin = Browser::member(&sandbox, sandbox.key(), Role::Admin).await;
    admin.post("/dashboard/keys", &[("name", "x"), ("role", "owner")]).await.is(403).has(&["cannot make a key with role owner"]);
    owner.post(&path, &[]).await.leads_to("/dashboard/keys?done=1");
    sandbox.ask("GET", "/api/v1/me").key(&key).send().await.refused(401, "INVALID_API_KEY", "revoked");
    sandbox.stop().await;
}

/// Nobody is told that a price was changed that was not: what a form says that was opened before its link was published, and what it says twice.
#[tokio::test]
async fn a_price_is_changed_as_it_was_said_or_refused() {
    let sandbox = Sandbox::frozen().await;
    let owner = Browser::owner(&sandbox).await;
    let terms = |amount: &'static str| [("title", "Plan"), ("amountType", "fixed"), ("amount", amount), ("pay", "USDT@ethereum-sepolia")];
    let twice = [&terms("99.00")[..], &[("prices", "USDT 98.00\nUSDT 89.00")]].concat();
    owner.post("/dashboard/links", &twice).await.is(400).has(&["must name each currency once"]);
    let page = owner.post("/dashboard/links", &terms("99.00")).await;
    let at = page.is(303).header("location").trim_end_matches("?done=1").to_owned();
    owner.post(&format!("{at}/publish"), &[]).await.is(303);
    owner.post(&at, &terms("150.00")).await.is(409).has(&["fixed since the payment link was published"]);
    let link = sandbox.read(&format!("/api/v1/payment-links/{}", at.rsplit('/').next().expect("an id"))).await;
    assert_eq!(link["amount"], "99.00");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_link_is_made_changed_published_and_put_away() {
    let sandbox = Sandbox::frozen().await;
    let owner = Browser::owner(&sandbox).await;
    let fields = [
        ("title", "Annual plan"),
        ("amountType", "fixed"),
        ("amount", "99.00"),
        ("pay", "USDT@ethereum-sepolia"),
        ("pay", "USDT@tron-nile"),
        ("pay", "USDC@base-sepolia"),
        ("description", "One year.\nOf everything."),
        ("inventory", "20"),
        ("theme", "light"),
    ];
    let bad: Vec<_> = fields.iter().map(|(name, value)| (*name, if *name == "amount" { "a lot" } else { *value })).collect();
    owner.post("/dashboard/links", &bad).await.is(400).has(&["amount: ", "value=\"a lot\"", "value=\"Annual plan\"", "value=\"20\""]);
    let page = owner.post("/dashboard/links", &fields).await;
    let at = page.is(303).header("location").trim_end_matches("?done=1").to_owned();
    let id = at.rsplit('/').next().expect("an id").to_owned();
    let link = sandbox.read(&format!("/api/v1/payment-links/{id}")).await;
    assert_eq!((&link["title"], &link["amount"], &link["inventoryTotal"]), (&json!("Annual plan"), &json!("99.00"), &json!(20)));
    assert_eq!(link["currencies"][1], json!({ "currency": "USDT", "chainOptions": ["ethereum-sepolia", "tron-nile"] }));
    owner.get(&at).await.is(200).has(&["Draft", "99.00 USDT", "99.00 USDC · Base Sepolia", "0 of 20 sold", "Publish"]);
    let preview = owner.get(&format!("{at}/preview")).await;
    preview.is(200).has(&["This is a preview", &format!("<a href=\"{at}\">"), "Annual plan", "<button class=\"primary\" disabled>"]);
    // What the form does not show stays as it is.
    let currencies = json!([{ "currency": "USDT", "amount": "98.00", "chain_options": ["ethereum-sepolia"], "metadata": { "a": "b" } }]);
    let change = json!({ "currencies": currencies, "expiresAt": "2999-01-20T10:30:00.000Z", "metadata": { "plan": "gold" } });
    sandbox.ask("PUT", &format!("/api/v1/payment-links/{id}")).json(&change).send().await.ok(200);
    let page = owner.get(&at).await;
    page.has(&["value=\"2999-01-20\"", "gold", "98.00 USDT · Ethereum Sepolia", ">\nUSDT 98.00</textarea>"]);
    let again =
        [("title", "Plan"), ("amountType", "fixed"), ("amount", "99.00"), ("pay", "USDT@ethereum-sepolia"), ("expires", "2999-01-20")];
    owner.post(&at, &again).await.leads_to(&format!("{at}?done=1"));
    let link = sandbox.read(&format!("/api/v1/payment-links/{id}")).await;
    assert_eq!(
        (&link["title"], &link["expiresAt"], &link["metadata"]),
        (&json!("Plan"), &json!("2999-01-20T10:30:00.000Z"), &json!({ "plan": "gold" }))
    );
    assert_eq!((&link["currencies"][0]["amount"], &link["currencies"][0]["metadata"]), (&json!("98.00"), &json!({ "a": "b" })));
    assert_eq!((&link["inventoryTotal"], &link["description"]), (&json!(null), &json!(null)), "what was emptied is empty");
    for (deed, says) in [("publish", "Published"), ("unpublish", "Draft"), ("archive", "Archived"), ("restore", "Draft")] {
        owner.post(&format!("{at}/{deed}"), &[]).await.leads_to(&format!("{at}?done=1"));
        owner.get(&at).await.has(&[says]);
    }
    owner.post(&format!("{at}/burn"), &[]).await.is(404);
    // What is refused is said on the link's own page, which is as it was, and the form keeps what it was sent with.
    owner.post(&format!("{at}/archive"), &[]).await.is(303);
    let page = owner.post(&format!("{at}/publish"), &[]).await;
    page.is(409).has(&[
        "role=\"alert\"",
        "An archived payment link is not published; restore it first",
        "<h1>Plan</h1>",
        ">Archived</span>",
    ]);
    page.has(&["value=\"Plan\"", &format!("action=\"{at}/restore\"")]).lacks(&["That did not work"]);
    // What was promised once is asked for no more, and what else is wrong is said in the form's words.
    page.lacks(&["name=\"amount\"", "name=\"pay\"", &format!("action=\"{at}/publish\"")])
        .has(&["fixed since the link was first published"]);
    let bad = [("title", "Plan"), ("inventory", "5"), ("expires", "2001-01-01")];
    let page = owner.post(&at, &bad).await;
    page.is(400).has(&["Ends on: must be today or a later day, UTC", "<h1>Plan</h1>", "value=\"5\"", "value=\"2001-01-01\""]);
    owner.post(&at, &[("title", "Tariff"), ("expires", "2999-01-20")]).await.leads_to(&format!("{at}?done=1"));
    let link = sandbox.read(&format!("/api/v1/payment-links/{id}")).await;
    assert_eq!(
        (&link["title"], &link["amount"], &link["expiresAt"]),
        (&json!("Tariff"), &json!("99.00"), &json!("2999-01-20T10:30:00.000Z"))
    );
    owner.post(&format!("{at}/delete"), &[]).await.leads_to("/dashboard/links?done=1");
    owner.get(&at).await.is(404);
    owner.post(&format!("{at}/publish"), &[]).await.is(404);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_link_ends_with_its_last_day_and_says_why_nobody_can_buy() {
    let sandbox = Sandbox::frozen().await;
    let owner = Browser::owner(&sandbox).await;
    let today: String = text(&sandbox.read("/api/v1/sandbox/clock").await["now"]).chars().take(10).collect();
    let form = [
        ("title", "Ticket"),
        ("amountType", "fixed"),
        ("amount", "99"),
        ("pay", "USDT@ethereum-sepolia"),
        ("pay", "USDC@base-sepolia"),
        ("prices", "USDC 98.50"),
        ("inventory", "1"),
        ("expires", &today),
    ];
    for (prices, says) in [("98.50", "a currency and an amount a line"), ("DAI 98.50", "a currency that is chosen above, is ")] {
        let bad: Vec<_> = form.iter().map(|(name, value)| (*name, if *name == "prices" { prices } else { *value })).collect();
        owner.post("/dashboard/links", &bad).await.is(400).has(&["Other prices: must be ", says, &format!("{prices}</textarea>")]);
    }
    let page = owner.post("/dashboard/links", &form).await;
    let at = page.is(303).header("location").trim_end_matches("?done=1").to_owned();
    let id = at.rsplit('/').next().expect("an id").to_owned();
    let link = sandbox.read(&format!("/api/v1/payment-links/{id}")).await;
    assert_eq!(link["expiresAt"], json!(format!("{today}T23:59:59.999Z")), "the whole of it");
    assert_eq!((&link["currencies"][0]["amount"], link["currencies"][1].get("amount")), (&json!("98.50"), None));
    owner.get("/dashboard/links").await.has(&["98.50 USDC, 99 USDT"]);
    owner.post(&format!("{at}/publish"), &[]).await.is(303);
    let slug = sandbox.read(&format!("/api/v1/payment-links/{id}")).await["slug"].clone();
    let buy = json!({ "currency": "USDT", "chainId": "ethereum-sepolia", "email": "ada@example.org" });
    let order = sandbox.post(&format!("/api/v1/checkout/{}/orders", text(&slug)), &buy).await.ok(201)["order"]["orderId"].clone();
    owner.get("/dashboard/links").await.has(&[">Sold out</span>", "0 sold, 1 held, of 1"]);
    let page = owner.get(&format!("/dashboard/orders/{}", text(&order))).await;
    page.has(&["E-mail of the payer", "ada@example.org", &format!("<a href=\"{at}\">Ticket</a>")]);
    sandbox.advance(24 * 60 * 60).await;
    // Nobody stays signed in for so long.
    let owner = Browser::owner(&sandbox).await;
    owner.get(&at).await.has(&[">Ended</span>"]).lacks(&[">Published</span>"]);
    // What is over may stay so, and what ends at midnight has had the day before.
    owner.post(&at, &[("title", "Old ticket"), ("inventory", "1"), ("expires", &today)]).await.leads_to(&format!("{at}?done=1"));
    let midnight = json!({ "expiresAt": "2999-01-21T00:00:00.000Z" });
    sandbox.ask("PUT", &format!("/api/v1/payment-links/{id}")).json(&midnight).send().await.ok(200);
    owner.get(&at).await.has(&["<h1>Old ticket</h1>", "value=\"2999-01-20\""]);
    sandbox.stop().await;
}

#[tokio::test]
async fn what_a_chain_took_back_is_paid_by_nobody() {
    let sandbox = Sandbox::frozen().await;
    let owner = Browser::owner(&sandbox).await;
    let link = json!({ "title": "Coffee", "amount": "5", "currencies": [{ "currency": "USDT", "chain_options": ["ethereum-sepolia"] }] });
    let link = text(&sandbox.post("/api/v1/payment-links", &link).await.ok(201)["id"]).to_owned();
    let slug = sandbox.ask("POST", &format!("/api/v1/payment-links/{link}/publish")).send().await.ok(200)["slug"].clone();
    let buy = json!({ "currency": "USDT", "chainId": "ethereum-sepolia" });
    let back = sandbox.post(&format!("/api/v1/checkout/{}/orders", text(&slug)), &buy).await.ok(201)["order"]["orderId"].clone();
    let paid = sandbox.order("PAID-1", "7").await["orderId"].clone();
    owner.get("/dashboard").await.has(&["<dt>Conversion</dt><dd>–</dd>", "Add a webhook"]);
    sandbox.pay(&back, json!({})).await;
    sandbox.mine(2).await;
    sandbox.order_with_status(&back, "completed").await;
    sandbox.post("/api/v1/sandbox/reorg", &json!({ "chainId": "ethereum-sepolia", "depth": 3, "drop": true })).await.ok(200);
    sandbox.mine(2).await;
    sandbox.order_when(&back, "taken back", |order| order["receivedAmount"] == "0.00").await;
    sandbox.pay(&paid, json!({})).await;
    sandbox.mine(3).await;
    sandbox.order_with_status(&paid, "completed").await;
    let badge = "<span class=\"badge\" data-tone=\"bad\">Taken back</span>";
    owner.get("/dashboard/orders").await.has(&[badge, ">Paid</span>"]);
    owner.get("/dashboard/orders?status=taken_back").await.has(&[text(&back), badge, "Page 1 of 1, 1 in all"]).lacks(&["PAID-1</a>"]);
    owner
        .get("/dashboard/orders?status=completed")
        .await
        .has(&["PAID-1", "Page 1 of 1, 1 in all"])
        .lacks(&[&format!("{}</a>", text(&back))]);
    owner.get("/dashboard/orders?status=taken_back&search=paid&from=2020-01-01").await.has(&["Nothing is found."]);
    let page = owner.get(&format!("/dashboard/orders/{}", text(&back))).await;
    page.has(&[badge, "Taken back by the network", "<p class=\"notice\" data-tone=\"bad\">"]).lacks(&[">Paid</span>", ".000Z:"]);
    owner.get(&format!("/dashboard/links/{link}")).await.has(&[badge]);
    let csv = owner.get("/dashboard/orders.csv?status=taken_back").await;
    csv.has(&[text(&back), "\"0.00\",\"true\"\r\n"]).lacks(&["PAID-1"]);
    let page = owner.get("/dashboard").await;
    page.has(&[
        "Orders taken back</a></dt><dd>1</dd>",
        "<dt>Conversion</dt><dd>50.00 %</dd>",
        "<dt>Received by paid orders</dt><dd>7.00 USDT</dd>",
    ]);
    page.has(&["Paid orders</a></dt><dd>1</dd>", "1 of 2 paid"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_merchant_without_addresses_is_warned() {
    let sandbox = Sandbox::frozen().await;
    let newcomer = Browser::member(&sandbox, &sandbox.stranger().await, Role::Owner).await;
    newcomer.get("/dashboard").await.has(&["data-tone=\"bad\">No address is free (", "First steps", "Import addresses", "Add a webhook"]);
    newcomer.get("/dashboard/addresses").await.has(&["data-tone=\"bad\">None left</span>"]);
    let good = "0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE";
    newcomer.post("/dashboard/addresses/import", &[("protocol", "evm"), ("addresses", good)]).await.is(200).lacks(&["None left"]);
    newcomer.get("/dashboard").await.lacks(&["No address is free"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn references_settings_members_and_chains_are_arranged() {
    let sandbox = Sandbox::frozen().await;
    let owner = Browser::owner(&sandbox).await;
    let bind = async |name: &str| owner.post("/dashboard/references", &[("reference", name), ("pay", "USDT@ethereum-sepolia")]).await;
    bind("user/7 ä?").await.leads_to("/dashboard/references/user%2F7%20%C3%A4%3F?done=1");
    bind("user/7 ä?").await.is(409).has(&["Nothing was done."]);
    let page = owner.get("/dashboard/references/user%2F7%20%C3%A4%3F").await;
    let payers = page.is(200).has(&["user/7 ä?", "Ethereum Sepolia", "Let go"]).between("href=\"/checkout/bnd_", "\"");
    let payer = Browser::new(&sandbox);
    let page = payer.get(&format!("/checkout/bnd_{payers}")).await;
    page.is(200).has(&["Your deposit address", "Send only USDT on Ethereum Sepolia.", "QR code of the address", "Base Sepolia"]);
    page.lacks(&["user/7", "Sandbox", "Tron"]);
    payer.get("/checkout/bnd_none").await.is(404);
    sandbox.post("/api/v1/sandbox/pay-deposit", &json!({ "depositReference": "user/7 ä?", "amount": "3.50" })).await.ok(200);
    sandbox.mine(3).await;
    sandbox.read_when("/api/v1/deposits", "there", |page| page["pagination"]["total"] == 1).await;
    owner.get("/dashboard/deposits").await.is(200).has(&["3.50 USDT", "user/7 ä?", "/dashboard/deposits.csv?"]);
    owner.get("/dashboard/deposits.csv").await.is(200).has(&["\"depositId\",", ",\"user/7 ä?\",\"3.50\",\"USDT\","]);
    assert_eq!(owner.get("/dashboard/deposits.csv?chainId=tron-nile").await.text.lines().count(), 1);
    owner.post("/dashboard/references/user%2F7%20%C3%A4%3F/unbind", &[("chainId", "ethereum-sepolia")]).await.is(303);
    owner.get("/dashboard/references/user%2F7%20%C3%A4%3F").await.is(404);
    payer.get(&format!("/checkout/bnd_{payers}")).await.is(404);

    let key = "/dashboard/settings/orders.grace_period_minutes";
    owner.get("/dashboard/settings").await.is(200).has(&["orders.grace_period_minutes", "Default"]);
    owner.post(key, &[("value", "7")]).await.leads_to(&format!("{key}?done=1"));
    owner.get("/dashboard/settings").await.has(&["Organization"]);
    for (value, says) in [("31", "must be 0 to 30"), ("a few", "must be a whole number")] {
        owner.post(key, &[("value", value)]).await.is(400).has(&[says]);
    }
    assert_eq!(sandbox.read("/api/v1/config/orders.grace_period_minutes").await["value"], 7);
    owner.post(key, &[("default", "true")]).await.is(303);
    assert_eq!(sandbox.read("/api/v1/config/orders.grace_period_minutes").await["value"], 5);
    owner.post("/dashboard/settings/services.orders_enabled", &[("value", "false")]).await.is(303);
    assert_eq!(sandbox.read("/api/v1/config/services.orders_enabled").await["value"], false);
    owner.post("/dashboard/settings/services.orders_enabled", &[("value", "true")]).await.is(303);
    owner.get("/dashboard/settings/nothing").await.is(404);

    let things = Things::make(&sandbox).await;
    let person = format!("/dashboard/members/{}", things.person);
    owner.get("/dashboard/members").await.is(200).has(&[&things.person, "owner@sandbox.example"]);
    owner.post(&person, &[("role", "admin")]).await.leads_to(&format!("{person}?done=1"));
    owner.get(&person).await.has(&["Admin"]);
    owner.post(&format!("{person}/remove"), &[]).await.leads_to("/dashboard/members?done=1");
    owner.get(&person).await.is(404);

    owner.get("/dashboard/chains").await.is(200).has(&["Ethereum Sepolia", "Followed", "Solana Devnet", "Tron Nile"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn the_sandboxs_world_is_played_with() {
    let sandbox = Sandbox::frozen().await;
    let owner = Browser::owner(&sandbox).await;
    let order = sandbox.order("PLAY-1", "5").await["orderId"].clone();
    let at = |deed: &str| format!("/dashboard/sandbox/{deed}");
    let page = owner.get("/dashboard/sandbox").await;
    // No chain is any, and nobody pays anyhow.
    let (reorg, kind) = (page.between("action=\"/dashboard/sandbox/reorg\"", "</form>"), page.between("name=\"kind\"", "</select>"));
    assert!(!reorg.contains("<option value=\"\"") && !kind.contains("<option value=\"\"") && kind.contains(">Exactly<"), "{reorg} {kind}");
    page.is(200).has(&["Stands still", "Let time run", "Nothing is to go wrong."]);
    owner.post(&at("pay"), &[("orderId", text(&order))]).await.leads_to("/dashboard/sandbox?done=1");
    owner.post(&at("mine"), &[("chainId", "ethereum-sepolia"), ("blocks", "3")]).await.is(303);
    sandbox.order_with_status(&order, "completed").await;
    let before = text(&sandbox.read("/api/v1/sandbox/clock").await["now"]).to_owned();
    owner.post(&at("advance"), &[("seconds", "600")]).await.is(303);
    assert!(*text(&sandbox.read("/api/v1/sandbox/clock").await["now"]) > *before);
    owner.post(&at("advance"), &[("seconds", "soon")]).await.is(400).has(&["must be a whole number"]);
    owner.post(&at("pay"), &[]).await.is(400).has(&["name an order or a deposit reference"]);
    owner.post(&at("pay"), &[("orderId", "ord_none")]).await.is(404);
    owner.post(&at("faults"), &[("at", "webhook"), ("fault", "lose"), ("count", "2")]).await.is(303);
    owner.get("/dashboard/sandbox").await.has(&["Lost", "Let nothing go wrong"]);
    owner.post(&at("faults/clear"), &[]).await.is(303);
    owner.post(&at("chain"), &[("chainId", "tron-nile"), ("stopped", "true")]).await.is(303);
    owner.get("/dashboard/sandbox").await.has(&["Start"]);
    owner.post(&at("reorg"), &[("chainId", "ethereum-sepolia"), ("depth", "1")]).await.is(303);
    owner.post(&at("clock"), &[("clock", "run")]).await.is(303);
    owner.get("/dashboard/sandbox").await.has(&["Runs"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn what_counts_for_nothing_says_where_it_came() {
    let sandbox = Sandbox::frozen().await;
    let owner = Browser::owner(&sandbox).await;
    let order = sandbox.order("OTHER-TOKEN", "5").await;
    sandbox.pay(&order["orderId"], json!({ "kind": "wrong_token", "amount": "5" })).await;
    sandbox.mine(3).await;
    sandbox.read_when("/api/v1/transfers?unmatched=true", "there", |page| page["pagination"]["total"] == 1).await;
    owner.get("/dashboard/unmatched").await.is(200).has(&["5.00 USDC", "Other token", text(&order["address"])]);
    let page = owner.get(&format!("/dashboard/orders/{}", text(&order["orderId"]))).await;
    page.has(&["Seen: 5.00 USDC (Other token: does not count)"]);
    owner.get("/dashboard/unmatched.csv").await.has(&[text(&order["address"]), "wrong_currency"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn what_the_core_says_is_chinese_on_chinese_pages() {
    let sandbox = Sandbox::frozen().await;
    let mut owner = Browser::owner(&sandbox).await;
    let order = sandbox.order("SHORT", "10").await["orderId"].clone();
    sandbox.pay(&order, json!({ "kind": "under" })).await;
    sandbox.mine(3).await;
    sandbox.order_when(&order, "part paid", |order| order["receivedAmount"] == "5.00").await;
    owner.cookie.push_str("; payin_language=zh");
    let page = owner.get(&format!("/dashboard/orders/{}", text(&order))).await;
    page.is(200)
        .has(&["到账金额不足，还差 5.00 USDT。", "金额不足", "（Ethereum Sepolia，交易 0x", "付款时限内（截止 "])
        .lacks(&["are missing", "Meanwhile"]);
    owner.get("/dashboard/settings").await.has(&["是否允许创建订单"]).lacks(&["Whether"]);
    owner.get("/dashboard/chains").await.has(&["已同步到区块"]).lacks(&["It is followed"]);
    let webhook = [("url", "ftp://x"), ("events", "*")];
    let key = [("name", "x"), ("expires", "2001-01-01")];
    let link = [("title", ""), ("amountType", "fixed"), ("amount", "a lot"), ("pay", "USDT@ethereum-sepolia")];
    let untitled = [("title", ""), ("amountType", "fixed"), ("amount", "5"), ("pay", "USDT@ethereum-sepolia")];
    let nowhere = "/dashboard/members/invitations/nowhere/take-back";
    for (path, form, says) in [
        (nowhere, &[][..], "此邀请已被使用、撤回或已到期。"),
        ("/dashboard/members", &[("role", "viewer"), ("guest", "a\u{7}")], "邀请对象：须为 1 至 "),
        ("/dashboard/webhooks", &webhook[..], "网址：须以 https:// 或 http:// 开头。"),
        ("/dashboard/webhooks", &[("url", "https://shop.example")], "事件：请至少选择一种事件。"),
        ("/dashboard/keys", &key, "最后一天：须为今天或以后的日期（UTC）。"),
        ("/dashboard/links", &link, "金额须为数字，例如 25.00。"),
        ("/dashboard/links", &untitled, "标题：须为 1 至 "),
        ("/dashboard/links", &[("title", "x"), ("amountType", "fixed"), ("amount", "5")], "币种与网络：须为 1 至 "),
        ("/dashboard/references", &[("reference", "a\u{7}"), ("pay", "USDT@ethereum-sepolia")], "充值账户：不能包含控制字符。"),
        ("/dashboard/addresses/import", &[("protocol", "evm")], "请选择文件，或填写地址或扩展公钥。"),
        (
            "/dashboard/addresses/import",
            &[("protocol", "evm"), ("addresses", "0x123")],
            "第 1 行：0x123：EVM 地址为 0x 加 40 位十六进制字符",
        ),
        ("/dashboard/settings/orders.grace_period_minutes", &[("value", "31")], "orders.grace_period_minutes 须为 0 至 30，目前为 31。"),
        ("/dashboard/account/password", &[("old", "wrong horse"), ("new", "another horse")], "当前密码不正确。"),
        ("/dashboard/account/password", &[("old", "wrong horse"), ("new", "short")], "密码：须为 8 至 256 个字符。"),
        ("/dashboard/account/two-step/on", &[("code", "123456")], "没有正在进行的设置，请重新开始。"),
        ("/dashboard/sandbox/pay", &[], "请填写订单编号或充值账户。"),
        ("/dashboard/sandbox/advance", &[("seconds", "soon")], "秒：须为整数，目前为“soon”。"),
    ] {
        let page = owner.post(path, form).await;
        assert!((400..500).contains(&page.status), "{}: {}", page.at, page.status);
        page.has(&["未执行任何操作。", says]).lacks(&["must ", "填写有误"]);
    }
    sandbox.stop().await;
}
