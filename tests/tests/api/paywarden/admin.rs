//! The administration of the PayWarden API: people sign in and out, run merchants and their keys, and see what those come to; nobody sees
//! another's.

use std::time::Duration;

use payin_tests::nodes::receiver::{Answer, Receiver};
use payin_tests::sandbox::{Ask, PASSWORD, Reply, Sandbox, text};
use payin_types::{ExposeSecret as _, Role, Timestamp};
use serde_json::{Value, json};

use super::{PAYMENTS, refused, wish};

const LOGIN: &str = "/api/v1/admin/login";
const LOGOUT: &str = "/api/v1/admin/logout";
const STATS: &str = "/api/v1/admin/stats";
const MERCHANTS: &str = "/api/v1/admin/merchants";
const WEBHOOKS: &str = "/api/v1/admin/webhooks";
const TRON: &str = "tron-nile";

/// Somebody who has signed in.
struct Alice<'a> {
    sandbox: &'a Sandbox,
    token: String,
}

impl Alice<'_> {
    fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        self.sandbox.ask(method, path).key(&self.token)
    }

    async fn read(&self, path: &str) -> Value {
        self.ask("GET", path).send().await.ok(200)
    }

    async fn make(&self, name: &str) -> Value {
        self.ask("POST", MERCHANTS).json(&json!({ "name": name })).send().await.ok(201)
    }
}

async fn alice(sandbox: &Sandbox) -> Alice<'_> {
    Alice { sandbox, token: sandbox.admin(sandbox.key(), Role::Owner).await }
}

async fn now(sandbox: &Sandbox) -> Timestamp {
    text(&sandbox.read("/api/v1/sandbox/clock").await["now"]).parse().expect("a time")
}

