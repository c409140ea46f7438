//! The CryptoPay API over HTTP: orders, transactions and wallets, what is refused in its own words, and what of it the other APIs show.

mod errors;
mod sessions;
mod webhooks;

use payin_tests::sandbox::{Ask, Reply, Sandbox, text};
use payin_tests::seeds::{self, Kind};
use serde_json::{Value, json};

pub const ORDERS: &str = "/api/payment-orders/";
pub const WALLETS: &str = "/api/merchant-wallets/";
const TRANSACTIONS: &str = "/api/transactions/";
pub const CHAIN: &str = "base-sepolia";

pub fn wish(nonce: u64, amount: &str) -> Value {
    json!({ "amount": amount, "currency": "USDC", "blockchain": "base", "order_info": "{\"product\":\"Premium Plan\"}", "nonce": nonce })
}

async fn create(sandbox: &Sandbox, nonce: u64, amount: &str) -> Value {
    sandbox.post(ORDERS, &wish(nonce, amount)).await.ok(201)["data"].clone()
}

/// Says no in this API's form, about this field.
#[track_caller]
pub fn refused(reply: &Reply, status: u16, code: &str, field: &str) {
    reply.refused(status, code, "");
    let fields: Vec<&String> = reply.json.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["error", "success", "timestamp"], "{}", reply.text);
    let details = reply.json["error"]["details"].as_object().expect("details");
    assert!(if field.is_empty() { details.is_empty() } else { details.contains_key(field) }, "not about {field}: {}", reply.text);
}

/// Pays an order of this API on its chain, and lets it be confirmed.
pub async fn pay(sandbox: &Sandbox, id: &Value) {
    sandbox.pay(&native_id(id), json!({})).await;
    sandbox.post("/api/v1/sandbox/mine", &json!({ "chainId": CHAIN, "blocks": 3 })).await.ok(200);
}

/// The same order, as the native API names it.
fn native_id(id: &Value) -> Value {
    json!(format!("ord_{}", text(id).strip_prefix("ORD-").expect("an id of this API")))
}