async fn sessions(sandbox: &Sandbox) {
    let log_in = async |body: Value| sandbox.ask("POST", LOGIN).no_key().json(&body).send().await;
    // The only one need not say who she is; of two each must.
    log_in(json!({ "password": sandbox.owner().1 })).await.ok(200);
    let (email, id) = sandbox.person(sandbox.key(), Role::Owner).await;
    let reply = log_in(json!({ "email": email, "password": PASSWORD })).await;
    let token = text(&reply.json["token"]).to_owned();
    assert_eq!(reply.json["expires_at"], json!(now(sandbox).await.plus(Duration::from_secs(86_400)).to_string()));
    let cookie = reply.header("set-cookie").to_owned();
    assert_eq!(cookie, format!("paywarden_admin={token}; Path=/api/v1/admin; Max-Age=86400; HttpOnly; SameSite=Strict"));
    let (other, _) = sandbox.person(sandbox.key(), Role::Viewer).await;
    refused(&log_in(json!({ "password": PASSWORD })).await, 400, "INVALID_BODY", "several accounts");
    for (email, password) in [(email.as_str(), "wrong horse battery"), ("nobody", PASSWORD), ("\u{0}", PASSWORD), (&email, "")] {
        let reply = log_in(json!({ "email": email, "password": password })).await;
        refused(&reply, 401, "UNAUTHORIZED", "The name or the password is wrong");
    }
    for body in [json!({}), json!({ "email": email }), json!({ "password": 1 }), json!({ "password": PASSWORD, "username": "x" })] {
        let reply = log_in(body).await;
        refused(&reply, 400, "INVALID_BODY", "");
        assert!(!reply.text.contains(PASSWORD));
    }

    // By either way, and by one alone.
    let asked =
        |headers: &[(&str, &str)]| headers.iter().fold(sandbox.ask("GET", STATS).no_key(), |ask, (name, value)| ask.header(name, value));
    let (bearer, pair) = (format!("Bearer {token}"), format!("a=b; paywarden_admin={token}; c"));
    for headers in [&[("Authorization", bearer.as_str())][..], &[("Cookie", &pair)], &[("Authorization", &bearer), ("Cookie", &pair)]] {
        asked(headers).send().await.ok(200);
    }
    let key = format!("Bearer {}", sandbox.key());
    for (headers, says) in [
        (&[][..], "sign in"),
        (&[("X-API-Key", sandbox.key())], "sign in"),
        (&[("Authorization", key.as_str())], "sign in again"),
        (&[("Authorization", "Basic YTpi")], "Bearer"),
        (&[("Authorization", &bearer), ("Cookie", "paywarden_admin=x")], "two different"),
    ] {
        refused(&asked(headers).send().await, 401, "UNAUTHORIZED", says);
    }
    // A session is none of the merchant's keys.
    refused(&sandbox.ask("GET", PAYMENTS).key(&token).send().await, 401, "UNAUTHORIZED", "");

    // Signing out ends one session, and at once; whoever signs in again in the same second has another.
    let second = sandbox.log_in(&email).await;
    assert_ne!(second, token);
    let out = sandbox.ask("POST", LOGOUT).key(&token).send().await;
    assert_eq!(out.header("set-cookie"), "paywarden_admin=; Path=/api/v1/admin; Max-Age=0; HttpOnly; SameSite=Strict");
    let stands = async |token: &str| sandbox.ask("GET", STATS).key(token).send().await;
    refused(&stands(&token).await, 401, "UNAUTHORIZED", "sign in again");
    refused(&sandbox.ask("POST", LOGOUT).key(&token).send().await, 401, "UNAUTHORIZED", "");
    stands(&second).await.ok(200);
    let third = sandbox.log_in(&email).await;
    stands(&third).await.ok(200);

    // Who they are is asked on every call.
    let viewer = sandbox.log_in(&other).await;
    refused(&stands(&viewer).await, 403, "FORBIDDEN", "viewer");
    sandbox.ask("POST", LOGOUT).key(&viewer).send().await.ok(200);
    sandbox.database().execute(&format!("UPDATE memberships SET role = 'viewer' WHERE user_id = '{id}'")).await;
    refused(&stands(&second).await, 403, "FORBIDDEN", "viewer");
    sandbox.database().execute(&format!("UPDATE memberships SET role = 'admin' WHERE user_id = '{id}'")).await;
    stands(&second).await.ok(200);
    sandbox.database().execute(&format!("UPDATE users SET disabled_at = 1 WHERE id = '{id}'")).await;
    refused(&stands(&second).await, 401, "UNAUTHORIZED", "");
    sandbox.database().execute(&format!("UPDATE users SET disabled_at = NULL WHERE id = '{id}'")).await;
    // And a day is a day.
    sandbox.advance(86_399).await;
    stands(&third).await.ok(200);
    sandbox.advance(1).await;
    refused(&stands(&third).await, 401, "UNAUTHORIZED", "");
}

/// Nor for a page of a sister site, to which the browser gives the cookie along.
async fn is_not_for_other_sites(alice: &Alice<'_>, path: &str) {
    for (name, value) in [("Sec-Fetch-Site", "same-site"), ("Origin", "https://shop.example.com")] {
        refused(&alice.ask("POST", path).header(name, value).send().await, 403, "FORBIDDEN", "another site");
    }
}