async fn orders(sandbox: &Sandbox) {
    let mut full = wish(1_704_110_400_000, "100.00");
    full["redirect_url"] = json!("https://shop.example/thanks");
    full["webhook_url"] = json!("http://127.0.0.1:9/hook");
    let answer = sandbox.post(ORDERS, &full).await.ok(201);
    assert_eq!((&answer["success"], &answer["message"]), (&json!(true), &json!("Payment order created")));
    let made = &answer["data"];
    for field in ["amount", "currency", "blockchain", "order_info", "nonce", "redirect_url"] {
        assert_eq!(made[field], full[field], "{field}");
    }
    let id = text(&made["order_id"]);
    assert_eq!((&made["id"], &made["status"], &made["transaction"]), (&json!(1), &json!("pending"), &Value::Null));
    assert_eq!(text(&made["payment_url"]), format!("{}/order/{id}", sandbox.url()));
    assert_eq!(text(&made["qr_code_url"]), format!("/qr/{id}"));

    // By number and by id, with and without the slash, it is the same.
    for path in [format!("{ORDERS}{id}/"), format!("{ORDERS}{id}"), format!("{ORDERS}1/"), format!("{ORDERS}1")] {
        assert_eq!(&sandbox.read(&path).await["data"], made, "{path}");
    }
    // The same again is the same order; written otherwise it is still the same; another wish is refused.
    let again = sandbox.post("/api/payment-orders", &full).await.ok(200);
    assert_eq!(&again["data"], made);
    full["amount"] = json!("100");
    assert_eq!(sandbox.post(ORDERS, &full).await.ok(200)["data"]["order_id"], made["order_id"]);
    full["amount"] = json!("100.01");
    refused(&sandbox.post(ORDERS, &full).await, 400, "VALIDATION_ERROR", "nonce");

    // Of one moment they would be in no order.
    sandbox.advance(1).await;
    // An order may say when its time ends, to the millisecond, and the same again is the same also when that has passed.
    let now = text(&sandbox.read("/api/v1/sandbox/clock").await["now"]).parse::<payin_types::Timestamp>().expect("a time");
    let ends_at = now.plus(std::time::Duration::from_millis(90_123));
    let mut timed = wish(2, "1");
    timed["expires_at"] = json!(ends_at);
    let second = sandbox.post(ORDERS, &timed).await.ok(201)["data"].clone();
    assert_eq!((&second["expires_at"], &second["id"]), (&json!(ends_at), &json!(2)));
    sandbox.advance(100).await;
    assert_eq!(sandbox.post(ORDERS, &timed).await.ok(200)["data"]["order_id"], second["order_id"]);
    timed["nonce"] = json!(3);
    refused(&sandbox.post(ORDERS, &timed).await, 400, "VALIDATION_ERROR", "expires_at");

    // Lists: its own orders alone, newest first, in pages that lead to each other.
    sandbox.order("NATIVE", "5").await;
    let third = create(sandbox, 4, "0.000001").await;
    assert_eq!(third["id"], json!(3), "numbers have no gaps");
    let (mut page, mut seen) = (sandbox.read(&format!("{ORDERS}?page=1&page_size=2")).await, Vec::new());
    assert_eq!((&page["count"], &page["previous"]), (&json!(3), &Value::Null));
    loop {
        seen.extend(page["results"].as_array().expect("results").iter().map(|order| order["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        let (here, next) = (page.clone(), next.to_owned());
        page = sandbox.read(&next).await;
        assert_eq!(sandbox.read(text(&page["previous"])).await, here);
    }
    assert_eq!(seen, [json!(3), json!(2), json!(1)]);

    // To the native API it is an order as any other; what came through that is none of this one's.
    let native = sandbox.order_now(&native_id(&made["order_id"])).await;
    assert_eq!(
        (&native["orderReference"], &native["chainId"], &native["amount"]),
        (&json!("1704110400000"), &json!(CHAIN), &json!("100.00"))
    );
    let native = sandbox.order("77", "5").await;
    let theirs = text(&native["orderId"]).replace("ord_", "ORD-");
    refused(&sandbox.get(&format!("{ORDERS}{theirs}/")).await, 404, "NOT_FOUND", "");
    refused(&sandbox.post(ORDERS, &wish(77, "5")).await, 400, "VALIDATION_ERROR", "nonce");
    assert_eq!(sandbox.read("/api/v1/webhooks/endpoints").await["pagination"]["total"], 0, "an order's own endpoint is not among them");
}

#[tokio::test]
async fn an_order_is_created_once_shown_and_listed_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    orders(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn an_order_is_created_once_shown_and_listed_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    orders(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn many_at_once_make_one_order_and_others_are_numbered_without_gaps() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    let all = futures_util::future::join_all((0..24).map(|n| sandbox.post_owned(ORDERS, wish(n % 8, "2")))).await;
    let created = all.iter().filter(|reply| reply.status == 201).count();
    assert!(all.iter().all(|reply| [200, 201].contains(&reply.status)), "{all:?}");
    let numbers: std::collections::BTreeSet<u64> = all.iter().map(|reply| reply.json["data"]["id"].as_u64().expect("a number")).collect();
    assert_eq!((created, numbers), (8, (1..=8).collect()));
    sandbox.stop().await;
}

/// One customer, three APIs: what is paid through one is seen through the others, each in its own words.
#[tokio::test]
async fn a_payment_is_a_transaction_here_and_a_transfer_there() {
    let sandbox = Sandbox::frozen().await;
    let order = create(&sandbox, 1, "100.00").await;
    pay(&sandbox, &order["order_id"]).await;
    let path = format!("{ORDERS}{}/", text(&order["order_id"]));
    let paid = sandbox.read_when(&path, "confirmed", |answer| answer["data"]["status"] == "confirmed").await["data"].clone();
    assert_eq!((&paid["amount_received"], &paid["transaction"]["confirmations"]), (&json!("100.00"), &json!(4)));
    let hash = text(&paid["transaction"]["transaction_hash"]);

    let native = sandbox.read(&format!("/api/v1/transfers?txHash={hash}")).await["data"][0].clone();
    let listed = sandbox.read(TRANSACTIONS).await;
    let one = sandbox.read(&format!("{TRANSACTIONS}{hash}/")).await["data"].clone();
    assert_eq!((&listed["count"], &listed["results"][0]), (&json!(1), &one));
    for (here, there) in [
        ("id", "transferId"),
        ("transaction_hash", "txHash"),
        ("amount", "amount"),
        ("currency", "currency"),
        ("from_address", "fromAddress"),
        ("to_address", "toAddress"),
        ("block_number", "blockNumber"),
        ("confirmations", "confirmations"),
        ("status", "status"),
        ("created_at", "detectedAt"),
        ("confirmed_at", "confirmedAt"),
    ] {
        assert_eq!(one[here], native[there], "{here}");
    }
    assert_eq!((&one["order_id"], &one["blockchain"]), (&order["order_id"], &json!("base")));
    // Hashes are the same in either case.
    assert_eq!(sandbox.read(&format!("{TRANSACTIONS}{}", hash.to_uppercase().replace("0X", "0x"))).await["data"], one);

    // The other way round: orders of the other two are transactions here, and no payment orders.
    let other = sandbox.order("NATIVE", "5").await;
    sandbox.pay(&other["orderId"], json!({})).await;
    let seen = sandbox.order_seen(&other["orderId"]).await;
    let theirs = sandbox.read(&format!("{TRANSACTIONS}{}/", text(&seen["txHash"]))).await["data"].clone();
    assert_eq!((&theirs["blockchain"], &theirs["status"]), (&json!("ethereum"), &json!("pending")));
    let payment = json!({ "amount": "1", "currency": "USDT", "external_id": "x" });
    let payment = sandbox.post("/api/v1/payments", &payment).await.ok(201);
    sandbox.pay(&payment["id"], json!({})).await;
    let tron = sandbox.read_when(TRANSACTIONS, "three", |page| page["count"] == 3).await;
    let results = tron["results"].as_array().expect("results");
    assert!(results.iter().any(|transaction| transaction["blockchain"] == "tron-nile"), "{tron}");
    assert_eq!(sandbox.read(ORDERS).await["count"], json!(1));
    // Nobody else's.
    let stranger = sandbox.stranger().await;
    assert_eq!(sandbox.ask("GET", TRANSACTIONS).key(&stranger).send().await.ok(200)["count"], json!(0));
    refused(&sandbox.ask("GET", &format!("{TRANSACTIONS}{hash}/")).key(&stranger).send().await, 404, "NOT_FOUND", "");
    sandbox.stop().await;
}

const XPUB: &str = "xpub6DCoCpSuQZB2jawqnGMEPS63ePKWkwWPH4TU45Q7LPXWuNd8TMtVxRrgjtEshuqpK3mdhaWHPFsBngh5GFZaM6si3yZdUsT8ddYM3PwnATt";

/// An account's key is put away with its addresses, and taken back with them; in between it gives none, and cannot be added again.
/// What arrives and counts for nothing says so, however well its chain confirms it: a shop must not deliver for it.
#[tokio::test]
async fn money_that_does_not_count_says_why() {
    let sandbox = Sandbox::frozen().await;
    for (nonce, kind, reason, status) in [(1, "wrong_token", "wrong_currency", "pending"), (2, "late", "late", "expired")] {
        let order = create(&sandbox, nonce, "5.00").await;
        sandbox.pay(&native_id(&order["order_id"]), json!({ "kind": kind })).await;
        sandbox.post("/api/v1/sandbox/mine", &json!({ "chainId": CHAIN, "blocks": 3 })).await.ok(200);
        let of_order =
            |answer: &Value| answer["results"][0]["order_id"] == order["order_id"] && answer["results"][0]["status"] == "confirmed";
        let arrived = sandbox.read_when(TRANSACTIONS, "confirmed", of_order).await["results"][0].clone();
        assert_eq!(arrived["unmatched_reason"], json!(reason));
        let path = format!("{ORDERS}{}/", text(&order["order_id"]));
        let shown = sandbox.read_when(&path, status, |answer| answer["data"]["status"] == status).await["data"].clone();
        assert_eq!((&shown["amount_received"], shown.get("paid_late_at").is_some()), (&json!("0.00"), kind == "late"), "{shown}");
    }
    let order = create(&sandbox, 3, "5.00").await;
    pay(&sandbox, &order["order_id"]).await;
    let good = sandbox.read_when(TRANSACTIONS, "confirmed", |answer| answer["results"][0]["status"] == "confirmed").await;
    assert_eq!(good["results"][0].get("unmatched_reason"), None);
    sandbox.stop().await;
}

async fn an_account_is_put_away(sandbox: &Sandbox, merchant: &str, account: &Value) {
    let ask = |method: &str, path: &str| -> Ask<'_> { sandbox.ask(method, path).key(merchant) };
    let path = format!("{WALLETS}{}/", text(&account["id"]));
    let set = async |is_active: bool| ask("PUT", &path).json(&json!({ "is_active": is_active })).send().await.ok(200)["data"].clone();
    let away = set(false).await;
    assert_eq!((&away["is_active"], &away["id"]), (&json!(false), &account["id"]));
    refused(&ask("POST", ORDERS).json(&wish(10, "1")).send().await, 503, "NO_WALLET_AVAILABLE", "");
    refused(&ask("POST", WALLETS).json(&json!({ "blockchain": "base", "xpub": XPUB })).send().await, 400, "VALIDATION_ERROR", "xpub");
    let body = json!({ "protocol": "evm", "xpub": XPUB, "count": 1 });
    ask("POST", "/api/v1/address-pool/import").json(&body).send().await.refused(400, "VALIDATION_ERROR", "was put away");
    assert_eq!(&set(true).await, account);
}

async fn wallets(sandbox: &Sandbox) {
    let merchant = sandbox.stranger().await;
    let ask = |method: &str, path: &str| -> Ask<'_> { sandbox.ask(method, path).key(&merchant) };
    let add = async |body: Value| ask("POST", WALLETS).json(&body).send().await;
    let order = async |nonce: u64| ask("POST", ORDERS).json(&wish(nonce, "1")).send().await;

    // Without a wallet there is no order, and it says what to do.
    let none = order(1).await;
    refused(&none, 503, "NO_WALLET_AVAILABLE", "");
    none.refused(503, "NO_WALLET_AVAILABLE", "add addresses, or an account's xpub");
    assert_eq!(none.header("retry-after"), "60");

    // One wallet, one open order at a time.
    let address = "0x52908400098527886E0F7030069857D2E4169EE7";
    let made = add(json!({ "blockchain": "base", "address": address.to_lowercase() })).await.ok(201)["data"].clone();
    assert_eq!(
        (&made["address"], &made["blockchain"], &made["is_active"], &made["xpub"]),
        (&json!(address), &json!("base"), &json!(true), &Value::Null)
    );
    assert_eq!(order(1).await.ok(201)["data"]["receiving_address"], made["address"]);
    refused(&order(2).await, 503, "NO_WALLET_AVAILABLE", "");
    // In use it cannot be put away.
    let update = async |id: &Value, body: Value| ask("PUT", &format!("{WALLETS}{}/", text(id))).json(&body).send().await;
    refused(&update(&made["id"], json!({ "is_active": false })).await, 409, "CONFLICT", "");
    // It is in the native pool, and for the other EVM chains too; so it cannot be added again for another.
    for word in ["base", "polygon"] {
        refused(&add(json!({ "blockchain": word, "address": address })).await, 400, "VALIDATION_ERROR", "address");
    }
    let pool = ask("GET", "/api/v1/address-pool/addresses").send().await.ok(200);
    assert_eq!((&pool["pagination"]["total"], &pool["data"][0]["address"]), (&json!(1), &json!(address)));

    // What is no wallet is refused by field, and a secret is told to be one.
    for (body, field) in [
        (json!({ "blockchain": "base" }), "address"),
        (json!({ "blockchain": "tron", "address": address }), "blockchain"),
        (json!({ "address": address }), "blockchain"),
        (json!({ "blockchain": "base", "address": "0x1" }), "address"),
        (json!({ "blockchain": "base", "address": "0x0000000000000000000000000000000000000000" }), "address"),
        (json!({ "blockchain": "base", "address": "0x036CbD53842c5426634e7929541eC2318f3dCF7e" }), "address"),
        (json!({ "blockchain": "base", "address": address.replace('E', "e") }), "address"),
        (json!({ "blockchain": "base", "address": "1".repeat(64) }), "address"),
        (json!({ "blockchain": "base", "address": address, "xpub": XPUB }), "xpub"),
        (
            json!({ "blockchain": "base", "xpub": "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi" }),
            "xpub",
        ),
        (json!({ "blockchain": "base", "address": address, "label": "x" }), "label"),
    ] {
        refused(&add(body).await, 400, "VALIDATION_ERROR", field);
    }

    // An account's key: as many orders as it has addresses; listed as one wallet.
    sandbox.advance(1).await;
    let account = add(json!({ "blockchain": "polygon", "xpub": XPUB })).await.ok(201)["data"].clone();
    // As it is kept: the key without what a wallet writes beside it.
    assert!(text(&account["xpub"]).starts_with("xpub6") && account["blockchain"] == "polygon", "{account}");
    for again in [&json!(XPUB), &account["xpub"]] {
        refused(&add(json!({ "blockchain": "base", "xpub": again })).await, 400, "VALIDATION_ERROR", "xpub");
    }
    refused(&add(json!({ "blockchain": "base", "address": account["address"] })).await, 400, "VALIDATION_ERROR", "address");
    assert_eq!(order(2).await.ok(201)["data"]["receiving_address"], account["address"]);
    for nonce in 3..10 {
        order(nonce).await.ok(201);
    }
    let listed = ask("GET", WALLETS).send().await.ok(200);
    assert_eq!((&listed["count"], &listed["results"]), (&json!(2), &json!([account, made])));

    an_account_is_put_away(sandbox, &merchant, &account).await;
    order(10).await.ok(201);

    // Put away, and taken back; under another chain.
    let spare = "0x8db97C7cEcE249c2b98bDC0226Cc4C2A57BF52FC";
    let spare = add(json!({ "blockchain": "base", "address": spare })).await.ok(201)["data"].clone();
    let away = update(&spare["id"], json!({ "is_active": false, "address": spare["address"] })).await.ok(200)["data"].clone();
    assert_eq!(away["is_active"], json!(false));
    let pool = ask("GET", "/api/v1/address-pool/addresses?state=archived").send().await.ok(200);
    assert_eq!(pool["data"][0]["address"], spare["address"]);
    let back = update(&spare["id"], json!({ "is_active": true, "blockchain": "arbitrum" })).await.ok(200)["data"].clone();
    assert_eq!((&back["is_active"], &back["blockchain"]), (&json!(true), &json!("arbitrum")));
    refused(&update(&spare["id"], json!({ "address": address })).await, 400, "VALIDATION_ERROR", "address");
    refused(&update(&json!("xpb_none"), json!({})).await, 404, "NOT_FOUND", "");
    let theirs = sandbox.ask("PUT", &format!("{WALLETS}{}/", text(&spare["id"]))).json(&json!({ "is_active": false })).send().await;
    refused(&theirs, 404, "NOT_FOUND", "");
}

#[tokio::test]
async fn wallets_are_the_pool_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    wallets(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn wallets_are_the_pool_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    wallets(&sandbox).await;
    sandbox.stop().await;
}

/// Every request of the document, as it stands there.
#[tokio::test]
async fn every_example_of_the_document_is_taken() {
    let sandbox = Sandbox::frozen().await;
    let order = create(&sandbox, 1, "1").await;
    pay(&sandbox, &order["order_id"]).await;
    let path = format!("{ORDERS}{}/", text(&order["order_id"]));
    let paid = sandbox.read_when(&path, "confirmed", |answer| answer["data"]["status"] == "confirmed").await;
    let hash = text(&paid["data"]["transaction"]["transaction_hash"]);
    for nonce in 2..52 {
        create(&sandbox, nonce, "1").await;
    }
    let user = json!({ "username": "your-username", "email": "a@shop.example", "password": "your-password", "shop_name": "A shop" });
    sandbox.ask("POST", "/api/auth/register").no_key().json(&user).send().await.ok(201);
    let endpoint = sandbox.post("/api/webhook-endpoints/", &json!({ "url": "https://a.example/" })).await.ok(201)["data"]["id"].clone();
    let requests: Vec<_> = seeds::all().into_iter().filter(|fixture| fixture.seed == "003" && fixture.kind == Kind::Request).collect();
    assert!(requests.len() >= 8, "only {} examples", requests.len());
    for fixture in requests {
        let hash_of_document =
            fixture.path.strip_prefix(TRANSACTIONS).filter(|rest| !rest.is_empty()).map(|rest| rest.trim_end_matches('/'));
        let path = hash_of_document.map_or(fixture.path.clone(), |shown| fixture.path.replace(shown, hash));
        let path = path.replace("whe_abc123", text(&endpoint));
        let ask = sandbox.ask(&fixture.method, &path);
        let reply = if fixture.body.is_null() { ask.send().await } else { ask.json(&fixture.body).send().await };
        let creates = fixture.method == "POST" && !path.contains("/auth/login");
        assert_eq!(reply.status, if creates { 201 } else { 200 }, "{} ({} {path}): {}", fixture.name(), fixture.method, reply.text);
        if path.contains("/auth/") {
            continue;
        }
        for (field, sent) in fixture.body.as_object().into_iter().flatten() {
            assert_eq!(&reply.json["data"][field], sent, "{}: {field}", fixture.name());
        }
    }
    sandbox.stop().await;
}

/// The page is the one of all APIs' orders.
#[tokio::test]
async fn an_order_has_a_page_and_a_code() {
    let sandbox = Sandbox::frozen().await;
    let mut full = wish(1, "100.00");
    full["redirect_url"] = json!("https://shop.example/?a=%3Cb%3E&c='\"d&o={{orderId}}");
    let order = sandbox.post(ORDERS, &full).await.ok(201)["data"].clone();
    let fetch = async |path: &str| {
        let response = payin_tests::nodes::http_client().get(format!("{}{path}", sandbox.url())).send().await.expect("an answer");
        let header = |name: &str| response.headers().get(name).map_or("", |value| value.to_str().expect("text")).to_owned();
        let headers = [header("content-type"), header("content-security-policy"), header("location")];
        (response.status().as_u16(), headers, response.text().await.expect("a body"))
    };
    let page_path = format!("/order/{}", text(&order["order_id"]));
    let (status, [_, _, page], _) = fetch(&page_path).await;
    assert_eq!((status, page), (302, format!("/checkout/ord_{}", text(&order["order_id"]).trim_start_matches("ORD-"))));
    let (status, [_, _, page], _) = fetch(&format!("{page_path}/?lang=zh")).await;
    assert!(status == 302 && page.ends_with("?lang=zh"), "{page}");
    let (status, _, shown) = fetch(page.split('?').next().expect("a path")).await;
    assert_eq!(status, 200);
    for part in [">100.00</span> <span class=\"unit\">USDC<", text(&order["receiving_address"]), "Base", "Waiting for your payment"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("shop.example"), "nobody is sent away before having paid");
    let (status, [kind, policy, _], image) = fetch(text(&order["qr_code_url"])).await;
    assert_eq!((status, kind.as_str()), (200, "image/svg+xml"));
    assert!(policy.contains("default-src 'none'") && image.starts_with("<svg") && !image.contains("<script"));

    pay(&sandbox, &order["order_id"]).await;
    let path = format!("{ORDERS}1/");
    sandbox.read_when(&path, "confirmed", |answer| answer["data"]["status"] == "confirmed").await;
    let (_, _, shown) = fetch(&page).await;
    assert!(shown.contains("付款完成") && !shown.contains("http-equiv"), "{shown}");
    let back = format!("href=\"https://shop.example/?a=%3Cb%3E&#38;c=&#39;&#34;d&#38;o={}\"", text(&native_id(&order["order_id"])));
    assert!(shown.contains(&back), "as it was given, but for the order's id: {shown}");
    for path in ["/order/ORD-none", "/order/1", "/qr/1/", "/order/x/y"] {
        refused(&sandbox.ask("GET", path).no_key().send().await, 404, "NOT_FOUND", "");
    }
    sandbox.stop().await;
}

/// With the API off, nothing of it is there: its paths are nobody's, in the native API's words.
#[tokio::test]
async fn an_api_that_is_not_spoken_is_not_there() {
    use payin_server::http::dialect::Apis;
    let others = Sandbox::with(|options| (options.frozen, options.apis) = (true, Apis::named(["payin", "paywarden"]).expect("APIs"))).await;
    for (method, path) in
        [("POST", ORDERS), ("GET", "/api/payment-orders/1/"), ("GET", TRANSACTIONS), ("GET", WALLETS), ("GET", "/order/ORD-x")]
    {
        let reply = others.without_judge(method, path).await;
        assert_eq!((reply.0, &reply.1["code"]), (404, &json!("RESOURCE_NOT_FOUND")), "{method} {path}");
    }
    assert_eq!(others.get("/api/v1/me").await.status, 200);
    others.stop().await;
    let alone = Sandbox::with(|options| (options.frozen, options.apis) = (true, Apis::named(["cryptopay"]).expect("an API"))).await;
    assert_eq!(alone.without_judge("GET", "/api/v1/me").await.0, 404);
    create(&alone, 1, "1").await;
    alone.stop().await;
}