async fn merchants(sandbox: &Sandbox) {
    let alice = alice(sandbox).await;
    let shop = Receiver::start().await;
    let hook = shop.url().to_owned();
    // The organization that she belongs to is one; another is made with a key and a secret.
    let first = alice.read(MERCHANTS).await["data"][0].clone();
    assert_eq!((&first["name"], &first["active"]), (&json!("Sandbox"), &json!(true)));
    assert!(sandbox.key().starts_with(text(&first["api_key_prefix"])));
    sandbox.advance(1).await;
    let made = alice.ask("POST", MERCHANTS).json(&json!({ "name": "Second", "webhook_url": hook })).send().await.ok(201);
    let (id, key) = (text(&made["id"]), text(&made["api_key"]).to_owned());
    let path = format!("{MERCHANTS}/{id}");
    assert!(key.starts_with(text(&made["api_key_prefix"])) && text(&made["webhook_secret"]).starts_with("whsec_"), "{made}");
    let again = alice.ask("POST", MERCHANTS).json(&json!({ "name": "Second" })).send().await;
    refused(&again, 409, "CONFLICT", "'Second' already");
    let listed = alice.read(MERCHANTS).await;
    assert_eq!((&listed["total"], &listed["limit"], &listed["data"][0]["id"]), (&json!(2), &json!(100), &made["id"]));
    assert_eq!(alice.read(&format!("{MERCHANTS}?page=2&limit=1")).await["data"][0]["id"], first["id"]);
    assert!(listed["data"].as_array().expect("merchants").iter().all(|one| one.get("api_key").or(one.get("webhook_secret")).is_none()));
    let shown = alice.read(&path).await;
    assert_eq!((&shown["webhook_secret"], shown.get("api_key")), (&made["webhook_secret"], None));

    // Its key says where it is paid, and takes payments of its own; those that bring no URL along are told of at the merchant's.
    const XPUB: &str = "xpub6D1AabNHCupeiLM65ZR9UStMhJ1vCpyV4XbZdyhMZBiJXALQtmn9p42VTQckoHVn8WNqS7dqnJokZHAHcHGoaQgmv8D45oNUKx6DZMNZBCd";
    let with = |key: &str, method: &str, path: &str| sandbox.ask(method, path).key(key);
    with(&key, "POST", "/api/v1/wallet/init").json(&json!({ "xpub": XPUB })).send().await.ok(201);
    let payment = with(&key, "POST", PAYMENTS).json(&wish("one", "1.000001")).send().await.ok(201);
    assert_eq!(sandbox.read(PAYMENTS).await["total"], 0, "another merchant's");
    with(&key, "POST", "/api/v1/sandbox/pay").json(&json!({ "orderId": payment["id"] })).send().await.ok(200);
    let told = shop.next().await;
    assert_eq!((&told.json()["event"], &told.json()["order_id"]), (&json!("payment.detected"), &payment["id"]));
    // The same request is the same order, also after the merchant's URL has changed.
    let changed = alice.ask("PATCH", &path).json(&json!({ "webhook_url": null, "name": "Zweiter" })).send().await.ok(200);
    assert_eq!((&changed["name"], &changed["webhook_url"], &changed["orders_count"]), (&json!("Zweiter"), &Value::Null, &json!(1)));
    assert_eq!(with(&key, "POST", PAYMENTS).json(&wish("one", "1.000001")).send().await.ok(200)["id"], payment["id"]);
    let same = alice.ask("PATCH", &path).json(&json!({})).send().await.ok(200);
    assert_eq!(same, changed);
    for (body, status, code, says) in [
        (json!({ "name": "Sandbox" }), 409, "CONFLICT", "'Sandbox' already"),
        (json!({ "name": "" }), 400, "INVALID_BODY", "name"),
        (json!({ "name": null, "active": false }), 400, "INVALID_BODY", "active"),
        (json!({ "webhook_url": "ftp://a.example" }), 400, "INVALID_BODY", "webhook_url"),
    ] {
        refused(&alice.ask("PATCH", &path).json(&body).send().await, status, code, says);
    }
    for body in [json!({}), json!({ "name": " a" }), json!({ "name": "a\u{0}" }), json!({ "name": "b", "webhook_url": "x" })] {
        refused(&alice.ask("POST", MERCHANTS).json(&body).send().await, 400, "INVALID_BODY", "");
    }

    // A key that is replaced is taken no more, and others of the organization are.
    is_not_for_other_sites(&alice, &format!("{path}/rotate-key")).await;
    let rotated = alice.ask("POST", &format!("{path}/rotate-key")).send().await.ok(200);
    let new = text(&rotated["api_key"]).to_owned();
    assert_ne!(new, key);
    refused(&with(&key, "GET", PAYMENTS).send().await, 401, "UNAUTHORIZED", "revoked");
    with(&new, "GET", PAYMENTS).send().await.ok(200);
    let newest = alice.ask("POST", &format!("{path}/rotate-key")).send().await.ok(200);
    refused(&with(&new, "GET", PAYMENTS).send().await, 401, "UNAUTHORIZED", "revoked");
    assert!(text(&newest["api_key"]).starts_with(text(&alice.read(&path).await["api_key_prefix"])));
    // Of an organization that was made otherwise it is the oldest key; one with several keeps the others.
    let member = sandbox.key_with_role(Role::Member).await;
    let of_first = format!("{MERCHANTS}/{}/rotate-key", text(&first["id"]));
    let owners = alice.ask("POST", &of_first).send().await.ok(200);
    refused(&sandbox.get(PAYMENTS).await, 401, "UNAUTHORIZED", "revoked");
    with(&member, "GET", PAYMENTS).send().await.ok(200);
    let me = with(text(&owners["api_key"]), "GET", "/api/v1/me").send().await.ok(200);
    assert_eq!((&me["role"], &me["organization"]["id"]), (&json!("owner"), &first["id"]), "the new one may what the old one might");

    secret_takes_over(&alice, text(&made["id"])).await;

    // Without keys it is not active, and loses nothing; a new key makes it active again.
    let closed = alice.ask("DELETE", &path).send().await.ok(200);
    assert_eq!((&closed["active"], &closed["api_key_prefix"], &closed["orders_count"]), (&json!(false), &Value::Null, &json!(1)));
    refused(&with(text(&newest["api_key"]), "GET", PAYMENTS).send().await, 401, "UNAUTHORIZED", "revoked");
    assert_eq!(alice.read(STATS).await["merchants"], json!({ "total": 2, "active": 1 }));
    let revived = alice.ask("POST", &format!("{path}/rotate-key")).send().await.ok(200);
    let found = with(text(&revived["api_key"]), "GET", &format!("{PAYMENTS}/{}", text(&payment["id"]))).send().await.ok(200);
    assert_eq!((&found["external_id"], &revived["active"]), (&json!("one"), &json!(true)));
}

/// A secret that is replaced step by step is shown with when it begins to sign.
async fn secret_takes_over(alice: &Alice<'_>, id: &str) {
    let path = format!("{MERCHANTS}/{id}");
    assert_eq!(alice.read(&path).await.get("webhook_secret_signs_from"), None);
    let replaced = alice.sandbox.replace_webhook_secret(id, Duration::from_secs(86_400)).await;
    let shown = alice.read(&path).await;
    assert_eq!(text(&shown["webhook_secret"]), replaced.secret.expose_secret());
    assert_eq!(shown["webhook_secret_signs_from"], json!(replaced.signs_from.expect("a time").to_string()));
}

/// Nobody sees, or changes, what another runs; and an admin ends no owner's key.
async fn strangers(sandbox: &Sandbox) {
    let alice = alice(sandbox).await;
    let made = alice.make("Alice's").await;
    let stranger = sandbox.stranger().await;
    let bob = Alice { sandbox, token: sandbox.admin(&stranger, Role::Owner).await };
    let theirs = bob.make("Alice's").await;
    assert_eq!(bob.read(MERCHANTS).await["total"], 2);
    let unlike = |id: &str| format!("{}0000", &id[..id.len() - 4]);
    for id in [text(&made["id"]).to_owned(), unlike(text(&made["id"])), "a%00b".to_owned(), "x".repeat(300)] {
        let path = format!("{MERCHANTS}/{id}");
        for (method, path, body) in [
            ("GET", path.clone(), None),
            ("PATCH", path.clone(), Some(json!({ "name": "Bob's" }))),
            ("DELETE", path.clone(), None),
            ("POST", format!("{path}/rotate-key"), None),
        ] {
            let ask = bob.ask(method, &path);
            let reply: Reply = if let Some(body) = body { ask.json(&body).send().await } else { ask.send().await };
            refused(&reply, 404, "NOT_FOUND", "");
        }
    }
    let after = alice.read(&format!("{MERCHANTS}/{}", text(&made["id"]))).await;
    assert_eq!((&after["name"], &after["api_key_prefix"]), (&json!("Alice's"), &made["api_key_prefix"]));
    // Somebody who is admin of one organization and viewer of another runs the one.
    let (email, id) = sandbox.person(sandbox.key(), Role::Viewer).await;
    let join = format!(
        "INSERT INTO memberships (user_id, organization_id, role, created_at) VALUES ('{id}', '{}', 'admin', 9999999999999)",
        text(&theirs["id"])
    );
    sandbox.database().execute(&join).await;
    let carol = Alice { sandbox, token: sandbox.log_in(&email).await };
    let listed = carol.read(MERCHANTS).await;
    assert_eq!((&listed["total"], &listed["data"][0]["id"]), (&json!(1), &theirs["id"]));
    // The key of her merchant is an admin's; an owner's is not hers to end, and then nothing is.
    carol.ask("POST", &format!("{MERCHANTS}/{}/rotate-key", text(&theirs["id"]))).send().await.ok(200);
    let key = text(&theirs["id"]).to_owned();
    sandbox.database().execute(&format!("UPDATE api_keys SET role = 'owner' WHERE organization_id = '{key}'")).await;
    for (method, path) in [("POST", format!("{MERCHANTS}/{key}/rotate-key")), ("DELETE", format!("{MERCHANTS}/{key}"))] {
        refused(&carol.ask(method, &path).send().await, 403, "FORBIDDEN", "only an owner");
    }
    assert_eq!(carol.read(&format!("{MERCHANTS}/{key}")).await["active"], true);
}

async fn mine(sandbox: &Sandbox, blocks: u64) {
    sandbox.post("/api/v1/sandbox/mine", &json!({ "chainId": TRON, "blocks": blocks })).await.ok(200);
}

async fn paid(sandbox: &Sandbox, external_id: &str, amount: &str) {
    let payment = sandbox.post(PAYMENTS, &wish(external_id, amount)).await.ok(201);
    sandbox.pay(&payment["id"], json!({})).await;
    mine(sandbox, 20).await;
    let path = format!("{PAYMENTS}/{}", text(&payment["id"]));
    sandbox.read_when(&path, "confirmed", |payment| payment["status"] == "confirmed").await;
}

async fn statistics(sandbox: &Sandbox) {
    let alice = alice(sandbox).await;
    let nothing = alice.read(STATS).await;
    let zero = json!({ "today": "0.00", "this_month": "0.00", "total": "0.00", "currency": "USDT" });
    assert_eq!((&nothing["revenue"], &nothing["orders"]["total"]), (&zero, &json!(0)));
    let wallet = json!({ "hot_wallet_address": null, "trx_balance": null, "usdt_balance": null });
    assert_eq!((&nothing["merchants"], &nothing["wallet"]), (&json!({ "total": 1, "active": 1 }), &wallet));
    // Just before midnight, and just behind it: another day, and perhaps another month.
    let day = 86_400;
    let begun = now(sandbox).await;
    sandbox.advance((-600 - begun.secs()).rem_euclid(day).unsigned_abs()).await;
    // Up to a day has passed, and a session lasts no longer.
    let (alice, yesterday) = (self::alice(sandbox).await, now(sandbox).await);
    paid(sandbox, "a", "0.1").await;
    paid(sandbox, "b", "0.2").await;
    sandbox.advance(600).await;
    let today = now(sandbox).await;
    paid(sandbox, "c", "9999.000001").await;
    // What counts elsewhere, or nowhere: another API's order, one that is open, one of another merchant's.
    let native = sandbox.order("NATIVE", "5").await;
    sandbox.pay(&native["orderId"], json!({})).await;
    sandbox.mine(3).await;
    sandbox.order_with_status(&native["orderId"], "completed").await;
    sandbox.post(PAYMENTS, &wish("open", "7")).await.ok(201);

    let date = |time: Timestamp| time.to_string()[..10].to_owned();
    let stats = alice.read(STATS).await;
    let orders = json!({ "total": 4, "pending": 1, "confirmed_today": 1, "expired_today": 0 });
    // 0.1 and 0.2 are 0.3.
    let same_month = date(yesterday)[..7] == date(today)[..7];
    let revenue = json!({
        "today": "9999.000001", "this_month": if same_month { "9999.300001" } else { "9999.000001" }, "total": "9999.300001", "currency": "USDT"
    });
    assert_eq!((&stats["orders"], &stats["revenue"]), (&orders, &revenue));
    let daily = alice.read(&format!("{STATS}/daily?days=3")).await;
    let rows: Vec<_> = daily["data"].as_array().expect("days").iter().map(|day| (&day["date"], &day["revenue"], &day["orders"])).collect();
    let before = date(yesterday.minus(Duration::from_secs(day.unsigned_abs())));
    assert_eq!(
        rows,
        [
            (&json!(before), &json!("0.00"), &json!(0)),
            (&json!(date(yesterday)), &json!("0.30"), &json!(2)),
            (&json!(date(today)), &json!("9999.000001"), &json!(1)),
        ]
    );
    assert_eq!(alice.read(&format!("{STATS}/daily")).await["data"].as_array().map(Vec::len), Some(30));
    for wrong in ["days=0", "days=367", "days=x", "day=1"] {
        refused(&alice.ask("GET", &format!("{STATS}/daily?{wrong}")).send().await, 400, "INVALID_QUERY", "day");
    }
    let merchant = alice.read(MERCHANTS).await["data"][0].clone();
    assert_eq!((&merchant["orders_count"], &merchant["revenue_total"]), (&json!(4), &json!("9999.300001")));
    assert_eq!(merchant["orders_total"], merchant["orders_count"]);
    // The open one expires today, too: an hour, and the grace.
    sandbox.advance(2 * 3_600).await;
    mine(sandbox, 25).await;
    let expired = |stats: &Value| stats["orders"]["expired_today"] == 1 && stats["orders"]["pending"] == 0;
    let begun = std::time::Instant::now();
    while !expired(&alice.read(STATS).await) {
        assert!(begun.elapsed() < payin_tests::nodes::DEADLINE, "it does not expire");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Of nothing of this does a stranger hear.
    let bob = Alice { sandbox, token: sandbox.admin(&sandbox.stranger().await, Role::Owner).await };
    assert_eq!((&bob.read(STATS).await["revenue"], &bob.read(STATS).await["orders"]["total"]), (&zero, &json!(0)));
    assert_eq!(bob.read(&format!("{STATS}/daily?days=2")).await["data"][1]["orders"], 0);
}

async fn webhooks(sandbox: &Sandbox) {
    let alice = alice(sandbox).await;
    let shop = Receiver::start().await;
    shop.answer(Answer::status(500));
    let mut order = wish("told", "2");
    order["webhook_url"] = json!(shop.url());
    let payment = sandbox.post(PAYMENTS, &order).await.ok(201);
    let (id, path) = (text(&payment["id"]), format!("{PAYMENTS}/{}", text(&payment["id"])));
    let list = format!("{WEBHOOKS}?order_id={id}");
    let when = async |status: &str| {
        let begun = std::time::Instant::now();
        loop {
            let page = alice.read(&list).await;
            if page["data"][0]["status"] == status {
                return page["data"][0].clone();
            }
            assert!(begun.elapsed() < payin_tests::nodes::DEADLINE, "not {status}: {page}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    sandbox.pay(&payment["id"], json!({})).await;
    let first = when("retrying").await;
    assert_eq!((&first["event"], &first["attempts"], &first["response_status"]), (&json!("payment.detected"), &json!(1), &json!(500)));
    assert_eq!((&first["url"], &first["order_id"], &first["delivered_at"]), (&json!(shop.url()), &payment["id"], &Value::Null));
    let due = |hook: &Value| text(&hook["next_attempt_at"]).parse::<Timestamp>().expect("a time");
    assert_eq!(due(&first).since(now(sandbox).await).as_secs(), 2);
    let retry = |hook: &Value| format!("{WEBHOOKS}/{}/retry", text(&hook["id"]));

    // Once more, and at once; what is asked for twice is sent once. The same bytes under the same idempotency key.
    let sent = shop.next().await;
    shop.answer(Answer::status(200));
    let retried = alice.ask("POST", &retry(&first)).send().await.ok(200);
    assert_eq!((&retried["id"], &retried["status"], &retried["attempts"]), (&first["id"], &json!("pending"), &json!(0)));
    let again = shop.next().await;
    assert_eq!((again.body.clone(), again.header("X-Idempotency-Key")), (sent.body.clone(), sent.header("X-Idempotency-Key")));
    let delivered = when("delivered").await;
    assert_eq!((&delivered["attempts"], &delivered["next_attempt_at"]), (&json!(1), &Value::Null));
    refused(&alice.ask("POST", &retry(&first)).send().await, 409, "CONFLICT", "acknowledged");

    // One that failed for good: its order is failed, and then it is not.
    shop.answer(Answer::status(500));
    sandbox.advance(1).await;
    mine(sandbox, 20).await;
    for _ in 0..10 {
        let hook = sandbox_hook(&alice, &list, "payment.confirmed").await;
        if hook["status"] == "failed" {
            break;
        }
        sandbox.advance(1_024).await;
    }
    let failed = when("failed").await;
    assert_eq!(
        (&failed["event"], &failed["attempts"], &failed["next_attempt_at"]),
        (&json!("payment.confirmed"), &json!(10), &Value::Null)
    );
    assert_eq!(sandbox.read(&path).await["status"], "failed");
    for (status, total) in [("failed", 1), ("delivered", 1), ("pending", 0), ("retrying", 0), ("delivering", 0)] {
        assert_eq!(alice.read(&format!("{list}&status={status}")).await["total"], total, "{status}");
    }
    assert_eq!(alice.read(&format!("{WEBHOOKS}?page=2&limit=1")).await["data"][0]["id"], first["id"]);
    shop.answer(Answer::status(204));
    alice.ask("POST", &retry(&failed)).send().await.ok(200);
    // An endpoint that has failed often rests for a second.
    sandbox.advance(1).await;
    let completed = sandbox.read_when(&path, "completed", |payment| payment["status"] == "completed").await;
    assert_eq!(completed["amount_received"], "2.00");

    what_is_no_webhook(&alice).await;
    let bob = Alice { sandbox, token: sandbox.admin(&sandbox.stranger().await, Role::Owner).await };
    refused(&bob.ask("POST", &retry(&failed)).send().await, 404, "NOT_FOUND", text(&failed["id"]));
    assert_eq!(bob.read(&list).await["total"], 0);
    assert_eq!(bob.read(WEBHOOKS).await["total"], 0);
}

async fn what_is_no_webhook(alice: &Alice<'_>) {
    for (query, says) in [("status=lost", "'lost' is none"), ("order_id=", "order_id"), ("limit=101", "limit"), ("order_id=a%00b", "NUL")] {
        refused(&alice.ask("GET", &format!("{WEBHOOKS}?{query}")).send().await, 400, "INVALID_QUERY", says);
    }
    // What is called like none.
    for id in ["wh_none", "evt_x", "none", "x"] {
        refused(&alice.ask("POST", &format!("{WEBHOOKS}/{id}/retry")).send().await, 404, "NOT_FOUND", id);
    }
}

/// The webhook of an event, once none of its attempts is under way.
async fn sandbox_hook(alice: &Alice<'_>, list: &str, event: &str) -> Value {
    let begun = std::time::Instant::now();
    loop {
        let hook = alice.read(list).await["data"][0].clone();
        let rests = hook["event"] == event && hook["attempts"] != 0 && hook["status"] != "delivering";
        let is_due = || async {
            let due: Option<Timestamp> = hook["next_attempt_at"].as_str().and_then(|due| due.parse().ok());
            let now = now(alice.sandbox).await;
            due.is_some_and(|due| due <= now)
        };
        if rests && !is_due().await {
            return hook;
        }
        assert!(begun.elapsed() < payin_tests::nodes::DEADLINE, "no rest: {hook}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

macro_rules! on_both {
    ($($scenario:ident: $sqlite:ident, $postgres:ident;)+) => { $(
        #[tokio::test]
        async fn $sqlite() {
            let sandbox = Sandbox::frozen().await;
            $scenario(&sandbox).await;
            sandbox.stop().await;
        }

        #[tokio::test]
        async fn $postgres() {
            let sandbox = Sandbox::frozen_on_postgres().await;
            $scenario(&sandbox).await;
            sandbox.stop().await;
        }
    )+ };
}

on_both! {
    sessions: a_session_is_asked_of_every_call_on_sqlite, a_session_is_asked_of_every_call_on_postgresql;
    merchants: merchants_and_their_keys_on_sqlite, merchants_and_their_keys_on_postgresql;
    strangers: nobody_sees_what_another_runs_on_sqlite, nobody_sees_what_another_runs_on_postgresql;
    statistics: statistics_are_exact_on_sqlite, statistics_are_exact_on_postgresql;
    webhooks: webhooks_are_listed_and_tried_again_on_sqlite, webhooks_are_listed_and_tried_again_on_postgresql;
}
